"""A request for this computer's own GPUs, as the probe found them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.core.resolution import Notice
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.gpus.errors import match_error
from envgen.probe.observation import HostGpu, Observation, SourceStatus, Vendor
from envgen.request.known_gpus import driver_to_decide_with, jetpack_of, known_gpu
from envgen.request.requests import Requests, distinct
from envgen.resolve.driver import first_dropped
from envgen.resolve.errors import NoGpuFoundError


def host_request(
    base: Request, subdirs: Sequence[Subdir], builds: Catalog, observation: Observation | None = None
) -> Requests:
    """The requests for the GPUs that the probe finds (or found: `observation`), with the probed driver.

    Raises: NoGpuFoundError, and the errors of the look-up for a GPU that the catalog can't place.
    """
    from envgen.probe.observation import host_gpus
    from envgen.probe.observe import observe

    seen = observation or observe()
    found = host_gpus(seen)
    if not found:
        raise NoGpuFoundError(_looked(seen))
    catalog = GpuCatalog.load()
    gpus = distinct(_requested(gpu, catalog, builds) for gpu in found)
    notices = [_found_notice(gpus, seen)]
    if seen.driver is None and base.driver is None:
        notices.append(_driver_notice(gpus, builds))
    return Requests(
        requests=tuple(_for(base, subdir, gpus, seen, builds) for subdir in subdirs),
        notices=tuple(notices),
    )


def _for(base: Request, subdir: Subdir, gpus: tuple[RequestedGpu, ...], seen: Observation, builds: Catalog) -> Request:
    """The request for one platform: the probed driver counts only for the host's own."""
    driver, jetpack = driver_to_decide_with(seen, builds), jetpack_of(seen, builds)
    wsl = bool(seen.system.wsl) and subdir is Subdir.LINUX_64
    own = seen.system.subdir in (None, subdir)
    if base.driver is not None or driver is None or not own:
        return replace(base, subdir=subdir, gpus=gpus, wsl=base.wsl or (wsl and own))
    return replace(
        base,
        subdir=subdir,
        gpus=gpus,
        driver=driver,
        driver_origin=DriverOrigin.PROBED,
        wsl=wsl,
        jetpack=jetpack,
        glibc=jetpack.glibc if jetpack else base.glibc,
    )


def _requested(gpu: HostGpu, catalog: GpuCatalog, builds: Catalog) -> RequestedGpu:
    known = known_gpu(gpu, catalog, builds)
    if known.gpu is None or known.gpu.capability not in builds.support:
        raise match_error([catalog.match(query) for query in (*gpu.queries, gpu.label)][-2 if gpu.queries else -1])
    return RequestedGpu(input=gpu.label, gpu=known.gpu)


def _found_notice(gpus: Sequence[RequestedGpu], seen: Observation) -> Notice:
    names = ", ".join(dict.fromkeys(requested.gpu.name for requested in gpus))
    driver = f"driver {seen.driver}" if seen.driver is not None else "no driver"
    return Notice(code="host-gpu", text=f"found on this computer: {names}, {driver}")


def _driver_notice(gpus: Sequence[RequestedGpu], builds: Catalog) -> Notice:
    """Which driver branch to install: the last one that serves the oldest GPU, else the newest."""
    supports = [(requested, builds.support[requested.gpu.capability]) for requested in gpus]
    first = max(support.first_branch or 0 for _, support in supports)
    found = first_dropped(supports)
    oldest = found[1] if found else None
    if oldest is not None and first > (oldest.last_branch or 0):
        advice = f"no driver serves all of them: R{oldest.last_branch} is the last branch for {oldest.architecture}, "
        advice += f"R{first} the first for the newest"
    elif oldest is not None:
        advice = f"install a driver of branch R{oldest.last_branch}, the last that serves {oldest.architecture}"
    else:
        advice = "install the newest driver"
    return Notice(
        code="no-driver", text=f"no NVIDIA driver answers on this computer: {advice}; CUDA needs nothing else"
    )


def _looked(seen: Observation) -> tuple[str, ...]:
    others = [gpu.label for gpu in seen.gpus if gpu.vendor is not Vendor.NVIDIA and gpu.label]
    lines = [f"other display devices: {', '.join(others)}"] if others else []
    asked = [f"{s.name}: {s.reason or s.status.value}" for s in seen.sources if s.status is not SourceStatus.OK]
    return (*lines, *asked[:6])
