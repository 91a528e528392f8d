"""Whether the torch in other people's files runs: the answers that public files need, and their reasons."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from envgen.cli.main import main

Captured = pytest.CaptureFixture[str]
TI = ("--gpu", "GTX 1080 Ti", "--driver", "535.183.01", "--platform", "linux-64")
TI_WIN = ("--gpu", "GTX 1080 Ti", "--driver", "537.13", "--platform", "win-64")
B = ("--gpu", "RTX 5090", "--driver", "570.133.20", "--platform", "linux-64")
IMAGE_129 = "FROM pytorch/pytorch:2.9.1-cuda12.8-cudnn9-devel"
B_WIN = ("--gpu", "RTX 5090", "--driver", "572.83", "--platform", "win-64")
T4 = ("--gpu", "Tesla T4", "--driver", "525.147.05", "--platform", "linux-64")
T4_WIN = ("--gpu", "Tesla T4", "--driver", "528.89", "--platform", "win-64")

CU = "--index-url https://download.pytorch.org/whl/"
LEGACY_118 = (
    "@EXPLICIT\nhttps://conda.anaconda.org/pytorch/linux-64/pytorch-2.0.1-py3.10_cuda11.8_cudnn8.7.0_0.tar.bz2#0\n"
)
LEGACY_116 = (
    "@EXPLICIT\nhttps://conda.anaconda.org/pytorch/linux-64/pytorch-1.12.1-py3.10_cuda11.6_cudnn8.3.2_0.tar.bz2#0\n"
)


def answer(capsys: Captured, path: Path, text: str, options: tuple[str, ...]) -> tuple[int, list[dict[str, str]]]:
    path.write_text(text, encoding="utf-8")
    status = main(["audit", str(path), *options, "--format", "json"])
    [file] = json.loads(capsys.readouterr().out)["files"]
    return status, file["torch"]


# Arch lists: torch.cuda.get_arch_list() of the builds. The builds are those of karpathy/nanochat (2.9.1+cu128),
# m-bain/whisperX (2.8.0+cu128), lenskit/lenskit-codex (2.12.1 of PyPI), nari-labs/dia (2.6.0+cu126), 01-ai/Yi
# (pytorch 2.0.1 cuda11.8) and Healthy-AI/dalupi (pytorch 1.12.1 cuda11.6), as committed there.
@pytest.mark.parametrize(
    ("name", "text", "options", "outcome", "reason"),
    [
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.9.1", TI, "fails", "no-kernel-image", id="pascal-2.9.1-cu128"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.9.1", B, "runs", "", id="blackwell-2.9.1-cu128"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.9.1", T4, "runs", "", id="turing-on-r525"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.8.0", TI, "fails", "no-kernel-image", id="linux-starts-at-7.0"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.8.0", TI_WIN, "runs", "", id="windows-starts-at-6.1"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.7.0", TI, "fails", "no-kernel-image", id="2.7.0-cu128-on-linux"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.7.0", TI_WIN, "runs", "", id="2.7.0-cu128-on-windows"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.9.1", TI_WIN, "fails", "no-kernel-image", id="windows-from-2.9-on"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.8.0", B_WIN, "runs", "", id="blackwell-on-windows"),
        pytest.param("r.txt", f"{CU}cu128\ntorch==2.8.0", T4_WIN, "runs", "", id="turing-on-windows"),
        pytest.param("r.txt", "torch==2.12.1", TI, "fails", "no-kernel-image", id="pypi-hides-cu130"),
        pytest.param("r.txt", "torch==2.12.1", B, "fails", "driver-too-old", id="pypi-hides-cu130-from-r570"),
        pytest.param("r.txt", "torch==2.12.1", T4, "fails", "driver-too-old", id="pypi-hides-cu130-from-r525"),
        pytest.param("r.txt", "torch==2.6.0+cu126", TI, "runs", "", id="pascal-cu126"),
        pytest.param("r.txt", "torch==2.6.0+cu126", B, "fails", "no-kernel-image", id="blackwell-needs-2.7"),
        pytest.param("r.txt", "torch==2.6.0+cu126", B_WIN, "fails", "no-kernel-image", id="so-on-windows"),
        pytest.param("r.txt", "torch==2.6.0", TI_WIN, "fails", "cpu-build", id="pypi-windows-is-the-cpu"),
        pytest.param("r.txt", f"{CU}cpu\ntorch==2.6.0", TI, "fails", "cpu-build", id="cpu-index"),
        pytest.param("r.txt", "torch", TI, "fails", "no-kernel-image", id="unpinned-today"),
        pytest.param("conda.lock", LEGACY_118, TI, "runs", "", id="legacy-channel"),
        pytest.param("conda.lock", LEGACY_118, B, "unknown", "unproven", id="legacy-ptx-for-blackwell"),
        pytest.param("conda.lock", LEGACY_116, TI, "runs", "", id="legacy-channel-by-its-wheel"),
        pytest.param("conda.lock", LEGACY_116, B, "fails", "no-kernel-image", id="legacy-channel-too-old"),
        pytest.param("r.txt", f"{CU}cu999\ntorch==2.6.0", TI, "unknown", "unclear", id="no-such-build"),
        pytest.param("r.txt", "-i https://pkg.corp/wheels\ntorch==2.6.0", TI, "unknown", "unclear", id="other-index"),
        pytest.param("Dockerfile", "FROM pytorch/pytorch:2.1.0-cuda12.1-cudnn8-runtime", TI, "runs", "", id="image"),
        pytest.param(
            "Dockerfile",
            "FROM pytorch/pytorch:2.9.1-cuda12.8-cudnn9-devel",
            TI,
            "fails",
            "no-kernel-image",
            id="image-no",
        ),
        pytest.param("Dockerfile", "FROM nvcr.io/nvidia/pytorch:24.05-py3", TI, "unknown", "unclear", id="other-image"),
    ],
)
def test_the_torch_of_a_file_is_judged(
    capsys: Captured, tmp_path: Path, name: str, text: str, options: tuple[str, ...], outcome: str, reason: str
) -> None:
    status, [torch] = answer(capsys, tmp_path / name, text, options)
    assert (torch["outcome"], torch["code"]) == (outcome, reason)
    assert status == int(outcome == "fails")


@pytest.mark.parametrize(
    ("text", "options", "change"),
    [
        pytest.param("torch==2.8.0+cu128", TI, "take torch==2.8.0+cu126 from", id="another-tag-of-the-release"),
        pytest.param("torch==2.6.0", TI_WIN, "take torch==2.6.0+cu126 from", id="cuda-instead-of-the-cpu"),
        pytest.param("torch==2.15.0", TI, "take torch==2.14.1+cu126 from", id="an-older-release"),
        pytest.param("torch==2.12.1", B, "take torch==2.12.1+cu129 from", id="the-release-in-another-index"),
    ],
)
def test_the_change_keeps_what_it_can(
    capsys: Captured, tmp_path: Path, text: str, options: tuple[str, ...], change: str
) -> None:
    _, [torch] = answer(capsys, tmp_path / "requirements.txt", text, options)
    assert torch["change"].startswith(change)
    _, [again] = answer(capsys, tmp_path / "requirements.txt", torch["change"].split()[1], options)
    assert again["outcome"] == "runs"


@pytest.mark.parametrize(
    "options",
    [
        # pytorch.org/get-started, Preview (Nightly)
        "--pre\n--index-url https://download.pytorch.org/whl/nightly/cu128\ntorch\n",
        "--pre\n--extra-index-url https://download.pytorch.org/whl/nightly/cu128\ntorch\n",
        "--index-url https://download.pytorch.org/whl/test/cu126\ntorch\n",
        "--pre\n-f https://download.pytorch.org/whl/nightly/cu118/torch_nightly.html\ntorch\n",
    ],
)
def test_a_build_that_is_not_released_cant_be_told(capsys: Captured, tmp_path: Path, options: str) -> None:
    target = ("--gpu", "RTX 4090", "--driver", "580.95.05", "--platform", "linux-64")
    _, [torch] = answer(capsys, tmp_path / "requirements.txt", options, target)
    assert torch["outcome"] == "unknown"


def test_the_change_to_a_conda_file_keeps_the_cuda(capsys: Captured, tmp_path: Path) -> None:
    # anaconda.org/pytorch has 2.3.1 for Python 3.11 as cpu, cuda11.8 and cuda12.1; a K80 runs the second alone.
    text = "channels: [conda-forge]\ndependencies: [python=3.11, pytorch=2.3.1=cpu*]\n"
    options = ("--gpu", "Tesla K80", "--driver", "470.256.02", "--platform", "linux-64")
    _, [torch] = answer(capsys, tmp_path / "environment.yml", text, options)
    assert torch["change"] == "take pytorch=2.3.1=py*_cuda11.8* from pytorch"


def test_a_driver_that_would_do_is_named_beside_it(capsys: Captured, tmp_path: Path) -> None:
    _, [torch] = answer(capsys, tmp_path / "requirements.txt", "torch==2.12.1", B)
    assert torch["change"].endswith(" or update the driver to 580.65.06 or newer")  # NVIDIA's floor of CUDA 13
    _, [torch] = answer(capsys, tmp_path / "requirements.txt", "torch==2.12.1", TI)
    assert "driver" not in torch["change"]  # no driver gives it code for a GTX 1080 Ti


def test_a_range_names_todays_build_and_the_newest_that_runs(capsys: Captured, tmp_path: Path) -> None:
    _, [torch] = answer(capsys, tmp_path / "requirements.txt", "torch>=2.1", TI)
    assert torch["notes"][0].startswith("a resolver takes torch 2.")
    # PyPI's own builds had code for 6.1 up to 2.7.1+cu126; 2.8.0 is cu128 there.
    assert torch["notes"][1] == "the newest inside the range that runs is torch 2.7.1+cu126"


def test_an_index_in_one_file_decides_for_another(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.6.0\n", encoding="utf-8")
    text = "FROM python:3.12\nRUN pip install -r requirements.txt --index-url https://download.pytorch.org/whl/cpu\n"
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")
    assert main(["audit", str(tmp_path / "Dockerfile"), *TI]) == 1
    assert "requirements.txt:1: torch==2.6.0 (linux-64) does not run\n  2.6.0 is a CPU build" in capsys.readouterr().out
    assert main(["audit", str(tmp_path / "requirements.txt"), *TI]) == 0
    assert main(["audit", str(tmp_path), *TI]) == 1
    (tmp_path / "requirements.txt").write_text("-r requirements.txt\n-r base.txt\ntorch==2.6.0\n", encoding="utf-8")
    (tmp_path / "base.txt").write_text("-r requirements.txt\n--extra-index-url https://x.y/simple\n", encoding="utf-8")
    assert main(["audit", str(tmp_path), *TI]) == 1


def test_a_cpu_variant_beside_another_one_is_no_failure(capsys: Captured, tmp_path: Path) -> None:
    text = "[project.optional-dependencies]\ncpu = ['torch==2.6.0+cpu']\ngpu = ['torch==2.6.0+cu126']\n"
    status, torches = answer(capsys, tmp_path / "pyproject.toml", text, TI)
    assert [torch["outcome"] for torch in torches] == ["fails", "runs"]
    assert status == 0
    status, _ = answer(capsys, tmp_path / "pyproject.toml", text.replace("+cu126", "+cu124"), B)
    assert status == 1


def test_github_sees_an_annotation_at_the_line(capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "a,b.txt"
    path.write_text("numpy\ntorch==2.8.0+cu128\n", encoding="utf-8")
    assert main(["audit", str(path), *TI, "--format", "github"]) == 1
    out = capsys.readouterr().out
    where = path.as_posix().replace(",", "%2C")
    assert out.startswith(f"::error file={where},line=2::torch 2.8.0+cu128 on linux-64 does not run: ")
    assert out.count("\n") == 1


def test_strict_fails_what_cant_be_told(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\n", encoding="utf-8")
    assert main(["audit", str(tmp_path / "requirements.txt"), *TI]) == 0
    assert "names no torch for this platform" in capsys.readouterr().out
    assert main(["audit", str(tmp_path / "requirements.txt"), *TI, "--strict"]) == 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("requirements.txt", b"\xff\x00\xfe torch", id="no-text"),
        pytest.param("uv.lock", b"[" * 100_000, id="deep-toml"),
        pytest.param("environment.yml", b"[" * 100_000, id="deep-yaml"),
        pytest.param("pyproject.toml", b"a = 1\na = 2\n", id="a-key-twice"),
    ],
)
def test_a_hostile_file_is_an_error_and_its_neighbour_is_judged(
    capsys: Captured, tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "good.txt").write_text("torch==2.6.0+cu126\n", encoding="utf-8")
    assert main(["audit", str(tmp_path / name), str(tmp_path / "good.txt"), *TI]) == 3
    out = capsys.readouterr().out
    assert f"{name}" in out.splitlines()[0]
    assert "can't be read: " in out
    assert "torch 2.6.0+cu126 (linux-64) runs" in out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(capsys: Captured, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "uv.lock")
    assert main(["audit", str(tmp_path / "uv.lock"), *TI]) == 3
    assert "only files are read" in capsys.readouterr().out


def test_powershells_utf_16_is_read(capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes("torch==2.6.0+cu126\r\n".encode("utf-16"))
    assert main(["audit", str(path), *TI]) == 0
    assert "runs" in capsys.readouterr().out
