"""Does the build run on this GPU with this driver and this cuDNN?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envgen.core.capability import CodeKind, ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.findings import Level
from envgen.core.gpus import Gpu
from envgen.core.releases import release_key
from envgen.core.sets import PackageSet
from envgen.doctor.context import Case, too_old_for
from envgen.doctor.findings import Code, Finding
from envgen.resolve.coverage import code_for
from envgen.resolve.rules.libraries import dropped_by

_BY_INSTALLER = "install a build of torch for this GPU and driver"
_NO_IMAGE = ("no kernel image is available", "cudaErrorNoKernelImageForDevice")
_BAD_PTX = ("unsupported toolchain", "cudaErrorUnsupportedPtxVersion", "Error 222")


def driver_too_old(case: Case) -> Iterator[Finding]:
    """Below the floor of the build's CUDA major. Inside a major, every driver from the floor up will do."""
    if case.observation.system.jetson or case.works or not case.torch_cuda:
        return
    below = too_old_for(case, case.torch_cuda)
    said = case.said("driver on your system is too old", "driver version is insufficient")
    if below is None and not said:
        return
    evidence = [said] if said else []
    if below:
        driver, floor = below
        evidence.append(
            f"torch is built for CUDA {case.torch_cuda}, which needs driver {floor} or newer; here is {driver}"
        )
    yield Finding(
        code=Code.DRIVER_TOO_OLD,
        level=Level.ERROR,
        title="the driver is too old for this build of torch",
        evidence=tuple(evidence),
        remedy=_driver_remedy(case, below[1] if below else None),
    )


def no_kernel_image(case: Case) -> Iterator[Finding]:
    """The build has no code for a GPU: for none of them, or for some."""
    bad, good = _split(case)
    if not bad:
        return
    listed = " ".join(str(code) for code in case.arch_list) or "unknown"
    evidence = [f"{name} has compute capability {capability}" for name, capability in bad]
    evidence.append(f"arch list of torch {case.torch_version}: {listed}")
    if said := case.said(*_NO_IMAGE):
        evidence.append(said[:300])
    if good:
        names = ", ".join(name for name, _ in bad)
        yield Finding(
            code=Code.MIXED_GPUS,
            level=Level.ERROR,
            title=f"this torch has no code for one of the GPUs: {names}",
            evidence=tuple(evidence),
            remedy="hide that GPU with CUDA_VISIBLE_DEVICES, or install a build that serves all of them",
            command=_command_to_hide(case, good),
        )
        return
    yield Finding(
        code=Code.NO_KERNEL_IMAGE,
        level=Level.ERROR,
        title=f"this torch has no code for {bad[0][0]}",
        evidence=tuple(evidence),
        remedy=_image_remedy(case, bad[0][1]),
    )


def ptx_too_new(case: Case) -> Iterator[Finding]:
    """PTX is compiled by the driver, which must be as new as the toolkit: minor-version compatibility does not help."""
    if case.works or not case.torch_cuda:
        return
    said = case.said(*_BAD_PTX)
    driver_cuda = case.observation.parts.cuda
    newer = _is_newer(case.torch_cuda, driver_cuda)
    by_ptx = [k.label for k in case.gpus if k.gpu and _runs_from_ptx(case, k.gpu)]
    if not said and not (by_ptx and newer):
        return
    evidence = [said[:300]] if said else []
    evidence += [f"{label} has only PTX in this build" for label in by_ptx]
    if driver_cuda:
        evidence.append(f"the driver compiles PTX up to CUDA {driver_cuda}, torch is built with {case.torch_cuda}")
    yield Finding(
        code=Code.PTX_TOO_NEW,
        level=Level.ERROR,
        title="the driver can't compile the intermediate code of this build",
        evidence=tuple(evidence),
        remedy="update the driver, or install a build of torch with machine code for this GPU",
    )


def cudnn_unsupported(case: Case) -> Iterator[Finding]:
    """cuDNN has a floor of its own: 9.11 left everything before Turing behind, 8.8 everything before Maxwell."""
    version = _cudnn_version(case)
    if not version or not case.torch_cuda:
        return
    convolved = [device.convolution_error for device in (case.live.devices if case.live else ())]
    if convolved and all(error == "" for error in convolved):
        return
    for known in case.gpus:
        capability = known.gpu.capability if known.gpu else None
        floor = dropped_by(version, capability) if capability else None
        if floor is None:
            continue
        yield Finding(
            code=Code.CUDNN_UNSUPPORTED,
            level=Level.ERROR,
            title=f"cuDNN {version} no longer serves {known.label}",
            evidence=(
                f"{known.label} has compute capability {capability}; cuDNN {floor.since} dropped it",
                *(error for error in convolved if error),
            ),
            remedy=f"hold cuDNN below {floor.since}; torch's own cu126 builds do",
        )
        return


def _driver_remedy(case: Case, floor: DriverVersion | None) -> str:
    """Whether a newer driver is a way out too: a GPU that the newer branches dropped can't have one."""
    remedy = "install a build of torch that this driver runs"
    supports = [case.support(known.gpu.capability) for known in case.gpus if known.gpu]
    last = min((s.last_branch for s in supports if s and s.last_branch), default=None)
    if floor is not None and last is not None and last < floor.branch:
        return f"{remedy}; no driver of branch R{floor.branch} serves this GPU"
    return f"{remedy}, or update the driver"


def _split(case: Case) -> tuple[list[tuple[str, ComputeCapability]], list[str]]:
    """GPUs that this build does not serve, and those that it does. A kernel that ran, or failed so, decides first."""
    bad: list[tuple[str, ComputeCapability]] = []
    good: list[str] = []
    devices = case.live.devices if case.live else ()
    if devices:
        for device in devices:
            if device.kernel_error is not None and any(word in device.kernel_error for word in _NO_IMAGE):
                bad.append((device.name, device.capability or ComputeCapability(0, 0)))
            elif device.kernel_error != "" and device.capability and not _covers(case, device.capability):
                bad.append((device.name, device.capability))
            else:
                good.append(device.name)
        return bad, good
    if not case.arch_list or not case.torch_cuda or case.observation.system.jetson:
        return [], []
    for known in case.gpus:
        if known.gpu and not _covers(case, known.gpu.capability):
            bad.append((known.label, known.gpu.capability))
        elif known.gpu:
            good.append(known.label)
    return bad, good


def _command_to_hide(case: Case, good: list[str]) -> str:
    """Name the GPUs that work by UUID: CUDA's own numbering is not that of nvidia-smi."""
    uuids = [gpu.uuid for gpu in case.observation.nvidia if gpu.is_driven and gpu.label in good]
    if not uuids or not all(re.fullmatch(r"[A-Za-z0-9-]+", uuid) for uuid in uuids):
        return ""
    assignment = f"CUDA_VISIBLE_DEVICES={','.join(uuids)}"
    if case.observation.system.os == "windows":
        return f'$env:{assignment.replace("=", "=" + chr(34), 1)}"'
    return f"export {assignment}"


def _covers(case: Case, capability: ComputeCapability) -> bool:
    gpu = Gpu(name="", capability=capability, architecture="")
    return not case.arch_list or code_for(case.arch_list, gpu) is not None


def _image_remedy(case: Case, capability: ComputeCapability) -> str:
    """A card older than the build needs an older CUDA; only a card newer than every release needs a nightly."""
    newest = max((code.capability for code in case.arch_list), default=None)
    if newest is None or capability < newest or case.subdir is None:
        return _BY_INSTALLER
    gpu = Gpu(name="", capability=capability, architecture="")
    served = any(code_for(build.codes, gpu) for build in case.builds.builds(PackageSet.PIP, case.subdir))
    if served:
        return _BY_INSTALLER
    return "no release in the catalog serves a GPU this new: a nightly build may (pytorch.org/get-started, Preview)"


def _runs_from_ptx(case: Case, gpu: Gpu) -> bool:
    code = code_for(case.arch_list, gpu) if case.arch_list else None
    return code is not None and code.kind is CodeKind.PTX


def _is_newer(one: str, other: str) -> bool:
    plain = r"\d+\.\d+(\.\d+)?"
    if not re.fullmatch(plain, one) or not re.fullmatch(plain, other):
        return False
    return release_key(one)[:2] > release_key(other)[:2]


def _cudnn_version(case: Case) -> str:
    """X.Y.Z of the cuDNN in use: the loaded one, else that of its package."""
    if case.live and case.live.cudnn:
        return case.live.cudnn
    if case.target is None:
        return ""
    found = [d.version for d in case.target.distributions if re.fullmatch(r"nvidia-cudnn-cu\d+", d.name)]
    found += [r.version for r in case.target.conda if r.name in ("libcudnn", "cudnn")]
    return next((version for version in found if re.fullmatch(r"\d+(\.\d+)+", version)), "")
