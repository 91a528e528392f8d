"""Pip pairings: which torch wheel builds run, best first, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.core.builds import PipBuild
from envgen.core.resolution import PipPairing, Rejection, RejectionCode
from envgen.resolve.checks import code_uses, failures, known_floor
from envgen.resolve.failure import Failure
from envgen.resolve.question import Question
from envgen.resolve.rank import rejection

PYPI = "https://pypi.org/simple"


def pip_failures(build: PipBuild, question: Question) -> Iterator[Failure]:
    """Everything that speaks against a wheel build, the most fundamental first."""
    yield from failures(build, question)
    companions = question.rules.builds.companions.get(build.torch)
    if question.request.vision and (companions is None or not companions.torchvision):
        yield Failure(
            code=RejectionCode.NO_TORCHVISION,
            text=f"no torchvision release goes with torch {build.torch}",
            unlock={"no-vision": "true"},
        )
    yield from question.options.failures(build)


def pip_pairing(build: PipBuild, question: Question) -> PipPairing:
    """The pairing of a build that passed every rule, with its companions and its index."""
    request, rules = question.request, question.rules
    companions = rules.builds.companions.get(build.torch)
    return PipPairing(
        build=build,
        index_url=PYPI if build.on_pypi else rules.builds.index_urls[build.cuda_tag],
        torchvision=companions.torchvision if companions and request.vision else "",
        torchaudio=(companions.torchaudio or companions.torchaudio_loads) if companions and request.audio else "",
        code=code_uses(build, request),
        driver_floor=known_floor(build, question),
        fully_served=rules.fully_serves(build.cuda),
    )


def pip_rejection(build: PipBuild, reasons: Sequence[Failure]) -> Rejection:
    """The record of a build that was not taken."""
    return rejection("pip", build.torch, build.cuda_tag, reasons)
