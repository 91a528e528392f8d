"""Task `arch-lists`: PyPI's torch wheels say themselves which code they carry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.wheel_names import WheelName
from envgen.facts.schema_checks import natural_key
from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.net.pip_index import IndexFile, ProjectPage
from envgen.net.ranges import RangedFile
from envgen.refresh.index_pages import read_pypi
from envgen.refresh.outcome import Finding, Inputs, Level, Outcome, Rows
from envgen.refresh.rewrite import table_file
from envgen.refresh.torch_wheel import NO_CODE, TorchWheel, WheelContentError, read_torch_wheel
from envgen.refresh.wheel_tags import is_plain_release, python_key, pythons_of, subdirs_of

_LINUX = (Subdir.LINUX_64, Subdir.LINUX_AARCH64)
_EXACT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*])? ?\(?==(?P<version>[0-9.]+)\)?(?= *;|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A wheel and what it says about itself."""

    file: IndexFile
    subdir: Subdir
    wheel: TorchWheel

    @property
    def filename(self) -> str:
        return self.file.name.filename


def refresh_arch_lists(inputs: Inputs) -> Outcome:
    """The tables with what the newest wheels of PyPI say that are not in them yet.

    Raises: UnreachableError, SourceDataError, WheelContentError, FactInvalidError.
    """
    measured = read_table("torch_measured", inputs.folder)
    requires = read_table("torch_requires", inputs.folder)
    builds = read_table("torch_builds", inputs.folder)
    python = next(row["value"] for row in read_table("defaults", inputs.folder) if row["name"] == "python")
    page = read_pypi(inputs, "torch")
    findings = [*changed_hashes([*measured, *requires], page)]
    floor = min((row["torch"] for row in builds), key=release_key)
    for subdir, file in newest_wheels(page, releases=inputs.releases, floor=floor, python=python):
        is_measured = has_wheel(measured, file.name.release, subdir)
        is_required = has_wheel(requires, file.name.release, subdir)
        if is_measured and is_required:
            continue
        found = Measured(file=file, subdir=subdir, wheel=_read(inputs, page, file))
        if not is_measured:
            measured = _inserted(measured, measured_row(found, inputs.today), ("file",))
            builds, differing = compared(builds, found)
            findings += differing
        if not is_required:
            requires = _inserted(requires, requires_row(found, inputs.today), ("torch", "python", "platform"))
    tables = {"torch_measured": measured, "torch_requires": requires, "torch_builds": builds}
    files = [table_file(name, rows) for name, rows in tables.items()]
    return Outcome(files={name: text for file in files for name, text in file.items()}, findings=tuple(findings))


def newest_wheels(page: ProjectPage, *, releases: int, floor: str, python: str) -> Iterator[tuple[Subdir, IndexFile]]:
    """The one wheel to read of each of the newest releases and each Linux subdir: newest first, none below `floor`.

    It is that of `python`, or of the newest one with the GIL where there is none; of two builds of the same file, the
    one that pip takes (the higher build tag).
    """
    usable = [
        file
        for file in page.files
        if not file.is_yanked
        and is_plain_release(file.name.version)
        and release_key(file.name.version) >= release_key(floor)
    ]
    newest = sorted({file.name.version for file in usable}, key=release_key, reverse=True)[:releases]
    for release in newest:
        for subdir in _LINUX:
            files = [f for f in usable if f.name.version == release and subdir in subdirs_of(f.name)]
            ranked = [(_rank(file.name, python), file) for file in files if _gil_pythons(file.name)]
            if ranked:
                yield subdir, max(ranked, key=lambda pair: pair[0])[1]


def has_wheel(rows: Rows, release: str, subdir: Subdir) -> bool:
    """True when a table of read wheels has one of torch of that release and subdir, of whatever Python."""
    names = [WheelName.parse(row["file"]) for row in rows]
    return any(n.project == "torch" and n.release == release and subdir in subdirs_of(n) for n in names)


def changed_hashes(rows: Iterable[Mapping[str, str]], page: ProjectPage) -> Iterator[Finding]:
    """One error for each file of the tables that PyPI lists with another hash (it never replaces a file)."""
    listed = {file.name.filename: file.sha256 for file in page.files}
    differing = {row["file"]: row for row in rows if listed.get(row["file"], row["sha256"]) != row["sha256"]}
    for filename, row in differing.items():
        yield Finding(
            code="hash-changed",
            level=Level.ERROR,
            title=f"{filename} has another sha256 than the known one; nothing is written",
            evidence=(f"{row['sha256']} ({row['source']})", f"{listed[filename]} ({page.url})"),
            remedy="PyPI does not replace a file: find out what was read the first time, and what is served now",
        )


def measured_row(found: Measured, today: str) -> dict[str, str]:
    """The row of torch_measured.csv. Fat binaries are not read, so their columns stay empty: unknown."""
    wheel = found.wheel
    return {
        "file": found.filename,
        "sha256": found.file.sha256,
        "version_py": wheel.version,
        "cuda": wheel.cuda or "None",
        "wheel_bytes": str(found.file.size),
        "get_arch_list_string": wheel.arch_list or NO_CODE,
        "main_library": "",
        "fatbin_sass": "",
        "fatbin_ptx": "",
        "fatbin_special_targets": "",
        "magma_linalg_sass": "",
        "releases_code_cc": wheel.releases_code,
        "requires_python": wheel.requires_python,
        "source": f"PyPI wheel, read {today} by ranges (arch string, version.py, METADATA)",
    }


def requires_row(found: Measured, today: str) -> dict[str, str]:
    """The row of torch_requires.csv."""
    return {
        "torch": found.file.name.release,
        "variant": found.wheel.variant,
        "python": _gil_pythons(found.file.name)[-1],
        "platform": ".".join(found.file.name.platforms),
        "requires_python": found.wheel.requires_python,
        "requires_dist": " || ".join(found.wheel.requires),
        "file": found.filename,
        "sha256": found.file.sha256,
        "source": f"PyPI wheel, METADATA read {today} by ranges",
    }


def compared(builds: Rows, found: Measured) -> tuple[Rows, list[Finding]]:
    """Return the builds, with a measured arch list marked as such, and where the wheel and its row differ.

    A row that differs is left as it is: which side is right is for a person to say.
    """
    release, tag, subdir = found.file.name.release, found.wheel.variant, found.subdir.value
    if not found.wheel.cuda:
        own = [r for r in builds if (r["torch"], r["subdir"]) == (release, subdir) and r["on_pypi"]]
        return builds, [_differs(found, row, "cuda", row["cuda_tag"], "a CPU build") for row in own]
    row = next((r for r in builds if (r["torch"], r["cuda_tag"], r["subdir"]) == (release, tag, subdir)), None)
    if row is None:
        return builds, [_unknown_build(found)]
    pins = _pins(found.wheel)
    # Columns of what the wheel may not state are compared only where both sides say something.
    stated = {"toolkit": pins.get("cuda-toolkit", ""), "cudnn": pins.get(f"nvidia-cudnn-{tag[:4]}", "")}
    pairs = {"on_pypi": "yes", "arch_list": found.wheel.arch_list} | {c: v for c, v in stated.items() if v and row[c]}
    findings = [_differs(found, row, c, row[c] or "empty", value) for c, value in pairs.items() if row[c] != value]
    if findings or row["evidence"] == "measured":
        return builds, findings
    seen = f"PyPI {found.filename} sha256={found.file.sha256}; agrees with: {row['source']}"
    marked = {**row, "evidence": "measured", "source": seen}
    return [marked if other is row else other for other in builds], []


def _read(inputs: Inputs, page: ProjectPage, file: IndexFile) -> TorchWheel:
    """What a wheel on the server says."""
    if not file.sha256 or file.size is None:
        raise SourceDataError(url=page.url, reason=f"it states no sha256 or no size of {file.name.filename}")
    stream = RangedFile(file.url, file.size, patience=inputs.patience)
    wheel = read_torch_wheel(stream, file.name.filename)
    release, _, local = wheel.version.partition("+")
    if release != file.name.release or local not in ("", wheel.variant):
        reason = f"torch/version.py says {wheel.version}, CUDA {wheel.cuda or 'none'}"
        raise WheelContentError(filename=file.name.filename, reason=reason)
    return wheel


def _gil_pythons(name: WheelName) -> list[str]:
    return sorted((p for p in pythons_of(name) if not p.endswith("t")), key=python_key)


def _rank(name: WheelName, python: str) -> tuple[bool, tuple[int, bool], int]:
    pythons = _gil_pythons(name)
    build = re.match(r"[0-9]*", name.build)
    return python in pythons, python_key(pythons[-1]), int(build[0]) if build and build[0] else -1


def _pins(wheel: TorchWheel) -> dict[str, str]:
    """Package -> the version that the wheel requires exactly."""
    return {m["name"]: m["version"] for text in wheel.requires if (m := _EXACT.match(text))}


def _differs(found: Measured, row: Mapping[str, str], column: str, ours: str, theirs: str) -> Finding:
    build = f"torch {row['torch']}+{row['cuda_tag']} for {row['subdir']}"
    return Finding(
        code="build-differs",
        level=Level.WARNING,
        title=f"{build}: {column} of torch_builds.csv is not what the wheel says",
        evidence=(f"torch_builds.csv: {ours} ({row['source']})", f"{found.filename}: {theirs}"),
        remedy=f"correct the column {column} by hand, with the wheel as its source",
    )


def _unknown_build(found: Measured) -> Finding:
    name = f"torch {found.file.name.release}+{found.wheel.variant} for {found.subdir}"
    return Finding(
        code="unknown-build",
        level=Level.WARNING,
        title=f"{name} is on PyPI, and no row of torch_builds.csv knows it",
        evidence=(f"arch list: {found.wheel.arch_list}",),
        remedy="add the row by hand, with on_pypi yes and this arch list",
    )


def _inserted(rows: Rows, row: dict[str, str], columns: tuple[str, ...]) -> Rows:
    """The rows with one more, behind the last that sorts before it; the others keep their order."""
    key = natural_key([row[column] for column in columns])
    places = [n for n, other in enumerate(rows, 1) if natural_key([other[column] for column in columns]) <= key]
    at = max(places, default=0)
    return [*rows[:at], row, *rows[at:]]
