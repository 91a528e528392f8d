"""README's own commands, and those that they print, as a person pastes them into a shell in a fresh clone.

Nothing is fetched: `pip install .` links this checkout, and the wheels are those of a fake torch on a fake host.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ci.fake_wheels import write_lock
from envgen.core.platforms import Subdir
from envgen.files.commands import venv_python
from envgen.lock.shipped import ShippedLocks
from envgen.site.archives import archive
from smoke.host import FakeHost

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="README's line is for sh, and its target is Linux")

ROOT = Path(__file__).parent.parent
PIP = f"""#!/bin/sh
[ "$*" = "install ." ] && [ -f pyproject.toml ] || exit 9
printf '#!/bin/sh\\nexec {sys.executable} -m envgen "$@"\\n' > "$(dirname "$0")/envgen"
chmod +x "$(dirname "$0")/envgen"
"""
PYTHON3 = f"""#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 9
{sys.executable} -m venv --without-pip "$3" && cp "$(dirname "$0")/pip-of-the-clone" "$3/bin/pip"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone, beside a folder of programs."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("generator", "templates", "lockfiles", "pyproject.toml", "README.md"):
        (clone / name).symlink_to(ROOT / name)
    programs = tmp_path / "programs"
    programs.mkdir()
    scripts = {"python3": PYTHON3, "pip-of-the-clone": PIP, "python3.12": f'#!/bin/sh\nexec {sys.executable} "$@"\n'}
    for name, text in scripts.items():
        (programs / name).write_text(text)
        (programs / name).chmod((programs / name).stat().st_mode | stat.S_IEXEC)
    return clone


def paste(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run lines in a shell that stops at the first one that fails."""
    environment = FakeHost().environment(
        PATH=f"{folder.parent / 'programs'}{os.pathsep}/usr/bin{os.pathsep}/bin",
        HOME=str(folder.parent),
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_NO_INPUT="1",
        ENVGEN_OFFLINE="1",
    )
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        ["/bin/sh", "-e"], input=text, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_line_and_what_it_prints_work(clone: Path, tmp_path: Path) -> None:
    (line,) = re.findall(r"^    (python3 -m venv .*--output out)$", (clone / "README.md").read_text(), re.MULTILINE)
    done = paste(clone, line)
    assert done.returncode == 0, done.stderr
    block = "".join(f"{printed.strip()}\n" for printed in done.stdout.splitlines() if printed.startswith("  "))
    assert block.splitlines()[0] == "cd out"
    before = sorted(path.name for path in (clone / ".venv").rglob("*"))
    requirements = (clone / "out" / "requirements.txt").read_text()
    versions = dict(re.findall(r"^(torch|torchvision)==(\S+) ", requirements, re.MULTILINE))
    write_lock(clone / "out", tmp_path / "wheels", **versions)
    pasted = paste(clone, block)
    assert pasted.returncode == 0, pasted.stdout + pasted.stderr
    assert "Successfully installed torch-2.14.1+cu126" in pasted.stdout
    assert "passed" in pasted.stderr + pasted.stdout
    # envgen's own environment stays as it was: the printed one is another.
    assert sorted(path.name for path in (clone / ".venv").rglob("*")) == before
    assert (clone / "out" / ".venv" / "bin" / "python").exists()


@pytest.mark.parametrize("subdir", ["linux-64", pytest.param("win-64", marks=pytest.mark.proof)])
def test_the_commands_of_the_sites_zip_work_in_the_folder_that_it_makes(
    subdir: str, clone: Path, tmp_path: Path
) -> None:
    locks = ShippedLocks.read(ROOT / "lockfiles")
    (lock,) = (lock for lock in locks.locks if lock.folder.as_posix() == f"{subdir}/py3.12/pip-torch-2.14.1-cu126")
    (clone / "lock.zip").write_bytes(archive(lock, locks.files(lock)))
    with zipfile.ZipFile(clone / "lock.zip") as packed:
        packed.extractall(clone)
    (folder,) = {name.partition("/")[0] for name in packed.namelist()}
    commands = re.findall(r"^    (.+)$", (clone / folder / "README.txt").read_text(), re.MULTILINE)
    python = venv_python(Subdir(subdir))
    assert commands[1:] == [
        f"{python} -m pip install --require-hashes -r requirements.txt",
        f"{python} smoke_test.py",
    ]
    here = [line.replace(python, ".venv/bin/python").replace("py -3.12", "python3.12") for line in commands]
    requirements = (clone / folder / "requirements.txt").read_text()
    versions = dict(re.findall(r"^(torch|torchvision)==(\S+) ", requirements, re.MULTILINE))
    write_lock(clone / folder, tmp_path / "wheels", **versions)
    pasted = paste(clone, "\n".join([f"cd {folder}", *here, ""]))
    assert pasted.returncode == 0, pasted.stdout + pasted.stderr
    assert "Successfully installed torch-2.14.1+cu126" in pasted.stdout
