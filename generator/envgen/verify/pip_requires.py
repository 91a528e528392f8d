"""What locked wheels ask for: their Requires-Dist lines against the lock, with markers read for the lock's platform."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from envgen.core.findings import Level
from envgen.core.locks import PipLock
from envgen.core.platforms import Subdir
from envgen.core.requirements import applies, normalise_project, parsed
from envgen.facts.catalog import Catalog
from envgen.facts.requires import RequiresCatalog
from envgen.facts.wheels import TorchPins
from envgen.solve.extras import environment_of
from envgen.solve.pip.built_for import built_for
from envgen.verify.findings import Code, Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# Which of these a wheel asks for, and in which version, is another for each build of a release.
_BUILD_SPECIFIC = ("nvidia-", "cuda-", "triton", "pytorch-triton")
# Their markers name a Python (torch 2.5.1: triton below 3.13, 2.15.0: cuda-bindings below 3.15), and a pin has none.
_NOT_FOR_EVERY_PYTHON = ("triton", "pytorch-triton", "cuda-bindings")
# What a build script or a user's output says is not what the index serves.
_UNSURE = ("build-script", "report")


def check_known_requires(lock: PipLock, tag: str, file: str) -> Iterator[Finding]:
    """What the catalog knows that the locked torch asks for: the metadata of its release, the pins of its build."""
    torch = lock.version_of("torch").partition("+")[0]
    for known in RequiresCatalog.load().of(torch):
        same_build = known.cuda_tag == tag and _is_for(lock.subdir, known.name.platforms)
        asked = [text for text in known.requires if same_build or not text.startswith(_BUILD_SPECIFIC)]
        yield from unmet({"torch": asked}, lock, file, source=f"{known.name.filename}: {known.source}")
    for one in built_for({package.name: package.version for package in lock.packages}, Catalog.load()):
        if not one.fits(torch):
            title = f"{one.label} is built for torch {one.torch}, {torch} is locked"
            yield Finding(code=Code.DEPENDENCY_VERSION, file=file, title=title, evidence=(one.source,))
    for pin in TorchPins.load().of(torch, tag, lock.subdir):
        locked = lock.version_of(pin.package)
        if not pin.is_exact or _plain(locked) == _plain(pin.version):
            continue
        code = Code.DEPENDENCY_VERSION if locked else Code.DEPENDENCY_MISSING
        title = (
            f"torch was published with {pin.package} {pin.version}, {f'{locked} is' if locked else 'it is not'} locked"
        )
        unsure = pin.basis in _UNSURE or (not locked and pin.package.startswith(_NOT_FOR_EVERY_PYTHON))
        level = Level.WARNING if unsure else Level.ERROR
        yield Finding(code=code, file=file, title=title, evidence=(pin.source,), level=level)


def _plain(version: str) -> str:
    """A version without the zeros at its end, which say nothing (PEP 440): uv locks 13.0.3.0 for 13.0.3."""
    return re.sub(r"(\.0+)+$", "", version)


def _is_for(subdir: Subdir, platforms: Iterable[str]) -> bool:
    suffix = "win_amd64" if subdir.is_windows else f"_{subdir.machine}"
    return any(platform.endswith(suffix) and platform.startswith("macosx") is subdir.is_macos for platform in platforms)


def unmet(requires: Mapping[str, Iterable[str]], lock: PipLock, file: str, *, source: str = "") -> Iterator[Finding]:
    """The Requires-Dist lines (package -> lines) that the lock does not satisfy on its own platform.

    A package's extras count when another package of `requires` asks for them.
    """
    for name, requirement in _applying(requires, lock):
        yield from _held(name, requirement, lock, file, source)


def needs_of(requires: Mapping[str, Iterable[str]], lock: PipLock) -> dict[str, set[str]]:
    """Package -> the packages that its Requires-Dist lines ask for on the lock's own platform."""
    found: dict[str, set[str]] = {name: set() for name in requires}
    for name, requirement in _applying(requires, lock):
        found[name] |= {normalise_project(requirement.name)} - {name}
    return found


def _applying(requires: Mapping[str, Iterable[str]], lock: PipLock) -> list[tuple[str, Requirement]]:
    """The lines that apply on the lock's platform, each with the package that states it."""
    read = {name: list(parsed(lines)) for name, lines in requires.items()}
    environment = environment_of(lock.subdir, lock.python)
    wanted: dict[str, set[str]] = {name: {""} for name in read}
    while True:  # an extra may ask for another package's extra
        asked = [(name, r) for name, rs in read.items() for r in rs if applies(r, wanted[name], environment)]
        before = {name: set(extras) for name, extras in wanted.items()}
        for _, requirement in asked:
            wanted.setdefault(normalise_project(requirement.name), {""}).update(requirement.extras)
        if all(wanted[name] == extras for name, extras in before.items()):
            return asked


def _held(name: str, requirement: Requirement, lock: PipLock, file: str, source: str) -> Iterator[Finding]:
    version = lock.version_of(normalise_project(requirement.name))
    evidence = (source,) if source else ()
    if not version:
        title = f"{name} needs {requirement.name}{requirement.specifier}, which is not locked"
        yield Finding(code=Code.DEPENDENCY_MISSING, file=file, title=title, evidence=evidence)
    elif not requirement.specifier.contains(version, prereleases=True):
        title = f"{name} needs {requirement.name}{requirement.specifier}, {version} is locked"
        yield Finding(code=Code.DEPENDENCY_VERSION, file=file, title=title, evidence=evidence)
