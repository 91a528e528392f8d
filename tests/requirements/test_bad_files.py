"""Files that can't be taken as requirements: a clear error, nothing written, and no login repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.cli.main import main

ASKED = ["--offline", "--only", "pip", "--gpu", "RTX 4090", "--driver", "590.48.01", "--platform", "linux-64"]
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param("r.txt", None, "error: r.txt can't be read", id="missing"),
        pytest.param("r.txt", b"-r r.txt\n", "r.txt names itself", id="a cycle"),
        pytest.param("r.txt", b"-r ../here/r.txt\n", "r.txt", id="a cycle by another path"),
        pytest.param("r.txt", b"einops\n" * 1_500_000, "it is larger than 1 MiB", id="10 MB"),
        pytest.param("r.txt", b"torch==2.9.1\n" * 50_000, "past the 5,000th requirement", id="50,000 lines of torch"),
        pytest.param(
            "e.yml",
            b"dependencies:\n- pip:\n" + b"  - einops\n" * 5_001,
            "past the 5,000th requirement",
            id="5,001 lines of pip in an environment.yml",
        ),
        pytest.param("r.txt", bytes(range(256)), "it is no text", id="binary"),
        pytest.param("r.txt", "# caf\xe9\n".encode("latin-1"), "it is no text in UTF-8", id="Latin-1"),
        pytest.param("r.txt", b"einops\0\n", "it is no text", id="a NUL"),
        pytest.param(
            "r.txt", b"einops == https://u:hunter2@example.com\n", "is not a requirement", id="no requirement"
        ),
        pytest.param("p.toml", b'[project]\ndependencies=["a"]\ndependencies=["b"]\n', "p.toml:3", id="a key twice"),
        pytest.param("p.toml", b"[project]\ndependencies=" + b"[" * 5000, "not TOML", id="nested"),
        pytest.param("p.toml", b"x = " + b"9" * 6000, "thousands of digits", id="an integer of 6,000 digits"),
        pytest.param("p.toml", b"project = 3\n", "p.toml project can't be read", id="project is no table"),
        pytest.param("p.toml", b'[project]\ndependencies="a"\n', "[project] dependencies can't be read", id="no list"),
        pytest.param("p.toml", b"[project]\ndependencies=[3]\n", "it is not a list of texts", id="a number"),
        pytest.param(
            "p.toml", b"[dependency-groups]\na=[3]\n", "p.toml group a can't be read", id="a group of numbers"
        ),
        pytest.param(
            "p.toml", b"[project.optional-dependencies]\na=1\n", "p.toml extra a can't be read", id="an extra"
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (here / name).write_bytes(content.replace(b"../here/", f"../{here.name}/".encode()))
    assert main([*ASKED, "--requirements", name, "--output", "out"]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert SECRET not in error
    assert not (here / "out").exists()


def test_a_folder_is_no_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "r.txt").mkdir()
    assert main([*ASKED, "--requirements", "r.txt", "--output", "out"]) == 2
    assert "r.txt can't be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        f"einops @ https://user:{SECRET}@example.com/einops-1.0-py3-none-any.whl",
        f"https://user:{SECRET}@example.com/einops-1.0-py3-none-any.whl",
        f"git+https://user:{SECRET}@github.com/a/b.git#egg=b",
        f"-e git+https://{SECRET}@github.com/a/b.git#egg=b",
        f"--index-url https://user:{SECRET}@example.com/simple",
        f"--extra-index-url=https://user:{SECRET}@example.com/simple",
        f"-ihttps://user:{SECRET}@example.com/simple",
        f"--find-links https://user:{SECRET}@example.com/",
        f"-r https://user:{SECRET}@example.com/r.txt",
    ],
)
def test_a_login_is_not_repeated(here: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    """What is not taken is listed without it; the rest, here nothing, is locked."""
    (here / "r.txt").write_text(f"{line}\n", encoding="utf-8")
    assert main([*ASKED, "--requirements", "r.txt", "--output", "out"]) == 0
    shown = capsys.readouterr()
    assert "r.txt:1: " in shown.err
    assert "[not-taken]" in shown.err
    written = "".join(path.read_text(encoding="utf-8") for path in (here / "out").iterdir())
    assert SECRET not in shown.err + shown.out + written
