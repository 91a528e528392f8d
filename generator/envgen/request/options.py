"""The options of a request, each declared once: the command line, a project's file and Python callers share them.

A field's type says how it is read: a tuple is an option that can be repeated, a bool that is True by default is a
switch that turns it off. `{python}` in a help text is that row of the table `defaults`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, get_args, get_type_hints

from envgen.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """How a field is written on the command line; `environment` names a variable that gives it a default."""

    flag: str
    metavar: str = ""
    help: str = ""
    short: str = ""
    environment: str = ""
    minimum: int | None = None


@cache
def declared(group: type) -> dict[str, tuple[object, Option]]:
    """Name -> (type, option) of the fields of a dataclass that are options, in their order."""
    hints = {name: get_args(hint) for name, hint in get_type_hints(group, include_extras=True).items()}
    options = {name: next((a for a in args if isinstance(a, Option)), None) for name, args in hints.items()}
    return {name: (hints[name][0], option) for name, option in options.items() if option is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """The options of a request as typed, before anything is read. `None` and empty mean not given."""

    gpus: Annotated[
        tuple[str, ...],
        Option(
            "--gpu",
            "NAME",
            "GPU as you, nvidia-smi, lspci or Device Manager write it, or a PCI id (10de:1f97). Repeat for several "
            "GPUs in one environment; cpu for none. Without it this computer's own GPUs are looked up.",
        ),
    ] = ()
    capabilities: Annotated[
        tuple[str, ...], Option("--compute-capability", "X.Y", "Instead of, or beside, a name. Repeatable.")
    ] = ()
    drivers: Annotated[
        tuple[str, ...],
        Option(
            "--driver",
            "VERSION",
            "Driver of the target as the computer shows it: 560.94, 32.0.15.6094, 535, for a Jetson JetPack 6.2. "
            "Repeatable (win-64=560.94: for one platform). Default: this computer's for its own GPU, else the newest "
            "that serves the GPU.",
        ),
    ] = ()
    machines: Annotated[
        tuple[str, ...],
        Option(
            "--machine",
            '"GPU;DRIVER[;PLATFORM]"',
            "A computer with its own GPU and driver. Repeatable: the environment runs on each of them.",
        ),
    ] = ()
    platforms: Annotated[
        tuple[str, ...],
        Option(
            "--platform",
            "SUBDIR",
            "linux-64, win-64, linux-aarch64 or wsl, with --cuda cpu also osx-arm64. Repeatable. Default: this "
            "computer's.",
        ),
    ] = ()
    python: Annotated[
        str | None,
        Option(
            "--python",
            "X.Y",
            "Python of the environment. Default: {python}, on any host.",
            environment="ENVGEN_PYTHON",
        ),
    ] = None
    glibc: Annotated[
        tuple[str, ...],
        Option(
            "--glibc",
            "X.Y",
            "glibc of a Linux target. Repeatable (linux-aarch64=2.35: for one platform). Default: {glibc}.",
            environment="ENVGEN_GLIBC",
        ),
    ] = ()
    torch: Annotated[
        str | None, Option("--torch", "SPEC", 'PyTorch releases to choose from: 2.9, 2.8.0, ">=2.6,<2.9".')
    ] = None
    cuda: Annotated[
        str | None, Option("--cuda", "TAG", "CUDA of the build, such as cu126 or 12.6; cpu for a build without it.")
    ] = None
    vision: Annotated[bool, Option("--no-vision", help="Leave torchvision out.")] = True
    audio: Annotated[bool, Option("--audio", help="Add torchaudio.")] = False


def words(options: RequestOptions) -> Iterator[str]:
    """The options as they are typed, without those that have their default."""
    plain = RequestOptions()
    for name, (_, option) in declared(RequestOptions).items():
        value, default = getattr(options, name), getattr(plain, name)
        for one in value if isinstance(value, tuple) else (value,):
            if value != default:
                yield from (option.flag,) if isinstance(one, bool) else (option.flag, str(one))
