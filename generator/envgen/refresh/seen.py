"""Task `seen`: which Pythons of each build have a file that is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from envgen.core.platforms import Subdir
from envgen.core.wheel_names import WheelName
from envgen.facts.tables import read_table
from envgen.net.pip_index import ProjectPage
from envgen.refresh.index_pages import read_pypi
from envgen.refresh.outcome import Finding, Inputs, Level, Outcome, Rows
from envgen.refresh.rewrite import table_file
from envgen.refresh.wheel_tags import python_list, pythons_of, subdirs_of

PypiPythons = Mapping[tuple[str, Subdir], frozenset[str]]


def refresh_seen(inputs: Inputs) -> Outcome:
    """torch_builds.csv with `pythons_seen` as wheels.csv and PyPI have them today.

    Raises: UnreachableError, SourceDataError, FactInvalidError.
    """
    builds = read_table("torch_builds", inputs.folder)
    wheels = read_table("wheels", inputs.folder)
    rows, findings = recount(builds, wheels, pypi_pythons(read_pypi(inputs, "torch")))
    return Outcome(files=table_file("torch_builds", rows), findings=tuple(findings))


def pypi_pythons(page: ProjectPage) -> PypiPythons:
    """(Release, subdir) -> the Pythons that PyPI has a file for."""
    found: defaultdict[tuple[str, Subdir], frozenset[str]] = defaultdict(frozenset)
    for file in page.files:
        for subdir in subdirs_of(file.name):
            found[file.name.version, subdir] |= pythons_of(file.name)
    return dict(found)


def recount(builds: Rows, wheels: Rows, pypi: PypiPythons) -> tuple[Rows, list[Finding]]:
    """Return the builds with `pythons_seen` counted anew; a Python that is seen is one of `pythons` too.

    A file counts for the index that lists it, PyPI's for the build that is marked as PyPI's own.
    """
    listed = _index_pythons(wheels)
    rows: Rows = []
    findings: list[Finding] = []
    for row in builds:
        subdir = Subdir(row["subdir"])
        seen = listed.get((row["torch"], row["cuda_tag"], subdir), frozenset())
        if row["on_pypi"]:
            seen |= pypi.get((row["torch"], subdir), frozenset())
        if seen and row["existence"] == "uncertain":
            findings.append(_no_longer_uncertain(row, seen))
            rows.append(row)
            continue
        pythons = python_list({*row["pythons"].split(), *seen})
        rows.append({**row, "pythons": pythons, "pythons_seen": python_list(seen)})
    return rows, findings


def _index_pythons(wheels: Rows) -> Mapping[tuple[str, str, Subdir], frozenset[str]]:
    """(Release, CUDA tag, subdir) -> the Pythons that wheels.csv has a file of torch for, by name at least."""
    found: defaultdict[tuple[str, str, Subdir], frozenset[str]] = defaultdict(frozenset)
    for row in wheels:
        name = WheelName.parse(row["filename"])
        for subdir in subdirs_of(name) if name.project == "torch" else ():
            found[name.release, row["index"], subdir] |= pythons_of(name)
    return found


def _no_longer_uncertain(row: Mapping[str, str], seen: frozenset[str]) -> Finding:
    return Finding(
        code="uncertain-but-seen",
        level=Level.WARNING,
        title=f"torch {row['torch']}+{row['cuda_tag']} for {row['subdir']} is marked uncertain, and has files",
        evidence=(f"for Python {python_list(seen)}", f"note of the row: {row['note'] or 'none'}"),
        remedy="set its existence to announced and correct its note by hand, then run this again",
    )
