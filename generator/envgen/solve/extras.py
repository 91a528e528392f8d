"""`--with`: further packages, read once and handed to pip and conda in their own spelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from envgen.core.errors import UsageError, show

_HINT = "write NAME or NAME>=1.0 for both, pip:NAME or conda:NAME for one of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Further packages: PEP 508 requirements for pip, match specs for conda, in the order given."""

    pip: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()


def read_extras(texts: Sequence[str]) -> Extras:
    """Read the values of `--with`. `pip:` or `conda:` in front binds a package to one side.

    Raises: UsageError for what is no plain requirement, names torch itself, or has no conda spelling.
    """
    pip: list[str] = []
    conda: list[str] = []
    for text in texts:
        side, colon, rest = text.partition(":")
        bound = side.strip().lower() if colon and side.strip().lower() in ("pip", "conda") else ""
        name = rest if bound else text
        if bound != "conda":
            pip.append(_requirement(name))
        if bound != "pip":
            conda.append(_match_spec(name))
    return Extras(pip=tuple(dict.fromkeys(pip)), conda=tuple(dict.fromkeys(conda)))


def _requirement(text: str) -> str:
    from envgen.solve.pip.query import plain_requirement

    return plain_requirement(text)


def _match_spec(text: str) -> str:
    """A requirement as conda writes it: the name in lower case, `==1.2` and `>=1,<2` as they are.

    Raises: UsageError for extras, markers, `~=` and `===`, which conda does not know.
    """
    from packaging.requirements import Requirement

    requirement = Requirement(_requirement(text))
    operators = {specifier.operator for specifier in requirement.specifier}
    if requirement.extras or requirement.marker or operators & {"~=", "==="}:
        fact = "conda knows no extras, markers, ~= or ==="
        raise UsageError(f"{show(text)} has no conda spelling (from --with)", fact=fact, hint=_HINT)
    return f"{requirement.name.lower()}{requirement.specifier}"
