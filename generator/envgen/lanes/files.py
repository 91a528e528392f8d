"""The tree of shipped locks on disk: headers, missing.csv and the README that leads a person to their lock."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from envgen.core.errors import some_of
from envgen.core.request import DriverOrigin
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.core.sites import PYPI, Mirrors
from envgen.facts.catalog import Catalog
from envgen.facts.lanes import Lane
from envgen.files.header import Prose, with_headers
from envgen.files.prose import NO_TOOLKIT, SHIPPED_COMMAND, build_lines, shipped_lines, shipped_title
from envgen.lanes.locks import LaneLock, LaneResults
from envgen.records.document import to_json
from envgen.records.request import PlatformRecord, RequestRecord
from envgen.resolve.shipped import newest

MISSING = "missing.csv"


def lane_lock_files(lock: LaneLock, *, catalog: str, made: str) -> dict[str, str]:
    """File name -> text of one shipped lock. `made` says from what and when it was made."""
    key, codes = lock.shipped, lock.pairing.build.codes
    prose = {name: Prose(title=shipped_title(name, key), lines=tuple(_lines(name, lock, made))) for name in lock.bodies}
    platform = PlatformRecord(
        subdir=key.subdir,
        gpus=(),
        driver=None,
        driver_origin=DriverOrigin.ASSUMED,
        glibc="" if key.subdir.is_windows else lock.request.glibc,
        sets={key.package_set: ""},
    )
    record = RequestRecord(platforms=(platform,), python=key.python, codes=codes, floor=lock.pairing.driver_floor)
    return with_headers(lock.bodies, prose, command=SHIPPED_COMMAND, catalog=catalog, request=to_json(record))


def _lines(name: str, lock: LaneLock, made: str) -> Iterator[str]:
    every, floor = shipped_lines(lock.pairing.build.codes, lock.pairing.driver_floor)
    yield every
    yield f"{floor}{made}"
    if lock.missing:
        yield f"without {' and '.join(lock.missing)}: no build of it was there for this pairing"
    yield from build_lines(name, lock.pairing.build, lock.shipped.python)
    yield NO_TOOLKIT


def made_from(shipped: Shipped, mirrors: Mirrors, pairing_index: str, date: str) -> str:
    """From what a lock is made: `locked on 2026-11-24 from a mirror of … and https://pypi.org/simple`."""
    if shipped.package_set is PackageSet.CONDA:
        mirror = "a mirror of " if mirrors.conda else ""
        return f"locked on {date} from {mirror}{pairing_index}"
    if pairing_index == PYPI:
        return f"locked on {date} from {pairing_index}"
    mirror = "a mirror of " if mirrors.wheels else ""
    return f"locked on {date} from {mirror}{pairing_index} and from {PYPI}"


def missing_csv(results: LaneResults) -> str:
    """The newer builds that no lock could be made for, a row each, with the reason."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["lane", "subdir", "python", "channel", "build", "reason"])
    for place, passed in results.passed.items():
        for shipped, reason in passed:
            writer.writerow(
                [place.lane.name, place.subdir.value, place.python, place.package_set.value, shipped.label, reason]
            )
    return out.getvalue()


def readme(shipped: Sequence[Shipped], missing: str, builds: Catalog, pythons: Sequence[str]) -> str:
    """The text of `lockfiles/README.md`: for each lane its GPUs, drivers, pairings and files, and what is missing."""
    from envgen.files.templates import render

    rows = list(csv.DictReader(io.StringIO(missing)))
    lanes = [_lane_values(lane, shipped, rows, builds, pythons) for lane in builds.lanes]
    return render("lockfiles-readme.md.j2", lanes=lanes)


def _lane_values(
    lane: Lane,
    shipped: Sequence[Shipped],
    missing: Sequence[Mapping[str, str]],
    builds: Catalog,
    pythons: Sequence[str],
) -> dict[str, object]:
    rows = []
    for subdir in lane.subdirs:
        for python in pythons:
            request = lane.request(subdir, python, builds.default_glibc)
            found = [newest(package_set, shipped, request, builds) for package_set in PackageSet]
            lost = [r for r in missing if (r["lane"], r["subdir"], r["python"]) == (lane.name, subdir.value, python)]
            floor = next((pairing.driver_floor for pairing in found if pairing is not None), None)
            if floor is None:
                continue
            links = [_link(Shipped.of(pairing.build, request.python) if pairing else None) for pairing in found]
            rows.append(
                {
                    "subdir": subdir.value,
                    "python": python,
                    **{s.value: link for s, link in zip(PackageSet, links, strict=True)},
                    "floor": str(floor),
                    "missing": _missing_words(lost),
                }
            )
    return {"name": lane.name, "title": lane.title, "note": lane.note, "rows": rows}


def _link(shipped: Shipped | None) -> str:
    return f"[{shipped.label}]({shipped.folder}/)" if shipped else "none"


def _missing_words(rows: Sequence[Mapping[str, str]]) -> str:
    words = []
    for package_set in PackageSet:
        builds = [row["build"] for row in rows if row["channel"] == package_set]
        if builds:
            words.append(f"{package_set}: {some_of(builds, 3)}")
    return "; ".join(words)


def write_lane_lock(root: Path, shipped: Shipped, files: Mapping[str, str]) -> bool:
    """Write the files of one lock; return False, and touch nothing, when only the header would differ.

    Raises: the errors of `envgen.output.writing.apply`, OutputEditedError when a file was edited by hand.
    """
    from envgen.files.reading import split
    from envgen.output.plan import make_plan, read_folder
    from envgen.output.writing import apply

    folder = root / shipped.folder
    found = read_folder(folder)
    same = {name: split(text)[1] for name, text in found.items() if text is not None}
    if same == {name: split(text)[1] for name, text in files.items()}:
        return False
    apply(make_plan(folder, found, files, force=False))
    return True


def remove_lane_locks(root: Path, stale: Collection[Shipped]) -> list[Shipped]:
    """Remove the locks that no lane holds any more, but no file that was edited; return those that were removed."""
    from envgen.output.plan import make_plan, read_folder
    from envgen.output.writing import apply

    removed = []
    for shipped in sorted(stale, key=lambda lock: str(lock.folder)):
        folder = root / shipped.folder
        apply(make_plan(folder, read_folder(folder), {}, force=False))
        if not any(folder.iterdir()):
            folder.rmdir()
            removed.append(shipped)
    return removed
