"""The CUDA smoke test that goes with an environment: a file of its own that needs only torch.

`python -m envgen.files.smoke` prints one without expectations, for use with its `--expect`.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass

from envgen.core.gpus import Gpu
from envgen.core.releases import cuda_of_tag
from envgen.core.resolution import Pairing


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokePairing:
    """A locked build: `source` is `pip` or `conda`, `cuda` the toolkit's X.Y; an empty value is not checked."""

    source: str
    torch: str
    cuda: str
    torchvision: str = ""

    @classmethod
    def of(cls, pairing: Pairing) -> SmokePairing:
        """What the test expects of a pairing."""
        package_set, torch, cuda_tag = pairing.build.key
        return cls(source=package_set.value, torch=torch, cuda=cuda_of_tag(cuda_tag), torchvision=pairing.torchvision)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeGpu:
    """A GPU that the build must have code for: `capability` is X.Y, `name` is only shown."""

    name: str
    capability: str

    @classmethod
    def of(cls, gpu: Gpu) -> SmokeGpu:
        return cls(name=gpu.name, capability=str(gpu.capability))


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeExpectation:
    """What the smoke test holds an installed environment against: any one of the pairings, and all the GPUs."""

    pairings: tuple[SmokePairing, ...] = ()
    gpus: tuple[SmokeGpu, ...] = ()

    def as_json(self) -> dict[str, list[dict[str, str]]]:
        """The expectation as the file that the smoke test's `--expect` reads."""
        return {"pairings": [asdict(pairing) for pairing in self.pairings], "gpus": [asdict(gpu) for gpu in self.gpus]}


def smoke_body(expected: SmokeExpectation) -> str:
    """Return the text of `smoke_test.py` for these expectations."""
    from envgen.files.templates import render

    return render("smoke_test.py.j2", pairings=expected.pairings, gpus=expected.gpus)


if __name__ == "__main__":
    sys.stdout.write(smoke_body(SmokeExpectation()))
