"""What a conda record or match spec says about pytorch."""

from __future__ import annotations

import re
from urllib.parse import unquote

from envgen.core.dataclass import dataclass
from envgen.core.releases import tag_of_cuda
from envgen.readers.requirement import path_of

# Packages that bring pytorch with CUDA or without, whatever the build string of `pytorch` is asked to be.
TORCH_NAMES = ("pytorch", "pytorch-gpu", "pytorch-cpu", "libtorch")
_EXTENSIONS = (".conda", ".tar.bz2")
# `py3.10_cuda11.8_cudnn8.7.0_0` (channel pytorch), `cuda118_py310h…`, `cuda129_generic_py312_h…`, `cuda112py38h…`
# (conda-forge), `gpu_cuda118py310h…` (defaults).
_CUDA_DOTTED = re.compile(r"cuda(\d{1,2}\.\d)", re.ASCII)
_CUDA_PLAIN = re.compile(r"cuda(\d{2})(\d)(?=[_p*]|$)", re.ASCII)
_PYTHON = re.compile(r"py(?:(3)\.(\d{1,2})|(3)(\d{1,2}))(?=[_h]|$)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaFile:
    """A conda package by its URL or file name."""

    channel: str
    subdir: str
    name: str
    version: str
    build: str


def conda_file(url: str) -> CondaFile | None:
    """Take a package's URL apart; None when it is none. The channel is the URL's part in front of the subdir."""
    parts = [part for part in unquote(path_of(url.partition("#")[0])).split("/") if part]
    if not parts or not parts[-1].endswith(_EXTENSIONS):
        return None
    stem = parts[-1].removesuffix(".conda").removesuffix(".tar.bz2")
    pieces = stem.rsplit("-", 2)
    if len(pieces) != 3:
        return None
    name, version, build = pieces
    channel = parts[-3] if len(parts) > 2 else ""
    return CondaFile(
        channel=channel, subdir=parts[-2] if len(parts) > 1 else "", name=name, version=version, build=build
    )


def cuda_of_build(build: str) -> str:
    """The CUDA tag that a build string names, `cpu` for a CPU build, or an empty string when it says neither."""
    if found := _CUDA_DOTTED.search(build):
        return tag_of_cuda(found[1])
    if found := _CUDA_PLAIN.search(build):
        return f"cu{found[1]}{found[2]}"
    # On Macs the channel's builds say `py3.12_0`: there is nothing but the CPU (and Metal).
    return "cpu" if "cpu" in build or re.fullmatch(r"py\d\.\d+_\d+", build) else ""


def python_of_build(build: str) -> str:
    """The Python (X.Y) that a build string names, or an empty string."""
    found = _PYTHON.search(build)
    if not found:
        return ""
    return f"{found[1] or found[3]}.{found[2] or found[4]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaSpec:
    """A match spec: `channel::name version build`; each part may be empty."""

    channel: str
    name: str
    version: str
    build: str


_SPEC = re.compile(
    r"(?:(?P<channel>[\w./:-]+?)::)?(?P<name>[\w.-]+?)\s*(?:\[(?P<keys>[^\]]*)\]|(?P<rest>[\s=<>!~].*))?", re.ASCII
)


def conda_spec(text: str) -> CondaSpec | None:
    """Take a match spec apart as far as pytorch needs; None when it is not one."""
    found = _SPEC.fullmatch(text.strip()[:500])
    if not found:
        return None
    version, build = "", ""
    if found["keys"]:
        keys = dict(re.findall(r"(?<!\w)(\w++)\s*+=\s*+['\"]?([^'\",]+)", found["keys"]))
        version, build = keys.get("version", ""), keys.get("build", "")
    elif found["rest"]:
        rest = found["rest"].strip()
        # `=1.2=build`, `==1.2=build`, `1.2 build`, `>=1.2,<2`, `=*=cuda*`
        exact = re.fullmatch(r"(?:(={1,2})\s*)?([^\s=<>!~,|]+)(?:\s*=\s*|\s+)([^\s=<>!,|]+)", rest)
        if exact and not rest.startswith((">", "<", "!", "~")):
            version, build = f"{exact[1] or ''}{exact[2]}", exact[3]
        else:
            version = rest
    return CondaSpec(
        channel=(found["channel"] or "").rpartition("/")[2], name=found["name"], version=version.strip(), build=build
    )


def exact_version(version: str) -> str:
    """The release that a version spec fixes to three numbers, or an empty string: `==2.5.1`, `=2.5.1`, `2.5.1`."""
    found = re.fullmatch(r"={0,2}\s*(\d+\.\d+\.\d+)(?:\.\*)?", version, re.ASCII)
    return found[1] if found else ""
