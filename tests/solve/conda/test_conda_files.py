"""The files of a conda lock: exact texts, one set or one a subdir, the same bytes twice, and read back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from envgen.core.locks import CondaLock
from envgen.files.bodies import conda_bodies, read_conda
from envgen.files.errors import LockFormatError
from envgen.files.format import Beside
from envgen.files.formats.environment_yml import environment_name, pinned_specs
from envgen.files.registry import CONDA_LOCK, ENVIRONMENT_YML
from envgen.solve.conda.solve import solve_conda
from equipment.conda_channel import cuda_query


@pytest.fixture(scope="module")
def linux(channels: Path) -> CondaLock:
    query = cuda_query()
    return solve_conda(replace(query, specs=(*query.specs, "torchvision")), mirror=str(channels))


@pytest.fixture(scope="module")
def aarch64(channels: Path) -> CondaLock:
    query = cuda_query("linux-aarch64")
    return solve_conda(replace(query, specs=(*query.specs, "torchvision")), mirror=str(channels))


@pytest.fixture(scope="module")
def windows(channels: Path) -> CondaLock:
    return solve_conda(cuda_query("win-64"), mirror=str(channels))


def test_environment_yml_lists_what_the_lock_holds(linux: CondaLock) -> None:
    assert ENVIRONMENT_YML.write([linux], Beside()) == (
        'name: "pytorch-2.10.0-cuda129"\n'
        "channels:\n"
        '  - "conda-forge"\n'
        "  - nodefaults\n"
        "platforms:\n"
        '  - "linux-64"\n'
        "dependencies:\n"
        '  - "python=3.12"\n'
        '  - "pytorch=2.10.0=cuda129*"\n'
        '  - "cuda-version=12.9"\n'
        '  - "libcudnn<9.11"\n'
        '  - "torchvision=0.25.0"\n'
    )


def test_virtual_packages_yml_says_what_the_lock_was_solved_with(linux: CondaLock, windows: CondaLock) -> None:
    assert conda_bodies([windows, linux])["virtual-packages.yml"] == (
        "subdirs:\n"
        '  "linux-64":\n'
        "    packages:\n"
        '      __unix: "0"\n'
        '      __linux: "5.10"\n'
        '      __glibc: "2.28"\n'
        '      __archspec: "1 x86_64"\n'
        '      __cuda: "12.9"\n'
        '  "win-64":\n'
        "    packages:\n"
        '      __win: "0"\n'
        '      __archspec: "1 x86_64"\n'
        '      __cuda: "12.8"\n'
    )


def test_the_explicit_lock(windows: CondaLock) -> None:
    lines = conda_bodies([windows])["conda-win-64.lock"].splitlines()
    assert lines[:2] == ["# platform: win-64", "@EXPLICIT"]
    assert lines[2:] == [f"{p.url}#{p.md5}" for p in windows.packages]
    assert all(line.startswith("https://conda.anaconda.org/conda-forge/") for line in lines[2:])


def test_one_set_while_the_specs_are_the_same(linux: CondaLock, aarch64: CondaLock) -> None:
    bodies = conda_bodies([linux, aarch64])
    assert set(bodies) == {
        "environment.yml",
        "conda-lock.yml",
        "virtual-packages.yml",
        "conda-linux-64.lock",
        "conda-linux-aarch64.lock",
    }
    assert yaml.safe_load(bodies["environment.yml"])["platforms"] == ["linux-64", "linux-aarch64"]
    lock = yaml.safe_load(bodies["conda-lock.yml"])
    assert lock["metadata"]["platforms"] == ["linux-64", "linux-aarch64"]
    assert lock["metadata"]["sources"] == ["environment.yml"]
    assert sorted(lock["metadata"]["content_hash"]) == ["linux-64", "linux-aarch64"]


def test_one_set_each_when_they_differ(linux: CondaLock, windows: CondaLock) -> None:
    bodies = conda_bodies([linux, windows])
    assert set(bodies) == {
        "environment-linux-64.yml",
        "environment-win-64.yml",
        "linux-64.conda-lock.yml",
        "win-64.conda-lock.yml",
        "virtual-packages.yml",
        "conda-linux-64.lock",
        "conda-win-64.lock",
    }
    lock = yaml.safe_load(bodies["win-64.conda-lock.yml"])
    assert lock["metadata"]["platforms"] == ["win-64"]
    assert lock["metadata"]["sources"] == ["environment-win-64.yml"]
    assert {row["platform"] for row in lock["package"]} == {"win-64"}


def test_the_found_version_of_an_open_spec_counts_as_a_difference(linux: CondaLock, aarch64: CondaLock) -> None:
    vision = aarch64.find("torchvision")
    assert vision is not None
    older = replace(vision, version="0.24.0")
    other = replace(aarch64, packages=tuple(older if p is vision else p for p in aarch64.packages))
    assert "environment-linux-aarch64.yml" in conda_bodies([linux, other])


def test_the_order_of_the_locks_changes_nothing(linux: CondaLock, aarch64: CondaLock) -> None:
    assert conda_bodies([linux, aarch64]) == conda_bodies([aarch64, linux])


def test_nothing_of_the_machine_is_in_a_file(linux: CondaLock, windows: CondaLock, channels: Path) -> None:
    for text in conda_bodies([linux, windows]).values():
        assert str(channels) not in text
        assert "/tmp" not in text
        assert "created_at" not in text
        assert text.isascii()
        assert text.endswith("\n")
        assert "\r" not in text


def test_rows_follow_conda_locks_rule_for_dependencies(windows: CondaLock) -> None:
    row = next(
        row for row in yaml.safe_load(conda_bodies([windows])["conda-lock.yml"])["package"] if row["name"] == "pytorch"
    )
    assert row == {
        "name": "pytorch",
        "version": "2.10.0",
        "manager": "conda",
        "platform": "win-64",
        # Build strings are dropped, virtual packages kept, names sorted (conda_lock.conda_solver.solve_conda, 4.0.3).
        "dependencies": {
            "__cuda": "",
            "cuda-version": ">=12.8,<13",
            "libcudnn": ">=9.10.1.4,<10.0a0",
            "libtorch": "2.10.0",
            "python": ">=3.12,<3.13.0a0",
            "vc14_runtime": ">=14.44",
        },
        "url": "https://conda.anaconda.org/conda-forge/win-64/pytorch-2.10.0-cuda128_mkl_py312_h2_301.conda",
        "hash": {"md5": windows.packages[4].md5, "sha256": windows.packages[4].sha256},
        "category": "main",
        "optional": False,
    }


class TestReadingBack:
    """`read_conda` is the inverse of `conda_bodies`, up to what the format does not hold."""

    def test_everything_that_a_file_holds_comes_back(self, linux: CondaLock, windows: CondaLock) -> None:
        loaded = read_conda(conda_bodies([linux, windows]))
        expected = [replace(linux, specs=pinned_specs(linux)), windows]
        assert [bare(lock) for lock in loaded] == [bare(lock) for lock in expected]

    def test_the_bodies_are_the_same_again(self, linux: CondaLock, aarch64: CondaLock, windows: CondaLock) -> None:
        for locks in ([linux, aarch64], [linux, windows]):
            bodies = conda_bodies(locks)
            assert conda_bodies(read_conda(bodies)) == bodies

    def test_headers_may_be_on(self, linux: CondaLock) -> None:
        bodies = conda_bodies([linux])
        with_headers = {name: f"# envgen 1: {name}\n# made by: x\n\n{body}" for name, body in bodies.items()}
        assert read_conda(with_headers) == read_conda(bodies)

    def test_locks_of_two_folders_become_one_set(self, linux: CondaLock, aarch64: CondaLock) -> None:
        parts = [read_conda(conda_bodies([lock])) for lock in (aarch64, linux)]
        assert conda_bodies([lock for part in parts for lock in part]) == conda_bodies([linux, aarch64])

    def test_no_conda_file_is_no_lock(self) -> None:
        assert read_conda({"requirements.txt": "x"}) == []


def bare(lock: CondaLock) -> CondaLock:
    """The lock without what conda-lock.yml cannot hold."""
    return replace(lock, packages=tuple(replace(p, depends=(), constrains=()) for p in lock.packages))


@pytest.fixture(scope="module")
def bodies(linux: CondaLock) -> Mapping[str, str]:
    return conda_bodies([linux])


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("conda-lock.yml", "version: 1\n", "version: 2\n", "its format version is 2, not 1"),
        ("conda-lock.yml", "platforms:\n  - linux-64", "platforms:\n  - osx-64", "it is not a conda-lock file"),
        ("conda-lock.yml", "package:", "packages:", "it is not a conda-lock file of version 1 ('package')"),
        ("conda-lock.yml", "    sha256: ", "    sha512: ", "it is not a conda-lock file of version 1 ('sha256')"),
        ("conda-lock.yml", "/python-3.12.12-", "/pypy-3.12.12-", "is not a file of python 3.12.12"),
        ("conda-lock.yml", "package:", "package: [", "it is not a conda-lock file"),
        ("environment.yml", "dependencies:", "requirements:", "it is not an environment file ('dependencies')"),
        ("environment.yml", '  - "python=3.12"', "  - pip: [x]", "its dependencies are not a list of match specs"),
        ("virtual-packages.yml", "subdirs:", "platforms:", "it is not a list of virtual packages ('subdirs')"),
        ("virtual-packages.yml", "linux-64", "win-64", "it says nothing of linux-64"),
    ],
)
def test_a_damaged_file_is_named(bodies: Mapping[str, str], name: str, old: str, new: str, reason: str) -> None:
    assert old in bodies[name]
    with pytest.raises(LockFormatError) as caught:
        read_conda({**bodies, name: bodies[name].replace(old, new)})
    assert caught.value.origin == name
    assert reason in caught.value.reason
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", ["environment.yml", "virtual-packages.yml"])
def test_a_missing_file_is_named(bodies: Mapping[str, str], name: str) -> None:
    with pytest.raises(LockFormatError, match=f"{name} is not beside it"):
        read_conda({n: text for n, text in bodies.items() if n != name})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "https://x/y.conda\nhttps://evil/z.conda"}, "URL"),
        ({"url": "https://x/y.conda#0"}, "URL"),
        ({"md5": "0" * 31}, "md5"),
        ({"md5": ""}, "md5"),
    ],
)
def test_nothing_can_be_smuggled_into_an_explicit_lock(windows: CondaLock, change: Any, field: str) -> None:
    bad = replace(windows.packages[0], **change)
    with pytest.raises(LockFormatError, match=f"its {field} is "):
        conda_bodies([replace(windows, packages=(bad, *windows.packages[1:]))])


@pytest.mark.parametrize(
    ("version", "build", "expected"),
    [
        ("2.10.0", "cuda129_mkl_py312_h9ac99b3_303", "pytorch-2.10.0-cuda129"),
        ("2.3.1", "py3.11_cuda11.8_cudnn8.7.0_0", "pytorch-2.3.1-cuda118"),
        ("2.0.0", "cuda112py39h0_200", "pytorch-2.0.0-cuda112"),
    ],
)
def test_the_environments_name_is_the_pairing(linux: CondaLock, version: str, build: str, expected: str) -> None:
    torch = replace(linux.packages[0], name="pytorch", version=version, build=build)
    assert environment_name(replace(linux, packages=(torch,))) == expected


def test_a_spec_that_the_lock_lacks_is_refused(linux: CondaLock) -> None:
    with pytest.raises(LockFormatError, match="it lacks torchaudio"):
        conda_bodies([replace(linux, specs=(*linux.specs, "torchaudio"))])


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@given(specs=st.lists(TEXT.map(lambda t: f"python={t}"), min_size=1, max_size=3), channel=TEXT)
def test_any_text_survives_environment_yml(linux: CondaLock, specs: list[str], channel: str) -> None:
    lock = replace(linux, specs=tuple(specs), channels=(channel,))
    document = yaml.safe_load(ENVIRONMENT_YML.write([lock], Beside()))
    assert document["dependencies"] == specs
    assert document["channels"] == [channel, "nodefaults"]


def test_a_lock_alone_is_read_without_specs(linux: CondaLock, bodies: Mapping[str, str]) -> None:
    (lock,) = CONDA_LOCK.read(bodies["conda-lock.yml"], "conda-lock.yml")
    assert (lock.specs, lock.virtual_packages) == ((), {})
    assert [p.build_number for p in lock.packages] == [p.build_number for p in linux.packages]


def test_the_content_hash_depends_on_specs_and_virtual_packages(linux: CondaLock, bodies: Mapping[str, str]) -> None:
    texts = [
        (bodies["environment.yml"], bodies["virtual-packages.yml"]),
        (bodies["environment.yml"].replace("3.12", "3.11"), bodies["virtual-packages.yml"]),
        (bodies["environment.yml"], bodies["virtual-packages.yml"].replace("12.9", "13.0")),
    ]
    made = [
        CONDA_LOCK.write([linux], Beside(bodies={"environment.yml": specs, "virtual-packages.yml": v}))
        for specs, v in texts
    ]
    hashes = {yaml.safe_load(text)["metadata"]["content_hash"]["linux-64"] for text in made}
    assert len(hashes) == 3
