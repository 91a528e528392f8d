"""Solutions of an invented channel: what is chosen, what must never be, and that nothing of the host leaks in."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.core.errors import UsageError
from envgen.core.locks import CondaLock
from envgen.net.errors import SourceDataError
from envgen.solve.conda.query import CondaQuery
from envgen.solve.conda.solve import BestSolve, solve_best, solve_conda
from envgen.solve.errors import SolveFailedError, SolverError
from equipment.conda_channel import CUDA_12, Row, cuda_query, write_channel


def one(query: CondaQuery, mirror: Path) -> CondaLock:
    return solve_conda(query, mirror=str(mirror))


def chosen(lock: CondaLock, name: str) -> str:
    package = lock.find(name)
    return f"{package.version} {package.build}" if package else ""


@pytest.mark.parametrize("subdir", list(CUDA_12))
def test_each_platform_is_solved_from_any_host(channels: Path, subdir: str) -> None:
    lock = one(cuda_query(subdir), channels)
    tag = CUDA_12[subdir].replace(".", "")
    assert chosen(lock, "pytorch") == f"2.10.0 cuda{tag}_mkl_py312_h2_301"
    assert {p.subdir for p in lock.packages} == {subdir, "noarch"}
    assert chosen(lock, "vc14_runtime") == ("14.44.35208 h0_0" if subdir == "win-64" else "")


def test_packages_are_complete_and_sorted(channels: Path) -> None:
    lock = one(cuda_query(), channels)
    names = [p.name for p in lock.packages]
    assert names == sorted(names) == ["cuda-version", "libcudnn", "libtorch", "python", "pytorch", "tzdata"]
    torch = lock.find("pytorch")
    assert torch is not None
    filename = "pytorch-2.10.0-cuda129_mkl_py312_h2_301.conda"
    assert torch.url == f"https://conda.anaconda.org/conda-forge/linux-64/{filename}"
    assert (torch.channel, torch.build_number, torch.constrains) == ("conda-forge", 301, ("pytorch-cpu <0.0a0",))
    assert torch.depends[-1] == "python >=3.12,<3.13.0a0"
    assert len(torch.md5) == 32
    assert len(torch.sha256) == 64


def test_the_version_is_as_the_channel_writes_it(channels: Path) -> None:
    assert chosen(one(cuda_query(), channels), "tzdata") == "2025b h0_0"


def test_cudnn_is_held_below_the_first_without_old_gpus(channels: Path) -> None:
    assert chosen(one(cuda_query(), channels), "libcudnn") == "9.10.2.21 h0_0"
    loose = replace(cuda_query(), specs=cuda_query().specs[:-1])
    assert chosen(one(loose, channels), "libcudnn") == "9.12.0.46 h0_0"


@pytest.mark.parametrize("specs", [("pytorch",), ("pytorch=2.10.0",), ("python=3.12", "pytorch", "cuda-version=12.9")])
def test_a_cpu_build_is_never_returned(channels: Path, specs: tuple[str, ...]) -> None:
    with pytest.raises(SolverError) as caught:
        one(cuda_query("linux-64", *specs), channels)
    expected = "py-rattler failed: linux-64: it chose pytorch cpu_mkl_py312_h2_900, not a CUDA build [solver-failed]"
    assert str(caught.value).splitlines()[0] == expected


def test_no_driver_is_no_solution_and_the_host_is_not_asked(channels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.9")
    with pytest.raises(SolveFailedError) as caught:
        one(cuda_query(cuda=""), channels)
    assert str(caught.value) == (
        "conda solve for linux-64 found no solution [solve-failed]\n"
        "  asked for: python=3.12, pytorch=2.10.0=cuda129*, cuda-version=12.9, libcudnn<9.11\n"
        "  pytorch ==2.10.0 cuda129* cannot be installed because there are no viable options:\n"
        "  └─ pytorch 2.10.0 would require\n"
        "     └─ __cuda *, for which no candidates were found.\n"
        "  declared: __unix=0, __linux=5.10, __glibc=2.28, __archspec=1 x86_64\n"
        "  hint: the virtual packages say what the target can run: see --driver and --glibc"
    )
    assert caught.value.exit_code == 3


def test_the_targets_glibc_counts_not_the_hosts(channels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.40")
    with pytest.raises(SolveFailedError, match=r"__glibc >=2\.17"):
        one(cuda_query(glibc="2.12"), channels)


def test_a_driver_of_cuda_13_does_not_move_a_cuda_12_pin(channels: Path) -> None:
    assert chosen(one(cuda_query(cuda="13.0"), channels), "cuda-version") == "12.9 h0_0"


def test_two_solves_are_equal(channels: Path) -> None:
    query = cuda_query("win-64")
    assert one(query, channels) == one(query, channels)


def test_the_first_channel_wins_a_name_whatever_its_version(tmp_path: Path) -> None:
    write_channel(tmp_path / "pytorch", [Row(name="torchvision", version="0.18.1")])
    rows = [Row(name="torchvision", version="0.25.0"), Row(name="numpy", version="2")]
    write_channel(tmp_path / "conda-forge", rows)
    query = cuda_query("linux-64", "torchvision", "numpy", channels=("pytorch", "conda-forge"))
    lock = one(query, tmp_path)
    assert {p.name: (p.version, p.channel) for p in lock.packages} == {
        "torchvision": ("0.18.1", "pytorch"),
        "numpy": ("2", "conda-forge"),
    }
    with pytest.raises(SolveFailedError, match="strict channel priority"):
        one(replace(query, specs=("torchvision=0.25",)), tmp_path)


def test_a_channel_with_a_label_keeps_its_path(tmp_path: Path) -> None:
    write_channel(tmp_path / "nvidia/label/cuda-11.8.0", [Row(name="cuda-cudart", version="11.8.89")])
    lock = one(cuda_query("linux-64", "cuda-cudart", channels=("nvidia/label/cuda-11.8.0",)), tmp_path)
    assert lock.packages[0].channel == "nvidia/label/cuda-11.8.0"
    url = "https://conda.anaconda.org/nvidia/label/cuda-11.8.0/linux-64/cuda-cudart-11.8.89-h0_0.conda"
    assert lock.packages[0].url == url


@pytest.mark.parametrize("missing", ["md5", "sha256"])
def test_a_package_without_a_hash_is_refused(tmp_path: Path, missing: str) -> None:
    row = Row(
        name="numpy", version="2", md5="" if missing == "md5" else None, sha256="" if missing == "sha256" else None
    )
    write_channel(tmp_path / "conda-forge", [row])
    with pytest.raises(SourceDataError) as caught:
        one(cuda_query("linux-64", "numpy"), tmp_path)
    assert str(caught.value).splitlines()[:2] == [
        f"the conda channel at {tmp_path} served something that cannot be used [channel-data]",
        f"  the channel states no {missing} for numpy-2-h0_0.conda",
    ]


def test_a_spec_that_cannot_be_read_is_told(channels: Path) -> None:
    with pytest.raises(SolverError, match="linux-64: unable to parse version spec"):
        one(cuda_query("linux-64", "python==="), channels)


def test_a_crash_of_the_child_is_told(channels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false" if sys.platform != "win32" else "where.exe")
    with pytest.raises(SolverError, match=r"its process ended with status [1-9]"):
        one(cuda_query(), channels)


class TestOptional:
    """`solve_best` leaves out what has no solution, and says so."""

    def solve(self, channels: Path, query: CondaQuery) -> BestSolve:
        return solve_best([query], cuda_query(query.subdir.value, "python=3.12"), mirror=str(channels))

    def lock(self, channels: Path, query: CondaQuery) -> tuple[CondaLock, tuple[str, ...]]:
        found = self.solve(channels, query)
        assert found.lock is not None
        return found.lock, found.missing

    def test_torchvision_is_kept_where_it_solves_and_left_out_where_not(self, channels: Path) -> None:
        queries = [replace(q, specs=(*q.specs, "torchvision")) for q in (cuda_query(), cuda_query("win-64"))]
        (linux, none), (windows, missing) = [self.lock(channels, query) for query in queries]
        assert chosen(linux, "torchvision") == "0.25.0 cuda129_py312_h3_0"
        assert none == ()
        assert windows.find("torchvision") is None
        assert missing == ("torchvision",)
        assert windows.specs == cuda_query("win-64").specs

    def test_as_many_as_possible_are_kept(self, channels: Path) -> None:
        query = cuda_query()
        lock, missing = self.lock(channels, replace(query, specs=(*query.specs, "torchvision", "torchaudio")))
        assert missing == ("torchaudio",)
        assert lock.find("torchvision") is not None

    def test_what_is_not_optional_fails(self, channels: Path) -> None:
        found = self.solve(channels, cuda_query("linux-64", "pytorch=2.11=cuda129*", "torchvision"))
        (failure,) = found.failures
        assert found.lock is None
        assert failure is not None
        assert failure.explanation[0].startswith("asked for: pytorch=2.11=cuda129*")


def test_a_mirror_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        one(cuda_query(), tmp_path / "nowhere")
    assert caught.value.exit_code == 2
