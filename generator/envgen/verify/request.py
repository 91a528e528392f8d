"""Holds a locked build against the request that the headers state: by today's catalog it must still run."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.core.builds import Build
from envgen.core.request import Request
from envgen.core.resolution import RejectionCode
from envgen.facts.catalog import Catalog
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules import failures
from envgen.verify.findings import Code, Finding

_CODES = {
    RejectionCode.NO_KERNEL_IMAGE: Code.GPU_NOT_COVERED,
    RejectionCode.NOT_ON_PLATFORM: Code.GPU_NOT_COVERED,
    RejectionCode.DRIVER_TOO_OLD: Code.DRIVER_TOO_OLD,
    RejectionCode.DRIVER_TOO_NEW: Code.DRIVER_DROPPED_GPU,
    RejectionCode.DRIVER_PREDATES_GPU: Code.DRIVER_PREDATES_GPU,
    RejectionCode.CUDNN_UNSUPPORTED: Code.CUDNN_UNSUPPORTED,
}


def check_request(build: Build, python: str, request: Request, file: str, builds: Catalog) -> Iterator[Finding]:
    """Everything in the catalog that speaks against a locked build for a request."""
    if python != request.python:
        title = f"it is for Python {python}, its header asks for {request.python}"
        yield Finding(code=Code.REQUEST_UNMET, file=file, title=title)
    for failure in failures(build, Evaluation.of(request, builds)):
        code = _CODES.get(failure.code, Code.REQUEST_UNMET)
        evidence = (f"asked for: {', '.join(str(gpu.gpu.name) for gpu in request.gpus)}; {_driver(request)}",)
        evidence = ("asked for: the CPU",) if request.is_cpu else evidence
        yield Finding(code=code, file=file, title=failure.message, evidence=evidence)


def _driver(request: Request) -> str:
    return f"driver {request.driver}" if request.driver is not None else "the newest driver that serves them"
