"""A decision as text for people and as JSON for scripts (the keys of the JSON never change meaning)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from envgen.cli.newer import with_newer_driver
from envgen.core.builds import Existence
from envgen.core.changes import Change
from envgen.core.dataclass import dataclass
from envgen.core.messages import messages
from envgen.core.resolution import Pairing, Rejection, RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve.errors import NoBuildError
from envgen.resolve.install import install_commands

if TYPE_CHECKING:
    from envgen.resolve.why_not import Explanation

_NEAREST = 3
# What the lines of a pairing say already.
_SAID_ABOVE = ("conda-build-announced", "pip-build-announced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A decision to be printed. `locked` maps a set to the newest shipped lock that runs, by name, or None;
    `command` writes the locked files, `project` puts the pairing into the files of the folder's own tool, if any."""

    resolution: Resolution
    locked: Mapping[str, str | None]
    builds: Catalog
    command: str
    in_conda: bool = False
    project: str = ""

    @property
    def first(self) -> Pairing:
        """The pairing to install first: conda's where its environment is active, else pip's."""
        pip, conda = self.resolution.pip, self.resolution.conda
        found = (conda or pip) if self.in_conda else (pip or conda)
        if found is None:
            raise NoBuildError(self.resolution)
        return found


def resolution_json(resolution: Resolution, *, catalog: str, locked: Mapping[str, str | None]) -> dict[str, Any]:
    """The JSON object of one platform's decision: what Python callers get, and the shipped locks that run."""
    from envgen.api.convert import decision, decision_mapping

    return {"schema_version": 1, **decision_mapping(decision(resolution, catalog)), "locked": dict(locked)}


def resolution_text(report: Report) -> str:
    """The decision for people: what to do, the facts, and the nearest reasons against newer builds."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    resolution = report.resolution
    request = resolution.request
    yield (
        f"Paste this where Python is {request.python}:" if report.first.package_set is PackageSet.PIP else "Paste this:"
    )
    yield from (f"  {command}" for command in install_commands(report.first))
    yield ""
    for requested in request.gpus:
        gpu = requested.gpu
        yield f"{gpu.name}: compute capability {gpu.capability} ({gpu.architecture})"
    origin = f"{resolution.drivers} ({request.driver_origin.value})" if resolution.driver else "the CPU"
    libc = f", glibc {request.glibc}" if request.subdir.is_linux else ""
    yield f"{request.subdir}, {origin}, Python {request.python}{libc}"
    for package_set in PackageSet:
        yield from _pairing_lines(package_set, report)
    if newer := with_newer_driver(resolution, report.builds, messages("cli")["en"]):
        yield newer
    yield f"locked, with hashes: {report.command}"
    if report.project:
        yield f"in this project's own words: {report.project}"
    yield from _rejection_lines(report)
    if notices := [notice for notice in resolution.notices if notice.code not in _SAID_ABOVE]:
        yield ""
        yield from (f"note: {notice.text} [{notice.code}]" for notice in notices)


def _pairing_lines(package_set: PackageSet, report: Report) -> Iterator[str]:
    """One answer a set: the build, what is known of it, and the shipped lock where that is of another build."""
    pairing = report.resolution.pairing(package_set)
    if pairing is None:
        yield f"{package_set:5}  none: no {'wheel' if package_set is PackageSet.PIP else 'package'} runs here"
        return
    build = pairing.build
    companions = (("torchvision", pairing.torchvision), ("torchaudio", pairing.torchaudio))
    beside = " and ".join(f"{name} {version}" for name, version in companions if version)
    seen = build.existence_for(report.resolution.request.python) is Existence.SEEN
    label = build.label if package_set is PackageSet.PIP else f"pytorch {build.short_label}"
    source = pairing.index_url or build.conda.channels[0]
    companion = f" with {beside}" if beside else ""
    yield f"{package_set:5}  {label}{companion}, {'from' if seen else 'announced for'} {source}"
    yield f"       {pairing.runs_as()}" + ("" if build.is_cpu else f"; arch list: {build.evidence}")
    locked = report.locked[package_set.value]
    if locked and locked != build.short_label:
        yield f"       without a network: the shipped lock of {locked}"


def _rejection_lines(report: Report) -> Iterator[str]:
    """The nearest reasons: of the newest builds, those that a change would allow first, each reason once."""
    against = [r for r in report.resolution.rejected if r.code is not RejectionCode.UNCERTAIN]
    nearest: dict[tuple[PackageSet, RejectionCode, Change | None], Rejection] = {}
    for rejection in sorted(against, key=lambda rejection: rejection.change is None):
        nearest.setdefault((rejection.package_set, rejection.code, rejection.change), rejection)
    shown = list(nearest.values())[:_NEAREST]
    if shown:
        yield ""
        yield "not taken (--all lists every build):"
    for rejection in shown:
        unlock = f" -> {rejection.change.action()}" if rejection.change else ""
        yield f"  {rejection.package_set:5}  {rejection.text} [{rejection.code.value}]{unlock}"


def every_build(explanations: Iterable[Explanation]) -> str:
    """Every build of the catalog, a line each: taken, runs, or the first reason against it."""
    lines = []
    for explanation in explanations:
        verdict = "taken" if explanation.chosen else "runs"
        if explanation.reasons:
            code, text = explanation.reasons[0]
            verdict = f"{text} [{code}]"
        lines.append(f"  {explanation.build.package_set:5}  {explanation.build.short_label}: {verdict}")
    return "every build:\n" + "\n".join(lines) + "\n"
