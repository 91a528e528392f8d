"""`envgen why-not`: why one build was not taken, and what would change that."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from envgen.api.convert import explanation as published
from envgen.cli import options
from envgen.cli.output import write_answer, write_json
from envgen.core.request import Request
from envgen.facts.catalog import Catalog
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.values import parse_named_build
from envgen.resolve.why_not import Explanation, explain


@options.takes(RequestOptions, without=("torch", "cuda", "audio"))
def why_not_command(
    wanted: RequestOptions,
    build: Annotated[
        str, typer.Argument(metavar="BUILD", help="A CUDA tag (cu130), a release (2.15.0), or both (2.15.0+cu130).")
    ],
    output_format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Say why a build was not taken for a GPU, and what would change that.

    Example: envgen why-not cu130 --gpu "GTX 1080" --driver 570.133.20 --platform linux-64
    """
    torch, cuda = parse_named_build(build)
    builds = Catalog.load()
    asked = read_request(wanted, builds)
    found = [(request, explain(builds, request, torch=torch, cuda_tag=cuda)) for request in asked.requests]
    if output_format is options.OutputFormat.JSON:
        write_json({"schema_version": 1, "answers": [asdict(published(r, e)) for r, es in found for e in es]})
    else:
        write_answer("".join(_text(request, explanations, build) for request, explanations in found))


def _text(request: Request, explanations: list[Explanation], build: str) -> str:
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
