"""One list of GPUs out of several sources: the same device once, nothing lost, and every contradiction named."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.probe.merge import merge_gpus
from envgen.probe.observation import HostGpu, Vendor, host_gpus
from envgen.probe.observe import observe
from probe.host_capture import CapturedEntry, CapturedFiles, load

CARD = HostGpu(vendor=Vendor.NVIDIA, name="NVIDIA GeForce RTX 4070", pci_id="2786", pci_address="0000:01:00.0")


def test_empty_fields_are_filled_from_the_next_source() -> None:
    known = replace(CARD, capability=ComputeCapability(8, 9), is_driven=True)
    on_the_bus = HostGpu(
        vendor=Vendor.NVIDIA, name="GeForce RTX 4070", chip="AD104", pci_address="0000:01:00.0", kernel_driver="nvidia"
    )
    (gpu,), disagreements = merge_gpus([("nvml", (known,)), ("lspci", (on_the_bus,))])
    assert (gpu.name, gpu.chip, gpu.kernel_driver) == ("NVIDIA GeForce RTX 4070", "AD104", "nvidia")
    assert gpu.sources == ("nvml", "lspci")
    assert gpu.is_driven
    assert disagreements == ()


def test_two_alike_cards_without_addresses_stay_two() -> None:
    by_driver = (CARD, replace(CARD, pci_address="0000:02:00.0"))
    by_windows = (replace(CARD, pci_address=""), replace(CARD, pci_address=""))
    gpus, _ = merge_gpus([("nvml", by_driver), ("powershell", by_windows)])
    assert [gpu.sources for gpu in gpus] == [("nvml", "powershell")] * 2


def test_a_contradiction_is_named_and_the_first_source_kept() -> None:
    other = replace(CARD, pci_id="2709")
    (gpu,), (clash,) = merge_gpus([("nvml", (CARD,)), ("sysfs-pci", (other,))])
    assert gpu.pci_id == "2786"
    assert (clash.kept, clash.kept_from, clash.other, clash.other_from) == ("2786", "nvml", "2709", "sysfs-pci")
    assert clash.subject == "pci_id of NVIDIA GeForce RTX 4070 at 0000:01:00.0"


def test_devices_of_two_vendors_are_never_one() -> None:
    other = HostGpu(vendor=Vendor.AMD, pci_id="2786")
    gpus, _ = merge_gpus([("a", (replace(CARD, pci_address=""),)), ("b", (other,))])
    assert len(gpus) == 2


def test_driver_versions_that_differ_are_named_and_the_running_module_kept() -> None:
    capture = load("linux-rtx4090-570.133.20")
    text = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.124.06  Wed Feb 26 02:13:54 UTC 2025\n"
    entries = {"/proc/driver/nvidia/version": CapturedEntry(text)}
    observation = observe(runner=capture.runner, root=CapturedFiles(entries), host=capture.host, clock=lambda: 0.0)
    assert observation.driver == DriverVersion.parse("570.124.06")
    (clash,) = observation.disagreements
    assert (clash.subject, clash.other, clash.other_from) == ("driver version", "570.133.20", "nvml")


def test_a_gpu_taken_by_a_virtual_machine_is_not_the_hosts() -> None:
    observation = load("linux-gtx1650-none").observe()
    taken = replace(observation, gpus=tuple(replace(gpu, kernel_driver="vfio-pci") for gpu in observation.gpus))
    assert host_gpus(observation) != ()
    assert host_gpus(taken) == ()


_GPUS = st.lists(
    st.builds(
        HostGpu,
        vendor=st.sampled_from(Vendor),
        name=st.sampled_from(["", "a", "b"]),
        pci_id=st.sampled_from(["", "2786", "2709"]),
        pci_address=st.sampled_from(["0000:01:00.0", "0000:02:00.0", "0000:03:00.0"]),
    ),
    max_size=3,
    unique_by=lambda gpu: gpu.pci_address,
).map(tuple)


@given(_GPUS, _GPUS)
def test_every_device_is_there_exactly_once(one: tuple[HostGpu, ...], two: tuple[HostGpu, ...]) -> None:
    gpus, _ = merge_gpus([("one", one), ("two", two)])
    devices = {(gpu.vendor, gpu.pci_address) for gpu in (*one, *two)}
    assert sorted((gpu.vendor, gpu.pci_address) for gpu in gpus) == sorted(devices)


@given(_GPUS)
def test_a_source_that_repeats_another_adds_nothing(one: tuple[HostGpu, ...]) -> None:
    once, _ = merge_gpus([("one", one)])
    twice, disagreements = merge_gpus([("one", one), ("two", one)])
    assert [replace(gpu, sources=("one",)) for gpu in twice] == list(once)
    assert disagreements == ()
