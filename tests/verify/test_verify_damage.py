"""No kind of damage is called good or gets past a command: some of them here, all of them in the slow run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.verify.findings import Asking
from equipment.damage import Damage, all_kinds
from equipment.damage_table import base_folder, row
from equipment.shipped_mirror import shipped_mirror

KINDS = all_kinds()
TABLE = Path(__file__).parent / "DAMAGE.md"
# One of each stretch of the table, with one in between as a proof; the others are slow.
EVERY = 24


def marks(number: int) -> tuple[pytest.MarkDecorator, ...]:
    if number % EVERY:
        return (pytest.mark.slow,)
    return (pytest.mark.proof,) if number % (2 * EVERY) else ()


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with shipped_mirror(tmp_path_factory.mktemp("channels")) as mirror:
        yield mirror


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("damage") / "base"
    return folder, base_folder(folder)


@pytest.mark.parametrize(
    "damage",
    [pytest.param(one, id=one.name, marks=marks(number)) for number, one in enumerate(KINDS)],
)
def test_nothing_else_is_called_good_or_written(
    damage: Damage, base: tuple[Path, dict[str, bytes]], asking: Asking, tmp_path: Path
) -> None:
    offline, online, check, written = row(damage, base[0], tmp_path / "copy", base[1], asking)
    assert (offline[0] + online[0]).islower()  # GOOD and NOT CHECKED have no reason
    assert written in ("made anew", "refused") or damage.unknown or damage.harmless
    assert check == "found" or damage.harmless or damage.unknown
    assert f"| {damage.name} | {offline} | {online} | {check} | {written} |" in TABLE.read_text("utf-8").splitlines()


def test_the_table_has_every_kind_once() -> None:
    rows = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| ")][2:]
    names = [kind.name for kind in KINDS]
    assert len(names) == len({*names}) == len(rows) >= 150
