"""Paths, names and steps of a command line, written so that the shell of the host's system reads them back."""

from __future__ import annotations

import re
import shlex

from envgen.core.dataclass import dataclass
from envgen.probe.observation import System

# What PowerShell takes as it is; a dash in front would begin a parameter.
_PLAIN = re.compile(r"[A-Za-z0-9_./\\][A-Za-z0-9_./\\:-]*")
# Inside double quotes these begin an expression or end the text; PowerShell reads typographic quotes as plain ones
# (learn.microsoft.com, about_Quoting_Rules).
_SPECIAL = re.compile('([`$"\u201c\u201d\u201e])')


@dataclass(frozen=True, slots=True)
class Shell:
    """A POSIX shell, or PowerShell on Windows."""

    is_windows: bool

    def word(self, text: str) -> str:
        """Return a text as one argument."""
        if not self.is_windows:
            return shlex.quote(text)
        return text if _PLAIN.fullmatch(text) else '"' + _SPECIAL.sub(r"`\1", text) + '"'

    def program(self, path: str) -> str:
        """Return the path of a program where a command begins: PowerShell runs a quoted one only after `&`."""
        word = self.word(path)
        return f"& {word}" if self.is_windows and word != path else word

    def steps(self, *commands: str) -> str:
        """Return commands in a row, without the empty ones; Windows PowerShell 5.1 has no `&&`."""
        return ("; " if self.is_windows else " && ").join(command for command in commands if command)

    def unset(self, variable: str) -> str:
        """Return the command that takes a variable out of the environment."""
        return f"Remove-Item Env:{variable}" if self.is_windows else f"unset {variable}"

    def set(self, variable: str, value: str) -> str:
        """Return the command that sets a variable for what runs after it."""
        return f'$env:{variable}="{value}"' if self.is_windows else f"export {variable}={value}"

    def with_variable(self, variable: str, value: str, command: str) -> str:
        """Return a command that runs with a variable set."""
        return f'$env:{variable} = "{value}"; {command}' if self.is_windows else f"{variable}={value} {command}"


def shell_of(system: System) -> Shell:
    """Return the shell that a user of this host pastes a command into."""
    return Shell(is_windows=system.os == "windows")
