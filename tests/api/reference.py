"""Makes the reference page of the Python interface from its docstrings.

`PYTHONPATH=tests python -m api.reference` writes `templates/docs/python.md`; a test says when it is out of date.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import envgen

PAGE = Path(__file__).parents[2] / "templates" / "docs" / "python.md"
INTRODUCTION = """# envgen from Python

<!-- made from the docstrings by `PYTHONPATH=tests python -m api.reference`; edit them, not this page -->

    import envgen

    decision = envgen.decide(gpu="GeForce MX450", driver="560.94", platform="win-64")
    decision.pip.torch, decision.pip.cuda_tag  # ('2.14.1', 'cu126')
    decision.pip.install  # ('pip install torch==2.14.1 torchvision==0.29.1 --index-url https://…/whl/cu126',)

    try:
        envgen.find_gpu("RTX 4000")
    except envgen.NoPairingError as error:
        error.code, [candidate.name for candidate in error.match.candidates]

An import loads nothing else, a first call the tables it needs; after that a decision takes a fraction of a millisecond.
Nothing is asked of a network, and of this computer only when no GPU, or no platform, is named.

**Stability.** Within a major version the names below, their parameters and their fields stay and keep their meaning;
new ones may come. Codes (of errors, notices, reasons) are never reused. Texts are for people and may change any day,
and so may an answer when the facts do: `Decision.catalog` says which facts it was made from. Other modules are
internal.
"""


def page() -> str:
    """The whole page."""
    names = [name for name in envgen.__all__ if not name.startswith("_")]
    objects = {name: getattr(envgen, name) for name in names}
    calls = [name for name in names if inspect.isfunction(objects[name])]
    values = [name for name in names if is_dataclass(objects[name])]
    errors = [name for name in names if name not in calls and name not in values]
    sections = [INTRODUCTION]
    for title, members in (("Calls", calls), ("Values", values), ("Errors", errors)):
        sections.append(f"## {title}\n")
        sections += [_section(name, objects[name]) for name in members]
    return "\n".join(sections)


def _section(name: str, described: object) -> str:
    return f"### {name}\n\n{''.join(_signature(name, described))}{inspect.getdoc(described)}\n"


def _signature(name: str, described: object) -> Iterator[str]:
    if inspect.isfunction(described):
        signature = inspect.signature(described)
        yield f"    {name}(\n"
        starred = False
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.KEYWORD_ONLY and not starred:
                starred = True
                yield "        *,\n"
            default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
            yield f"        {parameter.name}: {parameter.annotation}{default},\n"
        yield f"    ) -> {signature.return_annotation}\n\n"
    elif is_dataclass(described):
        yield from (f"    {field.name}: {field.type}\n" for field in fields(described))
        yield "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
