"""A report for a bug tracker, without anything that names a person, a computer or one particular GPU."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, field

from envgen.causes.context import Context
from envgen.core.dataclass import dataclass
from envgen.doctor.diagnosis import Diagnosis
from envgen.doctor.document import diagnosis_lines, diagnosis_mapping
from envgen.doctor.scrub import Identity, scrub
from envgen.probe import commands
from envgen.probe.document import observation_mapping
from envgen.probe.files import HostFiles
from envgen.probe.process import Command, Completed, Runner

HEADER = "envgen doctor report"

# Files that the probe reads and that hold nothing private (a pip.conf may).
_PLAIN_FILES = ("/proc/", "/sys/", "/etc/os-release", "/etc/nv_tegra_release", "/etc/prime", "/etc/supergfxd.conf")
_CAPTURE_LIMIT = 20_000
_KEPT = {
    commands.DMESG: re.compile(r"NVRM|nvidia|nouveau"),
    commands.LDCONFIG: re.compile(r"cuda|nvidia|cudnn|cublas|libcu|libnv|nccl", re.IGNORECASE),
    commands.LSPCI: re.compile(r"VGA|3D controller|Display|NVIDIA|\[0680\]|Kernel driver in use"),
}
_FIELDS = frozenset(
    {"Driver Version", "KMD Version", "CUDA Version", "CUDA UMD Version", "Attached GPUs", "Product Name", "MIG Mode"}
    | {"Current", "Pending", "GPU UUID", "Device Id", "Bus Id", "Total", "Compute Mode", "State", "Status", "CliqueId"}
    | {"Virtualization Mode", "Virtualization mode", "GPU Instance ID", "Compute Instance ID", "Device Index"}
    | {"GSP Firmware Version", "Driver Model", "Addressing Mode", "Product Architecture"}
)


@dataclass(slots=True)
class Recorder:
    """Passes every question on and keeps what was answered, so that a report can become a test of the probe."""

    runner: Runner
    files: HostFiles
    outputs: dict[str, Completed] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def run(self, command: Command, /, *, timeout_s: float) -> Completed:
        """Run a command and keep its output."""
        completed = self.runner(command, timeout_s=timeout_s)
        self.outputs[command.name] = completed
        return completed

    def read(self, path: str, /) -> str | None:
        """Read a file and keep its text if it is one that holds nothing private."""
        text = self.files.read(path)
        if text is not None and path.startswith(_PLAIN_FILES):
            self.texts[path] = text
        return text

    def names(self, path: str, /) -> tuple[str, ...]:
        """The names in a folder."""
        return self.files.names(path)

    def target(self, path: str, /) -> str:
        """The path after following links."""
        return self.files.target(path)

    def access(self, path: str, /) -> bool | None:
        """Whether this user may open a file."""
        return self.files.access(path)


def report(context: Context, diagnosis: Diagnosis, identity: Identity, recorder: Recorder | None, version: str) -> str:
    """Return the report as text: the diagnosis, what was seen, and what each source said, all of it scrubbed."""
    parts = {
        "host": observation_mapping(context.observation),
        "environment": asdict(context.environment) if context.environment else None,
        "torch": asdict(context.run) if context.run else None,
        "findings": diagnosis_mapping(context, diagnosis, strict=False),
    }
    lines = [
        f"{HEADER} (envgen {version}). Names, folders, host names, logins, serial numbers and UUIDs were removed.",
        "",
    ]
    lines += diagnosis_lines(context, diagnosis)
    for name, part in parts.items():
        lines += ["", f"## {name}", "", "```json", json.dumps(_plain(part), indent=1, ensure_ascii=False), "```"]
    if recorder:
        lines += ["", "## captures", "", "```text", *_captures(recorder), "```"]
    return scrub("\n".join(lines) + "\n", identity)


def _captures(recorder: Recorder) -> Iterator[str]:
    """What each program printed and each file held, in the form in which the project keeps captured hosts."""
    for name, completed in sorted(recorder.outputs.items()):
        if name in ("torch", "python"):
            continue  # in the sections above
        ended = completed.outcome if completed.exit_code is None else f"exit {completed.exit_code}"
        yield f"==> program {name} ({ended}) <=="
        yield _shortened(name, completed.stdout + completed.stderr)
    for path, text in sorted(recorder.texts.items()):
        yield f"==> {path} <=="
        yield _shortened(path, text)


def _shortened(name: str, text: str) -> str:
    """What bears on the GPU: not the other programs on it, nor the rest of the kernel log and of the loader's cache."""
    lines = text.splitlines()
    if name in _KEPT:
        lines = [line for line in lines if _KEPT[name].search(line)]
    elif name == commands.SMI_QUERY:
        lines = list(_fields_that_count(lines)) or lines  # a failure has no fields
    kept = "\n".join(lines)
    return kept if len(kept) <= _CAPTURE_LIMIT else f"{kept[:_CAPTURE_LIMIT]}\n[cut]"


def _fields_that_count(lines: Iterable[str]) -> Iterator[str]:
    """The fields of `nvidia-smi -q` that the probe reads, each below its headings: a log of 8 GPUs is 70 kB."""
    headings: list[tuple[int, str, bool]] = []
    for line in lines:
        depth, (name, colon, _) = len(line) - len(line.lstrip()), line.partition(" : ")
        while headings and headings[-1][0] >= depth:
            headings.pop()
        if colon and name.strip() in _FIELDS:
            yield from (heading for _, heading, was_said in headings if not was_said)
            headings = [(at, heading, True) for at, heading, _ in headings]
            yield line
        elif line.strip() and not colon:
            headings.append((depth, line, False))


def _plain(value: object) -> object:
    """A value as JSON knows it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
