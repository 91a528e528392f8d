"""`envgen project uv`: what it puts into a pyproject.toml, and what of a person's it leaves.

The keys are those of uv's documentation (docs.astral.sh/uv/guides/integration/pytorch, "Configuring accelerators with
optional dependencies"): explicit indexes, sources by extra, extras in conflict.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from envgen.cli.main import main

PASCAL = ["--gpu", "GTX 1080 Ti", "--driver", "550", "--platform", "linux-64"]
LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"
WHL = "https://download.pytorch.org/whl"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "My Project"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def project(*options: str) -> int:
    return main(["project", "uv", *options])


def read(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def test_a_new_project(folder: Path) -> None:
    """The last build for Pascal is 2.14.1+cu126 (pytorch/pytorch#190385); its CPU build is the same release."""
    assert project(*PASCAL, "--write") == 0
    found = read(folder)
    assert found["project"]["name"] == "my-project"
    assert found["project"]["requires-python"] == ">=3.12"
    mac = "sys_platform == 'darwin' and platform_machine == 'arm64'"
    assert found["project"]["optional-dependencies"] == {
        "cpu": [f"torch==2.14.1; ({LINUX}) or ({mac})", f"torchvision==0.29.1; ({LINUX}) or ({mac})"],
        "cuda": [f"torch==2.14.1; {LINUX}", f"torchvision==0.29.1; {LINUX}"],
    }
    assert found["tool"]["uv"] == {
        "conflicts": [[{"extra": "cpu"}, {"extra": "cuda"}]],
        "sources": {
            name: [
                {"index": "pytorch-cpu", "extra": "cpu", "marker": LINUX},
                {"index": "pytorch-cu126", "extra": "cuda", "marker": LINUX},
            ]
            for name in ("torch", "torchvision")
        },
        "index": [
            {"name": "pytorch-cpu", "url": f"{WHL}/cpu", "explicit": True},
            {"name": "pytorch-cu126", "url": f"{WHL}/cu126", "explicit": True},
        ],
    }


OWN = """\
# the team's project
[project]
name = "vision" # not ours
version = "1.0"
requires-python = ">=3.12"
dependencies = ["requests"]

[project.optional-dependencies]
docs = ["mkdocs"]   # for the site
cuda = ["torch==2.1.0", "flash-attn"]

[tool.uv]
conflicts = [[{ extra = "docs" }, { extra = "other" }]]

[tool.uv.sources]
ours = { git = "https://example.org/ours" }

[[tool.uv.index]]
name = "internal"
url = "https://example.org/simple"
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_is_there_stays(folder: Path, ends: str) -> None:
    before = OWN.replace("\n", ends).encode()
    (folder / "pyproject.toml").write_bytes(before)
    assert project(*PASCAL, "--write") == 0
    after = (folder / "pyproject.toml").read_bytes()
    kept = [line for line in before.splitlines() if line.strip() and not line.startswith((b"cuda =", b"conflicts ="))]
    assert set(kept) <= set(after.splitlines())
    found = read(folder)
    assert found["project"]["optional-dependencies"]["cuda"][:2] == ["flash-attn", f"torch==2.14.1; {LINUX}"]
    assert found["tool"]["uv"]["conflicts"][0] == [{"extra": "docs"}, {"extra": "other"}]
    assert found["tool"]["uv"]["sources"]["ours"] == {"git": "https://example.org/ours"}
    assert [index["name"] for index in found["tool"]["uv"]["index"]] == ["internal", "pytorch-cpu", "pytorch-cu126"]
    assert project(*PASCAL, "--write") == 0
    assert (folder / "pyproject.toml").read_bytes() == after


def test_another_request_takes_the_place_of_the_first(folder: Path) -> None:
    """PyPI's own build (2.15.0, CUDA 13.2) has no index of its own; the first run's index and sources go."""
    (folder / "pyproject.toml").write_text(OWN, encoding="utf-8")
    assert project(*PASCAL, "--audio", "--write") == 0
    assert "torchaudio" in read(folder)["tool"]["uv"]["sources"]
    ada = ["--gpu", "RTX 4090", "--driver", "610.43.02", "--platform", "linux-64"]
    assert project(*ada, "--write") == 0
    found = read(folder)
    assert found["project"]["optional-dependencies"]["cuda"][1:] == [
        f"torch==2.15.0; {LINUX}",
        f"torchvision==0.29.2; {LINUX}",
    ]
    assert [index["name"] for index in found["tool"]["uv"]["index"]] == ["internal", "pytorch-cpu"]
    assert sorted(found["tool"]["uv"]["sources"]) == ["ours", "torch", "torchvision"]
    assert project("--cuda", "cpu", "--platform", "linux-64", "--platform", "win-64", "--write") == 0
    assert [one["extra"] for one in read(folder)["tool"]["uv"]["sources"]["torch"]] == ["cpu"]


def test_without_write_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pyproject.toml").write_text(OWN, encoding="utf-8")
    assert project(*PASCAL) == 0
    assert (folder / "pyproject.toml").read_text(encoding="utf-8") == OWN
    said = tomllib.loads(capsys.readouterr().out)
    assert sorted(said["project"]) == ["optional-dependencies"]
    assert sorted(said["tool"]["uv"]) == ["conflicts", "index", "sources"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[project\n", "line 1: ", id="no-toml"),
        pytest.param('[tool.uv.sources]\ntorch = { path = "x" }\n', "tool.uv.sources.torch holds", id="own-source"),
        # The form of docling-project/docling-serve's: a lane is a group there, ROCm's among them.
        pytest.param(
            '[tool.uv.sources]\ntorch = [{ index = "pytorch-cpu", group = "cpu" }]\n',
            "tool.uv.sources.torch",
            id="groups",
        ),
        pytest.param('[tool.uv.sources]\ntorch = { index = "pytorch-rocm" }\n', "tool.uv.sources.torch", id="rocm"),
        # The form of CCRI-POPROX/poprox-recommender's: an index of that name is somewhere else.
        pytest.param(
            '[[tool.uv.index]]\nname = "pytorch-cpu"\nurl = "https://pypi.example.org/cpu"\n',
            "tool.uv.index pytorch-cpu holds",
            id="a-mirror-by-that-name",
        ),
        pytest.param("[project]\noptional-dependencies = 3\n", "project.optional-dependencies holds", id="no-table"),
        pytest.param("[tool.uv]\nconflicts = 3\n", "tool.uv.conflicts holds", id="no-list"),
        pytest.param('[tool.uv]\nindex = "x"\n', "tool.uv.index holds", id="no-index"),
        pytest.param("a = " + "[" * 2000, "", id="deep"),
        pytest.param("\x00", "", id="binary"),
    ],
)
def test_bad_input_loses_nothing(folder: Path, text: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    assert project(*PASCAL, "--write") == 4
    assert (folder / "pyproject.toml").read_text(encoding="utf-8") == text
    assert reason in capsys.readouterr().err


def test_an_older_python_of_the_project_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\nrequires-python = ">=3.9"\n', encoding="utf-8")
    assert project(*PASCAL) == 0
    assert 'make it ">=3.12", or decide for the oldest with --python' in capsys.readouterr().err


def test_a_platform_where_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert project("--gpu", "GTX 1080 Ti", "--driver", "610.43.02", "--platform", "linux-64") == 3
    assert "no pip build of PyTorch runs" in capsys.readouterr().err


def test_resolve_names_the_folders_tool(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", *PASCAL]) == 0
    assert "project" not in capsys.readouterr().out
    (folder / "uv.lock").write_text("version = 1\n", encoding="utf-8")
    assert main(["resolve", *PASCAL]) == 0
    command = 'envgen project uv --gpu "GTX 1080 Ti" --driver 550 --platform linux-64 --write'
    assert f"\nin this project's own words: {command}\n" in capsys.readouterr().out


def test_comments_and_what_goes_with_a_dependency_stay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The forms of the pyproject.toml of docling-project/docling-serve (a comment in conflicts) and nari-labs/dia."""
    before = """\
[project]
name = "x"
dependencies = ["torch==2.6.0", "torchaudio==2.6.0"]

[tool.uv]
conflicts = [
  [
    { group = "a" },
    # { group = "old" },
    { group = "b" },
  ],
]

[tool.uv.sources]
torchaudio = [
  { index = "pytorch-cu124", marker = "sys_platform == 'linux'" },
]

[[tool.uv.index]]
name = "pytorch-cu124"
url = "https://download.pytorch.org/whl/cu124"
explicit = true

[[tool.uv.index]]
name = "pytorch-cu118"
url = "https://download.pytorch.org/whl/cu118"
explicit = true

# what builds it
[build-system]
requires = ["hatchling"]
"""
    (folder / "pyproject.toml").write_text(before, encoding="utf-8")
    assert project(*PASCAL, "--write") == 0
    after = (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert set(before.splitlines()) <= set(after.splitlines())
    err = capsys.readouterr().err
    assert "ask for torch==2.6.0, and an extra for torch==2.14.1: uv finds no lock for both" in err
    assert "torchaudio" not in err
    assert project(*PASCAL, "--write") == 0
    assert (folder / "pyproject.toml").read_text(encoding="utf-8") == after


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        pytest.param("[tool.ruff]\nline-length = 99\n", "it has no project.name", id="tools"),
        pytest.param('[tool.poetry]\nname = "x"\nversion = "1"\n', "it has no project.name", id="poetry"),
        pytest.param('[project]\nname = "x"\ndynamic = ["version"]\n', "", id="a-version-by-the-build"),
    ],
)
def test_a_file_without_a_project_is_not_made_one_that_uv_refuses(
    folder: Path, text: str, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """uv 0.13: "`pyproject.toml` is using the `[project]` table, but the required `project.name` field is not set"."""
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    assert project(*PASCAL) == 0
    assert project(*PASCAL, "--write") == (4 if missing else 0)
    assert missing in capsys.readouterr().err
    if missing:
        assert (folder / "pyproject.toml").read_text(encoding="utf-8") == text
