"""What a run would change, for people: files, then packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envgen.cli.output import write_answer, write_json
from envgen.output.moved import MovedSet, moved_json, moved_markdown
from envgen.output.package_changes import SetChange, package_changes
from envgen.output.plan import Plan, State
from envgen.request.settings import JSON

_WORDS = {
    State.NEW: "new",
    State.CHANGED: "changed",
    State.EDITED: "edited by hand, needs --force",
    State.STALE: "removed: no longer part of the environment",
}


def planned_lines(plan: Plan) -> Iterator[str]:
    """The files of a plan with what happens to each, and the packages that move."""
    yield from (f"{change.name}: {_WORDS[change.state]}" for change in plan.pending)
    for change in package_changes(plan.pending):
        if change.before and change.after:
            yield from _moved(change)
        else:
            yield f"{change.package_set} packages in {change.file}: {change.after or change.before}"


def moved_lines(plan: Plan) -> Iterator[str]:
    """The packages that a plan moves in the locks that were there before."""
    for change in package_changes(plan.pending):
        if change.before and change.after:
            yield from _moved(change)


def _moved(change: SetChange) -> Iterator[str]:
    yield f"{change.package_set} packages in {change.file}: {len(change.moved)} of {change.after} move"
    yield from (f"  {moved}" for moved in change.moved)


def emit_moved(output_format: str, found: Iterable[MovedSet]) -> None:
    """Print what moved as JSON or as Markdown; both are there when nothing did."""
    if output_format == JSON:
        write_json(moved_json(found))
    else:
        write_answer(moved_markdown(found))
