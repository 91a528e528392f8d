"""What to do with the files that were written: one block to paste, and a line for each thing that may be different."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath, PureWindowsPath

from envgen.core.dataclass import dataclass
from envgen.core.messages import Messages
from envgen.core.sets import PackageSet
from envgen.environments.reader import Reader
from envgen.files.commands import conda_command, pip_command, venv_python
from envgen.files.formats.smoke import proof_command
from envgen.files.registry import EXPLICIT, REQUIREMENTS
from envgen.lock.environment import Environment


def next_steps(environments: Sequence[Environment], reader: Reader, say: Messages, name: str = "") -> Iterator[str]:
    """The lines that tell what to do with the files of a run, for each platform; `name` is that of `--name`."""
    for one in environments:
        if one.locked:
            yield ""
            yield from _Steps(one, reader, say, name, len(environments) > 1).lines()
    if not environments[0].request.is_cpu:
        yield say["toolkit"]


@dataclass(frozen=True, slots=True)
class _Steps:
    """The steps for one platform, of `many` or the only one."""

    environment: Environment
    reader: Reader
    say: Messages
    name: str
    many: bool

    def lines(self) -> Iterator[str]:
        locked, request = self.environment.locked, self.environment.request
        with_conda = PackageSet.CONDA in locked and (self.reader.in_conda or PackageSet.PIP not in locked)
        chosen, other = sorted(PackageSet, key=lambda package_set: (package_set is PackageSet.PIP) is with_conda)
        where = self.say["paste_where"].format(platform=request.subdir) if self.many else ""
        size = "" if with_conda else _download(self.environment)
        shown = self.say["paste_size"].format(size=size) if size else ""
        yield self.say["paste"].format(where=where, size=shown)
        yield from (f"  {command}" for command in self.reader.change_folder(request.subdir))
        yield from (f"  {command}" for command in self._commands(chosen))
        if not with_conda and not self.reader.lacks_python(request.python, request.subdir):
            yield self._other_python()
        if other in locked:
            commands = self.say["then"].join(self._commands(other)[:-1])
            yield self.say["instead"].format(set=other, commands=commands)
        yield self.say["vscode"].format(interpreter=self._interpreter(chosen))

    def _other_python(self) -> str:
        """What to do where the lock's Python is not installed: uv fetches it."""
        request = self.environment.request
        key = "no_python_or_py" if request.subdir.is_windows else "no_python"
        command = f"uv venv --seed --python {request.python} {self.reader.venv}"
        return self.say[key].format(python=request.python, command=command)

    def _commands(self, package_set: PackageSet) -> list[str]:
        """The commands that make the environment, fill it and prove it; the last one is the proof."""
        reader, subdir = self.reader, self.environment.request.subdir
        if package_set is PackageSet.CONDA:
            explicit, conda = EXPLICIT.name(subdir, many=self.many), self._conda_name()
            return [conda_command(explicit, conda), proof_command(subdir, environment=conda)]
        return [
            reader.make_venv(self.environment.request.python, subdir),
            pip_command(subdir, REQUIREMENTS.name(subdir, many=self.many), reader.venv),
            proof_command(subdir, venv=reader.venv),
        ]

    def _conda_name(self) -> str:
        build = self.environment.locked[PackageSet.CONDA].pairing.build
        return self.reader.conda_name(self.name or build.environment_name)

    def _interpreter(self, package_set: PackageSet) -> str:
        if package_set is PackageSet.CONDA:
            return self._conda_name()
        subdir = self.environment.request.subdir
        python = venv_python(subdir, self.reader.venv)
        if subdir.is_windows:
            return str(PureWindowsPath(self.reader.folder, f"{python}.exe"))
        return str(PurePosixPath(self.reader.folder, python))


def _download(one: Environment) -> str:
    """About how many GB the install fetches; empty when the lock doesn't state the size of torch: most of it."""
    packages = one.locked[PackageSet.PIP].pip_lock.packages
    if any(package.name == "torch" and package.size for package in packages):
        return f"{sum(package.size or 0 for package in packages) / 1e9:.1f}"
    return ""
