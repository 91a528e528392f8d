"""PyPI itself: its own build of torch, solved, hashed and dry-run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import uv

from envgen.core.platforms import Subdir
from envgen.facts.tables import read_table
from envgen.files.bodies import pip_bodies
from envgen.solve.pip.query import PipQuery
from envgen.solve.pip.solve import solve_pip
from envgen.verify.online.pip_hashes import HashState, check_hashes

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.mark.parametrize("subdir", [Subdir.LINUX_64, Subdir.LINUX_AARCH64])
def test_pypis_own_build(subdir: Subdir, tmp_path: Path) -> None:
    query = PipQuery(
        subdir=subdir, python="3.12", glibc="2.28", torch="2.15.0", cuda_tag="cu132", on_pypi=True, torchvision="0.29.2"
    )
    lock = solve_pip(query)
    # The hash of the file itself, as it was read for the arch list, beside the one that the index states.
    measured = {row["file"]: row["sha256"] for row in read_table("torch_measured")}
    torch = next(p for p in lock.packages if p.name == "torch")
    assert measured[torch.url.rpartition("/")[2]] == torch.sha256
    # Requires-Dist of 2.15.0 (PyPI metadata).
    assert lock.version_of("nvidia-cudnn-cu13") == "9.26.0.51"
    assert lock.version_of("nvidia-nccl-cu13") == "2.30.7"
    assert {c.state for c in check_hashes(lock)} == {HashState.GOOD}
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(pip_bodies(lock, multi=False)["requirements.txt"], encoding="utf-8")
    platform = f"{query.uv_platform}"
    command = [
        uv.find_uv_bin(), "pip", "install", "--dry-run", "--no-config", "--require-hashes", "-r", str(requirements),
        "--target", str(tmp_path / "target"), "--python-platform", platform, "--python-version", "3.12",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"Would install {len(lock.packages)} packages" in done.stderr
