"""Task `compile`: the tables that runs read, from the files of the releases and from what was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.releases import CPU, tag_of_cuda
from envgen.core.wheel_names import WheelName
from envgen.facts.tables import read_table
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows
from envgen.refresh.releases import Release, columns_of, dump_release, read_releases
from envgen.refresh.rewrite import table_file
from envgen.refresh.wheel_tags import python_list, pythons_of, subdirs_of

BuildKey = tuple[str, str, Subdir]
_ENOUGH_REPORTS = 2
# Libraries of CUDA besides cuDNN whose code is in library_code.csv -> their packages, without the CUDA major.
_LIBRARIES = {"cublas": "nvidia-cublas", "nccl": "nvidia-nccl", "nvrtc": "nvidia-cuda-nvrtc"}


def refresh_compile(inputs: Inputs) -> Outcome:
    """The files of the releases in their one form, and the tables made from them.

    Raises: FactInvalidError.
    """
    return compiled(inputs.folder, read_releases(inputs.folder).values())


def compiled(folder: Path, releases: Iterable[Release], **tables: Rows) -> Outcome:
    """The texts of all files of releases and of what is made from them; `tables` replace those in the folder.

    Raises: FactInvalidError.
    """
    releases = list(releases)
    names = ("torch_measured", "torch_pins", "wheels", "arch_reports")
    given = {name: tables[name] if name in tables else read_table(name, folder) for name in names}
    read, listed = measured_builds(given["torch_measured"]), indexed_pythons(given["wheels"])
    reports, libraries = reports_of_builds(given["arch_reports"]), libraries_of_builds(given["torch_pins"])
    findings: list[Finding] = []
    builds: Rows = []
    for release in releases:
        for (tag, subdir), cells in sorted(release.pip.items(), key=lambda item: (int(item[0][0][2:]), item[0][1])):
            key = release.torch, tag, Subdir(subdir)
            row = {
                "torch": release.torch,
                "cuda_tag": tag,
                "subdir": subdir,
                **cells,
                "libraries": libraries.get(key, ""),
            }
            row, found = with_pythons(row, listed.get(key, frozenset()))
            row, differing = with_reports(row, reports.get(key, []))
            builds.append(with_measured(row, read.get(key)))
            findings += [*found, *differing]
    made = {
        "torch_builds": builds,
        "companions": [{"torch": release.torch, **release.companions} for release in releases],
        "conda_builds": [{"pytorch": release.torch, **cells} for release in releases for cells in release.conda],
        "cpu_builds": [row for release in releases for row in _cpu_builds(release, listed)],
    }
    files = {release.file: dump_release(release) for release in releases}
    for name, rows in made.items():
        columns = columns_of(name)
        files |= table_file(name, [{column: row[column] for column in columns} for row in rows])
    return Outcome(files={**files, "EVIDENCE.md": evidence_page(builds)}, findings=tuple(findings))


def _cpu_builds(release: Release, listed: Mapping[BuildKey, frozenset[str]]) -> Iterator[dict[str, str]]:
    """The rows of a release's CPU builds. Which wheels were seen is known from their lists, as for those with CUDA."""
    for (package_set, subdir), cells in sorted(release.cpu.items()):
        row = {"torch": release.torch, "set": package_set, "subdir": subdir, **cells}
        if package_set == "pip":
            seen = listed.get((release.torch, CPU, Subdir(subdir)), frozenset())
            pythons = python_list({*row["pythons"].split(), *seen})
            row |= {"pythons": pythons, "pythons_seen": pythons if row["on_pypi"] else python_list(seen)}
        yield row


def measured_builds(measured: Rows) -> dict[BuildKey, Mapping[str, str]]:
    """The build -> the row of the wheel that was read, for torch's CUDA wheels."""
    found: dict[BuildKey, Mapping[str, str]] = {}
    for row in measured:
        name = WheelName.parse(row["file"])
        for subdir in subdirs_of(name) if name.project == "torch" and row["cuda"][:1].isdigit() else ():
            found[name.release, tag_of_cuda(row["cuda"]), subdir] = row
    return found


def indexed_pythons(wheels: Rows) -> Mapping[BuildKey, frozenset[str]]:
    """The build -> the Pythons that wheels.csv has a file of torch for, by name at least."""
    found: defaultdict[BuildKey, frozenset[str]] = defaultdict(frozenset)
    for row in wheels:
        name = WheelName.parse(row["filename"])
        for subdir in subdirs_of(name) if name.project == "torch" else ():
            found[name.release, row["index"], subdir] |= pythons_of(name)
    return found


def with_pythons(row: dict[str, str], listed: frozenset[str]) -> tuple[dict[str, str], list[Finding]]:
    """The row with `pythons_seen`, and what a person has to decide.

    A file counts for the index that lists it; of a build that is PyPI's own, PyPI has a file for each Python.
    """
    if listed and row["existence"] == "uncertain":
        return {**row, "pythons_seen": ""}, [_no_longer_uncertain(row, listed)]
    pythons = python_list({*row["pythons"].split(), *listed})
    return {**row, "pythons": pythons, "pythons_seen": pythons if row["on_pypi"] else python_list(listed)}, []


def with_measured(row: dict[str, str], wheel: Mapping[str, str] | None) -> dict[str, str]:
    """The row, with the wheel that its arch list was read from as its source, if one was."""
    if wheel is None:
        return row
    origin = "PyPI" if "+" not in wheel["file"] else f"download.pytorch.org/whl/{row['cuda_tag']}"
    source = f"{origin} {wheel['file']} sha256={wheel['sha256']}; agrees with: {row['source']}"
    return {**row, "evidence": "measured", "source": source}


def libraries_of_builds(pins: Rows) -> Mapping[BuildKey, str]:
    """The build -> the releases of CUDA's libraries that it pins, as `cublas=12.6.4.1 nccl=2.29.3 nvrtc=12.6.77`."""
    found: defaultdict[BuildKey, dict[str, str]] = defaultdict(dict)
    for row in pins:
        for name, package in _LIBRARIES.items():
            if row["package"] in (package, f"{package}-{row['cuda_tag'][:4]}"):
                found[row["torch"], row["cuda_tag"], Subdir(row["subdir"])][name] = row["version"]
    return {key: " ".join(f"{name}={version}" for name, version in sorted(of.items())) for key, of in found.items()}


def reports_of_builds(reports: Rows) -> Mapping[BuildKey, Rows]:
    """The build -> what people's programs printed of it."""
    found: defaultdict[BuildKey, Rows] = defaultdict(list)
    for row in reports:
        found[row["torch"], row["cuda_tag"], Subdir(row["subdir"])].append(row)
    return found


def with_reports(row: dict[str, str], reports: Rows) -> tuple[dict[str, str], list[Finding]]:
    """The row with the reports that agree as its evidence, and a finding for each that doesn't.

    One thread is enough: who reads it can ask. Of reports that came in by the form, two must agree.
    """
    listed = set(row["arch_list"].split())
    agreeing = [report for report in reports if set(report["arch_list"].split()) == listed]
    differing = [_report_differs(row, report) for report in reports if report not in agreeing]
    if not any(report["kind"] == "thread" for report in agreeing) and len(agreeing) < _ENOUGH_REPORTS:
        return row, differing
    seen = "; ".join(report["source"] for report in agreeing)
    return {**row, "evidence": "user-output", "source": f"{row['source']}; user output: {seen}"}, differing


def evidence_page(builds: Rows) -> str:
    """How many of the wheel builds were measured, by platform, as a Markdown page."""
    levels = ("measured", "user-output", "build-script", "inferred")
    lines = [
        "# What the wheel builds rest on",
        "",
        "Made by `python -m envgen.refresh compile`. Measured: the arch list was read from the wheel; user-output: a",
        "program of somebody printed it; build-script: PyTorch's scripts, or a table in a wheel, say so.",
        "",
        f"| platform | builds | {' | '.join(levels)} | measured or seen |",
        f"| --- |{' --- |' * (len(levels) + 2)}",
    ]
    for place in (*(subdir.value for subdir in CUDA_SUBDIRS), "all"):
        rows = [row for row in builds if place in (row["subdir"], "all")]
        counts = [sum(row["evidence"] == level for row in rows) for level in levels]
        share = f"{sum(counts[:2])} ({sum(counts[:2]) * 100 // max(len(rows), 1)} %)"
        lines.append(f"| {place} | {len(rows)} | {' | '.join(map(str, counts))} | {share} |")
    return "\n".join(lines) + "\n"


def _report_differs(row: Mapping[str, str], report: Mapping[str, str]) -> Finding:
    return Finding(
        code="report-differs",
        title=f"torch {row['torch']}+{row['cuda_tag']} for {row['subdir']}: a report shows another arch list",
        evidence=(f"known: {row['arch_list']} ({row['source']})", f"{report['source']}: {report['arch_list']}"),
        remedy="find out which build the report is of; correct the file of the release, or take the report out",
    )


def _no_longer_uncertain(row: Mapping[str, str], seen: frozenset[str]) -> Finding:
    return Finding(
        code="uncertain-but-seen",
        title=f"torch {row['torch']}+{row['cuda_tag']} for {row['subdir']} is marked uncertain, and has files",
        evidence=(f"for Python {python_list(seen)}", f"note of the build: {row['note'] or 'none'}"),
        remedy="take its existence out and correct its note by hand, then run this again",
    )
