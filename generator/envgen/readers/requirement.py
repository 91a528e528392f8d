"""What a PEP 508 requirement or a wheel's URL says about torch. Shared by every format that holds requirements."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion

from envgen.core.dataclass import dataclass
from envgen.core.releases import release_key
from envgen.core.requirements import marker_environment, normalise_project, read_version

# conda's name of a platform -> (operating system, machine) of its markers.
PLATFORMS = {
    "linux-64": ("linux", "x86_64"),
    "linux-aarch64": ("linux", "aarch64"),
    "win-64": ("windows", "AMD64"),
    "osx-arm64": ("macos", "arm64"),
    "osx-64": ("macos", "x86_64"),
}
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
_TAG = re.compile(r"cu\d{2,3}|cpu", re.ASCII)
_UNRELEASED = frozenset({"nightly", "test"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRequirement:
    """A requirement on torch, taken apart."""

    version: str
    specifier: str
    cuda: str
    platforms: tuple[str, ...]
    pythons: tuple[str, ...]
    extra: str
    unclear: str = ""


@lru_cache(maxsize=4096)
def torch_requirement(text: str) -> TorchRequirement | None:
    """Return what a PEP 508 line says when it is torch, else None (another package, or no requirement)."""
    try:
        found = Requirement(text)
    except InvalidRequirement:
        return None
    if normalise_project(found.name) != "torch":
        return None
    version, specifier, cuda = "", str(found.specifier), ""
    exact = [s for s in found.specifier if s.operator in ("==", "===") and not s.version.endswith(".*")]
    if exact:
        version, cuda = split_version(exact[0].version)
        specifier = ""
    platforms, pythons, extra = marker_targets(found.marker)
    unclear = ""
    if found.url:
        name = wheel_of(found.url)
        if name is None:
            unclear = f"torch comes from {_shown_url(found.url)}, which is no wheel"
        else:
            version, cuda, platforms, pythons = name.version, name.cuda, name.platforms, name.pythons
    return TorchRequirement(
        version=version,
        specifier=specifier,
        cuda=cuda,
        platforms=platforms,
        pythons=pythons,
        extra=extra,
        unclear=unclear,
    )


def split_version(text: str) -> tuple[str, str]:
    """Return (release, CUDA tag, `cpu` or empty) of `2.8.0+cu128`; an unknown local part is dropped.

    A release is written with three numbers, as PyTorch's are: `2.1` is 2.1.0.
    """
    version = read_version(text)
    if version is None:
        return text, ""
    local = version.local or ""
    tag = _TAG.match(local.replace(".", ""))
    parts = (*version.release, 0, 0)[: max(3, len(version.release))]
    release = ".".join(str(part) for part in parts)
    if version.is_prerelease or version.is_postrelease:
        release = version.public
    return release, tag[0] if tag else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchWheel:
    """What the file name of a torch wheel says."""

    version: str
    cuda: str
    platforms: tuple[str, ...]
    pythons: tuple[str, ...]


def wheel_of(url: str) -> TorchWheel | None:
    """Return what a wheel's URL or file name says when it is torch's, else None.

    The CUDA tag is the version's local part, else that of the path (`/whl/cu118/`).
    """
    path = unquote(path_of(url))
    try:
        name, version, _, tags = parse_wheel_filename(path.rpartition("/")[2])
    except (InvalidWheelFilename, InvalidVersion):
        return None
    if name != "torch":
        return None
    release, cuda = split_version(str(version))
    if not cuda and (in_path := tag_of_url(url)):
        cuda = in_path
    platforms = sorted({p for tag in tags if (p := platform_of_tag(tag.platform))})
    pythons = sorted({p for tag in tags if (p := _python_of(tag.interpreter))}, key=release_key)
    return TorchWheel(version=release, cuda=cuda, platforms=tuple(platforms), pythons=tuple(pythons))


def platform_of_tag(tag: str) -> str:
    """conda's name of a wheel's platform tag, or an empty string: `manylinux_2_28_x86_64` is linux-64."""
    if "linux" in tag:
        return "linux-aarch64" if tag.endswith("aarch64") else "linux-64" if tag.endswith("x86_64") else ""
    if tag == "win_amd64":
        return "win-64"
    if tag.startswith("macosx"):
        return "osx-arm64" if tag.endswith("arm64") else "osx-64"
    return ""


def _python_of(interpreter: str) -> str:
    found = re.fullmatch(r"cp(\d)(\d{1,2})", interpreter, re.ASCII)
    return f"{found[1]}.{found[2]}" if found else ""


def path_of(url: str) -> str:
    """The path of an address; of what is none (`http://x[y`), nothing."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def tag_of_url(url: str) -> str:
    """The CUDA tag (or `cpu`) that an index's URL names in its path: PyTorch's own and its mirrors; else empty.

    `whl/nightly/cu128` and `whl/test/cu128` have other builds than the releases', which no table knows.
    """
    parts = [part for part in path_of(url).split("/") if part]
    if not _UNRELEASED.isdisjoint(parts):
        return ""
    return next((part for part in reversed(parts) if _TAG.fullmatch(part)), "")


def is_pypi(url: str) -> bool:
    """True for PyPI and for mirrors of it, which end with `/simple`."""
    return not tag_of_url(url) and path_of(url).rstrip("/").endswith("/simple")


def marker_targets(marker: Marker | None) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return (platforms, Pythons, extra) that a marker lets through; platforms and Pythons are empty for all.

    The marker is asked with each platform and Python, so whatever its form is, the answer is packaging's.
    """
    if marker is None:
        return (), (), ""
    extras = [name for name in re.findall(r"extra\s*==\s*['\"]([^'\"]+)['\"]", str(marker)) if name]
    extra = extras[0] if extras else ""
    kept = [
        (platform, python)
        for platform in PLATFORMS
        for python in PYTHONS
        if marker.evaluate(environment(platform, python) | {"extra": extra})
    ]
    platforms = tuple(name for name in PLATFORMS if any(platform == name for platform, _ in kept))
    pythons = tuple(name for name in PYTHONS if any(python == name for _, python in kept))
    if not kept:
        return ("none",), (), extra
    return (
        platforms if len(platforms) < len(PLATFORMS) else (),
        pythons if len(pythons) < len(PYTHONS) else (),
        extra,
    )


def environment(platform: str, python: str) -> dict[str, str]:
    """The PEP 508 marker environment of a platform and a Python (X.Y)."""
    system, machine = PLATFORMS[platform]
    return marker_environment(system=system, machine=machine, python=f"{python}.0")


def _shown_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that can't be read"
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
