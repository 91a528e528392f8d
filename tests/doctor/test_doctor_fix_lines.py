"""The last line says all that must be done, in its order, in words that the reader's shell takes."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from doctor.samples import (
    conda,
    context_of,
    dist,
    environment,
    examine,
    host,
    printed,
    torch,
    torch_run,
    unavailable,
    vision,
)
from doctor.test_doctor_causes import SAMPLES, Sample, with_driver, with_nodes
from envgen.doctor.diagnose import diagnose
from envgen.doctor.document import diagnosis_mapping
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.torch_run import RunOutcome, TorchRun
from envgen.probe.observation import DriverParts, EnvironmentKind, FabricManager, InstallSetting, Observation

CU128 = torch("2.8.0+cu128", "12.8")
NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver"


def parts_of(name: str, **parts: object) -> Observation:
    """A captured host whose driver has other parts."""
    observation = host(name)
    changed: DriverParts = replace(observation.parts, **parts)  # type: ignore[arg-type]  # names are the test's own
    return replace(observation, parts=changed)


def without_windows_driver() -> Observation:
    """WSL 2 with the device of Windows' graphics, and none of the libraries of an NVIDIA driver."""
    observation = parts_of("wsl2-rtx3080-560.94", libraries=(), error="x")
    return replace(observation, gpus=(), driver=None)


@pytest.mark.parametrize(
    ("observation", "line"),
    [
        # learn.microsoft.com/windows/wsl/basic-commands: these are commands of Windows.
        pytest.param(
            without_windows_driver(),
            "install the current NVIDIA driver in Windows, never one inside WSL, then run in PowerShell there: "
            "wsl --shutdown",
            id="wsl-without-windows-driver",
        ),
        pytest.param(host("wsl1-none"), "run in PowerShell on Windows: wsl --set-version Debian 2", id="wsl-1"),
        pytest.param(
            host("wsl1-none", variables={"WSL_DISTRO_NAME": "My Debian"}),
            'run in PowerShell on Windows: wsl --set-version "My Debian" 2',
            id="wsl-1-with-a-space",
        ),
        pytest.param(
            with_nodes("wsl2-rtx3080-shadowed-560.94", without="/dev/dxg"),
            "update Windows, then run in PowerShell there: wsl --update; wsl --shutdown",
            id="wsl-without-device",
        ),
        # docs.docker.com/engine/containers/gpu
        pytest.param(
            host("container-none-rtx3090"),
            "install the NVIDIA Container Toolkit on the host and start the container there with the GPU "
            "(`docker run --gpus all`); an image build has none, only a running container",
            id="container",
        ),
        pytest.param(
            with_driver("linux-uv-rtx5090-580.95.05", "565.57.01"),
            "install driver R570 or newer, then reboot: sudo ubuntu-drivers install",
            id="driver-predates-gpu",
        ),
        pytest.param(
            with_nodes("linux-rtx4090-570.133.20", closed=("/dev/nvidiactl", "/dev/nvidia0")),
            "join the groups that own the device files (often video and render), then log in again: "
            'sudo usermod -aG video,render "$USER"',
            id="groups",
        ),
        pytest.param(
            host("linux-8xh100-fabric-570.133.20"), "sudo systemctl enable --now nvidia-fabricmanager", id="service"
        ),
        pytest.param(
            parts_of("linux-8xh100-fabric-570.133.20", fabric_manager=FabricManager(state="failed", version="570.86")),
            "install Fabric Manager in the version of the driver (570.133.20) and start it: "
            "sudo systemctl enable --now nvidia-fabricmanager",
            id="service-of-another-version",
        ),
    ],
)
def test_a_cause_of_the_host(observation: Observation, line: str) -> None:
    assert printed(context_of(observation, environment(CU128), unavailable(NO_DRIVER)))[-1] == f"fix: {line}"


def test_musl_is_left_and_not_given_another_python() -> None:
    line = printed(context_of(host("linux-rtx4090-570.133.20"), environment(musl=True)))[-1]
    assert line == "fix: use a Debian or Ubuntu based image; no CUDA build runs on musl"


def test_a_32_bit_python_is_replaced_before_an_environment_is_made() -> None:
    line = printed(context_of(host("windows-rtx4070-560.94"), environment(bits=32)))[-1]
    before, _, command = line.partition(": ")[2].partition(": ")
    assert before == "install the 64-bit Python 3.12 and make a new environment with it"
    assert command == 'envgen --gpu "NVIDIA GeForce RTX 4070" --driver 560.94 --python 3.12'


def test_a_jetson_is_told_of_the_builds_that_no_catalog_holds() -> None:
    line = printed(context_of(host("jetson-orin-r36.4.3"), environment(torch("2.7.1+cpu", None))))[-1]
    assert "take the wheel made for this JetPack (L4T 36.4.3), NVIDIA's l4t container, or conda-forge's build" in line
    assert line.endswith(': envgen --gpu "Orin (nvgpu)" --driver "JetPack 6.2" --python 3.12')


def test_an_import_that_does_not_end_is_waited_for() -> None:
    run = TorchRun(outcome=RunOutcome.TIMED_OUT, reason="torch gave no answer within 60 s", stage="prefix")
    line = printed(context_of(host("linux-rtx4090-570.133.20"), environment(CU128), run))[-1]
    assert line.endswith('then run `envgen doctor` again: /home/ada/venv/bin/python -c "import torch"')
    assert "install" not in line


def test_a_paging_file_is_not_raised_by_an_installer() -> None:
    run = torch_run(import_error="OSError: [WinError 1455] The paging file is too small", available=None)
    fix = examine(host("windows-rtx4070-560.94"), environment(CU128), run).fix
    assert fix is not None
    assert fix.command == ""
    assert "raise the size of the paging file" in fix.text


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("linux-gtx1080ti-535.183.01", "PIP_NO_INDEX=0 /home/ada/venv/bin/python -m pip install "),
        ("windows-rtx4070-560.94", '$env:PIP_NO_INDEX = "0"; /home/ada/venv/bin/python -m pip install '),
    ],
)
@pytest.mark.parametrize(
    "settings",
    [
        [InstallSetting(origin="/etc/pip.conf", key="no-index", value="true")],
        [InstallSetting(origin="PIP_NO_INDEX", key="no-index", value="1")],
    ],
)
def test_no_index_is_lifted_for_the_command(name: str, begin: str, settings: list[InstallSetting]) -> None:
    fix = examine(host(name, settings=settings), environment(torch("2.8.0", None))).fix
    assert fix is not None
    assert fix.command.startswith(begin)


@pytest.mark.parametrize(
    ("origin", "value", "pip", "lifted"),
    [
        ("/etc/pip.conf", "false", True, ""),
        ("/home/ada/.config/uv/uv.toml", "True", True, ""),  # not pip's
        ("/etc/pip.conf", "true", False, ""),  # not uv's
        ("UV_NO_INDEX", "1", True, ""),
        ("/home/ada/.config/uv/uv.toml", "True", False, " --no-config "),
    ],
)
def test_only_the_settings_of_the_installer_count(origin: str, value: str, pip: bool, lifted: str) -> None:
    setting = InstallSetting(origin=origin, key="no-index", value=value)
    kind = EnvironmentKind.VENV if pip else EnvironmentKind.UV
    inspected = environment(torch("2.8.0", None), kind=kind, pip=pip)
    fix = examine(host("linux-gtx1080ti-535.183.01", settings=[setting]), inspected).fix
    assert fix is not None
    assert ("--no-config" in fix.command) == bool(lifted)
    assert "PIP_NO_INDEX" not in fix.command


def pixi_target(name: str, *, by_conda: bool = True) -> InspectedEnvironment:
    """An environment of pixi with the CPU build of torch, from conda or from PyPI."""
    prefix = f"/home/ada/my work/.pixi/envs/{name}"
    site = f"{prefix}/lib/python3.12/site-packages"
    record = "pytorch" if by_conda else "python"
    return environment(
        conda(record, "2.12.0", "cpu_mkl_py312_h94e416f_100", prefix),
        torch("2.12.0", None, installer="conda" if by_conda else "uv-pixi", site=site),
        kind=EnvironmentKind.CONDA,
        prefix=prefix,
        pip=False,
    )


def test_an_environment_of_pixi_is_mended_through_its_manifest() -> None:
    # pixi.sh: `pixi add --manifest-path` takes the workspace's folder; cuda under system-requirements is __cuda.
    fix = examine(host("linux-conda-rtx3090-550.120"), pixi_target("default")).fix
    assert fix is not None
    words = shlex.split(fix.command)
    assert words[:4] == ["pixi", "add", "--manifest-path", "/home/ada/my work"]
    assert [word for word in words[4:] if word.startswith("pytorch=")] != []
    assert not any(word.startswith("python=") for word in words[4:])
    assert 'cuda = "12" under system-requirements' in fix.where
    assert "pypi-dependencies" not in fix.where
    by_pypi = examine(host("linux-conda-rtx3090-550.120"), pixi_target("default", by_conda=False)).fix
    assert by_pypi is not None
    assert by_pypi.command == fix.command
    assert by_pypi.where.endswith(", and take torch out of its pypi-dependencies, then run")


def test_pixi_has_nothing_to_take_out_of_an_empty_environment() -> None:
    prefix = "/home/ada/work/.pixi/envs/default"
    inspected = environment(
        conda("python", "3.12.8", "h9e4cc4f_1_cpython", prefix), kind=EnvironmentKind.CONDA, prefix=prefix, pip=False
    )
    fix = examine(host("linux-conda-rtx3090-550.120"), inspected).fix
    assert fix is not None
    assert fix.command.startswith("pixi add --manifest-path /home/ada/work ")
    assert "pypi-dependencies" not in fix.where


def test_another_environment_of_pixi_is_mended_in_its_feature() -> None:
    fix = examine(host("linux-conda-rtx3090-550.120"), pixi_target("gpu")).fix
    assert fix is not None
    assert fix.command == ""
    assert "in a feature of the environment gpu (/home/ada/my work)" in fix.text


@pytest.mark.parametrize(
    ("system", "command"),
    [
        # wiki.ubuntu.com/UEFI/SecureBoot/DKMS; wiki.debian.org/SecureBoot, "DKMS and secure boot"
        ("Ubuntu 24.04.1 LTS", "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der"),
        ("Debian GNU/Linux 13 (trixie)", "sudo mokutil --import /var/lib/dkms/mok.pub"),
        ("Debian GNU/Linux 12 (bookworm)", "sudo mokutil --import /var/lib/dkms/mok.pub"),
        ("Debian GNU/Linux forky/sid", "sudo mokutil --import /var/lib/dkms/mok.pub"),
        ("Debian GNU/Linux 11 (bullseye)", ""),
        ("Fedora Linux 43", ""),
    ],
)
def test_the_key_is_where_the_distribution_keeps_it(system: str, command: str) -> None:
    observation = host("linux-rtx4070-secure-boot")
    fix = examine(replace(observation, system=replace(observation.system, name=system)), environment(CU128)).fix
    assert fix is not None
    assert fix.command == command
    assert "sign" in fix.text


MANAGED = {"/usr/lib/python3.12/site-packages/EXTERNALLY-MANAGED": "[externally-managed]\n"}


@pytest.mark.parametrize(
    ("files", "pip"),
    [
        pytest.param(MANAGED, True, id="marked"),  # PEP 668: an installer must refuse, in words of its own
        pytest.param({}, False, id="without-pip"),
    ],
)
def test_a_python_of_the_system_is_left_alone(files: dict[str, str], pip: bool) -> None:
    inspected = environment(files, kind=EnvironmentKind.SYSTEM, prefix="/usr", pip=pip)
    debian = host("linux-rtx4090-570.133.20")
    debian = replace(debian, system=replace(debian.system, name="Debian GNU/Linux 13 (trixie)"))
    fix = examine(debian, inspected).fix
    assert fix is not None
    first, second = fix.command.split(" && ")
    assert first == "/usr/bin/python -m venv .venv"
    assert second.startswith(".venv/bin/python -m pip install ")
    assert "this Python belongs to the system" in fix.where
    assert "sudo apt install python3-venv" in fix.where  # packages.debian.org: python3-venv brings ensurepip


def test_the_mark_of_the_base_python_does_not_count_inside_an_environment() -> None:
    inspected = environment(MANAGED, torch("2.8.0+cpu", None), path=("/usr/lib/python3.12/site-packages",))
    fix = examine(host("linux-rtx4090-570.133.20"), inspected).fix
    assert fix is not None
    assert fix.command.startswith("/home/ada/venv/bin/python -m pip install ")


def test_on_windows_the_new_environment_has_its_own_place_of_python() -> None:
    inspected = environment(
        {"C:/Python312/lib/python3.12/site-packages/EXTERNALLY-MANAGED": ""},
        kind=EnvironmentKind.SYSTEM,
        prefix="C:/Python312",
        executable="C:\\Program Files\\Python312\\python.exe",
    )
    fix = examine(host("windows-rtx4070-560.94"), inspected).fix
    assert fix is not None
    assert fix.command.startswith(
        '& "C:\\Program Files\\Python312\\python.exe" -m venv .venv; .venv\\Scripts\\python -m pip install '
    )
    assert "apt" not in fix.where


@pytest.mark.parametrize(
    ("name", "inspected", "packages"),
    [
        # Requires-Dist of torchaudio 2.8.0: torch==2.8.0; of torchvision 0.23.0: torch==2.8.0.
        pytest.param(
            "windows-rtx4070-560.94",
            environment(CU128, vision("0.22.1+cu128", requires=["torch==2.7.1"]), dist("torchaudio", "2.5.0+cu124")),
            "torch==2.8.0+cu128 torchvision==0.23.0+cu128 torchaudio==2.8.0+cu128",
            id="the-same-release",
        ),
        # torchaudio ended with 2.11.0, which asks for no torch and has no build for each later tag.
        pytest.param(
            "linux-gtx1080ti-535.183.01",
            environment(torch("2.14.1+cpu", None), dist("torchaudio", "2.11.0+cpu")),
            "torch==2.14.1+cu126 torchaudio==2.11.0",
            id="the-last-that-loads",
        ),
        pytest.param(
            "linux-gtx1080ti-535.183.01",
            environment(torch("2.14.1+cpu", None)),
            "torch==2.14.1+cu126",
            id="not-installed",
        ),
    ],
)
def test_torchaudio_is_installed_again_with_the_others(
    name: str, inspected: InspectedEnvironment, packages: str
) -> None:
    fix = examine(host(name), inspected).fix
    assert fix is not None
    assert fix.command.endswith(f"https://pypi.org/simple {packages}")


def test_torchaudio_of_conda_is_asked_for_again() -> None:
    prefix = "/home/ada/miniforge3/envs/sound"
    site = f"{prefix}/lib/python3.12/site-packages"
    inspected = environment(
        conda("pytorch", "2.12.0", "cpu_mkl_py312_h94e416f_100", prefix),
        torch("2.12.0", None, installer="conda", site=site),
        dist("torchaudio", "2.11.0", installer="conda", site=site),
        kind=EnvironmentKind.CONDA,
        prefix=prefix,
    )
    fix = examine(host("linux-conda-rtx3090-550.120"), inspected).fix
    assert fix is not None
    assert '"torchaudio"' in fix.command


@pytest.mark.parametrize("sample", [pytest.param(p, id=p.number) for p in SAMPLES])
def test_a_remedy_stands_by_itself(sample: Sample) -> None:
    # The last line is about the first finding only, and JSON has none.
    diagnosis = examine(sample.observation, sample.inspected, sample.run, sample.neighbours)
    assert not any("last line" in finding.remedy.text for finding in diagnosis.findings)


def test_json_says_what_comes_before_the_command() -> None:
    context = context_of(host("wsl1-none"), environment(CU128))
    found = diagnosis_mapping(context, diagnose(context), strict=False)["fix"]
    assert found["before"] == "run in PowerShell on Windows"
    assert found["command"] == "wsl --set-version Debian 2"


def test_nothing_comes_before_a_command_that_is_not_there() -> None:
    fix = examine(host("linux-gtx970-nouveau"), environment(CU128)).fix
    assert fix is not None
    assert (fix.where, fix.command) == ("", "")
    assert fix.text == "install the NVIDIA driver, branch R580: the last one that serves GeForce GTX 970, then reboot"
