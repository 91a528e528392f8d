"""What only an index or a channel can tell, over loopback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.core.capability import ArchCode
from envgen.core.locks import PipLock, PipPackage
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin
from envgen.files.bodies import conda_bodies, pip_bodies
from envgen.files.header import Header, body_digest, compose
from envgen.files.registry import PYLOCK
from envgen.net.deadline import Deadline
from envgen.records.document import to_json
from envgen.records.request import PlatformRecord, RequestRecord
from envgen.solve.conda.solve import solve_conda
from envgen.solve.conda.source import mirrored
from envgen.solve.extras import environment_of
from envgen.solve.pip.solve import solve_pip
from envgen.verify.findings import Asking
from envgen.verify.pip_requires import unmet
from equipment.conda_channel import cuda_query, write_pytorch_channels
from equipment.damage import conda, conda_package, package, pip, without
from equipment.invented import forget_real_packages
from equipment.lock_damage import change, codes, sign, verify
from equipment.loopback import refused_url, serving
from equipment.pip_world import QUICK, TAG, pypi_wheels, query, torch_wheels
from equipment.wheel_index import WheelIndex

# As a shipped lock states it: one code that all builds of these tests have.
REQUEST = RequestRecord(
    platforms=(
        PlatformRecord(subdir=Subdir.LINUX_64, gpus=(), driver=None, driver_origin=DriverOrigin.ASSUMED, glibc="2.28"),
    ),
    python="3.12",
    codes=(ArchCode.parse("sm_86"),),
)


# Builds that nobody made, under headers that no run wrote.
NO_FAULTS_HERE = ("build-unknown", "companion-mismatch", "header-strange", "files-disagree")


def write(folder: Path, bodies: dict[str, str]) -> Path:
    folder.mkdir()
    for name, body in bodies.items():
        header = Header(
            title=f"0: {name}",
            command="envgen lock --all",
            lines=("a test",),
            catalog="0",
            request=to_json(REQUEST),
            set="0" * 64,
            body=body_digest(body),
        )
        (folder / name).write_bytes(compose(body, header).encode())
    sign(folder)
    return folder


@pytest.fixture(autouse=True)
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the indexes and channels of these tests hold has names of real packages, and nothing else of them."""
    forget_real_packages(monkeypatch)


@pytest.fixture
def torch_index() -> Iterator[WheelIndex]:
    with WheelIndex(wheels={f"/whl/{TAG}": torch_wheels()}, html_only=True).running() as index:
        yield index


@pytest.fixture
def pypi_index() -> Iterator[WheelIndex]:
    with WheelIndex(wheels={"/simple": pypi_wheels()}).running() as index:
        yield index


@pytest.fixture
def asking(torch_index: WheelIndex, pypi_index: WheelIndex) -> Asking:
    return Asking(wheels=torch_index.url("/whl"), pypi=pypi_index.url("/simple"), deadline=Deadline.after(30.0))


@pytest.fixture
def pip_folder(tmp_path: Path, asking: Asking) -> Path:
    lock = solve_pip(query(), wheel_mirror=asking.wheels, pypi=asking.pypi, retry=QUICK, cache_dir=tmp_path / "c")
    return write(tmp_path / "pip", pip_bodies(lock, multi=False))


def test_one_digit_of_a_pypi_hash_is_found_on_the_index(pip_folder: Path, asking: Asking) -> None:
    good = {c for c in codes(pip_folder, asking) if c not in NO_FAULTS_HERE}
    assert good == set()
    body = (pip_folder / "requirements.txt").read_text("utf-8")
    digest = next(line.rpartition(":")[2] for line in body.splitlines() if line.startswith("filelock=="))
    for name in ("requirements.txt", "pylock.toml"):
        change(pip_folder, name, digest, digest[:-1] + ("0" if digest[-1] != "0" else "1"))
    assert "hash-mismatch" in codes(pip_folder, asking)
    assert "hash-mismatch" not in codes(pip_folder)  # offline nobody knows that file


def test_what_is_gone_from_the_index_is_found(pip_folder: Path, asking: Asking, pypi_index: WheelIndex) -> None:
    pypi_index.wheels = {"/simple": [w for w in pypi_index.wheels["/simple"] if w.project != "filelock"]}
    assert "not-on-index" in codes(pip_folder, asking)


def test_an_index_that_does_not_answer_is_told_as_skipped(pip_folder: Path) -> None:
    asking = Asking(wheels=refused_url(), pypi=refused_url(), deadline=Deadline.after(3.0))
    report = verify(pip_folder, asking)
    assert "hash-mismatch" not in {finding.code for finding in report.findings}
    assert any("hashes" in check.check for check in report.skipped)
    assert all(check.unanswered for check in report.skipped)


def test_the_size_that_the_index_states_is_compared(pip_folder: Path, asking: Asking) -> None:
    found = re.search(r"size = (\d+)", (pip_folder / "pylock.toml").read_text("utf-8"))
    assert found is not None
    change(pip_folder, "pylock.toml", found[0], f"{found[0]}0")
    assert "size-mismatch" in codes(pip_folder, asking)


def test_an_extra_that_a_wheel_asks_for_counts(pip_folder: Path) -> None:
    lock = PYLOCK.read((pip_folder / "pylock.toml").read_text("utf-8"), "pylock.toml")
    cuda = ['nvidia-cublas-cu12==1; extra == "cublas"', 'nvidia-nvtx-cu12; extra == "nvtx"']
    asked = {"torch": ["cuda-toolkit[cublas]==12.6.3"], "cuda-toolkit": cuda}
    told = [finding.title for finding in unmet(asked, lock, "pylock.toml")]
    assert told == [
        "torch needs cuda-toolkit==12.6.3, which is not locked",
        "cuda-toolkit needs nvidia-cublas-cu12==1, which is not locked",
    ]


@pytest.mark.parametrize(
    ("subdir", "system", "machine"),
    [
        (Subdir.WIN_64, "Windows", "AMD64"),
        (Subdir.LINUX_64, "Linux", "x86_64"),
        (Subdir.LINUX_AARCH64, "Linux", "aarch64"),
    ],
)
def test_markers_are_those_of_the_locks_platform(subdir: Subdir, system: str, machine: str, pip_folder: Path) -> None:
    """Never the host's: PEP 508 names these values, platform.machine() of CPython reports them."""
    lock = replace(PYLOCK.read((pip_folder / "pylock.toml").read_text("utf-8"), "pylock.toml"), subdir=subdir)
    found = environment_of(lock.subdir, lock.python)
    assert (found["platform_system"], found["platform_machine"]) == (system, machine)


@pytest.fixture
def channels(tmp_path: Path) -> Path:
    return write_pytorch_channels(tmp_path / "channels")


@pytest.fixture
def conda_folder(tmp_path: Path, channels: Path) -> Path:
    lock = solve_conda(cuda_query(), mirror=str(channels), cache_dir=tmp_path / "cache")
    return write(tmp_path / "conda", conda_bodies([lock]))


def test_one_digit_of_a_conda_hash_is_found_in_the_channel(conda_folder: Path, channels: Path) -> None:
    asking = Asking(conda=str(channels), deadline=Deadline.after(60.0))
    assert "hash-mismatch" not in codes(conda_folder, asking)
    body = (conda_folder / "conda-lock.yml").read_text("utf-8")
    digest = next(line.rpartition(" ")[2] for line in body.splitlines() if line.startswith("    sha256: "))
    change(conda_folder, "conda-lock.yml", digest, digest[:-1] + ("0" if digest[-1] != "0" else "1"))
    assert "hash-mismatch" in codes(conda_folder, asking)
    assert "hash-mismatch" not in codes(conda_folder)


def test_the_hashes_of_a_lock_with_a_mirrors_urls_are_compared(tmp_path: Path, channels: Path) -> None:
    with serving(channels) as server:
        asking = Asking(conda=server.url, deadline=Deadline.after(60.0))
        lock = solve_conda(cuda_query(), mirror=server.url, cache_dir=tmp_path / "cache")
        folder = write(tmp_path / "mirrored", conda_bodies([mirrored(lock, server.url)]))
        report = verify(folder, asking)
        assert (report.skipped, {str(f.code) for f in report.findings} & {"hash-mismatch", "not-on-index"}) == (
            (),
            set(),
        )
        md5 = lock.packages[0].md5
        for name in ("conda-lock.yml", f"conda-{lock.subdir}.lock"):
            change(folder, name, md5, md5[:-1] + ("0" if md5[-1] != "0" else "1"))
        assert "hash-mismatch" in codes(folder, asking)


def named(index: WheelIndex, filename: str) -> PipPackage:
    """A package as the index that stands for PyPI has it."""
    served = next(wheel for wheel in index.wheels["/simple"] if wheel.filename == filename)
    name = filename.partition("-")[0]
    url = f"{index.url('/simple')}/{name}/{filename}"
    version = filename.split("-")[1]
    return PipPackage(
        name=name, version=version, index=index.url("/simple"), url=url, sha256=served.sha256, size=served.size
    )


def test_a_withdrawn_file_is_told(pip_folder: Path, asking: Asking, pypi_index: WheelIndex) -> None:
    wheels = pypi_index.wheels["/simple"]
    pypi_index.wheels = {"/simple": [replace(w, is_yanked=w.project == "filelock") for w in wheels]}
    report = verify(pip_folder, asking)
    assert [(str(f.level), f.title) for f in report.findings if f.code == "file-yanked"] == [
        ("warning", "filelock-3.20.0-py3-none-any.whl was withdrawn from its index (yanked)")
    ]


def test_a_package_that_torch_is_said_to_need_is_found_by_its_metadata(
    pip_folder: Path, asking: Asking, pypi_index: WheelIndex
) -> None:
    more = named(pypi_index, "timm-1.0.0-py3-none-any.whl")

    def added(lock: PipLock) -> PipLock:
        torch = (replace(p, dependencies=(*p.dependencies, "timm")) if p.name == "torch" else p for p in lock.packages)
        return replace(lock, packages=tuple(sorted((*torch, more), key=lambda p: p.name)))

    pip(added)(pip_folder)
    assert "package-not-needed" in codes(pip_folder, asking)


def test_a_package_that_is_gone_with_its_edges_is_missed(pip_folder: Path, asking: Asking) -> None:
    pip(lambda lock: without(lock, "mpmath"))(pip_folder)
    assert "dependency-missing" in codes(pip_folder, asking)


def test_a_file_of_another_place_is_found_on_its_own_index(pip_folder: Path, asking: Asking) -> None:
    """A mirror has the files elsewhere: only the index that a lock names is asked where they are."""
    package("filelock", url=lambda p: p.url.replace("/filelock-", "/../filelock-"))(pip_folder)
    assert "index-wrong" in codes(pip_folder, asking)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (conda_package("pytorch", depends=lambda p: tuple(d.split()[0] for d in p.depends)), "dependency-version"),
        (conda_package("tzdata", depends=("python >=3 *",)), "dependency-version"),
        (
            conda(
                lambda lock: replace(
                    lock,
                    packages=tuple(
                        replace(p, depends=tuple(d for d in p.depends if d.split()[0] != "tzdata"))
                        for p in lock.packages
                        if p.name != "tzdata"
                    ),
                )
            ),
            "dependency-missing",
        ),
        (conda_package("tzdata", version="2026z", url=lambda p: p.url.replace(p.version, "2026z")), "not-on-index"),
        (
            conda_package("tzdata", build="x_0", url=lambda p: p.url.replace(p.build, "x_0")),
            "not-on-index",
        ),
        (conda_package("tzdata", url=lambda p: p.url.replace("/noarch/", "/linux-64/")), "index-wrong"),
        (conda_package("tzdata", url=lambda p: p.url.replace(".conda", ".tar.bz2")), "index-wrong"),
    ],
    ids=["weaker-need", "need-more", "package-less", "version", "build", "subdir", "format"],
)
def test_a_conda_solution_is_held_against_the_channels_records(
    conda_folder: Path, channels: Path, damage: Callable[[Path], None], code: str
) -> None:
    asking = Asking(conda=str(channels), deadline=Deadline.after(60.0))
    damage(conda_folder)
    assert code in codes(conda_folder, asking)


@pytest.mark.parametrize("channel", ["somebody", "ftp://x.example/somebody"])
def test_a_channel_that_is_not_there_is_a_fault_of_the_lock(conda_folder: Path, channels: Path, channel: str) -> None:
    """Not of the command line: whoever verifies a tree of folders sees what is wrong with all of them."""
    asking = Asking(conda=str(channels), deadline=Deadline.after(60.0))
    conda(lambda lock: replace(lock, channels=(*lock.channels, channel)))(conda_folder)
    assert "index-wrong" in codes(conda_folder, asking)


@pytest.mark.parametrize("index", ["ftp://x.example/simple", "https://[x/simple", "simple"])
def test_an_index_that_is_none_is_a_fault_of_the_lock(pip_folder: Path, asking: Asking, index: str) -> None:
    """Not of the command line, and no index is asked for it."""
    before = re.search(r'^index = "(.*)"$', (pip_folder / "pylock.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert before
    change(pip_folder, "pylock.toml", before[1], index)
    assert {"index-wrong", "file-unreadable"} & codes(pip_folder, asking)
