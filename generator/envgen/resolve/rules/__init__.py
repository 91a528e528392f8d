"""The rules that decide whether a build runs, one module each: `rule(build, evaluation) -> Iterator[Failure]`.

Each rule is written here and nowhere else; other rooms ask these modules, also for the facts behind a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from envgen.core.builds import Build
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure
from envgen.resolve.rules import code, companions, cuda_libraries, driver, file, jetson, libraries, options
from envgen.resolve.rules.platform import rule as on_platform

Rule = Callable[[Build, Evaluation], Iterator[Failure]]

# The most fundamental first: what no change of the request lifts comes before what one does.
RULES: tuple[Rule, ...] = (
    file.confirmed,
    on_platform,
    code.rule,
    libraries.rule,
    cuda_libraries.rule,
    driver.serves_wsl,
    driver.serves_gpus,
    jetson.rule,
    file.rule,
    driver.new_enough,
    libraries.proven,
    companions.rule,
    options.rule,
)

# What counts for a build that uses no GPU.
CPU_RULES: tuple[Rule, ...] = (file.confirmed, file.rule, companions.rule, options.rule)


def failures(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """Everything that speaks against a build on some computer, the most fundamental first."""
    for rule in CPU_RULES if build.is_cpu else RULES:
        if not evaluation.computers:
            yield from rule(build, evaluation)
        else:
            yield from dict.fromkeys(failure for one in evaluation.computers for failure in rule(build, one))


def runs(build: Build, evaluation: Evaluation) -> bool:
    """True when nothing speaks against a build."""
    if not evaluation.coverage(build).complete:
        return False  # so end most builds, and it is the cheapest rule to ask
    return next(failures(build, evaluation), None) is None


def blocking_failures(build: Build, evaluation: Evaluation) -> tuple[Failure, ...]:
    """The failures up to the first that no change lifts: what comes after it can't change the answer."""
    found: list[Failure] = []
    for failure in failures(build, evaluation):
        found.append(failure)
        if not failure.changes:
            break
    return tuple(found)
