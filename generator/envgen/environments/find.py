"""Which Python is meant, and which other environments of the host may have been meant instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from envgen.core.dataclass import dataclass
from envgen.core.errors import UsageError, quoted
from envgen.environments.inspected import InspectedEnvironment, Interpreter, interpreter_of_files, read_environment
from envgen.environments.torch_run import describe_interpreter
from envgen.probe.environment import environment_kind
from envgen.probe.files import HostFiles
from envgen.probe.process import Runner

Which = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the user asked to examine: `python` and `prefix` as typed, None when not given; `own` is this process'."""

    python: str | None
    prefix: str | None
    environ: Mapping[str, str]
    own: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The environment under diagnosis, or None and why; `python` is the interpreter to run, empty when none runs."""

    environment: InspectedEnvironment | None
    python: str
    reason: str = ""


def open_environment(wanted: Wanted, files: HostFiles, runner: Runner, which: Which) -> Opened:
    """Return the environment that is meant: the one named, else the active one, else that of `python` on PATH.

    Raises: UsageError when the named one is not there.
    """
    python = find_python(wanted, which)
    interpreter, reason = describe_interpreter(python, runner) if python else (None, "no Python is there to run")
    if python and Path(python).is_symlink() and not Path(python).exists():
        reason = f"{python} links to {Path(python).resolve()}, which is not there"
    prefix = wanted.prefix or ""
    if interpreter is None:
        # The folder of another program (/usr/bin) says nothing of a Python that was meant.
        is_named_so = "python" in Path(python).name.lower()
        prefix = prefix or (str(Path(python).parent.parent) if is_named_so else "")
        by_files = interpreter_of_files(prefix, files) if prefix else None
        if by_files is None and not python:
            raise UsageError(f"{quoted(prefix)} holds no Python (from --env)", hint="give an environment's prefix")
        if by_files is None:
            return Opened(environment=None, python="", reason=reason)
        return Opened(environment=_read(by_files, files, wanted.environ), python="", reason=reason)
    return Opened(environment=_read(interpreter, files, wanted.environ), python=python)


def find_python(wanted: Wanted, which: Which) -> str:
    """Return the path of the interpreter that is meant; empty when a named environment has none.

    envgen's own Python comes last: it is often that of a tool installer, in an environment of its own.
    """
    if wanted.python is not None and wanted.prefix is not None:
        raise UsageError("--python and --env name the same thing twice", hint="give one of them")
    if wanted.python is not None:
        return _named(wanted.python, which)
    if wanted.prefix is not None:
        if not Path(wanted.prefix).is_dir():
            raise UsageError(
                f"{quoted(wanted.prefix)} is not a folder (from --env)", hint="give an environment's prefix"
            )
        return _of_prefix(wanted.prefix) or _broken_link(wanted.prefix)
    return _active(wanted.environ, which) or _on_path(which) or wanted.own


def _active(environ: Mapping[str, str], which: Which) -> str:
    """The interpreter of the environment that was activated; empty without one."""
    prefixes = [prefix for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if (prefix := environ.get(name))]
    active = [python for prefix in prefixes if (python := _of_prefix(prefix) or _broken_link(prefix))]
    # No shell finds a broken link on PATH: what `python` runs instead is not what was activated.
    if not active or not Path(active[0]).exists():
        return active[0] if active else ""
    # With both active, the one that `python` runs is the one that was activated last.
    runs = which("python") or which("python3") or ""
    return next((python for python in active if Path(python).parent == Path(runs).parent), active[0])


def _on_path(which: Which) -> str:
    on_path = [found for name in ("python3", "python") if (found := which(name))]
    # Windows puts a python3 there that only opens its store; where that store's Python is installed, both are of it.
    real = [found for found in on_path if "windowsapps" not in found.lower()]
    return next(iter((*real, *on_path)), "")


def neighbours(
    environment: InspectedEnvironment, environ: Mapping[str, str], here: Path, files: HostFiles
) -> tuple[InspectedEnvironment, ...]:
    """Return the other environments that a user may have meant: the active ones, and `.venv` in this folder."""
    found: list[InspectedEnvironment] = []
    for prefix in (environ.get("VIRTUAL_ENV"), environ.get("CONDA_PREFIX"), str(here / ".venv")):
        if not prefix or prefix == environment.interpreter.prefix:
            continue
        interpreter = interpreter_of_files(prefix, files)
        if interpreter is not None:
            described = replace(interpreter, executable=_of_prefix(prefix))
            found.append(read_environment(described, environment_kind(files, prefix), files))
    return tuple(found)


def _read(interpreter: Interpreter, files: HostFiles, environ: Mapping[str, str]) -> InspectedEnvironment:
    library_path = [folder for folder in environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    kind = environment_kind(files, interpreter.prefix)
    return read_environment(interpreter, kind, files, library_path)


def _named(python: str, which: Which) -> str:
    path = Path(python)
    if path.is_dir():
        if inside := _of_prefix(python):
            return inside
        raise UsageError(f"{quoted(python)} holds no Python (from --python)", hint="give the path of an interpreter")
    if path.is_file():
        # Not resolved: the link in a virtual environment is what makes it one.
        return str(path.absolute())
    if found := which(python):
        return found
    raise UsageError(f"{quoted(python)} is not there (from --python)", hint="give the path of an interpreter")


def _of_prefix(prefix: str) -> str:
    return next(_interpreters(Path(prefix)), "")


def _broken_link(prefix: str) -> str:
    """The interpreter of a virtual environment whose Python was removed, which leaves the link; empty for none."""
    places = (Path(prefix) / "bin" / name for name in ("python", "python3"))
    return next((str(place.absolute()) for place in places if place.is_symlink() and not place.exists()), "")


def _interpreters(prefix: Path) -> Iterator[str]:
    """The places of an interpreter: POSIX, virtual environments on Windows, conda on Windows."""
    for place in ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe"):
        if (prefix / place).is_file():
            yield str((prefix / place).absolute())
