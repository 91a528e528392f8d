"""What each command says of each kind of damage: `PYTHONPATH=tests python -m equipment.damage_table` prints the table.

A row is true when nothing is installed that is something else, something more or less, or from elsewhere.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from envgen.cli.main import main
from equipment.damage import REQUEST, Damage, all_kinds
from equipment.lock_damage import verify

HEAD = """# Kinds of damage, and what finds them

Made by `PYTHONPATH=tests python -m equipment.damage_table`; `tests/verify/test_verify_damage.py` holds it. Each kind is
done to a whole folder with every digest made right again, as anybody who has envgen can. `found`: verify says not good,
or `--check` ends with 1. `refused`: nothing is written. `made anew`: the folder is byte for byte what it was before the
damage. What verify finds offline it finds online too: there it asks indexes and channels beside, which find what is
`not checked` here (`test_verify_online.py`). `kept`: nothing changes.

| kind | verify | --check | envgen |
| --- | --- | --- | --- |
"""


def base_folder(place: Path) -> dict[str, bytes]:
    """The files of the folder that is damaged, as the main job writes them."""
    with quiet():
        assert main([*REQUEST, "--offline", "--output", str(place)]) == 0
    return contents(place)


def contents(place: Path) -> dict[str, bytes]:
    """The files of a folder, by name."""
    return {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}


@contextlib.contextmanager
def quiet() -> Iterator[io.StringIO]:
    """What a command says, kept."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        yield out


def row(damage: Damage, base: Path, place: Path, whole: dict[str, bytes]) -> tuple[str, str, str]:
    """What verify, `--check` and the main job make of a kind of damage to a copy of `base`."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(base, place)
    damage.apply(place)
    verdict = str(verify(place).verdict)
    with quiet():
        check = main([*REQUEST, "--check", "--output", str(place)])
        status = main([*REQUEST, "--offline", "--output", str(place)])
    after = {name: data for name, data in contents(place).items() if name in whole}
    written = "made anew" if after == whole else "kept" if damage.unknown or damage.harmless else "WRITTEN OTHERWISE"
    return _words(damage, verdict), "found" if check else "no change", "refused" if status else written


def _words(damage: Damage, verdict: str) -> str:
    if verdict == "good":
        return f"good: {damage.harmless}" if damage.harmless else "GOOD"
    if verdict == "not-checked":
        return f"not checked: {damage.unknown}" if damage.unknown else "NOT CHECKED"
    return "found"


def table() -> Iterator[str]:
    """The rows of all kinds."""
    with tempfile.TemporaryDirectory() as folder:
        base, place = Path(folder) / "base", Path(folder) / "copy"
        whole = base_folder(base)
        for damage in all_kinds():
            cells = row(damage, base, place, whole)
            yield f"| {damage.name} | {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(HEAD)
    for line in table():
        sys.stdout.write(line)
        sys.stdout.flush()
