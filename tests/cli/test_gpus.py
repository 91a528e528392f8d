"""`envgen gpus` as a user runs it: the answer on stdout, the rest on stderr."""

from __future__ import annotations

import json

import pytest

from envgen.cli.main import main
from envgen.facts.tables import catalog_revision, read_table

Captured = pytest.CaptureFixture[str]


def test_a_number_lists_every_gpu_that_has_it(capsys: Captured) -> None:
    assert main(["gpus", "4090"]) == 0
    out, err = capsys.readouterr()
    assert out == (
        "NAME                         CC   ARCHITECTURE  CHIP   PCI IDS\n"
        "GeForce RTX 4090             8.9  Ada Lovelace  AD102  2684\n"
        "GeForce RTX 4090 D           8.9  Ada Lovelace  AD102  2685\n"
        "GeForce RTX 4090 Laptop GPU  8.9  Ada Lovelace  AD103  2717 2757\n"
    )
    assert err == ""


def test_an_ambiguous_name_lists_its_candidates_and_says_how_to_tell(capsys: Captured) -> None:
    assert main(["gpus", "GeForce GT 1030"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[3] for line in out.splitlines()[1:]] == ["6.1", "3.0"]
    assert "a rare card of that name is 3.0" in err
    assert main(["gpus", "Titan X"]) == 0
    out, err = capsys.readouterr()
    assert [line.split("  ")[0] for line in out.splitlines()[1:3]] == ["GeForce GTX TITAN X", "TITAN X (Pascal)"]
    assert err.splitlines()[0] == 'note: "Titan X" can mean 2 GPUs'
    assert err.splitlines()[1].startswith("note: how to tell them apart: 5.2: Maxwell GM200, 2015")


def test_without_a_query_the_whole_catalog_is_listed(capsys: Captured) -> None:
    assert main(["gpus"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split("  ")[0] for line in lines[1:]} == {row["name"] for row in read_table("gpus")}
    assert not any(line.endswith(" ") for line in lines)


def test_json(capsys: Captured) -> None:
    assert main(["gpus", "GeForce MX450", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema_version": 1,
        "catalog": catalog_revision(),
        "query": "GeForce MX450",
        "match": "exact",
        "how_to_tell": "",
        "notes": [],
        "gpus": [
            {
                "name": "GeForce MX450",
                "compute_capability": "7.5",
                "renumbered_from": None,
                "architecture": "Turing",
                "chip": "TU117",
                "segment": "geforce-laptop",
                "pci_ids": ["1f97", "1f98", "1f9c"],
            }
        ],
    }


def test_json_of_a_renumbered_and_of_an_ambiguous_gpu(capsys: Captured) -> None:
    assert main(["gpus", "Jetson T5000", "--format", "json"]) == 0
    gpu = json.loads(capsys.readouterr().out)["gpus"][0]
    assert (gpu["compute_capability"], gpu["renumbered_from"]) == ("11.0", "10.1")
    assert main(["gpus", "RTX 6000", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["match"] == "ambiguous"
    assert [found["compute_capability"] for found in document["gpus"]][:3] == ["7.5", "8.9", "12.0"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("RTX 49000", 'error: no GPU named "RTX 49000" in the catalog [gpu-unknown]\n', id="unknown"),
        pytest.param(
            "Radeon RX 580", 'error: "Radeon RX 580" is not an NVIDIA GPU (vendor: AMD) [other-vendor]\n', id="amd"
        ),
    ],
)
def test_no_match_is_status_3_and_nothing_on_stdout(query: str, message: str, capsys: Captured) -> None:
    assert main(["gpus", query]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert "  hint: " in err


def test_an_unknown_name_gets_suggestions(capsys: Captured) -> None:
    assert main(["gpus", "RTX 4900"]) == 3
    assert "  closest names: GeForce RTX 4090, " in capsys.readouterr().err
