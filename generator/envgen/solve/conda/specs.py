"""Conda match specs as envgen writes them: `name`, `name<1.2`, `name=1.2`, `name=1.2=build*`, `channel::name`.

These forms mean the same to conda, mamba, conda-lock and rattler. `name=1.2` already means 1.2 and everything below it;
a star behind it (`name=1.2.*`) adds nothing and rattler's strict mode refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envgen.core.errors import ValueFormatError

# What conda writes; `^...$` is a regular expression to it, which may never end.
_CONSTRAINT = re.compile(r"[0-9A-Za-z._+!*,|<>=~() -]*")
_NAME = re.compile(r"^[A-Za-z0-9_.-]+")


def name_of(spec: str) -> str:
    """The package name of a match spec, in lower case; empty when it has none."""
    found = _NAME.match(split_channel(spec)[1])
    return found[0].lower() if found else ""


def split_channel(spec: str) -> tuple[str, str]:
    """The channel that a match spec names, or an empty string, and the rest of it."""
    channel, mark, rest = spec.strip().rpartition("::")
    return (channel, rest.strip()) if mark else ("", rest)


def renamed(spec: str, names: Mapping[str, str]) -> str:
    """The match spec with its package called as a mapping from old to new names says."""
    name = name_of(spec)
    return names[name] + constraint_of(spec) if names.get(name, name) != name else spec


def constraint_of(spec: str) -> str:
    """What a match spec says of version and build, as it is written there."""
    return split_channel(spec)[1][len(name_of(spec)) :].strip()


def as_requirement(rest: str) -> tuple[str, str]:
    """The version of a match spec in the words of PEP 440, and its build string or an empty one.

    `rest` is what stands behind the name: `=1.2`, `==1.2`, `>=1.2,<2`, `=1.2=build`, ` 1.2.* build`.
    """
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


def build_glob_of(spec: str) -> str:
    """The build string pattern of `name=version=build`, `name==version=build` or `name version build`, or nothing."""
    parts = spec.split() if " " in spec.strip() else spec.replace("==", "=").split("=")
    return parts[2].strip() if len(parts) == 3 and "" not in parts else ""


def is_bare(spec: str) -> bool:
    """True when a match spec is a name alone, so that any version would do."""
    return bool(spec.strip()) and name_of(spec) == spec.strip().lower()


def version_matches(constraint: str, version: str) -> bool:
    """True when a version meets a version constraint, by conda's own rule (`>=2.8.0,<2.9.0a0`, `3.12.*`, `1.2`).

    Raises: ValueFormatError when conda can't read one of them.
    """
    from rattler import Version, VersionSpec
    from rattler.exceptions import InvalidVersionError, InvalidVersionSpecError

    expected = "conda's form, such as >=2.8.0,<2.9.0a0"
    if not _CONSTRAINT.fullmatch(constraint):
        raise ValueFormatError(kind="version constraint", value=constraint, expected=expected)
    try:
        return not constraint or bool(VersionSpec(constraint).matches(Version(version)))
    except (InvalidVersionError, InvalidVersionSpecError) as error:
        value = f"{constraint} ({version})"
        raise ValueFormatError(kind="version constraint", value=value, expected=expected) from error
