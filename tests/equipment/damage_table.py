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
from envgen.verify.findings import Asking, Verdict
from equipment.damage import REQUEST, Damage, all_kinds
from equipment.lock_damage import verify
from equipment.shipped_mirror import shipped_mirror

HEAD = """# Kinds of damage, and what finds them

Made by `PYTHONPATH=tests python -m equipment.damage_table`; `tests/verify/test_verify_damage.py` holds it. Each kind is
done to a whole folder with every digest made right again, as anybody who has envgen can. `found`: verify says not good,
or `--check` ends with 1. `refused`: nothing is written. `made anew`: the folder is byte for byte what it was before the
damage. `kept`: nothing changes. Online, indexes and a channel on this machine are asked, which have the records of the
shipped locks and one package more. `found offline`: online says what offline says and more, so that nobody was asked;
packages and what offline is called good are asked in any case. The locks of people, which no shipped lock knows, are in
`test_verify_online.py` and `test_verify_own_locks.py`.

| kind | verify --offline | verify --online | --check | envgen |
| --- | --- | --- | --- | --- |
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


def row(damage: Damage, base: Path, place: Path, whole: dict[str, bytes], asking: Asking) -> tuple[str, str, str, str]:
    """What verify offline and online, `--check` and the main job make of a kind of damage to a copy of `base`."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(base, place)
    damage.apply(place)
    offline = _words(verify(place).verdict, good=damage.harmless, unknown=damage.unknown)
    online = "found offline"
    if offline != "found" or damage.name.startswith(("pip packages", "conda packages")):
        online = _words(_online(place, asking), good=damage.harmless_online, unknown=damage.unknown)
    with quiet():
        check = main([*REQUEST, "--check", "--output", str(place)])
        status = main([*REQUEST, "--offline", "--output", str(place)])
    after = {name: data for name, data in contents(place).items() if name in whole}
    written = "made anew" if after == whole else "kept" if damage.unknown or damage.harmless else "WRITTEN OTHERWISE"
    return offline, online, "found" if check else "no change", "refused" if status else written


def _online(place: Path, asking: Asking) -> Verdict:
    report = verify(place, asking)
    unanswered = [check for check in report.skipped if check.unanswered]
    assert report.verdict is Verdict.NOT_GOOD or not unanswered, unanswered  # exit 5: the mirror is at fault
    return report.verdict


def _words(verdict: Verdict, *, good: str, unknown: str) -> str:
    if verdict is Verdict.GOOD:
        return f"good: {good}" if good else "GOOD"
    if verdict is Verdict.NOT_CHECKED:
        return f"not checked: {unknown}" if unknown else "NOT CHECKED"
    return "found"


def table() -> Iterator[str]:
    """The rows of all kinds."""
    with tempfile.TemporaryDirectory() as folder, shipped_mirror(Path(folder) / "channels") as asking:
        base, place = Path(folder) / "base", Path(folder) / "copy"
        whole = base_folder(base)
        for damage in all_kinds():
            cells = row(damage, base, place, whole, asking)
            yield f"| {damage.name} | {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(HEAD)
    for line in table():
        sys.stdout.write(line)
        sys.stdout.flush()
