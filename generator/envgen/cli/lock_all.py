"""`envgen lock --all`: remake the tree of shipped locks, resumable, writing only what changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from envgen.cli.output import Progress, write_line
from envgen.core.errors import ValueFormatError
from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.core.sites import Mirrors
from envgen.facts.catalog import Catalog
from envgen.facts.tables import catalog_revision
from envgen.lanes.files import (
    MISSING,
    lane_lock_files,
    made_from,
    missing_csv,
    readme,
    remove_lane_locks,
    write_lane_lock,
)
from envgen.lanes.locks import LaneLock, lane_places, lock_lanes
from envgen.lock.options import LockOptions, Sources
from envgen.lock.shipped import ShippedLocks
from envgen.output.writing import replace_files
from envgen.request.options import RequestOptions
from envgen.request.settings import WriteOptions
from envgen.request.values import parse_platform, parse_python

# The Pythons that PyTorch publishes wheels for and that still get fixes from python.org.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def lock_all(root: Path, wanted: RequestOptions, writing: WriteOptions, *, jobs: int, date: str) -> None:
    """Remake every lane's locks below `root`, of the platforms and the Python that are asked for, else of all.

    Raises: the errors of solving and of writing.
    """
    builds = Catalog.load()
    mirrors = replace(writing.mirrors, written=False)
    locking = LockOptions(upgrade=True, mirrors=mirrors)
    sources = Sources(builds=builds, shipped=ShippedLocks(root=root), options=locking)
    date = date or _today()
    catalog = catalog_revision()
    subdirs = [parse_platform(platform) for platform in wanted.platforms] or list(Subdir)
    pythons = [parse_python(wanted.python)] if wanted.python else list(PYTHONS)
    progress = Progress()

    def known(key: Shipped) -> bool:
        return not writing.force and _made_today(root, key, date, catalog)

    def report(folder: str, done: int, total: int) -> None:
        progress.step(f"[{done}/{total}] {folder}")

    places = list(lane_places(builds.lanes, pythons, subdirs, list(PackageSet)))
    try:
        results = lock_lanes(places, sources, jobs=jobs, timeout_s=writing.timeout_s, known=known, report=report)
    finally:
        progress.done()
    changed = [key for key, lock in results.locks.items() if _write(root, lock, mirrors, catalog, date)]
    removed: list[Shipped] = []
    if not wanted.platforms and not wanted.python:
        removed = remove_lane_locks(root, set(ShippedLocks.read(root).locks) - set(results.held.values()))
        replace_files(root, {MISSING: missing_csv(results)})
    missing = (root / MISSING).read_text(encoding="utf-8") if (root / MISSING).exists() else missing_csv(results)
    text = readme(ShippedLocks.read(root).locks, missing, builds, PYTHONS)
    replace_files(root, {"README.md": text})
    write_line(
        f"{len(results.locks)} locks made, {len(changed)} of them changed, "
        f"{len(removed)} removed that no lane holds any more, in {root.name}/"
    )


def _write(root: Path, lock: LaneLock, mirrors: Mirrors, catalog: str, date: str) -> bool:
    index = lock.pairing.index_url
    if lock.shipped.package_set is PackageSet.CONDA:
        index = " and ".join(f"https://conda.anaconda.org/{name}" for name in lock.pairing.build.conda.channels)
    made = made_from(lock.shipped, mirrors, index, date)
    return write_lane_lock(root, lock.shipped, lane_lock_files(lock, catalog=catalog, made=made))


def _made_today(root: Path, key: Shipped, date: str, catalog: str) -> bool:
    """True when a lock was made on this day from this catalog: a run that was interrupted goes on after it."""
    texts = ShippedLocks(root=root).files(key).values()
    return bool(texts) and all(f"locked on {date} " in text and f"# catalog {catalog}\n" in text for text in texts)


def _today() -> str:
    from datetime import UTC, datetime

    return datetime.now(tz=UTC).date().isoformat()


def parse_date(text: str) -> str:
    """Return a date as YYYY-MM-DD; empty stays empty.

    Raises: ValueFormatError for anything else.
    """
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise ValueFormatError(kind="date", value=text, expected="YYYY-MM-DD", origin="--date") from error
