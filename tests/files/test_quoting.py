"""Each format's real parser reads a quoted value back as that value, whatever it holds."""

from __future__ import annotations

import ast
import shlex
import shutil
import subprocess
import sys
import tokenize
import tomllib
from io import BytesIO

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from envgen.core.platforms import Subdir
from envgen.files.quoting import (
    UnsafeWordError,
    command_line,
    comment_line,
    double_quoted,
    python_literal,
    word,
)
from files.hostile import ANY_TEXT, HOSTILE


@given(ANY_TEXT)
def test_yaml_reads_a_scalar_back(value: str) -> None:
    text = f"key: {double_quoted(value)}\nother: 1\nlist: [{double_quoted(value)}, 2]\n"
    expected = {"key": value, "other": 1, "list": [value, 2]}
    assert yaml.safe_load(text) == expected
    assert text.isascii()


@pytest.mark.parametrize("value", HOSTILE)
def test_yaml_1_2_reads_a_scalar_back(value: str) -> None:
    assert YAML(typ="safe").load(f"key: {double_quoted(value)}\n") == {"key": value}


@given(ANY_TEXT)
def test_toml_reads_a_string_back(value: str) -> None:
    assert tomllib.loads(f"key = {double_quoted(value)}\nother = 1\n") == {"key": value, "other": 1}


@given(ANY_TEXT)
def test_a_lone_surrogate_becomes_the_replacement_character(value: str) -> None:
    broken = f"{value}\udc80"
    assert tomllib.loads(f"key = {double_quoted(broken)}")["key"] == f"{value}\ufffd"
    assert yaml.safe_load(double_quoted(broken)) == f"{value}\ufffd"


@given(st.one_of(ANY_TEXT, st.integers(), st.booleans(), st.none(), st.lists(ANY_TEXT), st.tuples(ANY_TEXT)))
def test_python_reads_a_literal_back(value: object) -> None:
    text = python_literal(value)
    assert ast.literal_eval(text) == value
    assert text.isascii()
    assert "\n" not in text


def test_a_member_of_an_enumeration_is_written_as_its_text() -> None:
    assert python_literal(Subdir.WIN_64) == "'win-64'"


@pytest.mark.parametrize("value", [object(), float("nan"), [object()], ast])
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"^\w+ has no literal$"):
        python_literal(value)


@given(ANY_TEXT)
@example("C:\\")
def test_a_comment_stays_one_comment(value: str) -> None:
    line = f"# {comment_line(value)}"
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert not line.endswith("\\")
    assert [token.type for token in tokenize.tokenize(BytesIO(f"{line}\nx = 1\n".encode()).readline)][1] == (
        tokenize.COMMENT
    )
    assert yaml.safe_load(f"{line}\nx: 1\n") == {"x": 1}
    assert tomllib.loads(f"{line}\nx = 1\n") == {"x": 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("GeForce® RTX™ 4090", "GeForce(R) RTX(TM) 4090", id="trademarks"),
        pytest.param("12.6 → 13.0 …", "12.6 -> 13.0 ...", id="signs"),
        pytest.param("a\nb\tc", "a\\nb\\tc", id="control-characters"),
        pytest.param("显", "\\u663e", id="other-scripts"),
    ],
)
def test_a_comment_says_it_in_ascii(value: str, expected: str) -> None:
    assert comment_line(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2.14.1+cu126",
        "nvidia-cublas-cu12",
        "__cuda",
        "https://download.pytorch.org/whl/cu126/torch-2.14.1%2Bcu126-cp312-cp312-win_amd64.whl",
        "https://host.example:8443/a/b@c?d=e&f=(g)",
    ],
)
def test_a_word_is_written_as_it_is(value: str) -> None:
    assert word(value) == value


@pytest.mark.parametrize(
    "value", ["", "a b", "a\n--index-url x", "a#b", "--extra-index-url", "-r", "a;\tb", 'a"b', "a\\b", "ä", "${A}"]
)
def test_what_is_no_word_is_refused(value: str) -> None:
    with pytest.raises(UnsafeWordError) as caught:
        word(value)
    assert str(caught.value).endswith(
        "cannot be written into a lock [value-unsafe]\n"
        "  expected one word of the letters, digits and punctuation of a version or a URL"
    )


PRINTED = [
    ["envgen", "--gpu", "GeForce MX450", "--platform", "win-64", "--driver", "560.94"],
    ["envgen", "--torch", ">=2.6,<2.9", "--with", "pandas[excel]>=2; python_version < '3.13'"],
    ["envgen", "--wheel-mirror", "https://mirror.example/a%20b/?x=1&y=2#frag"],
    ["envgen", "--with", "conda:numpy!=2.0,>=1.26"],
    ["envgen", "--output", "C:\\Users\\a name\\out", "--gpu", "10de:1f97"],
    ["envgen", "--with", "~/a* (b) {c} | d; e ^ f"],
]


@pytest.mark.parametrize("shell", [pytest.param(s, id=s) for s in ("sh", "bash", "dash") if shutil.which(s)])
@pytest.mark.parametrize("arguments", PRINTED, ids=lambda arguments: arguments[1])
def test_a_shell_reads_a_command_line_back(shell: str, arguments: list[str]) -> None:
    show = f"{shlex.quote(sys.executable)} -c 'import sys; print(sys.argv[1:])' "
    script = show + command_line(arguments)
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ast.literal_eval(done.stdout) == arguments


@given(st.lists(ANY_TEXT, min_size=1))
def test_no_shell_sees_more_than_words(arguments: list[str]) -> None:
    line = command_line(arguments)
    assert line.isprintable()
    assert len(shlex.split(line)) == len(arguments)
    outside, inside = line.split('"')[::2], line.split('"')[1::2]
    # Outside quotes nothing that any shell acts on; inside, nothing that stays alive in cmd.exe, PowerShell or sh.
    assert all(c.isascii() and (c.isalnum() or c in " ._/:+-") for part in outside for c in part)
    assert not any(c in "$`\u201c\u201d\u201e" for part in inside for c in part)
    assert not any("!" in part.replace("!=", "") for part in inside)
    assert not any(f"%{c}" in part for part in inside for c in "PATHpath_~*")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_an_interactive_shell_does_not_look_into_its_history() -> None:
    show = f"{shlex.quote(sys.executable)} -c 'import sys; print(sys.argv[1:])' "
    script = f"set -o history -o histexpand\n{show}{command_line(['--with', 'numpy!=2.0'])}\n"
    done = subprocess.run(["bash"], input=script, capture_output=True, text=True, timeout=60, check=True)
    assert (ast.literal_eval(done.stdout), done.stderr) == (["--with", "numpy!=2.0"], "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--gpu", 'a "b" $(id)'], '--gpu "a ?b? ?(id)"', id="no-common-spelling"),
        pytest.param(["numpy!=2.0", "a!!=b", "wow!"], '"numpy!=2.0" "a?!=b" "wow?"', id="history-of-a-shell"),
        pytest.param(["C:\\dir\\"], '"C:\\dir?"', id="backslash-before-the-quote"),
        pytest.param(["%PATH%", "a%20b"], '"?PATH?" "a%20b"', id="percent"),
        pytest.param(["-Dfoo.bar"], '"-Dfoo.bar"', id="powershell-splits-a-dashed-word-at-a-dot"),
    ],
)
def test_what_has_no_common_spelling_does_no_harm(arguments: list[str], expected: str) -> None:
    assert command_line(arguments) == expected
