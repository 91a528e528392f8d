"""From the values of a decision to those that Python callers and `--format json` get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from envgen.api.values import (
    Audit,
    AuditedTorch,
    Code,
    CondaChoice,
    Decision,
    DecisionRequest,
    Explanation,
    FoundGpu,
    Note,
    PipChoice,
    Reason,
    RejectedBuild,
    RequestedGpu,
)
from envgen.core.gpus import Gpu
from envgen.core.releases import CPU
from envgen.core.request import Request
from envgen.core.resolution import Pairing, Rejection, Resolution
from envgen.core.sets import PackageSet
from envgen.resolve.install import install_commands
from envgen.resolve.why_not import Explanation as Explained

if TYPE_CHECKING:
    from envgen.audits.verdict import FileReport


class RejectedBuilds(Sequence[RejectedBuild]):
    """The rejections of a decision, each worked out when one is read: most callers never do."""

    def __init__(self, rejections: Sequence[Rejection]) -> None:
        self._rejections = rejections

    def __len__(self) -> int:
        return len(self._rejections)

    @overload
    def __getitem__(self, index: int) -> RejectedBuild: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RejectedBuild]: ...
    def __getitem__(self, index: int | slice) -> RejectedBuild | Sequence[RejectedBuild]:
        return self._found[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._found == tuple(other)

    def __hash__(self) -> int:
        return hash(len(self))

    def __repr__(self) -> str:
        return repr(self._found)

    @cached_property
    def _found(self) -> tuple[RejectedBuild, ...]:
        return tuple(_rejected(rejection) for rejection in self._rejections)


def decision_mapping(found: Decision) -> dict[str, Any]:
    """A decision as JSON knows it, key by key."""
    return asdict(replace(found, rejected=tuple(found.rejected)))


def decision(resolution: Resolution, catalog: str) -> Decision:
    """One platform's decision; `catalog` is the revision of the facts."""
    request = resolution.request
    return Decision(
        catalog=catalog,
        request=_request(request, str(resolution.driver) if resolution.driver else None),
        gpus=tuple(
            RequestedGpu(
                input=requested.input,
                name=requested.gpu.name,
                compute_capability=str(requested.gpu.capability),
                architecture=requested.gpu.architecture,
            )
            for requested in request.gpus
        ),
        pip=_pip(resolution.pip) if resolution.pip else None,
        conda=_conda(resolution.conda, request.python) if resolution.conda else None,
        rejected=RejectedBuilds(resolution.rejected),
        notices=tuple(Note(code=notice.code, text=notice.text) for notice in resolution.notices),
    )


def explanation(request: Request, explained: Explained) -> Explanation:
    """The answer to why one build was not taken."""
    build, rejection = explained.build, explained.rejection
    return Explanation(
        platform=request.subdir.value,
        channel=build.package_set.value,
        torch=build.torch,
        cuda=build.cuda_tag if build.package_set is PackageSet.PIP else build.cuda or CPU,
        usable=rejection is None,
        chosen=explained.chosen,
        reasons=tuple(Reason(code=code, text=text) for code, text in explained.reasons),
        unlock=dict(rejection.unlock) if rejection else {},
    )


def found_gpu(gpu: Gpu, notes: tuple[str, ...]) -> FoundGpu:
    """A GPU of the catalog, with what the look-up noted."""
    return FoundGpu(
        name=gpu.name,
        compute_capability=str(gpu.capability),
        architecture=gpu.architecture,
        chip=gpu.chip,
        pci_ids=gpu.pci_ids,
        notes=notes,
    )


def _request(request: Request, driver: str | None) -> DecisionRequest:
    return DecisionRequest(
        platform=request.subdir.value,
        python=request.python,
        driver=driver,
        driver_origin=request.driver_origin.value,
        glibc=request.glibc if request.subdir.is_linux else None,
        torch=request.torch or None,
        cuda=request.cuda or None,
    )


def _codes(pairing: Pairing) -> tuple[Code, ...]:
    return tuple(Code(gpu=use.gpu, kind=use.code.kind.value, arch=str(use.code)) for use in pairing.code)


def _pip(pairing: Pairing) -> PipChoice:
    build = pairing.build
    return PipChoice(
        torch=build.torch,
        cuda_tag=build.cuda_tag,
        index_url=pairing.index_url,
        torchvision=pairing.torchvision or None,
        torchaudio=pairing.torchaudio or None,
        code=_codes(pairing),
        driver_floor=str(pairing.driver_floor) if pairing.driver_floor else None,
        fully_served=pairing.fully_served,
        cudnn=build.cudnn or None,
        evidence=build.evidence,
        source=build.source,
        install=install_commands(pairing),
    )


def _conda(pairing: Pairing, python: str) -> CondaChoice:
    build = pairing.build
    return CondaChoice(
        pytorch=build.torch,
        cuda_version=build.cuda or CPU,
        build=build.conda.glob_for(python),
        channels=build.conda.channels,
        specs=pairing.specs,
        code=_codes(pairing),
        driver_floor=str(pairing.driver_floor) if pairing.driver_floor else None,
        fully_served=pairing.fully_served,
        evidence=build.evidence,
        source=build.source,
        install=install_commands(pairing),
    )


def _rejected(rejection: Rejection) -> RejectedBuild:
    return RejectedBuild(
        channel=rejection.package_set.value,
        torch=rejection.torch,
        cuda_tag=rejection.cuda_tag,
        code=rejection.code.value,
        text=rejection.text,
        unlock=dict(rejection.unlock),
    )


def audited(report: FileReport) -> Audit:
    """What was found of one file."""
    return Audit(
        name=report.file,
        format=report.format,
        torch=tuple(
            AuditedTorch(
                line=verdict.mention.line,
                text=verdict.mention.text,
                channel=verdict.mention.package_set.value,
                platform=verdict.platform,
                variant=verdict.mention.variant,
                build=verdict.judgement.label,
                outcome=verdict.judgement.outcome.value,
                code=verdict.judgement.code,
                reason=verdict.judgement.reason,
                notes=verdict.judgement.notes,
                change=verdict.change or None,
            )
            for verdict in report.verdicts
        ),
        remarks=report.remarks,
    )
