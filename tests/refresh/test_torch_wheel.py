"""What is read out of a torch wheel, from excerpts of real ones."""

from __future__ import annotations

import io

import pytest

from envgen.refresh.torch_wheel import (
    TorchWheel,
    WheelContentError,
    parse_arch_list,
    parse_releases_code,
    parse_version_py,
    read_torch_wheel,
)
from refresh.torch_files import ARCHS, CUDA_INIT, OLD_VERSION_PY, VERSION_PY, library, torch_files, wheel_bytes

NAME = "torch-2.15.0-cp312-cp312-manylinux_2_28_x86_64.whl"


def read(content: bytes) -> TorchWheel:
    return read_torch_wheel(io.BytesIO(content), NAME)


def test_a_list_that_follows_another_string_is_found() -> None:
    """Bytes of libtorch_python.so of PyPI's 2.9.1 for x86_64: no NUL stands in front of the list."""
    assert (
        parse_arch_list(b"\0name, std::string ipc_hsm_70 sm_75 sm_80 sm_90\0\0/pytorch/torch\0")
        == "sm_70 sm_75 sm_80 sm_90"
    )


def test_a_wheel_says_what_it_is() -> None:
    assert read(wheel_bytes(torch_files())) == TorchWheel(
        version="2.15.0+cu132",
        cuda="13.2",
        arch_list=ARCHS,
        releases_code='{"13.0": {"x86_64": [75, 80, 86, 90, 100, 120], "aarch64": [80, 90, 100, 110, 120]}}',
        requires_python=">=3.11",
        requires=(
            "filelock",
            'cuda-toolkit[cublas,cudart]==13.2.2; platform_system == "Linux"',
            'nvidia-cudnn-cu13==9.26.0.51; platform_system == "Linux"',
            'optree>=0.13.0; extra == "optree"',
        ),
    )


def test_a_cpu_wheel_needs_no_arch_list() -> None:
    version_py = VERSION_PY.replace("+cu132", "+cpu").replace("'13.2'", "None")
    wheel = read(wheel_bytes(torch_files(version_py=version_py, library=None)))
    assert (wheel.version, wheel.cuda, wheel.arch_list, wheel.variant) == ("2.15.0+cpu", "", "", "cpu")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(VERSION_PY, ("2.15.0+cu132", "13.2"), id="annotated"),
        pytest.param(OLD_VERSION_PY, ("1.13.1+cu117", "11.7"), id="plain"),
        pytest.param("__version__ = '2.10.0+cpu'\ncuda: Optional[str] = None\n", ("2.10.0+cpu", ""), id="cpu"),
    ],
)
def test_version_py(text: str, expected: tuple[str, str]) -> None:
    assert parse_version_py(text) == expected


@pytest.mark.parametrize("text", ["__version__ = 2\ncuda = None", "__version__ = '2'\ncuda = 13.2"])
def test_a_version_that_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"torch/version\.py has"):
        parse_version_py(text)


@pytest.mark.parametrize(
    "archs",
    [
        pytest.param(ARCHS, id="sass"),
        pytest.param("sm_37 sm_50 sm_60 sm_61 sm_70 sm_75 compute_37", id="with-ptx"),
        pytest.param("sm_80 sm_90a sm_100f", id="specific"),
        pytest.param("sm_90", id="one"),
    ],
)
def test_the_arch_list_is_the_string_of_codes_alone(archs: str) -> None:
    assert parse_arch_list(library(archs)) == archs
    assert parse_arch_list(library(archs + " ", "other")) == archs


def test_two_lists_are_not_chosen_from() -> None:
    with pytest.raises(ValueError, match="2 arch lists"):
        parse_arch_list(library("sm_75 sm_80", "sm_90"))


def test_the_table_of_releases_has_had_two_forms() -> None:
    """Per machine from 2.13 on; torch 2.12.1 has one set for all (torch_measured.csv)."""
    older = 'PYTORCH_RELEASES_CODE_CC: dict[str, set[int]] = {"12.6": {90, 50, 60}}\n'
    assert parse_releases_code(older) == '{"12.6": [50, 60, 90]}'
    assert parse_releases_code("import torch\n") == ""
    with pytest.raises(ValueError, match="holds 'x'"):
        parse_releases_code('PYTORCH_RELEASES_CODE_CC = {"12.6": "x"}')


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"PK\x03\x04 and no more", "BadZipFile: File is not a zip file", id="no-zip"),
        pytest.param(wheel_bytes(torch_files())[:-200], "BadZipFile: File is not a zip file", id="truncated"),
        pytest.param(
            wheel_bytes(torch_files(library=library())),
            "ValueError: 0 arch lists in torch's Python library: []",
            id="no-list",
        ),
        pytest.param(
            wheel_bytes(torch_files(version_py=None)),
            "KeyError: \"There is no item named 'torch/version.py' in the archive\"",
            id="no-version",
        ),
        pytest.param(wheel_bytes(torch_files(version_py="debug = True")), "KeyError: '__version__'", id="unversioned"),
        pytest.param(
            wheel_bytes(torch_files(metadata=None)), "ValueError: 0 files *.dist-info/METADATA", id="no-metadata"
        ),
        pytest.param(
            wheel_bytes(torch_files(cuda_init=CUDA_INIT.replace("120", "many"))),
            "ValueError: malformed node or string on line 6",
            id="computed-table",
        ),
    ],
)
def test_a_wheel_of_another_make_stops_it(content: bytes, reason: str) -> None:
    with pytest.raises(WheelContentError) as caught:
        read(content)
    assert caught.value.facts()[0].startswith(reason)
    assert caught.value.exit_code == 4


def test_a_damaged_member_is_noticed() -> None:
    content = wheel_bytes(torch_files())
    at = content.index(b"torch/lib/libtorch_python.so") + 40
    with pytest.raises(WheelContentError):
        read(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])


def test_the_error_says_what_to_do() -> None:
    assert str(WheelContentError(filename=NAME, reason="KeyError: 'cuda'")) == (
        f"{NAME} is not built as the torch wheels before it [wheel-content]\n"
        "  KeyError: 'cuda'\n"
        "  hint: look at the wheel, then teach envgen.refresh.torch_wheel its new form"
    )
