"""Task `arch-lists`: PyPI's torch wheels say themselves which code they carry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from envgen.core.dataclass import dataclass
from envgen.core.findings import Level
from envgen.core.json_text import parse_json
from envgen.core.platforms import Subdir
from envgen.core.releases import cuda_of_tag, release_key
from envgen.core.wheel_names import WheelName
from envgen.facts.schema_checks import natural_key
from envgen.facts.tables import read_table
from envgen.net.errors import SourceDataError
from envgen.net.pip_index import IndexFile, ProjectPage
from envgen.net.ranges import RangedFile
from envgen.refresh.compile import compiled, indexed_pythons
from envgen.refresh.device_rules import rule_rows
from envgen.refresh.index_pages import read_pypi
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows
from envgen.refresh.pypi_builds import pypi_pythons
from envgen.refresh.releases import Release, columns_of, read_releases
from envgen.refresh.rewrite import table_file
from envgen.refresh.torch_wheel import TorchWheel, WheelContentError, read_torch_wheel
from envgen.refresh.wheel_tags import is_plain_release, python_key, python_list, pythons_of, subdirs_of

_ANOTHER_LIST = "arch-list-differs"
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
    """The tables with what the newest wheels of PyPI say that are not in them yet; a build that none knows is added.

    Raises: UnreachableError, SourceDataError, WheelContentError, FactInvalidError.
    """
    measured = read_table("torch_measured", inputs.folder)
    requires = read_table("torch_requires", inputs.folder)
    wheels = read_table("wheels", inputs.folder)
    rules = read_table("device_rules", inputs.folder)
    releases = read_releases(inputs.folder)
    python = next(row["value"] for row in read_table("defaults", inputs.folder) if row["name"] == "python")
    page = read_pypi(inputs, "torch")
    findings = [*changed_hashes([*measured, *requires], page)]
    floor = min(releases, key=release_key)
    for subdir, file in newest_wheels(page, releases=inputs.releases, floor=floor, python=python):
        is_measured = has_wheel(measured, file.name.release, subdir)
        is_required = has_wheel(requires, file.name.release, subdir)
        if is_measured and is_required:
            continue
        found = Measured(file=file, subdir=subdir, wheel=_read(inputs, page, file))
        if not is_measured:
            rules = with_rules(rules, found)
            of_release = releases.get(file.name.release, unknown_release(file.name.release))
            releases[file.name.release], differing = with_wheel(of_release, found, page, wheels)
            findings += differing
            if not is_another_list(differing):
                measured = inserted(measured, measured_row(found, inputs.today), ("file",))
        if not is_required:
            requires = inserted(requires, requires_row(found, inputs.today), ("torch", "python", "platform"))
    made = compiled(
        inputs.folder, sorted(releases.values(), key=lambda r: release_key(r.torch)), torch_measured=measured
    )
    own = {"torch_measured": measured, "torch_requires": requires, "device_rules": rules}
    files = dict(made.files)
    for name, rows in own.items():
        files |= table_file(name, rows)
    return Outcome(files=files, findings=(*findings, *made.findings))


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
    own = [name for name in names if name.project == "torch" and not name.local]
    return any(name.release == release and subdir in subdirs_of(name) for name in own)


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


def measured_row(found: Measured, today: str, origin: str = "PyPI wheel") -> dict[str, str]:
    """The row of torch_measured.csv. Fat binaries are not read, so their columns stay empty: unknown."""
    wheel = found.wheel
    return {
        "file": found.filename,
        "sha256": found.file.sha256,
        "version_py": wheel.version,
        "cuda": wheel.cuda or "None",
        "wheel_bytes": str(found.file.size),
        "main_library": "",
        "fatbin_sass": "",
        "fatbin_ptx": "",
        "fatbin_special_targets": "",
        "magma_linalg_sass": "",
        "releases_code_cc": wheel.releases_code,
        "requires_python": wheel.requires_python,
        "source": f"{origin}, read {today} by ranges (arch string, version.py, METADATA)",
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


def is_another_list(findings: Iterable[Finding]) -> bool:
    """True when a wheel has another arch list than its build: until a person decides, it measures nothing."""
    return any(finding.code == _ANOTHER_LIST for finding in findings)


def with_rules(rows: Rows, found: Measured) -> Rows:
    """The rows of device_rules.csv with those of a release that has none yet; its wheels carry one file."""
    torch = found.file.name.release
    if any(row["torch"] == torch for row in rows):
        return rows
    new = rule_rows(torch, found.wheel.device_rules, f"torch/cuda/__init__.py of PyPI {found.filename}")
    keys = ("torch", "cuda_from", "code")
    return sorted([*rows, *new], key=lambda row: natural_key([row[key] for key in keys]))


def unknown_release(torch: str) -> Release:
    """The file of a release that has none yet."""
    return Release(torch=torch, companions=dict.fromkeys(columns_of("companions")[1:], ""), pip={}, conda=())


def with_wheel(release: Release, found: Measured, page: ProjectPage, wheels: Rows) -> tuple[Release, list[Finding]]:
    """The release with what a wheel of PyPI says of its own build, and where that differs from what is known.

    What differs is left as it is: which side is right is for a person to say. A build that is not known is added, and
    with it those of the other CUDA tags that an index has files of and whose code the wheel's own table lists.
    """
    tag, subdir = found.wheel.variant, found.subdir.value
    if not found.wheel.cuda:
        own = [(of, cells) for (of, place), cells in release.pip.items() if place == subdir and cells["on_pypi"]]
        return release, [_differs(found, of, ("cuda", of, cells["source"]), "a CPU build") for of, cells in own]
    if (tag, subdir) not in release.pip:
        return _with_new_builds(release, found, page, wheels)
    cells = release.pip[tag, subdir]
    pins = pins_of(found.wheel)
    stated = {"toolkit": pins.get("cuda-toolkit", ""), "cudnn": pins.get(f"nvidia-cudnn-{tag[:4]}", "")}
    # Columns of what the wheel may not state are compared only where both sides say something.
    pairs = {"on_pypi": "yes", "arch_list": found.wheel.arch_list} | {c: v for c, v in stated.items() if v and cells[c]}
    source = cells["source"]
    wrong = [(column, says) for column, says in pairs.items() if cells[column] != says]
    findings = [_differs(found, tag, (column, cells[column] or "empty", source), says) for column, says in wrong]
    return release.with_pip((tag, subdir), **{c: v for c, v in stated.items() if v and not cells[c]}), findings


def _with_new_builds(
    release: Release, found: Measured, page: ProjectPage, wheels: Rows
) -> tuple[Release, list[Finding]]:
    """The release with the build that was read, and those beside it that the wheel and an index know together."""
    subdir = found.subdir
    pins = pins_of(found.wheel)
    own = {
        "pythons": python_list(pypi_pythons(page).get((release.torch, subdir), ())),
        "arch_list": found.wheel.arch_list,
        "toolkit": pins.get("cuda-toolkit", ""),
        "cudnn": pins.get(f"nvidia-cudnn-{found.wheel.variant[:4]}", ""),
        "glibc": lowest_glibc(found.file.name),
        "on_pypi": "yes",
        "source": f"the code that {found.filename} says it carries",
    }
    new = {found.wheel.variant: own}
    for (torch, tag, place), pythons in indexed_pythons(wheels).items():
        codes = releases_code(found.wheel, tag, subdir)
        if (torch, place) == (release.torch, subdir) and codes and tag != found.wheel.variant:
            source = f"torch/cuda/__init__.py PYTORCH_RELEASES_CODE_CC read from {found.filename}"
            cells = {"pythons": python_list(pythons), "arch_list": codes, "glibc": own["glibc"], "source": source}
            new[tag] = {**cells, "evidence": "build-script"}
    findings = []
    for tag, cells in new.items():
        if (tag, subdir.value) not in release.pip:
            release = release.with_pip((tag, subdir.value), **cells)
            findings.append(_new_build(release, tag, found))
    return release, findings


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


def pins_of(wheel: TorchWheel) -> dict[str, str]:
    """Package -> the version that the wheel requires exactly."""
    return {m["name"]: m["version"] for text in wheel.requires if (m := _EXACT.match(text))}


def releases_code(wheel: TorchWheel, tag: str, subdir: Subdir) -> str:
    """The arch list that torch's own table states for a CUDA tag, empty where it has none. Such builds hold no PTX."""
    table = parse_json(wheel.releases_code or "{}").get(cuda_of_tag(tag), {})
    machine = "aarch64" if subdir is Subdir.LINUX_AARCH64 else "x86_64"
    return " ".join(f"sm_{code}" for code in table.get(machine, ())) if isinstance(table, dict) else ""


def lowest_glibc(name: WheelName) -> str:
    """The lowest glibc of a wheel's platform tags, empty where none states one."""
    minors = [int(m[1]) for tag in name.platforms if (m := re.match(r"manylinux_2_(\d+)_", tag))]
    return f"2.{min(minors)}" if minors else ""


def _differs(found: Measured, tag: str, ours: tuple[str, str, str], theirs: str) -> Finding:
    """`ours` is the column, what the file of the release says there, and where that is from."""
    release = found.file.name.release
    column, cell, source = ours
    return Finding(
        code=_ANOTHER_LIST if column == "arch_list" else "build-differs",
        title=f"torch {release}+{tag} for {found.subdir}: {column} of builds/{release}.toml is not what the wheel says",
        evidence=(f"builds/{release}.toml: {cell} ({source})", f"{found.filename}: {theirs}"),
        remedy=f"correct {column} by hand, with the wheel as its source",
    )


def _new_build(release: Release, tag: str, found: Measured) -> Finding:
    return Finding(
        code="new-build",
        title=f"torch {release.torch}+{tag} for {found.subdir} is new in {release.file}",
        evidence=(f"arch list: {release.pip[tag, found.subdir.value]['arch_list']}",),
        remedy="look it through; what the wheels don't say (Windows, conda, companions) is added by hand",
    )


def inserted(rows: Rows, row: dict[str, str], columns: tuple[str, ...]) -> Rows:
    """The rows with one more, behind the last that sorts before it; the others keep their order."""
    key = natural_key([row[column] for column in columns])
    places = [n for n, other in enumerate(rows, 1) if natural_key([other[column] for column in columns]) <= key]
    at = max(places, default=0)
    return [*rows[:at], row, *rows[at:]]
