"""Every name, virtual name and PCI id of the catalog finds itself, however it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envgen.core.capability import ComputeCapability
from envgen.facts.tables import read_table
from gpus.gpu_catalog import ask, catalog, outcome


def full_width(text: str) -> str:
    """Printable ASCII as full-width forms (U+FF01 to U+FF5E), spaces as U+3000."""
    return "".join("\u3000" if c == " " else chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda name: name,
    "with the maker in front": lambda name: f"NVIDIA {name}",
    "in lower case": str.lower,
    "in upper case": str.upper,
    "without spaces": lambda name: name.replace(" ", ""),
    "maker and name without spaces": lambda name: f"nvidia{name}".replace(" ", "").lower(),
    "with full-width letters": full_width,
    "with underscores": lambda name: name.replace(" ", "_"),
    "with hyphens": lambda name: name.replace(" ", "-"),
    "with spaces around": lambda name: f"  {name}\t",
    "as nvidia-smi -L prints it": lambda name: f"GPU 3: NVIDIA {name} (UUID: GPU-01234567-89ab-cdef-0123-456789abcdef)",
    "as OpenGL prints it": lambda name: f"NVIDIA {name}/PCIe/SSE2",
    "as lspci prints it without a codename": lambda name: (
        f"01:00.0 VGA compatible controller: NVIDIA Corporation {name}"
    ),
}


# Names that stand in longer lines; the few with a comma or brackets, which separate things there, are left out.
LINES: dict[str, Callable[[str], str]] = {
    "as TensorFlow logs it": lambda name: f"device: 0, name: {name}, pci bus id: 0000:01:00.0",
    "as ComfyUI logs it": lambda name: f"Device: cuda:0 NVIDIA {name} : cudaMallocAsync",
    "as Windows' Task Manager shows it": lambda name: f"GPU 1 NVIDIA {name}",
    "as fastfetch prints it": lambda name: f"GPU: NVIDIA {name} @ 1.71 GHz [Discrete]",
    "as a browser's ANGLE names it": lambda name: f"ANGLE (NVIDIA, NVIDIA {name} Direct3D11 vs_5_0 ps_5_0, D3D11)",
    "as nvidia-smi lists it with driver and memory": lambda name: f"NVIDIA {name}, 535.183.01, 24576 MiB",
    "as a Kubernetes label": lambda name: f"nvidia.com/gpu.product=NVIDIA-{name.replace(' ', '-')}-SHARED",
    "as Slurm counts it": lambda name: f"gpu:{name.lower().replace(' ', '_')}:4",
    "in a sentence": lambda name: f"a workstation with an NVIDIA {name} in it",
}


def expected_of_each_name() -> dict[str, str]:
    """Name -> its capability; several for a name that several GPUs carry, the usual one where the other is rare."""
    rare = {(r["name"], r["compute_capability"]) for r in read_table("ambiguous") if r["kind"] == "rare"}
    found: dict[str, list[str]] = {}
    for row in read_table("gpus"):
        if (row["name"], row["compute_capability"]) not in rare:
            found.setdefault(row["name"], []).append(row["compute_capability"])
    return {name: "|".join(sorted(values, key=ComputeCapability.parse)) for name, values in found.items()}


@pytest.mark.parametrize("form", FORMS)
def test_every_name_matches_itself(form: str) -> None:
    write = FORMS[form]
    answers = {name: ask(write(name)) for name in expected_of_each_name()}
    assert answers == expected_of_each_name()


@pytest.mark.parametrize("line", LINES)
def test_every_name_is_found_in_a_longer_line(line: str) -> None:
    write = LINES[line]
    every = expected_of_each_name().items()
    expected = {name: capability for name, capability in every if "," not in name and "(" not in name}
    assert {name: ask(write(name)) for name in expected} == expected


@pytest.mark.parametrize("line", ["not a {}", "{} or better", "at least {}", "{} 이상"])
def test_no_name_is_taken_from_a_text_that_denies_or_compares(line: str) -> None:
    assert {ask(line.format(name)) for name in sorted(expected_of_each_name())[::12]} == {"unknown"}


def test_an_exact_name_is_answered_with_that_name() -> None:
    single = {name for name, capability in expected_of_each_name().items() if "|" not in capability}
    found = {name: catalog().match(name).gpu for name in single}
    assert {name for name, gpu in found.items() if gpu is None or gpu.name != name} == set()


def test_every_spelling_leads_to_its_gpu() -> None:
    expected: dict[str, list[str]] = {}
    for row in read_table("spellings"):
        expected.setdefault(row["spelling"], []).append(row["compute_capability"])
    wrong = {s: (ask(s), found) for s, found in expected.items() if ask(s) != "|".join(found)}
    # A spelling that names a rare card beside a codename is decided by the codename.
    assert wrong == {}


def test_every_pci_id_has_the_capability_of_one_chip() -> None:
    chips = {row["chip"]: row["compute_capability"] for row in read_table("chips")}
    devices: dict[str, set[str]] = {}
    for row in read_table("gpus"):
        for device in row["pci_ids"].split():
            devices.setdefault(device, set()).add(row["compute_capability"])
            assert {chips[chip] for chip in row["chip"].split()} == {row["compute_capability"]}, row["name"]
    assert {device: ask(f"10de:{device}") for device in devices} == {d: "|".join(c) for d, c in devices.items()}


def test_every_virtual_name_has_the_capability_of_its_board() -> None:
    names = {
        f"{row['board']}-{profile}": row["compute_capability"]
        for row in read_table("vgpu_boards")
        for profile in row["profiles"].split()
    }
    for front in ("", "NVIDIA "):
        assert {name: ask(front + name) for name in names} == names


def test_a_virtual_gpu_carries_its_profile() -> None:
    gpu = catalog().match("grid a100dx-1-10c").gpu
    assert gpu is not None
    assert (gpu.name, gpu.segment) == ("GRID A100DX-1-10C", "vgpu")


def test_all_yields_each_variant_of_a_name() -> None:
    gpus = list(catalog().all())
    assert {gpu.name for gpu in gpus} == set(expected_of_each_name())
    assert [str(gpu.capability) for gpu in gpus if gpu.name == "GeForce GT 730"] == ["2.1", "3.0", "3.5"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("4090", ["GeForce RTX 4090", "GeForce RTX 4090 D", "GeForce RTX 4090 Laptop GPU"]),
        ("rtx 5000", ["Quadro RTX 5000", "RTX 5000 Ada Generation", "RTX PRO 5000 Blackwell"]),
        ("10de:1f97", ["GeForce MX450"]),
        ("gk210", ["GK210", "Tesla K80"]),
        ("3.7", ["Tesla K80"]),
        ("titan maxwell", ["GeForce GTX TITAN X"]),
        ("A10-8Q", ["A10-8Q"]),
        ("nothing of the kind", []),
    ],
)
def test_search(query: str, expected: list[str]) -> None:
    assert [gpu.name for gpu in catalog().search(query)][: len(expected) or 1] == expected


def test_search_keeps_to_its_limit() -> None:
    assert len(catalog().search("geforce", 7)) == 7


def test_a_search_for_an_ambiguous_name_begins_with_its_candidates() -> None:
    match = catalog().match("GT 730")
    first = catalog().search("GT 730", len(match.candidates))
    assert [str(gpu.capability) for gpu in first] == outcome(match).split("|")
