"""The small conda-forge on disk, in every form that a channel can have, written once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from equipment.conda_channel import write_pytorch_channels


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `conda-forge` as json, zst and shards."""
    return write_pytorch_channels(tmp_path_factory.mktemp("channels"), forms=("json", "zst", "shards"))


@pytest.fixture(scope="session")
def zst_channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same channel as zst alone."""
    return write_pytorch_channels(tmp_path_factory.mktemp("zst"), forms=("zst",))
