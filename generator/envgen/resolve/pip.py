"""Pip pairings: which torch wheel builds run, best first, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.core.builds import PipBuild
from envgen.core.releases import cuda_of_tag
from envgen.core.request import Request
from envgen.core.resolution import PipPairing, Rejection, RejectionCode
from envgen.resolve.checks import Failure, Subject, code_uses, failures, known_floor
from envgen.resolve.driver import DriverRules
from envgen.resolve.options import Options
from envgen.resolve.rank import RankKey, rank, rejection

PYPI = "https://pypi.org/simple"


def pip_subject(build: PipBuild, request: Request) -> Subject:
    """What the rules need to know about a wheel build."""
    return Subject(
        label=pip_label(build),
        release=build.torch,
        cuda=build.toolkit or cuda_of_tag(build.cuda_tag),
        cuda_tag=build.cuda_tag,
        codes=build.codes,
        pythons=build.pythons,
        existence=build.existence_for(request.python),
        cudnn=build.cudnn,
        glibc=build.glibc,
    )


def pip_label(build: PipBuild) -> str:
    """How a wheel build is named to people: `torch 2.14.1+cu126`."""
    return f"torch {build.torch}+{build.cuda_tag}"


def pip_failures(build: PipBuild, request: Request, rules: DriverRules, options: Options) -> Iterator[Failure]:
    """Everything that speaks against a wheel build, the most fundamental first."""
    yield from failures(pip_subject(build, request), request, rules)
    companions = rules.builds.companions.get(build.torch)
    if request.vision and (companions is None or not companions.torchvision):
        yield Failure(
            code=RejectionCode.NO_TORCHVISION,
            text=f"no torchvision release goes with torch {build.torch}",
            unlock={"no-vision": "true"},
        )
    yield from options.failures(build.torch, build.cuda_tag, pip_label(build))


def pip_pairing(build: PipBuild, request: Request, rules: DriverRules) -> PipPairing:
    """The pairing of a build that passed every rule, with its companions and its index."""
    subject = pip_subject(build, request)
    companions = rules.builds.companions.get(build.torch)
    return PipPairing(
        build=build,
        index_url=PYPI if build.on_pypi else rules.builds.index_urls[build.cuda_tag],
        torchvision=companions.torchvision if companions and request.vision else "",
        torchaudio=(companions.torchaudio or companions.torchaudio_loads) if companions and request.audio else "",
        code=code_uses(subject, request),
        driver_floor=known_floor(subject, request, rules),
        fully_served=rules.fully_serves(build.toolkit or cuda_of_tag(build.cuda_tag)),
    )


def pip_rank(build: PipBuild, request: Request, rules: DriverRules) -> RankKey:
    """The key by which a usable build is preferred, the highest first."""
    return rank(pip_subject(build, request), request, rules)


def pip_rejection(build: PipBuild, reasons: Sequence[Failure]) -> Rejection:
    """The record of a build that was not taken."""
    return rejection("pip", build.torch, build.cuda_tag, reasons)
