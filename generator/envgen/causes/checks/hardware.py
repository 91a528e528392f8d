"""Is there an NVIDIA GPU, is it switched on, and does it answer?"""

from __future__ import annotations

from collections.abc import Iterator

from envgen.causes.context import Context, Trait
from envgen.causes.findings import Finding, Remedy
from envgen.causes.remedies import reboot
from envgen.core.findings import Level
from envgen.probe import commands
from envgen.probe.observation import HostGpu, Source, SourceStatus, Vendor

_OFF_PROFILES = ("intel", "integrated", "disabled by firmware", "removed from the bus")
# NVML_ERROR_GPU_IS_LOST and NVML_ERROR_RESET_REQUIRED, nvml.h.
_LOST_CODES = (15, 16)
_LIBRARY_NOT_FOUND = 12
_FELL_OFF = 79  # NVIDIA's Xid catalogue: GPU has fallen off the bus
# Device Manager's codes: 22 disabled, 45 not connected, 47 prepared for removal.
_OFF_PROBLEMS = (22, 45, 47)


def no_nvidia_gpu(context: Context) -> Iterator[Finding]:
    """Nothing here can run CUDA."""
    observation = context.observation
    system, error = observation.system, observation.parts.error_code
    # Software of NVIDIA's that answers, be it with an error, comes with a driver; that it is not there says nothing.
    if context.driver_loaded or error not in (None, _LIBRARY_NOT_FOUND) or _is_switched_off(context):
        return
    if any("nvidia" in node.path for node in observation.parts.nodes):
        return
    # nvidia-smi comes with a driver and waits for nothing else: where it hangs, seeing nothing proves nothing.
    if not observation.gpus and commands.SMI_QUERY in {source.name for source in _hung(context)}:
        return
    others = [gpu for gpu in observation.gpus if gpu.vendor in (Vendor.AMD, Vendor.INTEL)]
    if system.os == "macos":
        title, remedy = "macOS has no CUDA", "use the plain wheel from PyPI and the device mps"
    elif others:
        title = f"this computer has no NVIDIA GPU, only {others[0].label}"
        remedy = context.advice_for_vendor(others[0]) or "install the build for this vendor: pytorch.org/get-started"
    else:
        title, remedy = "this computer shows no NVIDIA GPU", "use the CPU build, or a computer with an NVIDIA GPU"
    evidence = [f"{gpu.label}, PCI vendor {gpu.vendor}" for gpu in observation.gpus]
    if not evidence and context.shows(Trait.DEVICE_FILES):
        evidence.append("no display device found")
    evidence += [f"inside a {system.container} container"] if system.container else []
    yield Finding(title=title, evidence=tuple(evidence), remedy=Remedy(text=remedy))


def gpu_passed_through(context: Context) -> Iterator[Finding]:
    """A virtual machine has taken the GPU from this host."""
    taken = [gpu for gpu in context.observation.nvidia if gpu.kernel_driver == "vfio-pci"]
    if len(taken) == len(context.observation.nvidia):
        remedy = "use the GPU inside that virtual machine, or give it back to the nvidia driver and reboot"
        yield Finding(
            title=f"{context.named(taken[0])} is set aside for a virtual machine",
            evidence=tuple(f"{context.named(gpu)} at {gpu.pci_address} is bound to vfio-pci" for gpu in taken),
            remedy=Remedy(text=remedy),
        )


def gpu_powered_off(context: Context) -> Iterator[Finding]:
    """A laptop's GPU that a tool or a mode has switched off."""
    if not _is_switched_off(context):
        return
    system, nvidia = context.observation.system, context.observation.nvidia
    evidence = [f"{gpu.label}: device problem {gpu.problem}" for gpu in nvidia if gpu.problem in _OFF_PROBLEMS]
    if system.laptop and system.laptop.profile:
        evidence.append(f"GPU profile {system.laptop.profile} ({system.laptop.profile_from})")
    if not nvidia:
        evidence.append("no NVIDIA device is on the PCI bus")
    evidence += [f"{context.named(gpu)} is {gpu.power}" for gpu in nvidia if gpu.power.startswith("suspended")]
    remedy = Remedy(text="choose the hybrid or NVIDIA mode in the tool or firmware that switched it off, then reboot")
    if system.os == "windows":
        text = "enable it in Device Manager, or leave the vendor tool's eco or integrated mode, then restart"
        remedy = Remedy(text=text)
    elif system.laptop and "prime" in system.laptop.profile_from:
        command = "sudo prime-select on-demand && sudo reboot"
        remedy = Remedy(text="choose the on-demand profile and reboot", command=command)
    yield Finding(
        title="the NVIDIA GPU of this computer is switched off",
        evidence=tuple(evidence),
        remedy=remedy,
    )


def gpu_lost(context: Context) -> Iterator[Finding]:
    """A GPU that was there and answers no more."""
    observation = context.observation
    evidence = [f"{gpu.label or gpu.pci_address or 'a GPU'}: {gpu.error}" for gpu in observation.nvidia if gpu.error]
    evidence += [observation.parts.error] if observation.parts.error_code in _LOST_CODES else []
    evidence += filter(None, [context.error_line("GPU is lost", "fallen off the bus")])
    silent = [gpu for gpu in observation.nvidia if "rev ff" in gpu.power and not observation.system.laptop]
    evidence += [f"{context.named(gpu)} at {gpu.pci_address} gives {gpu.power}" for gpu in silent]
    xids = [f"kernel log: Xid {x.code} at {x.pci_address}" for x in observation.xids if x.code == _FELL_OFF]
    if evidence:
        text = "shut the computer down and start it again; if it comes back, check power, riser and temperature"
        yield Finding(
            title="a GPU has fallen off the bus or needs a reset",
            evidence=tuple(dict.fromkeys((*evidence, *xids))),
            remedy=reboot(context, text),
        )
    elif xids:
        yield Finding(
            level=Level.INFO,
            title="a GPU fell off the bus earlier, and answers again",
            evidence=tuple(xids),
            remedy=Remedy(text="watch for it: it points to power, riser or temperature"),
        )


def driver_hangs(context: Context) -> Iterator[Finding]:
    """Every question to the driver ran out of time."""
    hung = _hung(context)
    if not hung:
        return
    wedged = not context.driver_answers and not context.works
    text = "end programs that use the GPU, or reboot; many GPUs without persistence mode can also be this slow"
    yield Finding(
        level=Level.ERROR if wedged else Level.WARNING,
        title="the NVIDIA driver does not answer" if wedged else "the NVIDIA driver answers slowly",
        evidence=tuple(source.reason for source in hung),
        remedy=reboot(context, text) if wedged else Remedy(text=text),
    )


def sources_disagree(context: Context) -> Iterator[Finding]:
    """Two ways of asking that gave different answers."""
    for clash in context.observation.disagreements:
        yield Finding(
            level=Level.INFO,
            title=f"two sources differ on the {clash.subject}",
            evidence=(f"{clash.kept} ({clash.kept_from}), {clash.other} ({clash.other_from})",),
            remedy=Remedy(text=f"{clash.kept_from} was believed"),
        )


def _hung(context: Context) -> list[Source]:
    """The ways of asking the driver that got no answer in time."""
    asked = (context.observation.source(name) for name in (commands.NVML, commands.SMI_QUERY))
    return [source for source in asked if source and source.status is SourceStatus.TIMED_OUT]


def _is_switched_off(context: Context) -> bool:
    observation = context.observation
    if any(gpu.problem in _OFF_PROBLEMS for gpu in observation.nvidia) and not context.driver_answers:
        return True
    laptop = observation.system.laptop
    if laptop is None or context.driver_loaded:
        return False
    by_profile = laptop.profile.lower() in _OFF_PROFILES
    absent = not observation.nvidia and bool(observation.parts.user_library)
    asleep = any(_is_asleep(gpu) for gpu in observation.nvidia)
    return (by_profile and (not observation.nvidia or asleep)) or absent


def _is_asleep(gpu: HostGpu) -> bool:
    return gpu.power.startswith("suspended") or "D3" in gpu.power
