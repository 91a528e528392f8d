"""The commands of the document air-gap.md are followed as they stand there, with small wheels in place of real ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from envgen.core.platforms import Subdir
from envgen.files.bodies import conda_bodies, pip_bodies
from envgen.files.variants import without_index_lines
from envgen.net.sites import wheel_site
from envgen.solve.conda.solve import solve_conda
from envgen.solve.conda.source import CHANNEL_SITE
from equipment.conda_channel import cuda_query, write_pytorch_channels
from equipment.loopback import refused_url, serving
from equipment.pip_world import Solve, query
from equipment.wheel_index import WheelIndex

ROOT = Path(__file__).parents[3]
LINES = (ROOT / "templates/docs/air-gap.md").read_text(encoding="utf-8")

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(sys.platform != "linux", reason="the small world's wheels are for Linux"),
]


def commands(title: str) -> list[str]:
    """The lines of the block with that first line, without what makes the lock (its options are tried elsewhere)."""
    (block,) = re.findall(rf"```bash\n# {title}\n(.*?)```", LINES, re.DOTALL)
    return [line for line in block.splitlines() if not line.startswith(("envgen ", "cd env"))]


def follow(lines: list[str], folder: Path, python: str, **variables: str) -> str:
    """Run the lines in a shell, with this interpreter for the one that they name; return what they print."""
    script = "set -e\n" + "\n".join(lines).replace("python3.12", python)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    environ = kept | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | variables
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.slow
def test_wheels_are_fetched_here_and_installed_there(
    tmp_path: Path, solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex
) -> None:
    machine = Subdir.LINUX_AARCH64 if os.uname().machine == "aarch64" else Subdir.LINUX_64
    lock = solve(query(machine, constraints=("nvidia-cudnn-cu12<9.11",)), write_mirror=True)
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    body = pip_bodies(lock, multi=False)["requirements.txt"]
    (here / "requirements.txt").write_text(body, encoding="utf-8")
    follow(commands("wheels: fetch"), here, sys.executable)
    assert len(list((here / "wheels").iterdir())) == len(lock.packages)
    there.mkdir()
    (here / "wheels").rename(there / "wheels")
    (there / "requirements.txt").write_text(without_index_lines(body), encoding="utf-8")
    (there / "smoke_test.py").write_text("import torch; print(torch.__version__)\n", encoding="utf-8")
    asked = len(torch_index.requests) + len(pypi_index.requests)
    said = follow(commands("wheels: install"), there, sys.executable, HTTPS_PROXY=refused_url())
    assert said.splitlines()[-1] == lock.version_of("torch")
    assert len(torch_index.requests) + len(pypi_index.requests) == asked


def test_a_folder_of_wheels_stands_for_the_index(tmp_path: Path, solve: Solve, torch_index: WheelIndex) -> None:
    for place, wheels in torch_index.wheels.items():
        folder = tmp_path / Path(place).name
        folder.mkdir()
        for wheel in wheels:
            if wheel.content is not None:
                (folder / wheel.filename).write_bytes(wheel.content)
    served = solve()
    asked = len(torch_index.requests)
    with wheel_site(str(tmp_path)) as mirror:
        assert solve(wheel_mirror=mirror) == served
    assert len(torch_index.requests) == asked


def test_conda_packages_are_fetched_here_and_listed_there(tmp_path: Path) -> None:
    """curl is sent to a channel on the loopback, and conda is not called: the file that it would read is."""
    root = write_pytorch_channels(tmp_path / "served")
    lock = solve_conda(cuda_query(), mirror=str(root))
    for package in lock.packages:
        place = root / package.url.removeprefix(f"{CHANNEL_SITE}/")
        place.write_bytes(package.name.encode())
    env = tmp_path / "env"
    env.mkdir()
    (env / "conda-linux-64.lock").write_text(conda_bodies([lock])["conda-linux-64.lock"], encoding="utf-8")
    with serving(root) as server:
        lines = [
            line.replace('"$url"', f'"{server.url}/${{url#{CHANNEL_SITE}/}}"') for line in commands("conda: fetch")
        ]
        fetch = [line.replace(f'"{CHANNEL_SITE}/conda-forge', f'"{server.url}/conda-forge') for line in lines]
        follow(fetch, tmp_path, sys.executable)
    follow([line for line in commands("conda: install") if not line.startswith("conda ")], tmp_path, sys.executable)
    listed = [line for line in (tmp_path / "local.lock").read_text("utf-8").splitlines() if line.startswith("file://")]
    assert len(listed) == len(lock.packages)
    for line in listed:
        assert Path(line.removeprefix("file://").partition("#")[0]).is_file()
    assert solve_conda(cuda_query(), mirror=str(tmp_path / "mirror")) == lock
