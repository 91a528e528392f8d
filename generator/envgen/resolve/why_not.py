"""The inverse question: why one build, or each build of a CUDA tag, was not taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from envgen.core.request import Request
from envgen.core.resolution import Rejection, Resolution
from envgen.facts.builds import BuildCatalog
from envgen.resolve.conda import conda_failures, conda_rejection
from envgen.resolve.decision import resolve
from envgen.resolve.pip import pip_failures, pip_rejection
from envgen.resolve.question import Question

Build = TypeVar("Build")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer for one build. `rejection` is None when it runs; `better` names the pairing that was preferred.

    `reasons` holds (code, text) of everything that speaks against it, the most fundamental first.
    """

    channel: str
    torch: str
    cuda: str
    label: str
    reasons: tuple[tuple[str, str], ...]
    rejection: Rejection | None
    chosen: bool
    better: str


def explain(builds: BuildCatalog, request: Request, *, torch: str, cuda_tag: str) -> list[Explanation]:
    """Return an explanation for each matching build, newest first; without a release only for the newest of the tag.

    An empty `torch` or `cuda_tag` matches every build. The list is empty when the catalog has no such build.
    """
    question = Question.of(request, builds)
    resolution = resolve(builds, request)
    wanted = (torch, cuda_tag)
    return [*_pip(wanted, resolution, question), *_conda(wanted, resolution, question)]


def _pip(wanted: tuple[str, str], resolution: Resolution, question: Question) -> Iterator[Explanation]:
    chosen = resolution.pip.build if resolution.pip else None
    rows = question.rules.builds.pip_builds(question.request.subdir)
    for build in _matching(rows, wanted, lambda b: (b.torch, b.cuda_tag)):
        reasons = tuple(pip_failures(build, question))
        yield Explanation(
            channel="pip",
            torch=build.torch,
            cuda=build.cuda_tag,
            label=build.label,
            reasons=tuple((reason.code.value, reason.text) for reason in reasons),
            rejection=pip_rejection(build, reasons) if reasons else None,
            chosen=build == chosen,
            better=chosen.label if chosen else "",
        )


def _conda(wanted: tuple[str, str], resolution: Resolution, question: Question) -> Iterator[Explanation]:
    chosen = resolution.conda.build if resolution.conda else None
    rows = question.rules.builds.conda_builds(question.request.subdir)
    for build in _matching(rows, wanted, lambda b: (b.pytorch, b.cuda_tag)):
        reasons = tuple(conda_failures(build, question))
        yield Explanation(
            channel="conda",
            torch=build.pytorch,
            cuda=build.cuda,
            label=build.label,
            reasons=tuple((reason.code.value, reason.text) for reason in reasons),
            rejection=conda_rejection(build, reasons) if reasons else None,
            chosen=build == chosen,
            better=chosen.label if chosen else "",
        )


def _matching(rows: Sequence[Build], wanted: tuple[str, str], name: Callable[[Build], tuple[str, str]]) -> list[Build]:
    torch, cuda_tag = wanted
    found = [
        row for row in reversed(rows) if _is_release(name(row)[0], torch) and (not cuda_tag or name(row)[1] == cuda_tag)
    ]
    if torch or not found:
        return found
    newest = name(found[0])[0]
    return [row for row in found if name(row)[0] == newest]


def _is_release(release: str, wanted: str) -> bool:
    """True for the release itself and, for X.Y, for each of its patch releases."""
    return not wanted or release == wanted or (wanted.count(".") == 1 and release.startswith(f"{wanted}."))
