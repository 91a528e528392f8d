"""The driver serves each GPU, and is new enough for the build."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.changes import Change
from envgen.core.drivers import DriverVersion
from envgen.core.resolution import RejectionCode
from envgen.resolve.driver import first_dropped, last_release
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.failure import Failure


def serves_gpus(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """The driver is of a branch that serves all GPUs: none dropped them, and all know them."""
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
                message=f"{build.label}: driver {rules.driver} no longer serves {requested.gpu.name} "
                f"({support.architecture}); R{support.last_branch} is the last branch that does",
                changes=(Change(driver=DriverVersion.parse(last_release(oldest[1], rules.subdir)), older_driver=True),),
            )
        if support.first_branch is not None and branch < support.first_branch:
            yield Failure(
                code=RejectionCode.DRIVER_PREDATES_GPU,
                message=f"{build.label}: driver {rules.driver} is older than the first branch that knows "
                f"{requested.gpu.name}, R{support.first_branch}",
                changes=(Change(driver=DriverVersion.parse(str(first))),),
            )


def new_enough(build: Build, evaluation: Evaluation) -> Iterator[Failure]:
    """The driver is at or above what the code that runs needs."""
    rules = evaluation.rules
    floor, by_branch = _needed(build, evaluation)
    if floor is None:
        message = f"{build.label} needs the driver that came with CUDA {build.cuda} (it runs from PTX, or predates "
        message += "minor-version compatibility); no source states that driver, so it is unknown"
        yield Failure(code=RejectionCode.DRIVER_TOO_OLD, message=message)
    elif not (rules.driver.meets_floor(floor) if by_branch else rules.driver.serves_toolkit(floor)):
        system = "Windows" if rules.subdir.is_windows else "Linux"
        yield Failure(
            code=RejectionCode.DRIVER_TOO_OLD,
            message=f"{build.label} needs driver {floor} or newer on {system}, the target has {rules.driver}",
            changes=(Change(driver=floor),),
        )


def driver_floor(build: Build, evaluation: Evaluation) -> DriverVersion:
    """The oldest driver that will do for a build that passed: the rule refuses a build whose floor is unknown."""
    floor, _ = _needed(build, evaluation)
    if floor is None:
        raise AssertionError(build.label)
    return floor


def _needed(build: Build, evaluation: Evaluation) -> tuple[DriverVersion | None, bool]:
    """The oldest driver that will do, None when no source states it, and whether a bare branch of it is enough.

    SASS counts from the CUDA major's floor, PTX from the toolkit's own driver; a GPU's first branch counts too.
    """
    rules, needs_ptx = evaluation.rules, evaluation.coverage(build).needs_ptx
    floor = rules.toolkit_minimum(build.cuda) if needs_ptx else rules.floor(build.cuda)
    first = max((support.first_branch or 0 for _, support in evaluation.supports), default=0)
    if floor is not None and first > floor.branch:
        return DriverVersion.parse(str(first)), True  # any release of a later branch has the toolkit's
    return floor, not needs_ptx
