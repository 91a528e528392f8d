"""environment.yml: pytorch's match specs, what fixes its CUDA, and the pip section."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from envgen.core.dataclass import dataclass
from envgen.core.releases import tag_of_cuda
from envgen.core.sets import PackageSet
from envgen.readers.conda_build import CondaSpec, conda_spec, cuda_of_build, exact_version
from envgen.readers.conda_locks import yaml_mapping
from envgen.readers.mention import Include, Lines, Mention, Reading
from envgen.readers.pip_lines import read_requirements

# Each fixes the toolkit of pytorch's build; `pytorch-cuda` is the channel pytorch's own.
_CUDA_PACKAGES = ("pytorch-cuda", "cuda-version", "cudatoolkit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """What a group of match specs shares: its channels, the platforms that it is for, the environment or feature."""

    channels: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    variant: str = ""


_SELECTOR = re.compile(r"#\s*\[([^\]]+)\]")


def read_environment(text: str, *, name: str = "environment.yml") -> Reading:
    """Read an environment.yml.

    Raises: FileUnreadableError when it is not YAML.
    """
    document = yaml_mapping(text, name=name)
    lines = Lines(text)
    channels = [str(channel) for channel in _list(document.get("channels"))]
    entries = _list(document.get("dependencies"))
    specs = [spec for entry in entries if isinstance(entry, str) and (spec := conda_spec(_without_selector(entry)))]
    platforms = tuple(str(platform) for platform in _list(document.get("platforms")))
    mentions = conda_mentions(specs, Origins(channels=tuple(channels), platforms=platforms), lines)
    includes: list[Include] = []
    for entry in entries:
        if isinstance(entry, Mapping) and "pip" in entry:
            reading = read_requirements("\n".join(str(line) for line in _list(entry["pip"])))
            includes += reading.includes
            mentions += [_placed(mention, lines) for mention in reading.mentions]
    return Reading(format="environment.yml", mentions=tuple(mentions), includes=tuple(includes))


def conda_mentions(specs: Sequence[CondaSpec], origins: Origins, lines: Lines) -> list[Mention]:
    """The pytorch among match specs, with the CUDA that the specs beside it fix.

    A Python is fixed by `python=3.12`. `cpuonly` and `pytorch-cpu` ask for the CPU build.
    """
    named = {spec.name: spec for spec in specs}
    torch = named.get("pytorch") or named.get("pytorch-gpu") or named.get("pytorch-cpu")
    if torch is None:
        return []
    python = re.match(r"={0,2}\s*(3\.\d{1,2})(?!\d)", named["python"].version) if "python" in named else None
    cuda = cuda_of_build(torch.build) if torch.build else ""
    if not cuda and ("cpuonly" in named or torch.name == "pytorch-cpu"):
        cuda = "cpu"
    for package in _CUDA_PACKAGES:
        found = re.match(r"={0,2}\s*(\d{1,2}\.\d)", named[package].version) if package in named else None
        if not cuda and found:
            cuda = tag_of_cuda(found[1])
    after = lines.first("dependencies")
    # The line of the spec as it stands: an end behind the name keeps `pytorch-cuda` out.
    numbers = [
        n
        for n in lines.numbers(torch.name, f"{torch.channel}::{torch.name}", f'"{torch.name}', f"'{torch.name}")
        if n > after and re.search(rf"(^|[\s:\"'-]){re.escape(torch.name)}(?![\w-])", lines.at(n))
    ]
    line = numbers[0] if numbers else lines.first(torch.name, after=after)
    version = exact_version(torch.version)
    return [
        Mention(
            line=line,
            text=lines.at(line).removeprefix("- "),
            package_set=PackageSet.CONDA,
            version=version,
            specifier="" if version else torch.version,
            cuda=cuda,
            sources=(torch.channel,) if torch.channel else tuple(c for c in origins.channels if c != "nodefaults"),
            platforms=origins.platforms,
            pythons=(python[1],) if python else (),
            variant=origins.variant,
            build=torch.build,
        )
    ]


def _without_selector(entry: str) -> str:
    return _SELECTOR.sub("", entry).partition(" #")[0].strip()


def _placed(mention: Mention, lines: Lines) -> Mention:
    return replace(mention, line=lines.first(mention.text), variant="pip section")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
