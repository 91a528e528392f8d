"""What torch itself says, from a child process of the examined Python with a time limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path

from envgen.core.capability import ArchCode, ComputeCapability
from envgen.core.dataclass import dataclass
from envgen.core.errors import ValueFormatError
from envgen.core.json_text import parse_json
from envgen.environments.inspected import Interpreter, parse_interpreter
from envgen.probe.process import Command, Completed, Outcome, Runner

TIMEOUT_S = 60.0
OLDEST_PYTHON = (3, 7)  # of the child that uses torch
_MARK = "envgen-doctor:"


class RunOutcome(StrEnum):
    """How the child ended."""

    DONE = "done"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchDevice:
    """One CUDA device as torch sees it; `kernel_error` and `convolution_error` are empty when it computed rightly.

    Both are None when it was not tried.
    """

    name: str
    capability: ComputeCapability | None
    kernel_error: str | None = None
    convolution_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRun:
    """What the child said. `stage` is the last thing that it said, `reason` why there is no full answer.

    `has_torch` is True once the import ended well. `errors` are all error texts of CUDA's and cuDNN's start, warnings
    included.
    """

    outcome: RunOutcome
    reason: str = ""
    stage: str = ""
    has_torch: bool = False
    torch_file: str = ""
    torch_version: str = ""
    cuda: str | None = None
    hip: str | None = None
    import_error: str = ""
    available: bool | None = None
    errors: tuple[str, ...] = ()
    devices: tuple[TorchDevice, ...] = ()
    arch_list: tuple[ArchCode, ...] = ()
    cudnn: str = ""
    libraries: tuple[str, ...] = ()
    vision_version: str = ""
    vision_error: str | None = None

    @property
    def is_importing(self) -> bool:
        """True when the last that was heard came before the end of torch's import."""
        return self.stage in ("", "prefix", "executable")

    @property
    def works(self) -> bool:
        """True when every device ran a kernel rightly: nothing below torch is at fault."""
        tried = [device.kernel_error for device in self.devices]
        return bool(self.available) and bool(tried) and all(error == "" for error in tried)

    @property
    def computes(self) -> bool:
        """True when every device computed a convolution rightly too, which takes cuDNN."""
        return self.works and all(device.convolution_error == "" for device in self.devices)

    @property
    def vision_failure(self) -> str:
        """What torchvision itself failed with; empty where CUDA fails without it too."""
        ended_there = self.outcome is not RunOutcome.DONE and self.stage in ("vision-found", "vision-version")
        was_imported = bool(self.vision_version)
        if was_imported and self.available and not self.computes:
            return ""
        return self.reason if ended_there else self.vision_error or ""

    @property
    def error_text(self) -> str:
        """All that CUDA's start, the kernels and the convolutions said, as one text to search."""
        kernels = (device.kernel_error or "" for device in self.devices)
        convolutions = (device.convolution_error or "" for device in self.devices)
        return "\n".join((*self.errors, *kernels, *convolutions, self.import_error))


@dataclass(slots=True, kw_only=True)
class _ChildLines:
    """The child's lines: single values by key, repeated ones as lists."""

    values: dict[str, object] = field(default_factory=dict)
    devices: list[Mapping[str, object]] = field(default_factory=list)
    kernels: dict[object, str] = field(default_factory=dict)
    convolutions: dict[object, str] = field(default_factory=dict)
    last: str = ""

    def text(self, key: str) -> str:
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key)
        return tuple(str(item) for item in value) if isinstance(value, list) else ()


def describe_interpreter(python: str, runner: Runner) -> tuple[Interpreter | None, str]:
    """Return what an interpreter is, without importing torch; else None and why not."""
    command = Command(name="python", argv=(python, "-B", "-c", _child("python_child.py")), limit_s=5.0)
    completed = runner(command, timeout_s=command.limit_s)
    found = parse_interpreter(completed.stdout) if completed.outcome is Outcome.DONE else None
    if found is None and completed.exit_code == 0:
        return None, f"{python} ran and did not answer as a Python does"
    return found, "" if found else _why(python, completed, command.limit_s)


def run_torch(python: str, runner: Runner, *, timeout_s: float = TIMEOUT_S, drop: tuple[str, ...] = ()) -> TorchRun:
    """Return what happens when the examined Python imports torch and computes on every device.

    `drop` names variables that the run does not get. `-B`: nothing is written into the environment, no .pyc either.
    """
    argv = (python, "-B", "-c", _child("torch_child.py"))
    command = Command(name="torch", argv=argv, limit_s=timeout_s, drop=drop)
    completed = runner(command, timeout_s=timeout_s)
    if completed.outcome in (Outcome.NOT_FOUND, Outcome.DENIED):
        return TorchRun(outcome=RunOutcome.NOT_RUN, reason=_why(python, completed, timeout_s))
    outcome, reason = RunOutcome.DONE, ""
    if completed.outcome is Outcome.TIMED_OUT:
        outcome, reason = RunOutcome.TIMED_OUT, f"torch gave no answer within {timeout_s:.0f} s"
    elif completed.exit_code != 0:
        outcome, reason = RunOutcome.CRASHED, _why(python, completed, timeout_s)
    return parse_run(completed.stdout, outcome, reason)


def parse_run(text: str, outcome: RunOutcome = RunOutcome.DONE, reason: str = "") -> TorchRun:
    """Return what the lines of the child say."""
    lines = _read(text)
    cuda, hip, available = lines.values.get("cuda"), lines.values.get("hip"), lines.values.get("available")
    error_keys = ("available-error", "init-error", "device-error", "cudnn-error")
    return TorchRun(
        outcome=outcome,
        reason=reason,
        stage=lines.last,
        has_torch="available" in lines.values,
        torch_file=lines.text("torch-file"),
        torch_version=lines.text("torch-version"),
        cuda=cuda if isinstance(cuda, str) else None,
        hip=hip if isinstance(hip, str) else None,
        import_error=lines.text("import-error"),
        available=available if isinstance(available, bool) else None,
        errors=tuple(e for e in (*(lines.text(k) for k in error_keys), *lines.texts("warnings")) if e),
        devices=tuple(_device(row, lines) for row in lines.devices),
        arch_list=tuple(code for entry in lines.texts("arch-list") if (code := _arch(entry))),
        cudnn=_cudnn(lines.values.get("cudnn")),
        libraries=lines.texts("libraries"),
        vision_version=lines.text("vision-version"),
        vision_error=lines.text("vision-error") if "vision-error" in lines.values else None,
    )


def _child(name: str) -> str:
    """The text of a child: given by `-c`, so that no folder of ours enters the examined `sys.path`."""
    return Path(__file__).with_name(name).read_text("utf-8")


def _why(python: str, completed: Completed, limit_s: float) -> str:
    match completed.outcome:
        case Outcome.NOT_FOUND:
            return f"{python} is not there"
        case Outcome.DENIED:
            return f"{python} could not be started: {completed.stderr}"
        case Outcome.TIMED_OUT:
            return f"{python} gave no answer within {limit_s:.0f} s"
        case Outcome.DONE:
            code = completed.exit_code or 0
            ended = f"died of signal {-code}" if code < 0 else f"ended with status {code}"
            last = next((line.strip() for line in reversed(completed.stderr.splitlines()) if line.strip()), "")
            # What is no Python may answer with the whole text of the child.
            return f"{python} {ended}{f': {last[:160]}' if last else ''}"


def _read(text: str) -> _ChildLines:
    lines = _ChildLines()
    for line in text.splitlines():
        # Another program's line before ours may have no end.
        _, mark, ours = line.partition(_MARK)
        if not mark:
            continue
        try:
            key, value = parse_json(ours)
        except (ValueError, TypeError):
            continue
        lines.last = str(key)
        if key == "device" and isinstance(value, dict):
            lines.devices.append(value)
        elif key in ("kernel", "convolution") and isinstance(value, dict):
            place = lines.kernels if key == "kernel" else lines.convolutions
            place[value.get("index")] = str(value.get("error", ""))
        else:
            lines.values[str(key)] = value
    return lines


def _device(row: Mapping[str, object], lines: _ChildLines) -> TorchDevice:
    index, capability = row.get("index"), row.get("capability")
    known = isinstance(capability, list) and len(capability) == 2 and all(isinstance(n, int) for n in capability)
    return TorchDevice(
        name=str(row.get("name", "")),
        capability=ComputeCapability(*capability) if known and isinstance(capability, list) else None,
        kernel_error=lines.kernels.get(index),
        convolution_error=lines.convolutions.get(index),
    )


def _arch(entry: str) -> ArchCode | None:
    try:
        return ArchCode.parse(entry)
    except ValueFormatError:
        return None  # ROCm's gfx names


def _cudnn(number: object) -> str:
    """X.Y.Z of cuDNN's number: 91002 is 9.10.2 (from 9 on: major * 10000), 8907 is 8.9.7 (before: * 1000)."""
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        return ""
    unit = 10000 if number >= 90000 else 1000
    return f"{number // unit}.{number % unit // 100}.{number % 100}"
