"""Looks at the host, read-only and within a time limit, and says what it shows. Knows no catalog and judges nothing."""

from __future__ import annotations

from envgen.probe.observation import HostGpu, Observation
from envgen.probe.observe import TIMEOUT_S, observe

__all__ = ["TIMEOUT_S", "host_gpus", "observe"]


def host_gpus(observation: Observation) -> tuple[HostGpu, ...]:
    """Return the NVIDIA GPUs that an environment for this host must run on, each kind once.

    These are the ones that NVIDIA's driver lists (in a container, sysfs shows the host's other GPUs too). When it lists
    none they are those on the bus, except where a virtual machine has taken the device. `HostGpu.queries` holds the
    texts to look up, the strongest first.
    """
    found = [gpu for gpu in observation.nvidia if gpu.is_driven and (gpu.name or gpu.pci_id)]
    if not found:
        found = [gpu for gpu in observation.nvidia if gpu.kernel_driver != "vfio-pci"]
    kinds = {(gpu.queries, gpu.capability): gpu for gpu in reversed(found)}
    return tuple(reversed(kinds.values()))
