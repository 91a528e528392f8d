"""The CUDA smoke test that goes with an environment: a file of its own that needs only torch.

`python -m envgen.files.formats.smoke` prints one without expectations, for use with its `--expect`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import cuda_of_tag
from envgen.core.resolution import Pairing
from envgen.core.sets import PackageSet
from envgen.files.commands import ENVIRONMENT
from envgen.files.format import FileFormat, Use


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
    """Return the text of the smoke test for these expectations."""
    from envgen.files.templates import render

    return render("smoke_test.py.j2", pairings=expected.pairings, gpus=expected.gpus)


def _write(locks: Sequence[SmokeExpectation], beside: Mapping[str, str]) -> str:
    del beside
    (expected,) = locks
    return smoke_body(expected)


def _read(text: str, origin: str) -> str:
    """The text itself: nothing is read out of a program."""
    del origin
    return text


def test_command(subdir: Subdir, *, has_pip: bool) -> str:
    """The one command that proves the environment: in the pip environment, or in conda's when there is no other."""
    if not has_pip:
        return f"conda run --name {ENVIRONMENT} python {SMOKE_TEST.one}"
    python = r".venv\Scripts\python" if subdir.is_windows else ".venv/bin/python"
    return f"{python} {SMOKE_TEST.one}"


def _use(use: Use) -> Iterator[str]:
    yield f"use: {test_command(use.subdir, has_pip=use.set is PackageSet.PIP)}"


SMOKE_TEST = FileFormat(set=None, one="smoke_test.py", write=_write, read=_read, use=_use)


if __name__ == "__main__":
    sys.stdout.write(smoke_body(SmokeExpectation()))
