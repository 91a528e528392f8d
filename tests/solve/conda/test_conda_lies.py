"""Whatever a mirror says of its packages, the lock is the one that an honest channel gives, or there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envgen.core.errors import EnvgenError
from envgen.core.locks import CondaLock
from envgen.solve.conda.solve import solve_conda
from equipment.conda_channel import Row, cuda_query, write_channel
from equipment.loopback import serving

NAME = "numpy-2-h0_0.conda"
ROWS = [Row(name="numpy", version="2", depends=("tzdata",)), Row(name="tzdata", version="2025b", subdir="noarch")]
Document = dict[str, Any]
Lie = Callable[[Document], object]


def field(name: str, value: object) -> Lie:
    return lambda document: document["packages.conda"][NAME].update({name: value})


def renamed(name: str, **changes: object) -> Lie:
    def lie(document: Document) -> None:
        records = document["packages.conda"]
        records[name] = {**records.pop(NAME), **changes}

    return lie


def info(**changes: object) -> Lie:
    return lambda document: document["info"].update(changes)


# Each changes the repodata of linux-64, in which numpy is.
LIES: dict[str, Lie] = {
    "another-name": field("name", "evil"),
    "name-upper": field("name", "NumPy"),
    "name-path": field("name", "../numpy"),
    "name-unicode": field("name", "nump\u0443"),
    "name-control": field("name", "numpy\x1b[31m"),
    "name-number": field("name", 5),
    "another-version": field("version", "3"),
    "version-empty": field("version", ""),
    "version-newline": field("version", "2\n"),
    "version-digits": field("version", "9" * 5000),
    "version-nonsense": field("version", "!!"),
    "another-build": field("build", "evil_0"),
    "build-fragment": field("build", "h0_0#x"),
    "build-number-gigantic": field("build_number", 10**30),
    "build-number-negative": field("build_number", -1),
    "build-number-text": field("build_number", "x"),
    "another-subdir": field("subdir", "win-64"),
    "subdir-up": field("subdir", "../../evil"),
    "subdir-encoded": field("subdir", "linux-64%2f.."),
    "info-subdir": info(subdir="win-64"),
    "base-url": info(base_url="https://evil.example/"),
    "base-url-file": info(base_url="file:///etc/"),
    "base-url-up": info(base_url="../../../evil"),
    "md5-none": field("md5", None),
    "md5-short": field("md5", "abc"),
    "md5-newline": field("md5", "a" * 31 + "\n"),
    "sha256-none": field("sha256", None),
    "sha256-long": field("sha256", "a" * 65),
    "sha256-unicode": field("sha256", "\u0661" * 64),
    "depends-text": field("depends", "tzdata"),
    "depends-newline": field("depends", ["tzdata\n- evil"]),
    "depends-url": field("depends", ["https://evil.example/x-1-0.conda"]),
    "depends-nonsense": field("depends", ["!!! ;;"]),
    "depends-nothing-there": field("depends", ["evil >=1"]),
    "depends-itself": field("depends", ["numpy >99"]),
    "constrains-control": field("constrains", ["x \x1b[31m"]),
    "size-gigantic": field("size", 10**30),
    "size-negative": field("size", -5),
    "timestamp-gigantic": field("timestamp", 10**18),
    "url": field("url", "https://evil.example/numpy-2-h0_0.conda"),
    "channel": field("channel", "https://evil.example"),
    "fn": field("fn", "../../evil-1-0.conda"),
    "file-up": renamed("../numpy-2-h0_0.conda"),
    "file-encoded": renamed("%2e%2e%2fnumpy-2-h0_0.conda"),
    "file-newline": renamed("numpy-2-h0_0.conda%0a"),
    "file-exe": renamed("numpy-2-h0_0.exe"),
    "file-of-another": renamed("evil-2-h0_0.conda"),
    "file-host": renamed("https://evil.example/numpy-2-h0_0.conda"),
    "removed": lambda document: document.update(removed=[NAME]),
    "record-null": lambda document: document["packages.conda"].update({NAME: None}),
    "records-list": lambda document: document.update({"packages.conda": []}),
    "no-records": lambda document: document.pop("packages.conda"),
}
# Where its files are is the mirror's own affair, and the lock names the channel; nobody reads the other keys.
HARMLESS = ("base-url", "url", "channel", "fn", "info-subdir")
FEW = ("another-subdir", "file-up", "file-newline", "name-control", "base-url", "sha256-none")


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FEW else pytest.mark.slow) for n in LIES])
def test_a_record_that_lies(name: str, tmp_path: Path) -> None:
    write_channel(tmp_path / "conda-forge", ROWS, forms=("json",))
    place = tmp_path / "conda-forge/linux-64/repodata.json"
    document = json.loads(place.read_text())
    honest = solved(tmp_path, tmp_path / "honest")
    assert isinstance(honest, CondaLock)
    assert len(honest.packages) == 2
    LIES[name](document)
    place.write_text(json.dumps(document))
    found = solved(tmp_path, tmp_path / "cache")
    if isinstance(found, CondaLock):
        assert found == honest
        assert name.startswith(HARMLESS)
    else:
        assert found.exit_code in (3, 5)
        assert str(found).replace("\n", "").isprintable()


def solved(root: Path, cache: Path) -> CondaLock | EnvgenError:
    """The answer over HTTP, as mirrors give it."""
    with serving(root) as server:
        try:
            return solve_conda(cuda_query("linux-64", "numpy"), mirror=server.url, cache_dir=cache, retries=0)
        except EnvgenError as error:
            return error
