"""A shim of pyenv's is judged by the files that pyenv itself reads, and called only where they don't tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.environments.shims import runs_by_pyenv


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A pyenv with 3.11.7 and 3.12.1, of which its own file names the first."""
    root = tmp_path / "pyenv"
    for version in ("3.11.7", "3.12.1"):
        program = root / "versions" / version / "bin" / f"python{version[:4]}"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
    (root / "version").write_text("3.11.7\n")
    return root


@pytest.mark.parametrize(
    ("local", "variables", "expected"),
    [
        pytest.param("", {}, False, id="the chosen version is another one"),
        pytest.param("3.12.1\n", {}, True, id="the file of a folder above names it"),
        pytest.param("3.11.7\n3.12.1\n", {}, True, id="one of several names it"),
        pytest.param("3.12.1\n", {"PYENV_VERSION": "3.11.7"}, False, id="the variable stands before the files"),
        pytest.param("", {"PYENV_VERSION": "3.11.7:3.12.1"}, True, id="the variable names several"),
        pytest.param("3.12\n", {}, None, id="a prefix is resolved by pyenv"),
        pytest.param("system\n", {}, None, id="the system's own may be there or not"),
        pytest.param("# none\n3.11.7\n", {}, None, id="a comment is read by pyenv"),
        pytest.param("../versions/3.12.1\n", {}, None, id="no path is followed"),
        pytest.param("\n", {}, None, id="a file that names nothing"),
        pytest.param("", {"PYENV_DIR": "/other"}, None, id="pyenv is sent to another folder"),
    ],
)
def test_a_shim_runs_when_a_chosen_version_has_its_program(
    root: Path, tmp_path: Path, local: str, variables: dict[str, str], expected: bool | None
) -> None:
    folder = tmp_path / "project" / "below"
    folder.mkdir(parents=True)
    if local:
        (folder.parent / ".python-version").write_text(local)
    assert runs_by_pyenv(root / "shims" / "python3.12", folder, variables) is expected


def test_the_shim_of_another_program_is_called(tmp_path: Path) -> None:
    assert runs_by_pyenv(tmp_path / ".asdf" / "shims" / "python3.12", tmp_path, {}) is None
