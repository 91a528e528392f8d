"""Does the build run on this GPU with this driver and this cuDNN?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.causes.context import Context, Trait
from envgen.causes.findings import Finding, Remedy
from envgen.causes.remedies import INSTALL_BUILD
from envgen.core.capability import CodeKind, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu
from envgen.core.releases import first_of_major, is_newer
from envgen.core.sets import PackageSet
from envgen.environments.torch_run import TorchDevice
from envgen.probe.visible_devices import shown
from envgen.resolve.coverage import code_for
from envgen.resolve.rules.libraries import dropped_by

_PLAIN_CUDA = r"\d+\.\d+(\.\d+)?"
_NO_IMAGE = (
    "no kernel image is available",
    "cudaErrorNoKernelImageForDevice",
    "is not compatible with the current PyTorch installation",
    "no longer supports this GPU because it is too old",
)
_BAD_PTX = ("unsupported toolchain", "cudaErrorUnsupportedPtxVersion", "Error 222")


def driver_too_old(context: Context) -> Iterator[Finding]:
    """Below the floor of the build's CUDA major. Inside a major, every driver from the floor up will do."""
    message = context.error_line("driver on your system is too old", "driver version is insufficient")
    jetpack, floor = context.jetpack, _unmet_floor(context)
    evidence = [message] if message else []
    if not context.torch_cuda and not message:
        return
    if jetpack and context.torch_cuda and is_newer(first_of_major(context.torch_cuda), first_of_major(jetpack.cuda)):
        serves = f"JetPack {jetpack.release} (L4T {jetpack.l4t[-1]}) serves CUDA {jetpack.cuda}"
        evidence.append(f"torch is built for CUDA {context.torch_cuda}; {serves}")
    if floor:
        needs = f"torch is built for CUDA {context.torch_cuda}, which needs driver {floor} or newer"
        evidence.append(f"{needs}; here is {context.observation.driver}")
    if evidence:
        yield Finding(
            title="the driver is too old for this build of torch",
            evidence=tuple(evidence),
            remedy=_driver_remedy(context, floor),
        )


def _unmet_floor(context: Context) -> DriverVersion | None:
    """The floor of torch's CUDA when the driver that runs is below it; a Jetson's number says nothing of its CUDA."""
    driver, rules, cuda = context.observation.driver, context.rules, context.torch_cuda
    if driver is None or rules is None or context.shows(Trait.JETSON) or not re.fullmatch(_PLAIN_CUDA, cuda):
        return None
    floor = rules.floor(cuda)
    return None if floor is None or driver.meets_floor(floor) else floor


def no_kernel_image(context: Context) -> Iterator[Finding]:
    """The build has no code for the GPU, or for none of them."""
    bad, good = _split(context)
    if bad and not good:
        yield Finding(
            title=f"this torch has no code for {bad[0][0]}",
            evidence=_image_evidence(context, bad),
            remedy=_image_remedy(context, bad[0][1]),
        )


def mixed_gpus(context: Context) -> Iterator[Finding]:
    """The build has code for some of the GPUs, and not for all."""
    bad, good = _split(context)
    if bad and good:
        yield Finding(
            title=f"this torch has no code for one of the GPUs: {', '.join(name for name, _ in bad)}",
            evidence=_image_evidence(context, bad),
            remedy=Remedy(
                text="hide that GPU with CUDA_VISIBLE_DEVICES, or install a build that serves all of them",
                command=_command_to_hide(context, good),
            ),
        )


def ptx_too_new(context: Context) -> Iterator[Finding]:
    """PTX is compiled by the driver, which must be as new as the toolkit: minor-version compatibility does not help."""
    message = context.error_line(*_BAD_PTX)
    driver_cuda = context.observation.parts.cuda
    newer = is_newer(context.torch_cuda, driver_cuda)
    by_ptx = [k.label for k in context.gpus if k.gpu and _runs_from_ptx(context, k.gpu)]
    if not message and not (by_ptx and newer):
        return
    evidence = [message[:300]] if message else []
    evidence += [f"{label} has only PTX in this build" for label in by_ptx]
    if driver_cuda:
        evidence.append(f"the driver compiles PTX up to CUDA {driver_cuda}, torch is built with {context.torch_cuda}")
    yield Finding(
        title="the driver can't compile the intermediate code of this build",
        evidence=tuple(evidence),
        remedy=Remedy(text="update the driver, or install a build of torch with machine code for this GPU"),
    )


def cudnn_unsupported(context: Context) -> Iterator[Finding]:
    """cuDNN has a floor of its own: 9.11 left everything before Turing behind, 8.8 everything before Maxwell."""
    version = _cudnn_version(context)
    convolved = [device.convolution_error for device in (context.run.devices if context.run else ())]
    if not version or (convolved and all(error == "" for error in convolved)):
        return
    for known in context.gpus:
        capability = known.gpu.capability if known.gpu else None
        floor = dropped_by(version, capability) if capability else None
        if floor is None:
            continue
        yield Finding(
            title=f"cuDNN {version} no longer serves {known.label}",
            evidence=(
                f"{known.label} has compute capability {capability}; cuDNN {floor.since} dropped it",
                *(error for error in convolved if error),
            ),
            remedy=Remedy(text=f"hold cuDNN below {floor.since}; torch's own cu126 builds do"),
        )
        return


def _driver_remedy(context: Context, floor: DriverVersion | None) -> Remedy:
    """Whether a newer driver is a way out too: a GPU that the newer branches dropped can't have one."""
    text = "install a build of torch that this driver runs"
    if context.jetpack:
        return Remedy(text=f"install a build of torch that this JetPack runs (CUDA {context.jetpack.cuda})")
    last = min((s.last_branch for _, s in context.supports() if s.last_branch), default=None)
    if floor is not None and last is not None and last < floor.branch:
        return Remedy(text=f"{text}; no driver of branch R{floor.branch} serves this GPU")
    return Remedy(text=f"{text}, or update the driver")


def _image_evidence(context: Context, bad: list[tuple[str, ComputeCapability]]) -> tuple[str, ...]:
    listed = " ".join(str(code) for code in context.arch_list) or "unknown"
    evidence = [f"{name} has compute capability {capability}" for name, capability in dict.fromkeys(bad)]
    if context.torch_version:
        evidence.append(f"arch list of torch {context.torch_version}: {listed}")
    message = context.error_line(*_NO_IMAGE)
    return (*evidence, *((message[:300],) if message else ()))


def _split(context: Context) -> tuple[list[tuple[str, ComputeCapability]], list[str]]:
    """GPUs that this build does not serve, and those that it does. A kernel that ran, or failed so, decides first."""
    devices = context.run.devices if context.run else ()
    gpus = [(d.name, d.capability or _by_name(context, d.name)) for d in devices]
    lacks = [_lacks_code(context, device) for device in devices]
    if not devices and context.arch_list and context.torch_cuda and not context.shows(Trait.JETSON):
        used = shown(context.observation.variable("CUDA_VISIBLE_DEVICES"), [known.host for known in context.gpus])
        gpus = [(known.label, known.gpu.capability) for known in context.gpus if known.gpu and known.host in used]
        lacks = [not _covers(context, capability) for _, capability in gpus]
    bad = [gpu for gpu, lacking in zip(gpus, lacks, strict=True) if lacking]
    return bad, [name for (name, _), lacking in zip(gpus, lacks, strict=True) if not lacking]


def _lacks_code(context: Context, device: TorchDevice) -> bool:
    """Whether a kernel failed for want of code, or was not run and its code is not there."""
    if any(word in (device.kernel_error or "") for word in _NO_IMAGE):
        return True
    return device.kernel_error != "" and device.capability is not None and not _covers(context, device.capability)


def _by_name(context: Context, name: str) -> ComputeCapability:
    """What the catalog says of a GPU whose capability torch did not say; zero where it does not know it."""
    known = (known.gpu.capability for known in context.gpus if known.gpu and name in (known.label, known.host.name))
    return next(known, ComputeCapability(0, 0))


def _command_to_hide(context: Context, good: list[str]) -> str:
    """Name the GPUs that work by UUID: CUDA's own numbering is not that of nvidia-smi."""
    uuids = [gpu.uuid for gpu in context.observation.nvidia if gpu.is_driven and gpu.label in good]
    if not uuids or not all(re.fullmatch(r"[A-Za-z0-9-]+", uuid) for uuid in uuids):
        return ""
    return context.installer.shell.set("CUDA_VISIBLE_DEVICES", ",".join(uuids))


def _covers(context: Context, capability: ComputeCapability) -> bool:
    gpu = Gpu.of_capability(capability)
    return not context.arch_list or code_for(context.arch_list, gpu, context.torch_cuda) is not None


def _image_remedy(context: Context, capability: ComputeCapability) -> Remedy:
    """A card older than the build needs an older CUDA; only a card newer than every release needs a nightly."""
    newest = max((code.capability for code in context.arch_list), default=None)
    if newest is None or capability < newest or context.subdir is None:
        return INSTALL_BUILD
    gpu = Gpu.of_capability(capability)
    if any(code_for(build.codes, gpu, build.cuda) for build in context.builds.builds(PackageSet.PIP, context.subdir)):
        return INSTALL_BUILD
    return Remedy(
        text="no release in the catalog serves a GPU this new: a nightly build may (pytorch.org/get-started, Preview)"
    )


def _runs_from_ptx(context: Context, gpu: Gpu) -> bool:
    code = code_for(context.arch_list, gpu, context.torch_cuda) if context.arch_list else None
    return code is not None and code.kind is CodeKind.PTX


def _cudnn_version(context: Context) -> str:
    """X.Y.Z of the cuDNN in use: the loaded one, else that of its package."""
    if context.run and context.run.cudnn:
        return context.run.cudnn
    if context.environment is None:
        return ""
    found = [d.version for d in context.environment.distributions if re.fullmatch(r"nvidia-cudnn-cu\d+", d.name)]
    found += [r.version for r in context.environment.conda if r.name in ("libcudnn", "cudnn")]
    return next((version for version in found if re.fullmatch(r"\d+(\.\d+)+", version)), "")
