"""Holds a locked build against the request that a header's command makes: by today's catalog it must still run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from envgen.core.builds import Build
from envgen.core.platforms import Subdir
from envgen.core.request import Request
from envgen.core.resolution import RejectionCode
from envgen.facts.catalog import Catalog
from envgen.resolve.evaluation import Evaluation
from envgen.resolve.rules import failures
from envgen.verify.findings import Code, Finding

# Reads the command of a header into requests, one for each platform; none when it names no GPU.
# Raises: EnvgenError when it can't be read.
ReadCommand = Callable[[str], Sequence[Request]]

_CODES = {
    RejectionCode.NO_KERNEL_IMAGE: Code.GPU_NOT_COVERED,
    RejectionCode.NOT_ON_PLATFORM: Code.GPU_NOT_COVERED,
    RejectionCode.DRIVER_TOO_OLD: Code.DRIVER_TOO_OLD,
    RejectionCode.DRIVER_TOO_NEW: Code.DRIVER_DROPPED_GPU,
    RejectionCode.DRIVER_PREDATES_GPU: Code.DRIVER_PREDATES_GPU,
    RejectionCode.CUDNN_UNSUPPORTED: Code.CUDNN_UNSUPPORTED,
}


def no_command(command: str) -> Sequence[Request]:
    """Reads no command: the headers' other lines are all that is known."""
    del command
    return ()


def request_for(requests: Sequence[Request], subdir: Subdir) -> Request | None:
    """The request of one platform, or None."""
    return next((request for request in requests if request.subdir is subdir), None)


def check_request(build: Build, python: str, request: Request, file: str, builds: Catalog) -> Iterator[Finding]:
    """Everything in the catalog that speaks against a locked build for a request."""
    if python != request.python:
        title = f"it is for Python {python}, the command in its header asks for {request.python}"
        yield Finding(code=Code.REQUEST_UNMET, file=file, title=title)
    for failure in failures(build, Evaluation.of(request, builds)):
        code = _CODES.get(failure.code, Code.REQUEST_UNMET)
        evidence = (f"asked for: {', '.join(str(gpu.gpu.name) for gpu in request.gpus)}; {_driver(request)}",)
        yield Finding(code=code, file=file, title=failure.message, evidence=evidence)


def _driver(request: Request) -> str:
    return f"driver {request.driver}" if request.driver is not None else "the newest driver that serves them"
