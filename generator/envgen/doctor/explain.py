"""What is left of all that the checks found: a cause that explains another one speaks alone, and the order is fixed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from envgen.core.findings import Level
from envgen.doctor.findings import Code, Finding

# What is wrong with or without a GPU.
_ANYWHERE = frozenset(
    {
        Code.PYTHON_UNUSABLE,
        Code.WRONG_ENVIRONMENT,
        Code.TORCH_REPLACED,
        Code.CUDA_LIBRARIES_BROKEN,
        Code.PAGING_FILE,
        Code.TORCH_IMPORT_HANGS,
        Code.TORCH_IMPORT_FAILED,
        Code.TORCHVISION_MISMATCH,
        Code.TORCHAUDIO_MISMATCH,
    }
)
# torch may compute, and these are about the rest.
_BESIDE_TORCH = frozenset(
    {
        Code.MIXED_GPUS,
        Code.CUDNN_UNSUPPORTED,
        Code.TORCHVISION_CPU,
        Code.TORCHVISION_MISMATCH,
        Code.TORCHAUDIO_MISMATCH,
    }
)
# Cause -> what it brings about by itself, so that naming both would send people to the wrong one first.
_EXPLAINS: dict[Code, frozenset[Code]] = {
    Code.NO_NVIDIA_GPU: frozenset(Code) - _ANYWHERE - {Code.NO_NVIDIA_GPU},
    Code.GPU_POWERED_OFF: frozenset({Code.NO_DRIVER}),
    Code.GPU_LOST: frozenset({Code.DRIVER_HANGS}),
    Code.CONTAINER_WITHOUT_GPU: frozenset({Code.UVM_BROKEN}),
    Code.DRIVER_PREDATES_GPU: frozenset({Code.DRIVER_TOO_OLD}),
    Code.DRIVER_MISMATCH: frozenset({Code.FORWARD_COMPATIBILITY}),
    Code.NO_PERMISSION: frozenset({Code.UVM_BROKEN, Code.VISIBLE_DEVICES}),
    Code.WRONG_ENVIRONMENT: frozenset(
        {Code.TORCH_MISSING, Code.TORCH_CPU_BUILD, Code.INDEX_DIVERTED, Code.TORCH_IMPORT_FAILED}
    ),
    Code.NO_WHEEL_FOR_PYTHON: frozenset(
        {Code.TORCH_MISSING, Code.TORCH_CPU_BUILD, Code.INDEX_DIVERTED, Code.CONDA_CPU_BUILD}
    ),
    Code.TORCH_REPLACED: frozenset({Code.TORCH_CPU_BUILD, Code.INDEX_DIVERTED, Code.CONDA_CPU_BUILD}),
    Code.JETSON_GENERIC_WHEEL: frozenset({Code.TORCH_CPU_BUILD, Code.INDEX_DIVERTED}),
    Code.CONDA_CPU_BUILD: frozenset({Code.TORCH_CPU_BUILD, Code.INDEX_DIVERTED}),
    Code.DRIVER_TOO_OLD: frozenset({Code.PTX_TOO_NEW}),
    # The build for an older GPU brings the older cuDNN with it.
    Code.NO_KERNEL_IMAGE: frozenset({Code.CUDNN_UNSUPPORTED}),
    Code.MIXED_GPUS: frozenset({Code.CUDNN_UNSUPPORTED}),
}


def explained(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without those that an error among them explains, the first to be fixed first."""
    all_of_them = tuple(findings)
    causes = {finding.code for finding in all_of_them if finding.level is Level.ERROR}
    gone = {code for cause in causes for code in _EXPLAINS.get(cause, ()) if cause not in _EXPLAINS.get(code, ())}
    left = [finding for finding in all_of_them if finding.code not in gone]
    return tuple(sorted(left, key=lambda finding: finding.place))


def contradicted(finding: Finding, *, computes: bool) -> Finding:
    """Return a finding as a warning when torch has just computed rightly in spite of it."""
    if not computes or finding.level is not Level.ERROR:
        return finding
    if finding.code in _BESIDE_TORCH:
        return finding
    evidence = (*finding.evidence, "and yet torch computed rightly on every GPU")
    return replace(finding, level=Level.WARNING, evidence=evidence)
