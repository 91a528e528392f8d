"""The tasks that read NVIDIA's, conda's and other lists: saved excerpts for what is read, loopback for how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envgen.core.platforms import Subdir
from envgen.facts.tables import data_dir, read_table
from envgen.net.errors import SourceDataError
from envgen.refresh.__main__ import main
from envgen.refresh.lists.conda_files import CondaFile, parse_files, unknown_builds, with_published
from envgen.refresh.lists.nvidia import parse_driver_releases, parse_runfiles, with_newest_drivers, with_toolkit
from envgen.refresh.lists.pci_ids import parse_pci_ids, with_ids
from envgen.refresh.lists.published import parse_published
from envgen.refresh.lists.published import unknown_builds as unknown_published
from envgen.refresh.metadata import exact_pins, torch_required, with_companion, with_pins
from envgen.refresh.releases import Release, parse_release
from envgen.refresh.reports import Issue, report_of, with_reports
from equipment.loopback import Fault, serving
from refresh.torch_files import ARCHS, library, torch_files, wheel_bytes
from refresh.world import SHA, build, companion, json_page, serve_pages, write_releases, write_tables

# Two branches of https://docs.nvidia.com/datacenter/tesla/drivers/releases.json, as endoflife.date reads it.
DRIVERS = json.dumps(
    {
        "590": {"type": "production branch", "driver_info": [{"release_version": "590.48.01"}]},
        "580": {"driver_info": [{"release_version": v} for v in ("580.178.04", "582.78", "x")]},
        "700": {"driver_info": [{"release_version": "700.10"}]},
    }
)  # fmt: skip
MD5SUMS = """5d7a0bc1f719655f2083fc711cacf7cf  cuda_13.2.2_595.71.05_linux.run
00000000000000000000000000000000  cuda_13.2.2_595.71.05_linux_sbsa.run
00000000000000000000000000000000  cuda_13.2.2_windows.exe
"""
PCI_IDS = """1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t67df  Ellesmere [Radeon RX 470/480]
10de  NVIDIA Corporation
\t1f97  TU117M [GeForce MX450]
\t\t1028 0a12  Some laptop
# a comment
\t1f98  TU117M [GeForce MX450]
\t2204  GA102 [GeForce RTX 3090]
\t22ff  GA102
10df  Emulex Corporation
\t1f99  TU117M [GeForce MX450]
"""


def branch(number: str, majors: str, linux: str = "", windows: str = "") -> dict[str, str]:
    row = {"branch": number, "cuda": "13.0", "windows_majors": majors, "last_linux": linux, "last_windows": windows}
    return row | {"source": "a list", "note": ""}


def test_the_newest_driver_of_each_branch_is_kept_and_an_unknown_branch_is_told() -> None:
    rows = [branch("580", "580 581 582", "580.95.05", "582.90"), branch("590", "591", "", "")]
    after, findings = with_newest_drivers(rows, parse_driver_releases(DRIVERS, url="x"), source="NVIDIA, today")
    assert [(row["last_linux"], row["last_windows"]) for row in after] == [("580.178.04", "582.90"), ("590.48.01", "")]
    assert after[0]["source"] == "a list; newest: NVIDIA, today"
    assert [finding.title.split(",")[0] for finding in findings] == ["NVIDIA publishes drivers 700.*"]


@pytest.mark.parametrize("text", ["{", "[]", '{"580": {"driver_info": []}}'])
def test_a_list_of_drivers_that_is_none_stops_it(text: str) -> None:
    with pytest.raises(SourceDataError):
        parse_driver_releases(text, url="x")


def test_a_toolkit_compiles_for_what_its_minor_does() -> None:
    assert parse_runfiles(MD5SUMS) == {"13.2.2": "595.71.05"}
    row = {"version": "13.2.1", "linux_driver": "595.58.03", "windows_driver": "", "sm_list": "75 80", "sm_source": "t"}
    rows = [row | {"driver_source": "d", "note": "n"}]
    after, findings = with_toolkit(rows, "13.2.2", "595.71.05", source="its runfile")
    assert findings == []
    assert after[1] == rows[0] | {
        "version": "13.2.2",
        "linux_driver": "595.71.05",
        "driver_source": "its runfile",
        "note": "",
    }
    _, (finding,) = with_toolkit(rows, "13.6.0", "", source="its runfile")
    assert finding.code == "unknown-toolkit"


RELEASE = parse_release(
    "2.13.0",
    """[companions]
torchvision = "0.28.0"
source = "PyPI"

[[conda.build]]
cuda = "13.0"
subdir = "linux-64"
channels = "conda-forge"
pythons = "3.12"
pythons_seen = "3.12"
arch_list = "sm_75"
build_glob = "cuda130*"
evidence = "published"
source = "a feedstock"
""",
)


def test_what_conda_forge_has_published_is_seen() -> None:
    names = ["linux-64/pytorch-2.13.0-cuda130_mkl_py313_h2820626_302.conda", "win-64/pytorch-2.13.0-cpu_py313_0.conda"]
    names += [
        "linux-64/pytorch-2.13.0-cuda134_mkl_py313_h2820626_302.conda",
        "linux-64/pytorch-1.0-cuda80_py36_0.tar.bz2",
    ]
    files = parse_files(json.dumps([{"basename": name} for name in names]), url="x")
    assert files[0] == CondaFile(subdir="linux-64", version="2.13.0", build="cuda130_mkl_py313_h2820626_302")
    assert with_published(RELEASE, files).conda[0]["pythons_seen"] == "3.12 3.13"
    (finding,) = unknown_builds([RELEASE], files)
    assert finding.title.startswith("conda-forge has pytorch 2.13.0 cuda134 for linux-64")
    with pytest.raises(SourceDataError):
        parse_files('[{"name": "x"}]', url="x")


def test_pci_ids_are_added_to_names_that_are_there_and_another_chip_is_told() -> None:
    devices = parse_pci_ids(PCI_IDS, url="x")
    assert devices == {
        "1f97": ("TU117M", "GeForce MX450"),
        "1f98": ("TU117M", "GeForce MX450"),
        "2204": ("GA102", "GeForce RTX 3090"),
    }
    rows = [
        {"name": "GeForce MX450", "chip": "TU117", "pci_ids": "1f97"},
        {"name": "GeForce RTX 3080", "chip": "GA104", "pci_ids": "2204"},
    ]
    after, (finding,) = with_ids(rows, devices)
    assert [row["pci_ids"] for row in after] == ["1f97 1f98", "2204"]
    assert finding.code == "pci-id-differs"
    with pytest.raises(SourceDataError):
        parse_pci_ids("1002  AMD\n", url="x")


def test_a_companion_goes_to_the_torch_that_it_pins() -> None:
    bare = Release(torch="2.16.0", companions={**RELEASE.companions, "torchvision": ""}, pip={}, conda=())
    required = torch_required(["numpy", "torch (==2.16.0)", 'torch; extra == "x"'])
    assert required == "==2.16.0"
    after, findings = with_companion({"2.16.0": bare}, "torchvision", "0.31.0", required, source="PyPI, today")
    assert (after["2.16.0"].companions["torchvision"], findings) == ("0.31.0", [])
    _, (finding,) = with_companion({"2.16.0": bare}, "torchaudio", "2.11.1", ">=2.11", source="PyPI")
    assert finding.evidence == ("it requires torch>=2.11",)


def test_pins_are_those_of_the_metadata() -> None:
    requires = [
        'nvidia-cudnn-cu13==9.26.0.51; platform_system == "Linux"',
        "cuda-toolkit[cublas]==13.2.2",
        "triton~=3.9.0",
        "filelock",
    ]
    assert exact_pins(requires) == {"cuda-toolkit": "13.2.2", "nvidia-cudnn-cu13": "9.26.0.51"}
    row = {"torch": "2.15.0", "variant": "cu132", "file": "torch-2.15.0-cp312-cp312-manylinux_2_28_x86_64.whl"}
    row |= {"requires_dist": " || ".join(requires), "source": "read"}
    cpu = row | {"variant": "cpu", "file": "torch-2.15.0-cp312-cp312-win_amd64.whl"}
    made = with_pins([], [row, row, cpu])
    assert [(pin["cuda_tag"], pin["subdir"], pin["package"], pin["basis"]) for pin in made] == [
        ("cu132", "linux-64", "cuda-toolkit", "metadata"),
        ("cu132", "linux-64", "nvidia-cudnn-cu13", "metadata"),
    ]
    assert with_pins(made, [row]) == made


def test_every_pin_that_the_metadata_states_is_in_the_table() -> None:
    pins = read_table("torch_pins")
    assert with_pins(pins, read_table("torch_requires")) == pins


def issue(
    number: int, author: str, torch: str = "2.15.0+cu130", arch: str = "sm_75 sm_80", platform: str = "win-64"
) -> Issue:
    answer = json.dumps({"schema_version": 1, "exit_status": 0, "torch": torch, "arch_list": arch.split()})
    body = f"### Platform\n\n{platform}\n\n### Output\n\n```json\n{answer}\n```\n"
    return Issue(number=number, author=author, body=body)


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        pytest.param({}, True, id="as-the-form-makes-it"),
        pytest.param({"torch": "2.15.0"}, False, id="condas-build-has-no-tag"),
        pytest.param({"platform": "macos"}, False, id="another-platform"),
        pytest.param({"arch": "rm -rf"}, False, id="no-codes"),
        pytest.param({"arch": ""}, False, id="no-list"),
    ],
)
def test_what_is_read_of_a_report(changed: dict[str, str], read: bool) -> None:
    found = report_of(issue(7, "ada", **changed))
    expected = {"torch": "2.15.0", "cuda_tag": "cu130", "subdir": "win-64", "arch_list": "sm_75 sm_80"}
    assert found == (expected if read else None)


def test_one_person_counts_once_and_a_report_is_read_once() -> None:
    rows, findings = with_reports([], [issue(7, "ada"), issue(8, "ada"), issue(9, "lin"), issue(10, "kay", torch="x")])
    assert [row["source"] for row in rows] == ["issue 7 by ada", "issue 9 by lin"]
    assert [finding.title.split(" states")[0] for finding in findings] == ["issue 10"]
    assert with_reports(rows, [issue(7, "ada"), issue(11, "lin")]) == (rows, [])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    write_tables(
        place,
        driver_branches=[branch("580", "580 581 582", "580.95.05", "582.28")],
        gpus=[{"name": "GeForce MX450", "compute_capability": "7.5", "architecture": "Turing", "chip": "TU117"}
              | {"segment": "geforce-laptop", "pci_ids": "1f97", "sources": "pciids"}],
        cuda_indexes=[{"cuda_tag": "cu130", "url": "https://download.pytorch.org/whl/cu130", "source": "x"}],
    )  # fmt: skip
    return write_releases(place, [build("2.15.0", "cu130", "win-64", arch_list=ARCHS)], [companion("2.15.0", "0.29.2")])


@pytest.mark.parametrize(
    ("task", "path", "body", "table", "cell"),
    [
        pytest.param("drivers", "/releases.json", DRIVERS, "driver_branches", "582.78", id="drivers"),
        pytest.param("pci-ids", "/pci.ids", PCI_IDS, "gpus", "1f97 1f98", id="pci-ids"),
    ],
)
def test_a_task_over_the_wire(
    folder: Path, tmp_path: Path, task: str, path: str, body: str, table: str, cell: str
) -> None:
    serve_pages(tmp_path / "site", {path: body})
    with serving(tmp_path / "site") as site:
        assert main([task, "--from", f"{site.url}{path}", "--write"], folder) in (0, 1)
        assert cell in {value for row in read_table(table, folder) for value in row.values()}
        site.faults.append(Fault(path="*", body=b"<html></html>"))
        before = (folder / f"{table}.csv").read_bytes()
        assert main([task, "--from", f"{site.url}{path}", "--write"], folder) == 5
        assert (folder / f"{table}.csv").read_bytes() == before


def test_two_reports_make_a_build_one_that_was_seen(folder: Path, tmp_path: Path) -> None:
    issues = tmp_path / "issues.json"

    def write(*found: Issue) -> None:
        entries = [{"number": i.number, "author": {"login": i.author}, "body": i.body} for i in found]
        issues.write_text(json.dumps(entries), encoding="utf-8")

    write(issue(7, "ada", arch=ARCHS))
    assert main(["reports", str(issues), "--write"], folder) == 0
    assert read_table("torch_builds", folder)[0]["evidence"] == "build-script"
    write(issue(7, "ada", arch=ARCHS), issue(8, "lin", arch=ARCHS))
    assert main(["reports", str(issues), "--write"], folder) == 0
    row = read_table("torch_builds", folder)[0]
    assert (row["evidence"], row["source"].partition("; user output: ")[2]) == (
        "user-output",
        "issue 7 by ada; issue 8 by lin",
    )
    issues.write_text("{}", encoding="utf-8")
    assert main(["reports", str(issues)], folder) == 4


def test_the_wheels_of_an_index_say_what_windows_has(folder: Path, tmp_path: Path) -> None:
    """Windows' wheels carry the list in torch_python.dll; the index states no size."""
    name = "torch-2.15.0+cu130-cp312-cp312-win_amd64.whl"
    parts = torch_files(version_py="__version__ = '2.15.0+cu130'\ncuda = '13.0'\n", library=None)
    wheel = wheel_bytes({**parts, "torch/lib/torch_python.dll": library(ARCHS)}, ballast=3 << 20)
    link = f'<a href="/cu130/{name.replace("+", "%2B")}#sha256={SHA["a"]}">{name}</a>'
    page = f"<!DOCTYPE html><html><body>{link}</body></html>"
    serve_pages(tmp_path / "whl", {"/cu130/torch/": page, f"/cu130/{name}": wheel})
    with serving(tmp_path / "whl") as mirror:
        assert main(["index-lists", "--wheel-mirror", mirror.url, "--write"], folder) == 0
    (row,) = read_table("torch_measured", folder)
    assert (row["file"], row["cuda"], row["wheel_bytes"]) == (name, "13.0", str(len(wheel)))
    made = read_table("torch_builds", folder)[0]
    assert made["evidence"] == "measured"
    assert made["source"].startswith(f"download.pytorch.org/whl/cu130 {name} sha256={SHA['a']}; agrees with: ")


def test_a_companion_is_read_out_of_its_wheel_where_the_index_serves_no_metadata(folder: Path, tmp_path: Path) -> None:
    name = "torchvision-0.31.0-cp312-cp312-manylinux_2_28_x86_64.whl"
    metadata = b"Metadata-Version: 2.1\nName: torchvision\nVersion: 0.31.0\nRequires-Dist: torch==2.16.0\n"
    wheel = wheel_bytes({"torchvision-0.31.0.dist-info/METADATA": metadata}, ballast=3 << 20)
    write_releases(folder, [build("2.16.0", "cu130", "win-64")], [companion("2.16.0", "", "2.11.0")])
    page = json_page(name, size=len(wheel))
    audio = json_page("torchaudio-2.1.0-cp312-cp312-win_amd64.whl")
    pages: dict[str, str | bytes] = {"/simple/torchvision/": page, "/simple/torchaudio/": audio}
    pages[f"/files/{name}"] = wheel
    serve_pages(tmp_path / "pypi", pages)
    with serving(tmp_path / "pypi") as pypi:
        assert main(["companions", "--pypi", f"{pypi.url}/simple", "--write"], folder) in (0, 1)
        assert sum(seen.sent for seen in pypi.log if seen.path.endswith(name)) < len(wheel)
    rows = {row["torch"]: row["torchvision"] for row in read_table("companions", folder)}
    assert rows == {"2.15.0": "0.29.2", "2.16.0": "0.31.0"}


def test_the_form_asks_for_what_the_task_reads() -> None:
    form = (data_dir().parents[3] / ".github" / "ISSUE_TEMPLATE" / "report.yml").read_text(encoding="utf-8")
    assert "label: Platform" in form
    assert "linux-64, win-64, linux-aarch64" in form


# An excerpt of https://github.com/pytorch/pytorch.github.io published_versions.json (its form since 1.13) for 2.14.1.
PUBLISHED = {
    "latest_stable": "2.14.1",
    "versions": {
        "preview": {"linux": {"pip": {"cuda.x": {"command": "pip3 install https://x/whl/nightly/cu134"}}}},
        "2.14.1": {
            "linux": {
                "pip": {
                    "cuda.x": {"note": None, "command": "pip3 install torch --index-url https://x/whl/cu126"},
                    "cuda.y": {"note": None, "command": "pip3 install torch"},
                    "rocm": {"note": None, "command": "pip3 install torch --index-url https://x/whl/rocm7.14"},
                }
            },
            "windows": {"pip": {"cuda.z": {"command": "pip3 install torch --index-url https://x/whl/cu132"}}},
            "macos": {"pip": {"accnone": {"command": "pip3 install torch"}}},
        },
    },
}


@pytest.mark.parametrize(
    ("rows", "titles"),
    [
        pytest.param([build("2.14.1", "cu126", "linux-64"), build("2.14.1", "cu132", "win-64")], [], id="known"),
        pytest.param(
            [build("2.14.1", "cu126", "linux-64", existence="uncertain"), build("2.14.0", "cu132", "win-64")],
            [
                "torch 2.14.1+cu126 for linux-64 is on PyTorch's page, and marked uncertain",
                "torch 2.14.1+cu132 for win-64 is on PyTorch's page, and no row of torch_builds.csv knows it",
            ],
            id="uncertain-and-unknown",
        ),
    ],
)
def test_what_pytorchs_page_offers_is_held_against_the_builds(rows: list[dict[str, str]], titles: list[str]) -> None:
    release, offered = parse_published(json.dumps(PUBLISHED), url="x")
    assert offered == {("cu126", Subdir.LINUX_64), ("cu132", Subdir.WIN_64)}
    assert [finding.title for finding in unknown_published(release, offered, rows)] == titles


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        "[]",
        '{"latest_stable": "2.14.1", "versions": {}}',
        '{"latest_stable": "9", "versions": {"9": {"linux": {}, "windows": {}}}}',
    ],
)
def test_a_page_of_another_form_is_said_to_be_one(text: str) -> None:
    with pytest.raises(SourceDataError, match=r"no list of published versions|names a CUDA index"):
        parse_published(text, url="x")


def test_pytorchs_page_over_http(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_tables(folder, torch_builds=[build("2.14.1", "cu126", "linux-64")])
    serve_pages(tmp_path / "www", {"/published.json": json.dumps(PUBLISHED)})
    with serving(tmp_path / "www") as site:
        assert main(["published", "--from", f"{site.url}/published.json"], folder) == 1
    assert "torch 2.14.1+cu132 for win-64 is on PyTorch's page" in capsys.readouterr().err
