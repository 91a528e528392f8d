"""Is there a driver, is it the right one for this GPU, whole, and open to this user?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.causes.context import Context, Trait
from envgen.causes.findings import Finding, Remedy
from envgen.causes.remedies import branch_to_install, enrol_key, first, install_driver
from envgen.core.capability import ComputeCapability
from envgen.core.gpus import Gpu
from envgen.probe.observation import HostGpu, Observation
from envgen.resolve.driver import last_release

# Return codes of NVML, nvml.h: no permission, no devices, driver not loaded, library and module differ.
_NO_PERMISSION, _NO_DEVICES, _NOT_LOADED, _MISMATCH = 4, 6, 9, 18
# Device Manager: 28 no driver installed, 10 and 43 the driver failed.
_DRIVER_PROBLEMS = {
    28: "no driver is installed for it",
    10: "its driver can't start",
    43: "its driver reported a failure",
}
# NVIDIA's README, "Open Linux Kernel Modules": Turing and newer have them, Blackwell and newer have nothing else.
_FIRST_OPEN, _FIRST_ONLY_OPEN = ComputeCapability(7, 5), ComputeCapability(10, 0)


def container_without_gpu(context: Context) -> Iterator[Finding]:
    """The host has a GPU and a driver, this container got none of it, or not all."""
    observation, kind = context.observation, context.observation.system.container
    evidence = _lost_rights(context)
    if evidence:
        text = (
            "start the container anew; it lost the GPU when systemd on its host reloaded, and keeps it where the "
            "toolkit is set up with CDI, or the container with `--device` for each device file"
        )
    elif evidence := _not_passed(context):
        start = "with the GPU (`docker run --gpus all`)" if kind == "docker" else "with the GPU"
        text = f"install the NVIDIA Container Toolkit on the host and start the container there {start}; an image "
        text += "build has none, only a running container"
    else:
        return
    visible = observation.variable("NVIDIA_VISIBLE_DEVICES")
    hiding = (f"NVIDIA_VISIBLE_DEVICES={visible}",) if visible in ("none", "void", "") else ()
    yield Finding(
        title=f"this {kind} container has no access to the GPU",
        evidence=(evidence, *hiding),
        remedy=Remedy(text=text),
    )


def _gpu_nodes(context: Context) -> list[str]:
    paths = (node.path for node in context.observation.parts.nodes)
    return [path for path in paths if path[-1].isdigit() or path in ("/dev/dxg", "/dev/nvmap")]


def _lost_rights(context: Context) -> str:
    nodes, error = _gpu_nodes(context), context.observation.parts.error
    if "Unknown Error" not in error or (not nodes and context.shows(Trait.DEVICE_FILES)):
        return ""
    what = f"{nodes[0]} is there, but " if nodes else ""
    return f"{what}NVML says {error}: the container lost its device rights"


def _not_passed(context: Context) -> str:
    """What of the GPU is not in the container, although its host has it."""
    observation, nodes = context.observation, _gpu_nodes(context)
    if message := context.error_line("could not select device driver"):
        return message  # docker's own words for `--gpus` without the toolkit
    if not context.shows(Trait.DEVICE_FILES | Trait.LIBRARIES):
        return "" if context.driver_answers else context.error_line("Found no NVIDIA driver")
    bound = any(gpu.kernel_driver == "nvidia" for gpu in observation.nvidia)
    if not nodes and (context.driver_loaded or observation.system.wsl or bound):
        return "/dev holds no NVIDIA device, and the host's kernel has the driver loaded"
    if nodes and not observation.parts.libraries and (not context.driver_answers or context.torch_ran):
        capabilities = observation.variable("NVIDIA_DRIVER_CAPABILITIES")
        return f"{nodes[0]} is there, libcuda.so.1 is not (NVIDIA_DRIVER_CAPABILITIES={capabilities})"
    return ""


def driver_dropped_gpu(context: Context) -> Iterator[Finding]:
    """The driver that is installed, running or not, no longer serves this GPU."""
    for known, support in context.supports():
        rules, last = context.rules, support.last_branch
        if rules is None or last is None or _is_served(known.host) or rules.driver.branch <= rules.last_major(last):
            continue
        error = context.observation.parts.error
        refusals = context.observation.kernel_messages[:2]
        text = f"install driver {last_release(support, rules.subdir)} (branch R{last}), hold it there, then reboot"
        yield Finding(
            title=f"driver {rules.driver} no longer serves {known.label}",
            evidence=(
                f"{known.label} is {support.architecture}; R{last} is its last branch",
                *((error,) if error else ()),
                *refusals,
            ),
            remedy=install_driver(context, text),
        )


def driver_predates_gpu(context: Context) -> Iterator[Finding]:
    """The driver that is installed does not know this GPU yet."""
    for known, support in context.supports():
        rules, oldest = context.rules, support.first_branch
        if rules is None or oldest is None or _is_served(known.host) or rules.driver.branch >= oldest:
            continue
        yield Finding(
            title=f"driver {rules.driver} is older than {known.label}",
            evidence=(f"R{oldest} is the first branch that knows {support.architecture}",),
            remedy=install_driver(context, f"install driver R{oldest} or newer, then reboot"),
        )


def module_flavour(context: Context) -> Iterator[Finding]:
    """NVIDIA's kernel modules come open and proprietary, and not every GPU runs on both."""
    flavour = context.observation.parts.flavour
    lines = context.observation.kernel_messages
    refusal = next((line for line in lines if "requires use of the NVIDIA open kernel modules" in line), "")
    for known in context.gpus:
        needed = _flavour_needed(known.gpu)
        if refusal:
            needed = "open"
        if not needed or not (refusal or flavour not in ("", needed)):
            continue
        driver, name = context.installed_driver, context.observation.system.name
        capability = f", compute capability {known.gpu.capability}" if known.gpu else ""
        package = f"nvidia-driver{f'-{driver.branch}' if driver else ''}{'-open' if needed == 'open' else ''}"
        loaded = f"the module that is loaded is the {flavour} one" if flavour not in ("", needed) else ""
        evidence = (f"{known.label}{capability} runs on the {needed} modules only", loaded, refusal)
        yield Finding(
            title=f"{known.label} needs the {needed} kernel modules of the driver",
            evidence=tuple(line for line in evidence if line),
            remedy=first(
                f"install the driver with its {needed} kernel modules, then reboot",
                f"sudo apt install {package}" if name.startswith("Ubuntu") and driver else "",
            ),
        )
        return


def no_driver(context: Context) -> Iterator[Finding]:
    """The GPU is on the bus and no NVIDIA driver runs it."""
    observation = context.observation
    if observation.system.os == "windows":
        yield from _no_windows_driver(context)
        return
    evidence = _signs_of_no_driver(context)
    if context.driver_loaded or not evidence:
        return
    remedy, fact = _driver_to_start(context)
    evidence += [*observation.kernel_messages[:2], *([fact] if fact else [])]
    if observation.system.container:
        evidence.append("this is a container: the driver belongs on its host")
        remedy = Remedy(text=remedy.text)
    yield Finding(title="no NVIDIA driver is running", evidence=tuple(evidence), remedy=remedy)


def _signs_of_no_driver(context: Context) -> list[str]:
    """What shows that no driver runs: GPUs without one, else what nvidia-smi or torch say of it."""
    observation, parts = context.observation, context.observation.parts
    nvidia = observation.nvidia if context.shows(Trait.MODULES) else ()
    if nvidia and all(gpu.kernel_driver == "vfio-pci" for gpu in nvidia):
        return []
    signs = [f"{context.gpu_names}: on the bus, and no nvidia module is loaded"] if nvidia else []
    if signs and ("nouveau" in parts.modules or any(gpu.kernel_driver == "nouveau" for gpu in nvidia)):
        signs.append("nouveau drives it: good for a screen, no CUDA")
    if not signs and parts.error_code == _NOT_LOADED:
        signs.append(parts.error)
    if not signs and not context.shows(Trait.MODULES):
        # In a text that shows no modules torch's own words stand for them.
        signs += filter(None, [context.error_line("Found no NVIDIA driver")])
    return signs


def _driver_to_start(context: Context) -> tuple[Remedy, str]:
    """What to do about a driver that does not run, and what is known of it."""
    system, installed = context.observation.system, context.installed_driver
    not_loaded = context.observation.parts.error_code == _NOT_LOADED
    if system.secure_boot and (installed or not_loaded):
        return enrol_key(context), f"driver {installed or ''} is installed, and Secure Boot refuses its module"
    if installed:
        text = "load it; if that fails, reinstall the driver for the running kernel"
        fact = f"driver {installed} is installed, but its module was not loaded"
        return Remedy(text=text, command="sudo modprobe nvidia"), fact
    if not_loaded:
        text = "load its module (`sudo modprobe nvidia`) and read why it does not start (`sudo dmesg | grep -i nvrm`): "
        text += "a kernel without the module, Secure Boot, or a driver branch that no longer serves the GPU"
        return Remedy(text=text, command="sudo modprobe nvidia"), "nvidia-smi is there, so a driver is installed"
    return install_driver(context, f"install the NVIDIA driver, {branch_to_install(context)}, then reboot"), ""


def driver_mismatch(context: Context) -> Iterator[Finding]:
    """Kernel module and libraries are of two versions, as after an update without a restart."""
    parts = context.observation.parts
    library = parts.libraries[0] if parts.libraries else None
    ours = library is None or library.origin != "LD_LIBRARY_PATH"
    differ = bool(parts.kernel_module and parts.user_library and parts.kernel_module != parts.user_library) and ours
    message = context.cuda_error(803)
    if not (parts.error_code == _MISMATCH or message or (differ and not context.driver_answers)):
        return
    versions = f"kernel module {parts.kernel_module or 'unknown'}, user library {parts.user_library or 'unknown'}"
    evidence = [
        versions if parts.kernel_module or parts.user_library else "",
        parts.error if parts.error_code == _MISMATCH else "",
        message,
    ]
    where = " on the host" if context.observation.system.container else ""
    yield Finding(
        title="the driver's kernel module and its libraries are of different versions",
        evidence=tuple(line for line in evidence if line),
        remedy=Remedy(
            text=f"reboot{where}, or unload and load the nvidia modules; a container must be started anew",
            command="sudo reboot" if not where else "",
        ),
    )


def gpu_not_started(context: Context) -> Iterator[Finding]:
    """The driver runs and can't start this GPU."""
    observation = context.observation
    refusals = observation.kernel_messages
    if not context.driver_loaded and not refusals:
        return
    if observation.parts.error_code != _NO_DEVICES and not refusals:
        return
    evidence = [f"{known.label}{f' at {a}' if (a := known.host.pci_address) else ''}" for known in context.gpus]
    evidence += [observation.parts.error] if observation.parts.error else []
    yield Finding(
        title="the NVIDIA driver runs, and can't start the GPU",
        evidence=(*evidence, *refusals[:4]),
        remedy=Remedy(
            text="read the driver's own lines (`sudo dmesg | grep NVRM`); then, in this order: shut down and start "
            "again, turn on Above 4G Decoding and Resizable BAR in the firmware, check the power cables and the "
            "slot, install another driver branch",
            where="read the driver's own lines",
            command="" if refusals else "sudo dmesg | grep NVRM",
        ),
    )


def no_permission(context: Context) -> Iterator[Finding]:
    """The driver is fine, this user or job may not use the GPU."""
    observation = context.observation
    closed, refused = _closed_nodes(observation), observation.parts.error_code == _NO_PERMISSION
    job = observation.variable("SLURM_JOB_ID")
    if (job and observation.variable("CUDA_VISIBLE_DEVICES") == "NoDevFiles") or _is_slurm_without_gpu(context):
        evidence = [f"SLURM job {job} was given no GPU"]
        remedy = Remedy(text="ask for one when submitting", command="srun --gres=gpu:1 --pty bash")
    elif closed or refused:
        evidence = [f"{path} is closed to this user" for path in closed]
        evidence += [f"NVML: {observation.parts.error}"] if refused else []
        text = "join the groups that own the device files (often video and render), then log in again"
        remedy = first(text, 'sudo usermod -aG video,render "$USER"')
    elif empty := _without_instance(observation):
        evidence = [f"{context.named(gpu)} is in MIG mode and has no instance" for gpu in empty]
        remedy = Remedy(text="create MIG instances, or turn MIG mode off", command="sudo nvidia-smi mig -cgi 0 -C")
    else:
        return
    yield Finding(title="this user or job may not use the GPU", evidence=tuple(evidence), remedy=remedy)


def _is_served(gpu: HostGpu) -> bool:
    return gpu.is_driven and not gpu.error


def _flavour_needed(gpu: Gpu | None) -> str:
    if gpu is None:
        return ""
    if gpu.capability >= _FIRST_ONLY_OPEN:
        return "open"
    return "proprietary" if gpu.capability < _FIRST_OPEN else ""


def _closed_nodes(observation: Observation) -> list[str]:
    """The device files that keep this user out: the common ones, or those of all GPUs (some may be another user's)."""
    nodes = observation.parts.nodes
    gpus = [node for node in nodes if re.fullmatch(r"/dev/nvidia\d+", node.path)]
    common = [node for node in nodes if node.path in ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/dxg", "/dev/nvmap")]
    closed = [node.path for node in common if not node.accessible]
    if gpus and not any(node.accessible for node in gpus):
        closed += [node.path for node in gpus]
    return closed


def _without_instance(observation: Observation) -> list[HostGpu]:
    """The GPUs that MIG mode makes useless, when that is all that the driver lists."""
    driven = [gpu for gpu in observation.nvidia if gpu.is_driven]
    empty = [gpu for gpu in driven if gpu.mig and not gpu.mig_instances]
    return empty if len(empty) == len(driven) else []


def _is_slurm_without_gpu(context: Context) -> bool:
    variable = context.observation.variable
    given = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "CUDA_VISIBLE_DEVICES")
    closed = any(not node.accessible for node in context.observation.parts.nodes)
    return variable("SLURM_JOB_ID") is not None and not any(variable(name) for name in given) and closed


def _no_windows_driver(context: Context) -> Iterator[Finding]:
    for gpu in context.observation.nvidia:
        if gpu.problem in _DRIVER_PROBLEMS or "Basic Display" in gpu.name:
            reason = _DRIVER_PROBLEMS.get(gpu.problem or 0, "it runs on Microsoft's basic driver")
            text = f"install the NVIDIA driver, {branch_to_install(context)}, from nvidia.com/drivers"
            yield Finding(
                title="no NVIDIA driver is running",
                evidence=(f"{context.named(gpu)} (10de:{gpu.pci_id}): {reason}",),
                remedy=Remedy(text=text),
            )
