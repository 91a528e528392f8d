"""The Jinja2 environment: values are data, never templates, and each format has a filter that quotes for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from envgen.core.errors import DataError
from envgen.paths import tree

if TYPE_CHECKING:
    from jinja2 import Environment


class TemplateError(DataError):
    """A template can't be read, or asks for a value that it was not given."""

    code = "template-invalid"

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(template, reason)
        self.template, self.reason = template, reason

    def headline(self) -> str:
        return f"the template {self.template} cannot be used"

    def facts(self) -> tuple[str, ...]:
        return (self.reason,)


def render(template: str, **values: object) -> str:
    r"""Return the text of `templates/<template>` with `\n` line ends.

    Raises: TemplateError when the template is missing, not valid, or uses a value that is not given.
    """
    import jinja2

    try:
        text: str = _environment().get_template(template).render(**values)
    except jinja2.TemplateError as error:
        raise TemplateError(template, str(error)) from error
    return text.replace("\r\n", "\n")


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Not HTML: autoescape would write &#34; into a lock. Each template quotes with the filter of its own format.
    environment = Environment(
        loader=FileSystemLoader(tree("templates")),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        newline_sequence="\n",
    )
    environment.filters.update(yaml=yaml_scalar, toml=toml_string, comment=comment_line, python=repr)
    return environment


def yaml_scalar(value: str) -> str:
    """Return `value` as a YAML double-quoted scalar: JSON's strings are YAML's."""
    return json.dumps(value, ensure_ascii=True)


def toml_string(value: str) -> str:
    """Return `value` as a TOML basic string. JSON's escapes are TOML's too, but JSON leaves DEL as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def comment_line(value: str) -> str:
    """Return `value` so that it stays on one line of a comment: everything that is not printable is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
