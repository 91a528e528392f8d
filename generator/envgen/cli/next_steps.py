"""What to do with the files that were written: one block to paste, and a line for each thing that may be different."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath, PureWindowsPath

from envgen.cli.reader import Reader
from envgen.core.request import Request
from envgen.core.sets import PackageSet
from envgen.files.commands import conda_command, pip_command, venv_python
from envgen.files.formats.smoke import proof_command
from envgen.files.registry import EXPLICIT, REQUIREMENTS
from envgen.lock.environment import Environment

TOOLKIT = "A CUDA Toolkit or cuDNN that you installed may stay: it isn't used. Only the driver matters."


def next_steps(environments: Sequence[Environment], reader: Reader) -> Iterator[str]:
    """The lines that tell what to do with the files of a run, for each platform."""
    for one in environments:
        if one.locked:
            yield ""
            yield from _steps(one, reader, multi=len(environments) > 1)
    yield TOOLKIT


def _steps(one: Environment, reader: Reader, *, multi: bool) -> Iterator[str]:
    request = one.request
    with_conda = PackageSet.CONDA in one.locked and (reader.in_conda or PackageSet.PIP not in one.locked)
    where = f" on {request.subdir}" if multi else ""
    chosen = PackageSet.CONDA if with_conda else PackageSet.PIP
    size = "" if with_conda else _download(one)
    yield f"Paste this{where}{size}:"
    for command in (*reader.change_folder(request.subdir), *_commands(one, chosen, reader, multi=multi)):
        yield f"  {command}"
    if not with_conda and not reader.lacks_python(request.python, request.subdir):
        yield _other_python(request, reader)
    other = PackageSet.PIP if with_conda else PackageSet.CONDA
    if other in one.locked:
        yield f"With {other} instead: {', then '.join(_commands(one, other, reader, multi=multi)[:-1])}"
    yield f'VS Code: Ctrl+Shift+P, "Python: Select Interpreter", {_interpreter(one, chosen, reader)}'


def _commands(one: Environment, package_set: PackageSet, reader: Reader, *, multi: bool) -> list[str]:
    """The commands that make the environment, fill it and prove it; the last one is the proof."""
    request = one.request
    subdir = request.subdir
    if package_set is PackageSet.CONDA:
        name = reader.conda_name(one.locked[package_set].pairing.build.environment_name)
        explicit = EXPLICIT.name(subdir, many=multi)
        return [conda_command(explicit, name), proof_command(subdir, environment=name)]
    return [
        reader.make_venv(request.python, subdir),
        pip_command(subdir, REQUIREMENTS.name(subdir, many=multi), reader.venv),
        proof_command(subdir, venv=reader.venv),
    ]


def _other_python(request: Request, reader: Reader) -> str:
    """What to do where the lock's Python is not installed: uv fetches it."""
    missing = f"No Python {request.python} there" + (", or no py?" if request.subdir.is_windows else "?")
    return f"{missing} In place of venv: uv venv --seed --python {request.python} {reader.venv} (pip install uv)"


def _interpreter(one: Environment, package_set: PackageSet, reader: Reader) -> str:
    request = one.request
    if package_set is PackageSet.CONDA:
        return reader.conda_name(one.locked[package_set].pairing.build.environment_name)
    python = venv_python(request.subdir, reader.venv)
    if request.subdir.is_windows:
        return str(PureWindowsPath(reader.folder, f"{python}.exe"))
    return str(PurePosixPath(reader.folder, python))


def _download(one: Environment) -> str:
    """About how much the install fetches; empty when the lock doesn't state the size of torch, which is most of it."""
    packages = one.locked[PackageSet.PIP].pip_lock.packages
    if any(package.name == "torch" and package.size for package in packages):
        return f" (about {sum(package.size or 0 for package in packages) / 1e9:.1f} GB to download)"
    return ""
