"""`envgen project docker`: a slim Python, hashes, the driver that the wheels need, and no root."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.cli.main import main

AMPERE = ["--gpu", "RTX 3090", "--driver", "550", "--platform", "linux-64"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_dockerfile(capsys: pytest.CaptureFixture[str]) -> None:
    """The floor of CUDA 12 is 525.60.13 (docs.nvidia.com/deploy/cuda-compatibility)."""
    assert main(["project", "docker", *AMPERE]) == 0
    text = capsys.readouterr().out
    assert "\nFROM python:3.12-slim-bookworm\n" in text
    assert '\n    NVIDIA_REQUIRE_CUDA="driver>=525.60.13"\n' in text
    assert "NVIDIA_VISIBLE_DEVICES=all" in text
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in text
    assert "--require-hashes --requirement requirements.txt" in text
    assert '# Made by: envgen --gpu "RTX 3090" --driver 550 --platform linux-64 --only pip' in text
    assert text.index("\nUSER 10001\n") > text.index("\nRUN ")
    assert "nvidia/cuda" not in text


def test_the_cpu_asks_for_no_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "docker", "--cuda", "cpu", "--platform", "linux-aarch64"]) == 0
    text = capsys.readouterr().out
    assert "NVIDIA" not in text
    assert "docker build --platform linux/arm64 ." in text


def test_of_several_platforms_the_one_with_containers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "docker", "--gpu", "RTX 3090", "--platform", "win-64", "--platform", "linux-64"]) == 0
    assert "--platform linux-64 --only pip" in capsys.readouterr().out


def test_windows_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "docker", "--gpu", "RTX 3090", "--platform", "win-64"]) == 3
    assert "no container of win-64 has CUDA" in capsys.readouterr().err


def test_a_persons_dockerfile_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "docker", *AMPERE, "--write"]) == 0
    written = (folder / "Dockerfile").read_bytes()
    assert main(["project", "docker", *AMPERE, "--write"]) == 0
    assert (folder / "Dockerfile").read_bytes() == written
    edited = written + b"RUN true\n"
    (folder / "Dockerfile").write_bytes(edited)
    assert main(["project", "docker", *AMPERE, "--write"]) == 4
    assert (folder / "Dockerfile").read_bytes() == edited
    assert "was edited since envgen wrote it" in capsys.readouterr().err


def test_a_base_with_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    image = f"registry.example:5000/library/python:3.12-slim-bookworm@sha256:{'0' * 64}"
    assert main(["project", "docker", *AMPERE, "--base", image]) == 0
    text = capsys.readouterr().out
    assert f"\nFROM {image}\n" in text
    assert "No digest pins the image" not in text
    for bad in ("python:3.12 AS x", "python@sha256:12", "-v", "Python"):
        assert main(["project", "docker", *AMPERE, f"--base={bad}"]) == 2
    assert main(["project", "uv", *AMPERE, "--base", image]) == 2
