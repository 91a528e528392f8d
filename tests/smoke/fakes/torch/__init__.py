"""Fake torch. A tensor is the expression that made it, so the GPU's result equals the CPU's when the expressions do.

A fault of the host is an operation that raises or errs on a GPU: `{"op": {"raise": [type, text]}}` or
`{"op": {"error": 0.5}}`, where op is a name such as `matmul`, or `matmul:float16` for one dtype.
That the arithmetic itself is right is proven with a real torch, elsewhere.
"""

from __future__ import annotations

import atexit
import builtins
import operator
import os
import sys
from types import SimpleNamespace
from typing import Any

from scenario import HOST  # type: ignore[import-not-found]  # on PYTHONPATH of the run only

if HOST["torch"] is None:
    raise ModuleNotFoundError("No module named 'torch'", name="torch")
if HOST["torch_error"] == "exit":
    raise SystemExit(0)
if HOST["torch_error"] == "os._exit":
    os._exit(0)
if HOST["torch_error"]:
    raise ImportError(HOST["torch_error"])
if HOST["at_exit"]:
    atexit.register(os._exit, 0)

__version__ = HOST["torch"]
version = SimpleNamespace(cuda=HOST["cuda"], hip=HOST["hip"])
_C = SimpleNamespace(_cuda_getArchFlags=lambda: HOST["archs"])
float16, bfloat16, float32, float64, int64, uint8 = "float16", "bfloat16", "float32", "float64", "int64", "uint8"
_state = {"cudnn": True, "lost": False}


class _Device:
    def __init__(self, kind: str, index: int) -> None:
        self.type, self.index = kind, index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))


CPU = _Device("cpu", 0)


def device(kind: str, index: int) -> _Device:
    return _Device(kind, index)


def _as_device(place: Any) -> _Device:
    return place if isinstance(place, _Device) else _Device(str(place).split(":", maxsplit=1)[0], 0)


class Tensor:
    """`expression` is what made it, `error` how wrong it is (relative)."""

    def __init__(self, expression: Any, place: _Device = CPU, dtype: str = "float32", error: float = 0.0) -> None:
        self.expression, self.device, self.dtype, self.error = expression, place, dtype, error
        self.grad: Tensor | None = None
        self.parents: Any = ()

    def to(self, *places: Any, device: Any = None, dtype: Any = None, copy: bool = False) -> Tensor:
        for place in places:
            if place in ("float16", "bfloat16", "float32", "float64"):
                dtype = place
            else:
                device = place
        target = self.device if device is None else _as_device(device)
        if target.type == "cuda":
            _touch("copy", target, "")
        same = target == self.device and dtype in (None, self.dtype)
        if same and not copy:
            return self
        return Tensor(self.expression, target, dtype or self.dtype, self.error)

    def cpu(self) -> Tensor:
        return self.to(CPU)

    def cuda(self) -> Tensor:
        return self.to(_Device("cuda", 0))

    def double(self) -> Tensor:
        return self.to("float64")

    def float(self) -> Tensor:
        return self.to("float32")

    def data_ptr(self) -> int:
        """The address that the fake driver reads the GPU from: its number and one more above the lower 32 bits."""
        lies = {"host": 0, "first": 1}
        index = lies.get(HOST["memory"], self.device.index + 1) if self.device.type == "cuda" else 0
        return (index << 32) + 64

    def tolist(self) -> Any:
        """The numbers, for the few expressions that the smoke test knows the numbers of."""
        numbers = HOST["numbers"] or _numbers(self.expression)
        if self.error:
            numbers = [*numbers[:-1], None]
        return numbers

    def detach(self) -> Tensor:
        return self

    def t(self) -> Tensor:
        return apply("t", self)

    def requires_grad_(self) -> Tensor:
        return self

    def square(self) -> Tensor:
        return self

    def mean(self) -> Tensor:
        return self

    def backward(self) -> None:
        for place, parent in enumerate(self.parents):
            parent.grad = apply("conv2d_backward", *self.parents, place)

    @property
    def real(self) -> Tensor:
        return self

    def __add__(self, other: Any) -> Tensor:
        return apply("add", self, other)

    def __mul__(self, other: Any) -> Tensor:
        return apply("mul", self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return apply("mul", self, other)

    def __sub__(self, other: Tensor) -> _Number:
        same = self.expression == other.expression
        return _Number(self.error + other.error if same else 1e9)

    def abs(self) -> _Number:
        return _Number(1.0)

    def __len__(self) -> int:
        return 28

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, Tensor):  # out of bounds, in the child process
            if HOST["assert"]:
                sys.exit(HOST["assert"])
            return self
        return SimpleNamespace(item=lambda: 7 if self.error == 0 else 0)


class _Number:
    """A difference, on its way through abs, max, / and item."""

    def __init__(self, value: builtins.float) -> None:
        self.value = value

    def abs(self) -> _Number:
        return self

    def max(self) -> _Number:
        return self

    def __truediv__(self, other: _Number) -> _Number:
        return _Number(self.value / other.value)

    def item(self) -> builtins.float:
        return self.value


def _touch(op: str, place: _Device, dtype: str) -> builtins.float:
    """What a GPU does to the result of an operation: its error, or an exception."""
    if _state["lost"]:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    faults = HOST["gpus"][place.index].get("faults", {})
    fault = faults.get(f"{op}:{dtype}", faults.get(op))
    if fault is None or (fault.get("cudnn") and not _state["cudnn"]):
        return 0.0
    if "raise" in fault:
        _state["lost"] = bool(fault.get("lost"))
        kind, text = fault["raise"]
        raise getattr(builtins, kind)(text)
    return float(fault["error"])


def apply(op: str, *operands: Any) -> Tensor:
    """The result of an operation, on the device of its first tensor."""
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    place, dtype = tensors[0].device, tensors[0].dtype
    if any(tensor.device != place for tensor in tensors):
        raise RuntimeError("Expected all tensors to be on the same device")
    error = sum(tensor.error for tensor in tensors)
    if place.type == "cuda":
        error += _touch(op, place, dtype)
    parts = tuple(operand.expression if isinstance(operand, Tensor) else operand for operand in operands)
    return Tensor(_simplify(op, parts), place, dtype, error)


def _simplify(op: str, parts: Any) -> Any:
    """The few identities that the smoke test relies on where it does not compare like with like."""
    if op == "add" and parts[0][:1] == ("arange",) and parts[1] == 1:
        return ("arange", parts[0][1] + 1, parts[0][2] + 1)
    if op == "sort" and parts[0][:1] == ("randperm",):
        return ("arange", 0, parts[0][1])
    if op == "eigvals" and parts[0][0] == "mul" and parts[0][1][0] == "eye":
        return ("full", (parts[0][1][1],), builtins.float(parts[0][2]))
    return (op, *parts)


def _numbers(expression: Any) -> Any:
    if expression[0] == "arange":
        return list(range(expression[1], expression[2]))
    rows = expression[1][1]
    return [[sum(map(operator.mul, row, column)) for column in zip(*rows)] for row in rows]  # noqa: B905 -- on 3.8


def manual_seed(seed: int) -> None:
    del seed


def randn(*shape: int) -> Tensor:
    return Tensor(("randn", shape))


def randperm(count: int) -> Tensor:
    return Tensor(("randperm", count), dtype=int64)


def arange(*bounds: int, dtype: str = int64) -> Tensor:
    return Tensor(("arange", *((0, *bounds)[-2:])), dtype=dtype)


def eye(count: int) -> Tensor:
    return Tensor(("eye", count))


def zeros(count: int) -> Tensor:
    return Tensor(("zeros", count))


def tensor(values: Any, dtype: str = float32) -> Tensor:
    return Tensor(("tensor", tuple(values)), dtype=dtype)


def full(shape: Any, value: Any, dtype: str = float32, device: Any = CPU) -> Tensor:
    place = _as_device(device)
    error = _touch("full", place, dtype) if place.type == "cuda" else 0.0
    return Tensor(("full", shape, value), place, dtype, error)


def stack(tensors: Any, dim: int) -> Tensor:
    return apply("stack", *tensors, dim)


def matmul(a: Tensor, b: Tensor) -> Tensor:
    if a.device.type == "cuda" and backends.cuda.matmul.allow_tf32 and a.dtype == float32:
        return Tensor(("matmul", a.expression, b.expression), a.device, a.dtype, 3e-4)
    return apply("matmul", a, b)


def sort(a: Tensor) -> Any:
    return (apply("sort", a), None)


def sin(a: Tensor) -> Tensor:
    return apply("sin", a)


def view_as_real(a: Tensor) -> Tensor:
    return a


def equal(a: Tensor, b: Tensor) -> bool:
    return a.expression == b.expression and a.error == b.error


def _conv2d(x: Tensor, w: Tensor, padding: int) -> Tensor:
    result = apply("conv2d", x, w, padding)
    result.parents = (x, w)
    return result


def _compile(function: Any) -> Any:
    def compiled(x: Tensor) -> Any:
        result = function(x)
        result.error += _touch("compile", x.device, x.dtype)
        return result

    return compiled


class _CudnnFlags:
    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __enter__(self) -> None:
        _state["cudnn"] = self.enabled

    def __exit__(self, *_: object) -> None:
        _state["cudnn"] = True


def _synchronize(place: Any = None) -> None:
    if _state["lost"]:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


def _is_available() -> bool:
    if HOST["warning"]:
        import warnings

        warnings.warn(HOST["warning"], stacklevel=2)
    return bool(HOST["available"])


def _name(place: _Device) -> Any:
    if HOST["gpus"][place.index].get("lost"):
        raise RuntimeError("CUDA error: GPU is lost")
    return HOST["gpus"][place.index]["name"]


def _capability(place: _Device) -> Any:
    return tuple(int(number) for number in HOST["gpus"][place.index]["capability"].split("."))


if HOST["compile"]:
    compile = _compile
nn = SimpleNamespace(functional=SimpleNamespace(conv2d=_conv2d))
linalg = SimpleNamespace(
    svd=lambda a: (None, apply("svd", a), None),
    solve=lambda a, b: apply("solve", a, b),
    eigvals=lambda a: apply("eigvals", a),
)
fft = SimpleNamespace(rfft=lambda a: apply("rfft", a))
backends = SimpleNamespace(
    cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=True)),
    cudnn=SimpleNamespace(
        is_available=lambda: HOST["cudnn"] is not None,
        version=lambda: HOST["cudnn"],
        allow_tf32=True,
        flags=_CudnnFlags,
    ),
)
cuda = SimpleNamespace(
    is_available=_is_available,
    device_count=lambda: len(HOST["gpus"]),
    get_device_name=_name,
    get_device_capability=_capability,
    synchronize=_synchronize,
    mem_get_info=lambda place: (6 << 30, 8 << 30),
    empty_cache=lambda: None,
)
