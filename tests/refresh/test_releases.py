"""Files of releases: what they hold comes back from the tables made of them, and what is wrong has its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.facts.errors import FactInvalidError
from envgen.facts.tables import data_dir, read_table
from envgen.refresh.__main__ import main
from envgen.refresh.compile import compiled, evidence_page, with_pythons, with_reports
from envgen.refresh.releases import dump_release, parse_release, read_releases
from envgen.refresh.rewrite import changed_files
from refresh.world import SHA, build, wheel, write_releases, write_tables

RELEASES = read_releases(data_dir())
# Two platforms of one tag, whose shared cells are written once.
TEXT = """# PyTorch 2.15.0. How this file becomes tables: `python -m envgen.refresh compile --write`.

[companions]
torchvision = "0.29.2"
source = "PyPI"

[pip]
pythons = "3.12 3.13"

[pip.cu130.linux-64]
arch_list = "sm_75"
source = "a table"

[pip.cu132]
toolkit = "13.2.2"

[pip.cu132.linux-64]
arch_list = "sm_75 sm_80"
glibc = "2.28"
on_pypi = "yes"
source = "a wheel"

[pip.cu132.win-64]
arch_list = "sm_75"
evidence = "build-script"
source = "a script"

[[conda.build]]
cuda = "12.9"
subdir = "linux-64"
channels = "conda-forge"
pythons = "3.12"
arch_list = "sm_75 compute_75"
builds = "0-1"
build_glob = "cuda129*"
evidence = "published"
source = "a feedstock"
"""


def test_the_committed_tables_are_those_of_the_committed_files() -> None:
    made = compiled(data_dir(), RELEASES.values())
    assert made.findings == ()
    changed = changed_files(data_dir(), made.files)
    assert list(changed) == [], "run: python -m envgen.refresh compile --write"


def test_every_build_and_companion_comes_from_a_file() -> None:
    rows = {(row["torch"], row["cuda_tag"], row["subdir"]) for row in read_table("torch_builds")}
    assert rows == {(torch, *key) for torch, release in RELEASES.items() for key in release.pip}
    assert [row["torch"] for row in read_table("companions")] == list(RELEASES)


def test_reading_is_the_inverse_of_writing() -> None:
    assert dump_release(parse_release("2.15.0", TEXT)) == TEXT
    for torch, release in RELEASES.items():
        assert parse_release(torch, dump_release(release)) == release


def test_what_a_file_says_higher_up_holds_below_and_what_it_leaves_out_is_usual() -> None:
    cells = parse_release("2.15.0", TEXT).pip["cu132", "win-64"]
    assert (cells["pythons"], cells["toolkit"], cells["cudnn"]) == ("3.12 3.13", "13.2.2", "")
    assert (cells["existence"], cells["evidence"]) == ("announced", "build-script")
    # A copied list is not looked up.
    assert parse_release("2.15.0", TEXT).pip["cu132", "linux-64"]["evidence"] == "inferred"


def test_another_form_is_read_alike_and_written_in_the_one_form() -> None:
    loose = TEXT.replace('[pip]\npythons = "3.12 3.13"\n\n', "").replace("-64]\n", '-64]\npythons = "3.12 3.13"\n')
    assert dump_release(parse_release("2.15.0", loose)) == TEXT


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            'toolkit = "13.2.2"', "toolkit = 13.2", '15: toolkit: "13.2", expected a quoted string', id="a-number"
        ),
        pytest.param(
            'arch_list = "sm_75"',
            'arch_list = "7.5"',
            '24: arch_list: "7.5", expected the form ^(sm|compute)_',
            id="no-code",
        ),
        pytest.param('glibc = "2.28"', 'gilbc = "2.28"', '19: gilbc: "2.28", expected one of pythons, ', id="misspelt"),
        pytest.param(
            'source = "a wheel"\n', "", '17: source: "", expected some text', id="no-source"
        ),
        pytest.param(
            'evidence = "build-script"',
            'evidence = "measured"',
            '25: evidence: "measured", expected one of build-script, user-output, inferred',
            id="only-a-wheel-makes-it-measured",
        ),
        pytest.param("[companions]", "[x]", '1: "x", expected one of companions, pip, conda', id="unknown-part"),
        pytest.param('source = "PyPI"', 'source = "PyPI', "1: ", id="no-toml"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, expected: str) -> None:
    assert old in TEXT
    with pytest.raises(FactInvalidError) as caught:
        parse_release("2.15.0", TEXT.replace(old, new))
    assert any(str(v).startswith(f"builds/2.15.0.toml:{expected}") for v in caught.value.violations), str(caught.value)


def test_a_copied_file_is_a_new_release(tmp_path: Path) -> None:
    """What CONTRIBUTING says of a new release: copy the file, run the task, and the tables have its builds."""
    place = write_releases(tmp_path, [build("2.15.0", "cu132", "linux-64", on_pypi="yes", toolkit="13.2.2")])
    text = (place / "builds" / "2.15.0.toml").read_text(encoding="utf-8")
    (place / "builds" / "2.16.0.toml").write_text(text, encoding="utf-8")
    assert main(["compile", "--write"], place) == 0
    (old, new) = read_table("torch_builds", place)
    assert new == {**old, "torch": "2.16.0"}
    assert [row["torch"] for row in read_table("companions", place)] == ["2.15.0", "2.16.0"]
    assert (place / "builds" / "2.16.0.toml").read_text(encoding="utf-8").startswith("# PyTorch 2.16.0.")


def test_a_broken_file_is_bad_data_and_nothing_is_written(tmp_path: Path) -> None:
    place = write_releases(tmp_path, [build("2.15.0", "cu132", "linux-64")])
    before = (place / "torch_builds.csv").read_bytes()
    (place / "builds" / "2.16.0.toml").write_text("[pip.cu132.linux-64]\n", encoding="utf-8")
    assert main(["compile", "--write"], place) == 4
    assert (place / "torch_builds.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("kinds", "lists", "evidence", "findings"),
    [
        pytest.param(["thread"], ["sm_75 sm_80"], "user-output", 0, id="one-thread"),
        pytest.param(["report"], ["sm_75 sm_80"], "build-script", 0, id="one-report-is-not-enough"),
        pytest.param(["report", "report"], ["sm_75 sm_80", "sm_80 sm_75"], "user-output", 0, id="two-agree"),
        pytest.param(["thread"], ["sm_75"], "build-script", 1, id="another-list"),
        pytest.param(["report", "report"], ["sm_75 sm_80", "sm_75"], "build-script", 1, id="two-differ"),
    ],
)
def test_what_reports_make_of_a_build(kinds: list[str], lists: list[str], evidence: str, findings: int) -> None:
    sources = [f"owner/name#{number}" for number in range(len(kinds))]
    reports = [{"kind": k, "arch_list": a, "source": s} for k, a, s in zip(kinds, lists, sources, strict=True)]
    row, found = with_reports(build("2.15.0", "cu130", "win-64"), reports)
    assert (row["evidence"], len(found)) == (evidence, findings)
    if evidence == "user-output":
        assert row["source"] == f"a build script; user output: {'; '.join(sources)}"


def test_the_page_says_how_much_is_measured() -> None:
    rows = [
        build("2.15.0", "cu132", "linux-64", evidence="measured"),
        build("2.15.0", "cu130", "linux-64", evidence="user-output"),
        build("2.15.0", "cu130", "win-64"),
    ]
    lines = evidence_page(rows).splitlines()[-4:]
    assert lines == [
        "| linux-64 | 2 | 1 | 1 | 0 | 0 | 2 (100 %) |",
        "| win-64 | 1 | 0 | 0 | 1 | 0 | 0 (0 %) |",
        "| linux-aarch64 | 0 | 0 | 0 | 0 | 0 | 0 (0 %) |",
        "| all | 3 | 1 | 1 | 1 | 0 | 2 (66 %) |",
    ]


def test_a_wheel_that_was_read_makes_its_build_measured(tmp_path: Path) -> None:
    read = {"file": "torch-2.15.0-cp312-cp312-manylinux_2_28_x86_64.whl", "sha256": SHA["a"], "cuda": "13.2"}
    write_tables(tmp_path, torch_measured=[read], wheels=[])
    rows = [
        build("2.15.0", "cu132", "linux-64"),
        build("2.15.0", "cu132", "win-64"),
        build("2.15.0", "cu130", "linux-64"),
    ]
    other, own, windows = read_table("torch_builds", write_releases(tmp_path, rows))
    assert own["evidence"] == "measured"
    assert own["source"] == f"PyPI {read['file']} sha256={SHA['a']}; agrees with: a build script"
    assert {other["evidence"], windows["evidence"]} == {"build-script"}


def test_what_is_seen_is_what_an_index_lists_or_pypi_has(tmp_path: Path) -> None:
    listed = [
        wheel("cu126", "torch-2.14.1+cu126-cp39-cp39-win_amd64.whl", SHA["a"]),
        wheel("cu126", "torch-2.14.1+cu126-cp314-cp314t-win_amd64.whl"),
        wheel("cu126", "torchvision-0.29.1+cu126-cp312-cp312-win_amd64.whl", SHA["b"]),
        wheel("cu130", "torch-2.14.1+cu130-cp315-cp315-manylinux_2_28_x86_64.whl", SHA["c"]),
    ]
    write_tables(tmp_path, wheels=listed)
    rows = [
        build("2.14.1", "cu126", "win-64", "3.9 3.12"),
        build("2.14.1", "cu130", "linux-64", "3.12 3.14t", on_pypi="yes"),
        build("2.14.1", "cu130", "win-64"),
    ]
    found = read_table("torch_builds", write_releases(tmp_path, rows))
    assert [(row["pythons"], row["pythons_seen"]) for row in found] == [
        ("3.9 3.12 3.14t", "3.9 3.14t"),
        ("3.12 3.14t 3.15", "3.12 3.14t 3.15"),
        ("3.12", ""),
    ]


def test_files_of_an_uncertain_build_are_reported_and_not_counted() -> None:
    uncertain = build("2.15.0", "cu134", "win-64", existence="uncertain", note="UNCERTAIN")
    row, (finding,) = with_pythons(uncertain, frozenset({"3.12"}))
    assert row == uncertain
    assert finding.title == "torch 2.15.0+cu134 for win-64 is marked uncertain, and has files"
    assert finding.evidence == ("for Python 3.12", "note of the build: UNCERTAIN")
