"""The header: read back as it was written, recognised only when whole, and a comment to every reader of the files."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
import tokenize
import tomllib
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from envgen.files.header import Header, Prose, body_digest, compose, with_headers
from envgen.files.reading import is_untouched, split
from files.hostile import ANY_TEXT, HOSTILE

BODY = "torch==2.14.1+cu126 --hash=sha256:00\n"
HEADER = Header(
    title="0.1.0: requirements.txt for GeForce MX450 (compute capability 7.5), win-64, Python 3.12",
    command='envgen --gpu "GeForce MX450" --platform win-64 --driver 560.94',
    lines=("pip, win-64: torch 2.14.1+cu126", "  indented", ""),
    catalog="2026-11-24.bcabb6a4",
    request='{"v":1}',
    set="a" * 64,
    body=hashlib.sha256(BODY.encode()).hexdigest(),
)
TEXT = f"""\
# envgen 0.1.0: requirements.txt for GeForce MX450 (compute capability 7.5), win-64, Python 3.12
# made by: envgen --gpu "GeForce MX450" --platform win-64 --driver 560.94
# pip, win-64: torch 2.14.1+cu126
#   indented
#
# catalog 2026-11-24.bcabb6a4
# request {{"v":1}}
# set sha256:{"a" * 64}
# body sha256:{HEADER.body}
#
{BODY}"""


def hostile(value: str) -> Header:
    return replace(HEADER, title=f"0.1.0: {value}", command=f"envgen --gpu {value}", lines=(value, f"note: {value}"))


def test_the_text_of_a_header() -> None:
    assert compose(BODY, HEADER) == TEXT


def test_a_header_is_read_back() -> None:
    assert split(TEXT) == (HEADER, BODY)
    assert is_untouched(TEXT)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(TEXT.replace("\n", "\r\n"), id="git-on-windows"),
        pytest.param("\ufeff" + TEXT, id="byte-order-mark"),
        pytest.param("\ufeff" + TEXT.replace("\n", "\r\n"), id="notepad"),
    ],
)
def test_line_ends_and_a_byte_order_mark_are_no_edit(changed: str) -> None:
    assert split(changed) == (HEADER, BODY)
    assert is_untouched(changed)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(BODY, id="no-header"),
        pytest.param("", id="empty"),
        pytest.param("\n" + TEXT, id="a-line-before"),
        pytest.param(TEXT.replace("\n#\ntorch", "\ntorch"), id="no-empty-comment-at-the-end"),
        pytest.param(TEXT.replace("# made by: ", "# by: "), id="no-command"),
        pytest.param(TEXT.replace("# catalog ", "# "), id="no-catalog"),
        pytest.param(TEXT.replace("# set sha256:a", "# set sha256:"), id="digest-too-short"),
        pytest.param(TEXT.replace("# set sha256:a", "# set sha256:A"), id="digest-in-capitals"),
        pytest.param(TEXT.replace("# pip, win-64", "pip, win-64"), id="a-line-that-is-no-comment"),
        pytest.param(TEXT.replace("# envgen ", "# other "), id="another-tool"),
        pytest.param(TEXT.split("\n#\ntorch", maxsplit=1)[0], id="cut-off"),
        pytest.param(TEXT.replace("# body", "# a\n#  body"), id="body-digest-not-last"),
    ],
)
def test_only_a_whole_header_is_ours(changed: str) -> None:
    assert split(changed) == (None, changed)
    assert not is_untouched(changed)


@pytest.mark.parametrize(
    "changed",
    [TEXT + "numpy==2.0\n", TEXT.rstrip("\n"), TEXT.replace("2.14.1+cu126 --", "2.14.2+cu126 --"), TEXT + "\n"],
    ids=["added", "last-line-end", "changed", "empty-line"],
)
def test_an_edit_of_the_body_is_seen(changed: str) -> None:
    header, _ = split(changed)
    assert header == HEADER
    assert not is_untouched(changed)


def test_an_edit_of_the_header_is_none_of_the_body() -> None:
    assert is_untouched(TEXT.replace("pip, win-64", "my machine"))


@given(ANY_TEXT, st.text(st.characters(codec="utf-8", exclude_characters="\r")))
def test_whatever_a_value_holds_the_body_is_found(value: str, body: str) -> None:
    text = compose(body, replace(hostile(value), body=body_digest(body)))
    header, found = split(text)
    assert found == body
    assert header is not None
    assert len(header.lines) == 2
    assert is_untouched(text)
    top = text[: len(text) - len(body)]
    assert top.isascii()
    assert all(line.startswith("#") for line in top.splitlines())
    again = compose(body, header)
    assert split(again) == (header, body)


def digests(request: str = "{}", line: str = "x", **changed: str) -> dict[str, str]:
    """File name -> the digest of its set, of a run whose bodies may differ from the usual ones."""
    names = {"requirements.txt": "r", "pylock.toml": "p", "environment.yml": "e", "smoke_test.py": "s"}
    bodies = {name: changed.get(short, short) for name, short in names.items()}
    prose = {name: Prose(title=name, lines=(line,)) for name in bodies}
    files = with_headers(bodies, prose, command="envgen", catalog="c", request=request)
    headers = {name: split(text)[0] for name, text in files.items()}
    return {name: header.set for name, header in headers.items() if header is not None}


def test_each_set_has_one_digest_and_the_smoke_test_none() -> None:
    found = digests()
    assert found["smoke_test.py"] == ""
    assert found["requirements.txt"] == found["pylock.toml"] != found["environment.yml"]


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"p": "other"}, {"requirements.txt", "pylock.toml"}),
        ({"e": "other"}, {"environment.yml"}),
        ({"s": "other"}, set()),
        ({"request": "[]"}, {"requirements.txt", "pylock.toml", "environment.yml"}),
        ({"line": "other"}, {"requirements.txt", "pylock.toml", "environment.yml"}),
    ],
    ids=["pip", "conda", "smoke-test", "request", "what-is-said"],
)
def test_a_digest_covers_its_own_set(change: dict[str, str], moved: set[str]) -> None:
    before, after = digests(), digests(**change)
    assert {name for name in before if before[name] != after[name]} == moved


@pytest.mark.parametrize("value", HOSTILE)
def test_python_reads_the_file_as_utf_8_with_nothing_but_comments(value: str) -> None:
    source = compose("X = 'ä'\n", hostile(value)).encode()
    assert tokenize.detect_encoding(BytesIO(source).readline)[0] == "utf-8"
    names: dict[str, object] = {}
    exec(compile(source, "smoke_test.py", "exec"), names)
    assert names["X"] == "ä"
    assert len(ast.parse(source).body) == 1


@pytest.mark.parametrize("value", HOSTILE)
def test_yaml_and_toml_read_nothing_but_the_body(value: str) -> None:
    assert yaml.safe_load(compose("name: x\n", hostile(value))) == {"name": "x"}
    assert tomllib.loads(compose('name = "x"\n', hostile(value))) == {"name": "x"}


@pytest.mark.interop
@pytest.mark.parametrize("value", HOSTILE)
def test_rattler_reads_an_explicit_lock_below_it(value: str) -> None:
    pytest.importorskip("rattler")
    from rattler.explicit_environment import ExplicitEnvironmentSpec

    url = "https://conda.anaconda.org/conda-forge/noarch/tzdata-2025b-h78e105d_0.conda#4222072737ccff51314b5ece9c7d6f5a"
    spec = ExplicitEnvironmentSpec.from_str(compose(f"# platform: win-64\n@EXPLICIT\n{url}\n", hostile(value)))
    assert str(spec.platform) == "win-64"
    assert [package.url for package in spec.packages] == [url]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one tiny wheel, for the installers."""
    folder = tmp_path_factory.mktemp("wheels")
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.mark.interop
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_pip_and_uv_read_the_requirements_below_every_header(tool: str, wheels: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256((wheels / "tiny-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    command = [sys.executable, "-m", *tool.split(), *(["pip"] if tool == "uv" else []), "install", "--dry-run"]
    command += ["--no-index", f"--find-links={wheels}", f"--target={tmp_path / 'target'}", "--require-hashes"]
    for number, value in enumerate(HOSTILE):
        path = tmp_path / f"requirements-{number}.txt"
        path.write_bytes(compose(f"tiny==1.0 --hash=sha256:{digest}\n", hostile(value)).encode())
        command += ["-r", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "tiny-1.0" in said or "tiny==1.0" in said
