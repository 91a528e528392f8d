"""The registry of file formats: names, what belongs together, and that no other module spells a file name of ours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.registry import FORMATS, formats_of, missing_beside, name_globs, our_file, whole_set

PACKAGE = Path(__file__).parent.parent.parent / "generator" / "envgen"
# Parts of the names that a run writes, and of how one could be put together.
SPELLED = re.compile(
    r"pylock|conda-lock\.yml|requirements[-.]|environment(-|\.yml)|virtual-packages|smoke_test\.py|^conda-$"
)
# uv's own inputs have its names, and a text to be judged somebody else's; what people type is help text.
NOT_OURS = {"solve/pip/uv.py", "api/calls.py"}
# Files that other tools and people write, of which some are called like ours.
OTHERS = "readers"


@pytest.mark.parametrize(
    ("name", "package_set", "subdir"),
    [
        ("environment.yml", PackageSet.CONDA, None),
        ("environment-win-64.yml", PackageSet.CONDA, Subdir.WIN_64),
        ("linux-aarch64.conda-lock.yml", PackageSet.CONDA, Subdir.LINUX_AARCH64),
        ("conda-linux-64.lock", PackageSet.CONDA, Subdir.LINUX_64),
        ("virtual-packages.yml", PackageSet.CONDA, None),
        ("requirements-linux-64.txt", PackageSet.PIP, Subdir.LINUX_64),
        ("pylock.win-64.toml", PackageSet.PIP, Subdir.WIN_64),
        ("smoke_test.py", None, None),
    ],
)
def test_a_name_is_taken_apart(name: str, package_set: PackageSet | None, subdir: Subdir | None) -> None:
    file = our_file(name)
    assert file is not None
    assert (file.format.set, file.subdir) == (package_set, subdir)
    assert file.format.name(subdir, many=subdir is not None) == name


@pytest.mark.parametrize("name", ["conda-.lock", "conda-osx-64.lock", "pylock..toml", "requirements-dev.txt", ""])
def test_what_envgen_does_not_write_is_nothing_of_ours(name: str) -> None:
    assert our_file(name) is None


@pytest.mark.parametrize("subdir", [*Subdir])
@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("package_set", [*PackageSet])
def test_a_whole_set_is_found_and_a_file_that_is_gone_is_missed(
    package_set: PackageSet, subdir: Subdir, *, many: bool
) -> None:
    required = {one.name(subdir, many=many): one.required for one in formats_of(package_set)}
    names = tuple(required)
    assert whole_set(package_set, subdir, [*names, "README.md"]) == names
    assert [missing for name in names for missing in missing_beside(name, names)] == []
    for gone in names:
        left = [name for name in names if name != gone]
        missed = {missing for name in left for missing in missing_beside(name, left)}
        if not required[gone]:  # what was written before it was made is whole
            assert (whole_set(package_set, subdir, left), missed) == (tuple(left), set())
            continue
        assert whole_set(package_set, subdir, left) == ()
        # Which explicit locks there must be is not in a file's name: conda-lock.yml tells.
        assert missed == (set() if re.fullmatch(r"conda-.*\.lock", gone) else {gone})


def test_the_patterns_match_every_name_and_no_other() -> None:
    patterns = [*name_globs()]
    names = {one.name(subdir, many=many) for one in FORMATS for subdir in Subdir for many in (True, False)}
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in patterns)] == []
    assert [name for name in ("README.md", "train.py", "uv.lock") if any(fnmatch(name, one) for one in patterns)] == []


def test_no_two_formats_share_a_name() -> None:
    names = [one.name(subdir, many=many) for one in FORMATS for subdir in Subdir for many in (True, False)]
    for name in names:
        assert sum(one.matches(name) for one in FORMATS) == 1


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.rglob("*.py")) if not {"formats", OTHERS} & {*path.parts}],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_a_file_name_of_ours_is_spelled_in_its_format_alone(path: Path) -> None:
    if path.relative_to(PACKAGE).as_posix() in NOT_OURS:
        return
    assert not list(spelled(path.read_text(encoding="utf-8"))), "ask the format of files/registry.py for its name"


@pytest.mark.parametrize("code", ["x = 'pylock.toml'", "x = f'requirements-{y}.txt'", "def f(n='smoke_test.py'): ..."])
def test_a_spelled_name_would_be_seen(code: str) -> None:
    assert [*spelled(code)]


def spelled(code: str) -> Iterator[str]:
    """The string constants with a file name of ours, docstrings and help texts left out."""
    tree = ast.parse(code)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    prose |= {id(part) for node in ast.walk(tree) for part in helps(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield from (f"line {node.lineno}: {node.value}" for _ in SPELLED.findall(node.value)[:1])


def helps(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.keyword) and node.arg == "help":
        yield from ast.walk(node.value)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("virtual-packages.yml", ["environment.yml", "conda-lock.yml"]),
        ("conda-win-64.lock", ["virtual-packages.yml", "environment.yml", "conda-lock.yml"]),
        ("smoke_test.py", []),
    ],
)
def test_what_is_missing_beside_a_file_that_is_alone(name: str, missing: list[str]) -> None:
    assert list(missing_beside(name, [name])) == missing
