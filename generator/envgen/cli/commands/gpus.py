"""`envgen gpus`: search the GPU catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.output import print_note, write_answer, write_json

if TYPE_CHECKING:
    from envgen.core.gpus import Gpu, Match

Query = Annotated[
    str | None,
    typer.Argument(help="A name or a part of one, a PCI id, a chip or a compute capability. Default: list everything."),
]


def gpus(query: Query = None, output_format: options.Format = options.OutputFormat.TEXT) -> None:
    """Search the GPU catalog: name, compute capability, architecture, chip and PCI ids.

    Example: envgen gpus 4090
    """
    from envgen.gpus.catalog import GpuCatalog
    from envgen.gpus.errors import match_error

    catalog = GpuCatalog.load()
    if query is None:
        match, found = None, tuple(catalog.all())
    else:
        match, found = catalog.match(query), catalog.search(query)
        if not found or match.vendor:
            raise match_error(match)
    if output_format is options.OutputFormat.JSON:
        write_json(gpus_json(query, match, found))
        return
    write_answer(gpus_text(found))
    for note in _remarks(match):
        print_note(note)


def gpus_text(found: Sequence[Gpu]) -> str:
    """An aligned table, one line for each GPU."""
    rows = [("NAME", "CC", "ARCHITECTURE", "CHIP", "PCI IDS")]
    rows += [(g.name, str(g.capability), g.architecture, g.chip, " ".join(g.pci_ids)) for g in found]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)


def gpus_json(query: str | None, match: Match | None, found: Sequence[Gpu]) -> dict[str, object]:
    """The same for scripts. `match` says how the query ended as a GPU's name: exact, ambiguous or unknown."""
    from envgen.facts.tables import catalog_revision

    return {
        "schema_version": 1,
        "catalog": catalog_revision(),
        "query": query,
        "match": match.kind.value if match else None,
        "how_to_tell": match.how_to_tell if match else "",
        "notes": list(match.notes) if match else [],
        "gpus": [
            {
                "name": gpu.name,
                "compute_capability": str(gpu.capability),
                "renumbered_from": str(gpu.renumbered) if gpu.renumbered else None,
                "architecture": gpu.architecture,
                "chip": gpu.chip,
                "segment": gpu.segment,
                "pci_ids": list(gpu.pci_ids),
            }
            for gpu in found
        ],
    }


def _remarks(match: Match | None) -> tuple[str, ...]:
    """What a reader of the table should know: how to tell candidates apart, and the notes of the look-up."""
    if match is None:
        return ()
    if match.candidates:
        tell = f"how to tell them apart: {match.how_to_tell}" if match.how_to_tell else ""
        return tuple(note for note in (f'"{match.query}" can mean {len(match.candidates)} GPUs', tell) if note)
    return match.notes
