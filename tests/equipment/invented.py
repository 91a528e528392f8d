"""Invented packages under real names: what is known of the real ones would speak against them."""

from __future__ import annotations

from typing import Self

import pytest

from envgen.facts.wheels import WheelCatalog
from envgen.verify import folder, pip_lock
from envgen.verify.known import KnownFiles
from envgen.verify.online import pip_hashes


class _NoWheels(WheelCatalog):
    @classmethod
    def load(cls) -> Self:
        return cls(())


def forget_real_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let verify know no hash, no pin and no requirement of real packages for the rest of a test."""
    monkeypatch.setattr(folder, "known_files", lambda root: KnownFiles(wheels={}, conda={}, names={}))
    monkeypatch.setattr(pip_hashes, "WheelCatalog", _NoWheels)
    monkeypatch.setattr(pip_lock, "check_known_requires", lambda *given: iter(()))
