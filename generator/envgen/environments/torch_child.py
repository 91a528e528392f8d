"""Uses torch and says what happened, a JSON line for each thing. Runs in the examined Python (3.7 or newer).

Each line is `envgen-doctor:["key", value]`, flushed at once: after a crash or a hang the last line says where it was.
Every kernel is followed by a synchronisation, because CUDA's errors come late.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType


def say(key: str, value: object) -> None:
    sys.stdout.write("envgen-doctor:" + json.dumps([key, value]) + "\n")
    sys.stdout.flush()


def attempt(action: Callable[[], object]) -> str:
    """The words of the error that an action ends in; empty when it ends well."""
    try:
        action()
    except BaseException as error:  # noqa: BLE001 - anything is an answer here, SystemExit of an import included
        return f"{type(error).__name__}: {error}"[:4000]
    return ""


def loaded(words: Iterable[str]) -> list[str]:
    """Paths of the shared libraries in this process whose name holds one of the words (Linux)."""
    try:
        with Path("/proc/self/maps").open() as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if line.count("/") and ".so" in line}
    except (OSError, IndexError):
        return []
    return sorted(path for path in paths if any(word in path.rsplit("/", 1)[-1] for word in words))


def import_torch() -> None:
    torch = importlib.import_module("torch")
    say("torch-file", getattr(torch, "__file__", None) or "")
    version = getattr(torch, "version", None)
    say("torch-version", str(getattr(torch, "__version__", "")))
    say("cuda", getattr(version, "cuda", None))
    say("hip", getattr(version, "hip", None))


def look_at_devices(torch: ModuleType) -> None:
    count = torch.cuda.device_count()
    say("count", count)
    for index in range(count):
        properties: dict[str, object] = {}
        error = attempt(functools.partial(read_device, torch, index, properties))
        say("device", {"index": index, "error": error, **properties})


def arch_list(torch: ModuleType) -> list[str]:
    """What the build carries: `get_arch_list` is empty where no GPU is available, the flags behind it are not."""
    flags = getattr(getattr(torch, "_C", None), "_cuda_getArchFlags", None)
    return (flags() or "").split() if flags else list(torch.cuda.get_arch_list())


def read_device(torch: ModuleType, index: int, properties: dict[str, object]) -> None:
    properties["name"] = torch.cuda.get_device_name(index)
    properties["capability"] = list(torch.cuda.get_device_capability(index))


def run_kernel(torch: ModuleType, index: int) -> None:
    device = torch.device("cuda", index)
    ones = torch.ones(1024, device=device)
    total = float((ones * 2).sum().item())
    torch.cuda.synchronize(device)
    if total != 2048.0:
        raise ArithmeticError(f"1024 ones, doubled and summed, gave {total}")


def run_convolution(torch: ModuleType, index: int) -> None:
    device = torch.device("cuda", index)
    image, weight = torch.ones(1, 1, 8, 8, device=device), torch.ones(1, 1, 3, 3, device=device)
    total = float(torch.nn.functional.conv2d(image, weight).sum().item())
    torch.cuda.synchronize(device)
    if total != 324.0:  # 36 places, each the sum of nine ones
        raise ArithmeticError(f"a convolution of ones gave {total}")


def use_devices(torch: ModuleType) -> None:
    for index in range(torch.cuda.device_count()):
        say("kernel", {"index": index, "error": attempt(functools.partial(run_kernel, torch, index))})
        say("convolution", {"index": index, "error": attempt(functools.partial(run_convolution, torch, index))})


def look_at_vision(torch: ModuleType) -> None:
    say("vision-found", True)
    torchvision = importlib.import_module("torchvision")
    say("vision-version", str(getattr(torchvision, "__version__", "")))
    boxes, scores = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0])
    torchvision.ops.nms(boxes, scores, 0.5)
    if torch.cuda.is_available():
        torchvision.ops.nms(boxes.cuda(), scores.cuda(), 0.5)
        torch.cuda.synchronize()


def main() -> None:
    say("executable", sys.executable)
    say("prefix", sys.prefix)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = attempt(import_torch)
        say("import-error", error)
        if error:
            return
        torch = importlib.import_module("torch")
        if not hasattr(torch, "cuda") or not hasattr(torch, "version"):
            say("import-error", "AttributeError: module torch is not PyTorch")
            return
        available: list[bool] = []
        say("available-error", attempt(lambda: available.append(bool(torch.cuda.is_available()))))
        say("available", bool(available and available[0]))
        if torch.version.cuda is not None:
            say("arch-error", attempt(lambda: say("arch-list", arch_list(torch))))
            say("init-error", attempt(torch.cuda.init))
        say("libraries", loaded(("libcuda.so", "libcudnn.so", "libcudart.so")))
        if available and available[0]:
            say("device-error", attempt(lambda: look_at_devices(torch)))
            say("cudnn-error", attempt(lambda: say("cudnn", torch.backends.cudnn.version())))
            use_devices(torch)
        if importlib.util.find_spec("torchvision") is not None:
            say("vision-error", attempt(lambda: look_at_vision(torch)))
    say("warnings", [str(item.message)[:2000] for item in caught][:20])
    say("done", True)


main()
