"""The inverse evaluation: why one build, or each build of a CUDA tag, was not taken."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.core.builds import Build
from envgen.core.dataclass import dataclass
from envgen.core.request import Request
from envgen.core.resolution import Rejection
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve.changes import Changes
from envgen.resolve.cuda_compat import beside_driver
from envgen.resolve.decision import resolve
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rejections import rejection
from envgen.resolve.rules import failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer for one build. `rejection` is None when it runs; `better` names the pairing that was preferred.

    `reasons` holds (code, text) of everything that speaks against it, the most fundamental first. `beside_driver` says
    how it would run beside an older driver with a package of NVIDIA's, or is empty.
    """

    build: Build
    reasons: tuple[tuple[str, str], ...]
    rejection: Rejection | None
    chosen: bool
    better: str
    beside_driver: str = ""


def explain(builds: Catalog, request: Request, *, torch: str, cuda_tag: str) -> list[Explanation]:
    """Return an explanation for each matching build, newest first; for a bare tag only for the ones that answer it.

    An empty `torch` or `cuda_tag` matches every build. The list is empty when the catalog has no such build.
    """
    evaluation = Evaluation.of(request, builds)
    resolution = resolve(builds, request)
    found: list[Explanation] = []
    changes = Changes(evaluation)
    for package_set in PackageSet:
        chosen = resolution.pairing(package_set)
        matching = [
            _explanation(build, chosen.build if chosen else None, evaluation, changes)
            for build in reversed(builds.builds(package_set, request.subdir, cpu=request.is_cpu))
            if _is_release(build.torch, torch) and cuda_tag in ("", build.cuda_tag)
        ]
        found += _answering(matching) if cuda_tag and not torch else matching
    return found


def _answering(matching: Sequence[Explanation]) -> Sequence[Explanation]:
    """The builds of a tag that say whether it runs: the newest release's, and the newest that runs or comes nearest."""
    newest = [one for one in matching if one.build.torch == matching[0].build.torch]
    runs = next((one for one in matching if one.rejection is None), None)
    nearest = runs or next((one for one in matching if one.rejection and one.rejection.change), None)
    return newest if nearest is None or nearest in newest else [*newest, nearest]


def _explanation(build: Build, chosen: Build | None, evaluation: Evaluation, changes: Changes) -> Explanation:
    reasons = tuple(failures(build, evaluation))
    return Explanation(
        build=build,
        reasons=tuple((reason.code.value, reason.message) for reason in reasons),
        rejection=rejection(build, reasons[0], changes.smallest(build)) if reasons else None,
        chosen=build == chosen,
        better=chosen.label if chosen else "",
        beside_driver=beside_driver(build, evaluation) if reasons else "",
    )


def _is_release(release: str, wanted: str) -> bool:
    """True for the release itself and, for X.Y, for each of its patch releases."""
    return not wanted or release == wanted or (wanted.count(".") == 1 and release.startswith(f"{wanted}."))
