"""What a generated file says about itself in its header, and the commands that use it."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.resolution import Notice, Pairing

VENV = ".venv"
NO_TOOLKIT = "No CUDA Toolkit and no cuDNN has to be installed: the packages carry them, only the driver matters."


def target(request: Request) -> str:
    """Whom a file is for: `GeForce MX450 (compute capability 7.5), win-64, Python 3.12`."""
    gpus = ", ".join(f"{r.gpu.name} (compute capability {r.gpu.capability})" for r in request.gpus)
    return f"{gpus}, {request.subdir}, Python {request.python}"


def runs_as(pairing: Pairing) -> str:
    """Which code runs and since which driver: `runs as sm_75 (SASS), driver 528.33 or newer`."""
    codes = ", ".join(dict.fromkeys(f"{use.code} ({use.code.kind.value.upper()})" for use in pairing.code))
    return f"runs as {codes}, driver {pairing.driver_floor} or newer"


def venv_command(subdir: Subdir, python: str, venv: str = VENV) -> str:
    """The command that makes a virtual environment with a Python (X.Y) that is installed."""
    launcher = f"py -{python}" if subdir.is_windows else f"python{python}"
    return f"{launcher} -m venv {venv}"


def venv_python(subdir: Subdir, venv: str = VENV) -> str:
    """How the Python of a virtual environment is called from the folder that it is in."""
    return rf"{venv}\Scripts\python" if subdir.is_windows else f"{venv}/bin/python"


def pip_command(subdir: Subdir, requirements: str, venv: str = VENV) -> str:
    """The command that fills a virtual environment from a lock."""
    return f"{venv_python(subdir, venv)} -m pip install --require-hashes -r {requirements}"


def conda_command(explicit: str, environment: str) -> str:
    """The command that makes the locked conda environment (conda, mamba and micromamba alike)."""
    return f"conda create --name {environment} --file {explicit}"


def notice_lines(notices: Sequence[Notice]) -> tuple[str, ...]:
    """The notices of a decision, a line each."""
    return tuple(f"note [{notice.code}]: {notice.text}" for notice in notices)
