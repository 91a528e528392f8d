"""conda-lock.yml and explicit locks: pytorch records, and torch wheels that conda-lock locked through pip."""

from __future__ import annotations

from collections.abc import Mapping

from envgen.core.sets import PackageSet
from envgen.core.sites import PYPI
from envgen.files.yaml_reader import read_yaml
from envgen.readers.conda_build import TORCH_NAMES, CondaFile, conda_file, cuda_of_build, python_of_build
from envgen.readers.mention import FileUnreadableError, Lines, Mention, Reading
from envgen.readers.requirement import split_version, wheel_of


def read_explicit(text: str, *, name: str = "conda.lock") -> Reading:
    """Read an explicit lock (`@EXPLICIT`, a URL a line)."""
    mentions = []
    for number, line in enumerate(text.split("\n"), 1):
        if "torch" in line and not line.lstrip().startswith("#"):
            found = conda_file(line.strip())
            if found is not None and found.name in TORCH_NAMES[:1]:
                mentions.append(record_mention(number, line.strip().partition("#")[0], found))
    return Reading(format="explicit lock", mentions=tuple(mentions))


def record_mention(line: int, text: str, found: CondaFile, *, platform: str = "", variant: str = "") -> Mention:
    """The mention of one pytorch package file."""
    subdir = found.subdir if found.subdir != "noarch" else ""
    python = python_of_build(found.build)
    return Mention(
        line=line,
        text=text.rpartition("/")[2],
        package_set=PackageSet.CONDA,
        version=found.version,
        cuda=cuda_of_build(found.build),
        sources=(found.channel,) if found.channel else (),
        platforms=tuple(filter(None, (platform or subdir,))),
        pythons=(python,) if python else (),
        variant=variant,
        build=found.build,
        locked=True,
    )


def wheel_mention(line: int, url: str, version: str, *, platform: str = "", variant: str = "") -> Mention:
    """The mention of one torch wheel by its URL; of a bare version where the URL names no wheel."""
    wheel = wheel_of(url)
    release, cuda = (wheel.version, wheel.cuda) if wheel else split_version(version)
    return Mention(
        line=line,
        text=f"torch {version or release}",
        package_set=PackageSet.PIP,
        version=release,
        cuda=cuda,
        sources=() if cuda else (PYPI,),
        platforms=(platform,) if platform else wheel.platforms if wheel else (),
        pythons=wheel.pythons if wheel else (),
        variant=variant,
        locked=True,
    )


def read_conda_lock(text: str, *, name: str = "conda-lock.yml") -> Reading:
    """Read a unified lock of conda-lock, version 1.

    Raises: FileUnreadableError when it is not YAML, or not that version.
    """
    document = yaml_mapping(text, name=name)
    if document.get("version") != 1:
        raise FileUnreadableError(name=name, reason=f"conda-lock's version 1 is known, not {document.get('version')}")
    lines = Lines(text)
    numbers = {label: iter(lines.numbers(f"name: {label}")) for label in ("pytorch", "torch")}
    mentions = []
    packages = document.get("package")
    for entry in packages if isinstance(packages, list) else []:
        if not isinstance(entry, Mapping) or entry.get("name") not in numbers:
            continue
        label, line = entry["name"], 1
        for line in numbers[label]:
            if lines.at(line).removeprefix("- ") == f"name: {label}":
                break
        url, platform = str(entry.get("url", "")), str(entry.get("platform", ""))
        if label == "pytorch" and entry.get("manager") != "pip":
            found = conda_file(url)
            if found is not None:
                mentions.append(record_mention(line, url, found, platform=platform))
        elif label == "torch" and entry.get("manager") == "pip":
            mentions.append(wheel_mention(line, url, str(entry.get("version", "")), platform=platform))
    return Reading(format="conda-lock.yml", mentions=tuple(mentions))


def yaml_mapping(text: str, *, name: str) -> Mapping[str, object]:
    """Return the mapping that a YAML text holds.

    Raises: FileUnreadableError when it is none.
    """
    import yaml

    try:
        document = read_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = " ".join(str(getattr(error, "problem", None) or error).split())[:200]
        raise FileUnreadableError(
            name=name, reason=f"it is not YAML: {reason}", line=mark.line + 1 if mark else 0
        ) from error
    if not isinstance(document, Mapping):
        raise FileUnreadableError(name=name, reason="a mapping was expected")
    return document
