"""What the user asks for, after names have become GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any

from envgen.core.builds import JetPack
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import CPU


class DriverOrigin(StrEnum):
    """Where the driver version of a request comes from."""

    GIVEN = "given"
    PROBED = "probed"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedGpu:
    """A GPU of the request and the text that named it."""

    input: str
    gpu: Gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One of several computers that an environment is for: its GPUs, its driver (None: not stated), its JetPack.

    `wsl` is True where Linux is WSL2, whose driver is that of Windows.
    """

    gpus: tuple[RequestedGpu, ...]
    driver: DriverVersion | None
    jetpack: JetPack | None = None
    wsl: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What is asked for on every platform alike. An option of a request is a field here, a str or a bool.

    `torch` is a PEP 440 specifier or empty; `cuda` is a CUDA tag (`cu126`), `cpu` for the CPU lane, or empty.
    """

    python: str
    torch: str = ""
    cuda: str = ""
    vision: bool = True
    audio: bool = False

    @property
    def is_cpu(self) -> bool:
        """True for the CPU lane: builds without CUDA, no GPU and no driver."""
        return self.cuda == CPU


CHOICES: Mapping[str, str | bool] = {
    field.name: "" if field.default is MISSING else field.default for field in fields(Choices)
}


def choices_of(stated: Choices) -> dict[str, Any]:
    """Name -> value of what is asked for on every platform alike."""
    return {name: getattr(stated, name) for name in CHOICES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Choices):
    """One request for one subdir.

    `driver` is None when nobody stated it: the decision then assumes the newest branch that serves all GPUs. `jetpack`
    is what a Jetson runs, given or assumed: its CUDA counts, not the driver's number. `machines` are filled when there
    are several: every one has been found to serve its own GPUs, `gpus` are those of all of them and `driver` is their
    oldest. `wsl` is True where Linux is WSL2, whose driver is that of Windows. `cuda_major` is the CUDA major that the
    requested packages load, 0 when they load none or any.
    """

    gpus: tuple[RequestedGpu, ...]
    subdir: Subdir
    driver: DriverVersion | None
    driver_origin: DriverOrigin
    glibc: str
    jetpack: JetPack | None = None
    machines: tuple[Machine, ...] = ()
    wsl: bool = False
    cuda_major: int = 0
