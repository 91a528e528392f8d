"""What keeps envgen fast, as counts and ratios: which modules load, which tables are read, what is asked of a server.

Times are only compared with each other, taken turn by turn, and with limits far above what is measured
(`python -m benchmarks` prints the figures): a test here fails when something costs twice what it did, not on a busy
day.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.big_channel import big_channel
from benchmarks.conda_locks import sharded
from benchmarks.decisions import decide
from benchmarks.processes import PASS, Command, envgen, medians, peak_mb
from benchmarks.results import Measure, Result, as_json, as_text
from benchmarks.starts import REQUEST
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.core.toml_text import parse_toml
from envgen.facts import tables
from envgen.facts.catalog import TABLES, Catalog
from envgen.files.formats import conda_lock_v1, pylock
from envgen.files.yaml_reader import read_yaml
from envgen.resolve import coverage, resolve
from envgen.solve.conda.process import run_child
from envgen.solve.conda.solve import solve_conda
from equipment.catalogs import whole_catalog
from equipment.conda_channel import cuda_query, write_pytorch_channels
from equipment.lock_damage import SHIPPED, codes
from equipment.loopback import serving
from equipment.requests import ask

# What only a solve needs. The network's modules are named because they are the heaviest of the standard library.
SOLVING = {
    "asyncio",
    "conda_lock",
    "envgen.solve.conda.solve",
    "envgen.net.client",
    "envgen.net.fetch",
    "envgen.solve.pip.solve",
    "html.parser",
    "http.client",
    "packaging",
    "rattler",
    "ssl",
    "urllib3",
    "yaml",
}


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has loaded when it is done."""
    script = f"import sys\nfrom envgen.cli.main import main\nassert main({list(arguments)!r}) == 0\n"
    script += "sys.stderr.write('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    return set(done.stderr.splitlines()[-1].split())


class TestStarts:
    def test_a_decision_loads_few_of_our_modules(self) -> None:
        ours = {name for name in loaded_by("resolve", *REQUEST) if name.startswith("envgen.")}
        assert len(ours) <= 88, sorted(ours)

    def test_a_decision_parses_no_file_of_a_user(self) -> None:
        """What reads TOML, JSON and YAML, and a project's file, is loaded by who has such a file."""
        loaded = loaded_by("resolve", *REQUEST)
        assert loaded & {"json", "tomllib", "yaml", "envgen.targets.manifest", "envgen.resolve.wsl"} == set()

    def test_a_shipped_lock_is_written_without_the_network_and_the_solvers(self, tmp_path: Path) -> None:
        loaded = loaded_by(*REQUEST, "--offline", "--output", str(tmp_path / "out"))
        assert loaded & SOLVING == set()

    def test_a_shipped_lock_is_checked_without_conda_lock_and_the_network(self, tmp_path: Path) -> None:
        """Its files are compared with what was shipped: conda_lock would take three times as long to make the same."""
        written = (*REQUEST, "--offline", "--output", str(tmp_path / "out"))
        loaded_by(*written)
        for command in ((*written, "--check"), ("verify", "--offline", str(tmp_path / "out"))):
            assert loaded_by(*command) & {"conda_lock", "pydantic", "urllib3", "envgen.net.client"} == set()

    def test_uv_is_started_before_what_is_needed_later_is_loaded(self) -> None:
        """It takes most of the time of a lock: what reads the index and writes files is loaded while it works."""
        script = """
import os, subprocess, sys
from envgen.solve.pip import seen
seen.seen_before = lambda query, pins: seen.Listed(requirements=("torch==2.10.0",), pins=(), sometimes=())
def started(*arguments, **options):
    os.write(1, " ".join(sys.modules).encode())
    os._exit(0)
subprocess.Popen = started
from envgen.cli.main import main
main(["lock", *sys.argv[1:]])
"""
        asked = ["--gpu", "RTX 4090", "--driver", "595", "--platform", "linux-64", "--only", "pip", "--with", "pandas"]
        command = [sys.executable, "-c", script, *asked]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        loaded = set(done.stdout.split())
        assert "envgen.solve.pip.uv" in loaded, done.stderr
        assert loaded & {"packaging", "urllib3", "ssl", "http.client", "jinja2", "yaml", "rattler", "html"} == set()

    def test_a_decision_costs_few_starts_of_an_interpreter(self) -> None:
        taken = medians({"resolve": Command(argv=envgen("resolve", *REQUEST))}, rounds=5)
        assert taken["resolve"] < 16 * taken[PASS]  # 7.4 measured

    def test_the_full_command_costs_few_starts_of_an_interpreter(self, tmp_path: Path) -> None:
        folder = tmp_path / "out"
        argv = envgen(*REQUEST, "--offline", "--output", str(folder))
        command = Command(argv=argv, prepare=lambda: shutil.rmtree(folder, ignore_errors=True))
        taken = medians({"generate": command}, rounds=5)
        assert taken["generate"] < 28 * taken[PASS]  # 12.4 measured


class TestDecisions:
    def test_each_table_is_read_once_and_only_the_small_ones(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read: Counter[str] = Counter()

        def counted(name: str) -> list[dict[str, str]]:
            read[name] += 1
            return tables.read_table(name)

        monkeypatch.setattr("envgen.facts.catalog.read_table", counted)
        # Not the one that the process has.
        builds = whole_catalog.__wrapped__(Catalog)  # type: ignore[attr-defined]
        for driver in ("560.94", "391.35", None):
            resolve(builds, ask("7.5", "win-64", driver))
        assert max(read.values()) == 1
        assert set(read) == set(TABLES)

    def test_an_arch_list_is_searched_once_for_a_capability(self) -> None:
        builds = Catalog.load()
        coverage.code_in.cache_clear()
        for driver in ("560.94", "391.35", None):
            resolve(builds, ask("7.5", "win-64", driver))
        lists = [build.arch_list for build in builds.builds(PackageSet.PIP, Subdir.WIN_64)]
        lists += [build.arch_list for build in builds.builds(PackageSet.CONDA, Subdir.WIN_64)]
        assert coverage.code_in.cache_info().misses <= len(set(lists)) < len(lists) / 2

    def test_hundreds_of_decisions_cost_few_starts_of_an_interpreter(self) -> None:
        fastest = min(decide(400) for _ in range(3))
        assert fastest < 60 * medians({}, rounds=5)[PASS]  # 18 measured


def test_verify_parses_each_lock_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads what a lock holds, what it states of itself, what writes it again and what the shipped one holds."""
    parsed: Counter[str] = Counter()

    def counted(parse: Callable[[str], object]) -> Callable[[str], object]:
        def count(text: str) -> object:
            parsed[text.partition("\n")[0]] += 1
            return parse(text)

        return count

    monkeypatch.setattr(conda_lock_v1, "read_yaml", counted(read_yaml))
    monkeypatch.setattr(pylock, "parse_toml", counted(parse_toml))
    conda_lock_v1._document.cache_clear()
    pylock.pylock_document.cache_clear()
    for name in ("conda-pytorch-2.10.0-cuda129", "pip-torch-2.14.1-cu126"):
        assert codes(SHIPPED / "linux-64/py3.12" / name) == set()
    assert sorted(parsed.values()) == [1, 1]


@pytest.fixture
def channels(tmp_path: Path) -> Path:
    return write_pytorch_channels(tmp_path / "channels", forms=("shards",))


class TestSolves:
    def test_only_needed_shards_are_fetched_and_each_once(self, channels: Path, tmp_path: Path) -> None:
        with serving(channels) as server:
            lock = solve_conda(cuda_query(), mirror=server.url, cache_dir=tmp_path / "cache")
            shards = server.paths("*.msgpack.zst")
            assert len(shards) == len(set(shards))
            # Two indexes, and the shards of both subdirs for what was chosen and what it could have been chosen from.
            assert len(shards) <= 2 + 2 * (len(lock.packages) + 4)

    def test_a_second_solve_fetches_nothing(self, channels: Path, tmp_path: Path) -> None:
        with serving(channels) as server:
            first = solve_conda(cuda_query(), mirror=server.url, cache_dir=tmp_path / "cache")
            server.log.clear()
            assert solve_conda(cuda_query(), mirror=server.url, cache_dir=tmp_path / "cache") == first
            assert [seen.path for seen in server.log if seen.status == 200] == []

    def test_the_parent_works_while_the_solver_does(
        self, channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[subprocess.Popen[bytes]] = []
        running: list[bool] = []
        real = subprocess.Popen

        def recorded(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
            started.append(real(*arguments, **options))
            return started[-1]

        def meanwhile() -> None:
            running.extend(process.poll() is None for process in started)

        monkeypatch.setattr("envgen.solve.conda.process.subprocess.Popen", recorded)
        run_child(_unanswerable(tmp_path), timeout_s=60, meanwhile=meanwhile)
        assert running == [True]


def _unanswerable(cache: Path) -> Any:
    """A request that a solving process answers in one step: there is nothing in its cache."""
    return {
        "subdir": "linux-64",
        "channels": ["https://conda.anaconda.org/conda-forge"],
        "specs": ["python"],
        "may_lack": [],
        "preferred": [],
        "virtual_packages": {},
        "site": "https://conda.anaconda.org",
        "mirror": "",
        "mirror_host": "",
        "authorization": "",
        "folder": "",
        "cache_dir": str(cache),
        "retries": 0,
        "limit_s": 60,
        "user_agent": "envgen/test",
    }


class TestBenchmarks:
    """The benchmarks measure what they say."""

    def test_a_ratio_is_of_what_was_run(self) -> None:
        slept = Command(argv=(sys.executable, "-c", "import time; time.sleep(0.3)"))
        taken = medians({"slept": slept}, rounds=1)
        assert taken["slept"] >= 0.3

    def test_a_command_that_fails_is_no_measurement(self) -> None:
        failing = Command(argv=(sys.executable, "-c", "import sys; sys.exit('it broke')"))
        with pytest.raises(RuntimeError, match="it broke"):
            medians({"failing": failing}, rounds=1)

    @pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="peak memory is read from Linux's /proc")
    def test_peak_memory_counts_children(self) -> None:
        hold = "import time; held = bytearray(60_000_000); time.sleep(0.5)"
        parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
        alone = peak_mb(Command(argv=(sys.executable, "-c", hold)))
        both = peak_mb(Command(argv=(sys.executable, "-c", parent)))
        assert alone is not None
        assert both is not None
        assert 60 <= alone < both < alone + 60

    @pytest.mark.parametrize(("value", "verdict"), [(1.0, "met"), (2.0, "met"), (2.1, "missed"), (None, "")])
    def test_a_limit_is_the_most_that_is_aimed_at(self, value: float | None, verdict: str) -> None:
        measure = Measure(name="time", value=value, unit="s", limit=2)
        result = Result(name="some", what="thing", measures=(measure,))
        assert measure.verdict == verdict
        assert as_json([result])["results"][0]["measures"][0]["verdict"] == verdict
        assert verdict in as_text([result])

    def test_the_command_prints_json(self) -> None:
        command = [sys.executable, "-m", "benchmarks", "resolve", "--quick", "--format", "json"]
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
        (found,) = json.loads(done.stdout)["results"]
        assert [measure["name"] for measure in found["measures"]] == ["time", "peak memory"]

    @pytest.mark.slow
    def test_the_invented_channel_is_solved_from_its_core(self, tmp_path: Path) -> None:
        found = sharded(1, tmp_path, 0.05)
        told = " ".join((*found.facts, *big_channel(tmp_path, 0.05).facts))
        assert "30,000 records" in told
        assert "15,000 records" in told
        packages = int(found.facts[0].split()[0])
        assert 60 <= packages <= 120  # a lock of the real channel holds about 90
