"""Whatever stands in a file of others, it is read soon, or an error of the contract says why not."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envgen.cli.main import main
from fuzz.campaign import EXAMPLES
from fuzz.files import REPORTS, SAMPLES
from fuzz.folders import CHANGES, PIECES
from fuzz.machine import LONGEST_S, STATUSES

pytestmark = pytest.mark.fuzz

TARGET = ["--gpu", "RTX 4090", "--driver", "570.133.20", "--platform", "linux-64"]
# What a text repeats where somebody wants its reader to take long.
UNITS = (
    *(piece for piece in PIECES if 0 < len(piece) < 40),
    *(b"a", b" ", b"\t", b".", b"\\\n", b"- ", b"-", b"[", b"[[a]]\n", b"{", b'"', b"'", b"#", b"\n", b"\r", b"a.a"),
    *(b"a = 1\n", b"9", b"torch==2.9.1\n", b"torch\n", b"[torch]", b"; ", b" and ", b"(", b"FROM a AS b\n", b"$A"),
    *(b"RUN <<E\n", b"RUN \\\n", b"${A:-", b"- pip:\n  ", b"&a ", b"*a ", b"? ", b"!!x ", b"<<: ", b"https://", b"@"),
    *(b"-r requirements.txt\n", b" @ ", b"~=1,", b"NVIDIA ", b"GPU 0: ", b"| ", b"+cu128", b"RTX 4090\n", b"/*"),
    *(b"Driver Version: 5\n", b"---\n", b"\xff", b"\xf0\x9f\x98\x80"),
)  # fmt: skip


class Content(bytes):
    """Bytes that a failure shows the beginning of."""

    def __repr__(self) -> str:
        return f"{self[:300]!s}... ({len(self)} bytes)"


@st.composite
def changes(draw: st.DrawFn, sample: bytes) -> Content:
    """A sample with up to three faults, or with something in it ten thousand times."""
    if draw(st.integers(0, 3)) == 0:
        at, unit = int(draw(st.floats(0, 1)) * len(sample)), draw(st.sampled_from(UNITS))
        return Content(sample[:at] + unit * (100_000 // len(unit)) + (sample[at:] if draw(st.booleans()) else b""))
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3)):
        sample = change(Random(draw(st.integers(0, 2**32))), sample)
    return Content(sample)


def hold(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    started = time.process_time()
    status = main(command)
    taken = time.process_time() - started
    said = capsys.readouterr()
    assert status in STATUSES, f"{status}: {said.err[-500:]}"
    assert "Traceback" not in said.err
    assert taken < LONGEST_S, f"{taken:.1f} s"


SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 60,
    print_blob=False,
)  # fmt: skip


@SETTINGS
@given(data=st.data())
def test_any_file_of_others(data: st.DataObject, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = data.draw(st.sampled_from(sorted(SAMPLES)))
    path = tmp_path / data.draw(st.sampled_from([name] * 9 + sorted(SAMPLES)))
    path.write_bytes(data.draw(changes(SAMPLES[name].encode())))
    hold(["audit", str(path), *TARGET], capsys)
    path.unlink()


@SETTINGS
@given(data=st.data())
def test_any_file_of_requirements(data: st.DataObject, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = data.draw(st.sampled_from(["requirements.txt", "pyproject.toml", "environment.yml"]))
    option = "--environment" if name == "environment.yml" else "--requirements"
    (tmp_path / name).write_bytes(data.draw(changes(SAMPLES[name].encode())))
    hold([*TARGET, option, str(tmp_path / name), "--offline", "--dry-run", "--output", str(tmp_path / "out")], capsys)


@SETTINGS
@given(data=st.data())
def test_any_posted_text(data: st.DataObject, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(data.draw(changes(data.draw(st.sampled_from(REPORTS)).encode())))
    hold(["doctor", "--report", str(path)], capsys)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_are_read(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_text(SAMPLES[name], encoding="utf-8")
    assert main(["audit", str(tmp_path / name), *TARGET]) in (0, 1), capsys.readouterr().out
    assert "torch" in capsys.readouterr().out
