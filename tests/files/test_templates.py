"""Templates: a value is data, every value is quoted by a filter, and a broken template says where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from envgen.core.paths import tree
from envgen.files.templates import TemplateError, render, render_html
from envgen.site.docs import html
from files.hostile import HOSTILE

FILTERS = {"yaml", "toml", "python", "comment", "word", "command", "int"}
# Prose for people, made from the catalog alone.
# Pages: every value is escaped for HTML; what is `safe` is made by the program.
PAGES = "site/"
UNQUOTED = {"lockfiles-readme.md.j2"}
# JSON of checked runner labels, which is YAML already; an argument of the template's own macro.
ALLOWED = {"workflows/environments.yml.j2": ["row.runner", "mode"]}


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("envgen.files.templates.tree", lambda name: tmp_path)
    return tmp_path


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_never_a_template(templates: Path, value: str) -> None:
    (templates / "t.j2").write_text("{{ value }}|{% if value %}{% endif %}", encoding="utf-8")
    assert render("t.j2", value=value) == f"{value}|"


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_in_a_page_is_text(templates: Path, value: str) -> None:
    (templates / "t.j2").write_text('<p title="{{ value }}">{{ value }}</p>', encoding="utf-8")
    text = render_html("t.j2", value=f"{value}<script>\"'&")
    assert "<script" not in text
    assert text.count('"') == 2


def test_a_template_is_compiled_once(templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (templates / "t.j2").write_text("{{ value }}", encoding="utf-8")
    assert render("t.j2", value=1) == "1"
    monkeypatch.setattr(Environment, "compile", None)
    assert render("t.j2", value=2) == "2"


def test_only_what_the_program_makes_is_put_into_a_page_as_it_is() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted((tree("templates") / "site").glob("*.j2")))
    assert set(re.findall(r"([\w.]+)\|safe", pages)) == {"style", "script", "data", "texts", "picture", "doc.body"}


@pytest.mark.parametrize("value", [*HOSTILE, "[a](javascript:alert)", "![a](data:text/html;base64,YQ==)"])
def test_a_document_has_no_markup_of_its_own(value: str) -> None:
    """`doc.body` is made from Markdown, whose HTML is text."""
    text = html(f"# Title\n\n{value}<script>\n\n<img src=x onerror=y>\n\n| {value} |\n| --- |\n| <b>b</b> |\n", "")
    assert not re.search(r"<(?:script|img|b)\b|(?:href|src)=.(?:javascript|data):", text)


def test_the_text_has_unix_line_ends_and_its_last_one(templates: Path) -> None:
    (templates / "t.j2").write_bytes(b"a\r\n{% for x in xs %}\r\n  {{ x }}\r\n{% endfor %}\r\nb\r\n")
    assert render("t.j2", xs=[1, 2]) == "a\n  1\n  2\nb\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param("{{ missing }}", "'missing' is undefined", id="value-not-given"),
        pytest.param("{{ missing | yaml }}", "'missing' is undefined", id="value-not-given-to-a-filter"),
        pytest.param("{{ given.nothing }}", "'str object' has no attribute 'nothing'", id="attribute-not-there"),
        pytest.param("a\n{% if %}", "line 2: Expected an expression, got 'end of statement block'", id="syntax"),
        pytest.param("{% include 'other.j2' %}", "'other.j2' not found in search path: FOLDER", id="include-not-there"),
    ],
)
def test_a_broken_template_is_an_error_of_ours(templates: Path, source: str, reason: str) -> None:
    (templates / "t.j2").write_text(source, encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        render("t.j2", given="x")
    expected = f"the template t.j2 cannot be used [template-invalid]\n  {reason}"
    assert str(caught.value).replace(repr(str(templates)), "FOLDER") == expected
    assert caught.value.exit_code == 4


def test_a_template_that_is_not_there_is_an_error_of_ours(templates: Path) -> None:
    with pytest.raises(TemplateError, match=r"^the template nothing\.j2 cannot be used \[template-invalid\]"):
        render("nothing.j2")


def test_a_template_that_is_no_text_is_an_error_of_ours(templates: Path) -> None:
    (templates / "t.j2").write_bytes(b"\xff\xfe")
    with pytest.raises(TemplateError, match=r"codec can't decode byte 0xff"):
        render("t.j2")


def test_no_template_outside_the_folder_can_be_named(templates: Path) -> None:
    (templates.parent / "outside.j2").write_text("secret", encoding="utf-8")
    with pytest.raises(TemplateError):
        render("../outside.j2")


SHIPPED = sorted(path.relative_to(tree("templates")).as_posix() for path in tree("templates").rglob("*.j2"))


@pytest.mark.parametrize("name", [n for n in SHIPPED if n not in UNQUOTED and not n.startswith(PAGES)])
def test_every_value_of_a_template_is_quoted(name: str) -> None:
    source = (tree("templates") / name).read_text(encoding="utf-8")
    unquoted = _unquoted(source)
    assert unquoted == ALLOWED.get(name, []), "put each through the filter of its format: CONTRIBUTING, The rooms"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{{ a }}", ["a"]),
        ("{{ a | yaml }}{{ b.c }}", ["b.c"]),
        ("{{ a | yaml ~ b }}", ["Concat"]),
        ("{{ a | upper }}", ["Filter"]),
        ("{% for x in xs %}{{ x | toml }}{% endfor %}{{ 'x' }}", []),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1) }}", ["a"]),
    ],
)
def test_a_value_without_a_filter_would_be_found(source: str, found: list[str]) -> None:
    assert _unquoted(source) == found


def _unquoted(source: str) -> list[str]:
    """The expressions of a template that end in none of our filters; texts, and macros of the template, are its own."""
    tree = Environment(autoescape=True).parse(source)
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    found = []
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            own = isinstance(node, nodes.TemplateData | nodes.Const)
            macro = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in macros
            if not own and not macro and not (isinstance(node, nodes.Filter) and node.name in FILTERS):
                found.append(_name(node))
    return found


def _name(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return f"{_name(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else type(node).__name__
