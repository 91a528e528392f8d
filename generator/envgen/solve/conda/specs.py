"""Conda match specs as envgen writes them: `name`, `name<1.2`, `name=1.2`, `name=1.2=build*`.

These forms mean the same to conda, mamba, conda-lock and rattler. `name=1.2` already means 1.2 and everything below it;
a star behind it (`name=1.2.*`) adds nothing and rattler's strict mode refuses it.
"""

from __future__ import annotations

import re

from envgen.core.errors import ValueFormatError

# What conda writes; `^...$` is a regular expression to it, which may never end.
_CONSTRAINT = re.compile(r"[0-9A-Za-z._+!*,|<>=~() -]*")
_NAME = re.compile(r"^[A-Za-z0-9_.-]+")


def name_of(spec: str) -> str:
    """The package name of a match spec, in lower case; empty when it has none."""
    found = _NAME.match(spec.strip())
    return found[0].lower() if found else ""


def build_glob_of(spec: str) -> str:
    """The build string pattern of `name=version=build` or `name version build`, or an empty string."""
    parts = spec.split() if " " in spec.strip() else spec.split("=")
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
