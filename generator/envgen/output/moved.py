"""What a run moved, package by package and with the reason: as data, and as a table in Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from envgen.core.dataclass import dataclass
from envgen.core.patterns import Pattern
from envgen.core.platforms import Subdir
from envgen.core.requirements import read_version
from envgen.core.sets import PackageSet
from envgen.files.reading import record_of
from envgen.files.registry import our_file
from envgen.output.package_changes import PackageChange, SetChange, package_changes
from envgen.output.plan import Plan
from envgen.records.request import RequestRecord

# What is published with a release of torch and pinned by it, in the names of PyPI and conda-forge.
_WITH_TORCH = Pattern(
    r"torch(?:vision|audio)|(?:pytorch-)?triton.*|nvidia-.*|cuda-.*|libtorch|pytorch-(?:cuda|gpu|cpu|mutex)"
    r"|lib(?:cu|nv|cudnn|magma).*|cudnn|nccl"
)
_TORCH = ("torch", "pytorch")


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedSet:
    """What moved in the lock of one set for one platform; `target` is that of envgen.toml, or empty."""

    target: str
    package_set: PackageSet
    platform: str
    file: str
    packages: tuple[PackageChange, ...]


def moved_sets(plan: Plan, target: str = "") -> Iterator[MovedSet]:
    """What a plan moves in each lock; nothing for a lock whose packages stay."""
    texts = {change.name: (change.old or "", change.new or "") for change in plan.pending}
    for change in package_changes(plan.pending):
        old, new = (record_of(text) for text in texts[change.file])
        request = tuple(_request_changes(old, new)) if old and new else ()
        yield MovedSet(
            target=target,
            package_set=change.package_set,
            platform=_platform(change.file, new or old),
            file=change.file,
            packages=tuple(_with_reasons(change, request)),
        )


def _platform(file: str, record: RequestRecord | None) -> str:
    """The subdir in a file's name, or the only one of its request."""
    ours = our_file(file)
    own = ours.subdir.value if ours is not None and ours.subdir is not None else ""
    subdirs: Sequence[Subdir] = [one.subdir for one in record.platforms] if record is not None else []
    return own or (subdirs[0].value if len(subdirs) == 1 else "")


def _with_reasons(change: SetChange, request: tuple[str, ...]) -> Iterator[PackageChange]:
    torch = next((one for one in change.moved if one.name in _TORCH), None)
    for one in change.moved:
        if one is torch:
            why = "; ".join((*request, _direction(one)))
        elif torch is not None and torch.new and one.new and _WITH_TORCH.fullmatch(one.name):
            why = f"goes with {torch.name} {torch.new}"
        else:
            why = _direction(one)
        yield replace(one, why=why)


def _direction(one: PackageChange) -> str:
    """What kind of move it is; conda's versions have their build string behind them."""
    if not one.old or not one.new:
        return "no longer needed" if one.old else "needed now"
    (old, _, old_build), (new, _, new_build) = one.old.partition(" "), one.new.partition(" ")
    before, after = read_version(old), read_version(new)
    if before is None or after is None:
        return "another version"
    if before.public == after.public:
        return "another build" if old_build or new_build or before.local != after.local else "another file"
    return "new release" if after > before else "older release"


def _request_changes(old: RequestRecord, new: RequestRecord) -> Iterator[str]:
    """What is asked for now, and was not: `driver 550.54 -> 580.65`."""
    for what, before, after in (
        ("GPU", _gpus(old), _gpus(new)),
        ("driver", _drivers(old), _drivers(new)),
        ("Python", old.python, new.python),
        ("--torch", old.torch, new.torch),
        ("--cuda", old.cuda, new.cuda),
    ):
        if before != after:
            yield f"{what} {before or 'none'} -> {after or 'none'}"
    if old.with_texts() != new.with_texts() or old.inputs != new.inputs:
        yield "other packages were asked for"


def _gpus(record: RequestRecord) -> str:
    return ", ".join(dict.fromkeys(gpu.name or str(gpu.capability) for one in record.platforms for gpu in one.gpus))


def _drivers(record: RequestRecord) -> str:
    return ", ".join(dict.fromkeys(str(one.driver) for one in record.platforms if one.driver is not None))


def moved_json(found: Iterable[MovedSet]) -> dict[str, Any]:
    """The JSON object: its keys never change meaning."""
    return {"schema_version": 1, "moved": [_document(one) for one in found]}


def _document(one: MovedSet) -> dict[str, Any]:
    packages = [{"name": p.name, "old": p.old or None, "new": p.new or None, "why": p.why} for p in one.packages]
    return {
        "target": one.target or None,
        "set": one.package_set.value,
        "platform": one.platform or None,
        "file": one.file,
        "packages": packages,
    }


def moved_markdown(found: Iterable[MovedSet]) -> str:
    """A table with a row a package; with none where nothing moved, which is then said."""
    sets = list(found)
    columns = ["target"] if any(one.target for one in sets) else []
    columns += ["set", "platform", "package", "before", "after", "why"]
    rows = [_row(columns, one, package) for one in sets for package in one.packages]
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", *rows]
    return "\n".join([*lines, *([] if rows else ["", "Nothing moved."])]) + "\n"


def _row(columns: Sequence[str], one: MovedSet, package: PackageChange) -> str:
    values: Mapping[str, str] = {
        "target": one.target,
        "set": one.package_set.value,
        "platform": one.platform,
        "package": package.name,
        "before": package.old,
        "after": package.new,
        "why": package.why,
    }
    return f"| {' | '.join(_cell(values[column]) for column in columns)} |"


def _cell(text: str) -> str:
    """A text in a cell: nothing in it is markup, and it stays on its line."""
    plain = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "|\\`*_[]<>" else sign for sign in plain)
