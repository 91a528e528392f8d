"""Reads a project's file: each mistake of its form with its line, and then each value that can't be meant."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from envgen.core.errors import EnvgenError, quoted
from envgen.core.patterns import Pattern
from envgen.core.platforms import Subdir
from envgen.core.text_files import read_text_file, system_reason
from envgen.core.toml_text import parse_toml
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions
from envgen.request.values import is_environment_name, parse_platform
from envgen.targets.check import Stated, mistakes_of
from envgen.targets.errors import ManifestError, Mistake
from envgen.targets.folders import folder_mistake, folder_of, shared_folders
from envgen.targets.keys import MACHINE_KEYS, OF_A_TARGET, Key, Kind, keys
from envgen.targets.manifest import LARGEST, SHARED_FILE, Manifest, Target
from envgen.targets.toml_lines import Lines, Place, lines_of

_BARE_KEY = Pattern(r"[A-Za-z0-9_-]{1,80}")
_AT_LINE = Pattern(r"at line (\d+)")


def read_manifest(path: Path) -> Manifest:
    """Return the targets of a project's file. Nothing of the host is looked at.

    Raises: ManifestError with every mistake.
    """
    name = path.name
    try:
        text = read_text_file(path, largest=LARGEST, with_utf16=False)
    except (OSError, ValueError) as error:
        mistake = Mistake(line=1, place="", text=f"it can't be read: {system_reason(error)}")
        raise ManifestError(name, [mistake]) from error
    return parse_manifest(text, path)


def parse_manifest(text: str, path: Path) -> Manifest:
    """Return the targets that a text states, as the file that it is or will be.

    Raises: ManifestError with every mistake.
    """
    name = path.name
    lines = lines_of(text)
    document = _parsed(name, text, lines)
    is_shared = path.name == SHARED_FILE
    table = document.get("tool", {}).get("envgen", {}) if is_shared else document
    reader = _Reader(lines, ("tool", "envgen") if is_shared else ())
    targets = reader.read(table, path.parent)
    if reader.mistakes:
        raise ManifestError(name, reader.mistakes)
    return Manifest(path=path, targets=tuple(targets))


def _parsed(name: str, text: str, lines: Lines) -> dict[str, Any]:
    """The document.

    Raises: ManifestError with all keys that are there twice, or else with where the text stops being TOML.
    """
    try:
        return parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        again = [
            Mistake(line=line, place=shown(place), text=f"stated again, first at line {lines.stated[place]}")
            for place, line in lines.again
        ]
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1  # tomllib says "at end of document"
        reason = Mistake(line=line, place="", text=f"it is not TOML: {str(error)[:200]}")
        raise ManifestError(name, again or [reason]) from error


class _Reader:
    """What is read of one file, and the mistakes so far. `prefix` leads to the table."""

    def __init__(self, lines: Lines, prefix: Place) -> None:
        self._lines, self._prefix = lines, prefix
        self.mistakes: list[Mistake] = []

    def read(self, table: object, root: Path) -> list[Target]:
        if not isinstance(table, Mapping):
            self._wrong((), f"{_value(table)} is no table")
            return []
        shared = self._stated({k: v for k, v in table.items() if k != "targets"}, (), within="of the file itself")
        stated = table.get("targets", {})
        if not isinstance(stated, Mapping) or not stated:
            text = "no target is stated" if isinstance(stated, Mapping) else f"{_value(stated)}, and must be tables"
            self._wrong(("targets",), f"{text}: write [targets.NAME] with its gpu, driver and platform")
            return []
        found = [pair for name, own in stated.items() if (pair := self._target(name, own, shared)) is not None]
        for target, other in shared_folders(root, [target for _, target in found]):
            text = f"its folder {target.folder} is that of target {other.name}, at line {other.line}"
            self._wrong(("targets", target.name, "output"), text)
        is_well_formed = not self.mistakes
        for values, target in found:
            has_folder = is_environment_name(target.name) or "output" in values
            if has_folder and (problem := folder_mistake(root, target.folder)) is not None:
                self._wrong(("targets", target.name, "output"), problem)
            for place, text in _elsewhere(values):
                self._wrong(place, text)
            for place, text in mistakes_of(target, values, root, is_well_formed=is_well_formed):
                self._wrong(place or ("targets", target.name), text)
        return [target for _, target in found]

    def _target(self, name: str, own: object, shared: Mapping[str, Stated]) -> tuple[dict[str, Stated], Target] | None:
        place: Place = ("targets", name)
        if not isinstance(own, Mapping):
            self._wrong(place, f"{_value(own)}, and must be a table: write [targets.{name}]")
            return None
        values = {**shared, **self._stated(own, place)}
        # A key that is only misspelt is one mistake, not two.
        stated = {key if key in keys() else _close(key, keys()) for key, value in own.items() if value != []}
        stated |= {key.name for key in keys().values() if key.field in shared}
        self._check_form(name, place, stated, values)
        return values, _target(name, values, self._lines.of((*self._prefix, *place)))

    def _stated(self, table: Mapping[str, Any], place: Place, within: str = "of a target") -> dict[str, Stated]:
        """Field -> its values as options take them, each with its place."""
        known = {name: key for name, key in keys().items() if place or name not in OF_A_TARGET}
        found: dict[str, Stated] = {}
        for name, value in table.items():
            here = (*place, name)
            if (key := known.get(name)) is None:
                of_target = "; it is one of a target, below [targets.NAME]" if name in keys() else ""
                near = _nearest(name, known if place else {**known, "targets": None})
                self._wrong(here, f"no key {within}{of_target or near}")
            elif found.get(key.field):
                self._wrong(here, f"said already, at line {self._lines.of((*self._prefix, *found[key.field][0][1]))}")
            else:
                found[key.field] = tuple(self._values(key, value, here))
        return found

    def _values(self, key: Key, value: object, place: Place) -> Iterator[tuple[Any, Place]]:
        if key.name == "runner" and isinstance(value, list) and all(isinstance(label, str) for label in value):
            value = ",".join(value)
        if key.kind is Kind.FLAG and isinstance(value, bool):
            yield value is not key.negated, place
        elif key.kind is Kind.MACHINES and isinstance(value, list):
            for number, machine in enumerate(value):
                yield from self._machine(machine, (*place, number))
        elif key.by_platform and isinstance(value, Mapping):
            for platform, own in value.items():
                here = (*place, platform)
                try:
                    subdir = parse_platform(platform)
                except EnvgenError as error:
                    self._wrong(here, f"{error.what()}; {error.hint()}")
                    continue
                for text, at in self._texts(key.kind, own, here, key.name):
                    yield f"{subdir}={text}", at
        elif key.kind in (Kind.TEXT, Kind.TEXTS):
            yield from self._texts(key.kind, value, place, key.name)
        else:
            self._wrong(place, f"{_value(value)}, and must be {key.kind.value}")

    def _texts(self, kind: Kind, value: object, place: Place, name: str) -> Iterator[tuple[str, Place]]:
        is_list = kind is Kind.TEXTS and isinstance(value, list)
        for number, text in enumerate(value if isinstance(value, list) and is_list else [value]):
            here = (*place, number) if is_list else place
            if isinstance(text, str) and text.strip():
                yield text, here
            elif isinstance(text, str):
                self._wrong(here, "it is empty")
            elif isinstance(text, int | float) and not isinstance(text, bool):
                self._wrong(here, f'{_value(text)}, and must be a string: {name} = "{str(text)[:40]}"')
            else:
                self._wrong(here, f"{_value(text)}, and must be {kind.value}")

    def _machine(self, machine: object, place: Place) -> Iterator[tuple[str, Place]]:
        """A machine as the command line has it: `GPU;DRIVER;PLATFORM`."""
        if not isinstance(machine, Mapping):
            self._wrong(place, f"{_value(machine)}, and must be a table such as {{gpu = ..., driver = ...}}")
            return
        parts = dict.fromkeys(MACHINE_KEYS, "")
        before = len(self.mistakes)
        for name, value in machine.items():
            here = (*place, name)
            if name not in parts:
                self._wrong(here, f"no key of a machine{_nearest(name, parts)}")
                continue
            for text, _ in self._texts(Kind.TEXT, value, here, name):
                parts[name] = text
                if ";" in text:
                    self._wrong(here, f"{quoted(text)} has a semicolon")
        if "gpu" not in machine:
            self._wrong(place, "the machine has no gpu")
        if len(self.mistakes) == before:
            yield ";".join(parts.values()).rstrip(";") + ("" if parts["driver"] or parts["platform"] else ";"), place

    def _check_form(self, name: str, place: Place, stated: Collection[str], values: Mapping[str, Stated]) -> None:
        """Check what a target must have; `stated` are its keys, readable or not."""
        if not is_environment_name(name):
            self._wrong(place, f"{quoted(name)} is no name of a target: letters, digits, dots, - and _, such as lab-2")
        if not {"gpu", "compute-capability", "machines"} & {*stated} and not _is_cpu(values):
            self._wrong(place, 'it has no GPU: gpu = "RTX 4090", machines = [...], or cuda = "cpu"')
        if "platform" not in stated:
            there = ", ".join(subdir.value for subdir in Subdir)
            self._wrong(place, f"it has no platform, and none is taken from this computer: platform = one of {there}")

    def _wrong(self, place: Place, text: str) -> None:
        line = self._lines.of((*self._prefix, *place))
        self.mistakes.append(Mistake(line=line, place=shown(place), text=text))


def _elsewhere(values: Mapping[str, Stated]) -> Iterator[tuple[Place, str]]:
    """What is stated for a platform that the target does not have."""
    subdirs = _subdirs([platform for platform, _ in values.get("platforms", ())])
    for field in ("drivers", "glibc", "only", "runner"):
        for text, place in values.get(field, ()):
            before, mark, _ = str(text).partition("=")
            is_own = mark and place[-1] not in ("driver", "glibc", "only", "runner")
            if is_own and subdirs and before in [one.value for one in Subdir] and Subdir(before) not in subdirs:
                there = ", ".join(subdir.value for subdir in subdirs)
                yield place, f"{before} is no platform of the target, which has {there}"


def _subdirs(platforms: Sequence[str]) -> list[Subdir]:
    """The platforms that can be read; the others are told by the check of the values."""
    found = []
    for platform in platforms:
        with suppress(EnvgenError):
            found.append(parse_platform(platform))
    return found


def shown(place: Place) -> str:
    """A place as TOML writes it: `targets.lab.machines[0].gpu`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_shown_key(part)}" for part in place)
    return "".join(parts).removeprefix(".")


def _shown_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else quoted(key)


def _target(name: str, values: Mapping[str, Stated], line: int) -> Target:
    fields = {field: tuple(value for value, _ in stated) for field, stated in values.items()}
    groups: dict[type, dict[str, Any]] = {RequestOptions: {}, WriteOptions: {}}
    for key in keys().values():
        if key.group is not None and (fields.get(key.field) or key.kind in (Kind.TEXTS, Kind.MACHINES)):
            many = key.kind in (Kind.TEXTS, Kind.MACHINES)
            groups[key.group][key.field] = fields.get(key.field, ()) if many else fields[key.field][0]
    output = folder_of(name, groups[WriteOptions].get("output"))
    return Target(
        name=name,
        line=line,
        wanted=RequestOptions(**groups[RequestOptions]),
        writing=WriteOptions(**{**groups[WriteOptions], "output": str(output)}),
        runners=_runners(fields.get("runner", ()), fields.get("platforms", ())),
    )


def _runners(texts: Sequence[str], platforms: Sequence[str]) -> dict[Subdir, str]:
    """Platform -> the labels of its runner; a runner without a platform is that of all."""
    subdirs = _subdirs(platforms)
    found: dict[Subdir, str] = {}
    for text in texts:
        before, equals, after = text.partition("=")
        is_own = equals and before in [subdir.value for subdir in Subdir]
        found |= dict.fromkeys([Subdir(before)] if is_own else subdirs, after if is_own else text)
    return found


def _is_cpu(values: Mapping[str, Stated]) -> bool:
    return any(str(value).strip().lower() == "cpu" for value, _ in values.get("cuda", ()))


def _nearest(name: str, known: Mapping[str, object]) -> str:
    close = _close(name, known)
    return f"; the nearest is {close}" if close else f"; there are {', '.join(known)}"


def _close(name: str, known: Mapping[str, object]) -> str:
    """The key that is meant by another spelling, or an empty text."""
    return next(iter(get_close_matches(name.replace("_", "-").lower()[:40], known, n=1, cutoff=0.5)), "")


def _value(value: object) -> str:
    """A value of another type, as a person calls it."""
    names = {bool: "a flag", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}
    text = quoted(str(value), 40).strip('"') if isinstance(value, str | int | float) else ""
    text = text.lower() if isinstance(value, bool) else text
    return f"{text} is {names.get(type(value), 'a date')}" if text else f"it is {names.get(type(value), 'a date')}"
