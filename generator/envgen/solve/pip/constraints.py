"""Whether a lock holds its constraints; light enough to ask about pins that are only kept."""

from __future__ import annotations

from envgen.core.locks import PipLock
from envgen.core.requirements import normalise_project
from envgen.solve.errors import SolveFailedError


def check_constraints(lock: PipLock, constraints: tuple[str, ...]) -> None:
    """Raise SolveFailedError when a locked version breaks a constraint (PEP 508).

    uv honours them, but whether a Pascal GPU works may hang on cuDNN below 9.11, so each lock is looked at.
    """
    from packaging.requirements import Requirement

    broken = []
    for text in constraints:
        constraint = Requirement(text)
        version = lock.version_of(normalise_project(constraint.name))
        if version and not constraint.specifier.contains(version, prereleases=True):
            broken.append(f"{constraint.name} {version} is locked, the constraint is {text}")
    if broken:
        subject = f"torch {lock.version_of('torch')}, {lock.subdir.value}, Python {lock.python}"
        raise SolveFailedError(solver="pip", subject=subject, explanation=tuple(broken))
