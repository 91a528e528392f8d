"""Whether the packages that torch requires are all there, whole, and in the versions that it requires."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from envgen.environments.inspected import Distribution, Interpreter, Target
from envgen.probe.observation import EnvironmentKind, System

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_MARKER_NAMES = {"windows": ("win32", "Windows", "nt"), "macos": ("darwin", "Darwin", "posix")}


def damages(target: Target) -> Iterator[str]:
    """Yield the distributions of which recorded files are gone."""
    for distribution in target.distributions:
        if distribution.missing and not _is_conda(target):
            count = len(distribution.missing)
            more = f" and {count - 1} more files" if count > 1 else ""
            yield f"{distribution.name} {distribution.version}: {distribution.missing[0]}{more} missing"


def unmet(target: Target, system: System) -> Iterator[str]:
    """Yield what torch and its CUDA packages require of each other and is not there, or not in that version."""
    if _is_conda(target):
        return
    environment = _marker_environment(target.interpreter, system)
    for torch in target.named("torch")[:1]:
        yield from _unmet_by(torch, frozenset({""}), target, environment)


def _unmet_by(
    requiring: Distribution, extras: frozenset[str], target: Target, environment: Mapping[str, str]
) -> Iterator[str]:
    installed = {d.name: d for d in reversed(target.distributions)}
    for wanted in _requirements(requiring, extras, environment):
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if not name.startswith(("nvidia-", "cuda-")):
            continue
        if name not in installed:
            yield f"{requiring.name} {requiring.version} requires {name}{wanted.specifier}, which is not installed"
        elif not wanted.specifier.contains(installed[name].version, prereleases=True):
            has = installed[name].version
            yield f"{requiring.name} {requiring.version} requires {name}{wanted.specifier}, installed is {has}"
        elif wanted.extras:
            # cuda-toolkit is only a list: what torch needs of it are its extras.
            yield from _unmet_by(installed[name], frozenset(wanted.extras), target, environment)


def _requirements(
    distribution: Distribution, extras: frozenset[str], environment: Mapping[str, str]
) -> Iterator[Requirement]:
    """The requirements of a distribution that hold here with these extras."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in distribution.requires:
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        if wanted.marker is None or any(wanted.marker.evaluate({**environment, "extra": extra}) for extra in extras):
            yield wanted


def _marker_environment(python: Interpreter, system: System) -> dict[str, str]:
    sys_platform, platform_system, os_name = _MARKER_NAMES.get(system.os, ("linux", "Linux", "posix"))
    return {
        "implementation_name": python.implementation,
        "implementation_version": python.version,
        "os_name": os_name,
        "platform_machine": system.machine,
        "platform_python_implementation": "CPython" if python.implementation == "cpython" else python.implementation,
        "platform_release": system.kernel,
        "platform_system": platform_system,
        "platform_version": "",
        "python_full_version": python.version,
        "python_version": python.minor.rstrip("t"),
        "sys_platform": sys_platform,
    }


def _is_conda(target: Target) -> bool:
    """conda's own dist-infos may list files that its packages don't hold."""
    return target.kind is EnvironmentKind.CONDA and target.conda_record("pytorch") is not None
