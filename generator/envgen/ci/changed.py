"""Which files changed on a branch, as git knows."""

from __future__ import annotations

from pathlib import Path

from envgen.core.errors import ToolError, quoted
from envgen.probe.process import Command, Outcome, run_command

_LIMIT_S = 120.0


class GitFailedError(ToolError):
    """git could not say which files changed."""

    code = "git-failed"

    def __init__(self, *, revision: str, reason: str) -> None:
        super().__init__(
            f"git cannot compare the locks with {quoted(revision)}",
            reason,
            hint="fetch that revision first (in a workflow: actions/checkout with fetch-depth: 0)",
        )


def changed_files(root: Path, revision: str) -> tuple[str, ...]:
    """The files below a folder that changed on this branch since it left the revision, relative to the folder.

    Raises: GitFailedError.
    """
    spec = f"{revision}...HEAD"
    argv = ("git", "-C", str(root), "diff", "--name-only", "-z", "--relative", "--end-of-options", spec, "--", ".")
    found = run_command(Command(name="git-diff", argv=argv, limit_s=_LIMIT_S), timeout_s=_LIMIT_S)
    if found.exit_code != 0:
        lines = found.stderr.strip().splitlines()
        reason = f"exit status {found.exit_code}" if found.outcome is Outcome.DONE else found.outcome.value
        raise GitFailedError(revision=revision, reason=lines[0] if lines else reason)
    return tuple(name for name in found.stdout.split("\0") if name)
