"""Where printed commands are pasted: the folder, and the environments that are there already."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path, PureWindowsPath
from typing import Self

from envgen.core.conda_shell import is_conda_active
from envgen.core.dataclass import dataclass
from envgen.core.platforms import Subdir
from envgen.environments.shims import runs_by_pyenv
from envgen.files.commands import VENV, venv_command
from envgen.request.values import host_subdir

_ENVS = ("CONDA_ENVS_DIRS", "CONDA_ENVS_PATH")  # where conda makes environments, besides its own folder
_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/\\:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What commands must know of the place where they are pasted.

    `folder` is where the files are, as the reader names it. `in_conda` is True where a conda environment is active.
    `venv` is the name of a virtual environment that is not in the folder yet; `conda_names` are conda's environments.
    `subdir` is the platform of this computer, None when it is not to be asked for programs; `which` finds one
    and `runs` tells whether a command does; `uv` is how uv is called here.
    """

    folder: str = "."
    in_conda: bool = False
    venv: str = VENV
    conda_names: frozenset[str] = frozenset()
    subdir: Subdir | None = None
    uv: str = "uv"
    which: Callable[[str], str | None] = str
    runs: Callable[[tuple[str, ...]], bool] = bool

    @classmethod
    def of(cls, folder: str, environment: Mapping[str, str] | None = None, home: Path | None = None) -> Self:
        """The reader of a run that writes into a folder, on this computer."""
        variables = os.environ if environment is None else environment
        return cls(
            folder=folder,
            in_conda=is_conda_active(variables),
            venv=_free(VENV, lambda name: os.path.lexists(Path(folder) / name)),
            conda_names=frozenset(_conda_names(variables, home or Path("~").expanduser())),
            subdir=host_subdir(),
            uv=_uv(),
            which=shutil.which,
            runs=_runs,
        )

    def lacks_python(self, python: str, subdir: Subdir) -> bool:
        """True when the target is this computer's platform, and no such Python (X.Y) can be called here."""
        if subdir is not self.subdir:
            return False
        found = self.which("py" if subdir.is_windows else f"python{python}")
        if found is None:
            return True
        # The launcher is there without that Python, and so is a shim of pyenv or asdf: only a call tells.
        is_shim = "shims" in Path(found).parts
        command = (found, f"-{python}", "-c", "") if subdir.is_windows else (found, "-c", "")
        return (subdir.is_windows or is_shim) and not self.runs(command)

    def make_venv(self, python: str, subdir: Subdir) -> str:
        """The command that makes a virtual environment with a Python (X.Y): by uv, which fetches it, where it lacks."""
        if self.lacks_python(python, subdir):
            return f"{self.uv} venv --seed --python {python} {self.venv}"
        return venv_command(subdir, python, self.venv)

    def conda_name(self, name: str) -> str:
        """The name itself, or the first with a number behind it that no environment of conda's has."""
        return _free(name, self.conda_names.__contains__)

    def change_folder(self, subdir: Subdir) -> tuple[str, ...]:
        """The command that goes to the files, for the shell of a platform; none where the reader is there."""
        from shlex import quote

        if Path(self.folder) == Path():
            return ()
        path = f"./{self.folder}" if self.folder.startswith("-") else self.folder
        if not subdir.is_windows:
            return (f"cd {quote(path)}",)
        there = str(PureWindowsPath(path)) if not path.startswith("/") else path
        return (f'cd "{there}"' if set(there) - _BARE else f"cd {there}",)


# A shim that is slow is still one; a package manager that waits for an answer is none.
_LOOK_S = 20.0


@cache
def _runs(command: tuple[str, ...]) -> bool:
    known = runs_by_pyenv(Path(command[0]), Path.cwd(), os.environ)
    if known is not None:
        return known
    from envgen.probe.process import Command, run_command

    # Its own group: a shim starts programs of its own, which must not be left when this run is stopped.
    done = run_command(Command(name="python", argv=command, limit_s=_LOOK_S), timeout_s=_LOOK_S)
    return done.exit_code == 0


def _uv() -> str:
    """How uv is called here: it came with envgen, perhaps into a folder that is not on PATH."""
    from envgen.files.quoting import command_line

    beside = Path(sys.executable).parent / ("uv.exe" if sys.platform == "win32" else "uv")
    return "uv" if shutil.which("uv") or not beside.exists() else command_line([str(beside)])


def _free(name: str, is_taken: Callable[[str], bool]) -> str:
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(name for name in names if not is_taken(name))


def _conda_names(variables: Mapping[str, str], home: Path) -> Iterator[str]:
    """The names of conda's environments: those it has noted, and those in the folders where it makes them."""
    folders = [Path(path) for name in _ENVS for path in variables.get(name, "").split(os.pathsep) if path]
    if prefix := variables.get("CONDA_PREFIX"):
        folders += [Path(prefix) / "envs", *(parent for parent in [Path(prefix).parent] if parent.name == "envs")]
    for folder in folders:
        with suppress(OSError):
            yield from (entry.name for entry in folder.iterdir())
    with suppress(OSError):
        noted = (home / ".conda" / "environments.txt").read_text("utf-8", "replace")
        yield from (Path(line).name for line in noted.splitlines())
