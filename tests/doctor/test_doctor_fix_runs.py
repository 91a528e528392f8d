"""The command of the last line, run by the real installers: it puts the decided build in, whatever else is on offer.

The indexes are on the loopback interface. PyTorch's carries an older filelock and the exact build; the one that stands
for PyPI carries newer releases of torch and torchvision, which a careless command would take.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from doctor.samples import dist, environment, examine, host, torch, vision
from envgen.environments.inspected import InspectedEnvironment
from envgen.probe.observation import EnvironmentKind, InstallSetting
from equipment.wheel_index import WheelIndex, make_wheel

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(sys.platform != "linux", reason="the wheels are for Linux"),
]
TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"
WHEEL = f"{TAG}-{TAG}-manylinux_2_28_x86_64.whl"


@pytest.fixture
def index() -> Iterator[WheelIndex]:
    pytorch = [
        make_wheel(f"torch-2.14.1+cu126-{WHEEL}", ("filelock>=3.19",)),
        make_wheel(f"torchvision-0.29.1+cu126-{WHEEL}", ("torch>=2.14.0",)),
        make_wheel("filelock-3.18.0-py3-none-any.whl"),  # older than the metadata asks, as on PyTorch's own index
    ]
    pypi = [
        make_wheel(f"torch-2.15.0-{WHEEL}", ("filelock",)),
        make_wheel(f"torch-2.14.1-{WHEEL}", ("filelock",)),
        make_wheel(f"torchvision-0.29.2-{WHEEL}", ("torch>=2.14.0",)),
        make_wheel(f"torchvision-0.29.1-{WHEEL}", ("torch>=2.14.0",)),
        make_wheel("filelock-3.20.0-py3-none-any.whl"),
    ]
    with WheelIndex(wheels={"/whl/cu126": pytorch, "/simple": pypi}).running() as running:
        yield running


def command_for(
    prefix: Path,
    *,
    kind: EnvironmentKind,
    pip: bool,
    twice: bool = False,
    executable: str = "",
    marked: bool = False,
    settings: Sequence[InstallSetting] = (),
) -> str:
    """The last line for a GTX 1080 Ti on which PyPI's own torch was installed, or that and an older one (`twice`)."""
    site = f"{prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    inspected: InspectedEnvironment = environment(
        torch("2.15.0+cu132", "13.2", recorded="2.15.0", site=site),
        vision("0.29.2+cu132", site=site),
        dist("filelock", "3.20.0", site=site),
        dist("torch", "2.14.1", site=site) if twice else {},
        {f"{site}/EXTERNALLY-MANAGED": ""} if marked else {},
        prefix=str(prefix),
        python=f"{sys.version_info[0]}.{sys.version_info[1]}.0",
        kind=kind,
        pip=pip,
        **({"executable": executable} if executable else {}),
    )
    diagnosis = examine(host("linux-gtx1080ti-535.183.01", settings=settings), inspected)
    assert diagnosis.fix is not None
    assert diagnosis.fix.by_decision
    return diagnosis.fix.command


def run(command: str, index: WheelIndex, home: Path, uv: str = "uv", pip_config: str = "/dev/null") -> None:
    """Run a command with the public indexes replaced by those of the loopback interface."""
    at_home = command.replace("https://download.pytorch.org", index.url()).replace("https://pypi.org", index.url())
    assert "https://" not in at_home
    words = ["sh", "-c", re.sub(r"(^|&& )uv ", rf"\1{shlex.quote(uv)} ", at_home)]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PIP_CONFIG_FILE": pip_config, "UV_NO_CONFIG": "1"}
    # A command that is wrong must not reach the Python that the tests run on.
    environ |= {"PIP_REQUIRE_VIRTUALENV": "1", "UV_SYSTEM_PYTHON": "0"}
    environ |= {"UV_CACHE_DIR": str(home / "uv"), "PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(words, cwd=home, capture_output=True, text=True, env=environ, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def installed(prefix: Path) -> dict[str, str]:
    """Name -> version of what lies in an environment, beside what venv itself puts there (setuptools until 3.11)."""
    folders = prefix.glob("lib/python*/site-packages/*.dist-info")
    found = (re.fullmatch(r"([^-]+)-(.+)\.dist-info", folder.name) for folder in folders)
    return {match[1]: match[2] for match in found if match and match[1] not in ("pip", "setuptools")}


EXPECTED = {"torch": "2.14.1+cu126", "torchvision": "0.29.1+cu126", "filelock": "3.20.0"}


def test_pip_installs_the_decided_build(tmp_path: Path, index: WheelIndex) -> None:
    prefix = tmp_path / "env"
    venv.create(prefix, with_pip=True, symlinks=True)
    run(command_for(prefix, kind=EnvironmentKind.VENV, pip=True), index, tmp_path)
    assert installed(prefix) == EXPECTED


def test_pip_installs_it_where_a_setting_forbids_every_index(tmp_path: Path, index: WheelIndex) -> None:
    prefix, config = tmp_path / "env", tmp_path / "pip.conf"
    config.write_text("[global]\nno-index = true\n")
    venv.create(prefix, with_pip=True, symlinks=True)
    setting = InstallSetting(origin=str(config), key="no-index", value="true")
    command = command_for(prefix, kind=EnvironmentKind.VENV, pip=True, settings=[setting])
    run(command, index, tmp_path, pip_config=str(config))
    assert installed(prefix) == EXPECTED


def test_uv_installs_the_decided_build(tmp_path: Path, index: WheelIndex) -> None:
    uv = pytest.importorskip("uv").find_uv_bin()
    prefix = tmp_path / "env"
    venv.create(prefix, with_pip=False, symlinks=True)
    run(command_for(prefix, kind=EnvironmentKind.UV, pip=False), index, tmp_path, uv)
    assert installed(prefix) == EXPECTED


def test_uv_takes_out_what_was_installed_twice(tmp_path: Path, index: WheelIndex) -> None:
    uv = pytest.importorskip("uv").find_uv_bin()
    prefix = tmp_path / "env"
    venv.create(prefix, with_pip=False, symlinks=True)
    command = command_for(prefix, kind=EnvironmentKind.UV, pip=False)
    run(command, index, tmp_path, uv)
    (site,) = prefix.glob("lib/python*/site-packages")
    older = site / "torch-2.14.0+cu126.dist-info"
    shutil.copytree(site / "torch-2.14.1+cu126.dist-info", older)
    for file in (older / "RECORD", older / "METADATA"):
        file.write_text(file.read_text().replace("2.14.1+cu126", "2.14.0+cu126"))
    run(command_for(prefix, kind=EnvironmentKind.UV, pip=False, twice=True), index, tmp_path, uv)
    assert [folder.name for folder in site.glob("torch-*.dist-info")] == ["torch-2.14.1+cu126.dist-info"]


def test_an_environment_without_pip_gets_one_first(tmp_path: Path, index: WheelIndex) -> None:
    pytest.importorskip("ensurepip")
    prefix = tmp_path / "my env"
    venv.create(prefix, with_pip=False, symlinks=True)
    run(command_for(prefix, kind=EnvironmentKind.VENV, pip=False), index, tmp_path)
    assert installed(prefix) == EXPECTED


@pytest.mark.parametrize(("pip", "marked"), [(True, True), (False, False)])
def test_a_python_of_the_system_gets_an_environment_first(
    tmp_path: Path, index: WheelIndex, pip: bool, marked: bool
) -> None:
    pytest.importorskip("ensurepip")
    own = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}")
    system = tmp_path / "usr"
    run(
        command_for(system, kind=EnvironmentKind.SYSTEM, pip=pip, executable=own, marked=marked, twice=marked),
        index,
        tmp_path,
    )
    assert installed(tmp_path / ".venv") == EXPECTED


def test_running_it_again_changes_nothing(tmp_path: Path, index: WheelIndex) -> None:
    uv = pytest.importorskip("uv").find_uv_bin()
    prefix = tmp_path / "env"
    venv.create(prefix, with_pip=False, symlinks=True)
    command = command_for(prefix, kind=EnvironmentKind.UV, pip=False)
    run(command, index, tmp_path, uv)
    run(command, index, tmp_path, uv)
    assert installed(prefix) == EXPECTED
