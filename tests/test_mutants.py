"""`poe mutants` starts from tests that pass in the folder that it lays out."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.proof
def test_the_fast_tests_of_the_decision_need_what_is_laid_out_and_no_more(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / ".ci/mutants.py"))["lay_out"](tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "tests/resolve"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
