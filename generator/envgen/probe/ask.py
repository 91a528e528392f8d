"""Asking programs within one time budget, and what is recorded about each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from envgen.core.dataclass import dataclass
from envgen.probe.observation import Duration, Source, SourceStatus
from envgen.probe.process import Command, Completed, Outcome, Runner

Clock = Callable[[], float]


class Budget:
    """The time that is left of a total."""

    def __init__(self, total_s: float, clock: Clock) -> None:
        self._clock = clock
        self._end = clock() + total_s

    def left_s(self) -> float:
        """Seconds left, never negative."""
        return max(self._end - self._clock(), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one program said (None when it was not run or gave no usable answer), and the record of asking it."""

    source: Source
    completed: Completed | None = None

    @property
    def text(self) -> str:
        """The standard output of a program that ended well, else an empty text."""
        return self.completed.stdout if self.completed and self.source.status is SourceStatus.OK else ""

    @property
    def words(self) -> str:
        """Everything the program said, errors included."""
        return f"{self.completed.stdout}\n{self.completed.stderr}" if self.completed else ""


def ask(command: Command, runner: Runner, budget: Budget) -> Answer:
    """Run a command within its own limit and the budget, and return its answer with a record of how it went."""
    left = budget.left_s()
    if left <= 0:
        return skipped(command.name, "the time for looking at the host was used up")
    limit = min(command.limit_s, left)
    completed = runner(command, timeout_s=limit)
    duration = Duration.of(completed.elapsed_s)
    match completed.outcome:
        case Outcome.NOT_FOUND:
            reason = f"{_program(command)} is not installed here"
            return Answer(source=Source(name=command.name, status=SourceStatus.ABSENT, reason=reason))
        case Outcome.TIMED_OUT:
            reason = f"{_program(command)} gave no answer within {limit:.1f} s"
            source = Source(name=command.name, status=SourceStatus.TIMED_OUT, reason=reason, duration=Duration.LIMIT)
            return Answer(source=source)
        case Outcome.DENIED:
            reason = f"{_program(command)} could not be started: {completed.stderr}"
            return Answer(source=Source(name=command.name, status=SourceStatus.FAILED, reason=reason))
        case Outcome.DONE:
            status = SourceStatus.OK if completed.exit_code == 0 else SourceStatus.FAILED
            reason = "" if completed.exit_code == 0 else _failure(completed)
            source = Source(name=command.name, status=status, reason=reason, duration=duration)
            return Answer(source=source, completed=completed)


def skipped(name: str, reason: str) -> Answer:
    """Return the record of a source that was not asked."""
    return Answer(source=Source(name=name, status=SourceStatus.SKIPPED, reason=reason))


def in_parallel(chains: Sequence[Callable[[], Sequence[Answer]]]) -> dict[str, Answer]:
    """Run independent chains of questions at once and return source name -> answer, in the order of the chains."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=len(chains)) as pool:
        results = [pool.submit(chain) for chain in chains]
        return {answer.source.name: answer for result in results for answer in result.result()}


def _program(command: Command) -> str:
    """The program's bare name, whichever system's separators its path has."""
    return command.argv[0].replace("\\", "/").rsplit("/", 1)[-1]


def _failure(completed: Completed) -> str:
    code = completed.exit_code or 0
    ended = f"died of signal {-code}" if code < 0 else f"exit status {code}"
    said = next((line.strip() for line in f"{completed.stdout}\n{completed.stderr}".splitlines() if line.strip()), "")
    return f"{ended}: {said}" if said else ended
