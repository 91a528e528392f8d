"""Hosts kept as files: each folder of `tests/probes/` plays the runner and the files of one host.

A folder holds `host.json` (values of the process), `files.txt` (the files, in the form that `tail -n +1` prints; a mark
in brackets says link, node, closed node, folder or escaped text), one file for the output of each program,
`outcomes.json` (exit statuses other than 0, and programs that never end), and `expected.json`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envgen.probe.host import HostValues
from envgen.probe.observation import Observation
from envgen.probe.observe import observe
from envgen.probe.process import Command, Completed, Outcome

PROBES = Path(__file__).parent.parent / "probes"

_OUTPUTS = {
    "nvml": "nvml.json",
    "nvidia-smi-q": "nvidia-smi-q.txt",
    "nvidia-smi-csv": "nvidia-smi.csv",
    "lspci": "lspci.txt",
    "ldconfig": "ldconfig.txt",
    "fabric-manager": "fabric-manager.txt",
    "fabric-manager-version": "fabric-manager-version.txt",
    "dmesg": "dmesg.txt",
    "powershell": "powershell.json",
}
_BLOCK = re.compile(r"^==> (?P<path>\S+)(?: \((?P<mark>link|node|closed|folder|escaped)\))? <==$")


@dataclass(frozen=True, slots=True)
class CapturedEntry:
    """One file of a captured host; `mark` is empty for a plain text file."""

    text: str
    mark: str = ""


class CapturedFiles:
    """The files of a captured host. A path exists when it or something below it was captured."""

    def __init__(self, entries: dict[str, CapturedEntry]) -> None:
        self._entries = entries

    def read(self, path: str, /) -> str | None:
        entry = self._entries.get(self._followed(path))
        return entry.text if entry and entry.mark == "" else None

    def names(self, path: str, /) -> tuple[str, ...]:
        start = path.rstrip("/\\") + "/"
        return tuple(sorted({p[len(start) :].split("/", 1)[0] for p in self._entries if p.startswith(start)}))

    def target(self, path: str, /) -> str:
        followed = self._followed(path)
        return followed if followed in self._entries or self.names(followed) else ""

    def access(self, path: str, /) -> bool | None:
        entry = self._entries.get(path)
        return None if entry is None else entry.mark != "closed"

    def _followed(self, path: str) -> str:
        entry = self._entries.get(path)
        if entry is None or entry.mark != "link":
            return path
        target = entry.text.strip()
        self._entries.setdefault(target, CapturedEntry("", "node"))
        return target


class CapturedRunner:
    """The programs of a captured host. A program whose output was not captured is not installed there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        outcomes = folder / "outcomes.json"
        self._outcomes: dict[str, Any] = json.loads(outcomes.read_text("utf-8")) if outcomes.exists() else {}
        self.ran: list[str] = []

    def __call__(self, command: Command, /, *, timeout_s: float) -> Completed:
        self.ran.append(command.name)
        outcome = self._outcomes.get(command.name, 0)
        if outcome == "timed-out":
            return Completed(outcome=Outcome.TIMED_OUT, elapsed_s=timeout_s)
        output = self._folder / _OUTPUTS[command.name]
        if not output.exists():
            return Completed(outcome=Outcome.NOT_FOUND)
        return Completed(outcome=Outcome.DONE, exit_code=outcome, stdout=output.read_text("utf-8"), elapsed_s=0.01)


@dataclass(frozen=True, slots=True)
class HostCapture:
    """One captured host."""

    folder: Path
    files: CapturedFiles
    runner: CapturedRunner
    host: HostValues
    expected: dict[str, Any]

    def observe(self) -> Observation:
        """Look at the captured host."""
        return observe(runner=self.runner, root=self.files, host=self.host, clock=lambda: 0.0)


def names() -> list[str]:
    """The captured hosts, by folder name."""
    return sorted(path.name for path in PROBES.iterdir() if path.is_dir())


def load(name: str) -> HostCapture:
    """Return a captured host."""
    folder = PROBES / name
    values = json.loads((folder / "host.json").read_text("utf-8"))
    values["libc"] = tuple(values.get("libc", ("", "")))
    files = folder / "files.txt"
    return HostCapture(
        folder=folder,
        files=CapturedFiles(_entries(files.read_text("utf-8")) if files.exists() else {}),
        runner=CapturedRunner(folder),
        host=HostValues(**values),
        expected=json.loads((folder / "expected.json").read_text("utf-8")),
    )


def look_at(name: str) -> Observation:
    """Return the observation of a captured host."""
    return load(name).observe()


def _entries(text: str) -> dict[str, CapturedEntry]:
    entries: dict[str, CapturedEntry] = {}
    path, mark, lines = "", "", list[str]()
    for line in [*text.splitlines(), "==> /end <=="]:
        found = _BLOCK.fullmatch(line)
        if not found:
            lines.append(line)
            continue
        if path:
            body = "\n".join(lines) + "\n" if lines else ""
            if mark == "escaped":
                body, mark = body.rstrip("\n").encode().decode("unicode_escape"), ""
            entries[path] = CapturedEntry(body, mark)
        path, mark, lines = found["path"], found["mark"] or "", []
    return entries
