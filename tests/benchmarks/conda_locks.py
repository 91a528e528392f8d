"""Conda locks end to end: solve, conda-lock.yml, explicit lock and environment.yml, from channels on the loopback."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.big_channel import big_channel
from benchmarks.processes import PASS, medians, module, output, peak
from benchmarks.results import Measure, Result
from envgen.core.platforms import Subdir
from envgen.solve.conda.query import CondaQuery
from envgen.solve.conda.virtual_packages import virtual_packages
from equipment.conda_channel import cuda_query
from equipment.loopback import serving

# Not measured here: conda-lock needs a conda. On another 2-core machine and an invented channel of the same size.
ELSEWHERE = "conda-lock 4.0.3 with conda 26.7.1, stated elsewhere, not measured here: {} a platform"


def sharded(rounds: int, cache: Path, scale: float) -> Result:
    """A lock from the sharded form: at most one second over the start of an interpreter, and 200 MB."""
    channel = big_channel(cache, scale)
    what = "a conda lock end to end, sharded channel, nothing in the cache"
    found = _measured("sharded", what, channel.sharded, _query(), rounds, limit_s=1.0, limit_mb=200)
    return _with_facts(found, *channel.facts, ELSEWHERE.format("1.9 s"))


def monolithic(rounds: int, cache: Path, scale: float) -> Result:
    """A lock from repodata.json.zst: at most two and a half seconds over the start of an interpreter, and 700 MB."""
    channel = big_channel(cache, scale)
    what = "a conda lock end to end, repodata.json.zst, nothing in the cache"
    found = _measured("monolithic", what, channel.monolithic, _query(), rounds, limit_s=2.5, limit_mb=700)
    return _with_facts(found, *channel.facts, ELSEWHERE.format("12.2 s"))


def records(rounds: int, folder: Path) -> Result:
    """A lock from the records of a folder, which hold at least a CUDA build of pytorch for Python 3.12."""
    query = CondaQuery(
        subdir=Subdir.LINUX_64,
        channels=("conda-forge",),
        specs=("python=3.12", "pytorch=*=cuda*", "torchvision"),
        virtual_packages=virtual_packages(Subdir.LINUX_64, cuda="12.9", glibc="2.28"),
    )
    found = _measured("records", "a conda lock end to end, the records of a folder", folder, query, rounds)
    return _with_facts(found, f"asked for {', '.join(query.specs)}")


def _query() -> CondaQuery:
    specs = cuda_query().specs
    return cuda_query("linux-64", *specs, "torchvision")


def _measured(
    name: str,
    what: str,
    root: Path,
    query: CondaQuery,
    rounds: int,
    *,
    limit_s: float | None = None,
    limit_mb: float | None = None,
) -> Result:
    with tempfile.TemporaryDirectory() as scratch, serving(root) as server:
        cache = Path(scratch, "cache")
        request = json.dumps(asdict(query) | {"mirror": server.url, "cache": str(cache)})
        cold = module("lock_once", request, prepare=lambda: shutil.rmtree(cache, ignore_errors=True))
        taken = medians({"cold": cold}, rounds)
        most = peak(cold)
        cold.prepare()
        server.log.clear()
        packages = int(output(cold))
        asked = [seen for seen in server.log if seen.method == "GET" and seen.status == 200]
        warm = medians({"warm": module("lock_once", request)}, rounds)
    note = f"{taken['cold'] / taken[PASS]:.0f} x {PASS}, median of {rounds}"
    return Result(
        name=name,
        what=what,
        measures=(
            Measure(name="time", value=taken["cold"] - taken[PASS], unit=f"s over {PASS}", limit=limit_s, note=note),
            Measure(name="with a filled cache", value=warm["warm"] - warm[PASS], unit=f"s over {PASS}"),
            _memory("peak memory", most.mb if most else None, limit_mb, "all processes, a shared page counted once"),
            _memory("resident sizes", most.resident_mb if most else None, limit_mb, "their sum, for each process"),
        ),
        facts=(f"{packages} packages locked; {len(asked)} files fetched, {sum(s.sent for s in asked) / 1e6:.1f} MB",),
    )


def _memory(name: str, value: float | None, limit: float | None, note: str) -> Measure:
    return Measure(name=name, value=value, unit="MB", limit=limit, note=note)


def _with_facts(result: Result, *facts: str) -> Result:
    return replace(result, facts=(*result.facts, *facts))
