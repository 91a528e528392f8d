"""A driver version in every form that a machine shows it; what is something else is named as that.

`560.94` and `32.0.15.6094` are one Windows driver; `535.183.01-0ubuntu0.22.04.1` and `Driver Version: 535.183.01` are
one of Linux; `nvidia-driver-535` is a branch. A Jetson has a JetPack and a Jetson Linux (L4T) release instead.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

from envgen.core.dataclass import dataclass
from envgen.core.drivers import FOUR_FIELDS, DriverVersion, windows_number
from envgen.core.errors import UsageError, ValueFormatError, quoted
from envgen.core.patterns import Pattern

_LONGEST = 2000
_NUMBER = r"(?<![0-9.])([1-9][0-9]{2}\.[0-9]{1,3}(?:\.[0-9]{1,2})?)(?![0-9]|\.[0-9])"
_LABELLED = Pattern(rf"(?:driver version|kmd version|kernel module(?: for \w+)?) *[:=|]? *{_NUMBER}")
_BRANCH = Pattern(
    r"^[rv]?([1-9][0-9]{2})(?:\.x+|xx|\.\*)?(?:[- ](?:server|open|branch|series|dkms))*$"
    r"|(?:nvidia|drivers?|cuda)[a-z-]*[- ]([1-9][0-9]{2})(?:xx)?\b|\b(?:r|branch )([1-9][0-9]{2})\b"
)
_JETPACK = Pattern(r"\b(?:jet ?pack|jp)[ :]*v?([4-9](?:\.[0-9]+){0,2})\b|^([4-7]\.[0-9](?:\.[0-9])?)$")
_L4T = Pattern(r"\b(?:l4t(?:-[a-z]+)?|jetson linux|tegra)[ :=]*r?((?:2[89]|3[0-9])(?:\.[0-9]+){0,2})(?![0-9.])")
_L4T_ALONE = Pattern(r"^r?((?:2[89]|3[0-9])(?:\.[0-9]+){1,2})(?![0-9.])")
_L4T_FILE = Pattern(r"\br([23][0-9]) \(release\), revision: ([0-9.]+)")
_CUDA = Pattern(r"^(?:cuda|cu)?[ -]?(?:version)?[ :]*(?:1[0-9]|[7-9])(?:[.-][0-9])?(?:\.[0-9]+)?$|^cu[0-9]{2,3}$")
_OPEN_ENDED = Pattern(
    r"[<>≥≤]|^[~^]|\+$|\+ | or (?:newer|later|higher|above)\b|\bnewer\b|\bat least\b|\bminimum\b"
    r"|^(?:the )?(?:latest|newest|any|current)(?: driver)?$"
)


class DriverKind(StrEnum):
    """What a text for a driver names."""

    DRIVER = "driver"
    JETPACK = "jetpack"
    L4T = "l4t"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenDriver:
    """A driver as somebody gave it.

    `version` is None for a JetPack or L4T release, whose number is `release`. `is_windows` is True for a form that only
    Windows has, False for one that only Linux has, None when the number alone does not say.
    """

    text: str
    kind: DriverKind
    version: DriverVersion | None = None
    release: str = ""
    is_windows: bool | None = None

    @classmethod
    def parse(cls, text: str, *, origin: str = "--driver") -> Self:
        """Return what a text names.

        A bare `7.2` is taken as JetPack's; who knows that the GPU is no Jetson's must refuse it.

        Raises: UsageError for a CUDA version, another vendor's driver, a range or several versions; ValueFormatError
        for anything else that is no driver version.
        """
        if (version := _plain_version(text.strip())) is not None:  # nearly all are
            is_windows = False if len(version.parts) > 2 else None
            return cls(text=text, kind=DriverKind.DRIVER, version=version, is_windows=is_windows)
        plain = re.sub(r"(?<=[0-9]),(?=[0-9]{2}\b)", ".", " ".join(text.lower().split()))[:_LONGEST]
        if release := _jetson_release(plain):
            return cls(text=text, kind=release[0], release=release[1])
        if _CUDA.fullmatch(plain):
            raise _cuda_version(text, origin)
        if _OPEN_ENDED.search(plain):
            raise UsageError(
                f"{quoted(text)} is not one driver version",
                origin=origin,
                hint="give the version that the computer has; a build that runs with it runs with newer ones too",
            )
        if fields := FOUR_FIELDS.search(plain):
            return cls(text=text, kind=DriverKind.DRIVER, version=_from_fields(fields, text, origin), is_windows=True)
        version, is_windows = _version(plain, text, origin)
        if len(version.parts) > 2:
            is_windows = False
        return cls(text=text, kind=DriverKind.DRIVER, version=version, is_windows=is_windows)


def _plain_version(text: str) -> DriverVersion | None:
    """The version of a text that is nothing else: `560.94`, `570.133.20`, or the branch `580`."""
    first, *others = text.split(".")
    is_plain = text.isascii() and text.replace(".", "").isdigit() and len(first) == 3 and first[0] != "0"
    lengths = [len(part) for part in others]
    fits = len(lengths) <= 2 and all(1 <= length <= most for length, most in zip(lengths, (3, 2), strict=False))
    return DriverVersion.parse(text) if is_plain and fits else None


def _version(plain: str, text: str, origin: str) -> tuple[DriverVersion, bool | None]:
    """The one version in a text, or its branch; and whether a word beside it says that it is Windows'."""
    is_windows = True if re.search(r"\b(?:wddm|whql|mcdm|tcc|game ready|studio driver)\b", plain) else None
    found = _LABELLED.findall(plain) or list(dict.fromkeys(re.findall(_NUMBER, plain)))
    if len(found) == 1:
        return DriverVersion.parse(found[0]), is_windows
    if found:
        raise UsageError(
            f"{quoted(text)} names several driver versions",
            origin=origin,
            fact=f"read: {', '.join(found)}",
            hint=f"repeat {origin} for each computer's",
        )
    branches = {next(filter(None, groups)) for groups in _BRANCH.findall(plain)}
    if len(branches) == 1:
        return DriverVersion.parse(branches.pop()), is_windows
    expected = "three digits and optional parts, such as 560.94, 570.133.20 or 535"
    raise ValueFormatError(kind="driver version", value=text, expected=expected, origin=origin)


def _from_fields(fields: re.Match[str], text: str, origin: str) -> DriverVersion:
    number = windows_number(fields[0])
    if not number:
        raise UsageError(
            f"{quoted(text)} is not a version of NVIDIA's driver",
            origin=origin,
            fact="NVIDIA's has two digits in its third field, such as 32.0.15.6094; Intel's and AMD's have more",
            hint="look at the NVIDIA device in Device Manager, or run nvidia-smi",
        )
    return DriverVersion.parse(number)


def _jetson_release(plain: str) -> tuple[DriverKind, str] | None:
    if found := _L4T_FILE.search(plain):
        return DriverKind.L4T, f"{found[1]}.{found[2]}"
    if found := _JETPACK.search(plain):
        return DriverKind.JETPACK, found[1] or found[2]
    found = _L4T.search(plain) or _L4T_ALONE.search(plain)
    return (DriverKind.L4T, found[1]) if found else None


def _cuda_version(text: str, origin: str) -> UsageError:
    return UsageError(
        f"{quoted(text)} is a CUDA version, not a driver version",
        origin=origin,
        fact="nvidia-smi prints both in its first lines: `Driver Version: 560.94` is left of `CUDA Version: 12.6`",
        hint="give the driver version; to ask for builds of one CUDA, pass --cuda",
    )
