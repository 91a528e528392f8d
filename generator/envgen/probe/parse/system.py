"""Files that say what kind of Linux host this is."""

from __future__ import annotations

import re

from envgen.core.json_text import JsonError, parse_json_object
from envgen.probe.observation import Jetson

# SoC in the device tree -> chip codename of its GPU (NVIDIA's Tegra technical reference manuals).
_TEGRA = {
    "tegra124": "GK20A",
    "tegra210": "GM20B",
    "tegra186": "GP10B",
    "tegra194": "GV10B",
    "tegra234": "GA10B",
    "tegra264": "GB10B",
}
_CGROUPS = (("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "lxc"))


def parse_os_release(text: str) -> str:
    """Return PRETTY_NAME of os-release, without its quotes."""
    found = re.search(r"^PRETTY_NAME=(.*)$", text, re.MULTILINE)
    return found[1].strip().strip("\"'") if found else ""


def wsl_version(kernel: str) -> int:
    """Return 1 or 2 for a kernel of the Windows Subsystem for Linux, else 0.

    WSL 1 is not a Linux kernel: it calls itself `4.4.0-19041-Microsoft`. WSL 2 is `5.15.167.4-microsoft-standard-WSL2`.
    """
    lowered = kernel.lower()
    if "microsoft" not in lowered and "wsl" not in lowered:
        return 0
    return 2 if "microsoft-standard" in lowered or "wsl2" in lowered else 1


def cgroup_container(text: str) -> str:
    """Return the kind of container that /proc/1/cgroup betrays, or an empty text."""
    return next((kind for word, kind in _CGROUPS if word in text), "")


def parse_jetson(compatible: str, model: str, release: str) -> Jetson | None:
    """Return the Tegra board of the device tree's `compatible` and `model` and of /etc/nv_tegra_release, or None."""
    soc = next((name for name in _TEGRA if f"nvidia,{name}" in compatible), "")
    l4t = re.search(r"R(\d+) \(release\), REVISION: (\d+(?:\.\d+)*)", release)
    if not soc and not l4t:
        return None
    return Jetson(
        model=model.rstrip("\0").strip(),
        l4t=f"{l4t[1]}.{l4t[2]}" if l4t else "",
        soc=soc,
        chip=_TEGRA.get(soc, ""),
    )


def parse_secure_boot(variable: str) -> bool | None:
    """Return the state in the EFI variable SecureBoot: four bytes of attributes, then one of value."""
    return {"\0": False, "\1": True}.get(variable[4:5])


def prime_profile(text: str) -> str:
    """Return the profile in Ubuntu's /etc/prime-discrete (`on`, `off`, `on-demand`) in prime-select's words."""
    return {"on": "nvidia", "off": "intel", "on-demand": "on-demand"}.get(text.strip(), "")


def supergfx_mode(text: str) -> str:
    """Return the mode in supergfxctl's configuration, or an empty text."""
    try:
        mode = parse_json_object(text).get("mode", "")
    except JsonError:
        return ""
    return mode if isinstance(mode, str) else ""
