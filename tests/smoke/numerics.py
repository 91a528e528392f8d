"""Runs the smoke test's computing checks with a real torch, the CPU in the GPU's place. Needs torch, is no test itself.

usage: numerics.py SMOKE_TEST, which prints one JSON object: {case: code of the finding, or an empty string}.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from typing import Any

import torch  # type: ignore[import-not-found]  # only where this file runs

SPEC = importlib.util.spec_from_file_location("smoke_test", sys.argv[1])
assert SPEC is not None
assert SPEC.loader is not None
SMOKE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SMOKE)

MATMUL, CONV2D = torch.matmul, torch.nn.functional.conv2d


def with_tf32(a: Any, b: Any) -> Any:
    """A product as TF32 makes it: operands rounded to 10 bits of mantissa."""
    if a.dtype != torch.float32:
        return MATMUL(a, b)
    return MATMUL(*(((part.view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32) for part in (a, b)))


def off_by_a_pixel(x: Any, w: Any, padding: int) -> Any:
    """A convolution with one wrong number among 32768, in fp32 only."""
    y = CONV2D(x, w, padding=padding)
    if x.dtype == torch.float32:
        y = y.clone()
        y[0, 0, 0, 0] += 1
    return y


def fails_with_cudnn(x: Any, w: Any, padding: int) -> Any:
    """A convolution that raises where cuDNN would be used."""
    if x.dtype == torch.float32 and torch.backends.cudnn.enabled:
        raise RuntimeError("cuDNN error: CUDNN_STATUS_ARCH_MISMATCH")
    return CONV2D(x, w, padding=padding)


def code_of(check: Any) -> str:
    report = SMOKE.Report(io.StringIO())
    report.run("check", SMOKE.synchronised, check, torch, torch.device("cpu"))
    return str(report.checks[0]["code"])


torch.cuda.get_device_capability = lambda *_: (8, 9)
torch.cuda.mem_get_info = lambda *_: (64 << 20, 128 << 20)
torch.cuda.synchronize = lambda *_: None
torch.backends.cudnn.is_available = lambda: True
CHECKS = dict(SMOKE.GPU_CHECKS)
FOUND = {name: code_of(check) for name, check in CHECKS.items()}
torch.matmul = with_tf32
FOUND["fp32 with TF32"] = code_of(CHECKS["fp32"])
torch.matmul = MATMUL
torch.nn.functional.conv2d = off_by_a_pixel
FOUND["convolution off by a pixel"] = code_of(CHECKS["convolution"])
torch.nn.functional.conv2d = fails_with_cudnn
FOUND["convolution with cuDNN only"] = code_of(CHECKS["convolution"])
json.dump(FOUND, sys.stdout)
