"""The whole set of files of one run: bodies of both locks and the smoke test, each under its header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envgen import __version__
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.files.commands import (
    NO_TOOLKIT,
    notice_lines,
    runs_as,
    target,
)
from envgen.files.format import Use
from envgen.files.header import Header, body_digest, compose, run_digest
from envgen.files.registry import ENVIRONMENT_YML, SMOKE_TEST, our_file, set_of, use_lines
from envgen.lock.errors import FilesUnansweredError
from envgen.lock.obtain import Obtained
from envgen.lock.obtain_conda import CondaSide
from envgen.lock.obtain_pip import PipSide


def environment_files(obtained: Sequence[Obtained], *, command: str, catalog: str) -> dict[str, str]:
    """Return file name -> text, headers included, of everything that one run writes.

    `command` remakes the set; `catalog` is the revision of the facts.
    """
    bodies = environment_bodies(obtained)
    lines = {name: tuple(_lines(name, obtained)) for name in bodies}
    said = [command, catalog, *(f"{name}: {line}" for name in sorted(lines) for line in lines[name])]
    run = run_digest(bodies, said)
    return {
        name: compose(
            body,
            Header(
                title=f"{__version__}: {name} for {_targets(name, obtained)}",
                command=command,
                lines=lines[name],
                catalog=catalog,
                run=run,
                body=body_digest(body),
            ),
        )
        for name, body in bodies.items()
    }


def check_removals(names: Iterable[str], obtained: Sequence[Obtained]) -> None:
    """Raise FilesUnansweredError when a file would be removed because an index or channel did not answer.

    Only what has no pairing any more is stale; a lock that could not be made anew is no reason to delete the old one.
    """
    removed = sorted(names)
    for one in obtained:
        for error in one.unanswered:
            package_set = error.package_set
            subdir = one.resolution.request.subdir
            lost = [n for n in removed if set_of(n) in (package_set, None) and _subdir_of(n) in (subdir, None)]
            if lost:
                raise FilesUnansweredError(names=tuple(lost), cause=error)


def environment_bodies(obtained: Sequence[Obtained]) -> dict[str, str]:
    """File name -> body of everything that one run writes."""
    from envgen.files.bodies import pip_bodies

    multi = len(obtained) > 1
    bodies: dict[str, str] = {}
    for one in obtained:
        if one.pip is not None:
            bodies |= pip_bodies(one.pip.lock, multi=multi)
    conda = [one.conda for one in obtained if one.conda is not None]
    bodies |= _conda_bodies(conda)
    return bodies | {SMOKE_TEST.one: _smoke_body(obtained)}


def _conda_bodies(sides: Sequence[CondaSide]) -> dict[str, str]:
    if not sides:
        return {}
    if len(sides) == 1 and ENVIRONMENT_YML.one in sides[0].bodies:
        return dict(sides[0].bodies)
    from envgen.files.bodies import conda_bodies

    return conda_bodies([side.loaded() for side in sides])


def _smoke_body(obtained: Sequence[Obtained]) -> str:
    from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu, SmokePairing, smoke_body

    pairings = [SmokePairing.of(one.pip.pairing) for one in obtained if one.pip is not None]
    pairings += [SmokePairing.of(one.conda.pairing) for one in obtained if one.conda is not None]
    gpus = [SmokeGpu.of(requested.gpu) for one in obtained for requested in one.resolution.request.gpus]
    expected = SmokeExpectation(pairings=tuple(dict.fromkeys(pairings)), gpus=tuple(dict.fromkeys(gpus)))
    return smoke_body(expected)


def _for(name: str, obtained: Sequence[Obtained]) -> Sequence[Obtained]:
    """The requests that a file is for: one when its name carries a subdir, else all."""
    subdir = _subdir_of(name)
    return [one for one in obtained if subdir in (None, one.resolution.request.subdir)]


def _subdir_of(name: str) -> Subdir | None:
    file = our_file(name)
    return file.subdir if file is not None else None


def _targets(name: str, obtained: Sequence[Obtained]) -> str:
    requests = [one.resolution.request for one in _for(name, obtained)]
    first = target(requests[0])
    others = "".join(f" and {request.subdir}" for request in requests[1:])
    return first + others


def _lines(name: str, obtained: Sequence[Obtained]) -> Iterator[str]:
    """The facts that a file's header states."""
    for one in _for(name, obtained):
        request = one.resolution.request
        if one.pip is not None and set_of(name) in (PackageSet.PIP, None):
            yield from _pip_lines(name, one.pip, request)
        if one.conda is not None and set_of(name) in (PackageSet.CONDA, None):
            yield from _conda_lines(name, one.conda, request)
        yield from notice_lines([notice for notice in one.notices if _concerns(name, notice.code)])
    yield NO_TOOLKIT


def _pip_lines(name: str, side: PipSide, request: Request) -> Iterator[str]:
    build, lock = side.pairing.build, side.lock
    vision = lock.version_of("torchvision")
    beside = f" with torchvision {vision}" if vision else ""
    held = f"torch {lock.version_of('torch')}{beside} (CUDA tag {build.cuda_tag})"
    yield f"pip, {request.subdir}: {held}, {runs_as(side.pairing)}"
    yield from use_lines(Use(file=name, set=PackageSet.PIP, subdir=request.subdir, python=request.python))


def _conda_lines(name: str, side: CondaSide, request: Request) -> Iterator[str]:
    build, channel = side.pairing.build, side.pairing.build.conda.channels[0]
    yield f"conda, {request.subdir}: pytorch {build.short_label} from {channel}, {runs_as(side.pairing)}"
    use = Use(
        file=name,
        set=PackageSet.CONDA,
        subdir=request.subdir,
        python=request.python,
        cuda=build.cuda,
        environment=build.environment_name,
    )
    yield from use_lines(use)


def _concerns(name: str, code: str) -> bool:
    """True when a notice belongs into a file: notices about one side stay out of the other side's files."""
    if code in {"driver-assumed", "driver-branch-only", "gpu-note", "gpu-variants-agree", "fallback-lock"}:
        return True
    if code in {"last-build-for-gpu", "magma-no-sm75"} or code.startswith(("pip-", "no-conda")):
        return set_of(name) in (PackageSet.PIP, None)
    return set_of(name) in (PackageSet.CONDA, None)
