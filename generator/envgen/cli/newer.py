"""Whether there is a newer release than the one that was taken, and what it would take."""

from __future__ import annotations

from dataclasses import replace

from envgen.core.drivers import DriverVersion
from envgen.core.releases import release_key
from envgen.core.request import DriverOrigin
from envgen.core.resolution import Rejection, RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve


def with_newer_driver(resolution: Resolution, catalog: Catalog) -> str:
    """What a newer driver would give, when it is a newer release; empty when none would."""
    chosen = release_key(resolution.pip.build.torch) if resolution.pip else ()
    unlocks = (r.unlock for r in passed_over(resolution))
    drivers = {unlock["driver"] for unlock in unlocks if unlock.keys() == {"driver"}}
    for driver in sorted(drivers, key=release_key):
        request = replace(resolution.request, driver=DriverVersion.parse(driver), driver_origin=DriverOrigin.GIVEN)
        other = resolve(catalog, request).pip
        if other is not None and release_key(other.build.torch) > chosen:
            return f"fine as it is; driver {driver} or newer would give {other.build.label}"
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
