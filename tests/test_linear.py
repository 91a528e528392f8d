"""Work that goes with the length of a text: no pattern and no reader takes the square of it, whoever wrote the text."""

from __future__ import annotations

import ast
import re
import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from importlib import import_module
from operator import or_
from pathlib import Path

import pytest

from envgen.core.patterns import Pattern
from envgen.core.toml_text import parse_toml

PACKAGE = Path(__file__).parent.parent / "generator" / "envgen"
FLAGS = {name: getattr(re, name) for name in ("ASCII", "DOTALL", "IGNORECASE", "MULTILINE", "VERBOSE")}
SEARCHES = ("search", "sub", "subn", "split", "findall", "finditer")
# What is repeated: single characters that patterns begin or end with, and pairs of them.
UNITS = (
    *"a10A -_./:@=\"'<>#{[(,;|\\\n\t~+",
    *("x-", "a.", "a-", "a ", "1.", "1-", "a1", "a/", "/a", "a@", "a:", "://a", "http://", '"a', "<a ", "${a", '\\"'),
    *("sm_", "cu1", " #", "-a-1", "--hash=", "<<a", "Processes\n ", "a=1\n", "[a]", "=1", "1,", "py3", "lib", "a\t"),
    *("${A:-", "[WinError 126]", "$(", "`", "[WinError 126] a"),
)
LENGTH = 4000
SHORT = LENGTH // 8  # linear work takes an eighth of the time there, quadratic a sixty-fourth
GRACE_S = 0.002


def patterns() -> Iterator[tuple[str, str, re.RegexFlag | int, str]]:
    """Place, pattern, flags and method of every pattern in the package that is written out."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name == "refresh":  # reads its sources once a week, in CI
            continue
        source = path.read_text(encoding="utf-8")
        if "re." not in source:
            continue
        tree = ast.parse(source)
        compiled = {
            id(value): target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
            for value in [node.value]
        }
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and call.args and isinstance(function := call.func, ast.Attribute)):
                continue
            if not (isinstance(function.value, ast.Name) and function.value.id == "re"):
                continue
            pattern = call.args[0]
            if not (isinstance(pattern, ast.Constant) and isinstance(pattern.value, str)):
                continue
            method = function.attr
            stated = [ast.unparse(argument) for argument in [*call.args[1:], *(k.value for k in call.keywords)]]
            flags = reduce(or_, [flag for name, flag in FLAGS.items() if any(f"re.{name}" in s for s in stated)], 0)
            used = {method}
            if method == "compile":
                used = {*re.findall(rf"\b{compiled.get(id(call), 'nothing')}\.([a-z]+)\(", source)} or {"search"}
            for one in sorted(used & {"match", "fullmatch"}) + (["search"] if used & {*SEARCHES} else []):
                yield f"{path.relative_to(PACKAGE)}:{call.lineno}", pattern.value, flags, one


def composed(known: frozenset[str]) -> Iterator[tuple[str, str, re.RegexFlag | int, str]]:
    """The same of every pattern that a module holds, be it made of parts or compiled when it is used."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in ("refresh", "__main__") or path.name.endswith(("_child.py", "__main__.py")):
            continue
        source = path.read_text(encoding="utf-8")
        if not re.search(r"\bre\.compile\(|\bPattern\(", source):
            continue
        held = vars(import_module(".".join(("envgen", *parts)).removesuffix(".__init__")))
        for name in re.findall(r"^(_?[A-Z][A-Z0-9_]*)\b", source, re.MULTILINE):
            used = {*re.findall(rf"\b{name}\.([a-z]+)\(", source)} or {"search"}
            for pattern, flags in _patterns_in(held.get(name)):
                if pattern not in known:
                    for one in sorted(used & {"match", "fullmatch"}) + (["search"] if used & {*SEARCHES} else []):
                        yield f"{'/'.join(parts)}.py:{name}", pattern, flags, one


def _patterns_in(value: object) -> Iterator[tuple[str, int]]:
    match value:
        case re.Pattern() if isinstance(value.pattern, str):
            yield value.pattern, value.flags & ~re.UNICODE
        case Pattern():
            yield value._text, value._flags
        case dict():
            for held in value.values():
                yield from _patterns_in(held)
        case tuple() | list() | frozenset():
            for held in value:
                yield from _patterns_in(held)
        case _:
            pass


ALL = list(patterns())
ALL += composed(frozenset(found[1] for found in ALL))


def seconds(pattern: str, flags: re.RegexFlag | int, method: str, unit: str, length: int) -> float:
    """The processor time of one repeated unit, the least of three: the machine may have been busy."""
    match = getattr(re.compile(pattern, flags), method)
    text = (unit * length)[:length] + "\0"
    taken = []
    for _ in range(3):
        started = time.process_time()
        match(text)
        taken.append(time.process_time() - started)
        if taken[-1] < GRACE_S:
            break
    return min(taken)


def too_slow(pattern: str, flags: re.RegexFlag | int, method: str) -> str:
    """The repeated unit at which the work grows faster than the text, or an empty string."""
    for unit in UNITS:
        whole = seconds(pattern, flags, method, unit, LENGTH)
        if whole > GRACE_S and whole > GRACE_S + 20 * seconds(pattern, flags, method, unit, SHORT):
            return f"{whole:.3f} s for {LENGTH} characters of {unit!r}"
    return ""


@pytest.mark.parametrize(("pattern", "flags", "method"), [found[1:] for found in ALL], ids=[f[0] for f in ALL])
def test_a_pattern_is_linear(pattern: str, flags: int, method: str) -> None:
    assert too_slow(pattern, flags, method) == ""


def test_the_patterns_are_found() -> None:
    assert len(ALL) > 220
    assert {"reports/messages.py:_ONE_LINE", "files/quoting.py:_WORD"} <= {found[0] for found in ALL}


@pytest.mark.parametrize("pattern", [r"(^|\s+)#", r"(?:[a-z]|[0-9])+://x", r'"(?:[^"\\]|\\.)*"'])
def test_a_pattern_that_is_not_would_be_seen(pattern: str) -> None:
    assert too_slow(pattern, 0, "search") != ""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a." * 20_000 + "a = 1", id="dotted-key"),
        pytest.param('"a".' * 20_000 + "a = 1", id="quoted-parts"),
        pytest.param("[" + "a." * 20_000 + "a]", id="table"),
        pytest.param("x = {" + "a." * 20_000 + "a = 1}", id="inline-table"),
        pytest.param("x = {a = '\"', " + "a." * 20_000 + "a = 1, b = '\"'}", id="between-quotes"),
        pytest.param("\n".join(f"k{n}" + ".a" * 99 + " = 1" for n in range(500)), id="many-long-keys"),
        pytest.param("x = " + "[" * 100_000, id="nested"),
        pytest.param("x = " + "9" * 5_000, id="digits"),
    ],
)
def test_toml_of_anybody_takes_no_time(text: str) -> None:
    started = time.process_time()
    with suppress(tomllib.TOMLDecodeError):
        parse_toml(text)
    assert time.process_time() - started < 2


def test_dots_in_strings_are_no_keys() -> None:
    assert parse_toml(f"url = \"{'a.' * 500}\"\nname = '{'b.' * 500}'")["name"] == "b." * 500
