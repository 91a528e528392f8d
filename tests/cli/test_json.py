"""`--format json` of every command, errors included, against the schemas that are published in the package."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import envgen
from envgen.cli.app import COMMANDS
from envgen.cli.main import main

SCHEMAS = Path(envgen.__file__).parent / "schemas"
MX450 = ("--gpu", "GeForce MX450", "--platform", "win-64", "--driver", "560.94")
# Commands that write files or whose answer is no document.
WITHOUT_JSON = {"completion", "init", "project", "ci", "site"}


def schema(name: str) -> dict[str, Any]:
    """A published schema; here, and not in the published text, a key that it does not describe is an error."""
    found: dict[str, Any] = closed(json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")))
    return found


def closed(node: Any) -> Any:
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: closed(value) for key, value in node.items()}
    return {**found, "additionalProperties": False} if isinstance(node.get("properties"), dict) else found


def printed(capsys: pytest.CaptureFixture[str], name: str, *arguments: str) -> tuple[int, Any]:
    """The status and the one document that a command prints, checked against a schema."""
    capsys.readouterr()
    status = main([*arguments, "--format", "json"])
    out = capsys.readouterr().out
    assert out.isascii()
    document = json.loads(out)
    for one in document if isinstance(document, list) else [document]:
        Draft202012Validator(schema(name)).validate(one)
    return status, document


def described(node: Any, path: str) -> Iterator[str]:
    """Properties without a description."""
    for key, value in node.get("properties", {}).items():
        if not value.get("description"):
            yield f"{path}.{key}"
        yield from described(value, f"{path}.{key}")
    if isinstance(node.get("items"), dict):
        yield from described(node["items"], f"{path}[]")


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_a_schema_is_one_and_describes_every_key(path: Path) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(found)
    assert list(described(found, "$")) == []


def test_every_command_that_prints_json_has_a_schema() -> None:
    names = {path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.json")}
    assert names == {*COMMANDS} - WITHOUT_JSON | {"error", "envgen-toml"}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("resolve", ("resolve", *MX450)),
        ("resolve", ("resolve", "--gpu", "RTX 4090", "--platform", "linux-64", "--platform", "win-64", "--audio")),
        ("why-not", ("why-not", "cu130", *MX450)),
        ("why-not", ("why-not", "2.14.1+cu126", *MX450)),
        ("gpus", ("gpus", "4090")),
        ("gpus", ("gpus", "RTX 4000")),
        ("explain", ("explain",)),
        ("explain", ("explain", "driver-too-old")),
        ("probe", ("probe",)),
        ("matrix", ("matrix", "--lane", "pip")),
        ("matrix", ("matrix", "--gpu-runner", "self-hosted,gpu")),
    ],
)
def test_an_answer_fits_its_schema(capsys: pytest.CaptureFixture[str], name: str, arguments: tuple[str, ...]) -> None:
    assert printed(capsys, name, *arguments)[0] == 0


def test_a_decision_without_a_build_has_its_error_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("resolve", "--gpu", "RTX 5090", "--platform", "linux-64", "--driver", "470.82.01")
    status, document = printed(capsys, "resolve", *asked)
    assert (status, document["pip"], document["error"]["code"], document["error"]["exit_code"]) == (
        3,
        None,
        "no-pairing",
        3,
    )


def test_doctor_fits_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "doctor", "doctor")[0] in (0, 1)


def test_a_posted_text_is_judged_within_the_same_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "posted.txt").write_text("PyTorch version: 2.8.0+cpu\nIs CUDA available: False\n")
    status, document = printed(capsys, "doctor", "doctor", "--report", str(tmp_path / "posted.txt"))
    assert (status, document["findings"][0]["code"]) == (1, "torch-cpu-build")
    assert {"read", "lacks", "reply"} <= document.keys()


def test_verify_fits_its_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "env"
    assert main([*MX450, "--offline", "--output", str(folder)]) == 0
    assert printed(capsys, "verify", "verify", str(folder), "--offline")[0] == 0
    (folder / "requirements.txt").write_text("torch==2.14.1\n")
    assert printed(capsys, "verify", "verify", str(folder), "--offline")[0] == 1


def test_audit_fits_its_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.15.0+cu132\n")
    (tmp_path / "broken.toml").write_text("[")
    shutil.copy(tmp_path / "broken.toml", tmp_path / "pyproject.toml")
    assert printed(capsys, "audit", "audit", str(tmp_path / "requirements.txt"), *MX450)[0] == 1
    assert printed(capsys, "audit", "audit", str(tmp_path / "pyproject.toml"), *MX450)[0] == 3


@pytest.mark.parametrize(
    ("status", "code", "arguments"),
    [
        pytest.param(3, "gpu-ambiguous", ("resolve", "--gpu", "RTX 4000", "--platform", "win-64"), id="ambiguous"),
        pytest.param(3, "gpu-unknown", ("gpus", "RTX 4900"), id="unknown"),
        pytest.param(2, "value-format", ("why-not", "soon", *MX450), id="a-value"),
        pytest.param(2, "usage", ("resolve", "--gpus", "RTX 4090"), id="an-option"),
        pytest.param(2, "usage", ("verify", "nowhere"), id="a-folder"),
    ],
)
def test_errors_are_json_too(
    capsys: pytest.CaptureFixture[str], status: int, code: str, arguments: tuple[str, ...]
) -> None:
    found, document = printed(capsys, "error", *arguments)
    assert (found, document["error"]["code"], document["error"]["exit_code"]) == (status, code, status)


def test_candidates_are_in_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    _, document = printed(capsys, "error", "resolve", "--gpu", "RTX 4000", "--platform", "win-64")
    candidates = {found["name"]: found["compute_capability"] for found in document["error"]["details"]["candidates"]}
    assert candidates["Quadro RTX 4000"] == "7.5"
    assert candidates["RTX 4000 Ada Generation"] == "8.9"
