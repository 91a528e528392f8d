"""What an observation means in the catalog's terms: which GPUs to serve, and which driver to decide with."""

from __future__ import annotations

from envgen.core.builds import JetPack
from envgen.core.dataclass import dataclass
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu, MatchKind
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.probe.observation import HostGpu, Observation, host_gpus


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGpu:
    """A GPU of the host with what the catalog or the driver says of its compute capability (`gpu` None: unknown)."""

    host: HostGpu
    gpu: Gpu | None

    @property
    def label(self) -> str:
        """The name to show: the driver's, else the catalog's, else the PCI id or where it sits."""
        name = self.host.name or (self.gpu.name if self.gpu and self.gpu.is_named else "") or self.host.label
        return name or self.host.pci_address or "unnamed GPU"


def known_gpu(host: HostGpu, catalog: GpuCatalog, builds: Catalog) -> KnownGpu:
    """Return one GPU of the host as the catalog knows it."""
    matches = (catalog.match(query) for query in host.queries)
    exact = (match.gpu for match in matches if match.kind is MatchKind.EXACT and match.gpu is not None)
    for gpu in exact:
        # The driver knows best: a text whose GPU has another capability than it says names another GPU.
        if host.capability is None or host.capability in (gpu.capability, gpu.renumbered):
            return KnownGpu(host=host, gpu=gpu)
    if host.capability is None:
        return KnownGpu(host=host, gpu=None)
    return KnownGpu(host=host, gpu=builds.gpu(host.capability, host.label))


def known_gpus(observation: Observation, catalog: GpuCatalog, builds: Catalog) -> tuple[KnownGpu, ...]:
    """Return the GPUs that an environment for this host must serve, each kind once."""
    return tuple(known_gpu(gpu, catalog, builds) for gpu in host_gpus(observation))


def jetpack_of(observation: Observation, builds: Catalog) -> JetPack | None:
    """Return the JetPack of a Jetson by its L4T release, or None when it is no Jetson or nobody knows that release."""
    jetson = observation.system.jetson
    return next((jetpack for jetpack in builds.jetpacks if jetson and jetson.l4t in jetpack.l4t), None)


def driver_to_decide_with(observation: Observation, builds: Catalog) -> DriverVersion | None:
    """Return the driver as a request states it: in WSL the one of Windows, on a Jetson its JetPack's."""
    if observation.system.jetson:
        jetpack = jetpack_of(observation, builds)
        return jetpack.driver if jetpack else None
    return observation.driver
