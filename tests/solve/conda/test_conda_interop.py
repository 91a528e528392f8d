"""Our conda files in the hands of their real readers: conda-lock, its vendored conda, and py-rattler."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from envgen.core.locks import CondaLock
from envgen.files.bodies import conda_bodies
from envgen.files.formats.conda_lock_v1 import constraints_of, stated_hashes
from envgen.files.reading import split
from envgen.solve.conda.solve import solve_best, solve_conda
from equipment.conda_channel import cuda_query

pytestmark = [
    pytest.mark.interop,
    # Its vendored conda warns of itself while it is imported.
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning", "ignore::DeprecationWarning:conda_lock"),
]

# Match specs as the decision makes them, and packages (name, version, build) that each must and must not take.
SPECS = [
    ("python=3.12", [("python", "3.12.12", "h0_0")], [("python", "3.13.0", "h0_0"), ("python", "3.120", "h0_0")]),
    (
        "pytorch=2.10.0=cuda128*",
        [("pytorch", "2.10.0", "cuda128_mkl_py312_h0_303")],
        [("pytorch", "2.10.0", "cpu_mkl_py312_h0_3"), ("pytorch", "2.10.0", "cuda130_mkl_py312_h0_303")],
    ),
    (
        "pytorch=2.3.1=py3.12_cuda11.8*",
        [("pytorch", "2.3.1", "py3.12_cuda11.8_cudnn8_0")],
        [("pytorch", "2.3.1", "py3.12_cpu_0"), ("pytorch", "2.3.1", "py3.11_cuda11.8_cudnn8_0")],
    ),
    ("cuda-version=12.8", [("cuda-version", "12.8", "h0_3")], [("cuda-version", "12.80", "h0_3")]),
    ("libcudnn<9.11", [("libcudnn", "9.10.2.21", "h0_0")], [("libcudnn", "9.11.0.98", "h0_0")]),
    ("mkl<2024.1", [("mkl", "2023.2.0", "h0_0")], [("mkl", "2024.1.0", "h0_0")]),
    ("torchvision=0.25.0", [("torchvision", "0.25.0", "h0_0")], [("torchvision", "0.25.1", "h0_0")]),
]


@pytest.fixture(scope="module")
def locks(channels: Path) -> list[CondaLock]:
    queries = [cuda_query(subdir) for subdir in ("linux-64", "linux-aarch64", "win-64")]
    queries = [replace(query, specs=(*query.specs, "torchvision")) for query in queries]
    found = [solve_best([query], query, mirror=str(channels)).lock for query in queries]
    return [lock for lock in found if lock is not None]


@pytest.fixture(scope="module")
def same(locks: list[CondaLock], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one set for two subdirs."""
    return write(locks[:2], tmp_path_factory.mktemp("same"))


@pytest.fixture(scope="module")
def different(locks: list[CondaLock], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a set for each of two subdirs."""
    return write([locks[0], locks[2]], tmp_path_factory.mktemp("different"))


def write(locks: list[CondaLock], folder: Path) -> Path:
    for name, body in conda_bodies(locks).items():
        # As the finished files are: comments in front. rattler (0.28) takes no empty line before @EXPLICIT.
        (folder / name).write_text(f"# envgen: {name}\n# for [win] or {{{{ anything }}}}\n#\n{body}", encoding="utf-8")
    return folder


def conda_lock(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conda_lock", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


SETS = [
    ("same", "environment.yml", "conda-lock.yml", ["linux-64", "linux-aarch64"]),
    ("different", "environment-linux-64.yml", "linux-64.conda-lock.yml", ["linux-64"]),
    pytest.param("different", "environment-win-64.yml", "win-64.conda-lock.yml", ["win-64"], marks=pytest.mark.proof),
]


@pytest.mark.skipif(not shutil.which("true"), reason="needs a program that does nothing in conda's place")
@pytest.mark.parametrize(("folder", "environment", "lockfile", "subdirs"), SETS)
def test_conda_lock_agrees_with_the_content_hash(
    folder: str, environment: str, lockfile: str, subdirs: list[str], request: pytest.FixtureRequest
) -> None:
    place: Path = request.getfixturevalue(folder)
    true = shutil.which("true") or ""
    before = (place / lockfile).read_bytes()
    done = conda_lock(place, "lock", "-f", environment, "--lockfile", lockfile, "--check-input-hash", "--conda", true)
    assert f"Spec hash already locked for {subdirs}. Skipping solve." in done.stderr
    assert done.returncode == 0
    assert (place / lockfile).read_bytes() == before


@pytest.mark.skipif(not shutil.which("true"), reason="needs a program that does nothing in conda's place")
def test_conda_lock_sees_a_changed_spec(same: Path, tmp_path: Path) -> None:
    place = shutil.copytree(same, tmp_path / "changed")
    environment = place / "environment.yml"
    environment.write_text(environment.read_text().replace("libcudnn<9.11", "libcudnn<9.12"))
    true = shutil.which("true") or ""
    done = conda_lock(place, "lock", "-f", "environment.yml", "--check-input-hash", "--conda", true)
    assert "Skipping solve" not in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize(("folder", "environment", "lockfile", "subdirs"), SETS)
def test_conda_lock_renders_our_explicit_lock(
    folder: str, environment: str, lockfile: str, subdirs: list[str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place: Path = request.getfixturevalue(folder)
    shutil.copy(place / lockfile, tmp_path)
    template = str(tmp_path / "rendered-{platform}.lock")
    done = conda_lock(tmp_path, "render", "-k", "explicit", "--filename-template", template, lockfile)
    assert done.returncode == 0, done.stderr
    for subdir in subdirs:
        rendered = (tmp_path / f"rendered-{subdir}.lock").read_text()
        ours = (place / f"conda-{subdir}.lock").read_text()
        assert sorted(urls(rendered)) == sorted(urls(ours)) != []


def urls(explicit: str) -> list[str]:
    return [line for line in explicit.partition("@EXPLICIT")[2].splitlines() if line]


STUB = """#!{python}
import json, os, sys
place = os.path.dirname(os.path.abspath(__file__))
if sys.argv[1:2] == ["create"]:
    with open(os.path.join(place, os.environ["CONDA_SUBDIR"] + ".json")) as file:
        print(json.dumps({{"success": True, "actions": {{"FETCH": json.load(file), "LINK": []}}}}))
else:
    print("conda 26.7.1")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a script that can stand in for conda")
def test_conda_lock_writes_the_same_bytes_for_the_same_solution(
    same: Path, locks: list[CondaLock], tmp_path: Path
) -> None:
    """conda-lock runs in full; only the solver's answer is given to it, as conda would print it."""
    stub = tmp_path / "conda"
    stub.write_text(STUB.format(python=sys.executable))
    stub.chmod(0o755)
    for lock in locks[:2]:
        fetch = [
            {
                "name": p.name,
                "version": p.version,
                "url": p.url,
                "md5": p.md5,
                "sha256": p.sha256,
                "depends": p.depends,
                "channel": "conda-forge",
                "fn": p.url.rpartition("/")[2],
            }
            for p in lock.packages
        ]
        (tmp_path / f"{lock.subdir}.json").write_text(json.dumps(fetch))
    for name in ("environment.yml", "virtual-packages.yml"):
        shutil.copy(same / name, tmp_path)
    done = conda_lock(tmp_path, "lock", "-f", "environment.yml", "--conda", str(stub))
    assert done.returncode == 0, done.stderr
    theirs = (tmp_path / "conda-lock.yml").read_text()
    ours = (same / "conda-lock.yml").read_text()
    assert without_comments(theirs) == without_comments(ours)


def without_comments(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def test_conda_lock_renders_an_environment(same: Path, tmp_path: Path, locks: list[CondaLock]) -> None:
    template = str(tmp_path / "rendered-{platform}")
    done = conda_lock(same, "render", "-k", "env", "-p", "linux-64", "--filename-template", template, "conda-lock.yml")
    assert done.returncode == 0, done.stderr
    rendered = yaml.safe_load((tmp_path / "rendered-linux-64.yml").read_text())
    assert rendered["channels"] == ["conda-forge"]
    assert sorted(rendered["dependencies"]) == [f"{p.name}={p.version}={p.build}" for p in locks[0].packages]


def test_the_lock_keeps_to_conda_locks_schema(same: Path) -> None:
    from conda_lock.lockfile.v1.models import Lockfile

    schema = Lockfile.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((same / "conda-lock.yml").read_text()), schema)


def test_conda_lock_reads_our_packages(same: Path, locks: list[CondaLock]) -> None:
    from conda_lock.lockfile import parse_conda_lock_file

    parsed = parse_conda_lock_file(same / "conda-lock.yml")
    found = {(row.platform, row.name, row.version, row.url, row.hash.sha256) for row in parsed.package}
    expected = {(k.subdir.value, p.name, p.version, p.url, p.sha256) for k in locks[:2] for p in k.packages}
    assert found == expected


@pytest.mark.parametrize(("spec", "taken", "left"), SPECS, ids=[row[0] for row in SPECS])
def test_specs_mean_the_same_to_conda_and_rattler(
    spec: str, taken: list[tuple[str, str, str]], left: list[tuple[str, str, str]]
) -> None:
    from conda_lock.interfaces.vendored_conda import MatchSpec as CondaSpec
    from rattler import MatchSpec as RattlerSpec
    from rattler import PackageRecord
    from rattler.package import BuildString

    for expected, packages in ((True, taken), (False, left)):
        for name, version, build in packages:
            row = {"name": name, "version": version, "build": build, "build_number": 0}
            record = PackageRecord(
                name=name, version=version, build=BuildString(build), build_number=0, subdir="linux-64"
            )
            assert CondaSpec(spec).match(row) is expected
            assert RattlerSpec(spec).matches(record) is expected


def test_rattler_reads_our_explicit_lock(different: Path) -> None:
    from rattler.explicit_environment import ExplicitEnvironmentSpec

    parsed = ExplicitEnvironmentSpec.from_path(different / "conda-win-64.lock")
    ours = urls((different / "conda-win-64.lock").read_text())
    assert [str(package.url) for package in parsed.packages] == ours
    assert str(parsed.platform) == "win-64"


def test_what_environment_yml_says_solves_to_the_same_lock(channels: Path, same: Path, locks: list[CondaLock]) -> None:
    written = yaml.safe_load((same / "environment.yml").read_text())
    query = replace(cuda_query(), specs=tuple(written["dependencies"]))
    again = solve_conda(query, mirror=str(channels))
    assert again.packages == locks[0].packages


def lockfile_of(lock: CondaLock, hashes: Mapping[str, str]) -> Any:
    """A lock as conda-lock's own model."""
    from conda_lock.lockfile.v2prelim.models import HashModel, LockedDependency, Lockfile, LockMeta

    subdir = lock.subdir.value
    packages = [
        LockedDependency(
            name=package.name,
            version=package.version,
            manager="conda",
            platform=subdir,
            dependencies=constraints_of(package.depends),
            url=package.url,
            hash=HashModel(md5=package.md5, sha256=package.sha256),
            categories={"main"},
        )
        for package in lock.packages
    ]
    meta = LockMeta(
        content_hash=dict(hashes), channels=list(lock.channels), platforms=[subdir], sources=["environment.yml"]
    )
    return Lockfile(package=packages, metadata=meta)


def test_the_text_is_what_conda_lock_writes(locks: list[CondaLock], tmp_path: Path) -> None:
    """Ours is written by libyaml: the same quotes where a text looks like a number or a date, the same folds."""
    from conda_lock.lockfile import write_conda_lock_file

    odd = replace(locks[0].packages[0], version="1e3", depends=("a >=2026.01.01,<3", f"b {'>=1.0,' * 30}<2", "c 1.10"))
    lock = replace(locks[0], packages=(odd, *locks[0].packages[1:]))
    body = split(conda_bodies([lock])["conda-lock.yml"])[1]
    target = tmp_path / "conda-lock.yml"
    hashes = stated_hashes(body)
    write_conda_lock_file(lockfile_of(lock, hashes), target, None, include_help_text=False)
    assert body == target.read_text(encoding="utf-8")
