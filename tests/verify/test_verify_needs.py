"""Locks that are whole and signed, and hold more, less or something else than is needed: none of them is good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.core.locks import CondaLock, CondaPackage, PipLock, PipPackage
from envgen.files.bodies import conda_bodies, pip_bodies, read_conda
from envgen.files.header import body_digest, compose
from envgen.files.reading import split
from envgen.files.registry import PYLOCK
from equipment.lock_damage import copy_of, sign, verify

PIP, CONDA = "linux-64/py3.12/pip-torch-2.14.1-cu126", "linux-64/py3.12/conda-pytorch-2.10.0-cuda129"
# In the form of PyPI's files, with a made-up digest: nothing here needs it.
REQUESTS = PipPackage(
    name="requests",
    version="2.32.5",
    index="https://pypi.org/simple",
    url=f"https://files.pythonhosted.org/packages/00/00/{'0' * 60}/requests-2.32.5-py3-none-any.whl",
    sha256="0" * 64,
)


def write(folder: Path, bodies: dict[str, str]) -> set[str]:
    """Other bodies under the headers that are there, everything signed; the codes of what is found."""
    for name in bodies.keys() & {path.name for path in folder.iterdir()}:
        body = bodies[name]
        header, _ = split((folder / name).read_text("utf-8"))
        assert header is not None
        (folder / name).write_text(compose(body, replace(header, body=body_digest(body))), "utf-8", newline="\n")
    sign(folder)
    report = verify(folder)
    assert (report.verdict != "not-good") == (not report.findings)
    return {str(finding.code) for finding in report.findings}


def pip_changed(tmp_path: Path, change: Callable[[PipLock], PipLock]) -> set[str]:
    folder = copy_of(PIP, tmp_path)
    lock = PYLOCK.read(split((folder / "pylock.toml").read_text("utf-8"))[1], "pylock.toml")
    return write(folder, pip_bodies(change(lock), multi=False))


def conda_changed(tmp_path: Path, change: Callable[[CondaLock], CondaLock]) -> set[str]:
    folder = copy_of(CONDA, tmp_path)
    (lock,) = read_conda({path.name: split(path.read_text("utf-8"))[1] for path in folder.iterdir()})
    return write(folder, conda_bodies([change(lock)]))


def with_package(lock: PipLock, package: PipPackage) -> PipLock:
    return replace(lock, packages=tuple(sorted((*lock.packages, package), key=lambda one: one.name)))


def moved(name: str, old: str, new: str) -> Callable[[PipLock], PipLock]:
    """The file of a package elsewhere."""
    return lambda lock: replace(
        lock,
        packages=tuple(replace(p, url=p.url.replace(old, new)) if p.name == name else p for p in lock.packages),
    )


def test_what_is_only_written_again_is_good(tmp_path: Path) -> None:
    assert pip_changed(tmp_path / "pip", lambda lock: lock) == set()
    assert conda_changed(tmp_path / "conda", lambda lock: lock) == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda lock: with_package(lock, REQUESTS), "package-not-needed"),
        (moved("filelock", "/packages/", "/elsewhere/"), "index-wrong"),
        (moved("filelock", "files.pythonhosted.org", "x.files.pythonhosted.org"), "host-unknown"),
        (moved("torch", "/whl/", "/whl/../whl/"), "index-wrong"),
    ],
    ids=["one-more", "another-path", "another-host", "dots"],
)
def test_a_pip_lock_holds_what_is_needed_from_where_it_is(
    tmp_path: Path, change: Callable[[PipLock], PipLock], code: str
) -> None:
    assert code in pip_changed(tmp_path, change)


REQUESTS_OF_CONDA = CondaPackage(
    name="requests",
    version="2.32.5",
    build="pyhd8ed1ab_0",
    build_number=0,
    channel="conda-forge",
    subdir="noarch",
    url="https://conda.anaconda.org/conda-forge/noarch/requests-2.32.5-pyhd8ed1ab_0.conda",
    md5="0" * 32,
    sha256="0" * 64,
    depends=("python",),
)


def with_requests(lock: CondaLock) -> CondaLock:
    return replace(lock, packages=tuple(sorted((*lock.packages, REQUESTS_OF_CONDA), key=lambda one: one.name)))


def other_file(lock: CondaLock) -> CondaLock:
    """A package's file in the folder of another platform."""
    first, *others = lock.packages
    return replace(
        lock, packages=(replace(first, url=first.url.replace("/linux-64/", "/noarch/../linux-64/")), *others)
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (with_requests, "package-not-needed"),
        (
            lambda lock: replace(with_requests(lock), specs=(*lock.specs, "requests=2.32.5")),
            "package-not-needed",
        ),
        (
            lambda lock: replace(lock, packages=tuple(replace(p, depends=()) for p in lock.packages)),
            "package-not-needed",
        ),
        (lambda lock: replace(lock, specs=tuple(s for s in lock.specs if "libcudnn" not in s)), "request-unmet"),
        (lambda lock: replace(lock, channels=(*lock.channels, "somebody")), "index-wrong"),
        (lambda lock: replace(lock, virtual_packages=lock.virtual_packages | {"__cuda": "13.9"}), "wrong-platform"),
        (lambda lock: replace(lock, virtual_packages=lock.virtual_packages | {"__glibc": "2.40"}), "wrong-platform"),
        (lambda lock: replace(lock, virtual_packages=lock.virtual_packages | {"__osx": "14"}), "wrong-platform"),
        (other_file, "index-wrong"),
    ],
    ids=["one-more", "one-more-asked", "no-depends", "bound-gone", "channel", "cuda", "glibc", "claim", "another-path"],
)
def test_a_conda_lock_holds_what_is_needed_from_where_it_is(
    tmp_path: Path, change: Callable[[CondaLock], CondaLock], code: str
) -> None:
    assert code in conda_changed(tmp_path, change)


def test_a_newer_cuda_bindings_than_lock_files_had_is_good(tmp_path: Path) -> None:
    """torch asks for a range of it (PyPI, 2.14.1: `cuda-bindings<14,>=13.0.3`): a lock file's version is no bound."""

    def newer(package: PipPackage) -> PipPackage:
        if package.name != "cuda-bindings":
            return package
        url = package.url.replace("12.9.7", "12.9.8")
        return replace(package, version="12.9.8", url=url, sha256="0" * 64, reason="via torch")

    changed = pip_changed(tmp_path, lambda lock: replace(lock, packages=tuple(map(newer, lock.packages))))
    assert changed == set()


def test_a_package_that_is_built_for_another_torch_is_found(tmp_path: Path) -> None:
    """torchtext 0.18.0 fails to import beside torch 2.4 and newer, and declares torch>=2.3.0 (pytorch/text#2272)."""
    url = REQUESTS.url.replace("requests-2.32.5", "torchtext-0.18.0")
    torchtext = replace(REQUESTS, name="torchtext", version="0.18.0", url=url)
    assert "dependency-version" in pip_changed(tmp_path, lambda lock: with_package(lock, torchtext))
