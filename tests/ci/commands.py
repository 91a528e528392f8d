"""Runs one command of envgen as a process would, and gives back what it printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import typer


def run(command: Callable[..., None], capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Return (stdout, stderr) of a command; its errors pass through."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    app.command()(command)
    app(args=list(arguments), standalone_mode=False)
    captured = capsys.readouterr()
    return captured.out, captured.err
