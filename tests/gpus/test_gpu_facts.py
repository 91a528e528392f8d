"""What no schema can say about the GPU tables."""

from __future__ import annotations

import re

import pytest

from envgen.facts.tables import read_table
from envgen.gpus import names
from envgen.gpus.index import GpuTables
from envgen.gpus.vendors import other_vendor

TABLES_WITH_SOURCES = ("gpus", "ambiguous", "spellings", "chips", "vgpu_boards")
THREAD = re.compile(r"[\w.-]+/[\w.-]+#\d+")


def identities() -> set[tuple[str, str]]:
    return {(row["name"], row["compute_capability"]) for row in read_table("gpus")}


@pytest.mark.parametrize("table", ["ambiguous", "spellings"])
def test_every_reference_names_one_gpu(table: str) -> None:
    assert {(row["gpu"], row["compute_capability"]) for row in read_table(table)} <= identities()


@pytest.mark.parametrize("table", TABLES_WITH_SOURCES)
def test_every_source_is_listed_or_a_thread(table: str) -> None:
    listed = {row["short_name"] for row in read_table("sources")}
    used = {source for row in read_table(table) for source in row["sources"].split(";")}
    assert {source for source in used if source not in listed and not THREAD.fullmatch(source)} == set()


def test_a_name_with_several_capabilities_is_listed_as_ambiguous_and_the_other_way_round() -> None:
    found: dict[str, set[str]] = {}
    for name, capability in identities():
        found.setdefault(name, set()).add(capability)
    several = {name: capabilities for name, capabilities in found.items() if len(capabilities) > 1}
    listed: dict[str, set[str]] = {}
    for row in read_table("ambiguous"):
        if row["kind"] != "shorthand":
            assert row["name"] == row["gpu"]
            listed.setdefault(row["name"], set()).add(row["compute_capability"])
    assert several == listed


def test_a_rare_gpu_has_a_usual_namesake() -> None:
    kinds: dict[str, list[str]] = {}
    for row in read_table("ambiguous"):
        kinds.setdefault(row["name"], []).append(row["kind"])
    for name, found in kinds.items():
        assert set(found) in ({"usual", "rare"}, {"same-name"}, {"shorthand"}), name
        assert found.count("usual") == (1 if "rare" in found else 0), name


def test_a_shorthand_is_not_a_name_of_its_own() -> None:
    full = {names.key(name) for name, _ in identities()}
    short = {names.key(row["name"]) for row in read_table("ambiguous") if row["kind"] == "shorthand"}
    assert short & full == set()


def test_chips_and_architectures_agree_with_the_chip_table() -> None:
    chips = {row["chip"]: row for row in read_table("chips")}
    for row in read_table("gpus"):
        for chip in row["chip"].split():
            expected = (chips[chip]["compute_capability"], chips[chip]["architecture"])
            assert (row["compute_capability"], row["architecture"]) == expected, row["name"]
    for row in read_table("vgpu_boards"):
        assert row["compute_capability"] == chips[row["chip"]]["compute_capability"], row["board"]


def test_every_capability_has_driver_facts() -> None:
    known = {row["capability"] for row in read_table("capabilities")}
    assert {row["compute_capability"] for row in read_table("gpus")} <= known


def test_the_board_of_a_virtual_gpu_has_the_capability_of_its_device() -> None:
    by_id = {device: row["compute_capability"] for row in read_table("gpus") for device in row["pci_ids"].split()}
    known = {row["board"]: row["compute_capability"] for row in read_table("vgpu_boards") if row["pci_id"] in by_id}
    assert len(known) >= 70
    for row in read_table("vgpu_boards"):
        assert by_id.get(row["pci_id"], row["compute_capability"]) == row["compute_capability"], row["board"]


def test_no_pci_id_is_also_a_whole_name() -> None:
    devices = {device for row in read_table("gpus") for device in row["pci_ids"].split()}
    assert devices & {names.key(name) for name, _ in identities()} == set()


def test_no_name_shows_a_sign_of_another_vendor() -> None:
    tables = GpuTables()
    every = [name for name, _ in identities()] + [row["spelling"] for row in read_table("spellings")]
    assert [name for name in every if other_vendor(tables, names.words(name), name.lower())] == []


def test_every_sign_leads_to_a_vendor_with_advice() -> None:
    vendors = {row["vendor"] for row in read_table("vendors")}
    assert {row["vendor"] for row in read_table("vendor_signs")} == vendors


def test_a_dissenting_source_says_something_else() -> None:
    for row in read_table("gpus"):
        for claim in filter(None, row["dissent"].split(";")):
            source, _, capability = claim.partition("=")
            assert capability != row["compute_capability"], row["name"]
            assert source in row["sources"], row["name"]


def test_only_thor_is_renumbered() -> None:
    assert {(r["chip"], r["compute_capability"], r["renumbered"]) for r in read_table("gpus") if r["renumbered"]} == {
        ("GB10B", "11.0", "10.1")
    }
    assert all(r["renumbered"] for r in read_table("gpus") if r["chip"] == "GB10B")
