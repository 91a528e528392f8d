"""What a plan for a list of machines becomes: targets of a project's file, and the words about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from envgen.core.errors import NoPairingError, some_of
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.fleet.kinds import Kind, ends_of
from envgen.fleet.machines_csv import FleetMachine
from envgen.fleet.plan import FleetPlan, Update
from envgen.gpus.catalog import GpuCatalog
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.settings import WriteOptions
from envgen.resolve import resolve
from envgen.targets.write import NewTarget, free_name

_SHOWN = 3


class NobodyServedError(NoPairingError):
    """No machine of a list can be served."""

    code = "no-machine-served"

    def __init__(self, plan: FleetPlan) -> None:
        super().__init__("none of the machines can be served", *_left_lines(plan))


def new_targets(
    plan: FleetPlan, wanted: RequestOptions, writing: WriteOptions, taken: Mapping[str, object]
) -> list[NewTarget]:
    """The targets of a plan, named by the CUDA that they lead to.

    Raises: NobodyServedError.
    """
    if not plan.targets:
        raise NobodyServedError(plan)
    python = wanted.python or Catalog.load().default_python
    found: dict[str, NewTarget] = {}
    for kinds in plan.targets:
        platforms = tuple(dict.fromkeys(kind.subdir.value for kind in kinds))
        rows = [(gpu, kind, machines) for kind, machines in ends_of(kinds) for gpu in kind.gpus]
        stated = replace(
            wanted,
            machines=tuple(_machine(gpu, kind, several=len(platforms) > 1) for gpu, kind, _ in rows),
            platforms=platforms,
            python=python,
        )
        name = free_name(_name(stated), {**taken, **found})
        remarks = tuple(_who(machines) for _, _, machines in rows)
        found[name] = NewTarget(name=name, wanted=stated, writing=writing, remarks=remarks)
    return list(found.values())


def report(plan: FleetPlan, targets: Sequence[NewTarget], listed: int) -> Iterator[str]:
    """How many targets there are for whom, what each leads to, who is left out, and the update that would save one."""
    served = sum(len(kind.machines) for kinds in plan.targets for kind in kinds)
    count = len(plan.targets)
    yield f"{count} target{'' if count == 1 else 's'} for {served} of {listed} machines; fewer can't serve them"
    for kinds, target in zip(plan.targets, targets, strict=True):
        gpus = ", ".join(dict.fromkeys(gpu for kind in kinds for gpu in kind.gpus))
        yield f"{target.name}: {_who([machine for kind in kinds for machine in kind.machines])} ({gpus})"
        yield from (f"  {line}" for line in _leads_to(target.wanted))
    yield from _left_lines(plan)
    if plan.update is not None:
        yield _update_line(plan.update)


def _left_lines(plan: FleetPlan) -> Iterator[str]:
    for left in plan.left_out:
        yield f"left out: {_who(left.machines)}: {left.reason}"


def _update_line(update: Update) -> str:
    kind, targets = update.kind, f"{update.targets} target{'' if update.targets == 1 else 's'}"
    who = f"{' and '.join(kind.gpus)} with driver {kind.driver}"
    return f"with driver {update.driver} or newer on {_who(kind.machines)} ({who}) {targets} would do"


def _machine(gpu: str, kind: Kind, *, several: bool) -> str:
    parts = [gpu, kind.driver, kind.subdir.value if several else ""]
    return ";".join(parts).rstrip(";") + ("" if parts[1] or parts[2] else ";")


def _who(machines: Sequence[FleetMachine]) -> str:
    """A few names: `3 machines: a, b, c`."""
    names = some_of([machine.name for machine in machines], _SHOWN)
    return f"{len(machines)} machine{'' if len(machines) == 1 else 's'}: {names}"


def _name(wanted: RequestOptions) -> str:
    """The CUDA tag of the first platform's pairing: what sets a target apart from the others."""
    catalog = Catalog.load()
    for request in read_request(wanted, catalog, GpuCatalog.load()).requests:
        resolution = resolve(catalog, request)
        pairing = resolution.pip or resolution.conda
        if pairing is not None:
            return pairing.build.cuda_tag
    return "fleet"


def _leads_to(wanted: RequestOptions) -> Iterator[str]:
    catalog = Catalog.load()
    for request in read_request(wanted, catalog, GpuCatalog.load()).requests:
        resolution = resolve(catalog, request)
        found = [(one, resolution.pairing(one)) for one in PackageSet]
        labels = [f"{one} {pairing.build.short_label}" for one, pairing in found if pairing is not None]
        yield f"{request.subdir}: {', '.join(labels)}"
