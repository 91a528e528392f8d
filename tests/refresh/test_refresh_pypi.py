"""Task `pypi-torch`: Pythons of PyPI's own builds, and releases that no file knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.core.platforms import Subdir
from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.net.fetch import Page
from envgen.net.pip_index import ProjectPage, parse_page
from envgen.refresh.__main__ import main
from envgen.refresh.arch_lists import unknown_release
from envgen.refresh.pypi_builds import (
    newer_glibc,
    pypi_pythons,
    unknown_releases,
    unmarked_builds,
    with_pypi_pythons,
    yanked_releases,
)
from equipment.loopback import Fault, Loopback, serving
from refresh.world import (
    PAGES,
    SHA,
    build,
    companion,
    json_page,
    pypi_page,
    serve_pages,
    wheel,
    write_releases,
    write_tables,
)

EXCERPT = (PAGES / "pypi-torch.json").read_bytes()
PAGE = parse_page(Page(url="https://pypi.org/simple/torch/", content_type="", body=EXCERPT), "torch")
OWN = [
    build("2.14.1", "cu130", "linux-64", on_pypi="yes"),
    build("2.14.1", "cu130", "linux-aarch64", "3.12 3.15", on_pypi="yes", pythons_seen="3.15"),
    build("2.14.1", "cu130", "win-64"),
    build("2.15.0", "cu132", "linux-64", "3.12 3.14t", on_pypi="yes", pythons_seen="3.12 3.14t"),
    build("2.15.0", "cu132", "linux-aarch64", "3.12 3.14t", on_pypi="yes", pythons_seen="3.12 3.14t"),
]


def x86(release: str, python: str = "cp312-cp312") -> str:
    return f"torch-{release}-{python}-manylinux_2_28_x86_64.whl"


def test_the_pythons_of_an_excerpt_of_pypis_page() -> None:
    found = pypi_pythons(PAGE)
    assert found["2.15.0", Subdir.LINUX_64] == {"3.12", "3.14t"}
    assert found["1.0.0", Subdir.LINUX_64] == {"3.7"}
    assert ("1.0.0", Subdir.WIN_64) not in found


def pythons_after(rows: list[dict[str, str]], page: ProjectPage) -> list[str]:
    releases = {row["torch"]: unknown_release(row["torch"]) for row in rows}
    for row in rows:
        cells = {"pythons": row["pythons"], "on_pypi": row["on_pypi"]}
        releases[row["torch"]] = releases[row["torch"]].with_pip((row["cuda_tag"], row["subdir"]), **cells)
    after = {release.torch: release for release in with_pypi_pythons(releases.values(), page)}
    return [after[row["torch"]].pip[row["cuda_tag"], row["subdir"]]["pythons"] for row in rows]


def test_pypis_pythons_are_added_to_its_own_builds_and_nothing_is_taken_away() -> None:
    assert pythons_after(OWN, PAGE) == ["3.12 3.14t", "3.12 3.14t 3.15", "3.12", "3.12 3.14t", "3.12 3.14t"]


def test_a_page_without_a_build_that_is_pypis_own_stops_it() -> None:
    with pytest.raises(SourceDataError) as caught:
        pythons_after(OWN, pypi_page(x86("2.15.0")))
    assert caught.value.reason == "no file of torch 2.14.1 for linux-64 on it, which PyPI had"


def test_an_unknown_release_is_reported_with_its_files() -> None:
    """1.0.0 is older than the catalog, so it is none."""
    (finding,) = unknown_releases(PAGE, ["2.14.1"])
    assert str(finding) == (
        "warning: unknown release: torch 2.15.0 is on PyPI, no file of a release names it [unknown-release]\n"
        "  linux-64: Python 3.12 3.14t\n"
        "  win-64: Python 3.12 3.14t\n"
        "  linux-aarch64: Python 3.12 3.14t\n"
        "  hint: run `python -m envgen.refresh arch-lists --write`, which makes its file, then look it through"
    )


@pytest.mark.parametrize(
    ("files", "entry", "unknown"),
    [
        pytest.param([x86("2.16.0")], {}, 1, id="final"),
        pytest.param([x86("2.15.0.post1")], {}, 1, id="post-release"),
        pytest.param([x86("2.16.0rc1")], {}, 0, id="candidate"),
        pytest.param([x86("2.16.0")], {"yanked": "broken"}, 0, id="yanked"),
        pytest.param(["torch-2.16.0-cp312-none-macosx_14_0_arm64.whl"], {}, 0, id="macos-alone"),
        pytest.param([x86("2.9.0")], {}, 1, id="between-two-known"),
        pytest.param([x86("2.8.0")], {}, 0, id="known"),
    ],
)
def test_what_counts_as_an_unknown_release(files: list[str], entry: dict[str, str], unknown: int) -> None:
    page = pypi_page(*files, **entry)
    assert len(list(unknown_releases(page, ["2.8.0", "2.15.0", ""]))) == unknown


def test_a_file_whose_version_cannot_be_read_is_none_of_a_wheel() -> None:
    """As pip and uv take it: such a name is left out of the page."""
    assert list(unknown_releases(pypi_page(x86("newest")), ["2.8.0"])) == []


def test_a_release_whose_rows_name_no_build_of_pypi_is_reported() -> None:
    rows = [*OWN[:3], build("2.15.0", "cu130", "linux-64"), build("2.15.0", "cu132", "linux-64")]
    (finding,) = unmarked_builds(rows, PAGE)
    assert finding.title == "PyPI has torch 2.15.0 for linux-64, and no row is marked as that build"
    assert finding.evidence == ("rows: cu130 cu132",)
    assert list(unmarked_builds(OWN, PAGE)) == []


def test_cpu_builds_before_the_first_marked_row_are_no_finding() -> None:
    """PyPI's aarch64 wheels are CPU builds up to 2.10.0."""
    page = pypi_page("torch-2.10.0-cp312-cp312-manylinux_2_28_aarch64.whl")
    rows = [build("2.10.0", "cu130", "linux-aarch64"), build("2.11.0", "cu130", "linux-aarch64", on_pypi="yes")]
    assert list(unmarked_builds(rows, page)) == []


def test_a_wheel_for_a_newer_glibc_than_the_rows_is_reported() -> None:
    page = pypi_page("torch-2.15.0-cp312-cp312-manylinux_2_34_x86_64.whl")
    (finding,) = newer_glibc([build("2.15.0", "cu132", "linux-64", on_pypi="yes")], page)
    assert finding.title == "torch 2.15.0 for linux-64 needs a newer glibc than the 2.28 of its row"
    assert list(newer_glibc(OWN, PAGE)) == []


def test_a_yanked_release_of_the_table_is_reported() -> None:
    (finding,) = yanked_releases(OWN, pypi_page(x86("2.15.0"), yanked=True))
    assert finding.title == "PyPI has yanked files of torch 2.15.0"
    assert list(yanked_releases(OWN, PAGE)) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    write_tables(place, wheels=[wheel("cu130", "torch-2.14.1+cu130-cp315-cp315-manylinux_2_28_aarch64.whl", SHA["a"])])
    return write_releases(place, OWN, [companion("2.14.1", "0.29.1", "2.11.0"), companion("2.15.0", "0.29.2")])


@pytest.fixture
def pypi(tmp_path: Path) -> Iterator[Loopback]:
    root = tmp_path / "pypi"
    vision = json_page("torchvision-0.29.2-py3-none-win_amd64.whl", "torchvision-0.8.0-cp38-cp38-win_amd64.whl")
    audio = json_page("torchaudio-2.11.0-cp312-cp312-win_amd64.whl")
    serve_pages(root, {"/simple/torch/": EXCERPT, "/simple/torchvision/": vision, "/simple/torchaudio/": audio})
    with serving(root) as loopback:
        yield loopback


def refresh(task: str, folder: Path, pypi: Loopback, *more: str) -> int:
    return main([task, "--pypi", f"{pypi.url}/simple", "--timeout", "20", *more], folder)


def test_pypi_torch_writes_the_pythons(folder: Path, pypi: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh("pypi-torch", folder, pypi) == 1
    out = capsys.readouterr().out
    assert out.count('\n+pythons = "3.12 3.14t') == 2
    assert out.count("\n+2.14.1,") == 2
    assert refresh("pypi-torch", folder, pypi, "--write") == 0
    assert read_table("torch_builds", folder)[0]["pythons"] == "3.12 3.14t"
    assert refresh("pypi-torch", folder, pypi) == 0


def test_a_release_that_no_file_knows_is_a_finding_and_no_row(
    folder: Path, pypi: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "builds" / "2.15.0.toml").unlink()
    write_releases(folder, OWN[:3], [companion("2.14.1", "0.29.1", "2.11.0")])
    assert refresh("pypi-torch", folder, pypi, "--write") == 1
    out, err = capsys.readouterr()
    assert {row["torch"] for row in read_table("torch_builds", folder)} == {"2.14.1"}
    assert "2.15.0" not in out
    assert "unknown release: torch 2.15.0 is on PyPI, no file of a release names it" in err
    assert "unknown release: torchvision 0.29.2 is on PyPI, no file of a release names it" in err
    assert err.count("[unknown-release]") == 2
    # What is undisputed was written all the same.
    assert read_table("torch_builds", folder)[0]["pythons"] == "3.12 3.14t"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(path="/simple/torch/", body=EXCERPT[:-200]), id="truncated"),
        pytest.param(Fault(path="/simple/torch/", body=b'{"files": []}'), id="empty"),
        pytest.param(Fault(path="/simple/torch/", status=404), id="absent"),
        pytest.param(Fault(path="/simple/torch/", body=b"<html></html>"), id="garbage"),
    ],
)
def test_a_page_that_does_not_fit_stops_it(folder: Path, pypi: Loopback, fault: Fault) -> None:
    pypi.faults.append(fault)
    before = (folder / "torch_builds.csv").read_bytes()
    assert refresh("pypi-torch", folder, pypi, "--write") == 5
    assert (folder / "torch_builds.csv").read_bytes() == before
