"""Names of projects, versions, and Requires-Dist lines: which hold where. packaging is imported when one is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

_NAME = re.compile(r"\s*([A-Za-z0-9._-]+)")
# cupy-cuda12x, cudf-cu13, nvidia-dali-cuda120, spconv-cu126
_CUDA_IN_NAME = re.compile(r"-cu(?:da)?(\d\d)(?:\dx?|x)?$")
# An operating system -> the values of sys_platform, platform_system and os_name.
_SYSTEMS = {
    "linux": ("linux", "Linux", "posix"),
    "windows": ("win32", "Windows", "nt"),
    "macos": ("darwin", "Darwin", "posix"),
}


def marker_environment(
    *, system: str, machine: str, python: str, implementation: str = "cpython", kernel: str = ""
) -> dict[str, str]:
    """Return the values of PEP 508 markers for a full Python version X.Y.Z on linux, windows or macos."""
    sys_platform, platform_system, os_name = _SYSTEMS.get(system, _SYSTEMS["linux"])
    return {
        "extra": "",
        "implementation_name": implementation,
        "implementation_version": python,
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython" if implementation == "cpython" else implementation,
        "platform_release": kernel,
        "platform_system": platform_system,
        "platform_version": "",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": sys_platform,
    }


def parsed(lines: Iterable[str]) -> Iterator[Requirement]:
    """Yield the requirements of Requires-Dist lines; one that nobody can read asks for nothing."""
    for text in lines:
        from packaging.requirements import InvalidRequirement, Requirement  # there may be none to read

        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue


def applies(requirement: Requirement, extras: Iterable[str], environment: Mapping[str, str]) -> bool:
    """Return whether a requirement holds there for one of the extras (an empty text: for none)."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras)


def cuda_major_in(project: str) -> int:
    """The CUDA major that the name of a project ends with (`cupy-cuda12x`), zero when it doesn't."""
    found = _CUDA_IN_NAME.search(project)
    return int(found[1]) if found else 0


def read_version(text: str) -> Version | None:
    """The version that a text is (PEP 440), or None."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


def read_specifiers(text: str) -> SpecifierSet | None:
    """The bounds that a text states (PEP 440), or None; an empty text states none."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


def normalise_project(name: str) -> str:
    """Return the name of a project in the form that all spellings share (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project_of(requirement: str) -> str:
    """The normalised project of a PEP 508 requirement, without reading the rest; empty when it begins with none."""
    found = _NAME.match(requirement)
    return normalise_project(found[1]) if found else ""
