"""What lines of torch, torchvision and torchaudio ask for, beside the options that say the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, combinations
from typing import TYPE_CHECKING

from envgen.core.builds import Companions
from envgen.core.dataclass import dataclass
from envgen.core.errors import NoPairingError, some_of
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.requirements import normalise_project
from envgen.facts.catalog import Catalog
from envgen.solve.extras import environment_of

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_NAMED = 3  # releases that a message names


class LinesClashError(NoPairingError):
    """Lines of torch's family that no release of torch meets together; `goes_with` says what each of them asks for."""

    def __init__(self, lines: Sequence[str], goes_with: Sequence[str], advice: str) -> None:
        super().__init__(f"no known release of torch goes with {' and '.join(lines)}", *goes_with, hint=advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchAsked:
    """A request with what lines ask for, and the lines in whose place an option stands, each with the reason."""

    request: Request
    replaced: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One line that counts on a platform, and the releases of torch that meet it."""

    text: str
    project: str
    specifier: str
    tag: str
    releases: frozenset[str]


def with_torch(request: Request, family: Iterable[str], catalog: Catalog) -> TorchAsked:
    """The request with what lines ask for on its platform and Python; an option stands in place of what contradicts it.

    Raises: LinesClashError when no release of torch meets the lines together.
    """
    rows = sorted(catalog.companions.values(), key=lambda row: release_key(row.torch))
    asked = _meeting(request.torch, rows)
    lines, replaced, cuda = list[_Line](), dict[str, str](), request.cuda
    for line in _lines(family, request.subdir, request.python, rows):
        if request.torch and asked and not line.releases & asked:
            replaced[line.text] = f"--torch asks for {request.torch}"
            continue
        if _is_cuda(line.tag):
            cuda = cuda or line.tag
        if line.tag not in ("", cuda):
            replaced[f"the tag of {line.text}"] = f"{cuda or 'a build with CUDA'} is asked for"
        lines.append(line)
    met = frozenset.intersection(_releases(rows), *(line.releases for line in lines))
    if not met and all(line.releases or line.project != "torch" for line in lines):
        raise _clash(lines, rows)
    stated = _joined(request.torch, *(line.specifier for line in lines if line.project == "torch"))
    return TorchAsked(
        request=replace(
            request,
            torch=_joined(stated, _bounds(_meeting(stated, rows), met, rows)),
            cuda=cuda,
            audio=request.audio or any(line.project == "torchaudio" for line in lines),
        ),
        replaced=tuple(replaced.items()),
    )


def _lines(family: Iterable[str], subdir: Subdir, python: str, rows: Sequence[Companions]) -> list[_Line]:
    """The lines whose markers are true on a platform."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    environment = {**environment_of(subdir, python), "extra": ""}
    found = []
    for text in dict.fromkeys(family):
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate(environment):
            continue
        project, tag, parts = normalise_project(requirement.name), "", []
        for part in requirement.specifier:
            version, _, local = part.version.partition("+")
            tag = local or tag
            parts.append(f"{part.operator}{version}")
        specifier = ",".join(sorted(parts))
        bound = SpecifierSet(specifier)
        releases = frozenset(row.torch for row in rows if _meets(bound, row, project))
        found.append(_Line(text=text, project=project, specifier=specifier, tag=tag, releases=releases))
    return found


def _meets(bound: SpecifierSet, row: Companions, project: str) -> bool:
    """True when what goes with a release of torch, or that itself, is one of those that were asked for."""
    if not str(bound):
        return True
    versions = (row.torch,) if project == "torch" else row.releases_of(project)
    return any(version in bound for version in versions)


def _meeting(specifier: str, rows: Iterable[Companions]) -> frozenset[str]:
    from packaging.specifiers import SpecifierSet

    bound = SpecifierSet(specifier)
    return frozenset(row.torch for row in rows if row.torch in bound)


def _releases(rows: Iterable[Companions]) -> frozenset[str]:
    return frozenset(row.torch for row in rows)


def _bounds(stated: frozenset[str], met: frozenset[str], rows: Sequence[Companions]) -> str:
    """The shortest specifier that leaves, of the releases that are allowed already, those that all lines allow."""
    left, allowed = stated & met, [row.torch for row in rows if row.torch in stated]
    kept = [release for release in allowed if release in left]
    if len(kept) < 2:
        return f"=={kept[0]}" if kept and len(allowed) > 1 else ""
    first, last = allowed.index(kept[0]), allowed.index(kept[-1])
    parts = [f">={kept[0]}"] if first else []
    parts += [f"<={kept[-1]}"] if last < len(allowed) - 1 else []
    return _joined(*parts, *(f"!={release}" for release in allowed[first:last] if release not in left))


def _joined(*texts: str) -> str:
    """Specifiers as one, each part once."""
    return ",".join(dict.fromkeys(part for text in texts for part in text.split(",") if part))


def _is_cuda(tag: str) -> bool:
    return tag.startswith("cu") and tag.removeprefix("cu").isdigit()


def _clash(lines: Sequence[_Line], rows: Sequence[Companions]) -> LinesClashError:
    """The first line, or else pair of lines, that no release of torch meets."""
    lines = list({line.releases: line for line in reversed(lines)}.values())[::-1]  # of those that are met alike, one
    alone = ((line,) for line in lines if not line.releases)
    pairs = ((one, other) for one, other in combinations(lines, 2) if not one.releases & other.releases)
    clashing: tuple[_Line, ...] = next(chain(alone, pairs), tuple(lines))
    companions = [line for line in clashing if line.project != "torch"]
    facts = [f"{line.text} goes with torch {_some(line.releases)}" for line in companions if line.releases]
    advice = "change one of the lines"
    if companions:
        stays = next((line for line in clashing if line.releases and line is not companions[-1]), None)
        torch = max(stays.releases if stays else _releases(rows), key=release_key)
        row = next(row for row in rows if row.torch == torch)
        other = next(iter(row.releases_of(companions[-1].project)), "")
        advice = f"with torch {torch} goes {companions[-1].project}=={other}" if other else advice
    return LinesClashError([line.text for line in clashing], facts, advice)


def _some(releases: Iterable[str]) -> str:
    return some_of(sorted(releases, key=release_key, reverse=True), _NAMED)
