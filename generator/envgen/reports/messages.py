"""What torch, Python and the driver said in a pasted text: errors, warnings, and answers of an interpreter."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.errors import ValueFormatError

_VERSION = r"\d+\.\d+(?:\.\d+)?(?:\.?(?:dev|a|rc|post)\d*)?(?:\+[\w.]+)?"
_CUDA_WORDS = re.compile(
    r"CUDA initialization|CUDA error|CUDA unknown error|CUDA out of memory|cudaError|cuda runtime error|cudaGetDevice"
    r"|CUDA driver initialization failed|Found no NVIDIA driver|No CUDA GPUs are available|not compiled with CUDA"
    r"|NVIDIA driver on your system is too old|CUDA driver version is insufficient|no kernel image"
    r"|unsupported toolchain"
    r"|torchvision::nms|cuDNN version incompatibility|CUDNN_STATUS|Could not load library libcudnn|stub library"
    r"|device < num_gpus|GPU is lost|fallen off the bus|busy or unavailable|MPS client failed"
    r"|could not select device driver|is not compatible with the current PyTorch|because it is too old"
    r"|API call is not supported"
)
_RAISED = re.compile(
    r"^\s*(?:E\s+)?(?P<kind>ImportError|OSError|ModuleNotFoundError|RuntimeError|AttributeError): (?P<text>.*)$"
)
# Libraries of torch's own, or of NVIDIA's packages beside it: an extension of others is not torch.
_OF_TORCH = re.compile(
    r"[/\\]torch[/\\]|[/\\]nvidia[/\\]|\b(libtorch|libc10|libcu|libnv|libnccl|libgomp)|fbgemm\.dll|c10\.dll|torch_\w+\.dll"
    r"|shm\.dll|cudnn|No module named 'torch'|numpy"
)
_INCOMPATIBLE = re.compile(r"(?<![^\n:])(?P<name>[^\n:]+?) with CUDA capability sm_(?P<sm>\d{2,3}a?) is not compatible")
_TOO_OLD = re.compile(
    r"Found GPU\d+ (?P<name>.+?) which is of (?:cuda|compute) capability (?:\(CC\) )?(?P<x>\d+)\.(?P<y>\d)"
)
_SUPPORTS = re.compile(r"supports CUDA capabilities (?P<codes>(?:(?:sm|compute)_\d+\w*\s*)+)")
# What the question that this program asks for prints, with or without the answer of is_available().
_ONE_LINE = re.compile(
    rf"^[^\w\n]*(?P<version>{_VERSION})[', ]+(?P<cuda>\d+\.\d+|None)'?(?:[, ]+(?P<answer>True|False))?[^\w\n]*$",
    re.MULTILINE,
)
_CUDA_PRINTED = re.compile(r"torch\.version\.cuda\)?\s*\n\s*['\"]?(?P<cuda>\d+\.\d+|None)")
_ARCHES = re.compile(r"get_arch_list\(\)\)?\s*\n\s*\[(?P<codes>[^\]]+)\]")
_DEVICE_NAME = re.compile(
    r"get_device_name\([^)]*\)\)?\s*\n\s*['\"]?(?P<name>[A-Z][^'\"\n]{3,60})['\"]?\s*$", re.MULTILINE
)
_PYTHON = re.compile(r"^[ \t]*Python (?P<version>3\.\d+\.\d+)\b", re.MULTILINE)
_PRINTED = re.compile(rf"torch\.__version__\)?[\"']?(?:\s*\n\s*|[ \t]*(?:->|[:=])?[ \t]*)['\"]?(?P<version>{_VERSION})")
# In running text a release is often another one than that which is installed: a pin, a label or the word is needed.
_BEFORE = r"(?:==|\s+version:?\s+|[ -]v?(?=[\d.]+\w*\+(?:cu|cpu)))"
_NAMED = re.compile(rf"\b(?:torch|pytorch){_BEFORE}(?P<version>{_VERSION})", re.IGNORECASE)
_ANSWERED = re.compile(
    r"is_available\(\)\)?[\"']?(?:\s*(?:\n|:|=|->|is|returns)\s*|[ \t]+(?=False))(?P<answer>True|False)"
)
# People say in many ways that it is False; that it is True is as often what it should be.
_IS_FALSE = re.compile(
    r"is_available(?:\(\))?\)?[\"'`*,]{0,3}[ \t]*(?:(?:it|just|always|still|now|only|which|keeps?|but)[ \t]+){0,3}"
    r"(?:is|was|==?|:|=>|returns?|returned|returning|gives?|gave|shows?|prints?|outputs?)"
    r"[ \t]*(?:me[ \t]+)?[:\"'`*]{0,3}False\b",
    re.IGNORECASE,
)
# What a line of conda's asks for: `pytorch==1.7.0 torchvision cudatoolkit=10.1 -c pytorch`.
_ASKED_OF_CONDA = re.compile(
    r"\bpytorch={1,2}\d[\d.]*[ \t][^\n]{0,120}?\b(?:cudatoolkit|pytorch-cuda)={1,2}(?P<cuda>\d+\.\d+)"
)
_VISION = re.compile(rf"\btorchvision{_BEFORE}(?P<version>{_VERSION})")
_VARIABLE = re.compile(
    r"^[ \t]*+(?:\$ )?(?:export |set |\$env:)?(?P<name>CUDA_VISIBLE_DEVICES|LD_LIBRARY_PATH|CUDA_MPS_PIPE_DIRECTORY"
    r"|NVIDIA_VISIBLE_DEVICES|PYTHONPATH)=(?P<value>\S*)[ \t]*$",
    re.MULTILINE,
)
_FOLLOWED = re.compile(r"echo \$(?P<name>CUDA_VISIBLE_DEVICES|LD_LIBRARY_PATH)\s*\n(?P<value>[/\d][^\s$]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedGpu:
    """A GPU that torch named because it has no code for it."""

    name: str
    capability: ComputeCapability
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """What was printed. `torch` is empty where no version is stated, or several are; `available` None: not printed.

    `cuda` is None for a build without CUDA, and empty where nothing says it; `gpu` is the name that torch printed.
    """

    errors: tuple[str, ...] = ()
    import_error: str = ""
    refused: tuple[RefusedGpu, ...] = ()
    arch_list: tuple[ArchCode, ...] = ()
    torch: str = ""
    vision: str = ""
    torch_file: str = ""
    cuda: str | None = ""
    gpu: str = ""
    python: str = ""
    available: bool | None = None
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def has_answers(self) -> bool:
        """True when an interpreter was asked and its answer is there."""
        return bool(self.torch or self.gpu or self.python or self.arch_list) or self.available is not None


def read_messages(lines: list[str]) -> Messages:
    """Return what a text quotes of torch, Python and the shell."""
    text = "\n".join(lines)
    errors = tuple(dict.fromkeys(" ".join(line.split()) for line in lines if _CUDA_WORDS.search(line)))
    codes = _SUPPORTS.search(" ".join(text.split())) or _ARCHES.search(text)
    answers = {found["answer"] == "True" for found in _ANSWERED.finditer(text)}
    one_line = _ONE_LINE.search(text)
    if one_line and one_line["answer"]:
        answers.add(one_line["answer"] == "True")
    if _IS_FALSE.search(text) or "Torch is not able to use GPU" in text:  # stable-diffusion-webui asks and says so
        answers.add(False)
    variables = [(found["name"], found["value"]) for found in (*_VARIABLE.finditer(text), *_FOLLOWED.finditer(text))]
    imported = re.search(r"torch\.__file__\)?\s*\n\s*['\"]?(?P<path>\S+?torch[/\\]__init__\.py)", text)
    return Messages(
        errors=errors,
        import_error=_import_error(lines),
        refused=tuple(_refused(lines)),
        arch_list=tuple(_codes(codes["codes"])) if codes else (),
        torch=(one_line["version"] if one_line else "") or _one(_PRINTED, text) or _one(_NAMED, text),
        vision=_one(_VISION, text),
        torch_file=imported["path"] if imported else "",
        cuda=_cuda(text, one_line),
        gpu=device["name"].strip() if (device := _DEVICE_NAME.search(text)) else "",
        python=python["version"] if (python := _PYTHON.search(text)) else "",
        available=answers.pop() if len(answers) == 1 else None,
        variables=tuple(dict(variables).items()),
    )


def _cuda(text: str, one_line: re.Match[str] | None) -> str | None:
    found = one_line or _CUDA_PRINTED.search(text) or _ASKED_OF_CONDA.search(text)
    if "Torch not compiled with CUDA enabled" in text or (found and found["cuda"] == "None"):
        return None
    return found["cuda"] if found else ""


def _codes(listed: str) -> Iterator[ArchCode]:
    for code in re.findall(r"(?:sm|compute)_\d+\w*", listed):
        with contextlib.suppress(ValueFormatError):
            yield ArchCode.parse(code)


def _import_error(lines: list[str]) -> str:
    """What an import of torch ended in: its line, where the traceback goes through torch or names its libraries."""
    in_torch = False
    for line in lines:
        if "Traceback (most recent" in line:
            in_torch = False
        if re.search(r'File "[^"]*[/\\]torch[/\\]__init__\.py"|^\s*import torch\b|>>> import torch\b', line):
            in_torch = True
        found = _RAISED.match(line)
        if not found or _CUDA_WORDS.search(line):
            continue
        by_library = found["kind"] in ("ImportError", "OSError") and _OF_TORCH.search(found["text"])
        missing = "No module named 'torch'" in found["text"]
        if by_library or missing or (in_torch and found["kind"] in ("ImportError", "OSError")):
            return f"{found['kind']}: {found['text']}".strip()
    found_windows = next((line for line in lines if "[WinError" in line and _OF_TORCH.search(line)), "")
    return found_windows.strip()


def _refused(lines: list[str]) -> list[RefusedGpu]:
    refused = {}
    for line in lines:
        flat = " ".join(line.split())
        if found := _INCOMPATIBLE.search(flat):
            digits = found["sm"].rstrip("a")
            capability = ComputeCapability(int(digits[:-1]), int(digits[-1]))
        elif found := _TOO_OLD.search(flat):
            capability = ComputeCapability(int(found["x"]), int(found["y"]))
        else:
            continue
        name = found["name"].strip()
        refused[name] = RefusedGpu(name=name, capability=capability, line=flat[:300])
    return list(refused.values())


def _one(pattern: re.Pattern[str], text: str) -> str:
    """The version that a text states, when it states one only: of several nobody can tell which is meant."""
    found = {match["version"].rstrip(".") for match in pattern.finditer(text)}
    labelled = {version for version in found if any(other.startswith(f"{version}+") for other in found)}
    left = found - labelled
    return left.pop() if len(left) == 1 else ""
