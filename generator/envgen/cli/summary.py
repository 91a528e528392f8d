"""The text after writing: what there is now, and what to do with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.cli.newer import passed_over, with_newer_driver
from envgen.cli.next_steps import next_steps
from envgen.core.errors import EnvgenError
from envgen.core.messages import Messages, language, messages
from envgen.core.resolution import Resolution
from envgen.core.sets import PackageSet
from envgen.environments.reader import Reader
from envgen.facts.catalog import Catalog
from envgen.lock.environment import Environment
from envgen.lock.fileset import left_out_lines
from envgen.lock.locked import LockedSet
from envgen.request.settings import WriteOptions
from envgen.solve.errors import SolveFailedError


def summary(environments: Sequence[Environment], builds: Catalog, reader: Reader, writing: WriteOptions) -> str:
    """What was written with some options, and what to do with it, in the reader's language."""
    say = messages("cli")[language(writing.lang)]
    lines = [*_lacking_lines(environments, say)]
    gpus = dict.fromkeys((r.gpu.name, str(r.gpu.capability)) for r in environments[0].request.gpus)
    if gpus:
        lines.append(", ".join(say["gpu"].format(gpu=name, capability=capability) for name, capability in gpus))
    for one in environments:
        lines += _pairing_lines(one, say, upgraded=writing.upgrade)
        if PackageSet.PIP in one.locked and not one.newer(PackageSet.PIP):
            lines += _newer_lines(one.resolution, builds, say)
    return "\n".join([*lines, *next_steps(environments, reader, say, writing.name)]) + "\n"


def pairings(environments: Sequence[Environment], writing: WriteOptions) -> Iterator[str]:
    """What was written for one of several targets, and what it lacks."""
    say = messages("cli")[language(writing.lang)]
    for one in environments:
        yield from _lacking_lines([one], say)
        yield from _pairing_lines(one, say, upgraded=writing.upgrade)


def cause(error: EnvgenError) -> str:
    """An error on one line: what failed, the fact that decided it, and the way out."""
    reason = (error.reason,) if isinstance(error, SolveFailedError) else error.facts()[:1]
    parts = [error.headline(), *reason]
    return ": ".join(parts) + (f"; {error.hint()}" if error.hint() else "")


def left_out(environments: Sequence[Environment]) -> Iterator[str]:
    """The packages that a set lacks, each once; on which platforms, if not on all."""
    lacking: dict[str, list[str]] = {}
    for one in environments:
        for line in (line for locked in one.locked.values() for line in left_out_lines(locked)):
            lacking.setdefault(line, []).append(one.request.subdir)
    for line, platforms in lacking.items():
        yield line if len(platforms) == len(environments) else f"{line} ({', '.join(platforms)})"


def _lacking_lines(environments: Sequence[Environment], say: Messages) -> Iterator[str]:
    """What was wanted and is not there: packages of a set, or a whole set."""
    yield from left_out(environments)
    for one in environments:
        for package_set, error in one.failures.items():
            yield say["no_set"].format(set=package_set, platform=one.request.subdir, cause=cause(error))


def _pairing_lines(one: Environment, say: Messages, *, upgraded: bool) -> Iterator[str]:
    for package_set, locked in one.locked.items():
        pairing = locked.pairing
        key = "pairing_cpu" if pairing.driver_floor is None else "pairing"
        values = {"set": package_set, "platform": one.request.subdir, "torch": _torch(locked)}
        yield say[key].format(**values, codes=pairing.codes(), floor=pairing.driver_floor)
    for locked in one.locked.values():
        if locked.held_back_by:
            newest = one.newer(locked.package_set)
            yield say["held"].format(build=newest, others=", ".join(locked.held_back_by))
    free = {s: build for s, locked in one.locked.items() if not locked.held_back_by and (build := one.newer(s))}
    tried = {s for s, build in free.items() if upgraded or build in dict(one.locked[s].passed_over)}
    for key, sets in (("upgrade_failed", tried), ("upgrade", free.keys() - tried)):
        if sets:
            builds = say["and"].join(f"{s} {build}" for s, build in free.items() if s in sets)
            yield say[key].format(builds=builds)


def _torch(locked: LockedSet) -> str:
    if locked.package_set is PackageSet.CONDA:
        return f"pytorch {locked.label}"
    vision = locked.pip_lock.version_of("torchvision")
    return f"torch {locked.pip_lock.version_of('torch')}" + (f" + torchvision {vision}" if vision else "")


def _newer_lines(resolution: Resolution, builds: Catalog, say: Messages) -> Iterator[str]:
    """Why there is no newer release, when there is one: the driver, or else what speaks against the newest."""
    if line := with_newer_driver(resolution, builds, say):
        yield line
    elif passed := passed_over(resolution):
        yield say["nothing_newer"].format(text=passed[0].text)
