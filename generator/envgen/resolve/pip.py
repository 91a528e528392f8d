"""The pip pairing of a build that runs: its companions and its index."""

from __future__ import annotations

from envgen.core.builds import PipBuild
from envgen.core.resolution import PipPairing
from envgen.resolve.checks import code_uses, known_floor
from envgen.resolve.question import Question

PYPI = "https://pypi.org/simple"


def pip_pairing(build: PipBuild, question: Question) -> PipPairing:
    """The pairing of a build that passed every rule, with its companions and its index."""
    request, rules = question.request, question.rules
    companions = rules.builds.companions.get(build.torch)
    return PipPairing(
        build=build,
        index_url=PYPI if build.on_pypi else rules.builds.index_urls[build.cuda_tag],
        torchvision=companions.vision_for(request.python) if companions and request.vision else "",
        torchaudio=companions.audio_for(request.python) if companions and request.audio else "",
        code=code_uses(build, question),
        driver_floor=known_floor(build, question),
        fully_served=rules.fully_serves(build.cuda),
    )
