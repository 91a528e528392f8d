"""Reads the files that a run was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envgen.core.errors import UsageError
from envgen.requirements.asked import Asked


def read_files(files: Sequence[str], *, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Asked:
    """Return what files ask for: pyproject.toml, environment.yml, and the rest as pip reads them.

    Raises: RequirementsFileError; UsageError when `--extra` or `--group` has no pyproject.toml to be of.
    """
    asked = Asked()
    for file in files:
        before = set(asked.lines())
        path, name = Path(file), file if not Path(file).is_absolute() else Path(file).name
        if path.suffix in (".yml", ".yaml"):
            from envgen.requirements.environment_yml import take_environment

            take_environment(asked, path, name)
        elif path.suffix == ".toml":
            from envgen.requirements.pyproject import take_pyproject

            take_pyproject(asked, path, name, extras=extras, groups=groups)
        else:
            from envgen.requirements.requirements_txt import take_requirements

            take_requirements(asked, path, name)
        asked.inputs[Path(name).as_posix()] = tuple(line for line in asked.lines() if line not in before)
    if (extras or groups) and not any(Path(file).suffix == ".toml" for file in files):
        raise UsageError("--extra and --group are of a pyproject.toml", hint="name it with --requirements")
    return asked
