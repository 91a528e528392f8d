"""Is there a driver, is it the right one for this GPU, whole, and open to this user?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.core.builds import DriverSupport
from envgen.core.findings import Level
from envgen.doctor.context import Case, KnownGpu
from envgen.doctor.findings import Code, Finding
from envgen.doctor.shell import Shell
from envgen.probe.linux import WSL_LIBRARIES
from envgen.probe.observation import HostGpu, Observation

_MISMATCH = 18  # NVML_ERROR_LIB_RM_VERSION_MISMATCH, nvml.h
_NO_PERMISSION = 4  # NVML_ERROR_NO_PERMISSION
_NO_DEVICES = 6  # nvidia-smi: "No devices were found"
# Device Manager: 28 no driver installed, 10 and 43 the driver failed.
_DRIVER_PROBLEMS = {
    28: "no driver is installed for it",
    10: "its driver can't start",
    43: "its driver reported a failure",
}


def wsl_driver(case: Case) -> Iterator[Finding]:
    """WSL takes its driver from Windows; everything else breaks it."""
    system, parts = case.observation.system, case.observation.parts
    if not system.wsl or system.container or case.works:
        return
    evidence, remedy, before, command = "", "", "", ""
    first = parts.libraries[0] if parts.libraries else None
    if system.wsl == 1:
        evidence = f"kernel {system.kernel} is WSL 1, which has no GPU"
        remedy = "convert the distribution to WSL 2: `wsl --set-version NAME 2`, in PowerShell on Windows"
        name = case.observation.variable("WSL_DISTRO_NAME")
        before = "run in PowerShell on Windows"
        command = f"wsl --set-version {Shell(is_windows=True).word(name)} 2" if name else ""
    elif not any(node.path == "/dev/dxg" for node in parts.nodes):
        evidence = f"/dev/dxg is not there (kernel {system.kernel})"
        remedy = "update Windows and WSL, then start WSL anew"
        before, command = "update Windows, then run in PowerShell there", "wsl --update; wsl --shutdown"
    elif first is None or not any(library.path.startswith(WSL_LIBRARIES) for library in parts.libraries):
        evidence = f"{WSL_LIBRARIES}/libcuda.so.1 is not there: Windows has no NVIDIA driver that serves WSL"
        remedy = "install the current NVIDIA driver in Windows, never one inside WSL, then `wsl --shutdown`"
        before = "install the current NVIDIA driver in Windows, never one inside WSL, then run in PowerShell there"
        command = "wsl --shutdown"
    elif first.version and not first.path.startswith(WSL_LIBRARIES):
        evidence = f"the loader takes {first.target} before {WSL_LIBRARIES}/libcuda.so.1"
        remedy = "remove the Linux driver packages from this distribution; the driver is the one in Windows"
        removal = "sudo apt-get remove --purge '^nvidia-.*' '^libnvidia-.*' && sudo ldconfig"
        command = removal if is_debian_like(case) else ""
    if evidence:
        lines = (evidence, parts.error) if parts.error else (evidence,)
        yield Finding(
            code=Code.WSL_DRIVER,
            level=Level.ERROR,
            title="WSL does not get the GPU from Windows",
            evidence=lines,
            remedy=remedy,
            before=before,
            command=command,
        )


def container_without_gpu(case: Case) -> Iterator[Finding]:
    """The host has a GPU and a driver, this container got none of it, or not all."""
    observation = case.observation
    system, parts = observation.system, observation.parts
    if not system.container or case.works:
        return
    visible = observation.variable("NVIDIA_VISIBLE_DEVICES")
    gpu_nodes = [n.path for n in parts.nodes if n.path[-1].isdigit() or n.path in ("/dev/dxg", "/dev/nvmap")]
    on_host = case.driver_loaded or bool(system.wsl) or bool(observation.nvidia and case.bound_to_nvidia)
    evidence: list[str] = []
    if not gpu_nodes and on_host:
        evidence.append("/dev holds no NVIDIA device, and the host's kernel has the driver loaded")
    elif gpu_nodes and not parts.libraries and (not case.driver_answers or case.torch_ran):
        capabilities = observation.variable("NVIDIA_DRIVER_CAPABILITIES")
        evidence.append(f"{gpu_nodes[0]} is there, libcuda.so.1 is not (NVIDIA_DRIVER_CAPABILITIES={capabilities})")
    elif gpu_nodes and "Unknown Error" in parts.error:
        evidence.append(f"{gpu_nodes[0]} is there, but NVML says {parts.error}: the container lost its device rights")
    if not evidence:
        return
    if visible in ("none", "void", ""):
        evidence.append(f"NVIDIA_VISIBLE_DEVICES={visible}")
    start = "with the GPU (`docker run --gpus all`)" if system.container == "docker" else "with the GPU"
    yield Finding(
        code=Code.CONTAINER_WITHOUT_GPU,
        level=Level.ERROR,
        title=f"this {system.container} container has no access to the GPU",
        evidence=tuple(evidence),
        remedy=f"install the NVIDIA Container Toolkit on the host and start the container there {start}; an image "
        "build has none, only a running container",
    )


def no_driver(case: Case) -> Iterator[Finding]:
    """The GPU is on the bus and no NVIDIA driver runs it."""
    observation = case.observation
    system, parts = observation.system, observation.parts
    if not observation.nvidia or case.works or case.driver_answers or system.wsl or system.jetson:
        return
    if system.os == "windows":
        yield from _no_windows_driver(case)
        return
    if case.driver_loaded or all(gpu.kernel_driver == "vfio-pci" for gpu in observation.nvidia):
        return
    evidence = [f"{gpu.label} is on the bus, no nvidia module is loaded" for gpu in observation.nvidia]
    if "nouveau" in parts.modules or any(gpu.kernel_driver == "nouveau" for gpu in observation.nvidia):
        evidence.append("nouveau drives it: good for a screen, no CUDA")
    installed, before = bool(parts.libraries), ""
    if installed and system.secure_boot:
        evidence.append(
            f"driver {parts.user_library} is installed and Secure Boot is on: the kernel refuses the module"
        )
        remedy, command = (
            "sign the module (the distribution asks for it at the next start), or turn Secure Boot off",
            _enrol_command(case),
        )
        before = "enrol the key that signs the module, then reboot and confirm it with the password that you give here"
    elif installed:
        evidence.append(f"driver {parts.user_library} is installed, but its module was not loaded")
        remedy, command = "load it; if that fails, reinstall the driver for the running kernel", "sudo modprobe nvidia"
    else:
        branch = _branch_to_install(case)
        remedy, command = f"install the NVIDIA driver, {branch}, then reboot", _install_command(case)
        before = remedy
    if system.container:
        evidence.append("this is a container: the driver belongs on its host")
    yield Finding(
        code=Code.NO_DRIVER,
        level=Level.ERROR,
        title="no NVIDIA driver is running",
        evidence=tuple(evidence),
        remedy=remedy,
        before=before,
        command="" if system.container else command,
    )


def driver_and_gpu(case: Case) -> Iterator[Finding]:
    """The driver runs, and does not know this GPU any more, or not yet."""
    if case.rules is None or case.works or case.observation.system.wsl:
        return
    for known in case.gpus:
        support = case.support(known.gpu.capability) if known.gpu else None
        if support is None or (known.host.is_driven and not known.host.error):
            continue
        branch, driver = case.rules.driver.branch, case.rules.driver
        windows = case.rules.subdir.is_windows
        if support.last_branch is not None and branch > case.last_major(support.last_branch):
            last = (support.last_windows if windows else support.last_linux) or f"R{support.last_branch}"
            remedy = f"install driver {last} (branch R{support.last_branch}), hold it there, then reboot"
            yield Finding(
                code=Code.DRIVER_DROPPED_GPU,
                level=Level.ERROR,
                title=f"driver {driver} no longer serves {known.label}",
                evidence=(
                    f"{known.label} is {support.architecture}; R{support.last_branch} is its last branch",
                    *((case.observation.parts.error,) if case.observation.parts.error else ()),
                ),
                remedy=remedy,
                before=remedy,
                command=_install_command(case),
            )
        elif support.first_branch is not None and branch < support.first_branch:
            remedy = f"install driver R{support.first_branch} or newer, then reboot"
            yield Finding(
                code=Code.DRIVER_PREDATES_GPU,
                level=Level.ERROR,
                title=f"driver {driver} is older than {known.label}",
                evidence=(f"R{support.first_branch} is the first branch that knows {support.architecture}",),
                remedy=remedy,
                before=remedy,
                command=_install_command(case),
            )


def driver_mismatch(case: Case) -> Iterator[Finding]:
    """Kernel module and libraries are of two versions, as after an update without a restart."""
    parts = case.observation.parts
    if case.works or case.observation.system.wsl or case.observation.system.jetson:
        return
    first = parts.libraries[0] if parts.libraries else None
    ours = first is None or first.origin != "LD_LIBRARY_PATH"
    differ = bool(parts.kernel_module and parts.user_library and parts.kernel_module != parts.user_library) and ours
    said = case.cuda_error(803)
    if not (parts.error_code == _MISMATCH or said or (differ and not case.driver_answers)):
        return
    evidence = [
        f"kernel module {parts.kernel_module or 'unknown'}, user library {parts.user_library or 'unknown'}",
        parts.error if parts.error_code == _MISMATCH else "",
        said,
    ]
    where = " on the host" if case.observation.system.container else ""
    yield Finding(
        code=Code.DRIVER_MISMATCH,
        level=Level.ERROR,
        title="the driver's kernel module and its libraries are of different versions",
        evidence=tuple(line for line in evidence if line),
        remedy=f"reboot{where}, or unload and load the nvidia modules; a container must be started anew",
        command="sudo reboot" if not where else "",
    )


def no_permission(case: Case) -> Iterator[Finding]:
    """The driver is fine, this user or job may not use the GPU."""
    observation = case.observation
    if case.works:
        return
    evidence, remedy, before, command = [], "", "", ""
    closed = _closed_nodes(observation)
    job = observation.variable("SLURM_JOB_ID")
    if (job and observation.variable("CUDA_VISIBLE_DEVICES") == "NoDevFiles") or _is_slurm_without_gpu(case):
        evidence.append(f"SLURM job {job} was given no GPU")
        remedy, command = "ask for one when submitting", "srun --gres=gpu:1 --pty bash"
    elif closed or observation.parts.error_code == _NO_PERMISSION:
        evidence += [f"{path} is closed to this user" for path in closed]
        if observation.parts.error_code == _NO_PERMISSION:
            evidence.append(f"NVML: {observation.parts.error}")
        remedy = "join the groups that own the device files (often video and render), then log in again"
        before, command = remedy, 'sudo usermod -aG video,render "$USER"'
    elif empty := _without_instance(observation):
        evidence += [f"{gpu.label} is in MIG mode and has no instance" for gpu in empty]
        remedy, command = "create MIG instances, or turn MIG mode off", "sudo nvidia-smi mig -cgi 0 -C"
    if evidence:
        yield Finding(
            code=Code.NO_PERMISSION,
            level=Level.ERROR,
            title="this user or job may not use the GPU",
            evidence=tuple(evidence),
            remedy=remedy,
            before=before,
            command=command,
        )


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


def _is_slurm_without_gpu(case: Case) -> bool:
    variable = case.observation.variable
    given = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "CUDA_VISIBLE_DEVICES")
    closed = any(not node.accessible for node in case.observation.parts.nodes)
    return variable("SLURM_JOB_ID") is not None and not any(variable(name) for name in given) and closed


def _no_windows_driver(case: Case) -> Iterator[Finding]:
    for gpu in case.observation.nvidia:
        if gpu.problem in _DRIVER_PROBLEMS or "Basic Display" in gpu.name:
            reason = _DRIVER_PROBLEMS.get(gpu.problem or 0, "it runs on Microsoft's basic driver")
            yield Finding(
                code=Code.NO_DRIVER,
                level=Level.ERROR,
                title="no NVIDIA driver is running",
                evidence=(f"{gpu.label} (10de:{gpu.pci_id}): {reason}",),
                remedy=f"install the NVIDIA driver, {_branch_to_install(case)}, from nvidia.com/drivers",
            )


def _branch_to_install(case: Case) -> str:
    """Which driver branch serves all the GPUs of the host."""
    limits = [(s.last_branch, known) for known in case.gpus if (s := _support(case, known)) and s.last_branch]
    if not limits:
        return "the current one"
    branch, known = min(limits, key=lambda limit: limit[0])
    return f"branch R{branch}: the last one that serves {known.label}"


def _support(case: Case, known: KnownGpu) -> DriverSupport | None:
    return case.support(known.gpu.capability) if known.gpu else None


def _install_command(case: Case) -> str:
    """The distribution's own way, where it has one that chooses the branch by itself."""
    name = case.observation.system.name
    return "sudo ubuntu-drivers install" if name.startswith(("Ubuntu", "Linux Mint")) else ""


def _enrol_command(case: Case) -> str:
    """The command that enrols the key of DKMS: Debian's own from 12 on, Ubuntu's is the one of its shim."""
    name = case.observation.system.name
    if name.startswith("Debian"):
        # wiki.debian.org/SecureBoot: dkms makes a key by itself from Debian 12 on; testing states no number.
        release = re.search(r"\b\d+\b", name)
        return "sudo mokutil --import /var/lib/dkms/mok.pub" if not release or int(release[0]) >= 12 else ""
    return "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der" if is_debian_like(case) else ""


def is_debian_like(case: Case) -> bool:
    """Return whether the host's packages are those of Debian or of a system made from it."""
    return case.observation.system.name.startswith(("Ubuntu", "Debian", "Linux Mint", "Pop!_OS"))
