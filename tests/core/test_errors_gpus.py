"""The texts of errors about GPUs."""

from __future__ import annotations

import pytest

from envgen.core.capability import ComputeCapability
from envgen.core.errors import NoPairingError
from envgen.core.gpus import Candidate, Match, MatchKind
from envgen.gpus.errors import GpuAmbiguousError, GpuUnknownError, OtherVendorError, match_error

PCI_HINT = (
    "  hint: give the full name or the PCI id (Linux: `lspci -nn -d 10de:`; Windows: `Get-PnpDevice -Class Display | "
    "Select-Object FriendlyName, InstanceId`, or Device Manager, Details, Hardware Ids)"
)
UNKNOWN = Match(
    kind=MatchKind.UNKNOWN,
    query="RTX 4900",
    suggestions=("GeForce RTX 4090", "GeForce RTX 4090 D", "RTX 4000 Ada Generation"),
)
AMBIGUOUS = Match(
    kind=MatchKind.AMBIGUOUS,
    query="RTX 4000",
    candidates=(
        Candidate(name="Quadro RTX 4000", capability=ComputeCapability(7, 5), detail="TU104, 2018"),
        Candidate(name="RTX 4000 Ada Generation", capability=ComputeCapability(8, 9)),
    ),
)
OTHER = Match(kind=MatchKind.OTHER_VENDOR, query="Arc A770", vendor="Intel", advice="install the XPU build")


@pytest.mark.parametrize(
    ("match", "error", "text"),
    [
        pytest.param(
            UNKNOWN,
            GpuUnknownError,
            'no GPU named "RTX 4900" in the catalog [gpu-unknown]\n'
            "  closest names: GeForce RTX 4090, GeForce RTX 4090 D, RTX 4000 Ada Generation\n"
            "  hint: run `envgen gpus 4090` to list matches, or pass --compute-capability",
            id="unknown",
        ),
        pytest.param(
            Match(kind=MatchKind.UNKNOWN, query="hello", notes=("a remark",)),
            GpuUnknownError,
            'no GPU named "hello" in the catalog [gpu-unknown]\n'
            "  a remark\n"
            "  hint: give one GPU's name alone, as `nvidia-smi -L` or Device Manager shows it, or its PCI id",
            id="unknown-without-suggestions",
        ),
        pytest.param(
            AMBIGUOUS,
            GpuAmbiguousError,
            '"RTX 4000" can mean 2 GPUs with different compute capabilities [gpu-ambiguous]\n'
            "  Quadro RTX 4000 is 7.5 (TU104, 2018)\n"
            "  RTX 4000 Ada Generation is 8.9\n" + PCI_HINT,
            id="ambiguous",
        ),
        pytest.param(
            OTHER,
            OtherVendorError,
            '"Arc A770" is not an NVIDIA GPU (vendor: Intel) [other-vendor]\n'
            "  envgen pairs NVIDIA GPUs with CUDA builds; no CUDA build runs on it\n"
            "  hint: install the XPU build",
            id="other-vendor",
        ),
    ],
)
def test_text(match: Match, error: type[NoPairingError], text: str) -> None:
    found = match_error(match)
    assert type(found) is error
    assert str(found) == text
    assert found.exit_code == 3


def test_an_error_keeps_its_facts() -> None:
    found = match_error(UNKNOWN)
    assert isinstance(found, GpuUnknownError)
    assert found.match is UNKNOWN


def test_a_hostile_name_stays_on_one_line() -> None:
    text = str(match_error(Match(kind=MatchKind.UNKNOWN, query="RTX\n\x1b[31m" + "9" * 500)))
    assert text.splitlines()[0] == (
        f'no GPU named "RTX\\n\\x1b[31m{"9" * 71}… (509 characters)" in the catalog [gpu-unknown]'
    )
