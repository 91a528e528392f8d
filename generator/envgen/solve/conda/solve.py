"""Conda solutions for any platform from any host: py-rattler in a child process, strict channel priority, checked.

Nothing of the host enters a solution: the virtual packages are the query's own. No conda executable is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.locks import CondaLock, PassedOver
from envgen.core.sets import PackageSet
from envgen.net.cache import cache_folder
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.sites import without_credentials
from envgen.solve.conda.channels import ChannelMissingError, channel_url, missing_channel
from envgen.solve.conda.failures import ChannelFailure, channel_failure, failing_url, reason_of, solver_tree
from envgen.solve.conda.messages import ChildAnswer, ChildCandidate, ChildRecord, ChildRequest
from envgen.solve.conda.process import ChildOutcome, run_child
from envgen.solve.conda.query import CondaQuery
from envgen.solve.conda.records import locked_package
from envgen.solve.conda.source import CHANNEL_SITE, ChannelSource
from envgen.solve.conda.specs import build_glob_of, name_of, renamed
from envgen.solve.errors import SolveFailedError, SolverError

Progress = Callable[[str], None]

# What envgen itself asks for beside torch: the channels don't have it for each build. Of equal choices the first stays.
_OPTIONAL = ("torchvision", "torchaudio")


@dataclass(frozen=True, slots=True, kw_only=True)
class BestSolve:
    """The solution of the best of several queries, or none; `failures` are those of the queries before it, or of all.

    A failure is None for a query that was passed over although it has a solution: `held_back_by` says which extra
    packages need another torch. `missing` are the optional packages that had to be dropped, `left_out` those of
    `may_lack` that the channels don't have.
    """

    lock: CondaLock | None
    failures: tuple[SolveFailedError | None, ...]
    held_back_by: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def solve_conda(
    query: CondaQuery, *, mirror: str = "", timeout_s: float = 120, retries: int = 3, cache_dir: Path | None = None
) -> CondaLock:
    """Return the checked solution of a query.

    `mirror` is a URL or a folder; the lock keeps the canonical URLs either way. `retries` is how often a request that
    failed for a passing reason is sent again.

    Raises: SolveFailedError, UnreachableError, SourceDataError, SolverError, UsageError.
    """
    return _Run(ChannelSource.parse(mirror), timeout_s, retries, cache_dir).solve(query)


def solve_best(  # noqa: PLR0913 -- keyword-only options of the room's interface
    queries: Sequence[CondaQuery],
    alone: CondaQuery,
    *,
    mirror: str = "",
    timeout_s: float = 120,
    retries: int = 3,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    meanwhile: Callable[[], None] | None = None,
    preferred: Sequence[str] = (),
) -> BestSolve:
    """Return the solution of one of several queries for one target: the same extra packages, another pytorch each.

    It is the query with the fewest extra packages behind their newest, and of equal ones the first. `alone` asks for
    the extra packages without pytorch. Without a solution a query is tried without torchaudio and torchvision.
    `meanwhile` is called once while the solver works. `preferred` are the files of an earlier lock
    (`linux-64/numpy-2.3.0-0.conda`): they are taken again where nothing speaks against them.

    Raises: as `solve_conda`, but no solution is an answer.
    """
    run = _Run(ChannelSource.parse(mirror), timeout_s, retries, cache_dir)
    if progress is not None:
        others = f", or the next of {len(queries)} that solves" if len(queries) > 1 else ""
        progress(f"solving the conda packages of {alone.subdir}: {_shown(queries[0])}{others}")
    return run.best(queries, alone, meanwhile, preferred)


@dataclass(frozen=True, slots=True)
class _Run:
    """The options of one call."""

    source: ChannelSource
    timeout_s: float
    retries: int
    cache_dir: Path | None

    def solve(self, query: CondaQuery) -> CondaLock:
        """The lock of one query."""
        plain = replace(query, specs=query.all_specs, extras=())
        answer = self._answer(self._request([plain], plain), plain)
        if answer["failure"]:
            raise _unsolvable(plain, answer["text"])
        return _checked(_as_solved(plain, answer), answer["records"], self.source)

    def best(
        self,
        queries: Sequence[CondaQuery],
        alone: CondaQuery,
        meanwhile: Callable[[], None] | None,
        preferred: Sequence[str],
    ) -> BestSolve:
        """The solution of the best query, or the failures of all."""
        request = self._request(queries, alone, optional=_OPTIONAL, preferred=preferred)
        answer = self._answer(request, alone, meanwhile)
        failures = tuple(
            _unsolvable(query, text) if text is not None else None
            for query, text in zip(queries, answer["reasons"], strict=False)
        )
        if answer["failure"]:
            return BestSolve(lock=None, failures=failures)
        query = _as_solved(queries[answer["chosen"]], answer)
        passed_over = tuple(PassedOver(**passed) for passed in answer["passed"])
        return BestSolve(
            lock=replace(_checked(query, answer["records"], self.source), passed_over=passed_over),
            failures=failures,
            held_back_by=tuple(answer["held_back_by"]),
            missing=tuple(answer["dropped"]),
            left_out=tuple(sorted(answer["lacking"])),
        )

    def _answer(
        self, request: ChildRequest, query: CondaQuery, meanwhile: Callable[[], None] | None = None
    ) -> ChildAnswer:
        """The answer to a request: a solution, or that there is none."""
        if self.timeout_s <= 0:
            reason = "the time limit passed before it was asked"
            raise UnreachableError(url=self.source.shown, reason=reason, package_set=PackageSet.CONDA)
        outcome = run_child(request, timeout_s=self.timeout_s, meanwhile=meanwhile)
        answer = outcome.answer
        if answer is None:
            raise self._no_answer(query, outcome)
        if answer["failure"] == "channel":
            missing = missing_channel(answer["text"], query.channels)
            raise (ChannelMissingError(missing, self.source.shown) if missing else self._channel_error(answer["text"]))
        if answer["failure"] not in ("", "unsolvable"):
            raise SolverError(solver="py-rattler", reason=f"{query.subdir}: {reason_of(answer['text'])}")
        return answer

    def _request(
        self,
        queries: Sequence[CondaQuery],
        alone: CondaQuery,
        *,
        optional: Sequence[str] = (),
        preferred: Sequence[str] = (),
    ) -> ChildRequest:
        from envgen import __version__

        source = self.source
        return {
            "subdir": alone.subdir.value,
            "candidates": [_candidate(query) for query in queries],
            "alone": _candidate(alone),
            "extras": list(alone.extras),
            "optional": list(optional),
            "may_lack": sorted(alone.may_lack),
            "preferred": list(preferred),
            "site": CHANNEL_SITE,
            "mirror": source.mirror.url if source.mirror else "",
            "mirror_host": (urlsplit(source.mirror.url).hostname or "") if source.mirror else "",
            "authorization": source.authorization,
            "folder": str(source.folder) if source.folder else "",
            "cache_dir": str(self._cache_of(source)),
            "retries": min(self.retries, _retries_within(self.timeout_s)),
            "limit_s": self.timeout_s,
            "user_agent": f"envgen/{__version__}",
        }

    def _cache_of(self, source: ChannelSource) -> Path:
        """A cache for each mirror: rattler files what it fetched under the canonical URL, whoever served it."""
        root = self.cache_dir or cache_folder() / "conda"
        if source.mirror is None:
            return root / "site"
        import hashlib

        return root / hashlib.sha256(source.mirror.url.encode()).hexdigest()[:16]

    def _no_answer(self, query: CondaQuery, outcome: ChildOutcome) -> EnvgenError:
        if outcome.timed_out:
            slow = "the channel answers too slowly or not at all"
            reason = f"{query.subdir}: no solution within {self.timeout_s:.0f} s, {slow}"
            return UnreachableError(package_set=PackageSet.CONDA, url=self.source.shown, reason=reason)
        reason = f"its process ended with status {outcome.status} and without an answer"
        return SolverError(solver="py-rattler", reason=reason, output=outcome.stderr[-400:])

    def _channel_error(self, text: str) -> EnvgenError:
        url = without_credentials(failing_url(text)) or self.source.shown
        reason = reason_of(text)
        if channel_failure(text) is not ChannelFailure.UNREACHABLE:
            return SourceDataError(package_set=PackageSet.CONDA, url=url, reason=reason)
        return UnreachableError(package_set=PackageSet.CONDA, url=url, reason=reason)


def _candidate(query: CondaQuery) -> ChildCandidate:
    return {
        "channels": [channel_url(channel) for channel in query.channels],
        "specs": list(query.specs),
        "virtual_packages": dict(query.virtual_packages),
    }


def _as_solved(query: CondaQuery, answer: ChildAnswer) -> CondaQuery:
    """The query without what was left out, in the channels' own spelling."""
    left = {*answer["dropped"], *answer["lacking"]}
    specs, extras = (
        tuple(renamed(spec, answer["renamed"]) for spec in specs if name_of(spec) not in left)
        for specs in (query.specs, query.extras)
    )
    return replace(query, specs=specs, extras=extras)


def _retries_within(seconds: float) -> int:
    """How many retries are done in half of a time: rattler pauses one second, then two, then four."""
    return max(1, int(seconds / 2 + 1).bit_length() - 1)


def _shown(query: CondaQuery) -> str:
    """What a person recognises a solve by: its pytorch and what goes with it."""
    main = [spec for spec in query.all_specs if name_of(spec) in ("pytorch", "torchvision", "torchaudio")]
    return ", ".join(main or query.all_specs)


def _unsolvable(query: CondaQuery, text: str) -> SolveFailedError:
    declared = ", ".join(f"{name}={version}" for name, version in query.virtual_packages.items())
    lines = (f"asked for: {', '.join(query.all_specs)}", *solver_tree(text), f"declared: {declared}")
    advice = ""
    if "__" in text:
        advice = "the virtual packages say what the target can run: see --driver and --glibc"
    return SolveFailedError(solver="conda", subject=query.subdir.value, explanation=lines, advice=advice)


def _checked(query: CondaQuery, records: Sequence[ChildRecord], source: ChannelSource) -> CondaLock:
    """The lock of a solution, sorted by name.

    Raises: SourceDataError for a package that is not as it should be; SolverError for a pytorch of another build.
    """
    urls = [channel_url(channel) for channel in query.channels]
    found = [locked_package(record, subdir=query.subdir, channels=urls, source=source) for record in records]
    packages = tuple(sorted(found, key=lambda p: p.name))
    lock = CondaLock(
        subdir=query.subdir,
        channels=query.channels,
        specs=query.all_specs,
        virtual_packages=dict(query.virtual_packages),
        packages=packages,
    )
    glob = next((build_glob_of(spec) for spec in query.specs if name_of(spec) == "pytorch"), "")
    torch = lock.find("pytorch")
    # A CPU build passes for a CUDA one in everything but this string.
    if torch and not fnmatchcase(torch.build, glob or "*cuda*"):
        wanted = glob or "a CUDA build"
        raise SolverError(solver="py-rattler", reason=f"{query.subdir}: it chose pytorch {torch.build}, not {wanted}")
    return lock
