"""What a generated file says about itself in its header, and the commands that use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def pip_commands(request: Request, requirements: str) -> tuple[str, str]:
    """The two commands that make the environment and install, with the lock's Python."""
    if request.subdir is Subdir.WIN_64:
        python = r".venv\Scripts\python"
        make = f"py -{request.python} -m venv .venv"
    else:
        python = ".venv/bin/python"
        make = f"python{request.python} -m venv .venv"
    return make, f"{python} -m pip install --require-hashes -r {requirements}"


def test_command(request: Request, *, has_pip: bool) -> str:
    """The one command that proves the environment: in the pip environment, or in conda's when there is no other."""
    if not has_pip:
        return f"conda run --name {ENVIRONMENT} python smoke_test.py"
    python = r".venv\Scripts\python" if request.subdir.is_windows else ".venv/bin/python"
    return f"{python} smoke_test.py"


def conda_command(explicit: str) -> str:
    """The command that makes the locked conda environment (conda, mamba and micromamba alike)."""
    return f"conda create --name {ENVIRONMENT} --file {explicit}"


def gpuless_lines(pairing: Pairing, environment: str, subdir: Subdir) -> Iterator[str]:
    """How to create environment.yml on a host that has no GPU."""
    create = f"conda env create -f {environment}"
    yield "On a host without an NVIDIA driver conda must be told the CUDA version of the target's driver:"
    if subdir.is_windows:
        yield f"  cmd: set CONDA_OVERRIDE_CUDA={pairing.build.cuda}&& {create}"
        yield f'  PowerShell: $env:CONDA_OVERRIDE_CUDA="{pairing.build.cuda}"; {create}'
    else:
        yield f"  CONDA_OVERRIDE_CUDA={pairing.build.cuda} {create}"


def notice_lines(notices: Sequence[Notice]) -> tuple[str, ...]:
    """The notices of a decision, a line each."""
    return tuple(f"note [{notice.code}]: {notice.text}" for notice in notices)
