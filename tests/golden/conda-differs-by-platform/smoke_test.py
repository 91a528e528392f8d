# envgen 0.2.0: smoke_test.py for GeForce GTX 1080 Ti (compute capability 6.1), linux-64, Python 3.12 and win-64
# made by: envgen --gpu "GeForce GTX 1080 Ti" --platform linux-64 --platform win-64 --driver "linux-64=570.86.15" --driver "win-64=572.16" --python 3.12 --glibc 2.28
# pip, linux-64: torch 2.14.1+cu126 with torchvision 0.29.1+cu126 (CUDA tag cu126), runs as sm_60 (SASS), driver 525.60.13 or newer
# use: .venv/bin/python smoke_test.py
# conda, linux-64: pytorch 2.10.0 cuda129 from conda-forge, runs as sm_60 (SASS), driver 525.60.13 or newer
# use: conda run --name pytorch-2.10.0-cuda129 python smoke_test.py
# note [no-torch-compile]: torch.compile of torch 2.14.1 (Triton 3.8.0) does not work on GeForce GTX 1080 Ti (6.1)
# note [last-build-for-gpu]: 2.14.1 is the last PyTorch release with wheels for GeForce GTX 1080 Ti: newer ones have no code for it, or a cuDNN that has none (pytorch/pytorch#190385 for CUDA 12.6)
# note [fallback-lock]: conda is locked at 2.10.0 cuda129; by the catalog 2.13.0 cuda129 is newer and runs too: --upgrade asks the index or channel for it
# pip, win-64: torch 2.14.1+cu126 with torchvision 0.29.1+cu126 (CUDA tag cu126), runs as sm_61 (SASS), driver 528.33 or newer
# use: .venv\Scripts\python smoke_test.py
# conda, win-64: pytorch 2.10.0 cuda128 from conda-forge, runs as sm_60 (SASS), driver 528.33 or newer
# use: conda run --name pytorch-2.10.0-cuda128 python smoke_test.py
# note [no-torch-compile]: torch.compile has no Triton here: the wheels of torch 2.14.1 for win-64 bring none; the package triton-windows brings one
# note [last-build-for-gpu]: 2.14.1 is the last PyTorch release with wheels for GeForce GTX 1080 Ti: newer ones have no code for it, or a cuDNN that has none (pytorch/pytorch#190385 for CUDA 12.6)
# note [fallback-lock]: conda is locked at 2.10.0 cuda128; by the catalog 2.13.0 cuda128 is newer and runs too: --upgrade asks the index or channel for it
# note [conda-without-companion]: torchvision is not in the conda files: conda-forge had no build of it for pytorch 2.10.0 with CUDA 12.8 and Python 3.12 when it was solved
# No CUDA Toolkit and no cuDNN has to be installed: the packages carry them, only the driver matters.
# catalog 2026-01-01.00000000
# request {"v":1,"gpus":[{"name":"GeForce GTX 1080 Ti","capability":"6.1"}],"platforms":[{"subdir":"linux-64","driver":"570.86.15","origin":"given","glibc":"2.28","sets":{"pip":{"state":"locked"},"conda":{"state":"locked"}}},{"subdir":"win-64","driver":"572.16","origin":"given","glibc":"","sets":{"pip":{"state":"locked"},"conda":{"state":"locked"}}}],"python":"3.12","torch":"","cuda":"","vision":true,"audio":false,"with":{}}
# body sha256:d19a3bc40aa0c1a63586d28f32fb63d0e5ee9d310e5cbc208270aae4e457e870
#
"""Smoke test: does this PyTorch really compute on this GPU, and if not, whose fault is it?

    python smoke_test.py               every check, on every GPU
    python smoke_test.py --build-only  what can be known without a GPU: is the installed build the locked one?
    python smoke_test.py --compile     torch.compile too (needs triton and a C compiler)
    python smoke_test.py --json        one line of JSON on stdout, the talk on stderr

Needs Python 3.8 or newer and torch, nothing else; torchvision is checked when it is there. An environment that is
locked for the CPU is checked on the CPU.
Exit status: 0 passed, 1 failed, 2 wrong usage, 77 no GPU here (`--require-gpu` makes that a failure).

The checks run in a child process: one that ends before its last check has failed, whatever its status. Where numbers
are, which GPUs there are and what they can is asked of the driver. Against a torch that is made to deceive (it can
answer in the driver's place) nothing is proven: the hashes of the lock files are there for that.
"""

import os
import sys

if __name__ == "__main__":
    # A json.py, torch.py or pathlib.py beside this file, or where PYTHONPATH points to, is not the environment's.
    HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 -- nothing is imported before
    OTHERS = {HERE, *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    sys.path[:] = [place for place in sys.path if place and place not in OTHERS]

import argparse
import ctypes
import faulthandler
import importlib
import json
import re
import subprocess
import warnings

# What the lock files hold: the installed torch must be one of the pairings. An empty value is not checked.
EXPECTED = {
    "pairings": [
        {"source": 'pip', "torch": '2.14.1', "cuda": '12.6', "torchvision": '0.29.1'},
        {"source": 'conda', "torch": '2.10.0', "cuda": '12.9', "torchvision": ''},
        {"source": 'conda', "torch": '2.10.0', "cuda": '12.8', "torchvision": ''},
    ],
    "gpus": [
        {"name": 'GeForce GTX 1080 Ti', "capability": '6.1'},
    ],
}

LOCK = "install from the lock file, into a new environment"
REMEDIES = {  # code of a failed check -> what to do about it
    "driver-incomplete": "install the compute part of the NVIDIA driver; start a container with `--gpus all`",
    "driver-mismatch": "reboot: kernel module and user library are of different driver versions",
    "driver-failed": "run nvidia-smi; if that fails too, reinstall the driver",
    "driver-too-old": "update the NVIDIA driver, or take a build for an older CUDA major",
    "cuda-unavailable": "run nvidia-smi, then restart; `envgen doctor` looks for the cause",
    "torch-missing": "install the environment from its lock file and use that environment's Python",
    "gpu-not-seen": "unset CUDA_VISIBLE_DEVICES and restart the programs; the driver shows more GPUs than torch",
    "capability-disputed": "reinstall torch: it reports another GPU than the driver does",
    "not-on-gpu": "reinstall torch: by the driver its numbers are not in the memory of this GPU",
    "ended-early": "something ended the process: the last lines above, or `python -c 'import torch'`, may say what",
    "cpu-build": LOCK + " (a plain `pip install torch` gives a CPU build on Windows)",
    "torchvision-mismatch": "torchvision was built for another torch or CUDA: " + LOCK,
    "torchvision-cpu-build": "torchvision has no CUDA code: " + LOCK,
    "no-kernel-image": "take a build that has code for this GPU: `envgen resolve` names the newest one",
    "ptx-driver-too-old": "the driver must compile this GPU's code: update it to the build's CUDA version",
    "cudnn-unsupported": "cuDNN is at fault, not the GPU: take the cuDNN of the lock file (below 9.11 before Turing)",
    "magma-unsupported": 'call torch.backends.cuda.preferred_linalg_library("cusolver"), or take a CUDA 12 build',
    "wrong-result": "check the GPU's memory, clocks and temperature, then try another driver",
    "gpu-memory": "free GPU memory (nvidia-smi shows who holds it) and run again",
    "context-failed": "run again with CUDA_LAUNCH_BLOCKING=1 to see which kernel broke the CUDA context",
    "assert-not-raised": "kernels do not seem to run at all: reinstall the driver",
    "assert-other-error": "a second process can't use the GPU: see the error above",
    "compile-failed": "install triton and a C compiler (gcc, clang), or go without torch.compile: it is optional",
}
SYMPTOMS = [  # part of an error text -> code
    ("no kernel image", "no-kernel-image"),
    ("unsupported toolchain", "ptx-driver-too-old"),
    ("out of memory", "gpu-memory"),
]


class Failed(Exception):
    verdict = "failed"

    def __init__(self, code, detail):
        super().__init__(detail)
        self.code, self.detail = code, first_line(detail)


class Skipped(Failed):
    verdict = "skipped"


class Warned(Failed):  # what people need may work all the same
    verdict = "warning"


def first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


class Report:
    """Runs checks, says each verdict as soon as it is known, and keeps all of them."""

    def __init__(self, stream):
        self.stream, self.checks, self.facts = stream, [], {}

    def say(self, text):
        print(text, file=self.stream, flush=True)

    def run(self, name, check, *args, gpu=None):
        """Run one check, which returns what it saw or raises; False when it failed."""
        verdict, code = "passed", ""
        try:
            detail = check(*args) or ""
        except Failed as problem:
            verdict, code, detail = problem.verdict, problem.code, problem.detail
        except (Exception, SystemExit) as error:
            known = [code for part, code in SYMPTOMS if part in str(error).lower()]
            verdict, code, detail = "failed", known[0] if known else name + "-failed", first_line(error)
        remedy = REMEDIES.get(code, LOCK) if verdict in ("failed", "warning") else ""
        self.checks.append(dict(check=name, gpu=gpu, verdict=verdict, code=code, detail=detail, remedy=remedy))
        mark = {"passed": "ok", "failed": "FAIL", "skipped": "skip", "warning": "warn"}[verdict]
        self.say(f"  {mark:<4}  {name:<12}  {detail}" + (f" [{code}]" if code else ""))
        if remedy:
            self.say(f"        remedy: {remedy}")
        return verdict != "failed"


def load_library(linux, windows):
    try:
        return ctypes.CDLL(windows if sys.platform == "win32" else linux)
    except OSError:
        return None


def cuda_driver():
    """The driver's own library: it is asked where torch could be wrong."""
    return load_library("libcuda.so.1", "nvcuda.dll")


def driver_version():
    """The driver's version as NVML tells it, or an empty string (older Jetsons have no NVML)."""
    nvml = load_library("libnvidia-ml.so.1", "nvml.dll")
    status = nvml.nvmlInit_v2() if nvml else None
    if status == 18:  # NVML_ERROR_LIB_RM_VERSION_MISMATCH
        raise Failed("driver-mismatch", "NVML: driver/library version mismatch")
    if status != 0:
        return ""
    text = ctypes.create_string_buffer(96)
    nvml.nvmlSystemGetDriverVersion(text, 96)
    return text.value.decode("ascii", "replace")


def check_driver(facts):
    """The driver is there, fits its kernel module, and shows at least one GPU."""
    facts["driver"] = driver_version()
    cuda = cuda_driver()
    if cuda is None and facts["driver"]:
        raise Failed("driver-incomplete", "NVML is there, but not the CUDA driver library (libcuda, nvcuda)")
    if cuda is None:
        raise Skipped("no-gpu", "no NVIDIA driver here; if there is a GPU, install the driver")
    status, hidden = cuda.cuInit(0), os.environ.get("CUDA_VISIBLE_DEVICES")
    if status == 100:  # CUDA_ERROR_NO_DEVICE
        raise Skipped("no-gpu", f"the driver shows no GPU (CUDA_VISIBLE_DEVICES is {hidden!r})")
    if status != 0:  # 803: system driver mismatch
        raise Failed("driver-mismatch" if status == 803 else "driver-failed", f"cuInit returned {status}")
    number = ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(number))
    facts["driver_cuda"] = f"{number.value // 1000}.{number.value % 1000 // 10}"
    return f"driver {facts['driver'] or 'of unknown version'} serves CUDA {facts['driver_cuda']}"


def check_torch(facts, cpu=False):
    """torch can be imported, and it is a CUDA build where one is locked."""
    try:
        torch = importlib.import_module("torch")
    except ModuleNotFoundError as error:
        code = "torch-missing" if error.name == "torch" else "torch-failed"
        raise Failed(code, f"{error}, in {sys.executable}") from error
    facts["torch"], facts["cuda"] = str(torch.__version__), torch.version.cuda
    if cpu:  # a build of another kind is not the locked one, as the next check says
        return f"torch {facts['torch']}"
    if torch.version.cuda is None:
        rocm = getattr(torch.version, "hip", None)
        raise Failed("cpu-build", f"torch {torch.__version__} is a {'ROCm' if rocm else 'CPU'} build, no CUDA code")
    # get_arch_list() is empty without a GPU in older releases; the flags behind it are compiled in.
    facts["arch_list"] = (torch._C._cuda_getArchFlags() or "").split()
    return f"torch {facts['torch']}, built with CUDA {facts['cuda']}"


def same_build(installed, release, cuda):
    """True for 2.14.1, 2.14.1.post300 (conda) and 2.14.1+cu126; another local label is another build."""
    public, _, label = installed.partition("+")
    own = cuda if cuda == "cpu" else "cu" + cuda.replace(".", "")
    return re.sub(r"\.post\d+$", "", public) == release and label in ("", own)


def named(release, cuda):
    return f"{release} for the CPU" if cuda == "cpu" else f"{release} with CUDA {cuda}"


def check_locked(expected, facts):
    """The installed torch is the one that the lock files hold."""
    seen, cuda = facts["torch"], facts["cuda"] or "cpu"
    for pairing in expected["pairings"]:
        if pairing["cuda"] in ("", cuda) and (not pairing["torch"] or same_build(seen, pairing["torch"], cuda)):
            expected["torchvision"] = pairing["torchvision"]
            return f"this is the locked build ({pairing['source']})"
    if not expected["pairings"]:
        raise Skipped("not-asked", "no locked version to compare with")
    locked = " or ".join(f"{named(p['torch'], p['cuda'])} ({p['source']})" for p in expected["pairings"])
    raise Failed("torch-not-locked", f"{named(seen, cuda)} is installed; locked: {locked}")


def check_torchvision(expected, facts):
    """torchvision loads beside this torch, and it is the locked version."""
    locked = expected["torchvision"]
    try:
        facts["torchvision"] = str(importlib.import_module("torchvision").__version__)
    except ModuleNotFoundError as error:
        if error.name == "torchvision" and not locked:
            raise Skipped("not-installed", "torchvision is neither installed nor locked") from error
        raise Failed("torchvision-missing", error) from error
    except (ImportError, OSError, RuntimeError) as error:
        raise Failed("torchvision-mismatch", error) from error
    if locked and not same_build(facts["torchvision"], locked, facts["cuda"] or "cpu"):
        raise Failed("torchvision-not-locked", f"{facts['torchvision']} is installed; locked: {locked}")
    return f"torchvision {facts['torchvision']}"


def check_coverage(expected, facts):
    """The build has code for each GPU that the environment was made for."""
    archs = " ".join(facts["arch_list"]) or "nothing"
    for gpu in expected["gpus"]:
        if not code_for(facts["arch_list"], capability_of(gpu["capability"])):
            raise Failed("no-kernel-image", f"{gpu['name']} ({gpu['capability']}): the build has {archs}")
    names = [f"{gpu['name']} ({gpu['capability']})" for gpu in expected["gpus"]]
    return f"the build has {archs}" + (f"; covers {', '.join(names)}" if names else "")


# SASS for X.Y runs on X.Z with Z >= Y, except between a desktop chip and the embedded ones of the same major.
# Source: DEVICE_REQUIREMENT in torch/cuda/__init__.py of 2.15.0.
EMBEDDED = {(5, 3), (6, 2), (7, 2), (8, 7)}


def capability_of(text):
    """(8, 9) of "8.9", "sm_89" or "compute_89"; 10.1 was renumbered to 11.0 in CUDA 13."""
    digits = re.sub(r"\D", "", text)
    number = int(digits[:-1]), int(digits[-1])
    return (11, 0) if number == (10, 1) else number


def runs_on(arch, gpu):
    """True when an entry of an arch list (sm_86, sm_90a, sm_100f, compute_90) promises to run on the GPU."""
    code = capability_of(arch)
    if arch.endswith("a"):  # that capability only
        return code == gpu
    if arch.startswith("compute_") and not arch.endswith("f"):  # PTX: the driver compiles it for newer GPUs
        return code <= gpu
    if code in EMBEDDED or gpu in EMBEDDED:
        return code == gpu
    return code[0] == gpu[0] and code[1] <= gpu[1]  # the same major; suffix f (family) is no different here


def code_for(arch_list, gpu):
    """The entry that a GPU runs: the nearest machine code (sm_), else PTX (compute_), else an empty string."""
    usable = [arch for arch in arch_list if runs_on(arch, gpu)]
    return max(usable, key=lambda arch: (arch.startswith("sm_"), capability_of(arch)), default="")


def check_code(torch, device, facts):
    """The build covers this GPU; if not, every kernel would fail with "no kernel image is available"."""
    name, capability = torch.cuda.get_device_name(device), "{}.{}".format(*torch.cuda.get_device_capability(device))
    facts["gpus"].append({"index": device.index, "name": name, "capability": capability})
    stated = "{}.{}".format(*driver_attributes(device.index, 75, 76))  # compute capability, major and minor
    if stated != capability:
        raise Failed("capability-disputed", f"{name}: torch says {capability}, the driver {stated}")
    gpu, archs = capability_of(capability), facts["arch_list"]
    arch = code_for(archs, gpu)
    if not arch:
        # Orin (8.7) is seen to run sm_80, though nobody promises it: there the next checks decide.
        related = gpu in EMBEDDED and any(capability_of(entry)[0] == gpu[0] for entry in archs)
        problem = Warned if related else Failed
        raise problem("no-kernel-image", f"{name} ({capability}): the build has {' '.join(archs)}")
    if arch.startswith("compute_") and numbers(facts["driver_cuda"]) < numbers(facts["cuda"]):
        raise Failed("ptx-driver-too-old", f"{arch} has to be compiled, the driver serves CUDA {facts['driver_cuda']}")
    return f"{name} ({capability}) runs {arch}"


def numbers(version):
    return [int(part) for part in version.split(".")]


def driver_attributes(index, *attributes):
    """The values that cuDeviceGetAttribute gives for a GPU."""
    values = [ctypes.c_int() for _ in attributes]
    for value, attribute in zip(values, attributes):
        cuda_driver().cuDeviceGetAttribute(ctypes.byref(value), attribute, index)
    return [value.value for value in values]


def check_available(torch, facts):
    """torch agrees that there is a GPU."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if torch.cuda.is_available() and torch.cuda.device_count() > 0:
            facts["cudnn"] = torch.backends.cudnn.version()
            count = ctypes.c_int()
            cuda_driver().cuDeviceGetCount(ctypes.byref(count))
            if torch.cuda.device_count() < count.value:
                raise Failed(
                    "gpu-not-seen", f"torch sees {torch.cuda.device_count()} of the driver's {count.value} GPUs"
                )
            return f"{torch.cuda.device_count()} GPU(s), cuDNN {facts['cudnn']}"
    driver, build = facts["driver_cuda"], facts["cuda"]
    if numbers(driver)[0] < numbers(build)[0]:
        raise Failed("driver-too-old", f"the driver serves CUDA {driver}, the build needs CUDA {build}")
    reason = caught[-1].message if caught else "torch gives no reason"
    raise Failed("cuda-unavailable", f"torch.cuda.is_available() is False: {reason}")


def check_place(tensor, device):
    """By the driver, the numbers of a tensor are in the memory of this GPU."""
    kind, index = ctypes.c_uint(), ctypes.c_int(-1)
    for value, attribute in ((kind, 2), (index, 9)):  # CU_POINTER_ATTRIBUTE_MEMORY_TYPE, _DEVICE_ORDINAL
        cuda_driver().cuPointerGetAttribute(ctypes.byref(value), attribute, ctypes.c_uint64(tensor.data_ptr()))
    if (kind.value, index.value) != (2, device.index):  # CU_MEMORYTYPE_DEVICE
        place = f"on GPU {index.value}" if kind.value == 2 else "not on a GPU"
        raise Failed("not-on-gpu", f"what torch computed on GPU {device.index} is {place} by the driver")


def compare(what, actual, reference, tolerance, device=None):
    """Fail unless the largest difference is small beside the largest value (NaN never is)."""
    if device is not None and device.type == "cuda":
        check_place(actual, device)
    difference = (actual.detach().cpu().double() - reference).abs().max() / reference.abs().max()
    error = difference.item()
    if not error <= tolerance:
        raise Failed("wrong-result", f"{what}: relative error {error:.1e}, more than {tolerance:.0e}")
    return f"{what}: relative error {error:.1e}"


def check_copy(torch, device):
    there = torch.arange(4096, dtype=torch.float32).to(device) + 1
    if device.type == "cuda":
        check_place(there, device)
    if there.cpu().tolist() != list(range(1, 4097)):
        raise Failed("wrong-result", "numbers came back changed")
    return "4096 numbers to the GPU and back"


def check_matmul(torch, device, dtype, tolerance):
    if dtype == torch.bfloat16 and torch.cuda.get_device_capability(device)[0] < 8:
        raise Skipped("not-native", "bf16 is native from compute capability 8.0")
    torch.backends.cuda.matmul.allow_tf32 = False  # TF32 alone would cost an error of about 1e-3
    rows, right = whole_product()
    whole = torch.tensor(rows, dtype=dtype).to(device)
    if torch.matmul(whole, whole).cpu().tolist() != right:
        raise Failed("wrong-result", "48x48 differs from the product in whole numbers")
    a, b = torch.randn(256, 256).to(dtype), torch.randn(256, 256).to(dtype)
    product = torch.matmul(a.to(device), b.to(device))
    return compare("256x256", product, torch.matmul(a.double(), b.double()), tolerance, device)


def whole_product():
    """A matrix of small whole numbers and its square, worked out in plain Python: exact in every type of torch's."""
    rows = [[(7 * i + 3 * j) % 5 - 2 for j in range(48)] for i in range(48)]
    return rows, [[sum(x * y for x, y in zip(row, column)) for column in zip(*rows)] for row in rows]


def convolve(torch, device):
    """Compare a convolution and both its gradients with the CPU's."""
    image, kernel = torch.randn(4, 16, 32, 32).double(), torch.randn(8, 16, 3, 3).double()
    results = []
    for place, dtype in (("cpu", torch.float64), (device, torch.float32)):
        x = image.to(device=place, dtype=dtype, copy=True).requires_grad_()
        w = kernel.to(device=place, dtype=dtype, copy=True).requires_grad_()
        y = torch.nn.functional.conv2d(x, w, padding=1)
        y.square().mean().backward()
        results.append((y.detach(), x.grad, w.grad))
    for what, reference, actual in zip(("conv2d", "image gradient", "kernel gradient"), *results):
        compare(what, actual, reference, 1e-4, device)


def check_convolution(torch, device):
    """conv2d with cuDNN; when that fails, the same without cuDNN tells whose fault it is."""
    cudnn = torch.backends.cudnn
    if not cudnn.is_available():
        raise Failed("cudnn-missing", "torch finds no cuDNN")
    cudnn.allow_tf32 = False
    try:
        convolve(torch, device)
    except Exception as error:
        try:
            with cudnn.flags(enabled=False):
                convolve(torch, device)
        except Exception:
            raise error from None
        detail = f"works without cuDNN, fails with cuDNN {cudnn.version()}: {first_line(error)}"
        raise Failed("cudnn-unsupported", detail) from error
    return f"forward and backward, with cuDNN {cudnn.version()}"


def check_linalg(torch, device):
    a, b = torch.randn(64, 64).double(), torch.randn(64, 8).double()
    compare("SVD", torch.linalg.svd(a.float().to(device))[1], torch.linalg.svd(a)[1], 1e-4, device)
    a = torch.matmul(a, a.t()) + 64 * torch.eye(64).double()  # far from singular
    result = torch.linalg.solve(a.float().to(device), b.float().to(device))
    return "SVD and " + compare("solve", result, torch.linalg.solve(a, b), 1e-4, device)


def check_magma(torch, device):
    """Eigenvalues: many releases leave them to MAGMA, whose CUDA 13 builds may lack code for Turing."""
    try:
        values = torch.linalg.eigvals(torch.eye(8).to(device) * 3)
    except RuntimeError as error:
        raise Warned("magma-unsupported", error) from error
    return compare("eigenvalues", values.real, torch.full((8,), 3.0).double(), 1e-4)


def check_fft(torch, device):
    signal = torch.randn(4096).double()
    spectrum = torch.view_as_real(torch.fft.rfft(signal.float().to(device)))
    return compare("4096 points", spectrum, torch.view_as_real(torch.fft.rfft(signal)), 1e-4, device)


def check_sort(torch, device):
    if torch.sort(torch.randperm(100000).to(device))[0].cpu().tolist() != list(range(100000)):
        raise Failed("wrong-result", "sorted numbers are not in order")
    return "100000 numbers"


def check_nms(torch, device):
    """torchvision's own CUDA code against its CPU code. Neighbours overlap by 6/14, the threshold is 0.4."""
    vision = sys.modules.get("torchvision")
    if vision is None:
        raise Skipped("not-installed", "torchvision is not loaded")
    left = torch.arange(64, dtype=torch.float32) * 4
    boxes = torch.stack([left, left * 0, left + 10, left * 0 + 10], dim=1)
    scores = torch.randperm(64).float()
    expected = vision.ops.nms(boxes, scores, 0.4)
    try:
        kept = vision.ops.nms(boxes.to(device), scores.to(device), 0.4)
    except NotImplementedError as error:
        raise Failed("torchvision-cpu-build", error) from error
    if not torch.equal(kept.cpu(), expected):
        raise Failed("wrong-result", "torchvision.ops.nms keeps other boxes on the GPU than on the CPU")
    return f"nms keeps the same {len(expected)} of 64 boxes as on the CPU"


def check_memory(torch, device):
    """Half of the free memory, at most 4 GiB, can be had, written and read."""
    free, total = torch.cuda.mem_get_info(device)
    size = min(free // 2, 4 << 30)
    block = torch.full((size,), 7, dtype=torch.uint8, device=device)
    if device.type == "cuda":
        check_place(block, device)
    values = [block[place].item() for place in (0, size // 2, size - 1)]
    del block
    torch.cuda.empty_cache()
    if values != [7, 7, 7]:
        raise Failed("wrong-result", f"memory holds {values} where 7 was written")
    return f"{free >> 20} of {total >> 20} MiB free, {size >> 20} MiB written and read"


def check_compile(torch, device):
    if not hasattr(torch, "compile") or torch.cuda.get_device_capability(device)[0] < 7:
        raise Skipped("not-supported", "torch.compile needs torch 2 and compute capability 7.0")
    importlib.import_module("triton")
    x = torch.randn(1000)
    compiled = torch.compile(lambda value: torch.sin(value) * 2 + value)
    return compare("compiled", compiled(x.to(device)), torch.sin(x.double()) * 2 + x.double(), 1e-5)


def check_assert():
    """The negative control: reading out of bounds must raise; in a child process, as it ends the CUDA context."""
    code = "import sys; sys.path[:] = [place for place in sys.path if place]; import torch; "
    code += "torch.zeros(4).cuda()[torch.tensor([9]).cuda()]; torch.cuda.synchronize()"
    child = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    output = child.stdout.decode("utf-8", "replace").strip()
    if child.returncode == 0:
        raise Failed("assert-not-raised", "reading out of bounds on the GPU raised nothing")
    if "busy or unavailable" in output:
        raise Skipped("gpu-exclusive", "the GPU is in exclusive mode, a second process can't use it")
    if "device-side assert" not in output:
        raise Failed("assert-other-error", f"exit status {child.returncode}: {output[-200:].splitlines()[-1:]}")
    return "reading out of bounds raises"


GPU_CHECKS = [
    ("copy", check_copy),
    ("fp32", lambda torch, device: check_matmul(torch, device, torch.float32, 1e-5)),
    ("fp16", lambda torch, device: check_matmul(torch, device, torch.float16, 5e-3)),
    ("bf16", lambda torch, device: check_matmul(torch, device, torch.bfloat16, 2e-2)),
    ("convolution", check_convolution),
    ("linalg", check_linalg),
    ("magma", check_magma),
    ("fft", check_fft),
    ("sort", check_sort),
    ("nms", check_nms),
    ("memory", check_memory),
]

# On the CPU there is nothing to compare torch with: the right numbers are known, or worked out in plain Python.


def check_cpu_matmul(torch):
    rows, right = whole_product()
    for dtype in (torch.float32, torch.float64):
        a = torch.tensor(rows, dtype=dtype)
        if torch.matmul(a, a).tolist() != right:
            raise Failed("wrong-result", f"48x48 in {dtype} differs from the product in whole numbers")
    return "48x48 in float32 and float64, exact"


def check_cpu_convolution(torch):
    image = torch.arange(36, dtype=torch.float32).reshape(1, 1, 6, 6).requires_grad_()
    kernel = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    result = torch.nn.functional.conv2d(image, kernel)
    result.sum().backward()
    right = [[1 * n + 2 * (n + 1) + 3 * (n + 6) + 4 * (n + 7) for n in range(6 * y, 6 * y + 5)] for y in range(5)]
    if result[0, 0].tolist() != right or image.grad[0, 0, 1, :2].tolist() != [4, 10]:
        raise Failed("wrong-result", "a convolution of whole numbers, or its gradient, is not what it should be")
    return "forward and backward, exact"


def check_cpu_linalg(torch):
    x = torch.arange(1, 9).double().reshape(8, 1)
    a = torch.diag(torch.arange(8.0, 0, -1).double()) + torch.triu(torch.ones(8, 8).double(), 1)
    compare("solve", torch.linalg.solve(a, (a * x[:, 0]).sum(1, keepdim=True)), x, 1e-10)
    compare("eigenvalues", torch.linalg.eigvals(a).real.sort()[0], torch.arange(1, 9).double(), 1e-10)
    return "SVD and " + compare("solve", torch.linalg.svd(torch.diag(x[:, 0]))[1].flip(0), x[:, 0], 1e-10)


def check_cpu_fft(torch):
    turns = torch.arange(1024).double() * (2 * 3.141592653589793 * 5 / 1024)
    right = torch.zeros(513, 2).double()
    right[5, 0] = 512
    return compare("a cosine", torch.view_as_real(torch.fft.rfft(torch.cos(turns))), right, 1e-10)


def check_cpu_nms(torch):
    vision = sys.modules.get("torchvision")
    if vision is None:
        raise Skipped("not-installed", "torchvision is not loaded")
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]])  # the first two overlap by 9/11
    if vision.ops.nms(boxes, torch.tensor([0.8, 0.9, 0.7]), 0.5).tolist() != [1, 2]:
        raise Failed("wrong-result", "torchvision.ops.nms keeps the wrong boxes")
    return "nms keeps the right boxes"


CPU_CHECKS = [
    ("fp32", check_cpu_matmul),
    ("convolution", check_cpu_convolution),
    ("linalg", check_cpu_linalg),
    ("fft", check_cpu_fft),
    ("nms", check_cpu_nms),
]


SEED = int.from_bytes(os.urandom(4), "little")  # what was computed before, or elsewhere, is no answer


def synchronised(check, torch, device):
    """Run a check and wait for its kernels, so that their errors surface here and not three checks later."""
    torch.manual_seed(SEED)
    detail = check(torch, device)
    torch.cuda.synchronize(device)
    return detail


def run_gpu(report, torch, index, checks):
    """Run the checks on one GPU; False when its CUDA context broke, after which nothing more can be told."""
    device = torch.device("cuda", index)
    report.say(f"GPU {index}")
    if not report.run("code", check_code, torch, device, report.facts, gpu=index):
        return True
    for name, check in checks:
        passed = report.run(name, synchronised, check, torch, device, gpu=index)
        if not passed and not report.run("context", torch.cuda.synchronize, device, gpu=index):
            return False
    return True


def run_checks(report, options, expected):
    facts = report.facts
    facts.update(driver="", driver_cuda="", torch="", cuda=None, torchvision="", cudnn=None, arch_list=[], gpus=[])
    cpu = bool(expected["pairings"]) and all(pairing["cuda"] == "cpu" for pairing in expected["pairings"])
    if not options.build_only and not cpu:
        report.run("driver", check_driver, facts)
    if not report.run("torch", check_torch, facts, cpu):
        return
    report.run("locked", check_locked, expected, facts)
    report.run("torchvision", check_torchvision, expected, facts)
    torch = sys.modules["torch"]
    if cpu:
        REMEDIES["wrong-result"] = LOCK + "; if it stays so, check the computer's memory"
        for name, check in CPU_CHECKS:
            report.run(name, check, torch)
        return
    report.run("arch list", check_coverage, expected, facts)
    if not facts["driver_cuda"] or not report.run("available", check_available, torch, facts):
        return
    checks = GPU_CHECKS + ([("compile", check_compile)] if options.compile else [])
    if all(run_gpu(report, torch, index, checks) for index in range(torch.cuda.device_count())):
        report.run("assert", check_assert)


def arguments():
    parser = argparse.ArgumentParser(description="Smoke test: does this PyTorch really compute on this GPU?")
    parser.add_argument("--build-only", action="store_true", help="check the installed build only; needs no GPU")
    parser.add_argument("--compile", action="store_true", help="check torch.compile too")
    parser.add_argument("--json", action="store_true", help="print one line of JSON on stdout")
    parser.add_argument("--require-gpu", action="store_true", help="fail, instead of exit status 77, without a GPU")
    parser.add_argument("--expect", metavar="FILE", help="JSON file to use in place of EXPECTED")
    parser.add_argument("--result", metavar="MARK", help=argparse.SUPPRESS)  # the child, and how its last line begins
    options = parser.parse_args()
    options.expected = EXPECTED
    if options.expect:
        try:
            with open(options.expect, encoding="utf-8") as file:
                options.expected = dict(json.load(file))
        except (OSError, TypeError, ValueError) as error:
            parser.error(f"--expect {options.expect}: {first_line(error)}")
    return options


def run(options):
    """Run the checks, and print the result behind the mark: whatever ends the process before has not passed."""
    faulthandler.enable()  # a crash inside a library still says where
    report = Report(sys.stderr if options.json else sys.stdout)
    run_checks(report, options, {"pairings": [], "gpus": [], "torchvision": "", **options.expected})
    verdicts = [check["verdict"] for check in report.checks]
    no_gpu = any(check["code"] == "no-gpu" for check in report.checks)
    failed = "failed" in verdicts or (no_gpu and options.require_gpu)
    verdict, status = ("failed", 1) if failed else ("skipped: no GPU here", 77) if no_gpu else ("passed", 0)
    gpus = " and ".join(dict.fromkeys(gpu["name"] for gpu in report.facts["gpus"]))
    remedies = [check["remedy"] for check in report.checks if check["verdict"] == "failed"]
    first = (remedies or ["run this on the computer with the GPU"])[0]
    works = gpus and f"your GPU works: {gpus} with torch {report.facts['torch']}"
    counts = ", ".join(f"{verdicts.count(kind)} {kind}" for kind in sorted(set(verdicts)))
    last = f"{verdict} ({counts})\n{f'do this first: {first}' if status else works}".strip()
    answer = {"schema_version": 1, "exit_status": status, "build_only": options.build_only, **report.facts}
    print("\n" + options.result + json.dumps([last, {**answer, "checks": report.checks}]), flush=True)
    return status


def main():
    """Start the checks in a child, pass on what it says, and judge how it ended."""
    options = arguments()
    if options.result:
        return run(options)
    mark, found = os.urandom(16).hex(), None
    stream = sys.stderr if options.json else sys.stdout
    left_out = ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONINSPECT")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    flags = ["-W" + option for option in sys.warnoptions]
    command = [sys.executable, *flags, __file__, *sys.argv[1:], "--result", mark]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**environment, "PYTHONIOENCODING": "utf-8"}) as child:
        for line in child.stdout or ():
            text = line.decode("utf-8", "replace")
            if text.startswith(mark):
                found = json.loads(text[len(mark) :])
            elif text.strip():
                print(text.rstrip("\r\n"), file=stream, flush=True)
    last, answer = found or ["failed", {"schema_version": 1, "build_only": options.build_only, "checks": []}]
    status = answer.get("exit_status")
    if found is None or child.returncode != status:
        report = Report(stream)
        report.run("end", ended_early, child.returncode)
        answer["checks"] += report.checks
        last, status = f"failed\ndo this first: {REMEDIES['ended-early']}", 1
    print(last, file=stream)
    if options.json:
        print(json.dumps({**answer, "exit_status": status}))
    return status


def ended_early(status):
    raise Failed("ended-early", f"the process that computes ended with status {status} and without its result")


if __name__ == "__main__":
    sys.exit(main())
