"""Files of releases: one TOML a PyTorch release, which a person edits; `compiled` makes the tables of them.

A file has the release in its name (`builds/2.15.0.toml`) and holds its `[companions]`, its CUDA wheels as
`[pip.TAG.SUBDIR]`, its conda builds with CUDA as `[[conda.build]]` and its CPU builds as `[cpu.SET.SUBDIR]`. Keys are
columns of companions.csv, torch_builds.csv, conda_builds.csv and cpu_builds.csv. What is said at `[pip]` or `[pip.TAG]`
holds for all builds below it, and so with `[cpu]` and `[cpu.SET]`; at `[conda]` for all of conda's.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from envgen.core.dataclass import dataclass
from envgen.facts.errors import FactInvalidError, Violation
from envgen.facts.schema_checks import cell_problems, natural_key
from envgen.facts.tables import read_schema

FOLDER = "builds"
Cells = Mapping[str, str]
# What the heading or the compilation says is no key of a file.
_TABLES = {
    "companions": ("companions", ("torch",)),
    "pip": ("torch_builds", ("torch", "cuda_tag", "subdir", "pythons_seen", "libraries")),
    "conda": ("conda_builds", ("pytorch",)),
    "cpu": ("cpu_builds", ("torch", "set", "subdir")),
}
# Parts whose builds are keyed by a kind and a subdir.
_NESTED = ("pip", "cpu")
# A list that was copied from the release before, and not looked up, is one that is inferred.
_DEFAULTS = {"existence": "announced", "evidence": "inferred"}
_HEADER = "# PyTorch {torch}. How this file becomes tables: `python -m envgen.refresh compile --write`.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release: cells by column.

    `pip` is keyed by CUDA tag and subdir, `cpu` by set and subdir; `conda` is in the order of the file.
    """

    torch: str
    companions: Cells
    pip: Mapping[tuple[str, str], Cells]
    conda: tuple[Cells, ...]
    cpu: Mapping[tuple[str, str], Cells] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Its file, below the folder of the tables."""
        return f"{FOLDER}/{self.torch}.toml"

    def with_pip(self, key: tuple[str, str], **cells: str) -> Release:
        """The release with other cells in one wheel build, which may be a new one."""
        pip = {**self.pip, key: {**self.pip.get(key, _empty("pip")), **cells}}
        return replace(self, pip=pip)

    def with_companions(self, **cells: str) -> Release:
        """The release with other companions."""
        return replace(self, companions={**self.companions, **cells})


def read_releases(folder: Path) -> dict[str, Release]:
    """Release -> its file, oldest first.

    Raises: FactInvalidError with what is wrong in any of them.
    """
    found: dict[str, Release] = {}
    wrong: list[Violation] = []
    for path in sorted((folder / FOLDER).glob("*.toml"), key=lambda path: natural_key([path.stem])):
        try:
            found[path.stem] = parse_release(path.stem, path.read_text(encoding="utf-8"))
        except FactInvalidError as error:
            wrong += error.violations
    if wrong:
        raise FactInvalidError(tuple(wrong))
    return found


def parse_release(torch: str, text: str) -> Release:
    """The inverse of `dump_release`; keys that the file leaves out are empty, or what is usual.

    Raises: FactInvalidError with every key that is unknown or has no such value, with its line.
    """
    file = f"{FOLDER}/{torch}.toml"
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = Violation(file=file, line=1, column="", value=str(error), expected="a TOML file")
        raise FactInvalidError((where,)) from error
    builds = [(part, *build) for part in _NESTED for build in _nested_builds(document.get(part, {}))]
    conda = document.get("conda", {})
    common = _values(conda)
    places = [
        ("companions", "companions", document.get("companions", {})),
        *((part, f"{part}.{kind}.{subdir}", cells) for part, kind, subdir, cells in builds),
        *(("conda", "conda.build", {**common, **cells}) for cells in conda.get("build", [])),
    ]
    lines = _lines(text)
    wrong = [v for table, heading, cells in places for v in _violations(file, lines, table, heading, cells)]
    unknown = sorted(set(document) - set(_TABLES))
    wrong += [
        Violation(file=file, line=1, column="", value=k, expected=f"one of {', '.join(_TABLES)}") for k in unknown
    ]
    if wrong:
        raise FactInvalidError(tuple(wrong))
    filled = [(heading, {**_empty(table), **cells}) for table, heading, cells in places]
    nested = {part: {(k, s): {**_empty(part), **cells} for of, k, s, cells in builds if of == part} for part in _NESTED}
    return Release(
        torch=torch,
        companions=filled[0][1],
        conda=tuple(cells for heading, cells in filled if heading == "conda.build"),
        **nested,
    )


def dump_release(release: Release) -> str:
    """The text of a release's file, in the one form that it has: shared cells once, usual and empty ones left out."""
    text = _HEADER.format(torch=release.torch)
    text += _block("[companions]", release.companions, _empty("companions"))
    text += _nested_text("pip", release.pip)
    common = _shared(release.conda, _empty("conda")) if len(release.conda) > 1 else {}
    text += _block("[conda]", common, _empty("conda"))
    for cells in release.conda:
        text += _block("[[conda.build]]", cells, {**_empty("conda"), **common}, always=True)
    return text + _nested_text("cpu", release.cpu)


def _nested_text(part: str, all_builds: Mapping[tuple[str, str], Cells]) -> str:
    """The blocks of builds that are keyed by a kind and a subdir."""
    shared = _shared(all_builds.values(), _empty(part))
    text = _block(f"[{part}]", shared, _empty(part))
    for kind in sorted({kind for kind, _ in all_builds}, key=lambda kind: natural_key([kind])):
        builds = {subdir: cells for (of, subdir), cells in all_builds.items() if of == kind}
        inherited = {**_empty(part), **shared}
        of_kind = _shared(builds.values(), inherited) if len(builds) > 1 else {}
        text += _block(f"[{part}.{kind}]", of_kind, inherited)
        for subdir in sorted(builds):
            text += _block(f"[{part}.{kind}.{subdir}]", builds[subdir], {**inherited, **of_kind}, always=True)
    return text


def columns_of(table: str) -> list[str]:
    """The columns of a table, as its schema orders them."""
    return list(read_schema(table)["properties"])


def _rules(part: str) -> dict[str, Mapping[str, Any]]:
    """The keys of a part of a file -> the rule of their cells."""
    table, derived = _TABLES[part]
    rules = {column: rule for column, rule in read_schema(table)["properties"].items() if column not in derived}
    if part == "pip":  # what was read from a wheel is in torch_measured.csv, with the file that it was read from
        evidence = rules["evidence"]
        rules["evidence"] = {**evidence, "enum": [level for level in evidence["enum"] if level != "measured"]}
    return rules


def _empty(part: str) -> dict[str, str]:
    defaults = {"existence": "announced"} if part == "cpu" else _DEFAULTS
    return {column: defaults.get(column, "") for column in _rules(part)}


def _values(table: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a TOML table that are no tables themselves."""
    return {key: value for key, value in table.items() if not isinstance(value, dict | list)}


def _nested_builds(part: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind (a CUDA tag, or a set), subdir and cells of each build, with what holds for all above it."""
    for kind, of_kind in part.items():
        for subdir, cells in of_kind.items() if isinstance(of_kind, dict) else ():
            if isinstance(cells, dict):
                yield kind, subdir, {**_values(part), **_values(of_kind), **cells}


def _lines(text: str) -> dict[tuple[str, str], int]:
    """(Heading, key) -> its first line; the heading alone has the key "". Used for messages only."""
    found: dict[tuple[str, str], int] = {}
    heading = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("["):
            heading = line.strip("[] ")
            found.setdefault((heading, ""), number)
        else:
            found.setdefault((heading, line.partition("=")[0].strip()), number)
    return found


def _violations(
    file: str, lines: Mapping[tuple[str, str], int], part: str, heading: str, cells: Mapping[str, Any]
) -> Iterator[Violation]:
    rules = _rules(part)
    parents = [heading, heading.rpartition(".")[0], part]
    for key, value in {**_empty(part), **cells}.items():
        places = [lines[place, key] for place in parents if (place, key) in lines]
        line = (places or [lines.get((heading, ""), 1)])[0]
        if key not in rules:
            yield Violation(file=file, line=line, column=key, value=str(value), expected=f"one of {', '.join(rules)}")
        elif not isinstance(value, str):
            yield Violation(file=file, line=line, column=key, value=str(value), expected="a quoted string")
        else:
            for expected in cell_problems(value, rules[key]):
                yield Violation(file=file, line=line, column=key, value=value, expected=expected)


def _shared(builds: Iterable[Cells], inherited: Cells) -> dict[str, str]:
    """The cells that all builds have alike and that are not what they would be anyway."""
    rows = list(builds)
    first = rows[0] if rows else {}
    return {k: v for k, v in first.items() if v != inherited[k] and all(row[k] == v for row in rows)}


def _block(heading: str, cells: Cells, inherited: Cells, *, always: bool = False) -> str:
    """A heading with the cells that are not inherited, in the order of the schema; nothing where there are none."""
    changed = [column for column in inherited if cells.get(column, inherited[column]) != inherited[column]]
    own = [f"{column} = {json.dumps(cells[column], ensure_ascii=False)}" for column in changed]
    return "\n".join(["", heading, *own, ""]) if own or always else ""
