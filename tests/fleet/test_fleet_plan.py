"""The fewest targets for a list of machines, held against every way to share them out."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.fleet.cover import fewest
from envgen.fleet.kinds import ends_of, kinds_of, usable_builds
from envgen.fleet.machines_csv import FleetMachine, MachinesFileError, read_machines
from envgen.fleet.plan import FleetPlan, count_targets, plan_fleet
from envgen.gpus.catalog import GpuCatalog
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.resolve import resolve
from equipment.examples import examples

BOTH = tuple(PackageSet)
HEADER = "name,gpu,driver,platform\n"
# What a lab may have: GPU, drivers, platform. Several pairs share no build, others only an old one.
MODELS = [
    ("Tesla K80", ("470.82.01",), "linux-64"),
    ("GTX 1080 Ti", ("470.82.01", "550.54.15", "580.65.06"), "linux-64"),
    ("Tesla V100-SXM2-32GB", ("418.40.04", "535.183.01"), "linux-64"),
    ("RTX 2080 Ti", ("470.82.01", "550.54.15"), "linux-64"),
    ("A100", ("470.82.01", "535.183.01", "580.95.05"), "linux-64"),
    ("RTX 4090", ("525.105.17", "580.95.05", ""), "linux-64"),
    ("RTX 5090", ("575.57.08", "580.95.05"), "linux-64"),
    ("H100", ("535.183.01",), "linux-64"),
    ("GeForce GTX 780", ("391.35",), "win-64"),
    ("GeForce MX450", ("456.71", "560.94"), "win-64"),
    ("RTX 5070", ("572.16", "581.57"), "win-64"),
    ("Jetson AGX Orin 64GB", ("JetPack 6.2", "JetPack 7.2"), "linux-aarch64"),
    ("GH200", ("550.54.15",), "linux-aarch64"),
]
EVERY = [(gpu, driver, platform) for gpu, drivers, platform in MODELS for driver in drivers]


def machines(rows: Sequence[tuple[str, str, str]]) -> list[FleetMachine]:
    return [
        FleetMachine(name=f"m{line}", gpus=(gpu,), driver=driver, platform=platform, line=line)
        for line, (gpu, driver, platform) in enumerate(rows, 2)
    ]


def plan(rows: Sequence[tuple[str, str, str]], sets: Sequence[PackageSet] = BOTH) -> FleetPlan:
    return plan_fleet(*kinds_of(machines(rows), RequestOptions(), sets, "machines.csv"))


@cache
def gets(rows: tuple[tuple[str, str, str], ...]) -> frozenset[tuple[str, PackageSet]]:
    """The platforms and sets that one target for these machines has, by the decision itself."""
    catalog, known = facts()
    stated = tuple(f"{gpu};{driver};{platform}" for gpu, driver, platform in rows)
    options = RequestOptions(machines=stated, platforms=tuple(dict.fromkeys(platform for _, _, platform in rows)))
    found = [resolve(catalog, request) for request in read_request(options, catalog, known).requests]
    return frozenset((one.request.subdir.value, s) for one in found for s in PackageSet if one.pairing(s) is not None)


@cache
def facts() -> tuple[Catalog, GpuCatalog]:
    return Catalog.load(), GpuCatalog.load()


def serves(rows: tuple[tuple[str, str, str], ...]) -> bool:
    """True when one target gives every machine what a target of its own would."""
    return all(gets((row,)) <= gets(rows) for row in rows)


def partitions(rows: Sequence[tuple[str, str, str]]) -> Iterator[list[list[tuple[str, str, str]]]]:
    if not rows:
        yield []
        return
    first, rest = rows[0], rows[1:]
    for partition in partitions(rest):
        for at, group in enumerate(partition):
            yield [*partition[:at], [first, *group], *partition[at + 1 :]]
        yield [[first], *partition]


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.sampled_from(EVERY), min_size=1, max_size=6, unique=True))
def test_no_way_to_share_machines_out_needs_fewer_targets(rows: list[tuple[str, str, str]]) -> None:
    served = [row for row in rows if gets((row,))]
    found = plan(rows)
    best = min((len(one) for one in partitions(served) if all(serves(tuple(group)) for group in one)), default=0)
    assert len(found.targets) == best
    assert sum(len(left.machines) for left in found.left_out) == len(rows) - len(served)
    for target in found.targets:
        assert serves(tuple((kind.gpus[0], kind.driver, kind.subdir.value) for kind in target))
    assert sorted(m.name for target in found.targets for kind in target for m in kind.machines) == sorted(
        machine.name for machine, row in zip(machines(rows), rows, strict=True) if row in served
    )


@settings(max_examples=examples(15), deadline=None)
@given(st.lists(st.sampled_from(EVERY), min_size=2, max_size=8, unique=True))
def test_an_update_that_is_named_saves_a_target(rows: list[tuple[str, str, str]]) -> None:
    found = plan(rows)
    if found.update is not None:
        newer = [
            (
                gpu,
                str(found.update.driver)
                if (gpu, driver) == (found.update.kind.gpus[0], found.update.kind.driver)
                else driver,
                platform,
            )
            for gpu, driver, platform in rows
        ]
        assert len(plan(newer).targets) == found.update.targets < len(found.targets)


@given(st.lists(st.integers(0, 255), max_size=8), st.integers(0, 255))
def test_a_cover_is_the_smallest(masks: list[int], universe: int) -> None:
    covers = (
        len(chosen)
        for size in range(len(masks) + 1)
        for chosen in itertools.combinations(masks, size)
        if not universe & ~sum_of(chosen)
    )
    best = next(covers, None)
    found = fewest(masks, universe)
    if best is None or best == 0:
        assert found == ()
    else:
        assert len(found) == best
        assert not universe & ~sum_of(found)


def sum_of(masks: Sequence[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def test_two_hundred_machines_with_twelve_kinds_of_gpu(tmp_path: Path) -> None:
    """Pascal and Blackwell share no wheel (pytorch/pytorch#190385), so two targets are the least there can be."""
    models = [model for model in MODELS if model[0] != "Tesla K80"]
    draw = random.Random(7)
    path = tmp_path / "fleet.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "gpu", "driver", "platform"])
        for number in range(200):
            gpu, drivers, platform = models[number % 12]
            writer.writerow([f"ws-{number:03}", gpu, draw.choice(drivers), platform])
    listed = read_machines(path)
    kinds, left = kinds_of(listed, RequestOptions(), BOTH, path.name)
    found = plan_fleet(kinds, left)
    assert len({machine.gpus for machine in listed}) == 12
    assert (
        sum(len(kind.machines) for target in found.targets for kind in target) + sum(len(one.machines) for one in left)
        == 200
    )
    assert len(found.targets) == count_targets(kinds) == 3


def test_one_update_that_saves_a_target() -> None:
    """R470 serves no CUDA 12 (CUDA compatibility guide), and no CUDA 11 wheel has code for Blackwell."""
    found = plan([("RTX 5090", "580.95.05", "linux-64"), ("A100", "470.82.01", "linux-64")])
    assert len(found.targets) == 2
    assert found.update is not None
    assert (found.update.kind.gpus, str(found.update.driver), found.update.targets) == (("A100",), "525.60.13", 1)
    assert plan([("RTX 5090", "580.95.05", "linux-64"), ("GTX 1080 Ti", "580.65.06", "linux-64")]).update is None


def test_who_is_left_out_and_why() -> None:
    rows = [
        ("RTX 4090", "550.54.15", "linux-64"),
        ("Radeon RX 7900 XTX", "", "linux-64"),
        ("RTX 4090", "", "macos"),
        ("GeForce GTX 480", "391.35", "win-64"),
        ("Jetson AGX Orin 64GB", "", "linux-64"),
    ]
    found = plan(rows)
    assert len(found.targets) == 1
    reasons = {one.machines[0].name: one.reason for one in found.left_out}
    assert [*reasons] == ["m3", "m4", "m5", "m6"]
    assert "AMD" in reasons["m3"]
    assert reasons["m4"].startswith("there is no CUDA on macOS")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [(1, "")], id="empty"),
        pytest.param("name,gpu,driver,platform\n", [(1, "")], id="no-machine"),
        pytest.param("host,card,driver,os\n", [(1, "")], id="other-columns"),
        pytest.param("name,gpu,gpu,platform\n", [(1, "")], id="a-column-twice"),
        pytest.param(
            "name,gpu,driver,platform\na,RTX 4090,,\n,T4,,linux-64\n", [(2, "platform"), (3, "name")], id="cells"
        ),
        pytest.param("name,gpu,driver,platform\na,T4,1,linux-64,x\n", [(2, "")], id="a-cell-too-many"),
        pytest.param('name,gpu,driver,platform\n"a,T4,,linux-64\n', [(2, "")], id="an-open-quote"),
        pytest.param(f"{HEADER}a,T4,,linux-64\na,T4,535,linux-64\n", [(3, "name")], id="two-drivers"),
        pytest.param(
            "# inventory, of May\n" + HEADER.replace(",", ";") + "a;RTX 4900;;linux-64\n\nb;T4;12.6;linux-64\n"
            "c;T4;;lnux\nd;RTX 4000;;linux-64\n",
            [(3, "gpu"), (5, "driver"), (6, "platform"), (7, "gpu")],
            id="values",
        ),
        pytest.param('name,gpu,driver,platform\n"a\nb",RTX 4900,,linux-64\n', [(2, "gpu")], id="a-cell-of-two-lines"),
        pytest.param("name,gpu,driver,platform\n" + "a" * 200_000 + ",T4,,linux-64\n", [(2, "")], id="a-huge-cell"),
    ],
)
def test_a_bad_list(tmp_path: Path, text: str, expected: list[tuple[int, str]]) -> None:
    path = tmp_path / "machines.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MachinesFileError) as caught:
        kinds_of(read_machines(path), RequestOptions(), BOTH, path.name)
    assert [(one.line, one.place) for one in caught.value.mistakes] == expected


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    path = tmp_path / "machines.csv"
    path.write_bytes(
        b"\xef\xbb\xbfName;GPU;Driver;Platform;Room\r\n"
        b'"a ";"RTX 4090";550.54.15;linux-64;1\r\n\r\n;;;;\r\na;RTX 3090;550.54.15;linux-64;1\r\nb;T4;;windows;;\r\n'
    )
    a, b = read_machines(path)
    assert (a.name, a.gpus, a.driver, a.line) == ("a", ("RTX 4090", "RTX 3090"), "550.54.15", 2)
    assert (b.gpus, b.driver, b.platform) == (("T4",), "", "windows")


ROWS = [["name", "gpu", "driver", "platform"], ["büro 1", "RTX 4090", "550.54.15", "linux-64"], ["b", "T4", "", "wsl"]]


def written(separator: str, end: str, *, quoted: bool = False, before: str = "") -> str:
    lines = (separator.join(f'"{cell}"' if quoted else cell for cell in row) for row in ROWS)
    return before + end.join(lines) + end


# Excel: "CSV UTF-8" has a byte order mark and CRLF, "Unicode Text" is UTF-16 with tabs, and where the comma is the
# decimal point it separates by semicolons (learn.microsoft.com, "Import or export text files"); a first line `sep=;` is
# its own. `>` of Windows PowerShell 5 writes UTF-16 (about_Character_Encoding).
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param(written(";", "\r\n", quoted=True), "utf-8-sig", id="csv-utf-8-with-semicolons"),
        pytest.param(written("\t", "\r\n"), "utf-16", id="unicode-text"),
        pytest.param("\ufeff" + written(",", "\n"), "utf-16-be", id="utf-16-the-other-way"),
        pytest.param(written(";", "\r\n", before="sep=;\r\n"), "utf-8", id="first-line-sep"),
        pytest.param(written(",", "\n", before='"sep=,"\n'), "utf-16", id="first-line-sep-quoted"),
        pytest.param(written("\t", "\r"), "utf-8", id="ends-of-lines-of-old-macs"),
    ],
)
def test_every_encoding_of_a_spreadsheet_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "machines.csv"
    path.write_bytes(text.encode(encoding))
    first, second = read_machines(path)
    assert (first.name, first.gpus, first.driver, first.platform) == ("büro 1", ("RTX 4090",), "550.54.15", "linux-64")
    assert (second.name, second.gpus, second.driver, second.platform) == ("b", ("T4",), "", "wsl")


def test_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "machines.csv"
    path.write_bytes(written(",", "\r\n").encode("cp1252"))
    with pytest.raises(MachinesFileError, match=r"no text in UTF-8 or UTF-16 .* line 2"):
        read_machines(path)


@pytest.mark.parametrize("gpu", ["Tesla K80", "GTX 1080 Ti", "A100", "RTX 5090"])
def test_drivers_between_two_that_run_the_same_run_it_too(gpu: str) -> None:
    """What is not asked of each driver is what each would have answered."""
    draw = random.Random(11)
    drivers = {f"{draw.randint(390, 580)}.{draw.randint(10, 199)}.{draw.randint(1, 99):02}" for _ in range(25)}
    rows = [(gpu, driver, "linux-64") for driver in sorted(drivers)]
    kinds, left = kinds_of(machines(rows), RequestOptions(), BOTH, "machines.csv")
    assert sum(len(kind.machines) for kind in kinds) + sum(len(one.machines) for one in left) == len(rows)
    catalog, _ = facts()
    for kind in kinds:
        assert dict(kind.usable) == usable_builds(kind.request, catalog, BOTH)
    assert {machine.name for one in left for machine in one.machines}.isdisjoint(
        machine.name for kind in kinds for machine in kind.machines
    )
    assert len(left) <= len({driver.split(".")[0] for driver in drivers})


def test_ten_thousand_machines_ask_for_a_few_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def counted(*given: Any) -> object:
        asked.append(given)
        return usable_builds(*given)

    monkeypatch.setattr("envgen.fleet.kinds.usable_builds", counted)
    rows = [
        (gpu, f"{530 + number % 50}.{10 + number % 97}.{number % 89:02}", "linux-64")
        for number in range(5_000)
        for gpu in ("A100", "GTX 1080 Ti")
    ]
    found = plan(rows)
    assert sum(len(kind.machines) for target in found.targets for kind in target) == 10_000
    assert len(asked) < 100
    rows_written = [ends_of(target) for target in found.targets]
    assert sum(len(machines) for target in rows_written for _, machines in target) == 10_000
    assert all(len(target) <= 4 for target in rows_written)


def test_thousands_of_drivers_are_a_few_kinds_and_a_machine_without_gpu_is_for_the_cpu() -> None:
    rows = [
        (gpu, f"{535 + number % 50}.{number % 99:02d}", "linux-64") for number in range(400) for gpu in ("A100", "T4")
    ]
    found = plan([*rows, ("cpu", "", "linux-64")])
    assert len(found.targets) == 1
    assert [one.reason for one in found.left_out] == ['it has no GPU: a target with cuda = "cpu" serves it']
