"""`envgen init`: writes a project's file, from options, from this computer or from a list of machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.output import write_answer, write_line
from envgen.core.errors import UsageError
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envgen.targets.write import NewTarget

_OF_A_RUN = ("force", "check", "dry_run", "diff", "upgrade", "offline", "timeout_s", "write_mirror")


@options.takes(RequestOptions, WriteOptions, without=_OF_A_RUN)
def init_command(
    wanted: RequestOptions,
    writing: WriteOptions,
    listed: Annotated[
        str,
        typer.Option(
            "--machines",
            metavar="FILE",
            help="A CSV with the columns name, gpu, driver, platform: the fewest targets that serve all of them.",
        ),
    ] = "",
    target: Annotated[
        str, typer.Option("--target", metavar="NAME", help="Name of the target. Default: that of its GPUs.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; print the file as it would be.")] = False,
) -> None:
    """Write envgen.toml with a target, or add one to it; without a GPU the target is this computer.

    Example: envgen init --target laptop --gpu "GeForce MX450" --driver 560.94 --platform win-64

    Where pyproject.toml has a table [tool.envgen] the target goes there. What is in the file stays as it is.
    """
    from envgen.output.writing import replace_files
    from envgen.targets.manifest import OWN_FILE, SHARED_FILE, find_manifest
    from envgen.targets.read import parse_manifest, read_manifest
    from envgen.targets.write import shared_python, with_targets

    path = find_manifest(Path.cwd())
    path = path if path is not None and path.parent == Path.cwd() else None
    taken = {one.name: one for one in read_manifest(path).targets} if path is not None else {}
    before = path.read_text(encoding="utf-8-sig") if path is not None else None
    path = path or Path.cwd() / OWN_FILE
    prefix = "tool.envgen." if path.name == SHARED_FILE else ""
    wanted = replace(wanted, python=wanted.python or shared_python(before or "", prefix))
    if listed:
        if wanted.gpus or wanted.capabilities or wanted.machines or wanted.drivers or wanted.platforms or target:
            hint = "leave --gpu, --driver, --machine, --platform and --target out: the file states them"
            raise UsageError("--machines names the machines already", hint=hint)
        new, report = _of_machines(listed, wanted, writing, taken)
    else:
        new, report = [_of_options(wanted, writing, target, taken)], []
    text = with_targets(before, new, prefix=prefix)
    parse_manifest(text, path)
    if dry_run:
        write_answer(text)
    else:
        replace_files(path.parent, {path.name: text})
        write_line(f"{path.name} was written: {', '.join(one.name for one in new)}; now: envgen")
        write_answer("".join(f"{line}\n" for line in report))
    if dry_run:
        for line in report:
            write_line(line)


def _of_options(wanted: RequestOptions, writing: WriteOptions, name: str, taken: Mapping[str, object]) -> NewTarget:
    """The target that the options state, or that this computer is."""
    from envgen.cli.folder import environment_name
    from envgen.facts.catalog import Catalog
    from envgen.request.read import read_request
    from envgen.targets.write import NewTarget, free_name, refuse_taken

    if name:
        refuse_taken(name, taken, "the project's file")
    requests = read_request(wanted, Catalog.load()).requests
    is_cpu = all(not request.gpus for request in requests)
    if not (wanted.gpus or wanted.capabilities or wanted.machines or is_cpu):
        wanted = replace(wanted, gpus=tuple(requested.gpu.name for requested in requests[0].gpus))
        probed = requests[0].driver
        wanted = replace(wanted, drivers=wanted.drivers or ((str(probed),) if probed is not None else ()))
    platforms = tuple(request.subdir.value for request in requests)
    wanted = replace(wanted, platforms=platforms, python=requests[0].python)
    name = name or free_name("cpu" if is_cpu else environment_name(requests), taken)
    return NewTarget(name=name, wanted=wanted, writing=writing)


def _of_machines(
    file: str, wanted: RequestOptions, writing: WriteOptions, taken: Mapping[str, object]
) -> tuple[list[NewTarget], list[str]]:
    """The fewest targets for a list of machines, and what is to be said of them."""
    from envgen.cli.fleet import new_targets, report
    from envgen.core.sets import PackageSet
    from envgen.fleet.kinds import kinds_of
    from envgen.fleet.machines_csv import read_machines
    from envgen.fleet.plan import plan_fleet
    from envgen.request.values import for_platform, parse_set

    every = read_machines(Path(file))
    named = [for_platform(text) for text in writing.only]
    if any(platform is not None for platform, _ in named):
        raise UsageError("--only for one platform can't be planned with", hint="give it for all: --only pip")
    sets = tuple(dict.fromkeys(parse_set(text) for _, text in named)) or tuple(PackageSet)
    kinds, left_out = kinds_of(every, wanted, sets, Path(file).name)
    plan = plan_fleet(kinds, left_out)
    new = new_targets(plan, wanted, writing, taken)
    return new, [*report(plan, new, len(every))]
