"""Is there an NVIDIA GPU, is it switched on, and does it answer?"""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.findings import Level
from envgen.doctor.context import Case
from envgen.doctor.findings import Code, Finding
from envgen.probe import commands
from envgen.probe.observation import HostGpu, Source, SourceStatus, Vendor

_OFF_PROFILES = ("intel", "integrated", "disabled by firmware", "removed from the bus")
# NVML_ERROR_GPU_IS_LOST and NVML_ERROR_RESET_REQUIRED, nvml.h.
_LOST_CODES = (15, 16)
_FELL_OFF = 79  # NVIDIA's Xid catalogue: GPU has fallen off the bus
# Device Manager's codes: 22 disabled, 45 not connected, 47 prepared for removal.
_OFF_PROBLEMS = (22, 45, 47)


def no_nvidia_gpu(case: Case) -> Iterator[Finding]:
    """Nothing here can run CUDA."""
    system = case.observation.system
    if case.works or case.observation.nvidia or system.jetson or system.wsl or _is_switched_off(case):
        return
    if case.driver_loaded or any("nvidia" in node.path for node in case.observation.parts.nodes):
        return
    # nvidia-smi comes with a driver and waits for nothing else: where it hangs, seeing nothing proves nothing.
    if not case.observation.gpus and commands.SMI_QUERY in {source.name for source in _hung(case)}:
        return
    others = [gpu for gpu in case.observation.gpus if gpu.vendor in (Vendor.AMD, Vendor.INTEL)]
    if system.os == "macos":
        title, remedy = "macOS has no CUDA", "use the plain wheel from PyPI and the device mps"
    elif others:
        title = f"this computer has no NVIDIA GPU, only {others[0].label}"
        remedy = case.advice_for_vendor(others[0]) or "install the build for this vendor: pytorch.org/get-started"
    else:
        title, remedy = "this computer shows no NVIDIA GPU", "use the CPU build, or a computer with an NVIDIA GPU"
    where = f"inside a {system.container} container" if system.container else ""
    evidence = [f"{gpu.label}, PCI vendor {gpu.vendor}" for gpu in case.observation.gpus] or ["no display device found"]
    yield Finding(
        code=Code.NO_NVIDIA_GPU,
        level=Level.ERROR,
        title=title,
        evidence=(*evidence, *([where] if where else [])),
        remedy=remedy,
    )


def gpu_passed_through(case: Case) -> Iterator[Finding]:
    """A virtual machine has taken the GPU from this host."""
    taken = [gpu for gpu in case.observation.nvidia if gpu.kernel_driver == "vfio-pci"]
    if taken and len(taken) == len(case.observation.nvidia):
        yield Finding(
            code=Code.GPU_PASSED_THROUGH,
            level=Level.ERROR,
            title=f"{taken[0].label} is set aside for a virtual machine",
            evidence=tuple(f"{gpu.label} at {gpu.pci_address} is bound to vfio-pci" for gpu in taken),
            remedy="use the GPU inside that virtual machine, or give it back to the nvidia driver and reboot",
        )


def gpu_powered_off(case: Case) -> Iterator[Finding]:
    """A laptop's GPU that a tool or a mode has switched off."""
    if case.works or not _is_switched_off(case):
        return
    system = case.observation.system
    off = [gpu for gpu in case.observation.nvidia if gpu.problem in _OFF_PROBLEMS]
    evidence = [f"{gpu.label}: device problem {gpu.problem}" for gpu in off]
    if system.laptop and system.laptop.profile:
        evidence.append(f"GPU profile {system.laptop.profile} ({system.laptop.profile_from})")
    if not case.observation.nvidia:
        evidence.append("no NVIDIA device is on the PCI bus")
    evidence += [f"{gpu.label} is {gpu.power}" for gpu in case.observation.nvidia if gpu.power.startswith("suspended")]
    prime = bool(system.laptop and "prime" in system.laptop.profile_from)
    if system.os == "windows":
        remedy = "enable it in Device Manager, or leave the vendor tool's eco or integrated mode, then restart"
    elif prime:
        remedy = "choose the on-demand profile and reboot"
    else:
        remedy = "choose the hybrid or NVIDIA mode in the tool or firmware that switched it off, then reboot"
    yield Finding(
        code=Code.GPU_POWERED_OFF,
        level=Level.ERROR,
        title="the NVIDIA GPU of this computer is switched off",
        evidence=tuple(evidence),
        remedy=remedy,
        command="sudo prime-select on-demand && sudo reboot" if prime else "",
    )


def gpu_lost(case: Case) -> Iterator[Finding]:
    """A GPU that was there and answers no more."""
    observation = case.observation
    evidence = [f"{gpu.label or gpu.pci_address or 'a GPU'}: {gpu.error}" for gpu in observation.nvidia if gpu.error]
    if observation.parts.error_code in _LOST_CODES:
        evidence.append(observation.parts.error)
    if said := case.said("GPU is lost", "fallen off the bus"):
        evidence.append(said)
    silent = [gpu for gpu in observation.nvidia if "rev ff" in gpu.power and not observation.system.laptop]
    evidence += [f"{gpu.label} at {gpu.pci_address} gives {gpu.power}" for gpu in silent]
    xids = [f"kernel log: Xid {x.code} at {x.pci_address}" for x in observation.xids if x.code == _FELL_OFF]
    if evidence:
        yield Finding(
            code=Code.GPU_LOST,
            level=Level.ERROR,
            title="a GPU has fallen off the bus or needs a reset",
            evidence=tuple(dict.fromkeys((*evidence, *xids))),
            remedy="shut the computer down and start it again; if it comes back, check power, riser and temperature",
            command="sudo reboot" if case.is_linux else "",
        )
    elif xids:
        yield Finding(
            code=Code.GPU_LOST,
            level=Level.INFO,
            title="a GPU fell off the bus earlier, and answers again",
            evidence=tuple(xids),
            remedy="watch for it: it points to power, riser or temperature",
        )


def driver_hangs(case: Case) -> Iterator[Finding]:
    """Every question to the driver ran out of time."""
    hung = _hung(case)
    if not hung:
        return
    wedged = not case.driver_answers and not case.works
    yield Finding(
        code=Code.DRIVER_HANGS,
        level=Level.ERROR if wedged else Level.WARNING,
        title="the NVIDIA driver does not answer" if wedged else "the NVIDIA driver answers slowly",
        evidence=tuple(source.reason for source in hung),
        remedy="end programs that use the GPU, or reboot; many GPUs without persistence mode can also be this slow",
        command="sudo reboot" if wedged and case.is_linux else "",
    )


def _hung(case: Case) -> list[Source]:
    """The ways of asking the driver that got no answer in time."""
    asked = (case.observation.source(name) for name in (commands.NVML, commands.SMI_QUERY))
    return [source for source in asked if source and source.status is SourceStatus.TIMED_OUT]


def out_of_memory(case: Case) -> Iterator[Finding]:
    """CUDA's start or the first computation ran out of memory."""
    said = case.cuda_error(2) or case.said("CUDA out of memory", "cudaErrorMemoryAllocation")
    if said and not case.computes:
        yield Finding(
            code=Code.OUT_OF_MEMORY,
            level=Level.ERROR,
            title="CUDA has no memory left to start with",
            evidence=(said,),
            remedy="end other programs on the GPU (nvidia-smi lists them); in WSL, start again after `wsl --shutdown`",
        )


def _is_switched_off(case: Case) -> bool:
    observation = case.observation
    if any(gpu.problem in _OFF_PROBLEMS for gpu in observation.nvidia) and not case.driver_answers:
        return True
    laptop = observation.system.laptop
    if laptop is None or case.driver_loaded:
        return False
    by_profile = laptop.profile.lower() in _OFF_PROFILES
    absent = not observation.nvidia and bool(observation.parts.user_library)
    asleep = any(_is_asleep(gpu) for gpu in observation.nvidia)
    return (by_profile and (not observation.nvidia or asleep)) or absent


def _is_asleep(gpu: HostGpu) -> bool:
    return gpu.power.startswith("suspended") or "D3" in gpu.power
