"""Reads the files that a run was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envgen.core.errors import UsageError
from envgen.files.registry import CONDA_LOCK, ENVIRONMENT_YML, PYLOCK, REQUIREMENTS
from envgen.requirements.asked import Asked, RequirementsFileError

_LOCK = "what it was locked from holds them"
_SETUPTOOLS = f"write what install_requires lists into a {REQUIREMENTS.one}"
# Files that people take for requirements: what they are, and what to give in their place.
_NOT_READ = {
    "setup.py": ("it is a program, and nothing of a project is run", _SETUPTOOLS),
    "setup.cfg": ("it is the configuration of setuptools", _SETUPTOOLS),
    "pipfile": ("it is pipenv's own format", f"`pipenv requirements > {REQUIREMENTS.one}` writes them"),
    "pipfile.lock": ("it is a lock of pipenv", f"`pipenv requirements > {REQUIREMENTS.one}` writes them"),
    "poetry.lock": ("it is a lock of poetry", f"name the pyproject.toml beside it: {_LOCK}"),
    "pdm.lock": ("it is a lock of PDM", f"name the pyproject.toml beside it: {_LOCK}"),
    "uv.lock": ("it is a lock of uv", f"name the pyproject.toml beside it: {_LOCK}"),
    "pixi.lock": ("it is a lock of pixi", f"name the pyproject.toml or {ENVIRONMENT_YML.one} beside it: {_LOCK}"),
    "pixi.toml": (
        "it is pixi's own format",
        f"name an {ENVIRONMENT_YML.one}: `pixi workspace export conda-environment`",
    ),
    PYLOCK.one: ("it is a lock (PEP 751)", f"name the {REQUIREMENTS.one} or pyproject.toml beside it: {_LOCK}"),
    CONDA_LOCK.one: ("it is a lock of conda-lock", f"name the {ENVIRONMENT_YML.one} beside it: {_LOCK}"),
}


def read_files(files: Sequence[str], *, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Asked:
    """Return what files ask for: pyproject.toml, environment.yml, and the rest as pip reads them.

    Raises: RequirementsFileError; UsageError when `--extra` or `--group` has no pyproject.toml to be of.
    """
    asked = Asked()
    for file in files:
        before = set(asked.lines())
        path, name = Path(file), file if not Path(file).is_absolute() else Path(file).name
        if path.name.lower() in _NOT_READ:
            fact, hint = _NOT_READ[path.name.lower()]
            raise RequirementsFileError(f"{name} holds no requirements that can be read", fact=fact, hint=hint)
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
