"""Task `wheels`: what an index lists becomes rows, and nothing that contradicts a known hash is ever written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.core.findings import Level
from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.net.fetch import Page
from envgen.net.pip_index import parse_page
from envgen.refresh.__main__ import main
from envgen.refresh.index_pages import CudaPage
from envgen.refresh.index_wheels import merge_page, oldest_releases, shared_hashes, unknown_builds
from envgen.refresh.outcome import Rows
from equipment.loopback import Fault, Loopback, refused_url, serving
from refresh.world import PAGES, SHA, build, companion, serve_pages, wheel, write_tables

pytestmark = pytest.mark.usefixtures("few_retries")

URL = "https://download.pytorch.org/whl/cu126"
SOURCE = f"{URL}/torch/, 2026-11-24"
LISTING = (PAGES / "cu126-torch.html").read_text(encoding="utf-8")
WIN = "torch-2.14.1+cu126-cp312-cp312-win_amd64.whl"
WIN_SHA = "97e3bc87ea74367518b740d912a7f5259c25a3c8115bf5916abee1d53ff115a4"


def page(text: str = LISTING, project: str = "torch") -> CudaPage:
    """A page of the index as it is after parsing."""
    raw = Page(url=f"{URL}/{project}/", content_type="text/html", body=text.encode())
    return CudaPage(tag="cu126", canonical=f"{URL}/{project}/", site=URL, page=parse_page(raw, project))


def links(*hrefs: str) -> str:
    return "<html><body>" + "".join(f'<a href="{href}">x</a>' for href in hrefs) + "</body></html>"


def merged(rows: Rows, text: str = LISTING) -> tuple[dict[str, dict[str, str]], list[str]]:
    """File name -> row, and the codes of the findings."""
    found, findings = merge_page(rows, page(text), floor="1.7.0", source=SOURCE)
    return {row["filename"]: row for row in found}, [finding.code for finding in findings]


def test_what_the_index_lists_for_our_platforms_is_added() -> None:
    """Left out: another folder's file, another tag's, a nightly, macOS, a release older than the catalog."""
    rows, findings = merged([])
    assert list(rows) == [
        "torch-2.5.1-cp312-cp312-linux_aarch64.whl",
        "torch-2.6.0+cu126-cp312-cp312-linux_aarch64.whl",
        "torch-2.6.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl",
        "torch-2.6.0+cu126-cp312-cp312-win_amd64.whl",
        WIN,
        "torch-2.14.1+cu126-cp314-cp314t-win_amd64.whl",
    ]
    assert findings == []
    assert rows[WIN] == {
        "index": "cu126",
        "filename": WIN,
        "sha256": WIN_SHA,
        "size": "",
        "sightings": "1",
        "source": SOURCE,
        "note": "",
    }


def test_a_file_without_a_hash_is_known_by_name() -> None:
    rows, _ = merged([])
    row = rows["torch-2.14.1+cu126-cp314-cp314t-win_amd64.whl"]
    assert (row["sha256"], row["sightings"], row["note"]) == ("", "0", "name known, hash unknown")
    assert row["source"] == f"listed without a hash by {SOURCE}"


def test_a_row_that_agrees_keeps_its_own_source() -> None:
    known = wheel("cu126", WIN, WIN_SHA, note="of one's own")
    rows, findings = merged([known])
    assert (rows[WIN], findings) == (known, [])


def test_a_page_without_hashes_takes_none_away() -> None:
    name = "torch-2.14.1+cu126-cp314-cp314t-win_amd64.whl"
    known = wheel("cu126", name, SHA["a"])
    rows, findings = merged([known])
    assert (rows[name], findings) == (known, [])


def test_a_row_with_only_a_name_gets_the_hash_of_the_index() -> None:
    rows, findings = merged([wheel("cu126", WIN)])
    row = rows[WIN]
    assert (row["sha256"], row["sightings"], row["source"], row["note"]) == (WIN_SHA, "1", SOURCE, "")
    assert findings == []


def test_a_changed_hash_is_an_error_and_the_row_stays() -> None:
    known = wheel("cu126", WIN, SHA["d"])
    rows, findings = merge_page([known], page(), floor="1.7.0", source=SOURCE)
    assert known in rows
    (finding,) = findings
    assert finding.level is Level.ERROR
    assert str(finding) == (
        f"error: {WIN} of cu126 has another sha256 than the known one; nothing is written [hash-changed]\n"
        f"  {SHA['d']} (lock files of owner/name)\n"
        f"  {WIN_SHA} ({SOURCE})\n"
        "  hint: find out which of the two is the release, then change the row by hand and keep the other in its note"
    )


def test_rows_of_other_indexes_and_projects_are_kept() -> None:
    others = [
        wheel("cu118", "torch-2.6.0+cu118-cp312-cp312-win_amd64.whl", SHA["b"]),
        wheel("cu126", "torchvision-0.29.1+cu126-cp312-cp312-win_amd64.whl", SHA["c"]),
    ]
    found, findings = merge_page(others, page(), floor="1.7.0", source=SOURCE)
    assert [row for row in found if row in others] == others
    assert findings == []


def test_known_files_that_are_gone_are_reported() -> None:
    gone = wheel("cu126", "torch-2.14.0+cu126-cp312-cp312-win_amd64.whl", SHA["b"])
    known = [gone, wheel("cu126", WIN, WIN_SHA)]
    found, (finding,) = merge_page(known, page(), floor="1.7.0", source=SOURCE)
    assert gone in found
    assert (finding.code, finding.level) == ("file-gone", Level.WARNING)
    assert finding.title == f"1 of 2 known files are not on {URL}/torch/ any more"
    assert finding.evidence == (gone["filename"],)


def test_a_page_with_none_of_the_known_files_stops_it() -> None:
    known = wheel("cu126", "torch-2.14.0+cu126-cp312-cp312-win_amd64.whl", SHA["b"])
    with pytest.raises(SourceDataError) as caught:
        merge_page([known], page(), floor="1.7.0", source=SOURCE)
    assert caught.value.reason == "none of the 1 files that wheels.csv knows is on it"


@pytest.mark.parametrize(
    ("hrefs", "reason"),
    [
        pytest.param(
            (f"/whl/test/cu126/{WIN.replace('+', '%2B')}",),
            f"it links to a test build: https://download.pytorch.org/whl/test/cu126/{WIN.replace('+', '%2B')}",
            id="the-test-index-has-other-bytes-under-a-release's-name",
        ),
        pytest.param(
            (f"/whl/cu126/{WIN}#sha256={SHA['a']}", f"/whl/cu126/{WIN}#sha256={SHA['b']}"),
            f"it lists {WIN} twice, with different hashes",
            id="one-name-and-two-hashes",
        ),
    ],
)
def test_a_page_that_cannot_be_trusted_stops_it(hrefs: tuple[str, ...], reason: str) -> None:
    with pytest.raises(SourceDataError) as caught:
        merge_page([], page(links(*hrefs)), floor="1.7.0", source=SOURCE)
    assert caught.value.reason == reason


def test_a_generic_listing_of_old_builds_adds_nothing() -> None:
    """astral-sh/uv#21642: an index that does not exist may answer with the files of others."""
    listing = links("/whl/cpu/torch-2.0.0-cp311-cp311-manylinux2014_aarch64.whl", "/whl/cu118/torch-2.0.0%2Bcu118-x")
    assert merge_page([], page(listing), floor="1.7.0", source=SOURCE) == ([], [])


def test_one_hash_for_two_names_is_an_error() -> None:
    twice = [wheel("cu126", WIN, SHA["a"]), wheel("cu126", WIN.replace("312", "313"), SHA["a"])]
    (finding,) = shared_hashes(twice)
    assert (finding.code, finding.level, finding.evidence) == ("hash-shared", Level.ERROR, (SHA["a"],))
    # Early aarch64 wheels have one name on several indexes, and may well be one file.
    name = "torch-2.5.1-cp312-cp312-linux_aarch64.whl"
    assert list(shared_hashes([wheel("cu124", name, SHA["a"]), wheel("cu126", name, SHA["a"])])) == []


def test_files_of_a_build_without_a_row_are_reported_once() -> None:
    rows = [
        wheel("cu126", WIN),
        wheel("cu126", WIN.replace("312", "313")),
        wheel("cu126", "torchvision-9-py3-none-any.whl"),
    ]
    (finding,) = unknown_builds(rows, [build("2.14.1", "cu126", "linux-64")])
    assert finding.title == "torch 2.14.1+cu126 has files, and no row of torch_builds.csv for win-64"
    assert list(unknown_builds(rows, [build("2.14.1", "cu126", "win-64")])) == []


def test_the_catalog_begins_with_its_oldest_rows() -> None:
    builds = [build("2.6.0", "cu126", "win-64"), build("2.14.1", "cu126", "win-64")]
    companions = [companion("2.6.0", "0.21.0", "2.6.0"), companion("2.14.1", "0.29.1")]
    expected = {"torch": "2.6.0", "torchvision": "0.21.0", "torchaudio": "2.6.0"}
    assert oldest_releases(builds, companions) == expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    return write_tables(
        place,
        wheels=[wheel("cu126", WIN, WIN_SHA)],
        torch_builds=[
            build("2.5.1", "cu126", "linux-aarch64"),
            *(build("2.6.0", "cu126", subdir) for subdir in ("linux-64", "linux-aarch64", "win-64")),
            build("2.14.1", "cu126", "win-64"),
        ],
        companions=[companion("2.5.1", "0.20.1", "2.5.1"), companion("2.14.1", "0.29.1")],
        cuda_indexes=[{"cuda_tag": "cu126", "url": URL}],
    )


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Loopback]:
    """A mirror of the index that has torch and no companion."""
    root = tmp_path / "mirror"
    serve_pages(root, {"/whl/cu126/torch/": LISTING})
    with serving(root) as loopback:
        yield loopback


def refresh(folder: Path, mirror: str, *more: str) -> int:
    return main(["wheels", "--wheel-mirror", mirror, "--timeout", "20", *more], folder)


def test_the_difference_is_printed_then_written_then_gone(
    folder: Path, mirror: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "wheels.csv").read_bytes()
    assert refresh(folder, f"{mirror.url}/whl") == 1
    out, err = capsys.readouterr()
    assert (folder / "wheels.csv").read_bytes() == before
    assert out.startswith("--- a/wheels.csv\n+++ b/wheels.csv\n")
    assert (out.count("\n+cu126,"), out.count("\n-cu126,"), err) == (5, 0, "")
    assert "a mirror of https://download.pytorch.org/whl/cu126/torch/" in out
    assert mirror.url not in out

    assert refresh(folder, f"{mirror.url}/whl", "--write") == 0
    assert len(read_table("wheels", folder)) == 6
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []
    capsys.readouterr()
    assert refresh(folder, f"{mirror.url}/whl") == 0
    assert capsys.readouterr().out == ""


def test_nothing_is_written_when_a_hash_changed(
    folder: Path, mirror: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tables(folder, wheels=[wheel("cu126", WIN, SHA["d"])])
    before = (folder / "wheels.csv").read_bytes()
    assert refresh(folder, f"{mirror.url}/whl", "--write") == 1
    assert (folder / "wheels.csv").read_bytes() == before
    assert "[hash-changed]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param(Fault(status=503), "index-unreachable", id="down"),
        pytest.param(Fault(status=403), "index-unreachable", id="refused-where-files-are-known"),
        pytest.param(Fault(status=404), "index-data", id="gone-where-files-are-known"),
        pytest.param(
            Fault(body=b"<html><body>Welcome to the hotel's network</body></html>"), "index-data", id="garbage"
        ),
        pytest.param(Fault(body=b'{"message": "forbidden"}'), "index-data", id="garbage-in-json"),
        pytest.param(Fault(body=LISTING.encode()[:-400]), "index-data", id="ends-in-the-middle-of-a-link"),
        pytest.param(Fault(cut=900), "index-data", id="fewer-bytes-than-promised"),
    ],
)
def test_an_index_that_fails_is_exit_5_and_writes_nothing(
    folder: Path, mirror: Loopback, fault: Fault, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.faults.append(fault)
    before = (folder / "wheels.csv").read_bytes()
    assert refresh(folder, f"{mirror.url}/whl", "--write") == 5
    out, err = capsys.readouterr()
    assert (folder / "wheels.csv").read_bytes() == before
    assert out == ""
    assert err.startswith("error: ")
    assert f"[{code}]" in err


def test_an_index_that_nobody_serves_is_exit_5(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh(folder, f"{refused_url()}/whl", "--write") == 5
    assert "[index-unreachable]" in capsys.readouterr().err


def test_a_project_that_an_index_never_had_may_be_forbidden(folder: Path, mirror: Loopback) -> None:
    """download.pytorch.org answers 403 where nothing is: no CUDA 13.2 torchaudio, and that is no failure."""
    mirror.faults.append(Fault(path="/whl/cu126/torchaudio/", status=403))
    assert refresh(folder, f"{mirror.url}/whl", "--write") == 0


def test_a_mirror_that_is_no_url_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh(folder, "cu126") == 2
    assert "is not an http or https URL [usage]" in capsys.readouterr().err


def test_a_row_that_breaks_the_schema_is_bad_data(
    folder: Path, mirror: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row of the table itself, so that a mistake of a person is not carried on."""
    write_tables(folder, wheels=[wheel("cu126", WIN, WIN_SHA, size="big")])
    assert refresh(folder, f"{mirror.url}/whl", "--write") == 4
    assert 'wheels.csv:6: size: "big"' in capsys.readouterr().err
