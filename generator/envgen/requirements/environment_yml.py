"""environment.yml: what conda and pip are asked for in a conda environment file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from envgen.core.requirements import canonical
from envgen.files.yaml_reader import read_yaml
from envgen.requirements.asked import Asked, RequirementsFileError
from envgen.requirements.lines import pass_over, take_line
from envgen.requirements.requirements_txt import read_file

# `name`, `name=1.2`, `name==1.2`, `name>=1.2,<2`, `name=1.2=build`, `name 1.2.* build`, `channel::name`.
_SPEC = re.compile(r"(?:(?P<channel>[\w.-]+)(?:/[\w-]+)?::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<rest>.*)")
_TORCH = {"pytorch": "torch", "torchvision": "torchvision", "torchaudio": "torchaudio"}
_OF_THE_BUILD = frozenset(
    {"pytorch-cuda", "pytorch-gpu", "pytorch-mutex", "cudatoolkit", "cuda-version", "cuda-toolkit", "cudnn", "cpuonly"}
)
_READ = frozenset({"name", "channels", "dependencies", "prefix", "platforms"})
_CHANNELS = frozenset({"conda-forge", "defaults", "nodefaults", "pytorch", "nvidia"})


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
    for entry in dependencies:
        if isinstance(entry, str):
            _take_spec(asked, entry.strip(), f"{name} dependencies")
        elif isinstance(entry, dict):
            for line in _pip_lines(entry):
                _take_pip(asked, line, f"{name} pip")
    channels = document.get("channels")
    for channel in channels if isinstance(channels, list) else ():
        if str(channel) not in _CHANNELS:
            pass_over(asked, f"{name} channels", str(channel), "conda-forge is read, and no other channel")
    for key in document.keys() - _READ:
        pass_over(asked, name, str(key), "only its dependencies and channels are read")


def _pip_lines(entry: dict[object, object]) -> Iterator[str]:
    lines = entry.get("pip")
    yield from (str(line).strip() for line in lines) if isinstance(lines, list) else ()


def _take_pip(asked: Asked, line: str, where: str) -> None:
    if line.startswith("-"):
        pass_over(asked, where, line, "only requirements are taken of its pip section; --requirements reads a file")
        return
    own = Asked()
    take_line(own, line, where)
    asked.pip += own.requirements
    asked.family += own.family
    asked.not_taken += own.not_taken


def _take_spec(asked: Asked, spec: str, where: str) -> None:
    found = _SPEC.fullmatch(spec)
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
        bounds, build = _bounds(found["rest"])
        if build:
            pass_over(asked, where, spec, "its build string is not asked for, its version is")
        own = Asked()
        take_line(own, f"{_TORCH.get(name, name)}{bounds}", where)
        asked.conda += [line for line in own.requirements if canonical(line) != "pip"]
        asked.family += own.family


def _bounds(rest: str) -> tuple[str, str]:
    """The version of a match spec in the words of PEP 440, and its build string or an empty one."""
    text = re.sub(r"(?<!\s)\s*([,<>=!~]+)\s*", r"\1", rest.strip())
    if not text or text == "*":
        return "", ""
    if text[0] == "=" and not text.startswith("=="):
        version, _, build = text[1:].partition("=")
        return f"=={version.removesuffix('.*')}{'' if build else '.*'}", build
    version, _, build = text.removeprefix("==").partition("=") if text.startswith("==") else text.partition(" ")
    if version and version[0].isdigit():
        return f"=={version}", build.strip()
    return ",".join(part if part[0] in "<>=!~" else f"=={part}" for part in version.split(",") if part), build.strip()
