"""A made-up host for the smoke test: what its driver, its torch and its GPUs answer (see `fakes/`)."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from envgen.files.formats.smoke import SmokeExpectation, SmokeGpu, SmokePairing, smoke_body

FAKES = Path(__file__).parent / "fakes"

ADA = {"name": "NVIDIA GeForce RTX 4090", "capability": "8.9"}
TURING = {"name": "Tesla T4", "capability": "7.5"}

EXPECTED = SmokeExpectation(
    pairings=(
        SmokePairing(source="pip", torch="2.14.1", cuda="12.6", torchvision="0.29.1"),
        SmokePairing(source="conda", torch="2.13.0", cuda="12.8"),
    ),
    gpus=(SmokeGpu(name="GeForce RTX 4090", capability="8.9"),),
)


@dataclass(frozen=True)
class FakeHost:
    """The answers of a host on which everything works; a test changes what it is about.

    `nvml` and `libcuda` are None when the library is absent. `driver_gpus` are those of the driver when it shows
    others than torch. `memory` says where torch's numbers are by the driver: `host`, or `first` for the first GPU.
    `numbers` are what every tensor is read back as. With `at_exit` torch ends the process with 0 when it would end.
    `assert_text` is what the child process dies with.
    """

    nvml: dict[str, Any] | None = field(default_factory=lambda: {"init": 0, "version": "570.133.20"})
    libcuda: dict[str, Any] | None = field(default_factory=lambda: {"init": 0, "version": 12080})
    torch: str | None = "2.14.1+cu126"
    torch_error: str = ""
    cuda: str | None = "12.6"
    hip: str | None = None
    archs: str | None = "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90"
    available: bool = True
    warning: str = ""
    cudnn: int | None = 91002
    gpus: Sequence[dict[str, Any]] = (ADA,)
    torchvision: str | None = "0.29.1+cu126"
    torchvision_error: str = ""
    triton: bool = True
    compile: bool = True
    driver_gpus: Sequence[dict[str, Any]] = ()
    memory: str = ""
    numbers: Any = None
    at_exit: bool = False
    assert_text: str = "RuntimeError: CUDA error: device-side assert triggered"

    def environment(self, **extra: str) -> dict[str, str]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["assert"] = values.pop("assert_text")
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "PYENV_VERSION") if name in os.environ}
        return {**kept, "FAKE_HOST": json.dumps(values), "PYTHONIOENCODING": "utf-8", **extra}


@cache
def with_fakes(python: str) -> str:
    """The Python of a virtual environment in which the fakes are installed."""
    folder = Path(tempfile.mkdtemp(prefix="envgen-smoke-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    (place,) = [folder / "Lib" / "site-packages"] if os.name == "nt" else folder.glob("lib/python*/site-packages")
    shutil.copytree(FAKES, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `findings` are (check, verdict, code) of each check that did not simply pass."""

    status: int
    talk: str
    answer: dict[str, Any]

    @property
    def findings(self) -> list[tuple[str, str, str]]:
        return [(c["check"], c["verdict"], c["code"]) for c in self.answer["checks"] if c["verdict"] != "passed"]


def smoke(
    host: FakeHost,
    folder: Path,
    *arguments: str,
    expected: SmokeExpectation = EXPECTED,
    python: str = sys.executable,
    environment: dict[str, str] | None = None,
) -> Outcome:
    """Write the smoke test into the folder and run it on the host, with `--json`."""
    script = folder / "smoke_test.py"
    script.write_text(smoke_body(expected), encoding="utf-8")
    command = [with_fakes(python), "-W", "error", str(script), "--json", *arguments]
    environ = host.environment(**(environment or {}))
    run = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environ, cwd=folder, check=False
    )
    answer = json.loads(run.stdout) if run.stdout else {}
    return Outcome(run.returncode, run.stderr, answer)
