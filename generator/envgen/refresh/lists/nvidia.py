"""Tasks `drivers` and `toolkits`: what NVIDIA publishes of driver branches and of CUDA toolkits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envgen.core.json_text import JsonError, parse_json
from envgen.core.releases import release_key
from envgen.facts.schema_checks import natural_key
from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.refresh.index_pages import read_pypi, read_text
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows
from envgen.refresh.rewrite import table_file

DRIVERS = "https://docs.nvidia.com/datacenter/tesla/drivers/releases.json"
TOOLKITS = "https://developer.download.nvidia.com/compute/cuda"
_VERSION = re.compile(r"\d{3}\.\d+(\.\d+)?")


def refresh_drivers(inputs: Inputs) -> Outcome:
    """driver_branches.csv with the newest driver of each branch, and findings about branches that it lacks.

    Raises: UnreachableError, SourceDataError, FactInvalidError.
    """
    rows = read_table("driver_branches", inputs.folder)
    published = parse_driver_releases(read_text(inputs, inputs.source or DRIVERS), url=inputs.source or DRIVERS)
    rows, findings = with_newest_drivers(rows, published, source=f"{DRIVERS}, {inputs.today}")
    return Outcome(files=table_file("driver_branches", rows), findings=tuple(findings))


def parse_driver_releases(text: str, *, url: str) -> frozenset[str]:
    """Every driver version that the list states as a release, whatever it is nested in.

    Raises: SourceDataError when it is no JSON, or states none.
    """
    try:
        document = parse_json(text)
        found = frozenset(version for version in _release_versions(document) if _VERSION.fullmatch(version))
    except (JsonError, RecursionError) as error:
        raise SourceDataError(url=url, reason=f"no JSON: {error}") from error
    if not found:
        raise SourceDataError(url=url, reason='it states no "release_version" that is a driver')
    return found


def with_newest_drivers(rows: Rows, published: frozenset[str], *, source: str) -> tuple[Rows, list[Finding]]:
    """Return the rows with newer drivers than they have; one that a row has is never taken back."""
    of_windows = {int(major): row["branch"] for row in rows for major in row["windows_majors"].split()}
    of_linux = {int(row["branch"]): row["branch"] for row in rows}
    changed = {row["branch"]: dict(row) for row in rows}
    unknown: set[int] = set()
    for version in sorted(published, key=release_key):
        major, is_linux = release_key(version)[0], version.count(".") > 1
        branch = (of_linux if is_linux else of_windows).get(major)
        if branch is None:
            unknown |= {major} if major >= min(of_linux) else set()
            continue
        row, column = changed[branch], "last_linux" if is_linux else "last_windows"
        if release_key(version) > release_key(row[column] or "0"):
            row[column] = version
            row["source"] = f"{row['source'].partition('; newest: ')[0]}; newest: {source}"
    return list(changed.values()), [_unknown_branch(major) for major in sorted(unknown)]


def refresh_toolkits(inputs: Inputs) -> Outcome:
    """cuda_toolkits.csv with the releases that PyPI's cuda-toolkit has, and the Linux driver that each came with.

    Raises: UnreachableError, SourceDataError, FactInvalidError.
    """
    rows = read_table("cuda_toolkits", inputs.folder)
    released = sorted(
        {f.name.version for f in read_pypi(inputs, "cuda-toolkit").files if f.name.version.count(".") == 2},
        key=release_key,
    )
    base = inputs.source or TOOLKITS
    findings: list[Finding] = []
    for version in released:
        row = next((row for row in rows if row["version"] == version), None)
        if row is not None and row["linux_driver"]:
            continue
        url = f"{base}/{version}/docs/sidebar/md5sum.txt"
        driver = parse_runfiles(read_text(inputs, url, absent="")).get(version, "")
        new, found = with_toolkit(rows, version, driver, source=f"runfile of CUDA {version}: {url}, {inputs.today}")
        rows, findings = new, [*findings, *found]
    return Outcome(files=table_file("cuda_toolkits", rows), findings=tuple(findings))


def parse_runfiles(text: str) -> Mapping[str, str]:
    """Toolkit -> the driver in its runfile, of a list of checksums (`cuda_13.2.2_595.71.05_linux.run`)."""
    return dict(re.findall(r"cuda_(\d+\.\d+\.\d+)_(\d{3}\.\d+\.\d+)_linux\.run", text))


def with_toolkit(rows: Rows, version: str, driver: str, *, source: str) -> tuple[Rows, list[Finding]]:
    """Return the rows with one toolkit; a new one compiles for what the others of its X.Y do.

    Of a new X.Y nobody has asked ptxas yet: that is for a person.
    """
    for row in rows:
        if row["version"] == version:
            filled = {**row, "linux_driver": driver, "driver_source": f"{row['driver_source']}; {source}"}
            return [filled if driver and other is row else other for other in rows], []
    minor = version.rpartition(".")[0]
    sibling = next((row for row in rows if row["version"].startswith(f"{minor}.")), None)
    if sibling is None:
        return rows, [_unknown_toolkit(version)]
    new = {**sibling, "version": version, "linux_driver": driver, "driver_source": source, "note": ""}
    return sorted([*rows, new], key=lambda row: natural_key([row["version"]])), []


def _release_versions(value: object) -> Iterator[str]:
    """The texts under "release_version", at any depth: the list has been nested in more than one way."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "release_version" and isinstance(inner, str):
                yield inner
            else:
                yield from _release_versions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _release_versions(inner)


def _unknown_branch(major: int) -> Finding:
    return Finding(
        code="unknown-branch",
        title=f"NVIDIA publishes drivers {major}.*, and no row of driver_branches.csv knows the branch",
        remedy="find the CUDA that nvidia-smi prints with one, then add the branch or the Windows number by hand",
    )


def _unknown_toolkit(version: str) -> Finding:
    return Finding(
        code="unknown-toolkit",
        title=f"CUDA {version} is on PyPI, and cuda_toolkits.csv has no release of that X.Y",
        remedy="ask ptxas of its nvcc wheel what it compiles for, then add the row by hand",
    )
