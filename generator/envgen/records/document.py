"""A record of a request as plain values: one line of JSON in a header, a table in pylock.toml."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.errors import EnvgenError
from envgen.core.json_text import JsonError, parse_json
from envgen.core.platforms import Subdir
from envgen.core.request import CHOICES, DriverOrigin, choices_of
from envgen.core.sets import PackageSet
from envgen.records.errors import RecordError, RecordNewerError
from envgen.records.request import Binding, GpuRecord, MachineRecord, PlatformRecord, RequestRecord

VERSION = 1
# Choices that version 1 of the line names whatever they are; others are named where they are not the default.
_ALWAYS = ("python", "torch", "cuda", "vision", "audio")
_LISTS = ("extras", "groups", "channels", "sources")


def to_document(record: RequestRecord) -> dict[str, Any]:
    """The record as plain values, in the order in which they are written."""
    gpus = tuple(dict.fromkeys(gpu for one in record.platforms for gpu in one.gpus))
    named = [{"name": gpu.name, "capability": str(gpu.capability)} for gpu in gpus]
    document: dict[str, Any] = {"v": VERSION, "gpus": named}
    if record.codes:
        document |= {"codes": [str(code) for code in record.codes], "floor": str(record.floor or "")}
    document["platforms"] = [_platform_document(one, gpus) for one in record.platforms]
    choices = choices_of(record)
    document |= {name: choices.pop(name) for name in _ALWAYS}
    document["with"] = {of.value: list(record.packages[of]) for of in Binding if record.packages.get(of)}
    document |= {name: value for name, value in choices.items() if value != CHOICES[name]}
    document |= {"name": record.name} if record.name else {}
    document |= {"inputs": {name: list(lines) for name, lines in record.inputs.items()}} if record.inputs else {}
    document |= {name: list(getattr(record, name)) for name in _LISTS if getattr(record, name)}
    return document | ({} if record.index_lines else {"index_lines": False})


def to_json(record: RequestRecord) -> str:
    """The record as one line of ASCII JSON."""
    return json.dumps(to_document(record), separators=(",", ":"))


def from_json(text: str) -> RequestRecord:
    """Return the record that a line of JSON states.

    Raises: RecordNewerError for another version of it, RecordError for anything that `to_json` does not write.
    """
    try:
        document = parse_json(text)
    except JsonError as error:
        raise RecordError(f"it is not JSON: {error}") from error
    record = from_document(document)
    if to_json(record) != text:
        raise RecordError("it is not spelled as envgen spells it")
    return record


def from_document(document: object) -> RequestRecord:
    """Return the record that plain values state.

    Raises: RecordNewerError for another version of it, RecordError for anything that `to_document` does not return.
    """
    if isinstance(document, dict) and type(document.get("v")) is int and document["v"] > VERSION:
        raise RecordNewerError(f"its version is {document['v']}, this release reads {VERSION}")
    try:
        record = _read(document)
        same = to_document(record) == document
    except (AttributeError, LookupError, TypeError, ValueError, EnvgenError) as error:
        raise RecordError(f"{type(error).__name__}: {error}") from error
    if not same:
        raise RecordError("it has other keys or values than envgen writes")
    return record


def _read(document: Any) -> RequestRecord:  # noqa: ANN401 -- what a JSON text holds; compared again as a whole
    gpus = tuple(
        GpuRecord(name=_text(gpu["name"]), capability=ComputeCapability.parse(gpu["capability"]))
        for gpu in document["gpus"]
    )
    floor = document.get("floor", "")
    lists: dict[str, Any] = {name: tuple(map(_text, document.get(name, ()))) for name in _LISTS}
    return RequestRecord(
        platforms=tuple(_read_platform(one, gpus) for one in document["platforms"]),
        packages={Binding(of): tuple(map(_text, texts)) for of, texts in document["with"].items()},
        name=_text(document.get("name", "")),
        index_lines=document.get("index_lines", True) is True,
        inputs={_text(name): tuple(map(_text, lines)) for name, lines in document.get("inputs", {}).items()},
        **{name: _choice(name, document) for name in CHOICES},
        **lists,
        codes=tuple(ArchCode.parse(code) for code in document.get("codes", ())),
        floor=DriverVersion.parse(floor) if floor else None,
    )


def _choice(name: str, document: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- of the type of its field, as checked
    value, default = document[name] if name in _ALWAYS else document.get(name, CHOICES[name]), CHOICES[name]
    if type(value) is not type(default):
        raise TypeError(f"{name} is {value!r}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _read_platform(document: Mapping[str, Any], gpus: tuple[GpuRecord, ...]) -> PlatformRecord:
    states = document["sets"].items()
    return PlatformRecord(
        subdir=Subdir(document["subdir"]),
        driver_origin=DriverOrigin(document["origin"]),
        glibc=_text(document["glibc"]),
        machines=tuple(MachineRecord(**_read_machine(machine, gpus)) for machine in document.get("machines", ())),
        sets={PackageSet(of): "" if one["state"] == "locked" else _text(one["code"]) for of, one in states},
        **_read_machine(document, gpus),
    )


def _read_machine(document: Mapping[str, Any], gpus: tuple[GpuRecord, ...]) -> dict[str, Any]:
    """The fields of a MachineRecord."""
    driver = document["driver"]
    return {
        "gpus": tuple(gpus[place] for place in document["gpus"]) if "gpus" in document else gpus,
        "driver": DriverVersion.parse(driver) if driver else None,
        "jetpack": _text(document.get("jetpack", "")),
        "wsl": document.get("wsl", False) is True,
    }


def _platform_document(one: PlatformRecord, gpus: Sequence[GpuRecord]) -> dict[str, Any]:
    """One platform; GPUs are named, by their places among all, where it does not have all of them."""
    document: dict[str, Any] = {"subdir": one.subdir.value} | _own_gpus(one.gpus, gpus)
    document |= {"driver": str(one.driver or ""), "origin": one.driver_origin.value, "glibc": one.glibc}
    document |= _own_system(one)
    if one.machines:
        document["machines"] = [
            _own_gpus(each.gpus, gpus) | {"driver": str(each.driver or "")} | _own_system(each) for each in one.machines
        ]
    states = {of: one.sets[of] for of in PackageSet if of in one.sets}
    document["sets"] = {
        of.value: {"state": "none", "code": code} if code else {"state": "locked"} for of, code in states.items()
    }
    return document


def _own_system(one: MachineRecord) -> dict[str, Any]:
    return ({"jetpack": one.jetpack} if one.jetpack else {}) | ({"wsl": True} if one.wsl else {})


def _own_gpus(own: tuple[GpuRecord, ...], gpus: Sequence[GpuRecord]) -> dict[str, Any]:
    return {} if own == tuple(gpus) else {"gpus": [gpus.index(gpu) for gpu in own]}
