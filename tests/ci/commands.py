"""Runs one command of envgen as a process would, and gives back what it printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import typer


def run(command: Callable[..., None], capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Return (stdout, stderr) of a command that ends with status 0; its errors pass through."""
    status, out, err = run_status(command, capsys, *arguments)
    assert status == 0
    return out, err


def run_status(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    """Return (exit status, stdout, stderr) of a command; its errors pass through."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    app.command()(command)
    result = app(args=list(arguments), standalone_mode=False)
    captured = capsys.readouterr()
    return (result if isinstance(result, int) else 0), captured.out, captured.err
