"""Dockerfile: base images, and the pip and conda commands of its RUN lines.

A reader of our own: what is on PyPI reads heredocs wrongly. It knows FROM, ARG, ENV and RUN, continued lines, comments
within them, the escape directive, and heredocs. What a shell would compute at build time (`$(…)`) is not computed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from envgen.core.dataclass import dataclass
from envgen.core.sets import PackageSet
from envgen.readers.conda_build import conda_spec
from envgen.readers.environment_yml import Origins, conda_mentions
from envgen.readers.mention import Include, Lines, Mention, Reading
from envgen.readers.pip_lines import includes_of, index_options, mention_of
from envgen.readers.requirement import torch_requirement

_ESCAPE = re.compile(r"#\s*escape\s*=\s*([`\\])", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*([\"']?)(\w+)\1")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])([^}]{0,300}))?\}|(\w+))")
_IMAGE = "pytorch/pytorch"
_NO_MATTER = ("nvidia/cuda", "nvcr.io/nvidia/cuda")
# Options of pip and conda that take a word which is no package.
_WITH_VALUE = frozenset(
    [
        "-r",
        "-c",
        "-t",
        "-n",
        "-p",
        "-i",
        "-f",
        "--requirement",
        "--constraint",
        "--target",
        "--name",
        "--prefix",
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--python",
        "--default-index",
        "--index",
        "--index-strategy",
        "--torch-backend",
        "--channel",
        "--file",
        "--trusted-host",
        "--cache-dir",
    ]
)


def read_dockerfile(text: str, *, name: str = "Dockerfile") -> Reading:
    """Read a Dockerfile (Containerfile). `name` is taken for the form that every reader has."""
    mentions: list[Mention] = []
    remarks: list[str] = []
    includes: list[Include] = []
    globals_: dict[str, str] = {}
    variables: dict[str, str] = {}
    stages: set[str] = set()
    stage = ""
    for item in instructions(text):
        if item.keyword == "FROM":
            image, stage = _from(item, globals_, stages)
            variables = {}
            mentions += _image_mention(item.line, image, stage)
            if image.partition(":")[0] in _NO_MATTER:
                remarks.append(
                    f"line {item.line}: {image} does not matter for torch: its packages bring their own CUDA, "
                    "only the driver of the host counts"
                )
        elif item.keyword in ("ARG", "ENV"):
            target = variables if stage or stages else globals_
            target.update(_assignments(item, globals_ | variables))
        elif item.keyword == "RUN":
            for command in _commands(_expand(item.rest, globals_ | variables)):
                mentions += _command_mentions(command, item, stage)
                if "install" in command and "pip" in " ".join(command):
                    includes += includes_of(command, index_options(command))
    return Reading(
        format="Dockerfile", mentions=tuple(_installed(mentions)), remarks=tuple(remarks), includes=tuple(includes)
    )


def _installed(mentions: list[Mention]) -> list[Mention]:
    """What is left in each stage at its end: a later torch replaces an earlier one, unless that satisfies its range."""
    last: dict[str, Mention] = {}
    for mention in mentions:
        before = last.get(mention.variant)
        release = before.version or before.image.partition(":")[2].partition("-")[0] if before else ""
        if mention.version or mention.image or not release or not _satisfies(release, mention.specifier):
            last[mention.variant] = mention
    return sorted(last.values(), key=lambda mention: mention.line)


def _satisfies(release: str, specifier: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(release)
    except (InvalidSpecifier, InvalidVersion):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: the line it begins on, its keyword in capitals, and the rest with its heredocs."""

    line: int
    keyword: str
    rest: str


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions of a Dockerfile."""
    lines = text.splitlines()
    found = _ESCAPE.match(lines[0]) if lines else None
    escape = found[1] if found else "\\"
    at = 0
    while at < len(lines):
        start, parts = at, list[str]()
        while at < len(lines):
            line = lines[at].strip()
            at += 1
            if line.startswith("#") or (not line and parts):
                continue
            parts.append(line.removesuffix(escape).strip())
            if not line.endswith(escape):
                break
        logical = " ".join(parts).strip()
        for found in _HEREDOC.finditer(logical):
            end = next((n for n in range(at, len(lines)) if lines[n].strip() == found[2]), len(lines))
            logical += "\n" + "\n".join(lines[at:end])
            at = end + 1
        keyword, _, rest = logical.partition(" ")
        if keyword:
            yield Instruction(line=start + 1, keyword=keyword.upper(), rest=rest.strip())


def _from(item: Instruction, variables: Mapping[str, str], stages: set[str]) -> tuple[str, str]:
    words = [word for word in _expand(item.rest, variables).split() if not word.startswith("--")]
    image = words[0] if words else ""
    stage = words[2] if len(words) > 2 and words[1].lower() == "as" else f"stage {len(stages) + 1}"
    stages.add(stage)
    return image.removeprefix("docker.io/"), stage


def _image_mention(line: int, image: str, stage: str) -> Iterator[Mention]:
    if not image.startswith(f"{_IMAGE}:") and image != _IMAGE and "pytorch" not in image.lower():
        return
    unclear = f"the image {image} depends on a build argument without a default" if "$" in image else ""
    yield Mention(
        line=line,
        text=f"FROM {image}",
        package_set=PackageSet.PIP,
        image=image,
        variant=stage,
        locked=True,
        unclear=unclear,
    )


def _assignments(item: Instruction, variables: Mapping[str, str]) -> dict[str, str]:
    try:
        words = shlex.split(_expand(item.rest, variables))
    except ValueError:
        return {}
    if words and "=" not in words[0]:
        return {words[0]: " ".join(words[1:])} if item.keyword == "ENV" and len(words) > 1 else {}
    return dict(word.split("=", 1) for word in words if "=" in word)  # type: ignore[arg-type,misc,unused-ignore]


def _expand(text: str, variables: Mapping[str, str]) -> str:
    """The text with variables that are known; others stay as they are written."""

    def value(found: re.Match[str]) -> str:
        known = variables.get(found[1] or found[4])
        if found[2] == "+":
            return found[3] if known else ""
        return known or (found[3] if found[2] == "-" else found[0])

    return _VARIABLE.sub(value, text)


def _commands(text: str) -> Iterator[list[str]]:
    """The simple commands of a shell text, as words."""
    if text.startswith("["):
        text = " ".join(re.findall(r'"((?:[^"\\]|\\.)*+)"?', text))
    for part in re.split(r"&&|\|\||;|\||\n", text):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            words = part.split()
        if words:
            yield words


def _command_mentions(words: list[str], item: Instruction, stage: str) -> list[Mention]:
    """The torch that a `pip install`, `uv pip install`, `uv add`, `conda install` or the like asks for."""
    if "install" not in words and "add" not in words and "create" not in words:
        return []
    at = min(words.index(word) for word in ("install", "add", "create") if word in words)
    tool = {word.rpartition("/")[2] for word in words[:at]}
    rest = words[at + 1 :]
    packages = [w for n, w in enumerate(rest) if not w.startswith("-") and (not n or rest[n - 1] not in _WITH_VALUE)]
    if any(re.fullmatch(r"pip\d?(\.\d+)?|uv", name) for name in tool):
        options = index_options(rest)
        found = [(word, torch_requirement(word)) for word in packages]
        mentions = [
            mention_of(item.line, f"pip install {word}", requirement, options)
            for word, requirement in found
            if requirement is not None
        ]
        # uv asks the first index that has torch, and no other.
        return [
            replace(mention, variant=stage, locked=False, beside_pypi=mention.beside_pypi and "uv" not in tool)
            for mention in mentions
        ]
    if tool & {"conda", "mamba", "micromamba"}:
        channels = [rest[n + 1] for n, word in enumerate(rest[:-1]) if word in ("-c", "--channel")]
        specs = [spec for word in packages if (spec := conda_spec(word))]
        mentions = conda_mentions(specs, Origins(channels=tuple(channels), variant=stage), Lines(""))
        return [
            replace(mention, line=item.line, text=f"conda install {' '.join(packages)[:200]}") for mention in mentions
        ]
    return []
