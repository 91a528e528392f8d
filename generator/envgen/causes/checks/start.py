"""Does CUDA start, on the devices that it may use?"""

from __future__ import annotations

from collections.abc import Iterator

from envgen.causes.context import Context, Trait
from envgen.causes.findings import Finding, Remedy
from envgen.causes.remedies import RELOAD_UVM, first, unset
from envgen.core.findings import Level
from envgen.environments.cuda_errors import CUDA_ERRORS
from envgen.environments.torch_run import RunOutcome, TorchRun
from envgen.probe.observation import DriverParts
from envgen.probe.visible_devices import visible

# Heterogeneous memory management came with R535 (CUDA 12.2).
_FIRST_WITH_HMM = 535


def fabric_manager(context: Context) -> Iterator[Finding]:
    """NVSwitch hosts start CUDA only once Fabric Manager runs, in the driver's own version."""
    parts, in_container = context.observation.parts, context.shows(Trait.CONTAINER)
    message = context.cuda_error(802)
    faults = _fabric_faults(parts, in_container=in_container)
    unfinished = bool(parts.fabric_state) and parts.fabric_state != "Completed"
    if not (faults or (message and unfinished)) or not (message or parts.has_nvswitch):
        return
    state = (f"the GPUs' fabric state is {parts.fabric_state}",) if unfinished else ()
    yield Finding(
        title="Fabric Manager, which this NVSwitch host needs, is not ready",
        evidence=(*filter(None, [message]), *faults, *state),
        remedy=_fabric_remedy(context),
    )


def _fabric_faults(parts: DriverParts, *, in_container: bool) -> list[str]:
    """What is wrong with the service. It runs on the host: inside a container only the GPUs' own word counts."""
    manager = parts.fabric_manager
    # GPUs before Hopper have no fabric state.
    if manager is None or in_container or parts.fabric_state == "Completed":
        return []
    faults = [f"nvidia-fabricmanager is {manager.state}"] if manager.state != "active" else []
    if manager.version and parts.kernel_module and manager.version != parts.kernel_module:
        faults.append(f"Fabric Manager {manager.version} beside driver {parts.kernel_module}")
    return faults


def _fabric_remedy(context: Context) -> Remedy:
    parts = context.observation.parts
    manager, version = parts.fabric_manager, parts.kernel_module or str(context.observation.driver or "")
    where = " on the host" if context.shows(Trait.CONTAINER) else ""
    shown = f" ({version})" if version else ""
    text = f"install Fabric Manager in the version of the driver{shown} and start it{where}"
    enable = "sudo systemctl enable --now nvidia-fabricmanager"
    if manager is not None and not where and manager.state != "not installed" and manager.version in ("", version):
        return Remedy(
            text=text, command=enable if manager.state != "active" else enable.replace("enable --now", "restart")
        )
    absent = manager is not None and manager.state == "not installed"
    branch = version.partition(".")[0]
    if absent and branch.isdigit() and context.observation.system.name.startswith("Ubuntu"):
        # Ubuntu names the package after the branch, and keeps it in the version of the driver's package.
        return Remedy(text=text, command=f"sudo apt-get install nvidia-fabricmanager-{branch} && {enable}")
    return first(text, enable)


def system_not_ready(context: Context) -> Iterator[Finding]:
    """Error 802 where Fabric Manager is not what is missing, as far as can be seen."""
    message, parts = context.cuda_error(802), context.observation.parts
    if not message:
        return
    manager = parts.fabric_manager
    runs = manager is not None and manager.state == "active"
    evidence = [message, "Fabric Manager runs in the version of the driver" if runs else ""]
    if not parts.has_nvswitch and context.shows(Trait.BUS):
        evidence.append("no NVSwitch is on the bus that this system shows")
    # NVIDIA/nvtrust#56: a GPU in confidential-computing mode computes only once it was set ready.
    confidential = "`nvidia-smi conf-compute -grs`: where it says not-ready, `sudo nvidia-smi conf-compute -srs 1`"
    switched = "`systemctl status nvidia-fabricmanager` and the fabric state of `nvidia-smi -q` on the host"
    yield Finding(
        title="CUDA says that the system is not ready (802)",
        evidence=tuple(line for line in evidence if line),
        remedy=Remedy(
            text=f"look at, in this order: {switched} (GPUs with NVSwitch need Fabric Manager in the driver's "
            f"version); {confidential} (a virtual machine with a GPU passed through); the kernel log"
        ),
    )


def mps_not_running(context: Context) -> Iterator[Finding]:
    """The Multi-Process Service is asked for and does not answer (805)."""
    message = context.cuda_error(805) or context.error_line("MPS client failed to connect")
    if message:
        pipe = context.observation.variable("CUDA_MPS_PIPE_DIRECTORY")
        yield Finding(
            title="CUDA can't reach the Multi-Process Service (MPS)",
            evidence=(message, *((f"CUDA_MPS_PIPE_DIRECTORY={pipe}",) if pipe else ())),
            remedy=Remedy(
                text="start MPS as the user who runs the program (`nvidia-cuda-mps-control -d`), with the same "
                "CUDA_MPS_PIPE_DIRECTORY; or, without MPS, end its server and unset that variable",
                command="nvidia-cuda-mps-control -d" if context.is_linux else "",
            ),
        )


def gpu_exclusive(context: Context) -> Iterator[Finding]:
    """A GPU in exclusive mode serves one process, a prohibited one none."""
    message = context.cuda_error(46) or context.error_line("busy or unavailable")
    if not message:
        return
    modes = {context.named(gpu): gpu.compute_mode for gpu in context.observation.nvidia}
    limited = [f"{name} is in compute mode {mode}" for name, mode in modes.items() if mode not in ("", "Default")]
    known = any(modes.values())
    other = "end the other program that uses the GPU (`nvidia-smi` lists them), or try another GPU"
    mode = "set the mode back to Default where it is yours to set"
    yield Finding(
        title="the GPU is taken by another program" if limited or not known else "CUDA finds the GPU busy",
        evidence=(message, *limited),
        remedy=Remedy(text=other, where=f"{other}; {mode}", command="sudo nvidia-smi -c DEFAULT")
        if limited
        else Remedy(text=f"{other}; look at the compute mode (`nvidia-smi -q -d COMPUTE`): {mode}"),
    )


def hmm_broken(context: Context) -> Iterator[Finding]:
    """The driver answers, and CUDA's start fails in nvidia_uvm's heterogeneous memory management."""
    message = context.cuda_error(3) or context.error_line("CUDA driver initialization failed")
    driver = context.observation.driver
    if not message or not context.driver_answers or (driver is not None and driver.branch < _FIRST_WITH_HMM):
        return
    options = 'echo "options nvidia_uvm uvm_disable_hmm=1" | sudo tee /etc/modprobe.d/nvidia-uvm-hmm.conf'
    kernel = context.observation.system.kernel
    flavour = context.observation.parts.flavour
    yield Finding(
        title="nvidia-smi answers and CUDA can't be initialised, as with the fault of nvidia_uvm's HMM",
        # NVIDIA/open-gpu-kernel-modules#901, #797, #947: R570 to R580, both flavours; the option is NVIDIA's own.
        evidence=(message, f"driver {driver}{f', {flavour} modules' if flavour else ''}, kernel {kernel or 'unknown'}"),
        remedy=Remedy(
            text="turn heterogeneous memory management off (uvm_disable_hmm=1) and load nvidia_uvm anew, or reboot",
            where="end CUDA programs, then run",
            command=f"{options} && {RELOAD_UVM}",
        ),
    )


def uvm_broken(context: Context) -> Iterator[Finding]:
    """The memory module of the driver is missing or was left broken by a suspend."""
    parts, in_container = context.observation.parts, context.shows(Trait.CONTAINER)
    message = context.cuda_error(999) or context.error_line("CUDA unknown error")
    nodes = {node.path for node in parts.nodes}
    missing = "/dev/nvidiactl" in nodes and "/dev/nvidia-uvm" not in nodes
    failed = context.torch_ran and bool(context.torch_cuda) and not (context.run and context.run.available)
    if not message and not (missing and (in_container or failed)):
        return
    evidence = [message] if message else []
    evidence += ["/dev/nvidia-uvm is not there"] if missing else []
    evidence += ["the driver itself answers"] if context.driver_answers else []
    yield Finding(
        title="the driver's memory module (nvidia_uvm) does not work",
        evidence=tuple(evidence),
        remedy=Remedy(text="start the container anew after `nvidia-smi` and `nvidia-modprobe -u` ran on its host")
        if in_container
        else Remedy(
            text="reload nvidia_uvm (end CUDA programs first) or reboot; if it comes back after each suspend, set "
            "NVreg_PreserveVideoMemoryAllocations=1",
            command=RELOAD_UVM,
        ),
    )


def visible_devices(context: Context) -> Iterator[Finding]:
    """CUDA_VISIBLE_DEVICES hides every GPU: CUDA reads it up to the first entry that names none."""
    value = context.observation.variable("CUDA_VISIBLE_DEVICES")
    driven = [gpu for gpu in context.observation.nvidia if gpu.is_driven and not gpu.error]
    if value is None or not driven:
        return
    # A text may show some of the GPUs only.
    is_certain = context.shows(Trait.BUS) or value.strip().lower() in ("", "-1", "none", "nodevfiles")
    seen, ends = visible(value, driven)
    if not ends or not is_certain:
        return
    count = f"{len(driven)} GPU{'s' if len(driven) > 1 else ''}"
    text = "unset it, or name existing GPUs (`nvidia-smi -L`), before Python starts"
    yield Finding(
        level=Level.ERROR if seen == 0 else Level.WARNING,
        title="CUDA_VISIBLE_DEVICES hides " + ("every GPU" if seen == 0 else "some of the GPUs"),
        evidence=(f"CUDA_VISIBLE_DEVICES={value}: {ends}", f"the driver lists {count}"),
        remedy=unset(context, "CUDA_VISIBLE_DEVICES", text),
    )


def mig_slice_unnamed(context: Context) -> Iterator[Finding]:
    """A process uses one MIG slice, which must be named to it where torch counts the others as well."""
    message = context.error_line("device >= 0 && device < num_gpus", "device < num_gpus INTERNAL ASSERT")
    sliced = [gpu for gpu in context.observation.nvidia if gpu.mig]
    if not message or not sliced or context.observation.variable("CUDA_VISIBLE_DEVICES"):
        return
    slices = [instance.uuid for gpu in sliced for instance in gpu.mig_instances if instance.uuid.startswith("MIG-")]
    text = "name one MIG slice in CUDA_VISIBLE_DEVICES before Python starts (`nvidia-smi -L` lists them)"
    command = context.installer.shell.set("CUDA_VISIBLE_DEVICES", slices[0]) if slices else "nvidia-smi -L"
    yield Finding(
        title="the GPU is in MIG mode, and no slice of it is named to this process",
        evidence=(
            message,
            f"{context.named(sliced[0])} is in MIG mode",
            *context.variable_evidence("CUDA_VISIBLE_DEVICES"),
        ),
        remedy=Remedy(text=text, command=command),
    )


def out_of_memory(context: Context) -> Iterator[Finding]:
    """CUDA's start or the first computation ran out of memory."""
    at_start = context.cuda_error(2)
    message = at_start or context.error_line("CUDA out of memory", "cudaErrorMemoryAllocation")
    if not message:
        return
    if not at_start and "Tried to allocate" in message:
        yield Finding(
            title="a program needs more of the GPU's memory than is free",
            evidence=(message[:300],),
            remedy=Remedy(
                text="end other programs on the GPU (nvidia-smi lists them), or give this one less to do at once: a "
                "smaller batch, model or precision; nothing of the installation is at fault"
            ),
        )
        return
    text = "end other programs on the GPU (nvidia-smi lists them); in WSL, start again after `wsl --shutdown`"
    count = sum(gpu.is_driven for gpu in context.observation.nvidia)
    if context.shows(Trait.WSL) and count > 1:
        # microsoft/WSL#9092: what all GPUs together would map is more than WSL can.
        text = f"show CUDA fewer than the {count} GPUs, one first; WSL can't map the memory of many; else {text}"
        yield Finding(
            title="CUDA has no memory left to start with",
            evidence=(message, f"{count} GPUs in WSL"),
            remedy=Remedy(text=text, command=context.installer.shell.set("CUDA_VISIBLE_DEVICES", "0")),
        )
        return
    yield Finding(title="CUDA has no memory left to start with", evidence=(message,), remedy=Remedy(text=text))


def cuda_start_failed(context: Context) -> Iterator[Finding]:
    """An error number that has a meaning, and of which nothing here shows the cause."""
    for error in CUDA_ERRORS:
        if message := context.cuda_error(error.number) or context.error_line(error.words):
            yield Finding(
                title=f"CUDA's start fails with error {error.number}: {error.meaning}",
                evidence=(message,),
                remedy=Remedy(text=error.look),
            )
            return


def unexplained(context: Context) -> Iterator[Finding]:
    """torch says no and nothing above says why: its own words are the evidence."""
    run = context.run
    if run is None or not _is_asked_for(context, run):
        return
    devices = [f"{d.name}: {error}" for d in run.devices if (error := d.kernel_error or d.convolution_error)]
    words = [" ".join(text.split())[:300] for text in (*run.errors, *devices)]
    failure = "CUDA does not work" if not run.works else "a convolution fails"
    failure = "torch computes and then crashes" if run.computes else failure
    stage = f"the last that torch printed was {run.stage!r}" if context.run_failure else ""
    command = "envgen doctor --collect report.txt"
    yield Finding(
        title=f"{failure}, and no known cause fits",
        evidence=tuple(line for line in (context.run_failure, stage, *words) if line) or ("torch gave no reason",),
        remedy=Remedy(text=f"run `{command}` and open an issue with that file", command=command),
    )


def _is_asked_for(context: Context, run: TorchRun) -> bool:
    """True when a torch that should compute ran and did not, or crashed after it had."""
    if run.outcome is RunOutcome.NOT_RUN or not (context.torch_cuda or context.run_failure):
        return False
    if run.computes:
        return run.outcome is RunOutcome.CRASHED and run.stage != "done" and not run.vision_failure
    return run.available is not None or bool(run.errors or context.run_failure)
