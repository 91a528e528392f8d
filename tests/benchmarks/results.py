"""What a benchmark found, as text and as JSON."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure. `limit` is the most that is aimed at, or None; `note` says what it was made from."""

    name: str
    value: float | None
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or an empty string without a limit or a value."""
        if self.limit is None or self.value is None:
            return ""
        return "met" if self.value <= self.limit else "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The figures of one benchmark. `facts` say what was measured on what."""

    name: str
    what: str
    measures: tuple[Measure, ...]
    facts: tuple[str, ...] = field(default=())


def machine() -> str:
    """The machine and the Python that the figures belong to."""
    import os

    name = platform.processor() or platform.machine()
    return f"Python {platform.python_version()}, {platform.system()} {name}, {os.cpu_count()} cores"


def as_text(results: Sequence[Result]) -> str:
    """A paragraph for each benchmark."""
    return "\n".join(line for result in results for line in _lines(result))


def _lines(result: Result) -> Iterator[str]:
    yield f"{result.name}: {result.what}"
    for measure in result.measures:
        value = "unknown here" if measure.value is None else f"{measure.value:,.2f} {measure.unit}"
        aim = "" if measure.limit is None else f"at most {measure.limit:,g}"
        yield f"  {measure.name:22} {value:32} {aim:16} {measure.verdict:8}{measure.note}".rstrip()
    for fact in result.facts:
        yield f"  ({fact})"
    yield ""


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """The document of `--format json`."""
    found = []
    for result in results:
        entry = asdict(result)
        for measure, row in zip(result.measures, entry["measures"], strict=True):
            row["verdict"] = measure.verdict
        found.append(entry)
    return {"schema_version": 1, "machine": machine(), "results": found}
