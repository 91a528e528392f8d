"""What `python -m torch.utils.collect_env` prints, of every age, and vLLM's relative of it."""

from __future__ import annotations

import re

from envgen.core.dataclass import dataclass

_FIELD = re.compile(r"^\s*(?P<name>[A-Z][A-Za-z0-9_ .()-]{1,60}?)\s*:(?:\s+|$)(?P<value>.*)$")
_NAMES = {
    "PyTorch version": "torch",
    "CUDA used to build PyTorch": "cuda",
    "ROCM used to build PyTorch": "hip",
    "OS": "os",
    "Libc version": "libc",
    "Python version": "python",
    "Python platform": "platform",
    "Is CUDA available": "available",
    "GPU models and configuration": "gpus",
    "Nvidia driver version": "driver",
}
_GPU = re.compile(r"GPU (\d+): +(.+?)(?: \(UUID: .*\))?\s*$")
_LISTED = re.compile(
    r"^\s*GPU \d+: +(?P<name>(?:NVIDIA|GeForce|Tesla|Quadro|TITAN|GRID|RTX|GTX)\b.*?)(?: \(UUID: .*\)?)?\s*$"
)
_NOTHING = ("", "N/A", "Could not collect", "No CUDA", "None")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectEnv:
    """The fields that were printed. None: the line is not there; `cuda` and `hip` are empty for a build without.

    `available` is None where nothing says it, `gpus` are names as printed, `glibc` is X.Y.
    """

    torch: str | None = None
    cuda: str | None = None
    hip: str | None = None
    os: str = ""
    glibc: str = ""
    python: str = ""
    platform: str = ""
    available: bool | None = None
    gpus: tuple[str, ...] = ()
    driver: str = ""


def read_collect_env(lines: list[str]) -> CollectEnv | None:
    """Return what the fields say, or None when the text holds none of them."""
    found: dict[str, str] = {}
    gpus: list[str] = []
    for line in lines:
        if (field := _FIELD.match(line)) and (name := _NAMES.get(field["name"])):
            found.setdefault(name, field["value"].strip())
        if gpu := _GPU.search(line.partition("configuration:")[2] or line):
            gpus.append(gpu[2].strip())
    if not {"torch", "cuda", "available", "platform", "driver"} & found.keys():
        return None
    python = re.match(r"\d+(\.\d+)+", found.get("python", ""))
    glibc = re.search(r"glibc-?(\d+\.\d+)", found.get("libc", "") or found.get("platform", ""))
    torch = found.get("torch")
    return CollectEnv(
        torch=None if torch in (None, *_NOTHING) else torch,
        cuda=_build(found.get("cuda"), imported=torch not in (None, *_NOTHING)),
        hip=_build(found.get("hip"), imported=torch not in (None, *_NOTHING)),
        os=found.get("os", ""),
        # Until 2018 that line was made by a function that says 2.2.5 on any host.
        glibc=glibc[1] if glibc and glibc[1] != "2.2" else "",
        python=python[0] if python else "",
        platform=found.get("platform", ""),
        available={"true": True, "yes": True, "false": False, "no": False}.get(found.get("available", "").lower()),
        gpus=tuple(gpus),
        driver=found.get("driver", "") if found.get("driver") not in _NOTHING else "",
    )


def read_gpu_list(lines: list[str]) -> tuple[str, ...]:
    """Return the names in lines of `nvidia-smi -L`, or of a list like it, that stand by themselves."""
    listed = (_LISTED.match(line) for line in lines)
    return tuple(found["name"].strip() for found in listed if found)


def _build(value: str | None, *, imported: bool) -> str | None:
    """A version; empty for a build without it; None where that line is missing or torch was not there to ask.

    "Could not collect" stands for Python's None, which is what `torch.version.cuda` is in a build for the CPU.
    """
    if value is None or not imported:
        return None
    version = re.match(r"\d+(\.\d+)+", value)
    return version[0] if version else "" if value in _NOTHING else None
