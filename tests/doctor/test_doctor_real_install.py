"""Real wheels from PyPI in real environments, diagnosed as if they lay on captured hosts with GPUs.

The whole set unpacks to 5 GB; it is installed once, and what a test breaks it mends again.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from doctor.samples import context_of, host
from envgen.doctor.diagnose import diagnose
from envgen.doctor.diagnosis import Diagnosis
from envgen.doctor.examine import examine_host
from envgen.environments.find import Wanted, open_environment
from envgen.environments.inspected import InspectedEnvironment
from envgen.environments.torch_run import TorchRun, run_torch
from envgen.probe.files import DirectoryFiles
from envgen.probe.process import run_command

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux", reason="PyPI's wheels for Windows and macOS are CPU builds"),
]
PYPI = ["--no-config", "--index-url", "https://pypi.org/simple"]
# torch 2.14.1 on PyPI is +cu130 and goes with torchvision 0.29.1; torchvision 0.28.0 requires torch==2.13.0.
TORCH, VISION, OTHER_VISION = "torch==2.14.1", "torchvision==0.29.1", "torchvision==0.28.0"
NEEDED_GIB = 14
R580, R570 = "linux-uv-rtx5090-580.95.05", "linux-rtx4090-570.133.20"


@dataclass(frozen=True, slots=True)
class RealEnvironment:
    """An environment with real wheels."""

    python: Path
    site: Path

    def install(self, *packages: str, options: Sequence[str] = ()) -> None:
        """Install from PyPI with uv."""
        import uv

        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(self.python), *PYPI, *options]
        subprocess.run([*command, *packages], check=True, timeout=1800)

    def environment(self) -> InspectedEnvironment:
        """What the doctor reads of it."""
        wanted = Wanted(python=str(self.python), prefix=None, environ={}, own="")
        inspected = open_environment(wanted, DirectoryFiles(Path("/")), run_command, lambda _: None).environment
        assert inspected is not None
        return inspected

    def torch_run(self) -> TorchRun:
        """What its torch says on this computer."""
        return run_torch(str(self.python), run_command)

    def diagnosis(self, name: str, run: TorchRun | None = None) -> Diagnosis:
        """The diagnosis as if it lay on a captured host."""
        return diagnose(context_of(host(name), self.environment(), run))

    @contextmanager
    def without(self, path: str) -> Iterator[None]:
        """Take one file or folder away for a while."""
        at = self.site / path
        aside = at.with_name(at.name + ".aside")
        at.rename(aside)
        try:
            yield
        finally:
            aside.rename(at)


def new_environment(folder: Path) -> RealEnvironment:
    import uv

    subprocess.run([uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    return RealEnvironment(folder / "bin" / "python", next(folder.glob("lib/python*/site-packages")))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEnvironment]:
    """PyPI's CUDA build, whole."""
    folder = tmp_path_factory.mktemp("real")
    if shutil.disk_usage(folder).free < NEEDED_GIB << 30:
        pytest.skip(f"less than {NEEDED_GIB} GiB of disk are free")
    environment = new_environment(folder / "env")
    environment.install(TORCH, VISION, "numpy")
    yield environment
    shutil.rmtree(folder)


def codes(diagnosis: Diagnosis) -> list[str]:
    return [finding.code for finding in diagnosis.errors]


def test_a_whole_set_is_read_as_it_is(real: RealEnvironment) -> None:
    inspected = real.environment()
    assert inspected.torch is not None
    assert (inspected.torch.version, inspected.torch.cuda) == ("2.14.1+cu130", "13.0")
    assert inspected.vision is not None
    assert inspected.vision.version == "0.29.1+cu130"
    assert [d.missing for d in inspected.distributions if d.missing] == []
    assert real.diagnosis(R580).findings == ()


def test_real_torch_tells_its_arch_list_without_a_gpu(real: RealEnvironment) -> None:
    live = real.torch_run()
    assert (live.torch_version, live.cuda, live.import_error) == ("2.14.1+cu130", "13.0", "")
    # get_arch_list of this wheel as it was read from the file: facts/data/torch_measured.csv.
    assert " ".join(str(code) for code in live.arch_list) == "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"
    assert live.vision_error == ""


def test_a_driver_below_the_floor(real: RealEnvironment) -> None:
    diagnosis = real.diagnosis(R570)
    assert codes(diagnosis) == ["driver-too-old"]
    assert diagnosis.fix is not None
    assert "+cu126" in diagnosis.fix.command


def test_this_computer_itself(real: RealEnvironment) -> None:
    examined = examine_host(python=str(real.python))
    if examined.context.observation.nvidia:
        pytest.skip("this computer has an NVIDIA GPU")
    assert examined.context.run is not None
    assert examined.context.run.available is False
    assert codes(examined.diagnosis) == ["no-nvidia-gpu"]


def test_a_library_that_is_gone(real: RealEnvironment) -> None:
    with real.without("nvidia/cudnn/lib/libcudnn.so.9"):
        run = real.torch_run()
        assert run.import_error.startswith("ImportError: libcudnn.so.9: cannot open shared object file")
        by_files, by_run = real.diagnosis(R580), real.diagnosis(R580, run)
    assert codes(by_files) == codes(by_run) == ["cuda-libraries-broken"]
    assert by_run.fix is not None
    assert "--reinstall" in by_run.fix.command
    assert "torch==2.14.1" in by_run.fix.command


def test_a_requirement_of_a_requirement_that_is_gone(real: RealEnvironment) -> None:
    folder = next(real.site.glob("nvidia_cublas-*.dist-info")).name
    with real.without(folder):
        (error,) = real.diagnosis(R580).errors
    assert error.code == "cuda-libraries-broken"
    # torch requires cuda-toolkit[cublas,…], and that requires nvidia-cublas.
    assert any(line.startswith("cuda-toolkit ") and "nvidia-cublas" in line for line in error.evidence)


def test_a_torchvision_of_another_release(real: RealEnvironment) -> None:
    real.install(OTHER_VISION, options=["--no-deps"])
    try:
        run = real.torch_run()
        assert run.vision_error == "RuntimeError: operator torchvision::nms does not exist"
        by_files, by_run = real.diagnosis(R580), real.diagnosis(R580, run)
    finally:
        real.install(VISION, options=["--no-deps"])
    assert codes(by_files) == ["torchvision-mismatch"]
    assert "torchvision-mismatch" in codes(by_run)
    assert by_files.fix is not None
    assert "torch==2.14.1 torchvision==0.29.1" in by_files.fix.command


def test_torch_without_any_of_its_libraries(tmp_path: Path) -> None:
    environment = new_environment(tmp_path / "env")
    environment.install(TORCH, options=["--no-deps"])
    environment.install("typing-extensions", "filelock", "sympy", "networkx", "jinja2", "fsspec", "numpy")
    run = environment.torch_run()
    assert "cannot open shared object file" in run.import_error
    diagnosis = environment.diagnosis(R580, run)
    assert codes(diagnosis) == ["cuda-libraries-broken"]
    missing = "\n".join(diagnosis.errors[0].evidence)
    assert "requires cuda-toolkit==13.0.3, which is not installed" in missing
