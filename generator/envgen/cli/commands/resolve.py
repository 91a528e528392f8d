"""`envgen resolve`: the decision only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envgen.cli import options
from envgen.cli.output import error_json, print_error, write_answer, write_json
from envgen.cli.report import Report, every_build, resolution_json, resolution_text
from envgen.core.conda_shell import is_conda_active
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.resolution import Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.quoting import command_line
from envgen.request.options import RequestOptions
from envgen.request.requests import Requests
from envgen.resolve.errors import NoBuildError

if TYPE_CHECKING:
    from envgen.cli.project import Asked
    from envgen.resolve.why_not import Explanation


@options.takes(RequestOptions)
def resolve_command(
    wanted: RequestOptions,
    output_format: options.Format = options.OutputFormat.TEXT,
    every: Annotated[bool, typer.Option("--all", help="List every build, with the first reason against it.")] = False,
    target: options.TargetNames = None,
) -> None:
    """Say which PyTorch and CUDA run on a GPU, or on those of a project's targets, and why. Writes nothing.

    Example: envgen resolve --gpu "GeForce MX450" --platform win-64 --driver 560.94
    """
    from envgen.cli.project import asked_of

    builds = Catalog.load()
    reports = [(one, _reports(one, builds)) for one in asked_of(target, wanted, builds)]
    failed = [found for _, found in reports if not any(_runs(report) for report in found)]
    if output_format is options.OutputFormat.JSON:
        documents = [_json(report, one, failed=found in failed) for one, found in reports for report in found]
        write_json(documents[0] if len(documents) == 1 else documents)
    else:
        write_answer("\n".join(text for one, found in reports for text in _texts(one, found, every=every)))
    for found in failed:
        print_error(NoBuildError(found[0].resolution))
    if failed:
        raise typer.Exit(NoBuildError.exit_code)


def _reports(asked: Asked, builds: Catalog) -> list[Report]:
    """The decision for each platform."""
    return [
        Report(
            resolution=decide(request, asked.requests, builds),
            locked=locked_labels(request, builds),
            builds=builds,
            command=command_line(["envgen", *asked.words]),
            in_conda=is_conda_active(os.environ),
            project=_project_command(asked),
        )
        for request in asked.requests.requests
    ]


def _runs(report: Report) -> bool:
    return bool(report.resolution.pip or report.resolution.conda)


def _texts(asked: Asked, reports: list[Report], *, every: bool) -> Iterator[str]:
    """The answer for people; nothing for a target without a build, whose error says all."""
    texts = [resolution_text(report) for report in reports if _runs(report)]
    texts += [every_build(_every(report)) for report in reports if every]
    yield from (f"{asked.heading}{text}" if at == 0 else text for at, text in enumerate(texts))


def decide(request: Request, asked: Requests, builds: Catalog) -> Resolution:
    """The decision with the notices of the look-up in front."""
    from dataclasses import replace

    from envgen.resolve import resolve

    resolution = resolve(builds, request)
    return replace(resolution, notices=(*asked.notices, *resolution.notices))


def _project_command(asked: Asked) -> str:
    """The command for the tool whose files are in this folder; empty where there are none."""
    tools = (("uv", Path("uv.lock")), ("pixi", Path("pixi.toml")), ("pixi", Path("pixi.lock")))
    tool = next((tool for tool, file in tools if file.is_file()), "")
    return command_line(["envgen", "project", tool, *asked.words, "--write"]) if tool else ""


def locked_labels(request: Request, builds: Catalog) -> dict[str, str | None]:
    """Set -> the newest shipped lock that runs, by name, or None."""
    from envgen.core.paths import tree
    from envgen.lock.shipped import ShippedLocks
    from envgen.resolve.shipped import newest

    shipped = ShippedLocks.read(tree("lockfiles"), request.subdir, request.python).locks
    found = {package_set: newest(package_set, shipped, request, builds) for package_set in PackageSet}
    return {package_set.value: pairing.build.short_label if pairing else None for package_set, pairing in found.items()}


def _every(report: Report) -> Iterator[Explanation]:
    """What speaks against each build of the catalog for a platform, newest first."""
    from envgen.resolve.why_not import explain

    request = report.resolution.request
    releases = {
        build.torch
        for package_set in PackageSet
        for build in report.builds.builds(package_set, request.subdir, cpu=request.is_cpu)
    }
    for release in sorted(releases, key=release_key, reverse=True):
        yield from explain(report.builds, request, torch=release, cuda_tag="")


def _json(report: Report, asked: Asked, *, failed: bool) -> dict[str, Any]:
    """The decision of one platform, with the target that it is for and, when none of its platforms has a build, why."""
    from envgen.facts.tables import catalog_revision

    document = resolution_json(report.resolution, catalog=catalog_revision(), locked=report.locked)
    document |= {"target": asked.target} if asked.target else {}
    return document | ({"error": error_json(NoBuildError(report.resolution))} if failed else {})
