"""Texts as programs, clouds, shops and people write them: what must be answered, and what must be asked.

`gpu_texts.csv` holds the text, what is right (a compute capability, `ask` for unknown or ambiguous, `other-vendor`; two
with a bar where either will do) and how it came about: the program or place that prints it, `answered` for further
examples of the same kinds, `asked` for texts that must never be answered with a card. The capability is that of the
card which the program's own documentation or the shop's page names; the forms of program lines are those of nvidia-smi,
lspci, lshw, inxi, fastfetch, dxdiag, Task Manager, WebGL (ANGLE, Mesa, Firefox), Slurm and Kubernetes.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envgen.core.gpus import Match, MatchKind
from envgen.facts.tables import read_table
from equipment.examples import examples
from gpus.gpu_catalog import catalog

with (Path(__file__).parent / "gpu_texts.csv").open(encoding="utf-8", newline="") as stream:
    TEXTS = list(csv.DictReader(stream))
ASKED = [row["text"] for row in TEXTS if row["written"] == "asked"]


def verdict(match: Match) -> str:
    """The answer as `gpu_texts.csv` writes it."""
    if match.kind is MatchKind.EXACT:
        assert match.gpu is not None
        return str(match.gpu.capability)
    return "other-vendor" if match.vendor else "ask"


@pytest.mark.parametrize("row", TEXTS, ids=[f"{row['written']}: {row['text'][:50]}" for row in TEXTS])
def test_a_text_is_read_as_what_it_says(row: dict[str, str]) -> None:
    assert verdict(catalog().match(row["text"])) in row["expected"].split("|")


def test_there_are_many_texts_of_both_sorts() -> None:
    assert len(ASKED) >= 160
    assert sum(row["expected"] not in ("ask", "other-vendor") for row in TEXTS) >= 360


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("Lenovo Legion RTX 4070 140W", "read as GeForce RTX 4070; ignored: lenovo legion"),
        ("GTX 4060", "read as GeForce RTX 4060; no GPU of that number is of the line that was written"),
        ("g5.xlarge", "that instance type of AWS has A10G"),
        ("RTX 5090, RTX 5080", "also named, with the same compute capability: GeForce RTX 5080"),
        ("Intel UHD 630 + GeForce GTX 1650", "left out, as it is not NVIDIA's: intel uhd 630"),
        (
            "Tesla P100-PCIE...",
            "the name was cut short; every GPU whose name begins so has compute capability 6.0",
        ),
    ],
)
def test_what_was_read_is_said(text: str, note: str) -> None:
    assert note in catalog().match(text).notes


@pytest.mark.parametrize("text", ["RTX 3060 12GB", "ASUS Dual GeForce RTX 5060 Ti 16GB GDDR7 OC", "2x RTX 4090"])
def test_filler_beside_a_name_is_passed_over_without_a_word(text: str) -> None:
    assert catalog().match(text).notes == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("RTX 5080 SUPER", '"super" beside the name would make it another card'),
        ("RTX 3060 or better", '"better" beside the name leaves open which GPU is meant'),
        ("RTX 4090 LE", '"le" behind the name would make it another card, which is not in the catalog'),
        ("Samsung A10", '"samsung" beside a short name leaves open whether it is a GPU\'s'),
        ("GTX 1080, RTX 6090", "the text names another model beside it: give each its own --gpu"),
        ("A100, H100", "the text names several GPUs: give each its own --gpu"),
        (
            "RTX 3060, compute capability 7.5",
            "the text states compute capability 7.5, which is not that of GeForce RTX 3060",
        ),
        (
            "NVIDIA Foo 9, compute capability 7.5",
            "the text states compute capability 7.5: --compute-capability 7.5 takes it",
        ),
        ("gpu:2", "that asks the scheduler for any GPU: give the name of the one that the job gets"),
        ("MIG 1g.10gb", "a MIG slice has the compute capability of its card: give the card's name (`nvidia-smi -L`)"),
        (
            "PNY VCNRTXPRO6000BQ-PB",
            "that looks like a part number: the box, the maker's page or `nvidia-smi -L` has the GPU's name",
        ),
        ("n1-standard-8", "that machine type has the GPU that was attached to it: give the GPU's name"),
    ],
)
def test_why_a_text_is_asked_about_is_said(text: str, reason: str) -> None:
    match = catalog().match(text)
    assert match.kind is MatchKind.UNKNOWN
    assert reason in match.notes


@pytest.mark.parametrize(
    ("text", "vendor"),
    [
        ("g4ad.xlarge", "AMD"),  # Radeon Pro V520
        ("Standard_ND96isr_MI300X_v5", "AMD"),
        ("trn1.32xlarge", "AWS"),
        ("ct5lp-hightpu-4t", "Google"),
        ("Intel UHD Graphics 620", "Intel"),
    ],
)
def test_a_machine_without_nvidia_is_another_vendors(text: str, vendor: str) -> None:
    assert catalog().match(text).vendor == vendor


@pytest.mark.parametrize("text", ["Intel UHD Graphics 620", "Intel(R) Iris(R) Xe Graphics", "HD Graphics 4600"])
def test_old_intel_graphics_are_not_sent_to_the_build_for_arc(text: str) -> None:
    assert "whl/cpu" in catalog().match(text).advice
    assert "xpu" not in catalog().match(text).advice


@pytest.mark.parametrize("text", ["Intel Arc A770", "Arc B580", "Intel Core Ultra 7 155H", "Intel Data Center GPU Max"])
def test_arc_is_sent_to_the_xpu_build(text: str) -> None:
    assert "whl/xpu" in catalog().match(text).advice
    assert "whl/cpu" not in catalog().match(text).advice


def test_a_capability_that_is_stated_picks_one_of_several() -> None:
    match = catalog().match("GeForce GT 730, compute capability 3.5")
    assert match.gpu is not None
    assert str(match.gpu.capability) == "3.5"


def test_every_system_and_instance_type_leads_to_its_gpu() -> None:
    systems: dict[str, set[str]] = {}
    for row in read_table("systems"):
        systems.setdefault(row["system"], set()).add(row["compute_capability"])
    found = {name: verdict(catalog().match(name)) for name in systems}
    assert found == {name: next(iter(values)) if len(values) == 1 else "ask" for name, values in systems.items()}
    for row in read_table("instance_types"):
        text = row["pattern"].replace("SIZE", "2xlarge").replace("#", "4").replace("*", "")
        expected = row["compute_capability"] or ("other-vendor" if row["vendor"] else "ask")
        assert verdict(catalog().match(text)) == expected, text


def test_every_gpu_of_one_platform_is_in_the_catalog() -> None:
    known = {row["name"] for row in read_table("gpus")} | {row["board"] for row in read_table("vgpu_boards")}
    assert {row["name"] for row in read_table("gpu_platforms")} <= known


def test_no_instance_type_is_the_name_of_a_gpu_or_a_chip() -> None:
    shadowed = [row["name"] for row in read_table("gpus") if verdict(catalog().match(row["name"])) == "other-vendor"]
    assert shadowed == []
    chips = {row["chip"]: row["compute_capability"] for row in read_table("chips")}
    for row in read_table("chip_names"):
        assert verdict(catalog().match(row["name"])) == chips[row["chip"]]


WORDS = (
    *(
        "RTX",
        "GTX",
        "GeForce",
        "NVIDIA",
        "3060",
        "4090",
        "A100",
        "T4",
        "Ti",
        "SUPER",
        "Ada",
        "not",
        "or",
        "laptop",
        "x2",
    ),
    *("gpu:", "g5.xlarge", "8GB", "(1024)", "sm_86", "...", ",", "+", "/", "Samsung", "노트북", "видеокарта", "이상"),
)


@settings(deadline=None, max_examples=examples(150))
@given(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join))
@example("RTX 3060 not")
def test_words_around_names_get_an_answer_that_keeps_the_rule(text: str) -> None:
    match = catalog().match(text)
    assert match.query == text
    if "not" in text.split() or "이상" in text:
        assert match.kind is not MatchKind.EXACT or "10de" in text


@pytest.mark.parametrize(
    "piece", ["RTX 3060 ", "A100 ", "a1 b2 ", "a/", "gpu:a ", "1g.10gb ", "name: ", "device: ", "x" * 50, "10de:", "- "]
)
def test_the_work_grows_with_the_text_and_no_faster(piece: str) -> None:
    catalog().match("warm up: words beside RTX 3060")
    short, long = (seconds((piece * length)[:length]) for length in (470, 1_880))
    assert long < 10 * short + 0.05  # four times the text; quadratic work is sixteen times as much
    assert seconds((piece * 50_000)[:50_000]) < 10 * short + 0.05  # no GPU's name is so long: it is not read


def seconds(text: str) -> float:
    """The processor time of one look-up, the least of three."""

    def once() -> float:
        started = time.process_time()
        catalog().match(text)
        return time.process_time() - started

    return min(once() for _ in range(3))
