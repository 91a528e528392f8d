"""Task `pci-ids`: the PCI ids of gpus.csv against the list of pci-ids.ucw.cz."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.refresh.index_pages import read_text
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows
from envgen.refresh.rewrite import table_file

PCI_IDS = "https://pci-ids.ucw.cz/v2.2/pci.ids"


def refresh_pci_ids(inputs: Inputs) -> Outcome:
    """gpus.csv with the ids that the list gives to names it has, and findings about the rest.

    Raises: UnreachableError, SourceDataError, FactInvalidError.
    """
    url = inputs.source or PCI_IDS
    devices = parse_pci_ids(read_text(inputs, url), url=url)
    rows, findings = with_ids(read_table("gpus", inputs.folder), devices)
    return Outcome(files=table_file("gpus", rows), findings=tuple(findings))


def parse_pci_ids(text: str, *, url: str) -> Mapping[str, tuple[str, str]]:
    """Device id -> codename of the chip and name of the GPU (`TU117M`, `GeForce MX450`), of NVIDIA's devices.

    Raises: SourceDataError when the list has no NVIDIA.
    """
    block = re.search(r"^10de  .*\n((?:[\t#].*\n|\n)*)", text, flags=re.MULTILINE)
    if not block:
        raise SourceDataError(url=url, reason="no vendor 10de")
    found = re.findall(r"^\t([0-9a-f]{4})  ([A-Z]{2}\w+) \[([^\]\n]+)\]$", block[1], flags=re.MULTILINE)
    return {device: (chip, name) for device, chip, name in found}


def with_ids(rows: Rows, devices: Mapping[str, tuple[str, str]]) -> tuple[Rows, list[Finding]]:
    """Return the rows with new ids of the same name and chip; a GPU that is not there is a finding, never a row."""
    known = {device: row for row in rows for device in row["pci_ids"].split()}
    by_name = {(row["name"], chip): row["name"] for row in rows for chip in row["chip"].split()}
    new: dict[str, set[str]] = {}
    findings = list(_differing(known, devices))
    for device, (codename, name) in devices.items():
        owner = next((by_name[name, chip] for chip in _chips(codename) if (name, chip) in by_name), None)
        if device not in known and owner:
            new.setdefault(owner, set()).add(device)

    def with_new(row: dict[str, str]) -> dict[str, str]:
        return {**row, "pci_ids": " ".join(sorted({*row["pci_ids"].split(), *new[row["name"]]}))}

    return [with_new(row) if row["name"] in new else row for row in rows], findings


def _differing(known: Mapping[str, Mapping[str, str]], devices: Mapping[str, tuple[str, str]]) -> Iterator[Finding]:
    """One warning for each id that the list gives to another chip."""
    for device, row in known.items():
        codename, name = devices.get(device, ("", ""))
        if codename and row["chip"] and not {*_chips(codename)} & {*row["chip"].split()}:
            yield Finding(
                code="pci-id-differs",
                title=f"PCI id {device}: {row['name']} ({row['chip']}) in gpus.csv, {codename} [{name}] in pci.ids",
                remedy="find out which is right; record the other in disagreements.csv",
            )


def _chips(codename: str) -> tuple[str, ...]:
    """The chips that a codename can mean: its own name, and without the letters for a laptop or a board (`TU117M`)."""
    return codename, re.sub(r"(?<=\d)[A-Z]+$", "", codename)
