"""Hosts on which nothing is wrong get no finding; and what other tools call an error there is none."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from doctor.samples import (
    audio,
    builds,
    catalog,
    conda,
    context_of,
    dist,
    environment,
    examine,
    host,
    printed,
    torch,
    torch_run,
    vision,
)
from envgen.causes.context import Context
from envgen.core.findings import Level
from envgen.doctor.diagnose import diagnose
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.torch_run import RunOutcome, TorchRun
from envgen.facts.catalog import Catalog
from envgen.probe.observation import EnvironmentKind, FabricManager

CU128 = torch("2.8.0+cu128", "12.8")
CU126 = torch("2.7.1+cu126", "12.6")
CONDA_PREFIX = "/home/ada/miniforge3/envs/vision"

HEALTHY: list[tuple[str, InspectedEnvironment, TorchRun | None]] = [
    ("linux-rtx4090-570.133.20", environment(CU128, vision("0.23.0+cu128", requires=["torch==2.8.0"])), None),
    ("linux-rtx4090-570.133.20", environment(CU128), torch_run(("NVIDIA GeForce RTX 4090", (8, 9), ""))),
    ("linux-gtx1080ti-535.183.01", environment(CU126, dist("nvidia-cudnn-cu12", "9.5.1.17")), None),
    ("windows-rtx4070-560.94", environment(CU128), None),
    ("wsl2-rtx3080-560.94", environment(CU128), None),
    ("container-a100-550.54.15", environment(CU126), None),
    ("linux-a100-mig-535.129.03", environment(CU126), None),
    ("linux-grid-a100-10c-550.90.07", environment(CU126), None),
    ("laptop-rtx4060-575.57.08", environment(CU128), None),
    ("jetson-thor-r38.2.0", environment(torch("2.13.0+cu130", "13.0", recorded="2.13.0")), None),
    ("dgx-spark-gb10-580.95.05", environment(torch("2.13.0+cu130", "13.0", recorded="2.13.0")), None),
    ("linux-uv-rtx5090-580.95.05", environment(CU128, kind=EnvironmentKind.UV, pip=False), None),
    ("linux-4xl40s-610.43.02", environment(torch("2.15.0+cu132", "13.2", recorded="2.15.0")), None),
    ("linux-k80-470.256.02", environment(torch("2.3.1+cu118", "11.8")), None),
    (
        "linux-conda-rtx3090-550.120",
        environment(
            conda("pytorch", "2.10.0", "cuda128_mkl_py312_h1234567_300", CONDA_PREFIX),
            torch("2.10.0", "12.8", installer="conda", site=f"{CONDA_PREFIX}/lib/python3.12/site-packages"),
            kind=EnvironmentKind.CONDA,
            prefix=CONDA_PREFIX,
        ),
        None,
    ),
    (
        # JetPack's own wheel carries sm_87 and no NVIDIA wheels.
        "jetson-orin-r36.4.3",
        environment(torch("2.5.0a0+872d972e41.nv24.08", "12.6")),
        torch_run(("Orin", (8, 7), ""), arch_list=["sm_87"], torch_version="2.5.0a0+872d972e41.nv24.08", cuda="12.6"),
    ),
]


@pytest.mark.parametrize(("name", "inspected", "run"), [pytest.param(*row, id=row[0]) for row in HEALTHY])
def test_healthy_host_gets_no_finding(name: str, inspected: InspectedEnvironment, run: TorchRun | None) -> None:
    diagnosis = examine(host(name), inspected, run)
    assert [(f.code, f.evidence) for f in diagnosis.findings] == []
    assert diagnosis.exit_code(strict=True) == 0
    assert diagnosis.fix is None


def test_healthy_hosts_are_of_ten_kinds() -> None:
    assert len({name for name, _, _ in HEALTHY}) >= 10


@pytest.mark.parametrize(
    ("name", "version", "cuda"),
    [
        # Minor-version compatibility: a driver of CUDA 12.0 serves every CUDA 12 build. Other tools compare
        # nvidia-smi's "CUDA Version" with torch's and call this "driver too old".
        pytest.param("linux-gtx1650-525.60.13", "2.8.0+cu129", "12.9", id="cu129-on-the-oldest-cuda12-driver"),
        pytest.param("linux-a100-mig-535.129.03", "2.8.0+cu128", "12.8", id="cu128-on-r535"),
        # SASS of a lower minor of the same major runs: sm_86 and sm_80 on 8.9. Other tools want the exact sm_89.
        pytest.param("linux-rtx4090-570.133.20", "2.7.1+cu126", "12.6", id="sm-86-on-rtx-4090"),
        # sm_60 runs on 6.1: no GTX 10 card has its own entry in the Linux wheels.
        pytest.param("linux-gtx1080ti-535.183.01", "2.6.0+cu124", "12.4", id="sm-60-on-gtx-1080-ti"),
    ],
)
def test_no_false_alarm(name: str, version: str, cuda: str) -> None:
    assert examine(host(name), environment(torch(version, cuda))).findings == ()


def test_card_that_is_too_old_is_never_sent_to_a_nightly() -> None:
    diagnosis = examine(host("linux-gtx1080ti-535.183.01"), environment(torch("2.8.0+cu128", "12.8")))
    text = "\n".join([f.remedy.text for f in diagnosis.findings] + [diagnosis.fix.command if diagnosis.fix else ""])
    assert "nightly" not in text
    assert "--pre" not in text
    assert diagnosis.fix is not None
    assert "+cu126" in diagnosis.fix.command


# The catalog as it would be if no release carried PTX, which serves every GPU to come.
_WITHOUT_PTX = builds().replaced(
    "torch_builds", [row for row in builds().rows("torch_builds") if "compute_" not in row["arch_list"]]
)


@pytest.mark.parametrize(
    ("tables", "nightly"),
    [pytest.param(builds(), False, id="a-release-has-ptx"), pytest.param(_WITHOUT_PTX, True, id="none-has")],
)
def test_only_a_card_newer_than_every_release_is_sent_to_a_nightly(tables: Catalog, nightly: bool) -> None:
    run = torch_run(
        ("NVIDIA GeForce RTX 9090", (14, 0), "RuntimeError: CUDA error: no kernel image is available"),
        arch_list=["sm_80", "sm_90", "sm_100", "sm_120"],
    )
    observation = host("linux-rtx4090-570.133.20")
    context = Context(
        observation=observation, builds=tables, catalog=catalog(), environment=environment(CU128), run=run
    )
    (error,) = diagnose(context).errors
    assert error.code == "no-kernel-image"
    assert ("nightly" in error.remedy.text) is nightly


def test_a_kernel_that_ran_outweighs_every_prediction() -> None:
    # cuda-compat on a data-centre GPU: driver R550 runs a CUDA 13 build, which its number alone would not.
    observation = host("container-a100-550.54.15")
    inspected = environment(torch("2.13.0+cu130", "13.0", recorded="2.13.0"))
    run = torch_run(("NVIDIA A100-SXM4-40GB", (8, 0), ""), torch_version="2.13.0+cu130", cuda="13.0")
    assert [f.code for f in examine(observation, inspected).errors] == ["driver-too-old"]
    assert examine(observation, inspected, run).findings == ()


@pytest.mark.parametrize(
    ("outcome", "stage"),
    [
        pytest.param(RunOutcome.CRASHED, "done", id="crash-at-the-end-of-the-program"),
        pytest.param(RunOutcome.TIMED_OUT, "vision-found", id="slow-disk"),
    ],
)
def test_an_end_that_proves_nothing_is_no_error(outcome: RunOutcome, stage: str) -> None:
    run = replace(torch_run(("NVIDIA GeForce RTX 4090", (8, 9), "")), outcome=outcome, reason="it ended", stage=stage)
    inspected = environment(CU128, vision("0.23.0+cu128", requires=["torch==2.8.0"]))
    assert examine(host("linux-rtx4090-570.133.20"), inspected, run).errors == ()


@pytest.mark.parametrize(
    ("torch_version", "cuda", "companion", "warned"),
    [
        pytest.param("2.8.0+cu128", "12.8", audio("2.8.0+cu128", requires=["torch==2.8.0"]), False, id="pair"),
        pytest.param("2.8.0+cu128", "12.8", audio("2.8.0", requires=["torch==2.8.0"]), False, id="no-label"),
        # companions.csv: torchaudio 2.11.0 is the last and loads beside newer releases.
        pytest.param("2.13.0+cu126", "12.6", audio("2.11.0+cu126"), False, id="last-one-beside-a-newer-torch"),
        # pytorch/test-infra#8052: its check of CUDA was taken out.
        pytest.param("2.13.0+cu126", "12.6", audio("2.11.0+cu132"), False, id="build-without-the-check"),
        pytest.param("2.13.0+cu126", "12.6", audio("2.11.0+cu128"), True, id="build-with-the-check"),
        pytest.param("2.8.0+cu128", "12.8", audio("2.8.0+cpu", requires=["torch==2.8.0"]), True, id="cpu-build"),
    ],
)
def test_a_torchaudio_that_loads_is_no_error(
    torch_version: str, cuda: str, companion: dict[str, str], warned: bool
) -> None:
    diagnosis = examine(host("linux-rtx4090-570.133.20"), environment(torch(torch_version, cuda), companion))
    found = [(f.code, f.level) for f in diagnosis.findings]
    assert found == ([("torchaudio-mismatch", Level.WARNING)] if warned else [])


def test_condas_torchaudio_may_be_of_another_release() -> None:
    # torchaudio-feedstock@cc9368e: 2.11.0 is built against pytorch 2.10.
    site = f"{CONDA_PREFIX}/lib/python3.12/site-packages"
    inspected = environment(
        conda("pytorch", "2.10.0", "cuda128_mkl_py312_h1234567_300", CONDA_PREFIX),
        torch("2.10.0", "12.8", installer="conda", site=site),
        audio("2.11.0", site=site),
        kind=EnvironmentKind.CONDA,
        prefix=CONDA_PREFIX,
    )
    assert examine(host("linux-conda-rtx3090-550.120"), inspected).findings == ()


def test_torchvision_is_not_blamed_for_a_torch_that_fails() -> None:
    error = "RuntimeError: CUDA error: no kernel image is available for execution on the device"
    run = torch_run(
        ("NVIDIA GeForce GTX 1080 Ti", (6, 1), error),
        vision_version="0.23.0+cu128",
        vision_error=error,
        arch_list=["sm_70", "sm_75"],
    )
    inspected = environment(CU128, vision("0.23.0+cu128", requires=["torch==2.8.0"]))
    diagnosis = examine(host("linux-gtx1080ti-535.183.01"), inspected, run)
    assert [f.code for f in diagnosis.findings] == ["no-kernel-image"]


def test_a_convolution_that_fails_puts_no_blame_below_torch() -> None:
    # The kernel ran: whatever is wrong, it is not the number of the driver.
    observation = host("container-a100-550.54.15")
    inspected = environment(torch("2.13.0+cu130", "13.0", recorded="2.13.0"))
    run = torch_run(
        ("NVIDIA A100-SXM4-40GB", (8, 0), ""),
        torch_version="2.13.0+cu130",
        cuda="13.0",
        convolution_error="RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
    )
    diagnosis = examine(observation, inspected, run)
    assert [f.code for f in diagnosis.findings] == ["unexplained"]
    assert "torch   2.13.0+cu130, CUDA is available" in printed(context_of(observation, inspected, run))


def test_orin_may_run_code_that_the_table_does_not_promise() -> None:
    run = torch_run(
        ("Orin", (8, 7), ""), arch_list=["sm_80", "sm_90", "sm_100", "sm_110", "sm_120"], torch_version="2.13.0+cu130"
    )
    assert examine(host("jetson-orin-r36.4.3"), environment(CU128), run).errors == ()


def test_compute_capability_of_a_virtual_gpu_is_that_of_its_board() -> None:
    diagnosis = examine(host("linux-grid-a100-10c-550.90.07"), environment(torch("2.8.0+cu128", "12.8")))
    assert diagnosis.findings == ()


@pytest.mark.parametrize("value", ["0", "0,1", "GPU-00000001", "1,0", "3"])
def test_valid_visible_devices_are_no_finding(value: str) -> None:
    observation = host("linux-4xl40s-610.43.02", variables={"CUDA_VISIBLE_DEVICES": value})
    diagnosis = examine(observation, environment(torch("2.15.0+cu132", "13.2", recorded="2.15.0")))
    assert diagnosis.findings == ()


def test_visible_devices_count_up_to_the_first_wrong_entry() -> None:
    observation = host("linux-4xl40s-610.43.02", variables={"CUDA_VISIBLE_DEVICES": "0,9,1"})
    (finding,) = examine(observation, environment(torch("2.15.0+cu132", "13.2", recorded="2.15.0"))).findings
    assert (finding.code, finding.level) == ("visible-devices", Level.WARNING)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("1,0,1", id="twice"),
        pytest.param("GPU-00000001,GPU-00000001", id="twice-by-uuid"),
        pytest.param("GPU-0000000", id="beginning-of-several"),
    ],
)
def test_visible_devices_that_show_none(value: str) -> None:
    observation = host("linux-4xl40s-610.43.02", variables={"CUDA_VISIBLE_DEVICES": value})
    (finding,) = examine(observation, environment(torch("2.15.0+cu132", "13.2", recorded="2.15.0"))).findings
    assert (finding.code, finding.level) == ("visible-devices", Level.ERROR)
    assert finding.title == "CUDA_VISIBLE_DEVICES hides every GPU"


def test_mig_instances_may_be_named() -> None:
    observation = host("linux-a100-mig-535.129.03", variables={"CUDA_VISIBLE_DEVICES": "MIG-00000001-5b6c-5d7e"})
    assert examine(observation, environment(CU126)).findings == ()


def test_warnings_count_only_when_strict() -> None:
    inspected = environment(CU126, dist("nvidia-cudnn-cu12", "9.5.1.17"), dist("nvidia-cudnn-cu13", "9.5.1.17"))
    diagnosis = examine(host("linux-rtx4090-570.133.20"), inspected)
    assert [f.code for f in diagnosis.findings] == ["cudnn-overlap"]
    assert (diagnosis.exit_code(strict=False), diagnosis.exit_code(strict=True)) == (0, 1)


def test_libraries_of_another_cuda_major_on_the_path_are_a_warning() -> None:
    inspected = environment(
        CU128, {"/usr/local/cuda-11.8/lib64/libcudart.so.11": ""}, library_path=["/usr/local/cuda-11.8/lib64"]
    )
    diagnosis = examine(host("linux-rtx4090-570.133.20"), inspected)
    assert [(f.code, f.level) for f in diagnosis.findings] == [("cuda-on-library-path", Level.WARNING)]


def test_a_host_without_an_environment_is_still_looked_at() -> None:
    diagnosis = examine(host("linux-rtx4090-570.133.20"))
    assert diagnosis.findings == ()
    assert {check.check for check in diagnosis.skipped} >= {"torch-missing", "torch-cpu-build", "run-torch"}
    assert all(check.reason for check in diagnosis.skipped)


def test_nvidias_own_builds_carry_a_commit_where_others_carry_the_cuda_tag() -> None:
    # NGC images: torch 2.8.0a0+5228986c39.nv25.06 and torchvision of another commit.
    inspected = environment(torch("2.8.0a0+5228986c39.nv25.06", "12.9"), vision("0.22.0a0+95f10a4e"))
    assert examine(host("container-a100-550.54.15"), inspected).findings == ()


def test_other_users_gpus_may_be_closed() -> None:
    observation = host("linux-4xl40s-610.43.02")
    nodes = tuple(replace(node, accessible=node.path != "/dev/nvidia2") for node in observation.parts.nodes)
    observation = replace(observation, parts=replace(observation.parts, nodes=nodes))
    assert examine(observation, environment(torch("2.15.0+cu132", "13.2", recorded="2.15.0"))).findings == ()


@pytest.mark.parametrize(
    ("state", "manager", "container"),
    [
        pytest.param("Completed", FabricManager(state="inactive"), "", id="gpus-are-ready"),
        pytest.param("In Progress", FabricManager(state="inactive"), "docker", id="service-of-the-host"),
        pytest.param("", FabricManager(state="active", version="570.133.20"), "", id="a100-has-no-fabric-state"),
        pytest.param("In Progress", None, "docker", id="no-systemd"),
    ],
)
def test_fabric_manager_is_judged_where_it_runs(state: str, manager: FabricManager | None, container: str) -> None:
    observation = host("linux-8xh100-fabric-570.133.20")
    parts = replace(observation.parts, fabric_state=state, fabric_manager=manager)
    system = replace(observation.system, container=container)
    observation = replace(observation, parts=parts, system=system)
    assert examine(observation, environment(CU128)).findings == ()


def test_a_conda_package_whose_dist_info_names_pip_is_condas_own() -> None:
    site = f"{CONDA_PREFIX}/lib/python3.12/site-packages"
    record = {
        "name": "pytorch",
        "version": "2.10.0",
        "build": "cuda128_mkl_py312_h1234567_300",
        "channel": "conda-forge",
        "files": ["lib/python3.12/site-packages/torch-2.10.0.dist-info/METADATA"],
    }
    inspected = environment(
        {f"{CONDA_PREFIX}/conda-meta/pytorch-2.10.0-cuda128_mkl_py312_h1234567_300.json": json.dumps(record)},
        torch("2.10.0", "12.8", installer="pip", site=site),
        kind=EnvironmentKind.CONDA,
        prefix=CONDA_PREFIX,
    )
    assert examine(host("linux-conda-rtx3090-550.120"), inspected).findings == ()


def test_user_packages_beside_the_systems_python_are_meant() -> None:
    user = "/home/ada/.local/lib/python3.12/site-packages"
    inspected = environment(
        torch("2.8.0+cu128", "12.8", site=user), kind=EnvironmentKind.SYSTEM, prefix="/usr", path=(user,)
    )
    assert examine(host("linux-rtx4090-570.133.20"), inspected).findings == ()


def test_a_torch_built_in_its_source_tree_is_only_a_warning() -> None:
    source = "/home/ada/pytorch"
    inspected = environment(torch("2.16.0a0+git1234567", "12.8", site=source), path=(source,))
    diagnosis = examine(host("linux-rtx4090-570.133.20"), inspected)
    assert [(f.code, f.level) for f in diagnosis.findings] == [("wrong-environment", Level.WARNING)]


def test_capitals_of_a_windows_path_do_not_matter() -> None:
    run = torch_run(
        ("NVIDIA GeForce RTX 4070", (8, 9), ""),
        torch_file="c:\\users\\ADA\\venv\\Lib\\site-packages\\torch\\__init__.py",
    )
    inspected = environment(CU128, prefix="C:\\Users\\ada\\venv")
    assert examine(host("windows-rtx4070-560.94"), inspected, run).findings == ()


def test_an_orin_with_jetpack_7_2_runs_builds_for_arm_servers_of_cuda_13_2() -> None:
    """sm_80 runs on 8.7 in torch's table for CUDA 13.2 and newer (DEVICE_REQUIREMENT_POST_JETSON_SBSA_UNIFICATION)."""
    before = host("jetson-orin-r36.4.3")
    assert before.system.jetson is not None
    jetson = replace(before.system.jetson, l4t="39.2.0")
    orin = replace(before, system=replace(before.system, jetson=jetson))
    assert examine(orin, environment(torch("2.15.0+cu132", "13.2"))).findings == ()
