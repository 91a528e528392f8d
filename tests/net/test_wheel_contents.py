"""What a wheel holds, read by ranges of it and kept by its hash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.net.deadline import Deadline, Patience, Retry
from envgen.net.errors import SourceDataError
from envgen.net.wheel_contents import WheelContents, read_contents
from equipment.wheel_index import ServedWheel, WheelIndex, make_wheel

# The string table of a shared library as readelf -p .dynstr shows it for torchcodec 0.17.0 of PyPI.
CUDA_13 = "\x7fELF\0libtorch.so\0libcudart.so.13\0libnvrtc.so.13\0"
CUDA_12 = "\x7fELF\0libcudart.so.12\0"
CUDA_11 = "\x7fELF\0libcudart.so.11.0\0libcublas.so.11\0"


def wheel(files: dict[str, str]) -> ServedWheel:
    return make_wheel("plum-1.0-py3-none-any.whl", files=files)


@pytest.fixture
def index() -> Iterator[WheelIndex]:
    with WheelIndex(wheels={}).running() as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path))
    return tmp_path / "wheels"


def read(index: WheelIndex, served: ServedWheel) -> WheelContents:
    index.wheels = {"/simple": [served]}
    patience = Patience(deadline=Deadline.after(20), retry=Retry(attempts=1))
    return read_contents(index.url(f"/simple/{served.filename}"), served.sha256, served.size, patience=patience)


@pytest.mark.parametrize(
    ("files", "majors"),
    [
        pytest.param({"plum/_C.so": CUDA_13}, {13}, id="one library"),
        pytest.param({"plum/_C.abi3.so": CUDA_11}, {11}, id="CUDA 11 has a minor in its name"),
        pytest.param({"plum/cuda12.so": CUDA_12, "plum/cuda13.so": CUDA_13}, {12, 13}, id="one for each CUDA"),
        # bitsandbytes 0.44.0 of PyPI: the smallest of its libraries are all of CUDA 11.
        pytest.param(
            {
                **{f"plum/libplum_cuda{number}.so": CUDA_11 for number in ("115", "117", "118", "118_nocublaslt")},
                "plum/libplum_cuda124.so": CUDA_12 + "\0" * 99,
            },
            {11, 12},
            id="the names say for which CUDAs",
        ),
        pytest.param({"plum/_C_cu90a.so": CUDA_13, "plum/libcu12d.so": CUDA_13}, {13}, id="names that say no CUDA"),
        pytest.param({"plum/_C.so": "\x7fELF\0libc.so.6\0"}, set(), id="no CUDA"),
        pytest.param({"plum.libs/libcudart-1a2b.so.12": CUDA_12}, set(), id="what auditwheel put beside it"),
        # PyNvVideoCodec 2.0.4 of PyPI.
        pytest.param({"plum./libcudart-c64a25f3.so.12.3.101": CUDA_12}, set(), id="its own runtime"),
        pytest.param({"plum/notes.txt": CUDA_12}, set(), id="no library"),
        pytest.param({"plum/_C.so": "\x7fELF\0libcusparse.so.12\0"}, set(), id="cuSPARSE 12 is of CUDA 13 too"),
        # Windows: what onnxruntime_providers_tensorrt.dll of onnxruntime-gpu 1.31.1 and _C.pyd of xformers 0.0.35 name.
        pytest.param({"m/providers.dll": "\0cudnn64_9.dll\0\0cublas64_13.dll\0"}, {13}, id="a DLL"),
        pytest.param({"m/_C.pyd": "\0cudart64_12.dll\0"}, {12}, id="an extension of Windows"),
        pytest.param({"m/_C.pyd": "MSVCP140.dll\0"}, set(), id="none of CUDA's"),
        pytest.param({"m/a.dll": "\0cudart64_12.dll\0", "m/cudart64_12.dll": ""}, set(), id="its own runtime"),
    ],
)
def test_the_cuda_that_its_libraries_load(index: WheelIndex, files: dict[str, str], majors: set[int]) -> None:
    assert read(index, wheel(files)).cuda_majors == majors


def test_the_files_that_it_installs(index: WheelIndex) -> None:
    """PEP 427: purelib and platlib of .data land beside the rest, other schemes elsewhere."""
    found = read(index, wheel({"plum-1.0.data/platlib/stone/a.py": "", "plum-1.0.data/scripts/plum": "#!python"}))
    assert found.files.keys() == {"plum/__init__.py", "stone/a.py", "scripts:plum"}


def test_it_is_read_once(index: WheelIndex) -> None:
    served = wheel({"plum/_C.so": CUDA_13})
    first = read(index, served)
    asked = len(index.requests)
    assert read(index, served) == first
    assert len(index.requests) == asked


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format":1,"files":[],"cuda_majors":[]}', "[" * 100_000])
def test_what_was_kept_and_is_broken_is_read_again(index: WheelIndex, cache: Path, text: str) -> None:
    served = wheel({"plum/_C.so": CUDA_13})
    first = read(index, served)
    (cache / f"{served.sha256}.json").write_text(text, encoding="utf-8")
    assert read(index, served) == first


def test_a_server_without_ranges_is_not_asked_for_the_whole_file(index: WheelIndex) -> None:
    index.serves_ranges = False
    with pytest.raises(SourceDataError, match="it serves no ranges"):
        read(index, wheel({}))


def test_a_file_that_is_no_wheel(index: WheelIndex) -> None:
    with pytest.raises(SourceDataError, match="not a wheel that can be read"):
        read(
            index,
            ServedWheel(filename="plum-1.0-py3-none-any.whl", sha256="0" * 64, metadata="", content=b"x" * 99, size=99),
        )
