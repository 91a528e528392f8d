"""What is said after writing, in the reader's language; no message lacks one."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.core.errors import ValueFormatError
from envgen.core.messages import LANGUAGES, language, messages
from envgen.core.paths import tree

PARTS = sorted(path.stem for path in (tree("templates") / "messages").iterdir())
REQUEST = ["--gpu", "GeForce MX450", "--platform", "win-64", "--driver", "560.94", "--offline"]


@pytest.mark.parametrize("part", PARTS)
def test_the_messages_are_what_toml_says(part: str) -> None:
    text = (tree("templates") / "messages" / f"{part}.toml").read_text(encoding="utf-8")
    said = tomllib.loads(text)
    assert said
    for spoken, texts in messages(part).items():
        assert texts == {key: each[spoken] for key, each in said.items()}


@pytest.mark.parametrize(
    ("asked", "environ", "expected"),
    [
        pytest.param("", {"LANG": "ko_KR.UTF-8"}, "ko", id="a-korean-locale"),
        pytest.param("", {"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en", id="lc-all-comes-first"),
        pytest.param("", {"LANG": "en_US.UTF-8", "LANGUAGE": "ko:en"}, "ko", id="gnu-prefers"),
        pytest.param("", {"LANG": "C", "LANGUAGE": "ko"}, "en", id="the-c-locale-has-no-language"),
        pytest.param("", {"LANG": "de_DE.UTF-8"}, "en", id="a-language-without-texts"),
        pytest.param("en", {"LANG": "ko_KR.UTF-8"}, "en", id="asked-for"),
        pytest.param("ko", {}, "ko", id="asked-for-without-a-locale"),
    ],
)
def test_the_language(asked: str, environ: Mapping[str, str], expected: str) -> None:
    assert language(asked, environ) == expected


def test_a_language_without_texts_is_refused() -> None:
    with pytest.raises(ValueFormatError, match="from --lang"):
        language("fr", {})


def test_the_main_command_speaks_korean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*REQUEST, "--lang", "ko", "--output", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "GeForce MX450: 연산 능력 7.5"
    assert lines[1].startswith("pip, win-64: torch 2.")
    assert lines[1].endswith("; sm_75 (SASS)로 동작, 드라이버 528.33 이상")
    assert any(line.startswith("다음을 붙여 넣으세요") for line in lines)
    assert lines[-1].startswith("이미 설치한 CUDA Toolkit이나 cuDNN은 그대로 두어도 됩니다")
    english = [line for line in lines if line and not line.startswith(" ") and not any("가" <= c <= "힣" for c in line)]
    assert english == []


@pytest.mark.parametrize(
    ("arguments", "status", "first"),
    [
        (
            ["--gpu", "RTX 4900"],
            3,
            "오류: 그런 이름이나 PCI id의 GPU를 찾을 수 없습니다. 추측하지 않습니다. [gpu-unknown]",
        ),
        (["--gpu", "RTX 4000"], 3, "오류: 연산 능력이 다른 여러 GPU를 뜻할 수 있는 이름입니다. [gpu-ambiguous]"),
        (["--gpu", "Radeon RX 7900 XTX"], 3, "오류: NVIDIA가 아닌 GPU의 이름입니다. [other-vendor]"),
        (["--gpus", "RTX 4090"], 2, "오류: 명령줄이나 지정한 파일에 읽을 수 없는 내용이 있습니다. [usage]"),
    ],
)
def test_an_error_begins_in_korean_and_says_the_rest_as_before(
    arguments: list[str], status: int, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    english = capsys.readouterr().err.removeprefix("error: ")
    assert main([*arguments, "--lang", "ko"]) == status
    assert capsys.readouterr().err == f"{first}\n  {english}"


def test_the_files_are_the_same_in_every_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = {}
    for one in LANGUAGES:
        assert main([*REQUEST, "--lang", one, "--output", str(tmp_path / one / "out")]) == 0
        held[one] = {path.name: path.read_bytes() for path in (tmp_path / one / "out").iterdir()}
    capsys.readouterr()
    assert held["en"] == held["ko"]


@pytest.mark.parametrize("part", ["cli", "site", "codes"])
def test_no_text_lacks_a_language_or_a_value(part: str) -> None:
    found = messages(part)
    assert {*found} == {*LANGUAGES}
    fields = {
        one: {key: {name for _, name, _, _ in string.Formatter().parse(text) if name} for key, text in texts.items()}
        for one, texts in found.items()
    }
    assert fields["en"] == fields["ko"]
    same = {key for key, text in found["en"].items() if text == found["ko"][key]}
    assert same <= {"python_label", "runs"}
