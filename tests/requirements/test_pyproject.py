"""pyproject.toml: dependencies, extras, groups, and the sections of uv and poetry."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.core.errors import UsageError
from envgen.requirements.asked import Asked, RequirementsFileError
from envgen.requirements.read import read_files

PROJECT = """
[project]
name = "x"
dependencies = ["torch>=2.6", "timm>=1.0", "internal"]
[project.optional-dependencies]
train = ["accelerate"]
[dependency-groups]
dev = ["pytest", {include-group = "docs"}]
docs = ["mkdocs"]
[tool.uv.sources]
internal = { git = "https://h.example/internal.git" }
[tool.uv]
constraint-dependencies = ["numpy<2.3"]
override-dependencies = ["scipy==1.0"]
"""
# https://python-poetry.org/docs/dependency-specification/ has these and what they mean.
POETRY = """
[tool.poetry.dependencies]
python = "^3.11"
caret = "^1.2.3"
zero = "^0.2.3"
tilde = "~1.2"
exact = "1.5"
star = "*"
wild = "1.*"
rich = { version = ">=13,<15", extras = ["jupyter"], markers = "sys_platform == 'linux'" }
later = { version = "^2", optional = true }
ours = { path = "../ours" }
[tool.poetry.extras]
more = ["later"]
[tool.poetry.group.test.dependencies]
pytest = "^8.0"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str, *, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Asked:
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    return read_files(["pyproject.toml"], extras=extras, groups=groups)


@pytest.mark.parametrize(
    ("extras", "groups", "expected"),
    [
        pytest.param((), (), ["timm>=1.0"], id="the project"),
        pytest.param(("train",), (), ["timm>=1.0", "accelerate"], id="an extra"),
        pytest.param((), ("dev",), ["timm>=1.0", "pytest", "mkdocs"], id="a group that includes another"),
    ],
)
def test_a_project(extras: tuple[str, ...], groups: tuple[str, ...], expected: list[str]) -> None:
    asked = read(PROJECT, extras=extras, groups=groups)
    assert (asked.requirements, asked.constraints, asked.family) == (expected, ["numpy<2.3"], ["torch>=2.6"])
    assert [(passed.text.strip('"'), passed.where) for passed in asked.not_taken] == [
        ("internal", "pyproject.toml [project]"),
        ("scipy==1.0", "pyproject.toml [tool.uv] override-dependencies"),
    ]


def test_poetry() -> None:
    asked = read(POETRY, groups=("test",), extras=("more",))
    assert sorted(asked.requirements) == [
        "caret<2,>=1.2.3",
        "exact==1.5",
        "later<3,>=2",
        "pytest<9,>=8.0",
        'rich[jupyter]<15,>=13; sys_platform == "linux"',
        "star",
        "tilde<1.3,>=1.2",
        "wild==1.*",
        "zero<0.3,>=0.2.3",
    ]
    assert [passed.text.strip('"') for passed in asked.not_taken] == ["ours"]


@pytest.mark.parametrize(
    ("text", "extras", "groups", "told"),
    [
        pytest.param("[project]\ndependencies = [", (), (), "pyproject.toml", id="no TOML"),
        pytest.param("a = 1\na = 2\n", (), (), "pyproject.toml:2", id="a key twice"),
        pytest.param(PROJECT, ("gpu",), (), "has no extra gpu (from --extra)", id="an unknown extra"),
        pytest.param(PROJECT, (), ("lint",), "it has: dev, docs", id="an unknown group"),
    ],
)
def test_what_cannot_be_read(text: str, extras: tuple[str, ...], groups: tuple[str, ...], told: str) -> None:
    with pytest.raises(RequirementsFileError) as caught:
        read(text, extras=extras, groups=groups)
    assert told in str(caught.value)


def test_a_group_without_a_project() -> None:
    Path("requirements.txt").write_text("tqdm\n")
    with pytest.raises(UsageError, match=r"--extra and --group are of a pyproject\.toml"):
        read_files(["requirements.txt"], groups=("dev",))


def test_extras_of_the_project_itself() -> None:
    """`all = ["mine[docs,train]"]`, as setuptools and pip read it; they may name each other in a circle."""
    text = """
[project]
name = "Mine"
dependencies = ["einops", "mine[docs]; python_version < '4'"]
[project.optional-dependencies]
docs = ["sphinx; sys_platform == 'linux'"]
train = ["accelerate", "mine[all]"]
all = ["mine[docs,train]"]
[dependency-groups]
dev = ["mine[train]", "pytest"]
"""
    Path("pyproject.toml").write_text(text)
    asked = read_files(["pyproject.toml"], extras=["all"], groups=["dev"])
    assert {*asked.requirements} == {
        "einops",
        'sphinx; sys_platform == "linux" and python_version < "4"',
        'sphinx; sys_platform == "linux"',
        "accelerate",
        "pytest",
    }
    assert asked.not_taken == []


def test_a_wheel_of_pytorchs_index_in_poetrys_table() -> None:
    """One for each platform, as many projects have them."""
    url = "https://download.pytorch.org/whl/cu118/torch-2.0.1%2Bcu118-cp310-cp310-"
    text = f"""
[tool.poetry.dependencies]
python = "^3.10"
torch = [
  {{ url = "{url}linux_x86_64.whl", markers = "sys_platform == 'linux'" }},
  {{ url = "{url}win_amd64.whl", markers = "sys_platform == 'win32'" }},
]
mine = {{ url = "https://h.example/mine-1.0-py3-none-any.whl" }}
"""
    Path("pyproject.toml").write_text(text)
    asked = read_files(["pyproject.toml"])
    assert asked.family == [f'torch==2.0.1+cu118; sys_platform == "{one}"' for one in ("linux", "win32")]
    (passed,) = asked.not_taken
    assert passed.text == '"mine"'
