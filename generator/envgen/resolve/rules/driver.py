"""The driver serves each GPU, and is new enough for the build."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envgen.core.builds import Build
from envgen.core.changes import Change
from envgen.core.drivers import DriverVersion
from envgen.core.resolution import RejectionCode
from envgen.resolve.driver import first_dropped, last_release
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure
from envgen.resolve.rules import jetson


def serves_gpus(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """The driver is of a branch that serves all GPUs: none dropped them, and all know them."""
    if evaluation.jetpack is not None:
        return
    supports, rules = evaluation.supports, evaluation.rules
    oldest = first_dropped(supports)
    newest = max(supports, key=lambda found: found[1].first_branch or 0, default=None)
    last = oldest[1].last_branch if oldest else None
    first = newest[1].first_branch if newest else None
    if oldest and newest and last is not None and first is not None and first > rules.last_major(last):
        message = f"{build.label}: no driver serves both {oldest[0].gpu.name} (R{last} is its last branch) "
        message += f"and {newest[0].gpu.name} (R{first} is its first)"
        yield Failure(code=RejectionCode.DRIVER_PREDATES_GPU, message=message)
        return
    branch = rules.driver.branch
    for requested, support in supports:
        if oldest and support.last_branch is not None and branch > rules.last_major(support.last_branch):
            yield Failure(
                code=RejectionCode.DRIVER_TOO_NEW,
                message=f"{build.label}: driver {rules.stated} no longer serves {requested.gpu.name} "
                f"({support.architecture}); R{support.last_branch} is the last branch that does",
                changes=(
                    Change(driver=DriverVersion.parse(last_release(oldest[1], rules.shown.subdir)), older_driver=True),
                ),
            )
        if support.first_branch is not None and not rules.is_from(support.first_branch):
            yield Failure(
                code=RejectionCode.DRIVER_PREDATES_GPU,
                message=f"{build.label}: driver {rules.stated} is older than the first branch that knows "
                f"{requested.gpu.name}, R{support.first_branch}",
                changes=(Change(driver=rules.shown.first_of(first or 0)),),
            )


def serves_wsl(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """In WSL2 the driver is of a branch that has CUDA there; GPUs that none of them serves have none."""
    rules = evaluation.rules
    if not rules.is_wsl:
        return
    from envgen.resolve.wsl import FIRST_BRANCH

    oldest = first_dropped(evaluation.supports)
    last = oldest[1].last_branch if oldest else None
    first = f"drivers of Windows have CUDA in WSL2 since R{FIRST_BRANCH}"
    if oldest and last is not None and last < FIRST_BRANCH:
        message = f"{build.label}: {first}, and R{last} is the last that serves {oldest[0].gpu.name}"
        yield Failure(code=RejectionCode.DRIVER_PREDATES_GPU, message=message)
    elif not rules.is_from(FIRST_BRANCH):
        yield Failure(
            code=RejectionCode.DRIVER_TOO_OLD,
            message=f"{build.label}: {first}, the target has {rules.stated}",
            changes=(Change(driver=rules.shown.first_of(FIRST_BRANCH)),),
        )


def new_enough(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """The driver is at or above what the code that runs needs, or serves the whole toolkit."""
    rules = evaluation.rules
    if evaluation.jetpack is not None:
        return
    floor = _floor(build, evaluation)
    if floor is None:
        message = f"{build.label} needs the driver that came with CUDA {build.cuda} (it runs from PTX, or predates "
        message += "minor-version compatibility); no source states that driver, so it is unknown"
        yield Failure(code=RejectionCode.DRIVER_TOO_OLD, message=message)
    elif not (_meets(floor, build, evaluation) or rules.fully_serves(build.cuda)):
        shown = _floor(build, replace(evaluation, rules=rules.shown)) or floor
        system = "Windows" if rules.shown.subdir.is_windows else "Linux"
        yield Failure(
            code=RejectionCode.DRIVER_TOO_OLD,
            message=f"{build.label} needs driver {shown} or newer on {system}, the target has {rules.stated}",
            changes=(Change(driver=shown),),
        )


def driver_floor(build: Build, evaluation: Evaluation) -> DriverVersion:
    """The oldest driver that will do for a build that passed: the rule refuses a build whose floor is unknown.

    Of several computers the one that needs the least: each was held against its own driver. In WSL it is a number of
    Windows, whose driver it is.
    """
    if evaluation.rules.is_wsl:
        evaluation = replace(evaluation, rules=evaluation.rules.shown)
    floors = (_floor_on(build, one) for one in evaluation.each)
    floor = min(floors, key=lambda driver: driver.parts)
    if evaluation.computers:
        return floor
    known = (support.first_branch for _, support in evaluation.supports if support.first_branch is not None)
    return max((floor, *map(evaluation.rules.first_of, known)), key=lambda driver: driver.parts)


def _floor_on(build: Build, evaluation: Evaluation) -> DriverVersion:
    if evaluation.jetpack is not None:
        return jetson.oldest_driver(build, evaluation.jetpack, evaluation)
    floor = _floor(build, evaluation)
    if floor is not None and not _meets(floor, build, evaluation):
        floor = evaluation.rules.full_floor(build.cuda)
    if floor is None:
        raise AssertionError(build.label)
    return floor


def _floor(build: Build, evaluation: Evaluation) -> DriverVersion | None:
    """SASS counts from the CUDA major's floor, PTX from the toolkit's own driver; None when no source states it."""
    rules = evaluation.rules
    stated = rules.toolkit_minimum(build.cuda) if evaluation.coverage(build).needs_ptx else rules.floor(build.cuda)
    return stated or rules.full_floor(build.cuda)


def _meets(floor: DriverVersion, build: Build, evaluation: Evaluation) -> bool:
    """A bare branch meets the floor of a CUDA major inside it, and proves nothing of a toolkit's own driver."""
    driver = evaluation.rules.driver
    if evaluation.coverage(build).needs_ptx:
        return driver.serves_toolkit(floor)
    return driver.meets_floor(floor)
