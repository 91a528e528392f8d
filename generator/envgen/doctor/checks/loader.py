"""Does CUDA's start find the right libcuda, all its helpers and the devices it may use?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.core.findings import Level
from envgen.doctor.context import Case
from envgen.doctor.findings import Code, Finding
from envgen.probe.observation import HostGpu

_UNSET = "unset CUDA_VISIBLE_DEVICES"


def fabric_manager(case: Case) -> Iterator[Finding]:
    """NVSwitch hosts start CUDA only once Fabric Manager runs, in the driver's own version."""
    parts = case.observation.parts
    manager, said = parts.fabric_manager, case.cuda_error(802)
    evidence = [said] if said else []
    # The service runs on the host: inside a container only the GPUs' own word counts. GPUs before Hopper have none.
    speaks = manager is not None and parts.fabric_state != "Completed" and not case.observation.system.container
    if manager and speaks and manager.state != "active":
        evidence.append(f"nvidia-fabricmanager is {manager.state}")
    if manager and speaks and manager.version and parts.kernel_module and manager.version != parts.kernel_module:
        evidence.append(f"Fabric Manager {manager.version} beside driver {parts.kernel_module}")
    if evidence and parts.fabric_state and parts.fabric_state != "Completed":
        evidence.append(f"the GPUs' fabric state is {parts.fabric_state}")
    if not evidence or case.works or not (said or parts.has_nvswitch):
        return
    version = parts.kernel_module or "the driver"
    fits = manager is not None and manager.version in ("", version)
    where = " on the host" if case.observation.system.container else ""
    remedy = f"install Fabric Manager in the version of the driver ({version}) and start it{where}"
    yield Finding(
        code=Code.FABRIC_MANAGER,
        level=Level.ERROR,
        title="Fabric Manager, which this NVSwitch host needs, is not ready",
        evidence=tuple(evidence),
        remedy=remedy,
        before="" if fits and not where else remedy,
        command="sudo systemctl enable --now nvidia-fabricmanager",
    )


def uvm_broken(case: Case) -> Iterator[Finding]:
    """The memory module of the driver is missing or was left broken by a suspend."""
    observation = case.observation
    parts = observation.parts
    if case.works or not case.is_linux or observation.system.wsl or observation.system.jetson:
        return
    said = case.cuda_error(999) or case.said("CUDA unknown error")
    nodes = {node.path for node in parts.nodes}
    missing = "/dev/nvidiactl" in nodes and "/dev/nvidia-uvm" not in nodes
    failed = case.torch_ran and bool(case.torch_cuda) and not (case.live and case.live.available)
    if not said and not (missing and (observation.system.container or failed)):
        return
    evidence = [said] if said else []
    if missing:
        evidence.append("/dev/nvidia-uvm is not there")
    if case.driver_answers:
        evidence.append("the driver itself answers")
    if observation.system.container:
        remedy, command = "start the container anew after `nvidia-smi` and `nvidia-modprobe -u` ran on its host", ""
    else:
        remedy = "reload nvidia_uvm (end CUDA programs first) or reboot; if it comes back after each suspend, set "
        remedy += "NVreg_PreserveVideoMemoryAllocations=1"
        command = "sudo modprobe -r nvidia_uvm && sudo modprobe nvidia_uvm"
    yield Finding(
        code=Code.UVM_BROKEN,
        level=Level.ERROR,
        title="the driver's memory module (nvidia_uvm) does not work",
        evidence=tuple(evidence),
        remedy=remedy,
        command=command,
    )


def libcuda_shadowed(case: Case) -> Iterator[Finding]:
    """The loader takes another libcuda than the driver's."""
    observation = case.observation
    if case.works or not case.is_linux:
        return
    evidence: list[str] = []
    first = observation.parts.libraries[0] if observation.parts.libraries else None
    if first and "/stubs" in first.path:
        evidence.append(f"the loader takes {first.path} ({first.origin}), a stub without a driver behind it")
    mapped = [p for p in (case.live.libraries if case.live else ()) if "libcuda.so" in p and "/stubs" in p]
    evidence += [f"torch loaded {path}" for path in mapped]
    if said := case.cuda_error(34) or case.said("stub library"):
        evidence.append(said)
    module = observation.parts.kernel_module
    foreign = first is not None and first.origin == "LD_LIBRARY_PATH" and "/compat" not in first.path
    if first and foreign and module and first.version not in ("", module):
        evidence.append(f"LD_LIBRARY_PATH brings {first.target}, the driver is {module}")
    said = case.said("Found no NVIDIA driver")
    if said and case.driver_answers and not observation.system.wsl:
        evidence.append(f"the driver answers NVML, and torch: {said}")
        evidence.append(f"libcuda.so.1 that the loader finds: {first.path if first else 'none'}")
    if evidence:
        yield Finding(
            code=Code.LIBCUDA_SHADOWED,
            level=Level.ERROR,
            title="the loader does not take the driver's own libcuda",
            evidence=tuple(evidence),
            remedy="leave foreign folders out of LD_LIBRARY_PATH, let the loader find the driver's (`sudo ldconfig`)",
            command="unset LD_LIBRARY_PATH" if observation.variable("LD_LIBRARY_PATH") else "",
        )


def forward_compatibility(case: Case) -> Iterator[Finding]:
    """cuda-compat works on data-centre GPUs only, and only over an older driver."""
    observation = case.observation
    if case.works or not case.is_linux:
        return
    said = case.cuda_error(804) or case.said("forward compatibility was attempted")
    first = observation.parts.libraries[0] if observation.parts.libraries else None
    compat = first is not None and "/compat" in first.path
    consumer = [k for k in case.gpus if k.gpu and k.gpu.segment and k.gpu.segment != "datacenter"]
    if not said and not (compat and consumer):
        return
    evidence = [said] if said else []
    if compat and first:
        evidence.append(
            f"the loader takes {first.target} ({first.origin}) over driver {observation.driver or 'unknown'}"
        )
    evidence += [f"{known.label} is no data-centre GPU" for known in consumer]
    yield Finding(
        code=Code.FORWARD_COMPATIBILITY,
        level=Level.ERROR,
        title="a cuda-compat library is used where it can't work",
        evidence=tuple(evidence),
        remedy="take the compat folder out of the loader's path, update the host's driver, or use an older image",
        command="unset LD_LIBRARY_PATH" if compat and first and first.origin == "LD_LIBRARY_PATH" else "",
    )


def visible_devices(case: Case) -> Iterator[Finding]:
    """CUDA_VISIBLE_DEVICES hides every GPU: CUDA reads it up to the first entry that names none."""
    value = case.observation.variable("CUDA_VISIBLE_DEVICES")
    driven = [gpu for gpu in case.observation.nvidia if gpu.is_driven and not gpu.error]
    if value is None or case.works or not driven:
        return
    seen, ends = _seen(value, driven)
    if not ends:
        return
    yield Finding(
        code=Code.VISIBLE_DEVICES,
        level=Level.ERROR if seen == 0 else Level.WARNING,
        title="CUDA_VISIBLE_DEVICES hides " + ("every GPU" if seen == 0 else "some of the GPUs"),
        evidence=(f"CUDA_VISIBLE_DEVICES={value}: {ends}", f"the driver lists {len(driven)} GPU"),
        remedy="unset it, or name existing GPUs (`nvidia-smi -L`), before Python starts",
        command="Remove-Item Env:CUDA_VISIBLE_DEVICES" if case.observation.system.os == "windows" else _UNSET,
    )


def _seen(value: str, driven: Sequence[HostGpu]) -> tuple[int, str]:
    """How many GPUs the value shows, and why no more; the reason is empty when every entry counts.

    The rules are those of torch/cuda/__init__.py, which follows CUDA: the first entry that names none ends the list,
    and where two name the same GPU none is shown.
    """
    names = [gpu.uuid for gpu in driven] + [i.uuid for gpu in driven for i in gpu.mig_instances]
    taken: list[str] = []
    for entry in value.split(","):
        text = entry.strip()
        name = _named(text, names, len(driven))
        if not name:
            return len(taken), f"entry {text or 'empty'} names no GPU of this host" if value else "it is empty"
        if name in taken:
            return 0, f"entry {text} names a GPU for the second time, and then CUDA shows none"
        taken.append(name)
    return len(taken), ""


def _named(text: str, names: Sequence[str], count: int) -> str:
    """The GPU that an entry names, as a number or by the beginning of its UUID; empty for none, or for several."""
    if text.isascii() and text.isdigit():
        return str(int(text)) if int(text) < count else ""
    if not text.startswith(("GPU-", "MIG-")) or text in ("GPU-", "MIG-"):
        return ""
    # An NVML that can't name a GPU's UUID leaves nothing to compare with: the benefit of the doubt.
    if not all(names) or text.startswith("MIG-GPU-"):
        return text
    found = [name for name in names if name.startswith(text)]
    return found[0] if len(found) == 1 else ""


def cudnn_on_library_path(case: Case) -> tuple[str, ...]:
    """What shows that LD_LIBRARY_PATH brings another cuDNN than torch's own; empty where nothing does."""
    said = case.said("cuDNN version incompatibility")
    libraries = [path for path in (case.target.path_libraries if case.target else ()) if "libcudnn" in path]
    # torch's words where the path names cuda or cudnn; of any other path it says only that it may be the cause.
    by_path = "Looks like your LD_LIBRARY_PATH" in said
    return (said, *libraries) if said and (libraries or by_path) else ()


def cuda_on_library_path(case: Case) -> Iterator[Finding]:
    """LD_LIBRARY_PATH wins over the libraries that torch brings."""
    if case.target is None or not case.torch_cuda:
        return
    if shadowed := cudnn_on_library_path(case):
        yield Finding(
            code=Code.CUDA_ON_LIBRARY_PATH,
            level=Level.ERROR,
            title="LD_LIBRARY_PATH holds another cuDNN than the one that torch brings",
            evidence=shadowed,
            remedy="leave LD_LIBRARY_PATH empty: torch brings its own CUDA libraries",
            command="unset LD_LIBRARY_PATH",
        )
        return
    major = case.torch_cuda.partition(".")[0]
    runtime = [p for p in case.target.path_libraries if "libcudart.so." in p and not p.endswith(f".so.{major}")]
    if runtime:
        yield Finding(
            code=Code.CUDA_ON_LIBRARY_PATH,
            level=Level.WARNING,
            title="LD_LIBRARY_PATH holds the libraries of another CUDA major",
            evidence=(f"torch is built for CUDA {case.torch_cuda}", *runtime),
            remedy="leave LD_LIBRARY_PATH empty: torch brings its own CUDA libraries",
            command="unset LD_LIBRARY_PATH",
        )
