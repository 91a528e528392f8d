"""What conda-lock 4 makes of match specs in the forms that are usual, and of environment files in our own form.

Its package takes as long to import as many a solve, so it is asked only about other forms. Tests hold both together.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import reduce

_PART = r"[0-9A-Za-z_+]+"
_VERSION = rf"{_PART}(?:\.{_PART})*"
_BOUND = rf"(?:(?:[<>]=?|!=)?{_VERSION}(?:\.\*)?)"
# The depends of a package: a name, a version constraint, a build string.
_DEPENDS = re.compile(
    rf"(?P<name>[a-z0-9_][a-z0-9_.-]*)"
    rf"(?: (?P<version>\*|=={_VERSION}|{_BOUND}(?:[,|]{_BOUND})*)(?P<build> [0-9A-Za-z_.*]+)?)?"
)
# A spec of an environment file: `python=3.12`, `pytorch=2.10.0=cuda129*`, `numpy>=2,<3`, `einops`.
_SPEC = re.compile(
    rf"(?P<name>[a-z0-9_][a-z0-9_.-]*)"
    rf"(?:=(?P<fuzzy>{_VERSION})(?:=(?P<build>[0-9A-Za-z_.*]+))?"
    rf"|(?P<bounds>(?:[<>]=?|!=){_VERSION}(?:,(?:[<>]=?|!=){_VERSION})*))?"
)
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)*")
_ITEM = r'  - "[A-Za-z0-9_.+=*<>!,/-]+"\n'
_ENVIRONMENT = re.compile(
    rf'name: "[A-Za-z0-9_.-]+"\nchannels:\n(?P<channels>(?:{_ITEM})+)  - nodefaults\n'
    rf"platforms:\n(?P<platforms>(?:{_ITEM})+)dependencies:\n(?P<specs>(?:{_ITEM})+)"
)
_TIME = 1577854800000  # conda_lock.virtual_package.DEFAULT_TIME


def plain_constraints(depends: Sequence[str]) -> dict[str, str] | None:
    """Name -> version constraint, without build strings; None when a form is unusual.

    Constraints of one package are joined as conda's MatchSpec.merge does it.
    """
    found: dict[str, list[re.Match[str]]] = {}
    for text in depends:
        spec = _DEPENDS.fullmatch(text)
        if spec is None:
            return None
        found.setdefault(spec["name"], []).append(spec)
    joined = {name: _joined(specs) for name, specs in found.items()}
    return {name: text for name, text in joined.items() if text is not None} if None not in joined.values() else None


def _joined(specs: Sequence[re.Match[str]]) -> str | None:
    """The constraint of the specs of a package; None for what only conda's own merge can tell."""
    builds = {spec["build"] for spec in specs} - {None}
    texts = [spec["version"] or "" for spec in specs]
    texts = [text if spec["build"] else text.removeprefix("==") for text, spec in zip(texts, specs, strict=True)]
    if len(specs) == 1:
        return texts[0]
    if len(builds) > 1 or any("|" in text for text in texts):
        return None
    if len(specs) > 2 and (builds or not all(text[:1] in {"<", ">", "!"} for text in texts)):
        return None  # it sorts the specs as it would write them
    return _all_of(sorted(filter(None, texts)))


def _all_of(texts: Sequence[str]) -> str:
    """Constraints joined one after the other, each time in the order of the texts."""
    return reduce(lambda one, other: ",".join(sorted((one, other))), texts) if texts else ""


def is_plain_channel(channel: str) -> bool:
    """True for a channel that is written as it is: of an address conda-lock hides the login."""
    return _CHANNEL.fullmatch(channel) is not None


def plain_hashes(environment_yml: str, claims: Mapping[str, Mapping[str, str]]) -> dict[str, str] | None:
    """Subdir -> conda-lock's content hash of an environment file with virtual packages; None for another form.

    It is the hash of a JSON text (conda_lock.content_hash, 4.0.3; a change of it would be a breaking one, says that).
    """
    parts = _ENVIRONMENT.fullmatch(environment_yml)
    if parts is None:
        return None
    channels, platforms, texts = (re.findall(r'"(.+)"', parts[key]) for key in ("channels", "platforms", "specs"))
    specs = [_SPEC.fullmatch(text) for text in texts]
    names = {spec["name"] for spec in specs if spec is not None}
    if len(names) < len(specs) or not all(map(is_plain_channel, channels)):
        return None
    content = {
        "channels": [json.dumps({"url": one, "used_env_vars": []}, separators=(",", ":")) for one in channels],
        "specs": sorted((_spec(spec) for spec in specs if spec is not None), key=lambda one: str(one["name"])),
    }
    noarch = {"info": {"subdir": "noarch"}, "packages": {}}
    return {
        subdir: hashlib.sha256(
            json.dumps(
                {**content, "virtual_package_hash": {"noarch": noarch, subdir: _packages(subdir, claims)}},
                sort_keys=True,
            ).encode()
        ).hexdigest()
        for subdir in platforms
    }


def _spec(spec: re.Match[str]) -> dict[str, object]:
    """A spec as conda-lock's VersionedDependency holds it: `=1.2` is `1.2.*`, unless a build string follows."""
    version = spec["bounds"] or spec["fuzzy"] or ""
    return {
        "name": spec["name"],
        "manager": "conda",
        "category": "main",
        "extras": [],
        "version": f"{version}.*" if spec["fuzzy"] and not spec["build"] else version,
        "build": spec["build"],
        "conda_channel": None,
        "hash": None,
    }


def _packages(subdir: str, claims: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """The virtual packages of a subdir as the repodata that conda-lock makes of them; nothing for none."""
    if subdir not in claims:
        return {}
    packages = {}
    for name, value in claims[subdir].items():
        version, _, build_string = value.partition(" ")
        build = f"{build_string}_0" if build_string else "0"
        packages[f"{name}-{version}-{build}.tar.bz2"] = {
            "name": name,
            "version": version,
            "build_string": build_string,
            "build_number": 0,
            "noarch": "",
            "depends": [],
            "timestamp": _TIME,
            "package_type": "virtual_system",
            "build": build,
            "subdir": subdir,
        }
    return {"info": {"subdir": subdir}, "packages": packages}
