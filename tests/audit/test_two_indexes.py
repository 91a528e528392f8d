"""An index of PyTorch's beside PyPI: pip takes the highest version of both, uv stays with the first that has torch.

pip's documentation (`--extra-index-url`): no index has priority. uv's (index-strategy): `first-index` is the default.
"""

from __future__ import annotations

import pytest

from envgen.audits.report import audit_text
from envgen.core.platforms import Subdir
from envgen.facts.catalog import Catalog
from equipment.requests import ask

CATALOG = Catalog.load()
CU118 = "https://download.pytorch.org/whl/cu118"


def verdict(text: str, name: str = "requirements.txt", subdir: Subdir = Subdir.LINUX_64) -> tuple[str, str, str]:
    report = audit_text(text, name, [ask("6.1", driver="535.183.01", subdir=subdir)], CATALOG)
    (one,) = report.verdicts
    told = " ".join((one.judgement.reason, *one.judgement.notes))
    return one.judgement.outcome.value, one.judgement.label, told


@pytest.mark.parametrize("option", [f"--extra-index-url {CU118}", f"--find-links {CU118}/torch/"])
def test_a_range_is_the_newest_of_both(option: str) -> None:
    """The cu118 index ends with 2.7.1."""
    outcome, label, told = verdict(f"{option}\ntorch>=1.10.0\n")
    assert outcome == "fails"
    assert "cu118" not in label
    assert "has no torch 2." in told


def test_one_release_in_both_is_that_of_the_index() -> None:
    assert verdict(f"--extra-index-url {CU118}\ntorch==2.1.2\n")[:2] == ("runs", "torch 2.1.2+cu118")
    assert verdict(f"--extra-index-url {CU118}\ntorch<2.7.2\n")[:2] == ("runs", "torch 2.7.1+cu118")


def test_a_release_that_the_index_lacks_is_that_of_pypi() -> None:
    assert verdict(f"--extra-index-url {CU118}\ntorch==2.9.0\n")[:2] == ("fails", "torch 2.9.0+cu128")


def test_an_exact_build_is_of_the_index_or_nobodys() -> None:
    assert verdict(f"--extra-index-url {CU118}\ntorch==2.9.0+cu118\n")[0] == "unknown"


def test_an_index_instead_of_pypi_is_the_only_one() -> None:
    assert verdict(f"--index-url {CU118}\ntorch\n")[:2] == ("runs", "torch 2.7.1+cu118")


def test_pypi_has_cpu_builds_for_windows() -> None:
    outcome, _, told = verdict(f"--extra-index-url {CU118}\ntorch\n", subdir=Subdir.WIN_64)
    assert outcome == "fails"
    assert "CPU build" in told


@pytest.mark.parametrize(("tool", "outcome"), [("pip", "fails"), ("uv pip", "runs")])
def test_a_dockerfiles_tool_decides(tool: str, outcome: str) -> None:
    text = f"FROM python:3.11\nRUN {tool} install torch --extra-index-url {CU118}\n"
    assert verdict(text, "Dockerfile")[0] == outcome


@pytest.mark.parametrize("option", [f"--index-url {CU118}", f"-i {CU118}", "-f /wheels", "--hash=sha256:00"])
def test_an_option_behind_a_requirement_hides_no_torch(option: str) -> None:
    """pip reads hashes there; an index there is no error for it, and counts for nothing."""
    assert verdict(f"torch==2.1.2 {option}\n")[1] == "torch 2.1.2+cu121"
