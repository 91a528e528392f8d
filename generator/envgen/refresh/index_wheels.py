"""Task `wheels`: names and hashes from the CUDA indexes themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from envgen.core.errors import some_of
from envgen.core.findings import Level
from envgen.core.releases import CPU, release_key
from envgen.core.wheel_names import WheelName
from envgen.facts.schema_checks import natural_key
from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.net.pip_index import IndexFile
from envgen.refresh.index_pages import CudaPage, read_cuda_pages
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows
from envgen.refresh.rewrite import table_file
from envgen.refresh.wheel_tags import is_plain_release, pythons_of, subdirs_of

_SHOWN = 5


def refresh_wheels(inputs: Inputs) -> Outcome:
    """wheels.csv with what the CUDA indexes list today.

    Raises: UnreachableError, SourceDataError, FactInvalidError.
    """
    rows = read_table("wheels", inputs.folder)
    builds = read_table("torch_builds", inputs.folder)
    floors = oldest_releases(builds, read_table("companions", inputs.folder))
    urls = {row["cuda_tag"]: row["url"] for row in read_table("cuda_indexes", inputs.folder)}
    known = {(row["index"], WheelName.parse(row["filename"]).project) for row in rows}
    pages = read_cuda_pages(inputs, urls, known)
    findings: list[Finding] = []
    for page in pages:
        mirror = "a mirror of " if inputs.wheel_mirror else ""
        source = f"{mirror}{page.canonical}, {inputs.today}"
        rows, found = merge_page(rows, page, floor=floors[page.page.project], source=source)
        findings += found
    findings += [*shared_hashes(rows), *unknown_builds(rows, builds)]
    return Outcome(files=table_file("wheels", rows), findings=tuple(findings))


def oldest_releases(builds: Rows, companions: Rows) -> Mapping[str, str]:
    """Project -> the oldest release that the catalog deals with; what is older stays out of the tables."""
    columns = {
        "torch": [row["torch"] for row in builds],
        "torchvision": [row["torchvision"] for row in companions],
        "torchaudio": [row[column] for row in companions for column in ("torchaudio", "torchaudio_loads")],
    }
    return {project: min(filter(None, releases), key=release_key) for project, releases in columns.items()}


def merge_page(rows: Rows, page: CudaPage, *, floor: str, source: str) -> tuple[Rows, list[Finding]]:
    """Return the rows with the page's files, and what the page says against them. The rows given stay as they are.

    A row with a hash is never changed; one that has only a name gets the page's hash.

    Raises: SourceDataError when the page can't be the one that was asked for.
    """
    table = {(row["index"], row["filename"]): row for row in rows}
    listed = _listed(page, floor)
    findings = list(_missing(table, page, listed))
    for filename, file in listed.items():
        row = table.get((page.tag, filename))
        if row is None or (file.sha256 and not row["sha256"]):
            table[page.tag, filename] = _row(page.tag, file, source)
        elif file.sha256 and file.sha256 != row["sha256"]:
            findings.append(_changed_hash(row, file, source))
    return sorted(table.values(), key=lambda row: natural_key([row["index"], row["filename"]])), findings


def shared_hashes(rows: Rows) -> Iterator[Finding]:
    """One error for each hash that stands for files of different names."""
    first: dict[str, str] = {}
    for row in rows:
        if row["sha256"] and first.setdefault(row["sha256"], row["filename"]) != row["filename"]:
            yield Finding(
                code="hash-shared",
                level=Level.ERROR,
                title=f"one sha256 for {first[row['sha256']]} and {row['filename']}",
                evidence=(row["sha256"],),
                remedy="compare the two pages of the index: one of them is wrong",
            )


def unknown_builds(rows: Rows, builds: Rows) -> Iterator[Finding]:
    """One warning for each release and CUDA tag of torch with files that no row of torch_builds.csv is about."""
    known = {(row["torch"], row["cuda_tag"], row["subdir"]) for row in builds}
    unknown: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        name = WheelName.parse(row["filename"])
        for subdir in subdirs_of(name) if name.project == "torch" and row["index"] != CPU else ():
            if (name.release, row["index"], subdir.value) not in known:
                unknown.setdefault((name.release, row["index"]), set()).add(subdir.value)
    for (release, tag), subdirs in unknown.items():
        yield Finding(
            code="unknown-build",
            title=f"torch {release}+{tag} has files, and no row of torch_builds.csv for {', '.join(sorted(subdirs))}",
            remedy="add the rows by hand: the arch list comes from the release's build scripts, or from the wheel",
        )


def _listed(page: CudaPage, floor: str) -> dict[str, IndexFile]:
    """File name -> the file, for those that belong into the table."""
    found: dict[str, IndexFile] = {}
    for file in page.page.files:
        _refuse_candidates(page, file)
        if not _is_wanted(page, file, floor):
            continue
        before = found.setdefault(file.name.filename, file)
        if before.sha256 != file.sha256:
            reason = f"it lists {file.name.filename} twice, with different hashes"
            raise SourceDataError(url=page.page.url, reason=reason)
    return found


def _is_wanted(page: CudaPage, file: IndexFile, floor: str) -> bool:
    name = file.name
    if file.is_yanked or not is_plain_release(name.release) or release_key(name.release) < release_key(floor):
        return False
    if not subdirs_of(name) or not (pythons_of(name) or "py3" in name.interpreters):
        return False
    if name.local:
        return name.local == page.tag
    # Early aarch64 wheels carry no local version. A listing of another folder's files (as an unknown CUDA tag gets,
    # astral-sh/uv#21642) must not pass for them.
    return f"/{page.tag}/" in urlsplit(file.url).path


def _refuse_candidates(page: CudaPage, file: IndexFile) -> None:
    """A candidate of the test index has a release's name and other bytes, so that a page of them must not be read."""
    inside = file.url.removeprefix(page.site) if file.url.startswith(page.site) else urlsplit(file.url).path
    if {"test", "nightly"} & set(inside.split("/")):
        raise SourceDataError(url=page.page.url, reason=f"it links to a test build: {file.url}")


def _missing(
    table: Mapping[tuple[str, str], Mapping[str, str]], page: CudaPage, listed: Mapping[str, IndexFile]
) -> Iterator[Finding]:
    """A warning when files with a known hash are not on the page.

    Raises: SourceDataError when none of them is.
    """
    known = [
        filename
        for (index, filename), row in table.items()
        if index == page.tag and row["sha256"] and WheelName.parse(filename).project == page.page.project
    ]
    gone = [filename for filename in known if filename not in listed]
    if known and len(gone) == len(known):
        raise SourceDataError(
            url=page.page.url, reason=f"none of the {len(known)} files that wheels.csv knows is on it"
        )
    if gone:
        yield Finding(
            code="file-gone",
            title=f"{len(gone)} of {len(known)} known files are not on {page.canonical} any more",
            evidence=(some_of(gone, _SHOWN),),
            remedy="if they were withdrawn, delete their rows, then run `python -m envgen.refresh seen`",
        )


def _row(tag: str, file: IndexFile, source: str) -> dict[str, str]:
    return {
        "index": tag,
        "filename": file.name.filename,
        "sha256": file.sha256,
        "size": "" if file.size is None else str(file.size),
        "sightings": "1" if file.sha256 else "0",
        "source": source if file.sha256 else f"listed without a hash by {source}",
        "note": "" if file.sha256 else "name known, hash unknown",
    }


def _changed_hash(row: Mapping[str, str], file: IndexFile, source: str) -> Finding:
    return Finding(
        code="hash-changed",
        level=Level.ERROR,
        title=f"{row['filename']} of {row['index']} has another sha256 than the known one; nothing is written",
        evidence=(f"{row['sha256']} ({row['source']})", f"{file.sha256} ({source})"),
        remedy="find out which of the two is the release, then change the row by hand and keep the other in its note",
    )
