"""requirements.txt and pylock.toml: their form, their round trip, and what others' readers say."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock
from packaging.requirements import Requirement

from envgen.core.locks import PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.files.bodies import pip_bodies
from envgen.files.errors import LockFormatError
from envgen.files.quoting import double_quoted
from envgen.files.registry import PYLOCK
from equipment.file_names import names_of

TORCH_INDEX = "https://download.pytorch.org/whl/cu126"
PYPI = "https://pypi.org/simple"


def package(name: str, version: str, index: str = PYPI, **changes: Any) -> PipPackage:
    values: dict[str, Any] = {
        "name": name,
        "version": version,
        "index": index,
        "url": f"{index}/{name}-{version.replace('+', '%2B')}-py3-none-any.whl",
        "sha256": (name.encode().hex() * 40)[:64],
        "size": 1234,
        "reason": "via torch",
        **changes,
    }
    return PipPackage(**values)


LOCK = PipLock(
    subdir=Subdir.WIN_64,
    python="3.12",
    glibc="",
    packages=(
        package("filelock", "3.20.0"),
        package("sympy", "1.14.0", reason='odd "quotes", \\ and\ttabs\n{{ torch }} # not a comment', size=None),
        package("torch", "2.14.1+cu126", TORCH_INDEX, reason="requested", dependencies=("filelock", "sympy")),
    ),
)


def test_requirements_have_the_form_that_both_tools_read() -> None:
    text = pip_bodies(LOCK, multi=False)["requirements.txt"]
    hashes = {p.name: p.sha256 for p in LOCK.packages}
    assert text.splitlines() == [
        "--index-url https://download.pytorch.org/whl/cu126",
        "--find-links https://pypi.org/simple/filelock/",
        "--find-links https://pypi.org/simple/sympy/",
        "",
        f"filelock==3.20.0 --hash=sha256:{hashes['filelock']}",
        "    # via torch",
        f"sympy==1.14.0 --hash=sha256:{hashes['sympy']}",
        '    # odd "quotes", \\ and\\ttabs\\n{{ torch }} # not a comment',
        f"torch==2.14.1+cu126 --hash=sha256:{hashes['torch']}",
        "    # requested",
    ]
    assert text.endswith("\n")


def test_pypis_own_build_needs_no_find_links() -> None:
    lock = replace(LOCK, packages=(package("filelock", "3.20.0"), package("torch", "2.15.0")))
    lines = pip_bodies(lock, multi=False)["requirements.txt"].splitlines()
    assert lines[0] == "--index-url https://pypi.org/simple"
    assert not any(line.startswith("--find-links") for line in lines)


def test_names_carry_the_subdir_when_there_are_several() -> None:
    assert set(pip_bodies(LOCK, multi=False)) >= {"requirements.txt", "pylock.toml"}
    assert set(pip_bodies(LOCK, multi=True)) >= {"requirements-win-64.txt", "pylock.win-64.toml"}
    assert set(pip_bodies(LOCK, multi=True)) == names_of(PackageSet.PIP, Subdir.WIN_64, many=True)


def test_each_pin_is_a_requirement_that_packaging_reads() -> None:
    text = pip_bodies(LOCK, multi=False)["requirements.txt"]
    pins = [line.partition(" --hash")[0] for line in text.splitlines() if "==" in line]
    assert [(r.name, str(r.specifier)) for r in map(Requirement, pins)] == [
        (p.name, f"=={p.version}") for p in LOCK.packages
    ]


@pytest.mark.parametrize(
    ("subdir", "environment"),
    [
        (Subdir.WIN_64, "sys_platform == 'win32' and platform_machine == 'AMD64'"),
        (Subdir.LINUX_64, "sys_platform == 'linux' and platform_machine == 'x86_64'"),
        (Subdir.LINUX_AARCH64, "sys_platform == 'linux' and platform_machine == 'aarch64'"),
    ],
)
def test_pylock_is_valid_and_says_what_it_is_for(subdir: Subdir, environment: str) -> None:
    lock = replace(LOCK, subdir=subdir, glibc="" if subdir.is_windows else "2.28")
    text = pip_bodies(lock, multi=False)["pylock.toml"]
    parsed = Pylock.from_dict(tomllib.loads(text))
    parsed.validate()
    assert str(parsed.requires_python) == "==3.12.*"
    assert [str(marker).replace('"', "'") for marker in parsed.environments or ()] == [environment]
    assert parsed.created_by == "envgen"
    assert [(p.name, str(p.version), p.index) for p in parsed.packages] == [
        (p.name, p.version, p.index) for p in lock.packages
    ]
    needs = [tuple(d["name"] for d in p.dependencies or ()) for p in parsed.packages]
    assert needs == [(), (), ("filelock", "sympy")]
    wheels = [(w.url, w.size, dict(w.hashes)) for p in parsed.packages for w in p.wheels or ()]
    assert wheels == [(p.url, p.size, {"sha256": p.sha256}) for p in lock.packages]


def test_bytes_do_not_depend_on_the_order_of_packages() -> None:
    assert pip_bodies(replace(LOCK, packages=LOCK.packages[::-1]), multi=False) == pip_bodies(LOCK, multi=False)


def test_a_lock_comes_back_as_it_was() -> None:
    text = pip_bodies(LOCK, multi=False)["pylock.toml"]
    assert PYLOCK.read(text, "pylock.toml") == LOCK
    assert PYLOCK.read(f"\ufeff{text}", "pylock.toml") == LOCK  # as Windows' editors may save it


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"))


@given(_TEXT, st.sampled_from(Subdir), st.one_of(st.none(), st.integers(0, 1 << 40)))
def test_any_reason_comes_back_and_any_text_is_one_toml_string(reason: str, subdir: Subdir, size: int | None) -> None:
    lock = replace(
        LOCK, subdir=subdir, packages=(package("torch", "2.14.1+cu126", TORCH_INDEX, reason=reason, size=size),)
    )
    assert tomllib.loads(f"x = {double_quoted(reason)}") == {"x": reason}
    text = pip_bodies(lock, multi=False)["pylock.toml"]
    assert PYLOCK.read(text, "pylock.toml") == lock
    Pylock.from_dict(tomllib.loads(text)).validate()


@given(_TEXT)
def test_no_reason_can_add_a_line_to_requirements(reason: str) -> None:
    lock = replace(LOCK, packages=(package("torch", "2.14.1+cu126", TORCH_INDEX, reason=reason),))
    lines = pip_bodies(lock, multi=False)["requirements.txt"].splitlines()
    assert [line for line in lines if line and not line.startswith("    # ")] == [
        f"--index-url {TORCH_INDEX}",
        f"torch==2.14.1+cu126 --hash=sha256:{lock.packages[0].sha256}",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "torch ; python_version > '3'"},
        {"version": "2.14.1 --hash=sha256:00"},
        {"sha256": "0" * 63},
        {"sha256": ""},
        {"index": "https://pypi.org/simple --extra-index-url https://evil.example"},
        {"url": "https://example.org/a b.whl"},
        {"url": "file:///etc/passwd"},
    ],
)
def test_a_value_that_would_mean_something_else_is_refused(changes: dict[str, Any]) -> None:
    bad = replace(LOCK, packages=(package("torch", "2.14.1+cu126", TORCH_INDEX), replace(LOCK.packages[0], **changes)))
    with pytest.raises(LockFormatError) as caught:
        pip_bodies(bad, multi=False)
    assert str(caught.value).startswith(
        "the pip lock for win-64 cannot be read as a lock of envgen's [lock-format]\n  the "
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param(
            'lock-version = "1.0"', 'lock-version = "2.0"', 'it has no lock-version "1.x" (PEP 751)', id="version 2"
        ),
        pytest.param("[[packages]]", "[[packages", "not TOML", id="broken TOML"),
        pytest.param("[tool.envgen]", "[tool.other]", "missing 'envgen'", id="another tool's"),
        pytest.param('subdir = "win-64"', 'subdir = "osx-64"', "'osx-64' is not a valid Subdir", id="unknown subdir"),
        pytest.param("sha256 = ", "md5 = ", "missing 'sha256'", id="no hash"),
        pytest.param('sha256 = "', 'sha256 = "00', "is not 64 hex digits", id="a hash too long"),
        pytest.param('name = "torch"', 'name = "Torch"', "is not normalised", id="a name not normalised"),
        pytest.param('version = "1.14.0"', "version = 1.14", "is not a string", id="a version as a number"),
    ],
)
def test_a_damaged_pylock_says_what_is_wrong(old: str, new: str, reason: str) -> None:
    text = pip_bodies(LOCK, multi=False)["pylock.toml"]
    assert old in text
    with pytest.raises(LockFormatError) as caught:
        PYLOCK.read(text.replace(old, new), "env/pylock.toml")
    lines = str(caught.value).splitlines()
    assert lines[0] == "env/pylock.toml cannot be read as a lock of envgen's [lock-format]"
    assert reason in lines[1]
    assert caught.value.exit_code == 4
