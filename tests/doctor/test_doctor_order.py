"""Two causes at once are both found, the first to be fixed first; and the last line is one command."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from doctor.samples import (
    PREFIX,
    builds,
    catalog,
    conda,
    context_of,
    decide,
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
from envgen.causes.context import Context
from envgen.causes.findings import Finding, Remedy
from envgen.cli.main import main
from envgen.core.drivers import DriverVersion
from envgen.core.findings import Level
from envgen.core.request import Request
from envgen.core.resolution import Resolution
from envgen.doctor.diagnose import diagnose, explained
from envgen.doctor.document import diagnosis_mapping
from envgen.doctor.fix import choose_fix, request_for
from envgen.environments.inspected import InspectedEnvironment
from envgen.facts.catalog import Catalog
from envgen.probe.observation import EnvironmentKind
from envgen.resolve.evaluation import Evaluation

RTX4090 = "linux-rtx4090-570.133.20"
CPU = torch("2.8.0+cpu", None)
CU128 = torch("2.8.0+cu128", "12.8")
CONDA = "linux-conda-rtx3090-550.120"
CONDA_PREFIX = "/home/ada/miniforge3/envs/vision"
CONDA_SITE = f"{CONDA_PREFIX}/lib/python3.12/site-packages"


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        pytest.param(
            examine(host("linux-gtx1650-none"), environment(CPU)),
            ["no-driver", "torch-cpu-build"],
            id="driver-before-torch",
        ),
        pytest.param(
            examine(host("container-none-rtx3090"), environment(CPU)),
            ["container-without-gpu", "torch-cpu-build"],
            id="container-before-torch",
        ),
        pytest.param(
            examine(host("linux-rtx3070-mismatch-570.86.15"), environment(torch("2.13.0+cu130", "13.0"))),
            ["driver-mismatch", "driver-too-old"],
            id="restart-before-choosing-a-build",
        ),
        pytest.param(
            examine(host("linux-gtx1060-515.65.01"), environment(torch("2.13.0+cu130", "13.0"))),
            ["driver-too-old", "no-kernel-image"],
            id="driver-and-code-both-too-new",
        ),
        pytest.param(
            examine(host(RTX4090, variables={"CUDA_VISIBLE_DEVICES": "-1"}), environment(CPU)),
            ["visible-devices", "torch-cpu-build"],
            id="variable-and-cpu-build",
        ),
        pytest.param(
            examine(host("laptop-rtx3050-prime-intel"), environment(CPU)),
            ["gpu-powered-off", "torch-cpu-build"],
            id="power-before-torch",
        ),
        pytest.param(
            examine(host("wsl2-rtx3080-shadowed-560.94"), environment(dist("torch", "2.7.1"), CPU)),
            ["wsl-driver", "torch-replaced"],
            id="wsl-before-a-torn-install",
        ),
        pytest.param(
            examine(host("linux-8xh100-fabric-570.133.20"), environment(torch("2.13.0+cu130", "13.0"))),
            ["fabric-manager", "driver-too-old"],
            id="service-before-build",
        ),
        pytest.param(
            examine(host(RTX4090), environment(CU128, vision("0.22.1+cpu"), dist("torch", "2.7.1"))),
            ["torch-replaced", "torchvision-cpu"],
            id="torch-before-torchvision",
        ),
        pytest.param(
            examine(
                host("linux-gtx1080ti-535.183.01"),
                environment(
                    torch("2.8.0+cu126", "12.6", requires=["nvidia-nccl-cu12==2.27.3"]),
                    dist("nvidia-cudnn-cu12", "9.11.0.98"),
                ),
            ),
            ["cuda-libraries-broken", "cudnn-unsupported"],
            id="missing-library-before-too-new-library",
        ),
    ],
)
def test_both_causes_in_order(found: object, codes: list[str]) -> None:
    from envgen.doctor.diagnosis import Diagnosis

    assert isinstance(found, Diagnosis)
    assert [finding.code for finding in found.errors] == codes


@pytest.mark.parametrize(
    "name", [RTX4090, "linux-gtx1080ti-535.183.01", "windows-rtx4070-560.94", "wsl2-rtx3080-560.94"]
)
def test_the_command_is_the_decision_for_this_host(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[Request] = []

    def watched(_catalog: Catalog, request: Request) -> Resolution:
        requests.append(request)
        return decide(request)

    observation, inspected = host(name), environment(CPU, vision("0.23.0+cpu"))
    context = Context(observation=observation, builds=builds(), catalog=catalog(), environment=inspected)
    monkeypatch.setattr("envgen.doctor.fix.resolve", watched)
    diagnosis = diagnose(context)
    (request,) = requests
    resolution = decide(request)
    assert resolution.pip is not None
    assert (request.driver, request.wsl) == (observation.driver, bool(observation.system.wsl))
    assert request.python == "3.12"
    assert diagnosis.fix is not None
    assert diagnosis.fix.by_decision
    build = resolution.pip.build
    assert f" torch=={build.torch}" in diagnosis.fix.command
    assert f"torchvision=={resolution.pip.torchvision}" in diagnosis.fix.command
    assert resolution.pip.index_url in diagnosis.fix.command
    assert diagnosis.fix.command.startswith(f"{PREFIX}/bin/python -m pip install --force-reinstall ")


@pytest.mark.parametrize(
    ("windows", "branch"),
    [
        ("582.28", "580"),  # the last GeForce driver for Pascal: as a Linux number it would serve no GTX 10
        ("560.94", "560"),
        ("528.33", "525"),
        ("527.41", "520"),  # below the Windows floor of CUDA 12
        ("452.39", "450"),
    ],
)
def test_a_windows_driver_counts_by_its_branch_in_wsl(windows: str, branch: str) -> None:
    observation = replace(host("wsl2-rtx3080-560.94"), driver=DriverVersion.parse(windows))
    request = request_for(context_of(observation, environment(CPU)), ())
    assert request is not None
    assert (str(request.driver), request.wsl) == (windows, True)
    assert str(Evaluation.of(request, builds()).rules.driver) == branch


def test_a_gpu_without_newer_drivers_is_not_told_to_update() -> None:
    old = examine(host("linux-k80-470.256.02"), environment(torch("2.8.0+cu128", "12.8")))
    assert "update the driver" not in old.errors[0].remedy.text
    new = examine(host("windows-mx450-512.78"), environment(CU128))
    assert new.errors[0].remedy.text.endswith("or update the driver")


def test_an_exact_build_is_asked_from_its_own_index_with_pypi_beside_it() -> None:
    diagnosis = examine(host("linux-gtx1080ti-535.183.01"), environment(torch("2.13.0+cu130", "13.0")))
    assert diagnosis.fix is not None
    words = diagnosis.fix.command.split()
    assert words[words.index("--index-url") + 1] == "https://download.pytorch.org/whl/cu126"
    assert words[words.index("--extra-index-url") + 1] == "https://pypi.org/simple"
    assert all("+cu126" in word for word in words if word.startswith("torch"))


@pytest.mark.parametrize(
    "inspected",
    [
        pytest.param(environment(CU128, vision("0.22.1+cu128", requires=["torch==2.7.1"])), id="other-torchvision"),
        pytest.param(environment(CU128, dist("torch", "2.7.1"), vision("0.23.0+cu128")), id="installed-twice"),
        pytest.param(
            environment(
                CU128, vision("0.23.0+cu128"), dist("nvidia-nccl-cu12", "2.27.3", gone=["nvidia/nccl/lib/libnccl.so.2"])
            ),
            id="file-gone",
        ),
    ],
)
def test_a_build_that_runs_here_is_repaired_not_replaced(inspected: InspectedEnvironment) -> None:
    diagnosis = examine(host(RTX4090), inspected)
    assert diagnosis.fix is not None
    # torch 2.8.0 goes with torchvision 0.23.0 (PyPI metadata of torchvision 0.23.0: torch==2.8.0).
    assert " torch==2.8.0 torchvision==0.23.0" in diagnosis.fix.command.replace("+cu128", "")


def test_environment_of_uv_is_mended_with_uv() -> None:
    inspected = environment(CPU, kind=EnvironmentKind.UV, pip=False)
    diagnosis = examine(host("linux-gtx1080ti-535.183.01"), inspected)
    assert diagnosis.fix is not None
    assert diagnosis.fix.command.startswith(f"uv pip install --python {PREFIX}/bin/python --reinstall ")


def test_conda_environment_is_mended_with_conda() -> None:
    inspected = environment(
        conda("pytorch", "2.12.0", "cpu_mkl_py312_h94e416f_100", CONDA_PREFIX),
        torch("2.12.0", None, installer="conda", site=CONDA_SITE),
        kind=EnvironmentKind.CONDA,
        prefix=CONDA_PREFIX,
    )
    diagnosis = examine(host(CONDA), inspected)
    assert diagnosis.fix is not None
    assert diagnosis.fix.command.startswith(f"conda install -p {CONDA_PREFIX} --override-channels -c conda-forge ")
    assert "cuda" in diagnosis.fix.command.partition("pytorch")[2]


def test_pip_torch_in_a_conda_environment_is_mended_with_pip() -> None:
    inspected = environment(
        torch("2.8.0+cpu", None, site=CONDA_SITE),
        conda("python", "3.12.8", "h9e4cc4f_1_cpython", CONDA_PREFIX),
        kind=EnvironmentKind.CONDA,
        prefix=CONDA_PREFIX,
    )
    diagnosis = examine(host(CONDA), inspected)
    assert diagnosis.fix is not None
    assert "-m pip install" in diagnosis.fix.command


def test_what_was_installed_twice_is_uninstalled_first() -> None:
    diagnosis = examine(host(RTX4090), environment(CU128, dist("torch", "2.7.1")))
    assert diagnosis.fix is not None
    first, _, second = diagnosis.fix.command.partition(" && ")
    assert first == f"{PREFIX}/bin/python -m pip uninstall -y torch torchvision torchaudio"
    assert "-m pip install" in second


def test_a_python_without_wheels_gets_a_new_environment() -> None:
    diagnosis = examine(host(RTX4090), environment(python="3.17.0"))
    assert diagnosis.fix is not None
    assert diagnosis.fix.command == 'envgen --gpu "NVIDIA GeForce RTX 4090" --driver 570.133.20 --python 3.15'


@pytest.mark.parametrize(
    ("name", "python", "expected"),
    [
        # The last torch for sm_37 is 2.3.1, with wheels up to Python 3.12 (download.pytorch.org/whl/cu118).
        pytest.param("linux-k80-470.256.02", "3.16.0", "3.12", id="gpu-of-old-builds"),
        # R515 is below the floor of CUDA 12; the last cu118 wheels, torch 2.7.1, end at Python 3.13.
        pytest.param("linux-gtx1060-515.65.01", "3.16.0", "3.13", id="driver-of-old-builds"),
        # Blackwell begins with torch 2.7 (PyTorch 2.7 release notes), whose oldest Python is 3.9.
        pytest.param("linux-uv-rtx5090-580.95.05", "3.5.10", "3.9", id="python-too-old"),
    ],
)
def test_the_new_python_has_a_build_for_this_gpu_and_driver(name: str, python: str, expected: str) -> None:
    diagnosis = examine(host(name), environment(python=python))
    assert diagnosis.fix is not None
    assert diagnosis.fix.command.endswith(f" --python {expected}")
    assert expected in diagnosis.fix.text


@pytest.mark.parametrize("name", ["linux-k80-470.256.02", "linux-gtx1060-515.65.01", RTX4090])
def test_the_printed_envgen_command_finds_a_pairing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    diagnosis = examine(host(name), environment(python="3.16.0"))
    assert diagnosis.fix is not None
    program, *arguments = shlex.split(diagnosis.fix.command)
    assert program == "envgen"
    assert main(["resolve", *arguments, "--platform", "linux-64"]) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("label", "option"),
    [
        ('X "$(touch /tmp/pwn)"', "--compute-capability 8.9"),
        ("RTX `id`", "--compute-capability 8.9"),
        ("$HOME", "--compute-capability 8.9"),
        ("RTX 4090\nrm -rf .", "--compute-capability 8.9"),
        ("Graphics Device", "--compute-capability 8.9"),  # plain, but names no GPU
        ("Tesla K80", "--compute-capability 8.9"),  # names another GPU than the PCI id does
        ("NVIDIA GeForce RTX 4090", '--gpu "NVIDIA GeForce RTX 4090"'),
    ],
)
def test_a_name_that_a_shell_would_act_on_never_enters_a_command(label: str, option: str) -> None:
    observation = host(RTX4090)
    gpus = tuple(replace(gpu, name=label) for gpu in observation.gpus)
    diagnosis = examine(replace(observation, gpus=gpus), environment(python="3.17.0"))
    assert diagnosis.fix is not None
    assert diagnosis.fix.command == f"envgen {option} --driver 570.133.20 --python 3.15"


def test_equal_gpus_are_named_once() -> None:
    diagnosis = examine(host("linux-8xh100-fabric-570.133.20"), environment(python="3.17.0"))
    finding = next(f for f in diagnosis.findings if f.code == "no-wheel-for-python")
    alone = choose_fix(context_of(host("linux-8xh100-fabric-570.133.20"), environment(python="3.17.0")), (finding,))
    assert alone is not None
    assert alone.command.count("--gpu") == 1


def test_host_causes_come_with_their_own_command() -> None:
    mismatch = context_of(host("linux-rtx3070-mismatch-570.86.15"), environment(CU128))
    assert printed(mismatch)[-1] == "fix: sudo reboot"
    hidden = host(RTX4090, variables={"CUDA_VISIBLE_DEVICES": ""})
    assert printed(context_of(hidden, environment(CU128)))[-1] == "fix: unset CUDA_VISIBLE_DEVICES"
    assert printed(context_of(host(RTX4090), environment(CU128)))[-1] == "nothing to fix"


def test_a_card_that_no_common_build_serves_is_hidden_by_its_uuid() -> None:
    context = context_of(host("linux-rtx3090-gt710-470.256.02"), environment(torch("2.3.1+cu118", "11.8")))
    uuid = context.observation.gpus[0].uuid
    assert printed(context)[-1] == f"fix: export CUDA_VISIBLE_DEVICES={uuid}"


@pytest.mark.parametrize("uuid", ["GPU-1; rm -rf ~", "$(id)", ""])
def test_a_uuid_that_is_none_is_not_printed_into_a_command(uuid: str) -> None:
    observation = host("linux-rtx3090-gt710-470.256.02")
    gpus = tuple(replace(gpu, uuid=uuid) for gpu in observation.gpus)
    context = context_of(replace(observation, gpus=gpus), environment(torch("2.3.1+cu118", "11.8")))
    assert "CUDA_VISIBLE_DEVICES=" not in printed(context)[-1]


def test_no_pairing_at_all_is_said_plainly() -> None:
    old = host("linux-k80-470.256.02")
    inspected = environment(torch("2.8.0+cu128", "12.8"), python="3.14.0")
    diagnosis = examine(old, inspected)
    assert diagnosis.fix is not None
    assert diagnosis.fix.command == ""
    assert diagnosis.fix.text.startswith("no build of PyTorch runs on this GPU")


@pytest.mark.parametrize(
    ("name", "python", "words"),
    [
        # download.pytorch.org/whl/cu118: torch 2.3.1 has wheels for Python 3.8 to 3.12, and 2.4 on has no sm_37.
        pytest.param(
            "linux-k80-470.256.02",
            "3.14.0",
            (
                "Python 3.14",
                "use Python 3.12 (--python 3.12): then",
                ': envgen --gpu "Tesla K80" --driver 470.256.02 --python 3.12',
            ),
            id="python",
        ),
        # CUDA compatibility guide: 12.x needs 525.60.13 on Linux.
        pytest.param(
            "linux-gtx1060-515.65.01",
            "3.14.0",
            (
                "515.65.01",
                "use Python 3.13 (--python 3.13): then",
                "update the driver to 525.60.13 or newer: ",
            ),
            id="driver",
        ),
        pytest.param(
            "linux-rtx3090-gt710-470.256.02", "3.12.0", ("use Python 3.11 (--python 3.11): then",), id="two-gpus"
        ),
    ],
)
def test_no_pairing_names_the_deciding_fact_and_the_way_out(name: str, python: str, words: tuple[str, ...]) -> None:
    diagnosis = examine(host(name), environment(torch("2.8.0+cpu", None), python=python))
    assert diagnosis.fix is not None
    assert all(word in diagnosis.fix.text for word in words), diagnosis.fix.text
    assert "no source confirms" not in diagnosis.fix.text


def test_skipped_checks_say_why() -> None:
    diagnosis = examine(host("linux-rtx2080ti-hung"), environment(CU128))
    reasons = {check.check: check.reason for check in diagnosis.skipped}
    assert reasons["source nvml"].endswith("gave no answer within 2.0 s")
    assert reasons["run-torch"] == "torch was not run"


def test_json_holds_what_the_text_says() -> None:
    context = context_of(host("linux-gtx1650-none"), environment(CPU))
    diagnosis = diagnose(context)
    found = diagnosis_mapping(context, diagnosis, strict=False)
    assert found["schema_version"] == 1
    assert found["exit_code"] == 1
    assert found["torch"] == {"version": "2.8.0+cpu", "cuda": None, "works": False}
    assert found["python"]["executable"] == f"{PREFIX}/bin/python"
    assert [set(row) for row in found["findings"]] == [
        {"code", "level", "title", "evidence", "remedy", "command"} for _ in diagnosis.findings
    ]
    text = "\n".join(printed(context))
    assert all(f"[{row['code']}]" in text and row["remedy"] in text for row in found["findings"])


def test_text_says_first_what_was_examined() -> None:
    run = torch_run(("NVIDIA GeForce RTX 4090", (8, 9), ""))
    assert printed(context_of(host(RTX4090), environment(CU128), run))[:3] == [
        "gpu     NVIDIA GeForce RTX 4090; driver 570.133.20",
        f"python  {PREFIX}/bin/python (Python 3.12.8, venv)",
        "torch   2.8.0+cu128, computed rightly on every GPU",
    ]


def test_a_gpu_that_gives_neither_name_nor_id_is_not_shown_as_half_an_id() -> None:
    # nvml.json of this capture: index 0, "GPU is lost", and nothing else.
    lost = host("linux-rtx3090-lost-560.35.03")
    lines = printed(context_of(lost, environment(CU128)))
    assert lines[0] == "gpu     unnamed GPU, GeForce RTX 3090; driver 560.35.03"
    assert "  a GPU: GPU is lost" in lines
    at = replace(lost, gpus=tuple(replace(gpu, pci_address="0000:01:00.0") for gpu in lost.gpus))
    assert printed(context_of(at, environment(CU128)))[0].startswith("gpu     0000:01:00.0, ")


def test_an_explained_finding_goes_and_order_does_not_depend_on_the_checks() -> None:
    def finding(code: str) -> Finding:
        return Finding(code=code, level=Level.ERROR, title="", evidence=(), remedy=Remedy(text=""))

    two = [finding("torchvision-cpu"), finding("no-driver")]
    assert [f.code for f in explained(two)] == ["no-driver", "torchvision-cpu"]
    both = [finding("driver-hangs"), finding("gpu-lost")]
    assert [f.code for f in explained(both)] == ["gpu-lost"]
    weak = replace(both[1], level=Level.INFO)
    assert [f.code for f in explained([both[0], weak])] == ["gpu-lost", "driver-hangs"]


def test_torch_that_works_turns_predictions_into_warnings() -> None:
    # A half-replaced torch that computes all the same.
    inspected = environment(torch("2.7.1+cu128", "12.8", recorded="2.8.0"))
    diagnosis = examine(host(RTX4090), inspected, torch_run(("NVIDIA GeForce RTX 4090", (8, 9), "")))
    assert [(f.code, f.level) for f in diagnosis.findings] == [("torch-replaced", Level.WARNING)]


def test_torchs_own_words_reach_the_reader() -> None:
    run = unavailable("Unexpected error from cudaGetDeviceCount(). Error 719: unspecified launch failure")
    lines = printed(context_of(host(RTX4090), environment(CU128), run))
    assert "unspecified launch failure" in "\n".join(lines)
    assert lines[-1] == "fix: envgen doctor --collect report.txt"
