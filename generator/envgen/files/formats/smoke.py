"""The CUDA smoke test that goes with an environment: a file of its own that needs only torch.

`python -m envgen.files.formats.smoke` prints one without expectations, for use with its `--expect`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from envgen.core.dataclass import dataclass
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import cuda_of_tag
from envgen.core.resolution import Pairing
from envgen.files.commands import VENV, venv_python
from envgen.files.format import Beside, FileFormat, Use
from envgen.files.quoting import python_literal
from envgen.files.templates import TemplateError, read_template

# The one line of the program that is replaced.
_CONSTANT = 'EXPECTED = {"pairings": [], "gpus": []}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokePairing:
    """A locked build: `source` is `pip` or `conda`, `cuda` is X.Y or `cpu`; an empty value is not checked."""

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
    """Return the text of the smoke test for these expectations: the program that is shipped, with its one constant."""
    program = read_template(SMOKE_TEST.one)
    before, found, after = program.partition(_CONSTANT)
    if not found or _CONSTANT in after:
        raise TemplateError(SMOKE_TEST.one, f"it has no single line {_CONSTANT.strip()}")
    return f"{before}{smoke_constant(expected)}{after}"


def smoke_constant(expected: SmokeExpectation) -> str:
    """The lines that replace the shipped constant, an entry a line."""
    lines = ["EXPECTED = {"]
    for key, entries in expected.as_json().items():
        rows = [", ".join(f'"{name}": {python_literal(value)}' for name, value in entry.items()) for entry in entries]
        lines += [f'    "{key}": [', *(f"        {{{row}}}," for row in rows), "    ],"]
    return "\n".join([*lines, "}"]) + "\n"


def _write(locks: Sequence[SmokeExpectation], beside: Beside) -> str:
    del beside
    (expected,) = locks
    return smoke_body(expected)


def _read(text: str, origin: str) -> str:
    """The text itself: nothing is read out of a program."""
    del origin
    return text


def proof_command(subdir: Subdir, *, environment: str = "", venv: str = VENV) -> str:
    """The one command that proves an environment: conda's of that name, or else the virtual one."""
    if environment:
        return f"conda run --name {environment} python {SMOKE_TEST.one}"
    return f"{venv_python(subdir, venv)} {SMOKE_TEST.one}"


def _use(use: Use) -> Iterator[str]:
    yield f"use: {proof_command(use.subdir, environment=use.environment)}"


SMOKE_TEST = FileFormat(set=None, one="smoke_test.py", write=_write, read=_read, use=_use)


if __name__ == "__main__":
    sys.stdout.write(smoke_body(SmokeExpectation()))
