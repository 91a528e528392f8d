"""A file of the build exists, for the request's Python and glibc."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.core.builds import Build, Existence
from envgen.core.changes import Change
from envgen.core.releases import release_key
from envgen.core.resolution import RejectionCode
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure


def confirmed(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """A source confirms that the build is published."""
    existence = build.existence_for(evaluation.request.python)
    never_seen = existence is None and not build.pythons_seen
    if (build.existence if never_seen else existence) is Existence.UNCERTAIN:
        message = f"no source confirms that {build.label} is published"
        yield Failure(code=RejectionCode.UNCERTAIN, message=message)


def rule(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """There is a file for the Python, and its glibc is not newer than the target's."""
    request = evaluation.request
    if build.existence_for(request.python) is None:
        published = build.pythons_seen if build.existence is Existence.UNCERTAIN else build.pythons
        known = [python for python in published if not python.endswith("t")]
        others = f"; it has {', '.join(known)}" if known else ""
        yield Failure(
            code=RejectionCode.NO_FILE,
            message=f"{build.label} has no {request.subdir} build for Python {request.python}{others}",
            changes=tuple(Change(python=python) for python in nearest_first(request.python, known)),
        )
    glibc = build.glibc
    if glibc and release_key(glibc) > release_key(request.glibc):
        yield Failure(
            code=RejectionCode.GLIBC_TOO_OLD,
            message=f"{build.label} needs glibc {glibc}, the target has {request.glibc}",
            changes=(Change(glibc=glibc),),
        )


def nearest_first(wanted: str, known: Sequence[str]) -> list[str]:
    """The Pythons by the size of the change: the ones below the wanted one, newest first, then the ones above it."""
    ordered = sorted(known, key=release_key)
    below = [python for python in ordered if release_key(python) < release_key(wanted)]
    return below[::-1] + [python for python in ordered if release_key(python) > release_key(wanted)]
