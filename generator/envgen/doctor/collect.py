"""A report for a bug tracker, without anything that names a person, a computer or one particular GPU."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from envgen.causes.context import Context
from envgen.causes.findings import Diagnosis
from envgen.doctor.document import diagnosis_lines, diagnosis_mapping
from envgen.probe.document import observation_mapping
from envgen.probe.files import HostFiles
from envgen.probe.parse.install_settings import without_secrets
from envgen.probe.process import Command, Completed, Runner

HEADER = "envgen doctor report"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_GPU_UUID = re.compile(r"\b(GPU|MIG)-[0-9a-f][0-9a-f/-]{5,}", re.IGNORECASE)
_LONG_HEX = re.compile(r"\b[0-9a-f]{32,}\b", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[a-z]{2,}", re.IGNORECASE)
_SERIAL = re.compile(r"^(\s*(?:Serial Number|Board ID|Inforom.*|.*Part Number)\s*:).*$", re.MULTILINE)
# Home folders of anybody, on Linux, macOS, Windows and Windows seen from WSL. A name may hold spaces.
_HOMES = re.compile(
    r"(?:(?:/mnt/[a-z])?/(?:home|Users|export/home)/|[A-Z]:[\\/]+Users[\\/]+)"
    r"(?:[^\\/\n\"':;]+(?=[\\/])|[^\\/\s\"':;]+)",
    re.IGNORECASE,
)
_URL_HOST = re.compile(r"(?<=://)[^/\s\"']+")
_PUBLIC_HOSTS = frozenset(
    {"pypi.org", "files.pythonhosted.org", "download.pytorch.org", "download-r2.pytorch.org", "pypi.nvidia.com"}
    | {"conda.anaconda.org", "repo.anaconda.com", "github.com", "pypi.jetson-ai-lab.io", "mirrors.aliyun.com"}
    | {"pypi.tuna.tsinghua.edu.cn", "mirror.sjtu.edu.cn", "mirrors.ustc.edu.cn", "pytorch.org"}
)
# Accounts that half the computers have name nobody, and replacing these words would make a report unreadable.
_NOBODY = frozenset(
    {"root", "user", "nvidia", "ubuntu", "admin", "administrator", "runner", "docker", "localhost", "linux", "windows"}
    | {"python", "torch", "pytorch", "cuda", "conda", "gpu", "jetson", "wsl", "test", "home", "app", "ec2-user"}
)
# Files that the probe reads and that hold nothing private (a pip.conf may).
_PLAIN_FILES = ("/proc/", "/sys/", "/etc/os-release", "/etc/nv_tegra_release", "/etc/prime", "/etc/supergfxd.conf")
_CAPTURE_LIMIT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What names the person and the computer: account name, host name, home folder. Empty texts are not looked for."""

    user: str
    host: str
    home: str


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
        f"{HEADER} (envgen {version}). Names, home folders, host names, serial numbers and UUIDs were removed.",
        "",
    ]
    lines += diagnosis_lines(context, diagnosis)
    for name, part in parts.items():
        lines += ["", f"## {name}", "", "```json", json.dumps(_plain(part), indent=1, ensure_ascii=False), "```"]
    if recorder:
        lines += ["", "## captures", "", "```text", *_captures(recorder), "```"]
    return scrub("\n".join(lines) + "\n", identity)


def scrub(text: str, identity: Identity) -> str:
    """Return the text without credentials, home folders, account and host names, addresses, serials and UUIDs."""
    cleaned = without_secrets(text)
    for home in _spellings(identity.home):
        cleaned = re.sub(re.escape(home) + r"(?![^\W_])", "~", cleaned, flags=re.IGNORECASE)
    cleaned = _HOMES.sub("~", cleaned)
    cleaned = _GPU_UUID.sub(r"\1-<uuid>", cleaned)
    cleaned = _UUID.sub("<uuid>", cleaned)
    cleaned = _LONG_HEX.sub("<id>", cleaned)
    cleaned = _EMAIL.sub("<address>", cleaned)
    cleaned = _SERIAL.sub(r"\1 <removed>", cleaned)
    cleaned = _URL_HOST.sub(lambda found: found[0] if _is_public(found[0]) else "<index>", cleaned)
    for name, replacement in (
        (identity.host, "<host>"),
        (identity.host.partition(".")[0], "<host>"),
        (identity.user, "<user>"),
    ):
        if name and name.lower() not in _NOBODY:
            cleaned = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", replacement, cleaned, flags=re.IGNORECASE)
    return cleaned


def _is_public(host: str) -> bool:
    return host.partition(":")[0].lower() in _PUBLIC_HOSTS


def _spellings(home: str) -> Iterator[str]:
    """A home folder as paths, JSON and mixed tools write it; not the root folder, which is no home."""
    if len(home) < 3:
        return
    yield from dict.fromkeys((home.replace("\\", "\\\\"), home, home.replace("\\", "/")))


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
    """What bears on the GPU: not the other programs on it, nor the rest of the kernel log."""
    if name == "dmesg":
        text = "\n".join(line for line in text.splitlines() if re.search(r"NVRM|nvidia|nouveau", line))
    text = re.sub(r"^( +)Processes\b.*?(?=^\1?\S|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    return text if len(text) <= _CAPTURE_LIMIT else f"{text[:_CAPTURE_LIMIT]}\n[cut]"


def _plain(value: object) -> object:
    """A value as JSON knows it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
