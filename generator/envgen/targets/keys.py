"""The keys of a project's file: the options of the command line without their dashes, and what only a project has."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import get_origin

from envgen.core.dataclass import dataclass
from envgen.request.options import RequestOptions, declared
from envgen.request.settings import WriteOptions

# Options of one run, which say nothing of the environment.
OF_A_RUN = frozenset({"force", "check", "dry_run", "diff", "upgrade", "format", "lang", "offline", "timeout_s"})
_BY_PLATFORM = frozenset({"drivers", "glibc", "only"})
# What says whom a target is for: nothing that all targets could share.
OF_A_TARGET = frozenset({"gpu", "compute-capability", "machines", "output", "name", "runner"})
MACHINE_KEYS = ("gpu", "driver", "platform")


class Kind(Enum):
    """What a value must be."""

    TEXT = "a string"
    TEXTS = "a string or a list of strings"
    FLAG = "true or false"
    MACHINES = 'a list of tables such as {gpu = "RTX 4090", driver = "580.95.05"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key, the field that it fills, and of which group of options; `group` is None for what only a project has.

    `negated` is set for `no-vision`, which fills `vision` with the opposite.
    """

    name: str
    field: str
    group: type | None
    kind: Kind
    help: str
    by_platform: bool = False
    negated: bool = False


@cache
def keys() -> Mapping[str, Key]:
    """Name -> key, in the order of the options."""
    found: dict[str, Key] = {}
    for group in (RequestOptions, WriteOptions):
        for field, (kind, option) in declared(group).items():
            if field in OF_A_RUN:
                continue
            name = option.flag.removeprefix("--")
            form = Kind.FLAG if kind is bool else Kind.TEXTS if get_origin(kind) is tuple else Kind.TEXT
            key = Key(
                name=name, field=field, group=group, kind=form, help=option.help, by_platform=field in _BY_PLATFORM
            )
            if field == "machines":
                key = Key(name="machines", field=field, group=group, kind=Kind.MACHINES, help=option.help)
            if form is Kind.FLAG and name.startswith("no-"):
                positive = name.removeprefix("no-")
                found[positive] = Key(
                    name=positive, field=field, group=group, kind=form, help=f"false is {name} = true."
                )
                key = Key(name=name, field=field, group=group, kind=form, help=option.help, negated=True)
            found[key.name] = key
    runner = "Labels of the runner that has this target's GPU, as a workflow asks for them: self-hosted,gpu,lab."
    return found | {
        "runner": Key(name="runner", field="runner", group=None, kind=Kind.TEXT, help=runner, by_platform=True)
    }
