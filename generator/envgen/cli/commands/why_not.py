"""`envgen why-not`: why one build was not taken, and what would change that."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.api.convert import explanation as published
from envgen.cli import options
from envgen.cli.output import write_answer, write_json
from envgen.core.request import Request
from envgen.facts.catalog import Catalog
from envgen.request.options import RequestOptions
from envgen.request.values import parse_named_build
from envgen.resolve.why_not import Explanation, explain

if TYPE_CHECKING:
    from envgen.cli.project import Asked


# The build is named.
_NOT_READ = ("torch", "cuda", "audio")


@options.takes(RequestOptions, without=_NOT_READ)
def why_not_command(
    wanted: RequestOptions,
    build: Annotated[
        str, typer.Argument(metavar="BUILD", help="A CUDA tag (cu130), a release (2.15.0), or both (2.15.0+cu130).")
    ],
    output_format: options.Format = options.OutputFormat.TEXT,
    target: options.TargetNames = None,
) -> None:
    """Say why a build was not taken for a GPU, or for those of a project's targets, and what would change that.

    Example: envgen why-not cu130 --gpu "GTX 1080" --driver 570.133.20 --platform linux-64
    """
    from envgen.cli.project import asked_of

    torch, cuda = parse_named_build(build)
    builds = Catalog.load()
    found = [
        (asked, request, explain(builds, request, torch=torch, cuda_tag=cuda))
        for asked in asked_of(target, wanted, builds, without=_NOT_READ)
        for request in asked.requests.requests
    ]
    if output_format is options.OutputFormat.JSON:
        answers = [_answer(asked, request, one) for asked, request, explanations in found for one in explanations]
        write_json({"schema_version": 1, "answers": answers})
        return
    for asked, group in groupby(found, lambda one: one[0]):
        write_answer(asked.heading + "".join(_text(request, explanations, build) for _, request, explanations in group))


def _answer(asked: Asked, request: Request, explanation: Explanation) -> dict[str, object]:
    return asdict(published(request, explanation)) | ({"target": asked.target} if asked.target else {})


def _text(request: Request, explanations: list[Explanation], build: str) -> str:
    if not explanations and request.is_cpu:
        return f"{request.subdir}: no build for the CPU is {build}\n"
    if not explanations:
        return f"{request.subdir}: the catalog has no build {build}\n"
    lines = []
    if build.lower().startswith("cu"):
        running = next((one.build.label for one in explanations if one.rejection is None), None)
        lines.append(f"{request.subdir}: {f'of {build}, {running} runs' if running else f'no build of {build} runs'}")
    for explanation in explanations:
        lines.append(f"{request.subdir} {explanation.build.package_set} {explanation.build.label}")
        if explanation.chosen:
            lines.append("  this is the pairing decided on")
        elif explanation.rejection is None:
            lines.append(f"  it runs; {explanation.better} was preferred")
        lines += [f"  {text} [{code}]" for code, text in explanation.reasons]
        if explanation.rejection is not None:
            change = explanation.rejection.change
            lines.append(f"  it would run: {change.action()}" if change else "  no option changes that")
        if explanation.beside_driver:
            lines.append(f"  {explanation.beside_driver}")
    return "\n".join(lines) + "\n"
