"""The picture of the whole: capability by release, for one platform, as SVG that reads in black and white."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from envgen.core.builds import Build
from envgen.core.capability import CodeKind, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve.coverage import code_for
from envgen.resolve.rules.libraries import dropped_by, is_proven

# As wide as the page: a release more takes its width from the others.
_WIDTH, _HEIGHT, _LEFT, _TOP = 26, 18, 46, 54

_HATCHING = (
    '<defs><pattern id="{name}" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0V4" stroke="currentColor" stroke-width="1.4"/></pattern></defs>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What the wheels of one release hold for one capability: the best kind, and the oldest driver branch for it.

    `is_served` is False when there is code, but every build's cuDNN has none for the capability.
    """

    kind: CodeKind
    branch: str
    is_served: bool


def major_floor(cuda: str, subdir: Subdir, catalog: Catalog) -> DriverVersion | None:
    """The oldest driver of a toolkit's CUDA major, or None where there is no minor-version compatibility."""
    entry = catalog.floors.get(release_key(cuda)[0])
    return (entry.windows if subdir.is_windows else entry.linux) if entry else None


def best_cell(builds: Iterable[Build], gpu: Gpu, catalog: Catalog, subdir: Subdir) -> Cell | None:
    """What its libraries serve first, SASS before PTX, then the oldest driver; None when no build has code."""
    found: list[tuple[bool, bool, int]] = []
    for build in builds:
        code = code_for(build.codes, gpu, build.cuda)
        floor = major_floor(build.cuda, subdir, catalog)
        if code is not None:
            served = dropped_by(build.cudnn, gpu.capability) is None and is_proven(build, gpu, code, catalog)
            found.append((not served, code.kind is CodeKind.PTX, floor.branch if floor else 0))
    if not found:
        return None
    not_served, is_ptx, driver = min(found)
    kind = CodeKind.PTX if is_ptx else CodeKind.SASS
    return Cell(kind=kind, branch=str(driver or "?"), is_served=not not_served)


def cells(catalog: Catalog, subdir: Subdir) -> Mapping[tuple[ComputeCapability, str], Cell]:
    """(capability, release) -> what pip's wheels of a platform hold."""
    groups: dict[str, list[Build]] = {}
    for build in catalog.builds(PackageSet.PIP, subdir):
        groups.setdefault(build.torch, []).append(build)
    found = {}
    for capability, support in catalog.support.items():
        gpu = Gpu(name=str(capability), capability=capability, architecture=support.architecture)
        for release, builds in groups.items():
            if cell := best_cell(builds, gpu, catalog, subdir):
                found[capability, release] = cell
    return found


def picture(
    found: Mapping[tuple[ComputeCapability, str], Cell],
    capabilities: Sequence[ComputeCapability],
    releases: Sequence[str],
    *,
    title: str,
    name: str,
) -> str:
    """The SVG: a row a capability, a column a release. `name` tells it from other pictures of the page."""
    width, height = _LEFT + len(releases) * _WIDTH, _TOP + len(capabilities) * _HEIGHT
    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{title}">',
        _HATCHING.format(name=name),
    ]
    for column, release in enumerate(releases):
        x = _LEFT + column * _WIDTH + _WIDTH / 2
        parts.append(f'<text transform="translate({x:g} {_TOP - 6}) rotate(-60)">{release}</text>')
    for row, capability in enumerate(capabilities):
        y = _TOP + row * _HEIGHT
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 13}" text-anchor="end">{capability}</text>')
        for column, release in enumerate(releases):
            x = _LEFT + column * _WIDTH
            parts.append(_cell(found.get((capability, release)), x, y, name))
    return "".join([*parts, "</svg>"])


def _cell(cell: Cell | None, x: int, y: int, name: str) -> str:
    box = f'x="{x}" y="{y}" width="{_WIDTH - 1}" height="{_HEIGHT - 1}"'
    if cell is None:
        return f'<rect {box} fill="none" stroke="currentColor" stroke-opacity=".25"/>'
    if not cell.is_served:
        cross = f'<path d="M{x + 7.5:g} {y + 4}l10 10m0-10l-10 10" stroke="currentColor"/>'
        return f'<rect {box} fill="none" stroke="currentColor" stroke-opacity=".25"/>{cross}'
    if cell.kind is CodeKind.PTX:
        return f'<rect {box} fill="url(#{name})" stroke="currentColor"/>'
    text = f'<text x="{x + _WIDTH / 2 - 0.5:g}" y="{y + 13}" text-anchor="middle" class="on">{cell.branch}</text>'
    return f'<rect {box} fill="#2f6b00" stroke="currentColor"/>{text}'
