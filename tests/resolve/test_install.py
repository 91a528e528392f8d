"""The commands that install a pairing without a lock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.sets import PackageSet
from envgen.resolve import resolve
from envgen.resolve.install import install_commands
from equipment.requests import ask
from resolve.catalog import FROZEN


@pytest.mark.parametrize(
    ("package_set", "options", "expected"),
    [
        pytest.param(
            PackageSet.PIP,
            {"torch": "==2.14.1"},
            "pip install torch==2.14.1 torchvision==0.29.1 torchaudio==2.11.0 --index-url https://pypi.org/simple",
            id="pypis-own",
        ),
        pytest.param(
            PackageSet.PIP,
            {"torch": "==2.14.1", "cuda": "cu126", "vision": False, "audio": False},
            "pip install torch==2.14.1 --index-url https://download.pytorch.org/whl/cu126",
            id="without-companions",
        ),
        pytest.param(
            PackageSet.CONDA,
            {"torch": "==2.13.0", "audio": False},
            "conda create --name pytorch-2.13.0-cuda130 --override-channels --channel conda-forge "
            '"python=3.12" "pytorch=2.13.0=cuda130*" "cuda-version=13.0" "torchvision"',
            id="conda-forge",
        ),
        pytest.param(
            PackageSet.CONDA,
            {"torch": "==2.0.1", "vision": False, "audio": False},
            "conda create --name pytorch-2.0.1-cuda117 --override-channels --channel pytorch --channel nvidia "
            '"python=3.12" "pytorch=2.0.1=cuda117*"',
            id="the-legacy-channels-in-their-order",
        ),
    ],
)
def test_the_command(package_set: PackageSet, options: dict[str, object], expected: str) -> None:
    asked = replace(ask("8.6", driver="580.95.05"), audio=True)
    pairing = resolve(FROZEN, replace(asked, **options)).pairing(package_set)  # type: ignore[arg-type] # fields of it
    assert pairing is not None
    assert install_commands(pairing) == (expected,)
