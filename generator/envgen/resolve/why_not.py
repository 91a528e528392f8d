"""The inverse evaluation: why one build, or each build of a CUDA tag, was not taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from envgen.core.builds import Build
from envgen.core.request import Request
from envgen.core.resolution import Rejection
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve.changes import Changes
from envgen.resolve.decision import resolve
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rejections import rejection
from envgen.resolve.rules import failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer for one build. `rejection` is None when it runs; `better` names the pairing that was preferred.

    `reasons` holds (code, text) of everything that speaks against it, the most fundamental first.
    """

    build: Build
    reasons: tuple[tuple[str, str], ...]
    rejection: Rejection | None
    chosen: bool
    better: str


def explain(builds: Catalog, request: Request, *, torch: str, cuda_tag: str) -> list[Explanation]:
    """Return an explanation for each matching build, newest first; without a release only for the newest of the tag.

    An empty `torch` or `cuda_tag` matches every build. The list is empty when the catalog has no such build.
    """
    evaluation = Evaluation.of(request, builds)
    resolution = resolve(builds, request)
    wanted = (torch, cuda_tag)
    found, changes = [], Changes(evaluation)
    for package_set in PackageSet:
        chosen = resolution.pairing(package_set)
        for build in _matching(builds.builds(package_set, request.subdir), wanted):
            found.append(_explanation(build, chosen.build if chosen else None, evaluation, changes))
    return found


def _explanation(build: Build, chosen: Build | None, evaluation: Evaluation, changes: Changes) -> Explanation:
    reasons = tuple(failures(build, evaluation))
    return Explanation(
        build=build,
        reasons=tuple((reason.code.value, reason.message) for reason in reasons),
        rejection=rejection(build, reasons[0], changes.smallest(build)) if reasons else None,
        chosen=build == chosen,
        better=chosen.label if chosen else "",
    )


def _matching(rows: Sequence[Build], wanted: tuple[str, str]) -> list[Build]:
    torch, cuda_tag = wanted
    found = [
        row for row in reversed(rows) if _is_release(row.torch, torch) and (not cuda_tag or row.cuda_tag == cuda_tag)
    ]
    if torch or not found:
        return found
    newest = found[0].torch
    return [row for row in found if row.torch == newest]


def _is_release(release: str, wanted: str) -> bool:
    """True for the release itself and, for X.Y, for each of its patch releases."""
    return not wanted or release == wanted or (wanted.count(".") == 1 and release.startswith(f"{wanted}."))
