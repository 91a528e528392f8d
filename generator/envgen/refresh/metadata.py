"""Tasks `companions` and `pins`: what torch's own wheels and those beside them require."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from packaging.requirements import InvalidRequirement, Requirement

from envgen.core.releases import release_key
from envgen.core.wheel_names import WheelName
from envgen.facts.schema_checks import natural_key
from envgen.facts.tables import read_table
from envgen.net.pip_index import ProjectPage, read_requires
from envgen.net.ranges import RangedFile, size_of
from envgen.net.sites import Site
from envgen.refresh.compile import compiled
from envgen.refresh.index_pages import read_pypi
from envgen.refresh.outcome import Finding, Inputs, Outcome, Rows
from envgen.refresh.releases import Release, read_releases
from envgen.refresh.rewrite import table_file
from envgen.refresh.torch_wheel import requires_of
from envgen.refresh.wheel_tags import is_plain_release, subdirs_of

_COMPANIONS = ("torchvision", "torchaudio")
_PINNED = ("nvidia-", "cuda-", "triton")


def refresh_companions(inputs: Inputs) -> Outcome:
    """The files of releases with companions on PyPI that none of them names, by the torch that they require.

    Raises: UnreachableError, SourceDataError, FactInvalidError.
    """
    releases = read_releases(inputs.folder)
    findings: list[Finding] = []
    for project in _COMPANIONS:
        page = read_pypi(inputs, project)
        known = {word for release in releases.values() for word in _words(release.companions, project)}
        newest = max(known, key=release_key, default="0")
        listed = {file.name.version for file in page.files if is_plain_release(file.name.version)}
        for version in sorted(listed - known, key=release_key):
            if release_key(version) > release_key(newest):
                required = torch_required(_requires(inputs, page, version))
                releases, found = with_companion(releases, project, version, required, source=page.url)
                findings += found
    made = compiled(inputs.folder, releases.values())
    return Outcome(files=made.files, findings=(*findings, *made.findings))


def torch_required(requires: Iterable[str]) -> str:
    """The specifier that Requires-Dist lines put on torch, empty when they name none."""
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.name == "torch":
            return str(requirement.specifier)
    return ""


def with_companion(
    releases: Mapping[str, Release], project: str, version: str, required: str, *, source: str
) -> tuple[dict[str, Release], list[Finding]]:
    """The releases with a companion put to the one that it pins; of one that pins none a finding says what it asks."""
    pinned = required.removeprefix("==")
    release = releases.get(pinned)
    if release is not None and not release.companions[project]:
        note = f"{project} {version}: {source} (requires torch{required})"
        told = "; ".join(filter(None, (release.companions["source"], note)))
        return {**releases, pinned: release.with_companions(**{project: version, "source": told})}, []
    asked = f"torch{required}" if required else "no torch"
    finding = Finding(
        code="unknown-release",
        title=f"unknown release: {project} {version} is on PyPI, no file of a release names it",
        evidence=(f"it requires {asked}",),
        remedy="try it beside the torch that it was built with, then name it in that release's [companions], by hand",
    )
    return dict(releases), [finding]


def refresh_pins(inputs: Inputs) -> Outcome:
    """torch_pins.csv with what the metadata in torch_requires.csv pins of builds that it has no pin of.

    Raises: FactInvalidError.
    """
    rows = with_pins(read_table("torch_pins", inputs.folder), read_table("torch_requires", inputs.folder))
    return Outcome(files=table_file("torch_pins", rows))


def with_pins(pins: Rows, requires: Rows) -> Rows:
    """The pins, with those of each Linux CUDA build that has none yet; one build's metadata is never mixed."""
    known = {(row["torch"], row["cuda_tag"], row["subdir"]) for row in pins}
    new: Rows = []
    for row in requires:
        tag = row["variant"].partition(" ")[0]
        for subdir in subdirs_of(WheelName.parse(row["file"])) if tag.startswith("cu") else ():
            key = row["torch"], tag, subdir.value
            if key in known or subdir.is_windows:
                continue
            known.add(key)
            source = f"PyPI metadata of {row['file']}; {row['source']}"
            head = {"torch": row["torch"], "cuda_tag": tag, "subdir": subdir.value}
            rest = {"basis": "metadata", "source": source}
            exact = exact_pins(row["requires_dist"].split(" || "))
            new += [{**head, "package": package, "version": version, **rest} for package, version in exact.items()]
    columns = ("torch", "cuda_tag", "subdir", "package")
    return sorted([*pins, *new], key=lambda row: natural_key([row[column] for column in columns]))


def exact_pins(requires: Iterable[str]) -> dict[str, str]:
    """Package -> version, of the lines that pin a library of CUDA or Triton exactly on Linux."""
    found = {}
    for line in filter(None, requires):
        requirement = Requirement(line)
        specifiers = list(requirement.specifier)
        if requirement.name.startswith(_PINNED) and len(specifiers) == 1 and specifiers[0].operator == "==":
            found[requirement.name] = specifiers[0].version
    return dict(sorted(found.items()))


def _words(companions: Mapping[str, str], project: str) -> list[str]:
    """The releases of a companion that a file names."""
    if project == "torchvision":
        return [word for word in (companions["torchvision"],) if word]
    others = re.findall(r"=(\S+)", companions["torchaudio_for"])
    return [word for word in (companions["torchaudio"], companions["torchaudio_loads"], *others) if word]


def _requires(inputs: Inputs, page: ProjectPage, version: str) -> tuple[str, ...]:
    """The metadata of one wheel of a release; they are alike in what they ask of torch.

    An index that does not serve it apart (PEP 658) serves it in the wheel, a few KB of it.
    """
    file = next(f for f in page.files if f.name.version == version)
    apart = read_requires(Site.parse(inputs.pypi), file, patience=inputs.patience)
    if apart is not None:
        return apart
    size = file.size or size_of(file.url, patience=inputs.patience)
    return requires_of(RangedFile(file.url, size, patience=inputs.patience), file.name.filename)
