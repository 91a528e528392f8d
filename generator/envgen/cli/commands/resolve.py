"""`envgen resolve`: the decision only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from envgen.request.options import RequestOptions, words
from envgen.request.read import read_request
from envgen.request.requests import Requests
from envgen.resolve.errors import NoBuildError

if TYPE_CHECKING:
    from envgen.resolve.why_not import Explanation


@options.takes(RequestOptions)
def resolve_command(
    wanted: RequestOptions,
    output_format: options.Format = options.OutputFormat.TEXT,
    every: Annotated[bool, typer.Option("--all", help="List every build, with the first reason against it.")] = False,
) -> None:
    """Say which PyTorch and CUDA run on a GPU, and why. Writes nothing.

    Example: envgen resolve --gpu "GeForce MX450" --platform win-64 --driver 560.94
    """
    builds = Catalog.load()
    asked = read_request(wanted, builds)
    reports = [
        Report(
            resolution=decide(request, asked, builds),
            locked=locked_labels(request, builds),
            builds=builds,
            command=command_line(["envgen", *words(wanted)]),
            in_conda=is_conda_active(os.environ),
            project=_project_command(wanted),
        )
        for request in asked.requests
    ]
    resolutions = [report.resolution for report in reports]
    none_runs = all(resolution.pip is None and resolution.conda is None for resolution in resolutions)
    if output_format is options.OutputFormat.JSON:
        write_json(_json(reports, failed=none_runs))
        if none_runs:
            print_error(NoBuildError(resolutions[0]))
            raise typer.Exit(NoBuildError.exit_code)
        return
    runs = (report for report in reports if report.resolution.pip or report.resolution.conda)
    texts = [resolution_text(report) for report in runs]
    texts += [every_build(_every(report)) for report in reports if every]
    write_answer("\n".join(texts))
    if none_runs:
        raise NoBuildError(resolutions[0])


def decide(request: Request, asked: Requests, builds: Catalog) -> Resolution:
    """The decision with the notices of the look-up in front."""
    from dataclasses import replace

    from envgen.resolve import resolve

    resolution = resolve(builds, request)
    return replace(resolution, notices=(*asked.notices, *resolution.notices))


def _project_command(wanted: RequestOptions) -> str:
    """The command for the tool whose files are in this folder; empty where there are none."""
    tools = (("uv", Path("uv.lock")), ("pixi", Path("pixi.toml")), ("pixi", Path("pixi.lock")))
    tool = next((tool for tool, file in tools if file.is_file()), "")
    return command_line(["envgen", "project", tool, *words(wanted), "--write"]) if tool else ""


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


def _json(reports: list[Report], *, failed: bool) -> object:
    """One decision, or an array of those of several platforms; each with its error when none has a build."""
    from envgen.facts.tables import catalog_revision

    revision = catalog_revision()
    found = []
    for report in reports:
        document = resolution_json(report.resolution, catalog=revision, locked=report.locked)
        found.append(document | ({"error": error_json(NoBuildError(report.resolution))} if failed else {}))
    return found[0] if len(found) == 1 else found
