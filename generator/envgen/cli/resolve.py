"""`envgen resolve`: the decision only."""

from __future__ import annotations

from envgen.cli import options
from envgen.cli.output import emit, emit_json
from envgen.cli.report import resolution_json, resolution_text
from envgen.core.request import Request
from envgen.core.resolution import Resolution
from envgen.facts.catalog import Catalog
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.requests import Requests
from envgen.resolve.errors import NoBuildError


@options.takes(RequestOptions)
def resolve_command(
    wanted: RequestOptions,
    output_format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Say which PyTorch and CUDA run on a GPU, and why. Writes nothing.

    Example: envgen resolve --gpu "GeForce MX450" --platform win-64 --driver 560.94
    """
    builds = Catalog.load()
    asked = read_request(wanted, builds)
    resolutions = [decide(request, asked, builds) for request in asked.requests]
    locked = [locked_labels(resolution.request, builds) for resolution in resolutions]
    none_runs = all(resolution.pip is None and resolution.conda is None for resolution in resolutions)
    if output_format is options.OutputFormat.JSON:
        emit_json(_json(resolutions, locked))
    elif not none_runs:
        emit("\n".join(resolution_text(r, found) for r, found in zip(resolutions, locked, strict=True)))
    if none_runs:
        raise NoBuildError(resolutions[0])


def decide(request: Request, asked: Requests, builds: Catalog) -> Resolution:
    """The decision with the notices of the look-up in front."""
    from dataclasses import replace

    from envgen.resolve import resolve

    resolution = resolve(builds, request)
    return replace(resolution, notices=(*asked.notices, *resolution.notices))


def locked_labels(request: Request, builds: Catalog) -> dict[str, str | None]:
    """Set -> the newest shipped lock that runs, by name, or None."""
    from envgen.core.paths import tree
    from envgen.core.sets import PackageSet
    from envgen.lock.shipped import shipped_locks
    from envgen.resolve.shipped import newest

    shipped = shipped_locks(tree("lockfiles"))
    found = {package_set: newest(package_set, shipped, request, builds) for package_set in PackageSet}
    return {package_set.value: pairing.build.short_label if pairing else None for package_set, pairing in found.items()}


def _json(resolutions: list[Resolution], locked: list[dict[str, str | None]]) -> object:
    from envgen.facts.tables import catalog_revision

    revision = catalog_revision()
    found = [resolution_json(r, catalog=revision, locked=k) for r, k in zip(resolutions, locked, strict=True)]
    return found[0] if len(found) == 1 else found
