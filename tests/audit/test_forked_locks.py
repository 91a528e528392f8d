"""A uv.lock that holds several torches: which of them is meant depends on the platform, the machine and the Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from envgen.cli.main import main

PYPI = 'source = { registry = "https://pypi.org/simple" }'
ON_3_12_X86 = "python_full_version == '3.12.*' and platform_machine == 'x86_64' and sys_platform == 'linux'"
ELSEWHERE = "python_full_version != '3.12.*' or platform_machine != 'x86_64' or sys_platform != 'linux'"


def torch(version: str, markers: Sequence[str], pythons: Sequence[str]) -> str:
    systems = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "win_amd64")
    names = [f"torch-{version}-cp{p}-cp{p}-{s}.whl" for p in pythons for s in systems]
    wheels = "".join(f'    {{ url = "https://files.pythonhosted.org/packages/{name}" }},\n' for name in names)
    listed = "".join(f'    "{marker}",\n' for marker in markers)
    fork = f"resolution-markers = [\n{listed}]\n" if markers else ""
    return f'[[package]]\nname = "torch"\nversion = "{version}"\n{PYPI}\n{fork}wheels = [\n{wheels}]\n\n'


def project(*dependencies: str) -> str:
    lines = "".join(f"    {{ {line} }},\n" for line in dependencies)
    return (
        'version = 1\nrequires-python = ">=3.9"\n\n[[package]]\nname = "mine"\nversion = "0"\n'
        f'source = {{ editable = "." }}\ndependencies = [\n{lines}]\n\n'
    )


def found(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str) -> list[str]:
    (tmp_path / "uv.lock").write_text(text, encoding="utf-8")
    main(["audit", str(tmp_path / "uv.lock"), "--gpu", "RTX 4090", *options, "--format", "json"])
    (file,) = json.loads(capsys.readouterr().out)["files"]
    return [entry["text"].split()[1] for entry in file["torch"]]


# The form of docling-project/docling's uv.lock of 2026-11: a package of the fork for Python 3.12 on x86-64 Linux
# depends on its own torch, and another package on the other one without a marker.
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--platform", "linux-64"), ["2.11.0"]),
        (("--platform", "linux-64", "--python", "3.13"), ["2.13.0"]),
        (("--platform", "linux-aarch64"), ["2.13.0"]),
        (("--platform", "win-64", "--python", "3.11"), ["2.13.0"]),
    ],
)
def test_a_torch_of_another_fork_is_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], expected: list[str]
) -> None:
    text = project(
        f'name = "torch", version = "2.11.0", {PYPI}, marker = "{ON_3_12_X86}"',
        f'name = "torch", version = "2.13.0", {PYPI}',
    )
    text += torch("2.11.0", [ON_3_12_X86], ["312"]) + torch("2.13.0", [ELSEWHERE], ["311", "312", "313"])
    assert found(tmp_path, capsys, text, *options) == expected


# The form of 000alen/GLiNER2's uv.lock: a torch for each Python, which the lock forks by.
@pytest.mark.parametrize(
    ("python", "expected"), [("3.9", ["2.8.0"]), ("3.12", ["2.9.1"]), ("3.14", ["2.8.0", "2.9.1"])]
)
def test_a_torch_of_another_python_is_not_judged_where_there_is_one_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], python: str, expected: list[str]
) -> None:
    old, new = "python_full_version < '3.10'", "python_full_version >= '3.10'"
    text = project(
        f'name = "torch", version = "2.8.0", {PYPI}, marker = "{old}"',
        f'name = "torch", version = "2.9.1", {PYPI}, marker = "{new}"',
    )
    text += torch("2.8.0", [old], ["39", "310"]) + torch("2.9.1", [new], ["310", "312"])
    assert found(tmp_path, capsys, text, "--platform", "linux-64", "--python", python) == expected
