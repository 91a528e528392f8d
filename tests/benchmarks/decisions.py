"""Many decisions in one process: how fast the rules are once the tables are read.

Run as a module it is the measured process: `python -m benchmarks.decisions COUNT` prints its seconds.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import islice

from benchmarks.processes import PASS, medians, module, output, peak_mb
from benchmarks.results import Measure, Result
from envgen.core.drivers import DriverVersion
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.resolve import resolve

COUNT = 10_000
_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def requests(builds: Catalog) -> Iterator[Request]:
    """Requests drawn evenly, and always alike, from all GPUs, platforms, Pythons and drivers (no driver among them)."""
    gpus = list(GpuCatalog.load().all())
    drivers: dict[Subdir, list[str | None]] = {
        subdir: [None, *(b.last_windows if subdir.is_windows else b.last_linux for b in builds.branches)]
        for subdir in Subdir
    }
    # Everything that is drawn from is in a fixed order, so a seed makes it the same everywhere.
    draw = random.Random(1)
    while True:
        subdir = draw.choice(list(Subdir))
        gpu = draw.choice(gpus)
        driver = draw.choice([text for text in drivers[subdir] if text is None or text])
        yield Request(
            gpus=(RequestedGpu(input=gpu.name, gpu=gpu),),
            subdir=subdir,
            python=draw.choice(_PYTHONS),
            driver=DriverVersion.parse(driver) if driver else None,
            driver_origin=DriverOrigin.GIVEN if driver else DriverOrigin.ASSUMED,
            glibc="2.28",
        )


def decide(count: int) -> float:
    """Make that many decisions and return the seconds they took, the reading of the tables included."""
    wanted = list(islice(requests(Catalog.load()), count))
    builds = Catalog.load()
    start = time.perf_counter()
    for request in wanted:
        resolve(builds, request)
    return time.perf_counter() - start


def decisions(rounds: int, count: int = COUNT) -> Result:
    """Ten thousand decisions in at most five seconds."""
    command = module("decisions", str(count))
    taken = [float(output(command)) for _ in range(rounds)]
    seconds = statistics.median(taken)
    started = medians({}, rounds)[PASS]
    return Result(
        name="decisions",
        what=f"{count:,} decisions in one process",
        measures=(
            Measure(
                name=f"time for {COUNT:,}",
                value=seconds * COUNT / count,
                unit="s",
                limit=5,
                note=f"median of {rounds} processes of {count:,}",
            ),
            Measure(name="decisions per second", value=count / seconds, unit="/s"),
            Measure(name="one decision", value=seconds / count / started, unit=f"x {PASS}"),
            Measure(name="peak memory", value=peak_mb(command), unit="MB"),
        ),
    )


if __name__ == "__main__":
    print(decide(int(sys.argv[1])))
