"""What a generated file says about itself in its header, and the commands that use it."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.resolution import Notice, Pairing

ENVIRONMENT = "envgen"
NO_TOOLKIT = "No CUDA Toolkit and no cuDNN has to be installed: the packages carry them, only the driver matters."


def target(request: Request) -> str:
    """Whom a file is for: `GeForce MX450 (compute capability 7.5), win-64, Python 3.12`."""
    gpus = ", ".join(f"{r.gpu.name} (compute capability {r.gpu.capability})" for r in request.gpus)
    return f"{gpus}, {request.subdir}, Python {request.python}"


def runs_as(pairing: Pairing) -> str:
    """Which code runs and since which driver: `runs as sm_75 (SASS), driver 528.33 or newer`."""
    codes = ", ".join(dict.fromkeys(f"{use.code} ({use.code.kind.value.upper()})" for use in pairing.code))
    return f"runs as {codes}, driver {pairing.driver_floor} or newer"


def pip_commands(subdir: Subdir, python: str, requirements: str) -> tuple[str, str]:
    """The two commands that make the environment and install, with the lock's Python."""
    interpreter = r".venv\Scripts\python" if subdir.is_windows else ".venv/bin/python"
    make = f"py -{python} -m venv .venv" if subdir.is_windows else f"python{python} -m venv .venv"
    return make, f"{interpreter} -m pip install --require-hashes -r {requirements}"


def conda_command(explicit: str) -> str:
    """The command that makes the locked conda environment (conda, mamba and micromamba alike)."""
    return f"conda create --name {ENVIRONMENT} --file {explicit}"


def notice_lines(notices: Sequence[Notice]) -> tuple[str, ...]:
    """The notices of a decision, a line each."""
    return tuple(f"note [{notice.code}]: {notice.text}" for notice in notices)
