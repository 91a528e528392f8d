"""Whether there is a newer release than the one that was taken, and what it would take."""

from __future__ import annotations

from envgen.core.messages import Messages
from envgen.core.releases import release_key
from envgen.core.resolution import Rejection, RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve


def with_newer_driver(resolution: Resolution, catalog: Catalog, say: Messages) -> str:
    """What a newer driver would give, when it is a newer release; empty when none would."""
    chosen = release_key(resolution.pip.build.torch) if resolution.pip else ()
    changes = {r.change: r.change.driver for r in passed_over(resolution) if r.change and not r.change.older_driver}
    drivers = {driver: change for change, driver in changes.items() if driver and len(change.options()) == 1}
    for driver in sorted(drivers, key=lambda driver: driver.parts):
        other = resolve(catalog, drivers[driver].applied(resolution.request)).pip
        if other is not None and release_key(other.build.torch) > chosen:
            if jetpack := drivers[driver].jetpack:
                return say["newer_jetpack"].format(jetpack=jetpack.release, build=other.build.label)
            return say["newer"].format(driver=driver, build=other.build.label)
    return ""


def passed_over(resolution: Resolution) -> list[Rejection]:
    """The wheels of newer releases that were not taken, newest first; those that may not exist are no news."""
    chosen = release_key(resolution.pip.build.torch) if resolution.pip else ()
    return [
        rejection
        for rejection in resolution.rejected
        if rejection.package_set is PackageSet.PIP
        and release_key(rejection.torch) > chosen
        and rejection.code is not RejectionCode.UNCERTAIN
    ]
