"""Writes targets into a project's file: at its end, so that what is there stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted
from envgen.core.escape import printable
from envgen.core.toml_text import parse_toml
from envgen.files.quoting import toml_value
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions
from envgen.request.values import for_platform
from envgen.targets.keys import MACHINE_KEYS, Kind, keys

_OPENING = """\
# The environments of this project. `envgen` writes each into envs/NAME/, `envgen lock` solves them anew,
# `envgen --check` tells whether the files are what this asks for, `envgen ci` writes the workflow that proves them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTarget:
    """A target that is to be written: its options, and for each of its machines a few words of who they are."""

    name: str
    wanted: RequestOptions
    writing: WriteOptions
    remarks: tuple[str, ...] = ()


def with_targets(text: str | None, targets: Sequence[NewTarget], *, prefix: str = "") -> str:
    """Return the text of a project's file with further targets; `prefix` is `tool.envgen.` in a pyproject.toml.

    None stands for no file: a new one opens with what it is for, and states the Python once.
    """
    opening = ""
    if text is None:
        pythons = {target.wanted.python for target in targets}
        python = next(iter(pythons)) if len(pythons) == 1 else None
        opening = _OPENING + (f"python = {toml_value(python)}\n" if python else "")
        targets = [_without_python(target) if python else target for target in targets]
    parts = [opening or (text or "").rstrip("\n") + "\n"]
    parts += ["\n".join(_lines(target, prefix)) + "\n" for target in targets]
    return "\n".join(parts)


def shared_python(text: str, prefix: str) -> str | None:
    """The Python that a file states for all of its targets."""
    document: Any = parse_toml(text)
    for part in prefix.split(".")[:-1]:
        document = document.get(part, {})
    python = document.get("python")
    return python if isinstance(python, str) else None


def _without_python(target: NewTarget) -> NewTarget:
    return replace(target, wanted=replace(target.wanted, python=None))


def _lines(target: NewTarget, prefix: str) -> Iterator[str]:
    yield f"[{prefix}targets.{target.name if '.' not in target.name else toml_value(target.name)}]"
    plain = {RequestOptions: RequestOptions(), WriteOptions: WriteOptions()}
    for name, key in keys().items():
        if key.group is None:
            continue
        value = getattr(target.wanted if key.group is RequestOptions else target.writing, key.field)
        if value == getattr(plain[key.group], key.field):
            continue
        if key.kind is Kind.MACHINES:
            yield from _machines(value, target.remarks)
        elif key.kind is Kind.FLAG:
            if not key.negated:
                yield f"{name} = {toml_value(value)}"
        else:
            yield f"{name} = {_value(value, by_platform=key.by_platform)}"


def _value(value: str | tuple[str, ...], *, by_platform: bool) -> str:
    """A value: one text, several, or a table where each is for a platform."""
    texts = (value,) if isinstance(value, str) else value
    stated = [for_platform(text) for text in texts] if by_platform else []
    if stated and all(platform is not None for platform, _ in stated):
        table: dict[str, list[str]] = {}
        for platform, text in stated:
            table.setdefault(str(platform), []).append(text)
        return (
            "{" + ", ".join(f"{of} = {toml_value(own if len(own) > 1 else own[0])}" for of, own in table.items()) + "}"
        )
    return toml_value(texts[0] if len(texts) == 1 else list(texts))


def _machines(texts: Sequence[str], remarks: Sequence[str]) -> Iterator[str]:
    yield "machines = ["
    for number, text in enumerate(texts):
        parts = zip(MACHINE_KEYS, text.split(";"), strict=False)
        table = ", ".join(f"{key} = {toml_value(part)}" for key, part in parts if part)
        remark = f"  # {printable(remarks[number])}" if number < len(remarks) else ""
        yield f"    {{{table}}},{remark}"
    yield "]"


def free_name(wanted: str, taken: Mapping[str, object]) -> str:
    """A name of a target that no other one has, be it in capitals."""
    folded = {name.casefold() for name in taken}
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in range(1, len(folded) + 2))
    return next(name for name in names if name.casefold() not in folded)


def refuse_taken(name: str, taken: Mapping[str, object], where: str) -> None:
    """Raise UsageError when a target of that name is there."""
    if name.casefold() in {other.casefold() for other in taken}:
        raise UsageError(f"{where} has a target {quoted(name)} already", hint="name another: --target NAME")
