"""A mirror of PyTorch's own indexes made from collected rows: real names and hashes, sourced metadata, no files.

    PYTHONPATH=tests python -m equipment.wheel_mirror ROWS [--port 8765]

serves `http://127.0.0.1:8765/whl`, for `--wheel-mirror`. ROWS holds `wheels.jsonl` (project, version, index, filename,
sha256, sometimes requires_dist) and `uv_dependencies.json` (`index|project|version` -> dependencies as uv.lock writes
them); PyPI is asked for the requirements of torchvision and torchaudio. A build whose requirements no source states is
not served.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from envgen.core.wheel_names import WheelName
from envgen.facts.tables import read_table
from equipment.wheel_index import ServedWheel, WheelIndex, metadata_of

_FAMILY = ("torch", "torchvision", "torchaudio")
_LINUX = 'platform_system == "Linux"'
Row = dict[str, Any]


class Mirror:
    """The rows of a folder, and what each wheel requires as far as a source says."""

    def __init__(self, rows: Path, *, ask_pypi: bool = False) -> None:
        with (rows / "wheels.jsonl").open(encoding="utf-8") as stream:
            found = [json.loads(line) for line in stream]
        self._rows: list[Row] = [r for r in found if r["project"] in _FAMILY and re.fullmatch(r"cu\d+|cpu", r["index"])]
        self._uv: Mapping[str, list[str]] = json.loads((rows / "uv_dependencies.json").read_text(encoding="utf-8"))
        self._stated = _stated(self._rows)
        self._ask_pypi = ask_pypi
        self._pypi = [row for row in read_table("torch_requires") if "win" not in row["platform"]]

    def wheels(self) -> Mapping[str, list[ServedWheel]]:
        """Path prefix (`/whl/cu126`) -> the wheels below it."""
        served: defaultdict[str, list[ServedWheel]] = defaultdict(list)
        for row in self._rows:
            requires = self._requires(row)
            if requires is not None:
                metadata = metadata_of(row["filename"], requires, row.get("requires_python") or ">=3.8")
                wheel = ServedWheel(
                    filename=row["filename"], sha256=row["sha256"], metadata=metadata, size=row.get("size")
                )
                served[f"/whl/{row['index']}"].append(wheel)
        return served

    def _requires(self, row: Row) -> list[str] | None:
        """Requires-Dist: the build's own where a lock file has it, else PyPI's for the same build, else composed."""
        key = (row["index"], row["project"], row["version"], _system(row["filename"]))
        if key in self._stated:
            return self._stated[key]
        dependencies = self._uv.get(f"{row['index']}|{row['project']}|{row['version']}")
        if row["project"] != "torch":
            if dependencies is None:
                return _pypi_requires(row["project"], row["version"].partition("+")[0]) if self._ask_pypi else None
            return [name for name, _ in _entries(dependencies)]
        release, _, tag = row["version"].partition("+")
        return self._torch_requires(release, tag, _system(row["filename"]), dependencies)

    def _torch_requires(self, release: str, tag: str, system: str, dependencies: list[str] | None) -> list[str] | None:
        """What torch needs everywhere is one list for all builds of a release; the CUDA part is the build's."""
        of_release = [row for row in self._pypi if row["torch"] == release]
        same_build = [
            r for r in of_release if r["variant"].startswith(tag) and (system in r["platform"] or system == "win")
        ]
        if same_build:
            return same_build[0]["requires_dist"].split(" || ")
        if not of_release:
            return None
        common = of_release[0]["requires_dist"].split(" || ")
        base = [line for line in common if "platform_system" not in line]
        if system == "win" or tag == "cpu":
            return base
        if dependencies is None:
            return None
        triton = [line for line in common if line.startswith("triton")]
        named = [line for name, line in _entries(dependencies) if re.match(r"nvidia-|cuda-", name)]
        return [*base, *named, *triton]


@cache
def _pypi_requires(project: str, release: str) -> list[str] | None:
    """Requires-Dist of PyPI's wheel of a companion's release: the same code, built for another CUDA."""
    asked = Request(f"https://pypi.org/simple/{project}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urlopen(asked, timeout=60) as response:
        files = json.load(response)["files"]
    wheels = [file for file in files if file["filename"].startswith(f"{project}-{release}-cp311-")]
    if not wheels:
        return None
    smallest = min(wheels, key=lambda file: int(file["size"]))
    with urlopen(smallest["url"], timeout=120) as response, zipfile.ZipFile(io.BytesIO(response.read())) as wheel:
        metadata = wheel.read(f"{project}-{release}.dist-info/METADATA").decode()
    lines = metadata.partition("\n\n")[0].splitlines()
    return [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: ")]


def _stated(rows: Iterable[Row]) -> dict[tuple[str, str, str, str], list[str]]:
    """The Requires-Dist that lock files carry, for all Pythons of a build on one system."""
    return {
        (r["index"], r["project"], r["version"], _system(r["filename"])): r["requires_dist"]
        for r in rows
        if r.get("requires_dist")
    }


def _system(filename: str) -> str:
    platform = WheelName.parse(filename).platforms[0]
    return "win" if platform.startswith("win") else platform.removeprefix("linux_").rpartition("28_")[2]


def _entries(dependencies: Iterable[str]) -> list[tuple[str, str]]:
    """Name and requirement of each entry of a uv.lock: a version only where the lock states one for this package."""
    lines = []
    for text in dependencies:
        entry = tomllib.loads(f"x = {text}")["x"]
        extras = f"[{','.join(entry['extra'])}]" if entry.get("extra") else ""
        exact = (
            f"=={entry['version']}"
            if entry.get("version") and entry["name"].startswith(("nvidia-", "cuda-toolkit"))
            else ""
        )
        marker = entry.get("marker", "")
        limit = ' and python_version < "3.15"' if "python_full_version < '3.15'" in marker else ""
        lines.append((entry["name"], f"{entry['name']}{extras}{exact}; {_LINUX}{limit}"))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve collected rows as a mirror of PyTorch's own indexes.")
    parser.add_argument("rows", type=Path)
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    with WheelIndex(wheels=Mirror(options.rows, ask_pypi=True).wheels()).running(options.port) as index:
        print(f"serving {index.url('/whl')}", flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
