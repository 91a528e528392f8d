"""What is said after writing: what there is now, and what to do with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.cli.newer import passed_over, with_newer_driver
from envgen.cli.next_steps import next_steps
from envgen.cli.reader import Reader
from envgen.core.resolution import Resolution
from envgen.facts.catalog import Catalog
from envgen.files.commands import runs_as
from envgen.lock.obtain import Obtained


def summary(obtained: Sequence[Obtained], builds: Catalog, reader: Reader, *, upgraded: bool = False) -> str:
    """What was written, and what to do with it. With `upgraded` the newest builds were already asked for."""
    gpus = dict.fromkeys((r.gpu.name, str(r.gpu.capability)) for r in obtained[0].resolution.request.gpus)
    lines = [", ".join(f"{name}: compute capability {capability}" for name, capability in gpus)]
    for one in obtained:
        lines += _pairing_lines(one, upgraded=upgraded)
        lines += _newer_lines(one.resolution, builds) if one.pip and not one.pip_newer else ()
    return "\n".join([*lines, *next_steps(obtained, reader)]) + "\n"


def _pairing_lines(one: Obtained, *, upgraded: bool) -> Iterator[str]:
    where = one.resolution.request.subdir
    if one.pip is not None:
        lock = one.pip.lock
        vision = lock.version_of("torchvision")
        beside = f" + torchvision {vision}" if vision else ""
        yield f"pip, {where}: torch {lock.version_of('torch')}{beside}; {runs_as(one.pip.pairing)}"
    if one.conda is not None:
        yield f"conda, {where}: pytorch {one.conda.pairing.build.short_label}; {runs_as(one.conda.pairing)}"
    newer = [f"{name} {build}" for name, build in (("pip", one.pip_newer), ("conda", one.conda_newer)) if build]
    if newer:
        then = ", but could not be locked now" if upgraded else ": --upgrade looks whether it is there"
        yield f"{' and '.join(newer)} should run too{then}"


def _newer_lines(resolution: Resolution, builds: Catalog) -> Iterator[str]:
    """Why there is no newer release, when there is one: the driver, or else what speaks against the newest."""
    if line := with_newer_driver(resolution, builds):
        yield line
    elif passed := passed_over(resolution):
        yield f"nothing newer runs: {passed[0].text}"
