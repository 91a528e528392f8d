"""environment.yml: what conda and pip are asked for in a conda environment file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from envgen.core.errors import UsageError, quoted
from envgen.files.yaml_reader import read_yaml
from envgen.requirements.asked import Asked, RequirementsFileError
from envgen.requirements.lines import pass_over, take_line
from envgen.requirements.requirements_txt import read_file, take_pip_line
from envgen.solve.conda.channels import further_channels, read_channel
from envgen.solve.conda.source import FORGE
from envgen.solve.conda.specs import as_requirement, split_channel
from envgen.solve.extras import OF_THE_BUILD, conda_requirement

# `name`, `name=1.2`, `name==1.2`, `name>=1.2,<2`, `name=1.2=build`, `name 1.2.* build`, `channel::name`.
_SPEC = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)\s*(?P<rest>.*)")
_TORCH = {"pytorch": "torch", "torchvision": "torchvision", "torchaudio": "torchaudio"}
_OF_THE_BUILD = OF_THE_BUILD | {"cuda-toolkit", "cudnn"}
_READ = frozenset({"name", "channels", "dependencies", "prefix", "platforms"})
# Channels that are not read for what a file asks of them, and why.
_OF_TORCH = "torch's build says whether it is read"
_ANACONDA = "its packages are taken from conda-forge"
_CHANNELS = {"pytorch": _OF_TORCH, "nvidia": _OF_TORCH, "defaults": _ANACONDA, "local": "it is a folder of a computer"}


def take_environment(asked: Asked, path: Path, name: str) -> None:
    """Add what an environment file asks for.

    Raises: RequirementsFileError.
    """
    import yaml

    try:
        document = read_yaml(read_file(path, name))
    except yaml.YAMLError as error:
        raise RequirementsFileError(f"{name} can't be read", fact=f"it is not YAML: {str(error)[:200]}") from error
    dependencies = document.get("dependencies") if isinstance(document, dict) else None
    if not isinstance(dependencies, list):
        raise RequirementsFileError(f"{name} can't be read", fact="it has no list of dependencies")
    channels = document.get("channels")
    for channel in channels if isinstance(channels, list) else ():
        _take_channel(asked, str(channel), f"{name} channels")
    for entry in dependencies:
        if isinstance(entry, str):
            _take_spec(asked, entry.strip(), f"{name} dependencies")
        elif isinstance(entry, dict):
            for line in _pip_lines(entry):
                _take_pip(asked, line, path, name)
    for key in document.keys() - _READ:
        pass_over(asked, name, str(key), "only its dependencies and channels are read")


def _take_channel(asked: Asked, channel: str, where: str) -> None:
    """Add a channel in the order of the file; `nodefaults` asks for what is always so."""
    if channel == "nodefaults":
        return
    if reason := _CHANNELS.get(channel.partition("/label/")[0]):
        pass_over(asked, where, channel, reason)
        return
    try:
        asked.channels.append(read_channel(channel, where))
    except UsageError as error:
        pass_over(asked, where, channel, error.fact or "it is not the name or the URL of a channel")


def _pip_lines(entry: dict[object, object]) -> Iterator[str]:
    lines = entry.get("pip")
    yield from (str(line).strip() for line in lines) if isinstance(lines, list) else ()


def _take_pip(asked: Asked, line: str, path: Path, name: str) -> None:
    own = Asked(read=asked.read, seen=asked.seen)
    take_pip_line(own, line, f"{name} pip", path, through=((name, os.path.realpath(path)),))
    asked.read = own.read
    asked.pip += own.requirements
    asked.family += own.family
    asked.constraints += own.constraints
    asked.not_taken += own.not_taken


def _take_spec(asked: Asked, spec: str, where: str) -> None:
    asked.count(where)
    channel, text = split_channel(spec)
    found = _SPEC.fullmatch(text)
    if found is None:
        raise RequirementsFileError(f'{where}: "{spec[:80]}" is not a match spec')
    name = found["name"].lower()
    if name == "pip":
        return
    if name in _OF_THE_BUILD:
        pass_over(asked, where, spec, "CUDA follows from the build of torch; --cuda chooses it")
    elif name.startswith("_"):
        pass_over(asked, where, spec, "it comes along with what needs it")
    elif "|" in found["rest"]:
        pass_over(asked, where, spec, "it asks for one of several versions; name one")
    elif name == "python":
        asked.python = (re.findall(r"3\.\d+", found["rest"]) or [asked.python])[0]
    else:
        bounds, build = as_requirement(found["rest"])
        if build:
            pass_over(asked, where, spec, "its build string is not asked for, its version is")
        if name in _TORCH:
            take_line(asked, f"{_TORCH[name]}{bounds}", where)
        else:
            asked.conda.append(_package(asked, channel, f"{name}{bounds}", where))


def _package(asked: Asked, channel: str, text: str, where: str) -> str:
    """A package as `--with conda:` takes it, from the channel that the file names for it where that can be read."""
    if channel and (reason := _CHANNELS.get(channel.partition("/label/")[0])) and channel != "pytorch":
        pass_over(asked, where, f"{channel}::", reason)
        channel = ""
    if channel == FORGE and not further_channels(asked.channels).count(FORGE):
        channel = ""  # it is the first that is read
    try:
        return conda_requirement(f"{channel}::{text}" if channel else text)
    except UsageError as error:
        message = f"{where}: {quoted(text)} is not a match spec"
        raise RequirementsFileError(message, fact=error.fact, hint='write it like "numpy>=2"') from error
