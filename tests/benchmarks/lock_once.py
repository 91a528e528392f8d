"""The measured process of the conda benchmarks: one lock, from the solve to the texts of all its files.

`python -m benchmarks.lock_once REQUEST`, where REQUEST is JSON: subdir, channels, specs, virtual_packages, mirror and
cache. Prints how many packages were locked. It starts and ends as the program does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from envgen.cli.main import run_process
from envgen.core.platforms import Subdir
from envgen.files.bodies import conda_bodies, load_conda_writers
from envgen.solve.conda.query import CondaQuery
from envgen.solve.conda.solve import solve_best


def lock_once(request: dict[str, Any]) -> int:
    """Solve, make every text, and return the number of packages."""
    query = CondaQuery(
        subdir=Subdir(request["subdir"]),
        channels=tuple(request["channels"]),
        specs=tuple(request["specs"]),
        virtual_packages=request["virtual_packages"],
    )
    found = solve_best(
        [query], query, mirror=request["mirror"], cache_dir=Path(request["cache"]), meanwhile=load_conda_writers
    )
    if found.lock is None:
        return 0
    conda_bodies([found.lock])
    return len(found.lock.packages)


def main() -> int:
    """Print the number of packages and return the exit status."""
    print(lock_once(json.loads(sys.argv[1])))
    return 0


if __name__ == "__main__":
    run_process(main)
