"""What a run would meet later: libraries that compile for the GPU first, can't, or are not proven to serve it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from envgen.core.builds import Build
from envgen.core.capability import CodeKind
from envgen.core.gpus import Gpu
from envgen.core.platforms import Subdir
from envgen.core.releases import release_key
from envgen.core.resolution import Notice, Pairing
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules import failures
from envgen.resolve.rules.cuda_libraries import compiles, lacks, pinned
from envgen.resolve.rules.libraries import runs_forward
from envgen.resolve.rules.options import asks_for_exactly


def library_notices(pairing: Pairing, evaluation: Evaluation) -> Iterator[Notice]:
    """The notices about one pairing's libraries."""
    for code, text in _texts(pairing, evaluation):
        yield Notice(code=code, text=text, package_set=pairing.package_set)


def _texts(pairing: Pairing, evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    build, gpus = pairing.build, [requested.gpu for requested in evaluation.request.gpus]
    yield from _unproven(build, evaluation)
    compiled = list(dict.fromkeys(use.gpu for use in pairing.code if use.code.kind is CodeKind.PTX))
    if compiled:
        text = f"the {pairing.package_set} build runs from PTX on {', '.join(compiled)}: "
        text += "the first call of each kernel is compiled by the driver"
        yield "ptx-compiled-at-first-use", text
    if forward := _names(gpu for gpu in gpus if runs_forward(build, gpu)):
        text = f"cuDNN {build.cudnn} of the {pairing.package_set} build has no machine code for {forward}: what it has "
        text += "for newer GPUs is compiled at first use, and is slower (NVIDIA: hardware forward compatibility)"
        yield "cudnn-forward-compatibility", text
    if pairing.package_set is PackageSet.PIP:
        yield from _compile(build, gpus, evaluation.catalog)
    yield from _nccl(build, gpus, evaluation.catalog)
    if unknown := _names(gpu for gpu in gpus if _is_unknown_to_nvrtc(build, gpu, evaluation.catalog)):
        text = (
            f"NVRTC of CUDA {build.cuda} knows no {unknown}: torch functions of the {pairing.package_set} build that "
        )
        text += "are compiled at run time (some of complex numbers, prod, torch.special) fail there"
        yield "nvrtc-unknown-gpu", text


def _unproven(build: Build, evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """What speaks against a build that was asked for by name, and would be refused without that."""
    if asks_for_exactly(build, evaluation):
        without = Evaluation.of(replace(evaluation.request, torch=""), evaluation.catalog)
        if refused := next(failures(build, without), None):
            yield "unproven", refused.message


def _nccl(build: Build, gpus: list[Gpu], catalog: Catalog) -> Iterator[tuple[str, str]]:
    nccl = pinned(build, "nccl", catalog)
    if nccl is None:
        return
    if lacking := _names(gpu for gpu in gpus if lacks(nccl, gpu, build.cuda)):
        text = f"NCCL {nccl.version} has no code for {lacking}: one GPU works, several together (distributed training "
        text += "with the nccl backend) fail"
        yield "nccl-no-code", text
    elif compiled := _names(gpu for gpu in gpus if compiles(nccl, gpu, build.cuda)):
        text = f"NCCL {nccl.version} has no machine code for {compiled}: with several GPUs the driver compiles it at "
        text += "first use"
        yield "nccl-compiled-at-first-use", text


def _compile(build: Build, gpus: list[Gpu], catalog: Catalog) -> Iterator[tuple[str, str]]:
    known = catalog.torch_compile.get(build.torch)
    if known is None:
        return
    if build.subdir not in known.subdirs:
        other = "; the package triton-windows brings one" if build.subdir is Subdir.WIN_64 else ""
        text = (
            f"torch.compile has no Triton here: the wheels of torch {build.torch} for {build.subdir} bring none{other}"
        )
        yield "no-torch-compile", text
    elif lacking := _names(gpu for gpu in gpus if gpu.capability < known.lowest or gpu.capability in known.broken):
        text = f"torch.compile of torch {build.torch} (Triton {known.triton}) does not work on {lacking}"
        yield "no-torch-compile", text


def _is_unknown_to_nvrtc(build: Build, gpu: Gpu, catalog: Catalog) -> bool:
    cuda = release_key(build.cuda)[:2]
    rows = [
        row for row in catalog.library_code.values() if row.library == "nvrtc" and release_key(row.version)[:2] == cuda
    ]
    return bool(rows) and all(code.capability != gpu.capability for row in rows for code in row.codes)


def _names(gpus: Iterator[Gpu]) -> str:
    return ", ".join(dict.fromkeys(f"{gpu.name} ({gpu.capability})" for gpu in gpus))
