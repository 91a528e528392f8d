"""What people post gives the first cause, or says what to ask for; nothing is guessed and nobody is named.

`expected.csv` says of each text where it comes from and how near it is to it (captured, retyped, constructed), the code
of the first cause (`none`: nothing is wrong; `ask`: it can't be told), and words that the answer must hold.
"""

from __future__ import annotations

import contextlib
import csv
import json
import time
from pathlib import Path

import pytest

from envgen.cli.main import main
from envgen.doctor.posted import Posted, UnreadableReportError, examine_text, posted_lines

HERE = Path(__file__).parent
ROWS = list(csv.DictReader((HERE / "expected.csv").read_text("utf-8").splitlines()))


def text_of(name: str) -> str:
    return (HERE / "texts" / f"{name}.txt").read_text("utf-8")


def code_of(posted: Posted) -> str:
    errors = posted.diagnosis.errors
    if errors:
        return errors[0].code
    return "none" if "Nothing in what you posted" in "\n".join(posted_lines(posted)) else "ask"


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_the_first_cause_is_told_or_what_to_ask_for(row: dict[str, str]) -> None:
    posted = examine_text(text_of(row["name"]))
    assert code_of(posted) == row["code"]
    text = "\n".join(posted_lines(posted))
    assert row["words"] in text
    assert "reporter's machine" in text
    assert text.count("\nreply:") == 1


def test_there_are_forty_texts_and_few_that_say_too_little() -> None:
    assert len(ROWS) >= 40
    assert sum(row["code"] == "ask" for row in ROWS) <= 10
    assert {row["name"] for row in ROWS} == {path.stem for path in (HERE / "texts").iterdir()}


SECRETS = """
ada@engine-7.corp.example:~/projects/acme-secret$ pip config list
global.index-url='https://ada:s3cr3t@nexus.acme.internal/simple'
global.find-links='https://bucket.s3.amazonaws.com/w/?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE&X-Amz-Signature=0123abcd'
export HF_TOKEN=hf_abcdefghijklmnop
Traceback (most recent call last):
  File "/home/ada/projects/acme-secret/.venv/lib/python3.12/site-packages/torch/__init__.py", line 405, in <module>
    from torch._C import *
ImportError: /home/ada/projects/acme-secret/.venv/lib/python3.12/site-packages/torch/lib/libc10.so: undefined symbol
GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-01234567-89ab-cdef-0123-456789abcdef)
"""


@pytest.mark.parametrize("output_format", ["text", "json"])
def test_private_data_is_not_repeated(tmp_path: Path, output_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "posted.txt").write_text(SECRETS)
    assert main(["doctor", "--report", str(tmp_path / "posted.txt"), "--format", output_format]) == 1
    answer = capsys.readouterr().out
    assert "cuda-libraries-broken" in answer
    for word in ("ada", "engine", "corp", "acme", "s3cr3t", "AKIA", "0123abcd", "hf_abc", "01234567"):
        assert word not in answer, word


@pytest.mark.parametrize("keep", range(1, 12))
def test_a_text_cut_anywhere_is_never_a_cpu_build_by_an_absent_line(keep: int) -> None:
    lines = text_of("vllm-collect-env").splitlines()
    text = "\n".join(line for line in lines if "CUDA used" not in line)[: keep * 110]
    with contextlib.suppress(UnreadableReportError):
        assert code_of(examine_text(text)) in ("ask", "none", "no-kernel-image")


def test_a_version_without_its_build_is_asked_for() -> None:
    posted = examine_text("PyTorch version: 2.2.2\nIs CUDA available: False\n")
    assert code_of(posted) == "ask"
    assert "which build of torch it is" in [lack.what for lack in posted.lacks]


def test_a_cut_name_is_unclear_and_is_asked_for_once() -> None:
    posted = examine_text(text_of("error-804-cut-name"))
    text = "\n".join(posted_lines(posted))
    assert [known.gpu for known in posted.context.gpus] == [None]
    assert text.count("the name is cut or unknown") == 1


@pytest.mark.parametrize(
    ("banner", "driver", "cuda"),
    [
        (
            "| NVIDIA-SMI 535.183.01             Driver Version: 535.183.01  CUDA Version: 12.2 |",
            "535.183.01",
            "12.2",
        ),
        (
            "| NVIDIA-SMI 610.43.02              KMD Version: 610.43.02     CUDA UMD Version: 13.3     |",
            "610.43.02",
            "13.3",
        ),
        ("| NVIDIA-SMI 375.26                 Driver Version: 375.26                    |", "375.26", ""),
        ("| NVIDIA-SMI 545.46                 Driver Version: 546.80       CUDA Version: ERR!     |", "546.80", ""),
    ],
)
def test_both_banners_of_the_table_are_read(banner: str, driver: str, cuda: str) -> None:
    observation = examine_text(banner).context.observation
    assert (str(observation.driver), observation.parts.cuda) == (driver, cuda)


def test_the_number_of_windows_behind_a_linux_tool_is_wsl() -> None:
    row = "\n|   0  NVIDIA GeForce RTX 5090        On  |   00000000:01:00.0  On |                  N/A |"
    system = examine_text(
        "| NVIDIA-SMI 610.43.02              KMD Version: 610.47        CUDA UMD Version: 13.3     |" + row
    ).context.observation.system
    assert (system.os, system.wsl) == ("linux", 2)


def test_an_extension_of_others_that_does_not_load_is_not_torch() -> None:
    posted = examine_text(
        "torch==2.8.0+cu128\nImportError: /v/site-packages/flash_attn_2_cuda.so: undefined symbol: _ZN3c104cuda9Set"
    )
    assert code_of(posted) == "ask"


def test_a_text_of_something_else_is_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "poem.txt").write_text("The trees are coming into leaf\n")
    assert main(["doctor", "--report", str(tmp_path / "poem.txt")]) == 3
    assert "[report-unreadable]" in capsys.readouterr().err
    assert main(["doctor", "--report", str(tmp_path / "absent.txt")]) == 2
    assert main(["doctor", "--report", str(tmp_path / "poem.txt"), "--python", "python"]) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_powershell_is_read_too(tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "posted.txt").write_text(text_of("not-compiled-with-cuda"), encoding)
    assert main(["doctor", "--report", str(tmp_path / "posted.txt"), "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert [finding["code"] for finding in answer["findings"]] == ["torch-cpu-build"]
    assert answer["reply"].startswith("From what you posted: ")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param(
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 8 GiB in all",
            "gpu-out-of-memory",
            "nothing of the installation is at fault",
            id="a-model-that-is-too-large",
        ),
        # bitsandbytes-foundation/bitsandbytes: its own kernels; torch 2.8.0+cu128 has sm_120.
        pytest.param(
            "torch==2.8.0+cu128 on Ubuntu 24.04\nGPU 0: NVIDIA GeForce RTX 5090 (UUID: GPU-1)\n"
            "Error no kernel image is available for execution on the device in bitsandbytes/csrc/ops.cu",
            "ask",
            "those of another package",
            id="a-kernel-of-another-package",
        ),
        pytest.param(
            "PyTorch version: 2.6.0+rocm6.2.4\nCUDA used to build PyTorch: N/A\nROCM used to build PyTorch: 6.2.41134\n"
            "GPU models and configuration: AMD Radeon RX 7900 XTX (gfx1100)\nIs CUDA available: True\n",
            "none",
            "ROCm",
            id="a-build-for-amd-beside-an-amd-gpu",
        ),
        pytest.param(
            "| NVIDIA-SMI 535.183.01 Driver Version: 535.183.01 CUDA Version: 12.2 |\n"
            "|   0  NVIDIA A100-SXM4-40GB          On  | 00000000:00:04.0 Off |                    0 |\n"
            "export CUDA_VISIBLE_DEVICES=4,5\n",
            "ask",
            "A100",
            id="a-table-that-shows-one-gpu-of-eight",
        ),
        pytest.param(
            'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].',
            "container-without-gpu",
            "NVIDIA Container Toolkit",
            id="docker-without-the-toolkit",
        ),
        pytest.param(
            "$ docker run -it pytorch/pytorch python -c 'import torch; torch.cuda.init()'\n"
            "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
            "container-without-gpu",
            "--gpus all",
            id="docker-without-gpus",
        ),
        pytest.param(
            "MacBook Pro, Apple M2\nAssertionError: Torch not compiled with CUDA enabled",
            "no-nvidia-gpu",
            "macOS has no CUDA",
            id="a-mac",
        ),
        # words of torch/cuda/__init__.py
        pytest.param(
            "Found GPU1 NVIDIA GeForce GT 710 which is of cuda capability 3.5.\n"
            "    PyTorch no longer supports this GPU because it is too old.\n"
            "GPU 0: NVIDIA GeForce RTX 3090\nGPU 1: NVIDIA GeForce GT 710\ntorch==2.5.1+cu124\nUbuntu 22.04\n",
            "mixed-gpus",
            "GT 710",
            id="an-old-second-card",
        ),
        pytest.param(
            "RuntimeError: Torch is not able to use GPU; add --skip-torch-cuda-test to COMMANDLINE_ARGS variable",
            "ask",
            "collect_env",
            id="the-word-of-a-program-that-asked-torch",
        ),
        pytest.param(
            'OSError: [WinError 126] The specified module could not be found. Error loading "C:\\torch\\lib\\c10.dll"',
            "system-library-missing",
            "vc_redist",
            id="windows-without-its-runtime",
        ),
        pytest.param(
            "Traceback (most recent call last):\n    import torch\nModuleNotFoundError: No module named 'torch'",
            "torch-missing",
            "No module named",
            id="no-torch-at-all",
        ),
        pytest.param(
            "ImportError: /lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by "
            "/env/lib/python3.9/site-packages/torch/lib/libtorch_python.so)",
            "foreign-libraries",
            "another origin",
            id="an-older-library-of-the-system",
        ),
        pytest.param(
            "Could not load library libcudnn_ops_infer.so.8. Error: libcudnn_ops_infer.so.8: cannot open shared object "
            "file\ntorch 2.0.1+cu118",
            "cuda-libraries-broken",
            "libcudnn_ops_infer",
            id="cudnn-that-is-not-found-later",
        ),
        pytest.param(
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n$ sudo modprobe nvidia\n"
            "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service",
            "no-driver",
            "Secure Boot",
            id="secure-boot",
        ),
        pytest.param(
            ">>> torch.cuda.is_available()\nTrue\n>>> torch.cuda.is_available()\nFalse\n",
            "ask",
            "collect_env",
            id="two-answers",
        ),
        pytest.param(
            "RuntimeError: CUDA error: device-side assert triggered\ntorch==2.5.1+cu124",
            "ask",
            "can't be told",
            id="a-fault-of-the-program",
        ),
    ],
)
def test_what_is_no_fault_of_the_installation_is_not_called_one(text: str, code: str, words: str) -> None:
    try:
        posted = examine_text(text)
    except UnreadableReportError:
        assert code == "ask"
        return
    assert code_of(posted) == code
    assert words in "\n".join(posted_lines(posted))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param("2.2.2 None\n", "torch-cpu-build", "2.2.2", id="our-own-question-of-torch"),
        pytest.param("('2.6.0+cu124', '12.4', False)", "ask", "2.6.0+cu124", id="a-tuple"),
        pytest.param(">>> print(torch.version.cuda)\nNone\n", "torch-cpu-build", "None", id="none"),
        pytest.param("Python 3.10.12 (main, Nov  4 2025, 08:48:33) [GCC 11.4.0]", "ask", "Python 3.10.12", id="python"),
        pytest.param(
            "name, driver_version\nNVIDIA GeForce RTX 4090, 550.54.15\ntorch==2.8.0+cpu\n",
            "torch-cpu-build",
            "driver 550.54.15",
            id="a-query",
        ),
        pytest.param(
            ">>> torch.cuda.get_device_name(0)\n'NVIDIA GeForce GTX 1080 Ti'\n>>> torch.cuda.get_arch_list()\n"
            "['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120', 'compute_120']\n>>> torch.version.cuda\n'12.8'\n",
            "no-kernel-image",
            "6.1",
            id="what-torch-printed",
        ),
        pytest.param(
            "| NVIDIA-SMI 535.183.01             Driver Version: 535.183.01   CUDA Version: 12.2     |\n"
            "|   0  NVIDIA A100-SXM4-40GB          On  | 00000000:00:04.0 Off |                    0 |\n"
            "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU\n"
            "\tlibcuda.so.1 (libc6,x86-64) => /usr/local/cuda/lib64/stubs/libcuda.so.1\n",
            "libcuda-shadowed",
            "stubs",
            id="the-answer-to-our-question-of-the-loader",
        ),
    ],
)
def test_answers_to_what_is_asked_for_are_read(text: str, code: str, words: str) -> None:
    posted = examine_text(text)
    assert code_of(posted) == code
    assert words in "\n".join(posted_lines(posted))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("> " * 1_000_000, id="quotes"),
        pytest.param("GPU 0: NVIDIA " + "x " * 1_000_000, id="one-long-line"),
        pytest.param("nvidia-" * 300_000, id="one-long-word"),
        pytest.param("pkg    1.0\n" * 200_000, id="a-long-list"),
    ],
)
def test_a_hostile_text_takes_little_time(text: str) -> None:
    begin = time.monotonic()
    with contextlib.suppress(UnreadableReportError):
        assert len("\n".join(posted_lines(examine_text(text)))) < 20_000
    assert time.monotonic() - begin < 20  # two seconds on a machine at rest
