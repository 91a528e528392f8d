"""The mirror of collected rows serves what a source states and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from equipment.wheel_mirror import Mirror

LINUX = 'platform_system == "Linux"'


def row(project: str, version: str, platform: str, **more: object) -> str:
    filename = f"{project}-{version}-cp312-cp312-{platform}.whl"
    index = version.partition("+")[2]
    return json.dumps(
        {"project": project, "version": version, "index": index, "filename": filename, "sha256": "a" * 64, **more}
    )


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    lines = [
        row("torch", "2.14.1+cu126", "manylinux_2_28_x86_64"),
        row("torch", "2.14.1+cu126", "win_amd64"),
        row("torch", "2.14.1+cu130", "manylinux_2_28_x86_64"),
        row("torch", "2.14.1+cu132", "manylinux_2_28_x86_64"),
        row("torch", "2.6.0+cu124", "linux_x86_64", requires_dist=["filelock", "nvidia-nccl-cu12==2.21.5"]),
        row("torchvision", "0.29.1+cu126", "win_amd64"),
        row("torchvision", "0.29.1+cu132", "win_amd64"),
        row("triton", "3.8.0+cu126", "manylinux_2_28_x86_64"),
    ]
    (tmp_path / "wheels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    dependencies = {
        "cu126|torch|2.14.1+cu126": [
            "{ name = \"cuda-bindings\", marker = \"python_full_version < '3.15' and sys_platform == 'linux'\" }",
            '{ name = "cuda-toolkit", version = "12.6.3", extra = ["cublas", "nvrtc"] }',
            '{ name = "filelock" }',
            '{ name = "nvidia-cudnn-cu12", marker = "sys_platform == \'linux\'" }',
            '{ name = "triton", marker = "sys_platform == \'linux\'" }',
        ],
        "cu126|torchvision|0.29.1+cu126": ['{ name = "numpy" }', '{ name = "torch", version = "2.14.1+cu126" }'],
    }
    (tmp_path / "uv_dependencies.json").write_text(json.dumps(dependencies), encoding="utf-8")
    return Mirror(tmp_path)


def requires(mirror: Mirror, prefix: str, part: str) -> list[str]:
    (wheel,) = (w for w in mirror.wheels()[prefix] if part in w.filename)
    return [
        line.removeprefix("Requires-Dist: ") for line in wheel.metadata.splitlines() if line.startswith("Requires-Dist")
    ]


def test_a_build_gets_its_releases_common_base_and_its_own_cuda_names(mirror: Mirror) -> None:
    found = requires(mirror, "/whl/cu126", "torch-2.14.1+cu126-cp312-cp312-manylinux")
    assert [line for line in found if "Linux" in line] == [
        f'cuda-bindings; {LINUX} and python_version < "3.15"',
        f"cuda-toolkit[cublas,nvrtc]==12.6.3; {LINUX}",
        f"nvidia-cudnn-cu12; {LINUX}",
        f'triton~=3.8.0; {LINUX} and python_version < "3.15"',
    ]
    assert {"filelock", "typing-extensions>=4.10.0", "sympy>=1.13.3"} <= set(found)


def test_windows_gets_the_base_alone(mirror: Mirror) -> None:
    found = requires(mirror, "/whl/cu126", "torch-2.14.1+cu126-cp312-cp312-win")
    assert "filelock" in found
    assert [line for line in found if "nvidia" in line or "cuda" in line or "triton" in line] == []


def test_pypis_own_build_gets_pypis_metadata(mirror: Mirror) -> None:
    assert f"nvidia-cudnn-cu13==9.24.0.43; {LINUX}" in requires(mirror, "/whl/cu130", "torch-2.14.1+cu130")


def test_what_a_lock_file_states_is_taken_as_it_is(mirror: Mirror) -> None:
    assert requires(mirror, "/whl/cu124", "torch-2.6.0") == ["filelock", "nvidia-nccl-cu12==2.21.5"]


def test_what_no_source_states_is_not_served(mirror: Mirror) -> None:
    served = {w.filename for wheels in mirror.wheels().values() for w in wheels}
    assert not any(name.startswith(("torch-2.14.1+cu132", "torchvision-0.29.1+cu132", "triton")) for name in served)
    assert any(name.startswith("torchvision-0.29.1+cu126") for name in served)
