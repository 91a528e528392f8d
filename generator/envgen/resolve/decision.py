"""The decision for one request: the best pip and the best conda pairing, and the builds that were passed over."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from envgen.core.builds import Build, BuildKey
from envgen.core.request import Request
from envgen.core.resolution import Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.notices import notices
from envgen.resolve.pairing import pairing
from envgen.resolve.rank import preferred
from envgen.resolve.rejections import Rejections
from envgen.resolve.rules import runs


def resolve(catalog: Catalog, request: Request, *, absent: frozenset[BuildKey] = frozenset()) -> Resolution:
    """Choose the newest pip and conda pairings that really run.

    `absent` names builds that an index or channel was asked for and does not have, announced or not.

    Raises: ValueFormatError for a `--torch` that is no PEP 440 specifier.
    """
    evaluation = Evaluation.of(request, catalog)
    passed: list[Build] = []
    chosen = {}
    for package_set in PackageSet:
        candidates = catalog.builds(package_set, request.subdir, cpu=request.is_cpu)
        build, others = _choose(candidates, evaluation, absent)
        chosen[package_set] = pairing(build, evaluation) if build else None
        passed += others
    pip, conda = chosen[PackageSet.PIP], chosen[PackageSet.CONDA]
    return Resolution(
        request=request,
        driver=None if request.is_cpu else evaluation.rules.stated,
        pip=pip,
        conda=conda,
        rejected=Rejections(passed, evaluation, absent),
        notices=tuple(notices(evaluation, pip, conda)),
        absent=absent,
    )


def _choose(
    candidates: Sequence[Build], evaluation: Evaluation, absent: frozenset[BuildKey]
) -> tuple[Build | None, list[Build]]:
    """Return the best usable build, and the unusable ones of its release and of newer ones (all, when none is usable).

    `candidates` are sorted by release, oldest first: a release is looked at only while no newer one is usable.
    """
    passed: list[Build] = []
    for _, group in groupby(reversed(candidates), key=lambda build: build.torch):
        usable: list[Build] = []
        for build in group:
            is_usable = not (absent and build.key in absent) and runs(build, evaluation)
            (usable if is_usable else passed).append(build)
        if usable:
            return preferred(usable, evaluation), passed
    return None, passed
