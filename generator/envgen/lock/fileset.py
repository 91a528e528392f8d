"""The whole set of files of one run: bodies of both locks and the smoke test, each under its header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen import __version__
from envgen.core.platforms import Subdir
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
from envgen.lock.environment import Environment
from envgen.lock.locked import LockedSet


def environment_files(environments: Sequence[Environment], *, command: str, catalog: str) -> dict[str, str]:
    """Return file name -> text, headers included, of everything that one run writes.

    `command` remakes the set; `catalog` is the revision of the facts.
    """
    bodies = environment_bodies(environments)
    lines = {name: tuple(_lines(name, environments)) for name in bodies}
    said = [command, catalog, *(f"{name}: {line}" for name in sorted(lines) for line in lines[name])]
    run = run_digest(bodies, said)
    return {
        name: compose(
            body,
            Header(
                title=f"{__version__}: {name} for {_targets(name, environments)}",
                command=command,
                lines=lines[name],
                catalog=catalog,
                run=run,
                body=body_digest(body),
            ),
        )
        for name, body in bodies.items()
    }


def environment_bodies(environments: Sequence[Environment]) -> dict[str, str]:
    """File name -> body of everything that one run writes."""
    from envgen.files.bodies import pip_bodies

    bodies: dict[str, str] = {}
    for locked in _locked(environments, PackageSet.PIP):
        bodies |= pip_bodies(locked.pip_lock, multi=len(environments) > 1)
    bodies |= _conda_bodies(_locked(environments, PackageSet.CONDA))
    return bodies | {SMOKE_TEST.one: _smoke_body(environments)}


def _locked(environments: Sequence[Environment], package_set: PackageSet) -> list[LockedSet]:
    return [one.locked[package_set] for one in environments if package_set in one.locked]


def _conda_bodies(locked: Sequence[LockedSet]) -> dict[str, str]:
    if not locked:
        return {}
    if len(locked) == 1 and ENVIRONMENT_YML.one in locked[0].bodies:
        return dict(locked[0].bodies)
    from envgen.files.bodies import conda_bodies

    return conda_bodies([one.conda_lock for one in locked])


def _smoke_body(environments: Sequence[Environment]) -> str:
    from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu, SmokePairing, smoke_body

    pairings = [SmokePairing.of(pairing) for s in PackageSet for one in environments for pairing in one.pairings(s)]
    gpus = [SmokeGpu.of(requested.gpu) for one in environments for requested in one.request.gpus]
    expected = SmokeExpectation(pairings=tuple(dict.fromkeys(pairings)), gpus=tuple(dict.fromkeys(gpus)))
    return smoke_body(expected)


def _for(name: str, environments: Sequence[Environment]) -> Sequence[Environment]:
    """The requests that a file is for: one when its name carries a subdir, else all."""
    subdir = _subdir_of(name)
    return [one for one in environments if subdir in (None, one.request.subdir)]


def _subdir_of(name: str) -> Subdir | None:
    file = our_file(name)
    return file.subdir if file is not None else None


def _targets(name: str, environments: Sequence[Environment]) -> str:
    requests = [one.request for one in _for(name, environments)]
    first = target(requests[0])
    others = "".join(f" and {request.subdir}" for request in requests[1:])
    return first + others


def _lines(name: str, environments: Sequence[Environment]) -> Iterator[str]:
    """The facts that a file's header states."""
    for one in _for(name, environments):
        concerned = [found for s, found in one.locked.items() if set_of(name) in (s, None)]
        for locked in concerned if set_of(name) else ():
            yield from left_out_lines(locked)
        for locked in concerned:
            build = locked.pairing.build
            yield f"{locked.package_set}, {one.request.subdir}: {_holds(locked)}, {runs_as(locked.pairing)}"
            use = Use(
                file=name,
                set=locked.package_set,
                subdir=one.request.subdir,
                python=one.request.python,
                cuda=build.cuda,
                environment=build.environment_name if locked.package_set is PackageSet.CONDA else "",
            )
            yield from use_lines(use)
        yield from notice_lines([notice for notice in one.notices if _concerns(name, notice.code)])
    yield NO_TOOLKIT


def _holds(locked: LockedSet) -> str:
    build = locked.pairing.build
    if locked.package_set is PackageSet.CONDA:
        return f"pytorch {build.short_label} from {build.conda.channels[0]}"
    vision = locked.pip_lock.version_of("torchvision")
    beside = f" with torchvision {vision}" if vision else ""
    return f"torch {locked.pip_lock.version_of('torch')}{beside} (CUDA tag {build.cuda_tag})"


def left_out_lines(locked: LockedSet) -> Iterator[str]:
    """What was asked for and is not in a lock, and how it can be named."""
    for one in locked.left_out:
        way = f"--with conda:{one.conda_name} adds it" if one.conda_name else "--with conda:NAME names it as conda does"
        channel = locked.pairing.build.conda.channels[0]
        yield f"left out: {one.name}: {channel} has no package of that name; {way}"


def _concerns(name: str, code: str) -> bool:
    """True when a notice belongs into a file: notices about one side stay out of the other side's files."""
    if code in {"driver-assumed", "driver-branch-only", "gpu-note", "gpu-variants-agree", "fallback-lock"}:
        return True
    if code in {"last-build-for-gpu", "magma-no-sm75"} or code.startswith(("pip-", "no-conda")):
        return set_of(name) in (PackageSet.PIP, None)
    return set_of(name) in (PackageSet.CONDA, None)
