"""Torch and the extra packages decided together: the first build that goes with them at their newest.

The aims, in this order: fewest extra packages behind their newest, then the first of the candidates (the newest torch).
Each is asked for by a solve of its own, since a solver alone would weigh them in an order of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from envgen.core.dataclass import dataclass
from envgen.solve.conda.behind import Asked, changed, goes_with_python, needs_another_torch, passed_over, python_of
from envgen.solve.conda.channel_data import BadFolderError, ChannelData, written_version
from envgen.solve.conda.failures import says_no_channel
from envgen.solve.conda.messages import ChildCandidate, ChildPassed, ChildRequest
from envgen.solve.conda.specs import name_of, renamed, split_channel

if TYPE_CHECKING:
    from rattler import RepoDataRecord


class NoCandidateError(Exception):
    """No candidate has a solution; `reasons` state the solver's text for each."""

    def __init__(self, text: str, reasons: Sequence[str | None]) -> None:
        super().__init__(text)
        self.reasons = list(reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What was found: the position of the candidate, its records, and how it came to it (see `ChildAnswer`)."""

    chosen: int
    records: Sequence[RepoDataRecord]
    dropped: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str | None, ...] = ()
    held_back_by: tuple[str, ...] = ()
    passed: tuple[ChildPassed, ...] = ()

    def version(self, name: str) -> str:
        """The version of a package, or an empty string."""
        return next((written_version(r) for r in self.records if r.name.normalized == name), "")


async def solve_together(request: ChildRequest, data: ChannelData) -> Solution:
    """Return the solution of a request.

    Raises: NoCandidateError when none of the candidates has one; rattler's errors for everything else.
    """
    channels = request["candidates"][0]["channels"]
    names = {name: await _spelling(name, data, channels) for name in request["may_lack"]}
    lacking = tuple(name for name, spelt in names.items() if not spelt)
    specs = [renamed(spec, names) for spec in request["extras"] if name_of(spec) not in lacking]
    candidates = [_without(candidate, lacking, names) for candidate in request["candidates"]]
    ladder = _Ladder(request, data, candidates, specs)
    found = await (ladder.with_extras() if specs else ladder.first(()))
    return replace(found, lacking=lacking, renamed={old: new for old, new in names.items() if new and new != old})


async def _spelling(name: str, data: ChannelData, channels: Sequence[str]) -> str:
    """The name as the channels spell it, of those that PyPI takes for the same (PEP 503); empty when they lack it."""
    spellings = [name, *(re.sub(r"[-_.]+", mark, name) for mark in "-_.")]
    for spelling in dict.fromkeys(spellings):
        if await data.records(spelling, channels):
            return spelling
    return ""


@dataclass(slots=True)
class _Ladder:
    """The candidates of a request, from the first on, and the specs of the extra packages."""

    request: ChildRequest
    data: ChannelData
    candidates: Sequence[ChildCandidate]
    extras: Sequence[str]

    async def first(self, extras: Sequence[str]) -> Solution:
        """The first candidate that has a solution with some specs."""
        reasons: list[str | None] = []
        for at, candidate in enumerate(self.candidates):
            found = await self._gap(candidate) or await self._attempt(at, extras)
            if isinstance(found, Solution):
                return replace(found, reasons=tuple(reasons))
            reasons.append(found)
        raise NoCandidateError(str(reasons[0]), reasons)

    async def with_extras(self) -> Solution:
        """The candidate that goes with the most extra packages at their newest, the first of several."""
        asked = [await self._asked(spec) for spec in self.extras]
        gaps = [await self._gap(candidate) for candidate in self.candidates]
        # Most often the first candidate goes with the newest of everything, and nothing more has to be asked.
        found = await self._with_newest(asked, gaps, most=1)
        if found is None:
            alone = await self._solve(-1, self.request["alone"], self.extras)
            if isinstance(alone, str):
                raise NoCandidateError(alone, [alone] * len(self.candidates))
            asked = [await self._installable(one, alone) for one in asked]
            found = await self._best(asked, alone, gaps)
        before, held_back_by = await self._held_back(found, asked)
        passed = [one for package in asked if (one := await self._passed(package, found)) is not None]
        return replace(found, reasons=tuple(before), held_back_by=tuple(held_back_by), passed=tuple(passed))

    async def _with_newest(self, asked: Sequence[Asked], gaps: Sequence[str], *, most: int) -> Solution | None:
        """The first of at most so many candidates that goes with the newest of every package."""
        pins = [f"{one.name}=={one.installs}" for one in asked if one.installs]
        newest = [one.builds(one.installs) for one in asked]
        open_ = [
            at
            for at, candidate in enumerate(self.candidates)
            if not gaps[at] and not any(needs_another_torch(builds, torch_of(candidate)) for builds in newest)
        ]
        for at in open_[:most]:
            found = await self._attempt(at, [*self.extras, *pins])
            if isinstance(found, Solution):
                return found
        return None

    async def _best(self, asked: Sequence[Asked], alone: Solution, gaps: Sequence[str]) -> Solution:
        together = [replace(one, installs=alone.version(one.name)) for one in asked]
        found = await self._with_newest(together, gaps, most=len(self.candidates))
        if found is not None:
            return found
        fewest, best, reasons = 0, None, list[str | None](gaps)
        at_least = max(1, sum(one.is_behind(alone.version(one.name)) for one in asked))
        for at in range(len(self.candidates)):
            tried = gaps[at] or await self._attempt(at, self.extras)
            if isinstance(tried, str):
                reasons[at] = tried
                continue
            behind = sum(one.is_behind(tried.version(one.name)) for one in asked)
            if best is None or behind < fewest:
                fewest, best = behind, tried
            if fewest <= at_least:
                break
        if best is None:
            raise NoCandidateError(str(reasons[0]), reasons)
        return best

    async def _held_back(self, found: Solution, asked: Sequence[Asked]) -> tuple[list[str | None], list[str]]:
        """Why each candidate before the chosen one was not taken, and who needs another than the first that solves."""
        reasons: list[str | None] = []
        for at, candidate in enumerate(self.candidates[: found.chosen]):
            without = await self._gap(candidate) or await self._attempt(at, ())
            if isinstance(without, str):
                reasons.append(without)
                continue
            reasons += [None] * (found.chosen - at)
            return reasons, await self._holders(at, found, asked)
        return reasons, []

    async def _holders(self, at: int, found: Solution, asked: Sequence[Asked]) -> list[str]:
        torch = torch_of(self.candidates[at])
        texts = []
        for one in asked:
            # Of several builds of a version the one that was taken says what it needs.
            taken = [record for record in found.records if record.name.normalized == one.name]
            if need := needs_another_torch(taken, torch):
                texts.append(f"{one.name} {found.version(one.name)} needs {need}")
        for one in asked if not texts else ():
            version = found.version(one.name)
            if isinstance(await self._attempt(at, [one.spec, f"{one.name}=={version}"]), str):
                texts.append(f"{one.name} {version} does not go with pytorch {torch}")
        return texts or [f"{', '.join(one.name for one in asked)} don't go together with pytorch {torch}"]

    async def _passed(self, package: Asked, found: Solution) -> ChildPassed | None:
        """What is said of a package that is not at its newest; a way out is named after a solve that went it."""
        candidate = _without(self.candidates[found.chosen], found.dropped)
        passed = passed_over(package, found.version(package.name), torch_of(candidate))
        if passed is None or not passed["advice"]:
            return passed
        others = [spec for spec in self.extras if name_of(spec) != package.name]
        freed = changed(candidate, passed["advice"])
        tried = await self._solve(-1, freed, [*others, package.spec, f"{package.name}=={package.newest}"])
        return passed if isinstance(tried, Solution) else {**passed, "advice": ""}

    async def _asked(self, spec: str) -> Asked:
        """An extra package with what the channels have of it."""
        channel, channels = split_channel(spec)[0], self.request["alone"]["channels"]
        # A spec names a channel as files do; the URL of one on the site ends with that name.
        own = [url for url in channels if url in (channel, f"{self.request['site']}/{channel}")]
        asked = Asked.of(spec, await self.data.records(name_of(spec), own or channels), self.request["alone"])
        return asked.kept(await self.data.preferred(own or channels))

    async def _installable(self, package: Asked, alone: Solution) -> Asked:
        """The package with the newest version that installs on the target when nothing else is asked for."""
        if not package.is_behind(alone.version(package.name)):
            return package
        by_itself = await self._solve(-1, self.request["alone"], [package.spec])
        found = by_itself if isinstance(by_itself, Solution) else alone
        return replace(package, installs=found.version(package.name))

    async def _gap(self, candidate: ChildCandidate) -> str:
        """Why the channels can't have a solution of a candidate, known without a solve; else an empty string."""
        if len(self.candidates) == 1:
            return ""
        from rattler import MatchSpec
        from rattler.exceptions import GatewayError

        spec = next((MatchSpec(s) for s in candidate["specs"] if name_of(s) == "pytorch"), None)
        if spec is None:
            return ""
        try:
            listed = await self.data.records("pytorch", candidate["channels"])
        except (BadFolderError, GatewayError) as error:
            # A mirror need not have the channels of older builds; the first one's it must have.
            if candidate["channels"] == self.candidates[0]["channels"] or not says_no_channel(str(error)):
                raise
            return str(error)
        records = [record for record in listed if spec.matches(record)]
        if not records:
            return f"No candidates were found for {spec}."
        python = python_of(candidate)
        if python and not any(goes_with_python(record, python) for record in records):
            return f"No candidates were found for {spec} with Python {python}."
        return ""

    async def _attempt(self, at: int, extras: Sequence[str]) -> Solution | str:
        """The solution of a candidate, without as few optional packages as will do; or why it has none."""
        candidate = self.candidates[at]
        names = {name_of(spec) for spec in candidate["specs"]}
        why = ""
        for dropped in _subsets([name for name in self.request["optional"] if name in names]):
            found = await self._solve(at, _without(candidate, dropped), extras)
            if isinstance(found, Solution):
                return replace(found, dropped=dropped)
            why = found
            if "No candidates were found for pytorch " in why:
                break
        return why

    async def _solve(self, at: int, candidate: ChildCandidate, extras: Sequence[str]) -> Solution | str:
        """A solution, or the solver's text. Raises: SolverError when the time is up."""
        from rattler.exceptions import SolverError

        try:
            records = await self.data.solve(candidate, [*candidate["specs"], *extras])
        except SolverError as error:
            if "cancelled" in str(error):
                raise
            return str(error)
        return Solution(chosen=at, records=records)


def torch_of(candidate: ChildCandidate) -> str:
    """The pytorch release of a candidate (`pytorch=2.10.0=cuda129*`), or an empty string."""
    spec = next((spec for spec in candidate["specs"] if name_of(spec) == "pytorch"), "")
    return spec.split("=")[1] if "=" in spec else ""


def _without(
    candidate: ChildCandidate, left: Collection[str], names: Mapping[str, str] | None = None
) -> ChildCandidate:
    """A candidate without some packages, and with others called as a mapping says."""
    specs = [renamed(spec, names or {}) for spec in candidate["specs"] if name_of(spec) not in left]
    return {**candidate, "specs": specs}


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """What may be dropped: nothing first, as few as possible, of equal choices the later names."""
    for count in range(len(names), -1, -1):
        for kept in itertools.combinations(names, count):
            yield tuple(name for name in names if name not in kept)
