"""Errors of solving: no such wheel or no solution (exit 3), another hash than the known one, a solver that failed."""

from __future__ import annotations

import re

from envgen.core.dataclass import dataclass
from envgen.core.errors import NoPairingError, ToolError, quoted, some_of
from envgen.core.sets import PackageSet

_ASKED_FOR = re.compile(r"\bthe request asks for ([\w-]+(?:\.[\w-]+)*)")
_WITHOUT_WHEEL = re.compile(r"(?<![\w.-])([\w.-]++)(?:[<>=!~]\S{0,80})? ha(?:s|ve) no (?:usable )?wheels?\b")


@dataclass(eq=False, kw_only=True)
class WheelMissingError(NoPairingError):
    """The index answers but has no such wheel. `exists` are the file names that it has for that release."""

    code = "wheel-missing"
    url: str
    wanted: str
    exists: tuple[str, ...]
    advice: str = ""

    def headline(self) -> str:
        return f"{self.url} has no wheel of {self.wanted}"

    def facts(self) -> tuple[str, ...]:
        return (f"it has: {some_of(self.exists, 8)}" if self.exists else "it lists no file of that release",)

    def hint(self) -> str:
        return self.advice or "choose another release, CUDA tag or Python"


class WheelHashError(ToolError):
    """A file whose sha256 is known is served, or locked, with another one."""

    code = "wheel-hash"

    def __init__(self, *, filename: str, expected: str, expected_from: str, found: str, found_in: str) -> None:
        super().__init__(
            f"{filename} has another sha256 than the known one",
            f"{expected} ({expected_from})",
            f"{found} ({found_in})",
            hint="don't install it before it is clear which of the two is right",
        )


@dataclass(eq=False, kw_only=True)
class SolveFailedError(NoPairingError):
    """A solver found no solution; `explanation` is its own, trimmed to what a user can act on.

    With `is_final` no other build of torch would help. `locks_without` is a package of the request without which the
    set was locked, `locked_in` the other set where that one is locked.
    """

    code = "solve-failed"
    solver: str
    subject: str
    explanation: tuple[str, ...]
    advice: str = ""
    is_final: bool = False
    locks_without: str = ""
    locked_in: PackageSet | None = None

    def headline(self) -> str:
        return f"{self.solver} solve for {self.subject} found no solution"

    @property
    def reason(self) -> str:
        """The part of the explanation that says why, on one line."""
        told = [line.strip(" └├─│") for line in self.explanation if not line.startswith(("asked for:", "declared:"))]
        return "; ".join(told[:3]).replace(".; ", ". ").rstrip(".") or "it gave no reason"

    @property
    def lacking(self) -> tuple[str, ...]:
        """The packages of which the explanation says that they have no wheel that would do."""
        return tuple(dict.fromkeys(_WITHOUT_WHEEL.findall(" ".join(self.explanation))))

    @property
    def asked_for(self) -> tuple[str, ...]:
        """The packages that the explanation says are asked for by the request."""
        return tuple(dict.fromkeys(name.lower() for name in _ASKED_FOR.findall(" ".join(self.explanation))))

    def facts(self) -> tuple[str, ...]:
        return self.explanation or ("it gave no reason",)

    def hint(self) -> str:
        alone = f", or ask for it in the other set alone ({self.locked_in}:{self.locks_without})"
        return self.advice + (alone if self.locked_in else "")


@dataclass(eq=False, kw_only=True)
class CudaClashError(NoPairingError):
    """A package loads other CUDA majors than the build of torch, or (`is_of_files`) brings NVIDIA's files for others.

    `package` is the one that was asked for, or that needs torch; a build of one of the majors in `needs` would do.
    """

    code = "cuda-clash"
    package: str
    version: str
    needs: frozenset[int]
    build: str
    has: int
    reason: str
    is_of_files: bool = False
    advice: str = ""

    def headline(self) -> str:
        return f"{self.package} {self.version} and torch {self.build} can't be in one environment"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def hint(self) -> str:
        return self.advice or f"leave {self.package} out, or ask for a release of it that is built for CUDA {self.has}"


class SolverError(ToolError):
    """A solver could not be started, crashed, or returned something that is not a lock."""

    code = "solver-failed"

    def __init__(self, *, solver: str, reason: str, output: str = "") -> None:
        super().__init__(f"{solver} failed: {reason}", *([quoted(output, 400)] if output else []))
