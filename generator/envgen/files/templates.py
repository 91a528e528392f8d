"""The Jinja2 environment: values are data, never templates, and each format has a filter that quotes for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from envgen.core.errors import DataError
from envgen.core.paths import tree
from envgen.files import quoting

if TYPE_CHECKING:
    from jinja2 import Environment, Template


class TemplateError(DataError):
    """A template can't be read, or asks for a value that it was not given."""

    code = "template-invalid"

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(f"the template {template} cannot be used", reason)


def render(template: str, **values: object) -> str:
    r"""Return the text of `templates/<template>` with `\n` line ends.

    Raises: TemplateError when the template is missing, not valid, or uses a value that is not given.
    """
    return _rendered(template, values, html=False)


def load_template(template: str) -> None:
    """Compile a template that will be rendered.

    Raises: TemplateError as `render` does.
    """
    _compiled(template, html=False)


def render_html(template: str, **values: object) -> str:
    """The same for a page: every value is escaped for HTML.

    Raises: TemplateError as `render` does.
    """
    return _rendered(template, values, html=True)


def _rendered(template: str, values: Mapping[str, object], *, html: bool) -> str:
    with _named(template):
        text: str = _compiled(template, html=html).render(**values)
    return text


def _compiled(template: str, *, html: bool) -> Template:
    with _named(template):
        return _environment(tree("templates"), html=html).get_template(template)


@contextmanager
def _named(template: str) -> Iterator[None]:
    """Raise what jinja2 raises as an error of ours that names the template."""
    import jinja2

    try:
        yield
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        line = f"line {error.lineno}: " if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise TemplateError(template, line + str(error)) from error


def read_template(template: str) -> str:
    r"""Return the text of `templates/<template>` as it is, with `\n` line ends.

    Raises: TemplateError when it is missing or no UTF-8 text.
    """
    try:
        return (tree("templates") / template).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(template, str(error)) from error


@cache
def _environment(folder: Path, *, html: bool) -> Environment:
    """The environment of a folder, made once: it keeps what it compiled, and a site has thousands of pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Only pages are HTML: autoescape would write &#34; into a lock, where a filter quotes for the format.
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=html,  # noqa: S701
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        newline_sequence="\n",
    )
    environment.filters.update(
        yaml=quoting.double_quoted,
        toml=quoting.toml_value,
        comment=quoting.comment_line,
        word=quoting.word,
        command=quoting.command_line,
    )
    return environment
