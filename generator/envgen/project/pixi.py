"""A workspace of pixi's: a platform for CUDA with what it needs of the system, and those for the CPU beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envgen.core.platforms import MACOS, Subdir
from envgen.core.resolution import Pairing
from envgen.project.document import ProjectDocument, inline, lines, plain, put
from envgen.project.lanes import CUDA, Lanes
from envgen.resolve.pairing import LEGACY_CHANNEL
from envgen.solve.conda.query import claimed_cuda
from envgen.solve.conda.specs import name_of

FILE = "pixi.toml"
# What an earlier run may have pinned in a block of ours.
_PINNED = ("torchvision", "torchaudio", "cuda-version", "pytorch-cuda", "libcudnn", "cudnn", "arm-variant")
# What the legacy channel has itself; it stands behind conda-forge, which the CPU's builds are from.
_OF_LEGACY_CHANNEL = frozenset({"pytorch", "torchvision", "torchaudio", "pytorch-cuda"})
# In these places pixi reads the same tables (pixi.sh, "pyproject.toml").
PREFIX = {FILE: (), "pyproject.toml": ("tool", "pixi")}


def edit(document: ProjectDocument, lanes: Lanes, prefix: tuple[str, ...]) -> None:
    """Put the lanes into a manifest of pixi's; `prefix` is the table that it is in.

    Raises: ProjectFileError for a platform that is no name and no table.
    """
    # Its older name, which pixi 0.57 still reads with a warning (release notes of v0.57.0): one table, not two.
    is_older = document.get(*prefix, "workspace") is None and document.get(*prefix, "project") is not None
    workspace = document.table(*prefix, "project" if is_older else "workspace")
    platforms: dict[str, tuple[Subdir, Pairing]] = {
        _name(lane, subdir): (subdir, pairing)
        for lane in sorted(lanes.named, reverse=True)  # pixi takes the first platform that a computer meets: cuda, cpu
        for subdir, pairing in lanes.named[lane].items()
    }
    channels = list(dict.fromkeys(c for _, pairing in platforms.values() for c in pairing.build.conda.channels))
    there: Any = plain(workspace.get("channels")) or []
    put(workspace, "channels", [*there, *(channel for channel in channels if channel not in there)])
    entries = [inline(_platform(name, subdir, pairing, lanes)) for name, (subdir, pairing) in platforms.items()]
    put(workspace, "platforms", lines([*entries, *_others(document, workspace, platforms)]))
    for name, (_, pairing) in platforms.items():
        dependencies = document.table(*prefix, "target", name, "dependencies")
        for package, spec in _dependencies(pairing).items():
            put(dependencies, package, spec)
        for package in _PINNED:
            if package not in {name_of(spec) for spec in pairing.specs}:
                dependencies.pop(package, None)


def _name(lane: str, subdir: Subdir) -> str:
    """What a platform is called; one that exists without CUDA only has the subdir's name."""
    return subdir.value if subdir.is_macos else f"{subdir.value}-{lane}"


def _platform(name: str, subdir: Subdir, pairing: Pairing, lanes: Lanes) -> dict[str, str]:
    entry = {"name": name, "platform": subdir.value}
    if not pairing.build.is_cpu:
        entry["cuda"] = claimed_cuda(pairing.build)
    if subdir.is_linux:
        entry["glibc"] = lanes.glibc.get(subdir, pairing.build.glibc)
    if subdir.is_macos:
        entry["macos"] = MACOS
    return entry


def _others(document: ProjectDocument, workspace: Any, ours: Mapping[str, object]) -> list[object]:  # noqa: ANN401
    """The platforms of the workspace that are not of the request: a person's own stay.

    A bare `linux-64` beside `linux-64-cuda` would have its target block apply to both, so it goes where ours are.
    """
    found: list[object] = []
    subdirs = {name.removesuffix(f"-{CUDA}").removesuffix("-cpu") for name in ours}
    for entry in workspace.get("platforms") or ():
        value = plain(entry)
        if not isinstance(value, str | dict):
            raise document.refused("workspace.platforms", "names and tables")
        name = value if isinstance(value, str) else value.get("name", value.get("platform"))
        if name not in ours and name not in subdirs:
            found.append(entry)
    return found


def _dependencies(pairing: Pairing) -> dict[str, object]:
    """Package -> its match spec in pixi's words: `1.2.*` and a build string are two keys of a table."""
    found: dict[str, object] = {}
    channel = pairing.build.conda.channels[0]
    for spec in pairing.specs:
        name = name_of(spec)
        rest = spec[len(name) :]
        version, _, build = rest.removeprefix("=").partition("=")
        parts = {"version": f"{version}.*" if rest.startswith("=") and version != "*" else rest or "*"}
        parts |= {"build": build} if build else {}
        parts |= {"channel": channel} if channel == LEGACY_CHANNEL and name in _OF_LEGACY_CHANNEL else {}
        found[name] = parts["version"] if len(parts) == 1 else inline(parts)
    return found
