"""Judges a mention on one machine: the rules of the decision, asked of a build that somebody else has chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce

from envgen.audits.candidates import Candidates, candidates
from envgen.audits.verdict import Judgement, Outcome, Verdict
from envgen.core.builds import Build
from envgen.core.capability import CodeKind
from envgen.core.changes import Change
from envgen.core.releases import release_key
from envgen.core.request import Request
from envgen.core.resolution import RejectionCode
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.readers.mention import Mention
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure
from envgen.resolve.pairing import LEGACY_CHANNEL
from envgen.resolve.rules import failures
from envgen.resolve.rules.code import code_uses
from envgen.resolve.rules.driver import driver_floor

# The file exists, or will be found by its resolver; these are about choosing one, not about running it.
_OF_CHOOSING = frozenset(
    {
        RejectionCode.NO_FILE,
        RejectionCode.UNCERTAIN,
        RejectionCode.GLIBC_TOO_OLD,
        RejectionCode.NO_TORCHVISION,
        RejectionCode.TORCH_SPEC,
        RejectionCode.CUDA_SPEC,
    }
)


def judge(mention: Mention, request: Request, catalog: Catalog) -> Verdict:
    """Return the verdict on one torch for the request's platform, GPUs and driver."""
    found = _as_solved(candidates(mention, request.subdir, catalog), mention, request, catalog)
    judgement = found.settled or _judged(found, request, catalog)
    judgement = replace(judgement, notes=(*found.notes, *judgement.notes))
    return Verdict(mention=mention, platform=request.subdir.value, judgement=judgement)


def _as_solved(found: Candidates, mention: Mention, request: Request, catalog: Catalog) -> Candidates:
    """The candidates that conda's solver takes where that driver is: conda-forge's cuda-version 13 needs __cuda 13.

    The builds of the legacy channel don't ask for a driver.
    """
    is_open = mention.package_set is PackageSet.CONDA and not (mention.cuda or mention.locked)
    if not is_open or request.driver is None:
        return found
    own = Evaluation.of(request, catalog).rules.own_cuda
    left = tuple(b for b in found.builds if b.conda.channels[0] == LEGACY_CHANNEL or release_key(b.cuda)[:1] <= own[:1])
    return replace(found, builds=left) if left else found


def reasons_against(build: Build, request: Request, catalog: Catalog) -> tuple[Failure, ...]:
    """What speaks against running a build, however it was chosen."""
    return tuple(
        failure
        for failure in failures(build, Evaluation.of(_for_any_build(request, build), catalog))
        if failure.code not in _OF_CHOOSING
    )


def _for_any_build(request: Request, build: Build) -> Request:
    """The request with nothing in it that chooses: only GPUs, driver and platform judge what is there already."""
    python = request.python if request.python in build.pythons else (build.pythons or (request.python,))[-1]
    return replace(request, python=python, torch="", cuda="", vision=False, audio=False)


def _judged(found: Candidates, request: Request, catalog: Catalog) -> Judgement:
    judged = [_of_build(build, request, catalog) for build in found.builds]
    first = judged[0]
    if not found.is_range:
        disagree = {judgement.outcome for judgement in judged} != {first.outcome}
        if not disagree:
            return first
        words = "; ".join(f"{judgement.label}: {judgement.reason}" for judgement in judged)
        return Judgement(
            outcome=Outcome.UNKNOWN, code="several-builds", reason=f"it may be one of several builds: {words}"
        )
    runs = next((judgement for judgement in judged if judgement.outcome is Outcome.RUNS), None)
    note = f"a resolver takes {first.label} today"
    if first.outcome is Outcome.RUNS or runs is None:
        return replace(first, notes=(note, *first.notes))
    return replace(first, notes=(note, f"the newest inside the range that runs is {runs.label}", *first.notes))


def _of_build(build: Build, request: Request, catalog: Catalog) -> Judgement:
    against = reasons_against(build, request, catalog)
    if against:
        # What no source proves may run: it is neither promised nor denied.
        unproven = all(failure.code is RejectionCode.UNPROVEN for failure in against)
        return Judgement(
            outcome=Outcome.UNKNOWN if unproven else Outcome.FAILS,
            code=against[0].code.value,
            reason=against[0].message,
            label=build.label,
            notes=tuple(failure.message for failure in against[1:3]),
            driver=_driver(build, against, request, catalog),
        )
    return Judgement(outcome=Outcome.RUNS, reason="; ".join(_runs(build, request, catalog)), label=build.label)


def _driver(build: Build, against: Sequence[Failure], request: Request, catalog: Catalog) -> str:
    """Which driver alone would lift everything that speaks against a build; it was tried."""
    changes = [change for failure in against for change in failure.changes[:1] if change.driver]
    if len(changes) < len(against):
        return ""
    whole = reduce(Change.merged, changes)
    return "" if reasons_against(build, whole.applied(request), catalog) else whole.action()


def _runs(build: Build, request: Request, catalog: Catalog) -> Iterator[str]:
    evaluation = Evaluation.of(_for_any_build(request, build), catalog)
    for use in code_uses(build, evaluation):
        kind = "SASS" if use.code.kind is CodeKind.SASS else "PTX, compiled at first use"
        yield f"{use.gpu} runs its {use.code} ({kind})"
    yield f"its driver floor is {driver_floor(build, evaluation)}, the target has {evaluation.rules.driver}"
