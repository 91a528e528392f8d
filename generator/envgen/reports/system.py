"""The system of a reporter's machine: what its own report states, else what only one system prints."""

from __future__ import annotations

import re

from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.probe.observation import Jetson, System
from envgen.probe.parse.report import DriverReport
from envgen.probe.parse.system import parse_jetson, wsl_version
from envgen.reports.by_hand import ByHand
from envgen.reports.collect_env import CollectEnv
from envgen.reports.messages import Messages
from envgen.reports.packages import Packages
from envgen.reports.smi_table import SmiTable

_WINDOWS = re.compile(r"\b[A-Z]:\\|\[WinError|\bWindows (?:10|11|Server)\b|\bwin-64\b|MSC v\.\d+")
_LINUX = re.compile(
    r"\b(Ubuntu|Debian|Fedora|CentOS|Rocky|AlmaLinux|Arch Linux|NixOS|RHEL|openSUSE)\b"
    r"|/usr/lib|linux-64|\d-generic\b|(?<![\w:/.~])[/](?:home|root|opt|usr/local)/\w|\blib[\w-]+\.so\b"
    # cuda-compat is for Linux alone (docs.nvidia.com/deploy/cuda-compatibility, "Forward Compatibility").
    r"|forward compatibility was attempted"
)
_SECURE_BOOT = re.compile(r"SecureBoot enabled|Key was rejected by service|Required key not available")
_MACOS = re.compile(r"\bmacOS\b|\bMacBook|\bApple M\d|\bdarwin\b|(?<![\w:/])[/]Users/")
_IN_CONTAINER = re.compile(
    r"\bdocker(?:\.io)?:? (run|exec|compose|Error response)|could not select device driver|docker-compose|nvidia-docker"
    r"|\broot@[0-9a-f]{12}:|podman run|/\.dockerenv|/docker/[0-9a-f]{12}|/kubepods"
)
_WSL = re.compile(r"microsoft-standard|\bWSL ?2\b|/usr/lib/wsl|/mnt/[a-z]/")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the readers of a text found, each of its own kind."""

    collected: CollectEnv
    table: SmiTable
    log: DriverReport | None
    packages: Packages
    messages: Messages
    by_hand: ByHand

    @property
    def python(self) -> str:
        return self.collected.python or self.messages.python


def read_system(text: str, parts: Parts) -> System:
    collected = parts.collected
    jetson = _jetson(text, parts)
    system = "linux" if jetson else _stated_system(collected) or _guessed_system(text, parts.table)
    kernel = re.search(r"Linux-(\S+?)(?:-x86_64|-aarch64)", collected.platform)
    machine = _machine(system, parts, is_arm=jetson is not None)
    wsl = (wsl_version(kernel[1]) if kernel else 0) or (2 if parts.table.is_wsl or _WSL.search(text) else 0)
    return System(
        os=system,
        name=collected.os.removesuffix("(x86_64)").rstrip(),
        kernel=kernel[1] if kernel else "",
        machine=machine,
        subdir=_subdir(system, machine),
        libc="glibc" if collected.glibc else "",
        libc_version=collected.glibc,
        container="docker" if _IN_CONTAINER.search(text) else "",
        wsl=wsl if system in ("linux", "") else 0,
        jetson=jetson,
        secure_boot=True if _SECURE_BOOT.search(text) else None,
    )


def _stated_system(collected: CollectEnv) -> str:
    stated = f"{collected.os} {collected.platform}"
    for word, system in (("Windows", "windows"), ("macOS", "macos"), ("Mac OS", "macos"), ("Linux", "linux")):
        if word in stated:
            return system
    return "linux" if collected.os else ""


def _machine(system: str, parts: Parts, *, is_arm: bool) -> str:
    """The processor: some GPUs are built with one of Arm's only."""
    names = " ".join((*parts.collected.gpus, *(gpu.name for gpu in parts.table.gpus)))
    stated = f"{parts.collected.os} {parts.collected.platform}"
    if is_arm or "aarch64" in stated or re.search(r"\b(?:GH200|GB[23]00|GB10|Thor)\b", names):
        return "aarch64"
    return "AMD64" if system == "windows" else "x86_64"


def _guessed_system(text: str, table: SmiTable) -> str:
    """The system by what only one of them prints; empty where the text could be of either."""
    if table.is_wsl or _WSL.search(text):
        return "linux"
    if _MACOS.search(text) and not _WINDOWS.search(text):
        return "macos"
    windows, linux = bool(_WINDOWS.search(text)) or table.is_windows, bool(_LINUX.search(text))
    if windows != linux:
        return "windows" if windows else "linux"
    return "linux" if table.is_linux or table.driver.count(".") == 2 else ""


def _subdir(system: str, machine: str) -> Subdir | None:
    if system == "windows":
        return Subdir.WIN_64
    if system != "linux":
        return None
    return Subdir.LINUX_AARCH64 if machine == "aarch64" else Subdir.LINUX_64


def _jetson(text: str, parts: Parts) -> Jetson | None:
    found = parse_jetson("", "", text)
    l4t = re.search(r"\bL4T(?:[ \t]+(?:release|version))?[*:\s]*R?(\d{2}\.\d+(?:\.\d+)?)", text, re.IGNORECASE)
    model = re.search(r"\bJetson (?:AGX |Orin |Xavier |Nano|TX\d)[\w ]{0,20}", text, re.IGNORECASE)
    names = (*parts.collected.gpus, *(gpu.name for gpu in parts.table.gpus))
    on_tegra = "tegra" in parts.collected.platform or any("(nvgpu)" in name for name in names)
    by_hand = not names and (model or parts.by_hand.jetpack)
    if found is None and not l4t and not on_tegra and not by_hand:
        return None
    return Jetson(
        model=model[0].strip() if model else "Jetson",
        l4t=found.l4t if found and found.l4t else l4t[1] if l4t else "",
        soc="",
        chip="",
    )
