"""Compares files with what envgen writes for the same packages: what no other check reads is compared as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff

from envgen import __version__
from envgen.core.errors import DataError
from envgen.core.findings import Level
from envgen.core.locks import CondaLock, PipLock
from envgen.files.bodies import conda_bodies, pip_bodies
from envgen.files.header import Header, run_digest
from envgen.files.registry import CONDA_LOCK, PYLOCK
from envgen.verify.findings import Code, Finding

LANE_COMMAND = "envgen lock --all"


def check_pip_form(
    lock: PipLock, bodies: Mapping[str, str], headers: Mapping[str, Header], pylock: str
) -> Iterator[Finding]:
    """The files of a pip lock against what is written for the packages that its pylock.toml holds."""
    try:
        made = pip_bodies(lock, multi=pylock != PYLOCK.one)
    except DataError as error:
        yield _unwritable(pylock, error)
        return
    yield from _differences(bodies, made, headers)


def check_conda_form(
    locks: list[CondaLock], bodies: Mapping[str, str], headers: Mapping[str, Header]
) -> Iterator[Finding]:
    """The files of all conda locks against what is written for the packages that conda-lock.yml holds."""
    try:
        made = conda_bodies(locks)
    except DataError as error:
        yield _unwritable(CONDA_LOCK.one, error)
        return
    yield from _differences(bodies, made, headers)


def _unwritable(file: str, error: DataError) -> Finding:
    return Finding(code=Code.NOT_AS_WRITTEN, file=file, title=f"envgen could not have written it: {error.headline()}")


def _differences(
    bodies: Mapping[str, str], made: Mapping[str, str], headers: Mapping[str, Header]
) -> Iterator[Finding]:
    for name, body in sorted(made.items()):
        if name not in bodies or bodies[name] == body:
            continue
        title = "it is not what envgen writes for these packages"
        header = headers.get(name)
        # Another release of ours, or of conda-lock, may write the same packages in another way.
        own = header is not None and header.title.startswith(f"{__version__}:") and not CONDA_LOCK.matches(name)
        level = Level.ERROR if own else Level.WARNING
        evidence = tuple(_first_difference(bodies[name], body))
        yield Finding(code=Code.NOT_AS_WRITTEN, file=name, title=title, evidence=evidence, level=level)


def _first_difference(here: str, made: str) -> Iterator[str]:
    for label, sign in (("in the file", "-"), ("as written by envgen", "+")):
        lines = unified_diff(here.splitlines(), made.splitlines(), n=0, lineterm="")
        changed = (line[1:] for line in list(lines)[2:] if line.startswith(sign))
        yield f"{label}: {next(changed, '(nothing)').strip()[:160]}"


def check_run(bodies: Mapping[str, str], headers: Mapping[str, Header]) -> Iterator[Finding]:
    """The digest of the run, made again from all files: it tells a missing file and a changed header.

    To be asked of files that all have a header, the same run and an unedited body.
    """
    first = next(iter(headers.values()))
    if any((h.command, h.catalog) != (first.command, first.catalog) for h in headers.values()):
        title = "the headers of one run name different commands or catalogs"
        yield Finding(code=Code.SET_CHANGED, file=min(headers), title=title)
        return
    made = run_of(bodies, headers)
    if made != first.run:
        title = "a file of the run is missing here, or a header was changed: the run's digest is another"
        evidence = (f"stated: {first.run}", f"of these files: {made}")
        yield Finding(code=Code.SET_CHANGED, file=min(headers), title=title, evidence=evidence, level=Level.WARNING)


def run_of(bodies: Mapping[str, str], headers: Mapping[str, Header]) -> str:
    """The digest that a run would state that wrote these bodies under these headers."""
    names, first = sorted(headers), headers[min(headers)]
    if first.command == LANE_COMMAND:  # a shipped lock: the first line is the same in all its files
        lines = [line for name in names for line in headers[name].lines[1:]]
    else:
        lines = [f"{name}: {line}" for name in names for line in headers[name].lines]
    return run_digest(bodies, [first.command, first.catalog, *lines])
