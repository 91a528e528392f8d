"""The wheel and the sdist hold what they must and nothing else: the build skips a missing tree without an error."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from envgen import __version__
from envgen.core.paths import TreeMissingError, tree

ROOT = Path(__file__).parent.parent
WHEEL_ROOTS = {"generator/envgen": "envgen", "templates": "envgen/templates", "lockfiles": "envgen/lockfiles"}
NO_SOURCE = {"__pycache__", ".gitkeep", ".mypy_cache", ".ruff_cache", ".hypothesis", ".pytest_cache", "node_modules"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return built / f"cuda_envgen-{__version__}-py3-none-any.whl"


def sources(folder: str) -> set[str]:
    """The files below a folder of the checkout, relative to it, without what tools leave behind."""
    paths = [path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()]
    return {path.as_posix() for path in paths if not NO_SOURCE & {*path.parts} and path.suffix != ".pyc"}


def test_the_wheel_holds_the_package_and_both_trees_and_nothing_else(wheel: Path) -> None:
    expected = {f"{there}/{name}" for here, there in WHEEL_ROOTS.items() for name in sources(here)}
    info = f"cuda_envgen-{__version__}.dist-info"
    expected |= {
        f"{info}/{name}"
        for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE")
    }
    with zipfile.ZipFile(wheel) as archive:
        assert {*archive.namelist()} == expected


@pytest.mark.parametrize(
    "name",
    [
        "envgen/py.typed",
        "envgen/schemas/resolve.schema.json",
        "envgen/templates/environment.yml.j2",
        "envgen/templates/requirements.txt.j2",
        "envgen/templates/smoke_test.py",
        "envgen/facts/data/gpus.csv",
        "envgen/facts/schema/gpus.schema.json",
        "envgen/lockfiles/README.md",
    ],
)
def test_the_wheel_holds_what_a_run_reads(wheel: Path, name: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo(name).file_size > 0 or name.endswith("py.typed")


def test_the_sdist_holds_the_sources_and_the_tests(built: Path) -> None:
    top = f"cuda_envgen-{__version__}"
    with tarfile.open(built / f"{top}.tar.gz") as archive:
        names = {member.name.removeprefix(f"{top}/") for member in archive if member.isfile()}
    folders = ("generator", "templates", "lockfiles", "tests")
    assert {f"{folder}/{name}" for folder in folders for name in sources(folder)} <= names
    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO", ".ci/run"} <= names
    assert not [name for name in names if NO_SOURCE & {*Path(name).parts}]
    assert {name.split("/")[0] for name in names if "/" in name} == {*folders, ".ci", ".github"}


def test_the_sdist_builds_the_same_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    top = f"cuda_envgen-{__version__}"
    with tarfile.open(built / f"{top}.tar.gz") as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    subprocess.run(command, cwd=tmp_path / top, check=True, capture_output=True, timeout=300)
    assert contents(tmp_path / "dist" / wheel.name) == contents(wheel)


def contents(wheel: Path) -> dict[str, tuple[str, int]]:
    """File name -> digest and permissions of what a wheel holds."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            entry.filename: (hashlib.sha256(archive.read(entry)).hexdigest(), entry.external_attr)
            for entry in archive.infolist()
        }


def test_the_wheel_is_for_every_system_and_names_its_command(wheel: Path) -> None:
    """`uvx cuda-envgen` and `pipx run cuda-envgen` run the script that has the name of what they install."""
    scripts = [f"{name} = envgen.cli.main:run" for name in ("cuda-envgen", "envgen")]
    info = f"cuda_envgen-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        assert "Tag: py3-none-any\n" in archive.read(f"{info}/WHEEL").decode()
        assert archive.read(f"{info}/entry_points.txt").decode().splitlines() == ["[console_scripts]", *scripts]
        metadata = archive.read(f"{info}/METADATA").decode()
    assert "\nName: cuda-envgen\n" in metadata
    assert "\nLicense-Expression: MIT\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata


def test_an_installed_package_finds_its_own_trees(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = "from envgen.core.paths import tree; print(tree('templates')); print(tree('lockfiles'))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {script}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    package = (tmp_path / "envgen").resolve()
    assert done.stdout.splitlines() == [str(package / "templates"), str(package / "lockfiles")]


@pytest.mark.slow
@pytest.mark.network
def test_uvx_runs_the_wheel_by_the_name_of_the_distribution(wheel: Path, tmp_path: Path) -> None:
    """`uvx cuda-envgen …` with the wheel in place of PyPI's; what it depends on comes from the index or uv's cache."""
    command = ["uvx", "--from", str(wheel), "cuda-envgen", "--gpu", "GeForce MX450", "--platform", "win-64"]
    command += ["--driver", "560.94", "--offline"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "pip, win-64: torch 2.14.1+cu126" in done.stdout
    assert {"requirements.txt", "conda-win-64.lock", "smoke_test.py"} <= {path.name for path in tmp_path.iterdir()}


def test_a_checkout_finds_the_trees_at_its_root() -> None:
    assert tree("templates") == ROOT / "templates"
    assert tree("lockfiles") == ROOT / "lockfiles"


def test_a_package_without_its_trees_names_both_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = tmp_path / "generator" / "envgen" / "core" / "paths.py"
    monkeypatch.setattr("envgen.core.paths.__file__", str(module))
    with pytest.raises(TreeMissingError) as caught:
        tree("templates")
    root = tmp_path.resolve().as_posix()
    assert str(caught.value) == (
        "the folder templates of envgen was not found [tree-missing]\n"
        f"  looked for {root}/generator/envgen/templates\n"
        f"  looked for {root}/templates\n"
        "  hint: install envgen again: pip install --force-reinstall cuda-envgen"
    )
