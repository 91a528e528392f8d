"""`envgen explain`: what a code at the end of a message means; the text of its page, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.output import write_answer, write_json

if TYPE_CHECKING:
    from envgen.site.codes import Meaning

Code = Annotated[str | None, typer.Argument(help="A code, such as driver-too-old. Default: list all.")]


def explain_command(code: Code = None, output_format: options.Format = options.OutputFormat.TEXT) -> None:
    """Say what the code of a finding, a notice, a rejected build or an error means.

    Example: envgen explain driver-too-old
    """
    from envgen.site.codes import meanings

    every = meanings()
    found = every if code is None else _of(code, every)
    if output_format is options.OutputFormat.JSON:
        write_json(_json(found))
    elif code is None:
        width = max(map(len, every))
        write_answer("".join(f"{name.ljust(width)}  {texts[0].text}\n" for name, texts in every.items()))
    else:
        write_answer("".join(_text(name, texts) for name, texts in found.items()))


def _of(code: str, every: Mapping[str, Sequence[Meaning]]) -> Mapping[str, Sequence[Meaning]]:
    """The one code, as it is printed or pasted with its brackets; UsageError for one that there is not."""
    from difflib import get_close_matches

    from envgen.core.errors import UsageError, quoted

    name = code.strip(" []`'\".,:").lower().replace("_", "-")
    if name not in every:
        near = get_close_matches(name, every) or [known for known in every if name and name in known]
        raise UsageError(
            f"no message has the code {quoted(code)}",
            fact=f"closest codes: {', '.join(near)}" if near else "",
            hint="run `envgen explain` to list all",
            origin="CODE",
        )
    return {name: every[name]}


def _text(code: str, texts: Sequence[Meaning]) -> str:
    from envgen.core.messages import messages
    from envgen.site.codes import page_address

    say = messages("site")["en"]
    lines = [code]
    for meaning in texts:
        lines += [f"{say[f'kind_{meaning.kind}']}: {meaning.text}", f"  {say[f'kind_{meaning.kind}_more']}"]
    return "\n".join([*lines, f"page: {page_address(code)}", ""])


def _json(found: Mapping[str, Sequence[Meaning]]) -> dict[str, object]:
    from envgen.site.codes import page_address

    return {
        "schema_version": 1,
        "codes": [
            {
                "code": code,
                "url": page_address(code),
                "meanings": [{"kind": meaning.kind, "text": meaning.text} for meaning in texts],
            }
            for code, texts in found.items()
        ],
    }
