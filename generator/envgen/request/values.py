"""The text of options as values: Python, CUDA tag, glibc, platform. Each mistake says what was expected."""

from __future__ import annotations

import re
from collections.abc import Sequence

from envgen.core.errors import UsageError, ValueFormatError, quoted
from envgen.core.patterns import Pattern
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.releases import CPU
from envgen.core.sets import PackageSet

_MINOR = Pattern(r"3\.\d{1,2}", re.ASCII)
_PYTHON_TAG = Pattern(r"(?:cp|py)(3)(\d{1,2})", re.ASCII)
_GLIBC = Pattern(r"2\.\d{1,3}", re.ASCII)
_BARE_SERIES = Pattern(r"\d+(?:\.\d+)?", re.ASCII)
_CUDA = Pattern(r"(?:cu|cuda)?[ -]?(?:(\d{1,2})\.(\d)(?:\.\d+)?|(\d{2}|[789])(\d))", re.ASCII | re.IGNORECASE)

_PLATFORM_SPELLINGS = {
    Subdir.LINUX_64: "linux linux64 linux-x86-64 linux-x64 linux-amd64 x86-64 amd64 wsl wsl2 ubuntu",
    Subdir.WIN_64: "windows win win64 win-amd64 win-x64 windows-64 windows-x64 windows-amd64 windows-x86-64 win-x86-64",
    Subdir.LINUX_AARCH64: "linux-arm64 aarch64 linux-arm jetson l4t sbsa",
    Subdir.OSX_ARM64: "osx macos",
}


def parse_python(text: str) -> str:
    """Return the X.Y of a Python version; a patch number is dropped.

    Raises: ValueFormatError for anything but 3.Y or 3.Y.Z, as people or the tags of a wheel name it (`cp312`).
    """
    tag = _PYTHON_TAG.fullmatch(text.strip().lower())
    parts = [tag[1], tag[2]] if tag else text.strip().lower().removeprefix("python").strip().split(".")
    minor = ".".join(parts[:2])
    if not _MINOR.fullmatch(minor) or len(parts) > 3 or not all(p.isascii() and p.isdigit() for p in parts):
        raise ValueFormatError(kind="Python version", value=text, expected="3.Y, such as 3.12", origin="--python")
    return minor


def parse_glibc(text: str) -> str:
    """Return a glibc version as X.Y.

    Raises: ValueFormatError for anything else.
    """
    if not _GLIBC.fullmatch(text.strip()):
        raise ValueFormatError(kind="glibc version", value=text, expected="2.Y, such as 2.28", origin="--glibc")
    return text.strip()


def for_platform(text: str) -> tuple[Subdir | None, str]:
    """Return the platform and the value of `win-64=560.94`; no platform for a bare value.

    Raises: UsageError for an unknown platform.
    """
    platform, mark, value = text.partition("=")
    is_label = "driver" in platform.lower()  # `driverInfo = 550.54.14`, as vulkaninfo prints it
    if not mark or is_label or not platform.strip()[:1].isalpha() or " " in platform.strip():
        return None, text
    return parse_platform(platform), value


def value_for(subdir: Subdir, values: Sequence[tuple[Subdir | None, str]]) -> str:
    """The last value that was given for a platform, or else for all of them; empty when there is none."""
    own = [value for platform, value in values if platform is subdir]
    return next(reversed(own or [value for platform, value in values if platform is None]), "")


def parse_build(torch: str | None, cuda: str | None) -> tuple[str, str]:
    """Return the `--torch` specifier and the CUDA tag; `--torch 2.14.1+cu126` states both.

    Raises: ValueFormatError, and UsageError when the two options contradict each other.
    """
    torch = re.sub(r"^\s*torch\s*(?=[=<>!~])", "", torch) if torch else torch  # `torch==2.6.0`, as a requirement has it
    release, mark, local = (torch or "").partition("+")
    if not mark:
        return parse_torch(torch), parse_cuda(cuda)
    tag = parse_cuda(local, origin="--torch")
    if cuda is not None and parse_cuda(cuda) != tag:
        raise UsageError(
            f"--torch {quoted(torch or '')} and --cuda {quoted(cuda)} contradict each other",
            hint="give the CUDA tag once",
        )
    return parse_torch(release), tag


def parse_named_build(text: str) -> tuple[str, str]:
    """Return (release or empty, CUDA tag or empty) of `cu130`, `2.15.0` or `2.15.0+cu130`.

    Raises: ValueFormatError for anything else.
    """
    release, plus, tag = text.strip().partition("+")
    if not plus and (release.lower().startswith("cu") or re.fullmatch(r"1[0-9]\.\d", release, re.ASCII)):
        release, tag = "", release
    if not (release or tag) or (release and not re.fullmatch(r"\d+(\.\d+){1,2}", release, re.ASCII)):
        raise ValueFormatError(kind="build", value=text, expected="cu130, 2.15.0 or 2.15.0+cu130")
    return release, parse_cuda(tag) if tag else ""


def parse_cuda(text: str | None, *, origin: str = "--cuda") -> str:
    """Return the CUDA tag of `cu126`, `12.6` or `12.6.3`, or `cpu`; empty when the option was not given.

    Raises: ValueFormatError for anything else.
    """
    if text is None:
        return ""
    if text.strip().lower() == CPU:
        return CPU
    found = _CUDA.fullmatch(text.strip())
    if not found:
        raise ValueFormatError(
            kind="CUDA tag", value=text, expected="cuNNN, X.Y or cpu, such as cu126 or 12.6", origin=origin
        )
    return f"cu{found[1] or found[3]}{found[2] or found[4]}"


def parse_torch(text: str | None) -> str:
    """Return a `--torch` specifier, empty when the option was not given.

    A bare `2.14` means any release of 2.14, as people say it; a bare `2.14.1` that one.

    Raises: ValueFormatError when it is given but empty. The specifier itself is read by the decision.
    """
    if text is None:
        return ""
    if not text.strip():
        expected = 'a PEP 440 specifier, such as "==2.14.*" or ">=2.6,<2.9"'
        raise ValueFormatError(kind="version specifier", value=text, expected=expected, origin="--torch")
    stripped = text.strip()
    if not stripped[:1].isdigit():
        return stripped
    return f"=={stripped}.*" if _BARE_SERIES.fullmatch(stripped) else f"=={stripped}"


def parse_platform(text: str) -> Subdir:
    """Return the subdir of a platform's name.

    Raises: UsageError for a platform without CUDA builds, with what works there; for an unknown one, the list.
    """
    name = platform_name(text)
    for subdir, spellings in _PLATFORM_SPELLINGS.items():
        if name == subdir.value or name in spellings.split():
            return subdir
    raise UsageError(
        f"{quoted(text)} is not a platform that envgen knows",
        origin="--platform",
        fact=f"CUDA builds of PyTorch exist for {', '.join(CUDA_SUBDIRS)}; CPU builds also for {Subdir.OSX_ARM64}",
        hint="pass one of them; Windows is win-64, WSL2 is linux-64",
    )


def parse_set(text: str) -> PackageSet:
    """Return the set that a text names.

    Raises: ValueFormatError.
    """
    try:
        return PackageSet(text.strip().lower())
    except ValueError as error:
        raise ValueFormatError(kind="set", value=text, expected="pip or conda", origin="--only") from error


def is_wsl(platforms: Sequence[str]) -> bool:
    """True when the Linux that is asked for is WSL2 alone, whose driver is that of Windows."""
    linux = [name for name in map(platform_name, platforms) if name in _PLATFORM_SPELLINGS[Subdir.LINUX_64].split()]
    return bool(linux) and {*linux} <= {"wsl", "wsl2"} and Subdir.LINUX_64 not in map(platform_name, platforms)


def is_windows_arm(text: str) -> bool:
    """True for the names of Windows on an Arm computer."""
    return platform_name(text) in {
        "win-arm64",
        "windows-arm64",
        "windows-arm",
        "win-arm",
        "win-aarch64",
        "arm64-windows",
    }


def platform_name(text: str) -> str:
    """A platform's name as it is compared: `linux/amd64`, `manylinux_2_28_x86_64` and `linux_x86_64` are alike."""
    name = re.sub(r"[ _/]+", "-", text.strip().lower())
    name = re.sub(r"^(win(?:dows)?)-?(?:7|8|8\.1|10|11)$", r"\1", name)
    return re.sub(r"^manylinux[-0-9]*-", "linux-", name)


def is_macos(text: str) -> bool:
    """True for the names of Apple's platforms, which have no CUDA at all."""
    return platform_name(text).startswith(("macos", "osx", "darwin", "mac"))


def host_platform() -> str:
    """The platform of this computer, as `--platform` names it."""
    import platform
    import sys

    if sys.platform == "darwin":
        return Subdir.OSX_ARM64.value if platform.machine() == "arm64" else "osx-64"
    if sys.platform == "win32":
        return Subdir.WIN_64.value
    return Subdir.LINUX_AARCH64.value if platform.machine().lower() in ("aarch64", "arm64") else Subdir.LINUX_64.value


def host_subdir() -> Subdir | None:
    """The subdir of this computer, or None where there is no CUDA."""
    name = host_platform()
    return None if is_macos(name) else Subdir(name)


def is_environment_name(text: str) -> bool:
    """True for a name that conda takes and no shell reads otherwise."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text, re.ASCII) is not None


def parse_name(text: str) -> str:
    """Return the name of an environment; empty stays empty.

    Raises: ValueFormatError for what conda would refuse, or a shell would read otherwise.
    """
    if text and not is_environment_name(text):
        expected = "letters, digits, dots, - and _, such as my-env"
        raise ValueFormatError(kind="name of an environment", value=text, expected=expected, origin="--name")
    return text
