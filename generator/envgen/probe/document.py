"""An observation as a plain mapping (the JSON of `envgen probe`) and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.probe.observation import HostGpu, Observation, SourceStatus, Vendor

SCHEMA_VERSION = 1

Plain = None | bool | int | str | list["Plain"] | dict[str, "Plain"]


def observation_mapping(observation: Observation) -> dict[str, Plain]:
    """Return the observation with its schema version, as JSON knows it; key order is that of the fields."""
    body = _plain(observation)
    environ = dict(observation.environ)
    if not isinstance(body, dict):
        raise TypeError(type(body))
    return {"schema_version": SCHEMA_VERSION} | body | {"environ": {k: environ[k] for k in sorted(environ)}}


def observation_lines(observation: Observation) -> Iterator[str]:
    """Yield the observation as lines for a person: GPUs, driver, system, then what could not be asked."""
    system = observation.system
    for gpu in observation.gpus:
        yield f"gpu      {_gpu_line(gpu)}"
    if not observation.gpus:
        yield "gpu      none found"
    driver, cuda = observation.driver or "none found", observation.parts.cuda
    yield f"driver   {driver}{f', serves CUDA {cuda}' if cuda else ''}"
    place = " ".join(
        part
        for part in (system.container, f"WSL {system.wsl}" if system.wsl else "", "Jetson" if system.jetson else "")
        if part
    )
    libc = f"{system.libc} {system.libc_version}".strip()
    yield f"system   {system.name}, {system.machine}{f', {libc}' if libc else ''}{f' ({place})' if place else ''}"
    python = observation.python
    yield f"python   {python.version} ({python.kind}) at {python.prefix}"
    for name, value in observation.environ:
        yield f"variable {name}={value}"
    for setting in observation.settings:
        yield f"setting  {setting.key} = {setting.value} ({setting.origin})"
    for clash in observation.disagreements:
        yield (f"clash    {clash.subject}: {clash.kept} ({clash.kept_from}, kept), {clash.other} ({clash.other_from})")
    for source in observation.sources:
        if source.status is not SourceStatus.OK:
            yield f"source   {source.name}: {source.status}, {source.reason}"


def _gpu_line(gpu: HostGpu) -> str:
    facts = [
        f"compute capability {gpu.capability}" if gpu.capability else "",
        f"{gpu.memory_mib} MiB" if gpu.memory_mib else "",
        f"10de:{gpu.pci_id}" if gpu.vendor is Vendor.NVIDIA and gpu.pci_id else "",
        f"MIG with {len(gpu.mig_instances)} instances" if gpu.mig else "",
        f"kernel driver {gpu.kernel_driver}" if gpu.kernel_driver else "",
        f"device problem {gpu.problem}" if gpu.problem else "",
        gpu.error,
    ]
    return ", ".join([gpu.label or "unnamed", *(fact for fact in facts if fact)])


def _plain(value: object) -> Plain:
    """A value as JSON knows it; capabilities and versions as people write them."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, ComputeCapability | DriverVersion | str):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(type(value))
