"""Which files changed on a branch, as git knows."""

from __future__ import annotations

import subprocess
from pathlib import Path

from envgen.core.errors import ToolError, show


class GitFailedError(ToolError):
    """git could not say which files changed."""

    code = "git-failed"

    def __init__(self, *, revision: str, reason: str) -> None:
        super().__init__(revision, reason)
        self.revision, self.reason = revision, reason

    def headline(self) -> str:
        return f"git cannot compare the locks with {show(self.revision)}"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)

    def hint(self) -> str:
        return "fetch that revision first (in a workflow: actions/checkout with fetch-depth: 0)"


def changed_files(root: Path, revision: str) -> tuple[str, ...]:
    """The files below a folder that changed on this branch since it left the revision, relative to the folder.

    Raises: GitFailedError.
    """
    spec = f"{revision}...HEAD"
    command = ["git", "-C", str(root), "diff", "--name-only", "-z", "--relative", "--end-of-options", spec, "--", "."]
    try:
        found = subprocess.run(command, capture_output=True, check=False, timeout=120)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitFailedError(revision=revision, reason=str(error)) from error
    if found.returncode != 0:
        lines = found.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitFailedError(revision=revision, reason=lines[0] if lines else f"exit status {found.returncode}")
    return tuple(name for name in found.stdout.decode("utf-8", "surrogateescape").split("\0") if name)
