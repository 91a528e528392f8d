"""Files that say which parts of an NVIDIA driver a Linux host has."""

from __future__ import annotations

import re

_MODULES = ("nvidia", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nouveau", "nova_core", "nvgpu", "vfio_pci")


def parse_proc_version(text: str) -> tuple[str, str]:
    """Return (version, flavour) of /proc/driver/nvidia/version; flavour is `open` or `proprietary`."""
    found = re.search(r"NVRM version:.*?Kernel Module(?: for \S+)?\s+(\d{3,4}(?:\.\d+)+)", text)
    if not found:
        return "", ""
    return found[1], "open" if "Open Kernel Module" in found[0] else "proprietary"


def parse_modules(text: str) -> tuple[str, ...]:
    """Return the loaded modules of /proc/modules that have to do with NVIDIA GPUs, sorted."""
    loaded = {line.split(" ", 1)[0] for line in text.splitlines()}
    return tuple(sorted(loaded.intersection(_MODULES)))


def parse_ldconfig(text: str, machine: str) -> tuple[str, ...]:
    """Return the paths of libcuda.so.1 in `ldconfig -p`, for the machine's own word size."""
    tag = {"x86_64": "x86-64", "aarch64": "AArch64"}.get(machine, "")
    lines = re.findall(r"libcuda\.so\.1 \(([^)]*)\) => (\S+)", text)
    return tuple(path for flags, path in lines if tag in flags)


def library_version(target: str) -> str:
    """Return the driver version in the name of libcuda's or libnvidia-ml's real file; empty when it holds none."""
    found = re.search(r"lib(?:cuda|nvidia-ml)\.so\.(\d{3,4}(?:\.\d+)+)$", target)
    return found[1] if found else ""


def parse_fabric_version(text: str) -> str:
    """Return the version that `nv-fabricmanager --version` prints."""
    found = re.search(r"version is\s*:\s*(\d{3,4}(?:\.\d+)+)", text)
    return found[1] if found else ""


def parse_xids(text: str) -> tuple[tuple[str, int], ...]:
    """Return (PCI address as written, code) of the Xid reports in a kernel log, each pair once, in order."""
    found = re.findall(r"NVRM: Xid \(PCI:([0-9a-fA-F:.]+)\): (\d+)", text)
    return tuple(dict.fromkeys((address.lower(), int(code)) for address, code in found))


# What NVIDIA's module says when it can't start a GPU (nv.c and osapi.c of open-gpu-kernel-modules, and its README).
_REFUSALS = (
    "RmInitAdapter failed",
    "rm_init_adapter failed",
    "requires use of the NVIDIA open kernel modules",
    "not supported by open",
    "not supported by the NVIDIA",
    "is not supported by the",
    "Legacy driver",
    "legacy drivers",
    "will ignore this GPU",
    "probe routine failed",
    "None of the NVIDIA devices were initialized",
    "failed to initialize module",
)


def parse_kernel_messages(text: str) -> tuple[str, ...]:
    """Return the lines in which NVIDIA's module refuses a GPU, without their times, each once and in order."""
    lines = (line.partition("NVRM: ")[2].strip() for line in text.splitlines() if "NVRM: " in line)
    refusals = (line for line in lines if any(words in line for words in _REFUSALS))
    return tuple(f"NVRM: {line}" for line in dict.fromkeys(refusals))[:8]
