"""pixi: pixi.toml (or `[tool.pixi]`), and pixi.lock of versions 6 and 7."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from envgen.core.sites import PYPI
from envgen.readers.conda_build import CondaSpec, conda_file, conda_spec
from envgen.readers.conda_locks import record_mention, wheel_mention, yaml_mapping
from envgen.readers.environment_yml import Origins, conda_mentions
from envgen.readers.mention import FileUnreadableError, Lines, Mention, Reading
from envgen.readers.pip_lines import mention_of
from envgen.readers.requirement import tag_of_url, torch_requirement
from envgen.readers.toml_text import Table, parse_toml, table, text_of, texts

_KNOWN = (6, 7)
_NAMES = ("pytorch", "pytorch-gpu", "pytorch-cpu", "pytorch-cuda", "cuda-version", "cudatoolkit", "cpuonly", "python")


def read_pixi_toml(text: str, *, name: str = "pixi.toml") -> Reading:
    """Read a pixi.toml.

    Raises: FileUnreadableError.
    """
    document = parse_toml(text, name=name)
    return Reading(format="pixi.toml", mentions=tuple(pixi_mentions(document, Lines(text))))


def pixi_mentions(document: Table, lines: Lines) -> Iterator[Mention]:
    """The pytorch and torch that a pixi manifest asks for: by feature and by platform."""
    workspace = table(document, "workspace") or table(document, "project")
    channels = texts(workspace.get("channels"))
    platforms = tuple(texts(workspace.get("platforms")))
    yield from _section(document, "", channels, platforms, lines)
    for feature, body in table(document, "feature").items():
        if isinstance(body, Mapping):
            own = texts(body.get("channels")) or channels
            yield from _section(
                body, f"feature {feature}", own, tuple(texts(body.get("platforms"))) or platforms, lines
            )


def _section(
    body: Table, variant: str, channels: list[str], platforms: tuple[str, ...], lines: Lines
) -> Iterator[Mention]:
    parts: list[tuple[Table, tuple[str, ...]]] = [(body, platforms)]
    parts += [(value, (key,)) for key, value in table(body, "target").items() if isinstance(value, Mapping)]
    for part, where in parts:
        specs = list(_specs(table(part, "dependencies")))
        yield from conda_mentions(specs, Origins(channels=tuple(channels), platforms=where, variant=variant), lines)
        value = table(part, "pypi-dependencies").get("torch")
        if value is None:
            continue
        spec = value if isinstance(value, str) else text_of(table(value).get("version"))
        found = torch_requirement(f"torch{'' if spec == '*' else spec}")
        if found is None:
            continue
        index = text_of(table(value).get("index")) or PYPI
        line = lines.first("torch", "=")
        mention = replace(mention_of(line, lines.at(line), found, ()), platforms=where, variant=variant, locked=False)
        yield replace(mention, sources=(index,), cuda=mention.cuda or tag_of_url(index))


def _specs(dependencies: Table) -> Iterator[CondaSpec]:
    for name, value in dependencies.items():
        if name not in _NAMES:
            continue
        if isinstance(value, str):
            spec = conda_spec(f"{name} {'' if value == '*' else value}".strip())
        else:
            version, build = text_of(table(value).get("version")), text_of(table(value).get("build"))
            spec = CondaSpec(
                channel=text_of(table(value).get("channel")),
                name=name,
                version="" if version == "*" else version,
                build=build,
            )
        if spec is not None:
            yield spec


def read_pixi_lock(text: str, *, name: str = "pixi.lock") -> Reading:
    """Read a pixi.lock of version 6 or 7: each environment and platform by the packages that it lists.

    Raises: FileUnreadableError for another version.
    """
    document = yaml_mapping(text, name=name)
    if document.get("version") not in _KNOWN:
        raise FileUnreadableError(
            name=name, reason=f"versions 6 and 7 of pixi.lock are known, this is {document.get('version')}"
        )
    lines = Lines(text)
    environments = document.get("environments")
    mentions = [
        mention
        for environment, body in (environments.items() if isinstance(environments, Mapping) else ())
        for mention in _locked(str(environment), body, lines)
    ]
    return Reading(format="pixi.lock", mentions=tuple(mentions))


def _locked(environment: str, body: Any, lines: Lines) -> Iterator[Mention]:  # noqa: ANN401 -- what YAML holds
    platforms = body.get("packages") if isinstance(body, Mapping) else None
    variant = "" if environment == "default" else f"environment {environment}"
    for platform, entries in platforms.items() if isinstance(platforms, Mapping) else ():
        for entry in entries if isinstance(entries, list) else []:
            if not isinstance(entry, Mapping):
                continue
            conda, pypi = str(entry.get("conda", "")), str(entry.get("pypi", ""))
            found = conda_file(conda) if "/pytorch-" in conda else None
            if found is not None and found.name == "pytorch":
                line = lines.first(conda)
                yield record_mention(line, conda, found, platform=str(platform), variant=variant)
            elif "/torch-" in pypi:
                yield wheel_mention(lines.first(pypi), pypi, "", platform=str(platform), variant=variant)
