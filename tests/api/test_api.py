"""What Python callers get: decisions, GPUs, reasons, as frozen values; errors with codes; nothing heavy loaded."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError, asdict, replace
from pathlib import Path

import pytest

import envgen
from api.reference import PAGE, page
from envgen.cli.main import main

# What a decision has no use for: solvers, templates, the command line, the network, other programs.
HEAVY = {"click", "conda_lock", "jinja2", "packaging", "rattler", "ssl", "subprocess", "typer", "urllib3", "uv", "yaml"}
ROOMS = {"ci", "cli", "doctor", "environments", "files", "lock", "net", "probe", "refresh", "solve", "verify"}


def test_a_decision() -> None:
    decision = envgen.decide(gpu="mx-450", driver="560.94", platform="win-64")
    assert decision.pip is not None
    assert (decision.pip.torch, decision.pip.cuda_tag, decision.pip.code[0].arch) == ("2.14.1", "cu126", "sm_75")
    assert decision.pip.install == (
        "pip install torch==2.14.1 torchvision==0.29.1 --index-url https://download.pytorch.org/whl/cu126",
    )
    assert (decision.gpus[0].input, decision.gpus[0].name) == ("mx-450", "GeForce MX450")
    assert (decision.request.driver, decision.request.driver_origin) == ("560.94", "given")
    with pytest.raises(FrozenInstanceError):
        decision.catalog = ""  # type: ignore[misc] # that it can't be set is what is tested


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ({"gpu": "RTX 4090", "platform": "linux-64"}, ["--gpu", "RTX 4090", "--platform", "linux-64"]),
        (
            {"gpu": ("GTX 1080", "RTX 4090"), "driver": "570.133.20", "platform": "linux-64", "vision": False},
            [
                "--gpu",
                "GTX 1080",
                "--gpu",
                "RTX 4090",
                "--driver",
                "570.133.20",
                "--platform",
                "linux-64",
                "--no-vision",
            ],
        ),
        (
            {"compute_capability": "7.5", "platform": "win-64", "python": "3.11", "torch": "2.9"},
            [
                "--compute-capability",
                "7.5",
                "--platform",
                "win-64",
                "--python",
                "3.11",
                "--torch",
                "2.9",
            ],
        ),
    ],
)
def test_the_command_line_prints_the_same(
    arguments: dict[str, object], options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    decision = envgen.decide(**arguments)  # type: ignore[arg-type] # a table of options
    assert main(["resolve", *options, "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed.pop("schema_version") == 1
    assert printed.pop("locked").keys() == {"pip", "conda"}
    assert printed == json.loads(json.dumps(asdict(replace(decision, rejected=tuple(decision.rejected)))))


def test_reasons_are_worked_out_when_they_are_read() -> None:
    """A K80 passes over a hundred builds; two decisions of the same request are equal all the same."""
    first, second = (envgen.decide("K80", driver="470.82.01", platform="linux-64") for _ in range(2))
    assert len(first.rejected) > 50
    assert first == second
    assert hash(first.rejected) == hash(second.rejected)
    assert first.rejected[0] in list(second.rejected[:1])
    assert repr(first.rejected).startswith("(RejectedBuild(")


def test_machines_have_their_own_drivers() -> None:
    """R580 is the last branch for Pascal and would do for Ada alone with CUDA 13: together it is CUDA 12.6."""
    decision = envgen.decide(machine=("GTX 1080 Ti;550.54.15", "RTX 4090;580.95.05"), platform="linux-64")
    assert decision.pip is not None
    assert decision.pip.cuda_tag == "cu126"


def test_a_gpu_is_found_as_people_write_it() -> None:
    found = envgen.find_gpu("NVIDIA GeForce GTX 1080 Ti/PCIe/SSE2")
    assert (found.name, found.compute_capability, found.architecture) == ("GeForce GTX 1080 Ti", "6.1", "Pascal")


def test_why_a_build_was_not_taken() -> None:
    """CUDA 13 has no code for Pascal, whatever the driver: no option helps."""
    (pip, conda) = envgen.why_not("cu130", gpu="GTX 1080", driver="570.133.20", platform="linux-64")
    assert (pip.channel, conda.channel) == ("pip", "conda")
    assert [reason.code for reason in pip.reasons] == ["no-kernel-image", "driver-too-old"]
    assert (pip.usable, dict(pip.unlock)) == (False, {})
    (taken,) = envgen.why_not("2.14.1+cu126", gpu="GTX 1080", driver="570.133.20", platform="linux-64")
    assert taken.chosen


@pytest.mark.parametrize(
    ("call", "kind", "code"),
    [
        (lambda: envgen.find_gpu("RTX 4900"), envgen.NoPairingError, "gpu-unknown"),
        (lambda: envgen.find_gpu("RTX 4000"), envgen.NoPairingError, "gpu-ambiguous"),
        (lambda: envgen.decide("Radeon RX 7900 XTX", platform="linux-64"), envgen.NoPairingError, "other-vendor"),
        (lambda: envgen.decide("RTX 4090", platform="macos"), envgen.NoPairingError, "platform-without-cuda"),
        (
            lambda: envgen.decide("RTX 5090", driver="470.82.01", platform="linux-64"),
            envgen.NoPairingError,
            "no-pairing",
        ),
        (lambda: envgen.decide("RTX 4090", driver="new", platform="linux-64"), envgen.ValueFormatError, "value-format"),
        (lambda: envgen.decide("RTX 4090", platform="amiga"), envgen.UsageError, "usage"),
        (lambda: envgen.decide(("RTX 4090", "Jetson AGX Orin")), envgen.UsageError, "usage"),
        (lambda: envgen.why_not("soon", "RTX 4090"), envgen.ValueFormatError, "value-format"),
    ],
)
def test_errors_have_codes(call: object, kind: type[envgen.EnvgenError], code: str) -> None:
    assert callable(call)
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.code == code


def test_candidates_of_an_ambiguous_name_are_in_the_error() -> None:
    with pytest.raises(envgen.NoPairingError) as caught:
        envgen.find_gpu("RTX 4000")
    match = getattr(caught.value, "match", None)
    assert match is not None
    assert "Quadro RTX 4000" in [candidate.name for candidate in match.candidates]


def loaded_after(script: str) -> set[str]:
    script = f"import sys\n{script}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return {*done.stdout.split()}


def test_an_import_loads_nothing_of_ours_and_a_decision_nothing_heavy() -> None:
    assert {name for name in loaded_after("import envgen") if name.startswith("envgen.")} == set()
    first = 'import envgen; envgen.decide(gpu="GeForce MX450", driver="560.94", platform="win-64")'
    loaded = loaded_after(f'{first}; envgen.find_gpu("RTX 4090"); envgen.why_not("cu130", "T4", platform="linux-64")')
    assert loaded & HEAVY == set()
    assert {name.split(".")[1] for name in loaded if name.startswith("envgen.")} & ROOMS == set()


def test_a_decision_is_cheap_once_loaded() -> None:
    """A start of the interpreter takes about 10 ms here, a decision about 0.2 ms: coarse, for a busy machine."""

    def took(call: object) -> float:
        assert callable(call)
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    def decide() -> None:
        envgen.decide(gpu="GeForce MX450", driver="560.94", platform="win-64")

    decide()
    starts = min(took(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)) for _ in range(5))
    assert min(took(decide) for _ in range(50)) < starts / 10


def test_the_reference_is_made_from_the_docstrings() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: PYTHONPATH=tests python -m api.reference"


def test_every_public_name_is_there_and_described() -> None:
    for name in envgen.__all__:
        assert getattr(envgen, name) is not None
    assert set(envgen.__all__) <= {*dir(envgen)}
    with pytest.raises(AttributeError, match="no attribute 'resolves'"):
        envgen.resolves  # type: ignore[attr-defined] # noqa: B018 -- that there is none is what is tested


PASCAL = {"gpu": "GTX 1080 Ti", "driver": "535.183.01", "platform": "linux-64"}


def test_audit_says_what_the_command_says() -> None:
    """PyPI's torch 2.15.0 has CUDA 13.2, and no code for Pascal: 2.14.1+cu126 is the last that has."""
    found = envgen.audit("torch==2.15.0\n", **PASCAL)
    (torch,) = found.torch
    assert (found.format, found.runs) == ("requirements.txt", False)
    assert (torch.line, torch.outcome, torch.channel, torch.platform) == (1, "fails", "pip", "linux-64")
    assert torch.change is not None
    assert "2.14.1+cu126" in torch.change
    index = "--index-url https://download.pytorch.org/whl/cu126\n"
    assert envgen.audit(f"{index}torch==2.14.1\n", **PASCAL).runs is True
    assert envgen.audit("numpy\n", **PASCAL).runs is None


def test_audit_reads_by_the_name() -> None:
    found = envgen.audit("FROM pytorch/pytorch:2.1.2-cuda12.1-cudnn8-runtime\n", name="a/Dockerfile", **PASCAL)
    assert (found.name, found.format, found.runs) == ("a/Dockerfile", "Dockerfile", True)
    with pytest.raises(envgen.EnvgenError) as caught:
        envgen.audit("x", name="notes.doc", **PASCAL)
    assert caught.value.code == "file-unreadable"


def test_audit_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more.txt").write_text("torch==2.15.0\n")
    assert envgen.audit("-r more.txt\n", **PASCAL).torch == ()
