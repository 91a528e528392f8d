"""Task `arch-lists`: wheels on an index become rows, and what they say is held against the build table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.core.findings import Level
from envgen.core.platforms import Subdir
from envgen.core.wheel_names import WheelName
from envgen.facts.tables import read_table
from envgen.net.pip_index import IndexFile
from envgen.refresh.__main__ import main
from envgen.refresh.arch_lists import Measured, changed_hashes, has_wheel, newest_wheels, unknown_release, with_wheel
from envgen.refresh.outcome import Finding
from envgen.refresh.releases import Release
from envgen.refresh.torch_wheel import TorchWheel
from equipment.catalogs import known_catalog
from equipment.loopback import Fault, Loopback, serving
from refresh.torch_files import ARCHS, VERSION_PY, library, torch_files, wheel_bytes
from refresh.world import SHA, build, pypi_page, serve_pages, wheel, write_releases, write_tables

pytestmark = pytest.mark.usefixtures("few_retries")

X86 = "torch-2.15.0-cp312-cp312-manylinux_2_28_x86_64.whl"
ARM = "torch-2.15.0-cp312-cp312-manylinux_2_28_aarch64.whl"
ARM_ARCHS = "sm_80 sm_90 sm_100 sm_110 sm_120"


def name(release: str, python: str = "cp312-cp312", machine: str = "x86_64") -> str:
    return f"torch-{release}-{python}-manylinux_2_28_{machine}.whl"


def chosen(*filenames: str, releases: int = 3, floor: str = "1.7.0") -> list[str]:
    page = pypi_page(*filenames)
    return [file.name.filename for _, file in newest_wheels(page, releases=releases, floor=floor, python="3.12")]


def test_one_wheel_of_each_release_and_machine_is_read_newest_first() -> None:
    files = [
        name(r, p, m)
        for r in ("2.9.0", "2.15.0")
        for p in ("cp311-cp311", "cp312-cp312")
        for m in ("x86_64", "aarch64")
    ]
    assert chosen(*files) == [
        name("2.15.0"),
        name("2.15.0", machine="aarch64"),
        name("2.9.0"),
        name("2.9.0", machine="aarch64"),
    ]
    assert chosen(*files, releases=1) == [name("2.15.0"), name("2.15.0", machine="aarch64")]
    assert chosen(*files, floor="2.10.0") == [name("2.15.0"), name("2.15.0", machine="aarch64")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param([name("2.0.0", "cp39-cp39"), name("2.0.0", "cp311-cp311")], "cp311-cp311", id="newest-python"),
        pytest.param([name("3.0.0", "cp314-cp314"), name("3.0.0", "cp315-cp315t")], "cp314-cp314", id="with-the-gil"),
        pytest.param([name("2.10.0"), name("2.10.0-3")], "2.10.0-3-cp312", id="the-build-that-pip-takes"),
        pytest.param([name("2.10.0-3"), name("2.10.0-10")], "2.10.0-10-cp312", id="build-tags-are-numbers"),
    ],
)
def test_which_wheel_of_a_release(files: list[str], expected: str) -> None:
    (found,) = chosen(*files)
    assert expected in found


def test_other_files_are_not_read() -> None:
    assert chosen("torch-2.15.0-cp312-cp312-win_amd64.whl", name("2.16.0rc1"), name("2.16.0", "cp315-cp315t")) == []


def test_a_release_is_measured_by_whichever_python_was_read() -> None:
    rows = [
        {"file": name("2.15.0", "cp311-cp311")},
        {"file": "torchvision-2.14.1-cp312-cp312-manylinux_2_28_x86_64.whl"},
    ]
    assert has_wheel(rows, "2.15.0", Subdir.LINUX_64)
    assert not has_wheel(rows, "2.15.0", Subdir.LINUX_AARCH64)
    assert not has_wheel(rows, "2.14.1", Subdir.LINUX_64)


def test_a_file_that_pypi_lists_with_another_hash_is_an_error() -> None:
    rows = [{"file": X86, "sha256": SHA["b"], "source": "read"}, {"file": ARM, "sha256": SHA["a"], "source": "read"}]
    (finding,) = changed_hashes(rows, pypi_page(X86, ARM))
    assert (finding.code, finding.level) == ("hash-changed", Level.ERROR)
    assert finding.evidence == (f"{SHA['b']} (read)", f"{SHA['a']} (https://pypi.org/simple/torch/)")


WHEEL = TorchWheel(
    version="2.15.0+cu132",
    cuda="13.2",
    arch_list=ARCHS,
    releases_code="",
    requires_python=">=3.11",
    requires=("cuda-toolkit[cublas]==13.2.2; platform_system == 'Linux'", "nvidia-cudnn-cu13==9.26.0.51"),
)
FILE = IndexFile(
    name=WheelName.parse(X86), url="https://x/", sha256=SHA["a"], size=5, has_metadata=False, is_yanked=False
)
ROW = build("2.15.0", "cu132", "linux-64", on_pypi="yes", arch_list=ARCHS, toolkit="13.2.2", cudnn="9.26.0.51")


def measured(wheel: TorchWheel = WHEEL) -> Measured:
    return Measured(file=FILE, subdir=Subdir.LINUX_64, wheel=wheel)


KEY = "cu132", "linux-64"


def release_of(*rows: dict[str, str], torch: str = "2.15.0") -> Release:
    release = unknown_release(torch)
    for row in rows:
        cells = {k: v for k, v in row.items() if k not in ("torch", "cuda_tag", "subdir", "pythons_seen")}
        release = release.with_pip((row["cuda_tag"], row["subdir"]), **cells)
    return release


def compared(release: Release, found: Measured, *wheels: dict[str, str]) -> tuple[Release, list[Finding]]:
    return with_wheel(release, found, pypi_page(X86, ARM), list(wheels))


def test_a_build_that_agrees_is_left_as_it_is() -> None:
    release = release_of(ROW, build("2.15.0", "cu130", "linux-64"))
    assert compared(release, measured()) == (release, [])


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        pytest.param("arch_list", "sm_75 sm_80", ARCHS, id="arch-list"),
        pytest.param("toolkit", "13.2.1", "13.2.2", id="toolkit"),
        pytest.param("cudnn", "9.24.0.43", "9.26.0.51", id="cudnn"),
        pytest.param("on_pypi", "", "yes", id="not-marked-as-pypis"),
    ],
)
def test_a_difference_is_a_finding_and_changes_no_build(column: str, cell: str, says: str) -> None:
    release = release_of(ROW | {column: cell})
    after, (finding,) = compared(release, measured())
    assert after == release
    assert (
        finding.title == f"torch 2.15.0+cu132 for linux-64: {column} of builds/2.15.0.toml is not what the wheel says"
    )
    assert finding.evidence == (f"builds/2.15.0.toml: {cell or 'empty'} (a build script)", f"{X86}: {says}")


def test_what_the_file_does_not_state_is_taken_from_the_wheel() -> None:
    silent = release_of(ROW | {"toolkit": "", "cudnn": ""})
    after, findings = compared(silent, measured())
    assert findings == []
    assert (after.pip[KEY]["toolkit"], after.pip[KEY]["cudnn"]) == ("13.2.2", "9.26.0.51")
    assert compared(silent, measured(replace(WHEEL, requires=()))) == (silent, [])


def test_pins_of_older_wheels_are_read_as_well() -> None:
    """Metadata of 2.1.0 puts the version in brackets, that of 2.2.0 a space before it."""
    older = build("2.1.0", "cu121", "linux-64", on_pypi="yes", arch_list="sm_50", cudnn="8.9.2.26")
    file = replace(FILE, name=WheelName.parse(name("2.1.0")))
    for requirement in ("nvidia-cudnn-cu12 (==8.9.2.25) ; x", "nvidia-cudnn-cu12 ==8.9.2.25 ; x"):
        wheel = replace(WHEEL, version="2.1.0+cu121", cuda="12.1", arch_list="sm_50", requires=(requirement,))
        found = Measured(file=file, subdir=Subdir.LINUX_64, wheel=wheel)
        _, (finding,) = compared(release_of(older, torch="2.1.0"), found)
        assert finding.evidence[1] == f"{file.name.filename}: 8.9.2.25"


def test_a_build_that_no_file_knows_is_added_with_those_that_the_wheel_and_an_index_know() -> None:
    """2.15.0's table PYTORCH_RELEASES_CODE_CC lists 12.6 as well, of which no index has a file."""
    table = {"12.6": {"x86_64": [50]}, "13.0": {"x86_64": [75, 80], "aarch64": [80]}}
    found = measured(replace(WHEEL, releases_code=json.dumps(table)))
    on_index = wheel("cu130", "torch-2.15.0+cu130-cp313-cp313-manylinux_2_28_x86_64.whl", SHA["b"])
    after, findings = compared(unknown_release("2.15.0"), found, on_index)
    own, other = after.pip[KEY], after.pip["cu130", "linux-64"]
    assert set(after.pip) == {KEY, ("cu130", "linux-64")}
    assert (own["pythons"], own["arch_list"], own["toolkit"], own["cudnn"]) == ("3.12", ARCHS, "13.2.2", "9.26.0.51")
    assert (own["glibc"], own["on_pypi"]) == ("2.28", "yes")
    assert (other["pythons"], other["arch_list"], other["on_pypi"]) == ("3.13", "sm_75 sm_80", "")
    assert [finding.title for finding in findings] == [
        "torch 2.15.0+cu132 for linux-64 is new in builds/2.15.0.toml",
        "torch 2.15.0+cu130 for linux-64 is new in builds/2.15.0.toml",
    ]


def test_a_cpu_wheel_where_the_file_says_cuda_is_a_finding() -> None:
    cpu = measured(replace(WHEEL, version="2.15.0+cpu", cuda="", arch_list=""))
    _, (finding,) = compared(release_of(ROW), cpu)
    assert finding.evidence == ("builds/2.15.0.toml: cu132 (a build script)", f"{X86}: a CPU build")
    assert compared(release_of(ROW | {"on_pypi": ""}), cpu)[1] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    write_tables(
        place,
        wheels=[],
        torch_measured=[{"file": name("2.9.0")}, {"file": "torchvision-0.29.2-py3-none-win_amd64.whl"}],
        torch_requires=[{"torch": "2.9.0", "python": "3.12", "file": name("2.9.0")}],
        defaults=[{"name": "python", "value": "3.12", "source": "a test"}],
    )
    return write_releases(place, [ROW, build("2.15.0", "cu132", "linux-aarch64", on_pypi="yes", arch_list=ARM_ARCHS)])


def index_of(root: Path, wheels: dict[str, bytes]) -> None:
    """A simple index of those wheels, with their real hashes and sizes."""
    files = [
        {"filename": n, "url": f"/files/{n}", "hashes": {"sha256": hashlib.sha256(c).hexdigest()}, "size": len(c)}
        for n, c in wheels.items()
    ]
    page = json.dumps({"meta": {"api-version": "1.1"}, "name": "torch", "files": files})
    serve_pages(root, {"/simple/torch/": page} | {f"/files/{n}": content for n, content in wheels.items()})


WHEELS = {
    X86: wheel_bytes(torch_files(), ballast=4 << 20),
    ARM: wheel_bytes(torch_files(library=library(ARM_ARCHS))),
}


@pytest.fixture
def pypi(tmp_path: Path) -> Iterator[Loopback]:
    index_of(tmp_path / "pypi", WHEELS)
    with serving(tmp_path / "pypi") as loopback:
        yield loopback


def refresh(folder: Path, pypi: Loopback, *more: str) -> int:
    return main(["arch-lists", "--pypi", f"{pypi.url}/simple", "--timeout", "20", *more], folder)


def test_the_rows_are_what_the_wheels_say(folder: Path, pypi: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh(folder, pypi, "--write") == 0
    out, err = capsys.readouterr()
    assert (out.count("\n+torch-"), err) == (2, "")
    rows = read_table("torch_measured", folder)
    assert [row["file"] for row in rows] == [name("2.9.0"), ARM, X86, "torchvision-0.29.2-py3-none-win_amd64.whl"]
    row = rows[2]
    assert row.pop("source").startswith("PyPI wheel, read 20")
    assert row == {
        "file": X86,
        "sha256": hashlib.sha256(WHEELS[X86]).hexdigest(),
        "version_py": "2.15.0+cu132",
        "cuda": "13.2",
        "wheel_bytes": str(len(WHEELS[X86])),
        "main_library": "",
        "fatbin_sass": "",
        "fatbin_ptx": "",
        "fatbin_special_targets": "",
        "magma_linalg_sass": "",
        "releases_code_cc": '{"13.0": {"x86_64": [75, 80, 86, 90, 100, 120], "aarch64": [80, 90, 100, 110, 120]}}',
        "requires_python": ">=3.11",
    }
    required = read_table("torch_requires", folder)[-1]
    assert required["requires_dist"].split(" || ")[1:3] == [
        'cuda-toolkit[cublas,cudart]==13.2.2; platform_system == "Linux"',
        'nvidia-cudnn-cu13==9.26.0.51; platform_system == "Linux"',
    ]
    assert (required["torch"], required["variant"], required["python"]) == ("2.15.0", "cu132", "3.12")
    assert {row["evidence"] for row in read_table("torch_builds", folder)} == {"measured"}


def test_the_ballast_is_not_read(folder: Path, pypi: Loopback) -> None:
    refresh(folder, pypi)
    assert sum(seen.sent for seen in pypi.log if seen.path.endswith(X86)) < len(WHEELS[X86]) * 0.6


def test_what_is_in_the_tables_is_not_read_again(folder: Path, pypi: Loopback) -> None:
    refresh(folder, pypi, "--write")
    pypi.log.clear()
    assert refresh(folder, pypi, "--write") == 0
    assert pypi.paths("/files/*") == []


def test_differences_are_findings_beside_the_rows(
    folder: Path, pypi: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    write_releases(folder, [ROW | {"arch_list": "sm_75 sm_80"}])
    assert refresh(folder, pypi, "--write") == 1
    err = capsys.readouterr().err
    assert err.count("warning: ") == 2
    assert "[arch-list-differs]" in err
    assert "[new-build]" in err
    # The wheel whose list is not the build's measures nothing until somebody decided.
    assert [row["file"] for row in read_table("torch_measured", folder)][1] == ARM
    builds = {row["subdir"]: row for row in read_table("torch_builds", folder)}
    assert (builds["linux-64"]["arch_list"], builds["linux-64"]["evidence"]) == ("sm_75 sm_80", "build-script")
    assert builds["linux-aarch64"]["evidence"] == "measured"


def test_nothing_is_written_when_a_known_file_has_another_hash(folder: Path, pypi: Loopback) -> None:
    write_tables(folder, torch_requires=[{"torch": "2.15.0", "file": X86, "sha256": SHA["b"], "source": "read"}])
    before = (folder / "torch_measured.csv").read_bytes()
    assert refresh(folder, pypi, "--write") == 1
    assert (folder / "torch_measured.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        pytest.param(Fault(path="/simple/*", body=b'{"files": [{"na'), 5, "index-data", id="page-truncated"),
        pytest.param(Fault(path="/simple/*", body=b"<html>hello</html>"), 5, "index-data", id="page-is-garbage"),
        pytest.param(Fault(path="/files/*", status=200), 5, "index-data", id="no-ranges"),
        pytest.param(Fault(path="/files/*", drop=True), 5, "index-unreachable", id="hangs-up"),
        pytest.param(Fault(path="/files/*", status=404), 5, "index-unreachable", id="file-gone"),
    ],
)
def test_what_a_server_can_do_wrong(
    folder: Path, pypi: Loopback, fault: Fault, status: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pypi.faults.append(fault)
    before = {path.name: path.read_bytes() for path in folder.rglob("*.*")}
    assert refresh(folder, pypi, "--write") == status
    assert f"[{code}]" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_a_wheel_of_another_version_than_its_name_is_bad_data(
    folder: Path, tmp_path: Path, pypi: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    index_of(tmp_path / "pypi", {X86: wheel_bytes(torch_files(version_py=VERSION_PY.replace("2.15.0", "2.14.1")))})
    assert refresh(folder, pypi, "--write") == 4
    assert "torch/version.py says 2.14.1+cu132, CUDA 13.2" in capsys.readouterr().err


def test_every_build_of_pypi_in_the_tables_was_read() -> None:
    read = read_table("torch_measured")
    rows = known_catalog().rows("torch_builds")
    own = [(row["torch"], Subdir(row["subdir"])) for row in rows if row["on_pypi"]]
    assert len(own) > 40
    assert [build for build in own if not has_wheel(read, *build)] == []
