"""Conda solutions for any platform from any host: py-rattler in child processes, strict channel priority, checked.

Nothing of the host enters a solution: the virtual packages are the query's own. No conda executable is used.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from envgen.core.dataclass import dataclass
from envgen.core.errors import EnvgenError
from envgen.core.locks import CondaLock
from envgen.core.sets import PackageSet
from envgen.net.cache import cache_folder
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.sites import without_credentials
from envgen.solve.conda.child import ChildRecord, ChildRequest
from envgen.solve.conda.failures import ChannelFailure, channel_failure, failing_url, reason_of, solver_tree
from envgen.solve.conda.process import ChildOutcome, run_children
from envgen.solve.conda.query import CondaQuery
from envgen.solve.conda.records import locked_package
from envgen.solve.conda.source import CHANNEL_SITE, ChannelSource
from envgen.solve.conda.specs import build_glob_of, name_of
from envgen.solve.errors import SolveFailedError, SolverError

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalSolve:
    """A solution that may lack some optional packages: `missing` names them, `why` is the solver's reason.

    `left_out` are those of the query's `may_lack` that the channels don't have.
    """

    lock: CondaLock
    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    why: tuple[str, ...]


def solve_conda(  # noqa: PLR0913 -- keyword-only options of the room's interface
    queries: Sequence[CondaQuery],
    *,
    mirror: str = "",
    offline: bool = False,
    timeout_s: float = 120,
    retries: int = 3,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> list[CondaLock]:
    """Return one checked solution for each query, in their order. All are solved at once.

    `mirror` is a URL or a folder; locks keep the canonical URLs either way. `offline` uses only what is in the cache.
    `retries` is how often a request that failed for a passing reason is sent again.

    Raises: SolveFailedError, UnreachableError, SourceDataError, SolverError, UsageError. When several queries
    fail, bad data is told before no solution, and an unreachable channel last: it alone allows a fallback.
    """
    run = _Run(ChannelSource.parse(mirror), offline, timeout_s, retries, cache_dir, progress)
    results = run.solve(queries)
    _raise_worst(results)
    return [result for result in results if isinstance(result, CondaLock)]


def solve_with_optional(  # noqa: PLR0913 -- as above
    queries: Sequence[CondaQuery],
    *,
    optional: Sequence[str] = ("torchvision", "torchaudio"),
    mirror: str = "",
    offline: bool = False,
    timeout_s: float = 120,
    retries: int = 3,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> list[OptionalSolve]:
    """As `solve_conda`, but a query without a solution is solved again without its optional packages.

    As many of them as possible are kept; of equal choices the one that keeps those earlier in `optional`. `meanwhile`
    is called once while the solver works.
    """
    run = _Run(ChannelSource.parse(mirror), offline, timeout_s, retries, cache_dir, progress)
    first = run.solve(queries, meanwhile)
    _raise_worst([r for r in first if not isinstance(r, SolveFailedError)])
    return [
        OptionalSolve(lock=result, missing=(), left_out=_left_out(query, result), why=())
        if isinstance(result, CondaLock)
        else _solve_without_some(query, result, optional, run)
        for query, result in zip(queries, first, strict=True)
    ]


def _solve_without_some(query: CondaQuery, failure: EnvgenError, optional: Sequence[str], run: _Run) -> OptionalSolve:
    why = failure.explanation if isinstance(failure, SolveFailedError) else ()
    if any(line.startswith("No candidates were found for pytorch ") for line in why):
        raise failure
    asked = [name for name in optional if name in {name_of(spec) for spec in query.specs}]
    last: EnvgenError = failure
    for count in range(len(asked) - 1, -1, -1):
        tries = [tuple(n for n in asked if n not in kept) for kept in itertools.combinations(asked, count)]
        results = run.solve([_without(query, dropped) for dropped in tries])
        _raise_worst([r for r in results if not isinstance(r, SolveFailedError)])
        for dropped, result in zip(tries, results, strict=True):
            if isinstance(result, CondaLock):
                return OptionalSolve(lock=result, missing=dropped, left_out=_left_out(query, result), why=why)
            last = result
    raise last


def _left_out(query: CondaQuery, lock: CondaLock) -> tuple[str, ...]:
    return tuple(sorted(query.may_lack.difference(map(name_of, lock.specs))))


def _without(query: CondaQuery, names: Collection[str]) -> CondaQuery:
    return replace(query, specs=tuple(spec for spec in query.specs if name_of(spec) not in names))


def _raise_worst(results: Sequence[CondaLock | EnvgenError]) -> None:
    """Raise the failure that must not be hidden by another one, if there is any."""
    order = (SourceDataError, SolverError, SolveFailedError, UnreachableError)
    failures = [result for result in results if isinstance(result, EnvgenError)]
    for kind in order:
        for failure in failures:
            if isinstance(failure, kind):
                raise failure
    if failures:
        raise failures[0]


@dataclass(frozen=True, slots=True)
class _Run:
    """The options of one call; solves any number of queries with them."""

    source: ChannelSource
    offline: bool
    timeout_s: float
    retries: int
    cache_dir: Path | None
    progress: Progress | None

    def solve(
        self, queries: Sequence[CondaQuery], meanwhile: Callable[[], None] | None = None
    ) -> list[CondaLock | EnvgenError]:
        """A lock or an error for each query."""
        if self.timeout_s <= 0:
            reason = "the time limit passed before it was asked"
            return [UnreachableError(url=self.source.shown, reason=reason, package_set=PackageSet.CONDA)] * len(queries)
        tell = self.progress or (lambda text: None)
        for query in queries:
            tell(f"solving the conda packages of {query.subdir}: {_shown(query)}")
        outcomes = run_children(
            [self._request(query) for query in queries],
            timeout_s=self.timeout_s,
            on_end=(lambda at: tell(f"solved {queries[at].subdir}")) if len(queries) > 1 else None,
            meanwhile=meanwhile,
        )
        return [self._result(query, outcome) for query, outcome in zip(queries, outcomes, strict=True)]

    def _request(self, query: CondaQuery) -> ChildRequest:
        from envgen import __version__

        source = self.source
        return {
            "subdir": query.subdir.value,
            "channels": [f"{CHANNEL_SITE}/{channel}" for channel in query.channels],
            "specs": list(query.specs),
            "may_lack": sorted(query.may_lack),
            "virtual_packages": dict(query.virtual_packages),
            "site": CHANNEL_SITE,
            "mirror": source.mirror.url if source.mirror else "",
            "mirror_host": (urlsplit(source.mirror.url).hostname or "") if source.mirror else "",
            "authorization": source.authorization,
            "folder": str(source.folder) if source.folder else "",
            "cache_dir": str(self._cache_of(source)),
            "offline": self.offline,
            "retries": self.retries,
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

    def _result(self, query: CondaQuery, outcome: ChildOutcome) -> CondaLock | EnvgenError:
        answer = outcome.answer
        if answer is None:
            return self._no_answer(query, outcome)
        if answer["failure"] == "channel":
            return self._channel_error(answer["text"])
        if answer["failure"] == "unsolvable":
            return _unsolvable(query, answer["text"])
        if answer["failure"]:
            return SolverError(solver="py-rattler", reason=f"{query.subdir}: {reason_of(answer['text'])}")
        try:
            return _checked(_without(query, answer["lacking"]), answer["records"], self.source)
        except EnvgenError as error:
            return error

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
        advice = "run once without --offline to fill the cache" if self.offline else ""
        return UnreachableError(package_set=PackageSet.CONDA, url=url, reason=reason, advice=advice)


def _shown(query: CondaQuery) -> str:
    """What a person recognises a solve by: its pytorch and what goes with it."""
    main = [spec for spec in query.specs if name_of(spec) in ("pytorch", "torchvision", "torchaudio")]
    return ", ".join(main or query.specs)


def _unsolvable(query: CondaQuery, text: str) -> SolveFailedError:
    declared = ", ".join(f"{name}={version}" for name, version in query.virtual_packages.items())
    lines = (f"asked for: {', '.join(query.specs)}", *solver_tree(text), f"declared: {declared}")
    advice = ""
    if "__" in text:
        advice = "the virtual packages say what the target can run: see --driver and --glibc"
    return SolveFailedError(solver="conda", subject=query.subdir.value, explanation=lines, advice=advice)


def _checked(query: CondaQuery, records: Sequence[ChildRecord], source: ChannelSource) -> CondaLock:
    """The lock of a solution, sorted by name.

    Raises: SourceDataError for a package that is not as it should be; SolverError for a pytorch of another build.
    """
    urls = [f"{CHANNEL_SITE}/{channel}" for channel in query.channels]
    found = [locked_package(record, subdir=query.subdir, channels=urls, source=source) for record in records]
    packages = tuple(sorted(found, key=lambda p: p.name))
    lock = CondaLock(
        subdir=query.subdir,
        channels=query.channels,
        specs=query.specs,
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
