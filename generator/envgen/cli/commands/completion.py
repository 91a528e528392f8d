"""`envgen completion`: a shell's completion script."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli.output import write_answer
from envgen.core.errors import ValueFormatError


def completion_command(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")],
) -> None:
    """Print the completion script of a shell; its first line says where it goes.

    Example: envgen completion bash > ~/.local/share/bash-completion/completions/envgen
    """
    from envgen.cli.completion import SHELLS, script

    if shell not in SHELLS:
        raise ValueFormatError(kind="shell", value=shell, expected=", ".join(SHELLS))
    write_answer(script(shell))
