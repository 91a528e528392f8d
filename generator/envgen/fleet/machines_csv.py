"""The list of machines as a spreadsheet or an inventory writes it: name, gpu, driver, platform."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.errors import quoted
from envgen.core.patterns import Pattern
from envgen.core.text_files import read_text_file, system_reason
from envgen.targets.errors import Mistake, MistakesError

COLUMNS = ("name", "gpu", "driver", "platform")
_NEEDED = ("name", "gpu", "platform")
_LARGEST = 16 << 20  # bytes; 100,000 machines in UTF-16
# What Excel takes the separator from, and some programs write for it.
_SEPARATOR = Pattern(r'"?sep=(?P<separator>[,;\t])"?', re.IGNORECASE)


class MachinesFileError(MistakesError):
    """A list of machines can't be used."""

    code = "machines-file"

    def __init__(self, name: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__(name, mistakes, "mend these lines; nothing was written")


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetMachine:
    """A machine as it is listed; `driver` is empty when it is not stated, `line` is that of its first GPU."""

    name: str
    gpus: tuple[str, ...]
    driver: str
    platform: str
    line: int


def read_machines(path: Path) -> tuple[FleetMachine, ...]:
    """Return the machines of a file, in its order. Lines of one name are the GPUs of one machine.

    Raises: MachinesFileError with every mistake of its form.
    """
    name = path.name
    try:
        text = read_text_file(path, largest=_LARGEST)
    except (OSError, ValueError) as error:
        mistake = Mistake(line=1, place="", text=f"it can't be read: {system_reason(error)}")
        raise MachinesFileError(name, [mistake]) from error
    mistakes: list[Mistake] = []
    rows = list(_rows(text, mistakes))
    machines = _machines(rows, mistakes)
    if not rows and not mistakes:
        mistakes.append(Mistake(line=1, place="", text=f"no machine is listed below {','.join(COLUMNS)}"))
    if mistakes:
        raise MachinesFileError(name, mistakes)
    return machines


def _rows(text: str, mistakes: list[Mistake]) -> Iterator[FleetMachine]:
    """The lines of the table, each as a machine of its own."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    stated = _SEPARATOR.fullmatch(first.strip())
    separator = stated["separator"] if stated else max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: list[str] = []
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            line = reader.line_num - sum(cell.count("\n") for cell in row)
            is_separator = not header and stated and cells[0].lower().startswith("sep=")
            if not any(cells) or cells[0].startswith("#") or is_separator:
                continue
            if not header:
                header = [cell.lower() for cell in cells]
                if missing := _missing(header):
                    mistakes.append(Mistake(line=line, place="", text=missing))
                    return
            elif len(cells) > len(header) and any(cells[len(header) :]):
                text = f"{len(cells)} cells where the first line has {len(header)}"
                mistakes.append(Mistake(line=line, place="", text=text))
            elif (machine := _machine(dict(zip(header, cells, strict=False)), line, mistakes)) is not None:
                yield machine
    except csv.Error as error:
        mistakes.append(Mistake(line=max(1, reader.line_num), place="", text=f"it is no CSV: {error}"))


def _missing(header: Sequence[str]) -> str:
    """What is wrong with the first line, or an empty text."""
    if repeated := [name for name in COLUMNS if header.count(name) > 1]:
        return f"the first line has {repeated[0]} twice"
    for name in (name for name in _NEEDED if name not in header):
        close = get_close_matches(name, [cell for cell in header if cell not in COLUMNS], n=1, cutoff=0.5)
        near = f"; is {quoted(close[0])} meant?" if close else ""
        return f"the first line has no column {name}: it must name {', '.join(COLUMNS)}{near}"
    return ""


def _machine(cells: dict[str, str], line: int, mistakes: list[Mistake]) -> FleetMachine | None:
    name, platform = cells.get("name", ""), cells.get("platform", "")
    for column, cell in (("name", name), ("platform", platform)):
        if not cell:
            mistakes.append(Mistake(line=line, place=column, text="it is empty"))
    gpu = cells.get("gpu", "")
    if ";" in gpu:
        mistakes.append(Mistake(line=line, place="gpu", text=f"{quoted(gpu)}: a line for each GPU, with the same name"))
    if not (name and platform) or ";" in gpu:
        return None
    gpus = (gpu,) if gpu else ()
    return FleetMachine(name=name, gpus=gpus, driver=cells.get("driver", ""), platform=platform, line=line)


def _machines(rows: Sequence[FleetMachine], mistakes: list[Mistake]) -> tuple[FleetMachine, ...]:
    """The machines: lines of one name are one of them, and agree in all but the GPU."""
    found: dict[str, FleetMachine] = {}
    for row in rows:
        first = found.setdefault(row.name, row)
        if (first.driver, first.platform) != (row.driver, row.platform):
            text = f"{quoted(row.name)} is at line {first.line} with another driver or platform"
            mistakes.append(Mistake(line=row.line, place="name", text=text))
        gpus = tuple(dict.fromkeys((*first.gpus, *row.gpus)))
        found[row.name] = FleetMachine(
            name=row.name, gpus=gpus, driver=first.driver, platform=first.platform, line=first.line
        )
    return tuple(found.values())
