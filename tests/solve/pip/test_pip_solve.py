"""A solve takes torch's family from its own index and everything else from PyPI, and says so with canonical URLs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envgen.core.errors import UsageError
from envgen.core.locks import PipLock
from envgen.core.platforms import Subdir
from envgen.core.wheel_names import file_name
from envgen.net.served import canonical_pypi_url
from envgen.solve.errors import WheelMissingError
from envgen.solve.pip import answer
from equipment.pip_world import CP, LINUX, TAG, TORCH, TORCHVISION, Solve, query, torch_wheels
from equipment.wheel_index import WheelIndex, make_wheel

TORCH_INDEX = "https://download.pytorch.org/whl/cu126"


def versions(lock: PipLock) -> dict[str, str]:
    return {p.name: p.version for p in lock.packages}


def test_the_lock_is_complete_and_each_package_comes_from_its_index(solve: Solve) -> None:
    lock = solve(query(constraints=("nvidia-cudnn-cu12<9.11",)))
    assert versions(lock) == {
        "filelock": "3.20.0",
        "mpmath": "1.3.0",
        "numpy": "2.3.0",
        "nvidia-cudnn-cu12": "9.10.2.21",
        "sympy": "1.14.0",
        "torch": f"{TORCH}+{TAG}",
        "torchvision": f"{TORCHVISION}+{TAG}",
        "triton": "3.8.0",
    }
    indexes = {p.name: p.index for p in lock.packages}
    assert {name for name, index in indexes.items() if index == TORCH_INDEX} == {"torch", "torchvision"}
    assert set(indexes.values()) == {TORCH_INDEX, "https://pypi.org/simple"}


def test_urls_are_canonical_and_hashes_are_the_indexes(solve: Solve, pypi_index: WheelIndex) -> None:
    lock = solve()
    by_name = {p.name: p for p in lock.packages}
    file = f"torch-{TORCH}%2B{TAG}-{CP}-{CP}-manylinux_2_28_x86_64.whl"
    assert by_name["torch"].url == f"{TORCH_INDEX}/{file}"
    filelock = next(w for w in pypi_index.wheels["/simple"] if w.project == "filelock")
    assert by_name["filelock"].sha256 == filelock.sha256
    assert by_name["filelock"].size == filelock.size
    assert all(
        p.url.startswith(("https://download.pytorch.org/", "https://files.pythonhosted.org/")) for p in lock.packages
    )


def test_links_to_the_second_host_become_the_first(torch_index: WheelIndex, solve: Solve) -> None:
    """Pages of download.pytorch.org link to download-r2.pytorch.org since January 2026 (pytorch/test-infra#7628)."""
    plain = solve()
    torch_index.file_prefix = f"http://localhost:{torch_index.address.rpartition(':')[2]}/whl/{TAG}"
    assert solve() == plain


def test_reasons_name_what_asked(solve: Solve) -> None:
    reasons = {p.name: p.reason for p in solve().packages}
    assert reasons["torch"] == reasons["torchvision"] == "requested"
    assert reasons["sympy"] == "via torch"
    assert reasons["mpmath"] == "via sympy"


def test_who_asked_comes_from_the_one_run_of_uv(
    solve: Solve, pypi_index: WheelIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Extras, markers and releases that uv passed over: only what the locked releases ask for on this platform."""
    pypi_index.wheels = {
        "/simple": [
            *pypi_index.wheels["/simple"],
            make_wheel("aiohttp-3.13.0-py3-none-any.whl"),
            make_wheel("idna-3.10-py3-none-any.whl"),
            make_wheel("plum-2.0-py3-none-any.whl", ("idna", "filelock", "numpy>=99")),
            make_wheel("plum-1.0-py3-none-any.whl", ('aiohttp; extra == "http"', 'idna; sys_platform == "win32"')),
            make_wheel("quince-1.0-py3-none-any.whl", ("plum[http]", "idna")),
        ]
    }
    runs: list[object] = []
    real = subprocess.Popen

    def counted(command: list[str], **options: Any) -> subprocess.Popen[str]:
        runs.append(command)
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", counted)
    lock = solve(query(extras=("quince", "aiohttp")))
    assert len(runs) == 1
    by_name = {p.name: p for p in lock.packages}
    assert by_name["plum"].version == "1.0"
    assert {name: by_name[name].reason for name in ("plum", "idna", "aiohttp", "quince", "filelock")} == {
        "plum": "via quince",
        "idna": "via quince",
        "aiohttp": "requested",
        "quince": "requested",
        "filelock": "via torch",
    }
    assert by_name["plum"].dependencies == ("aiohttp",)


def test_windows_and_aarch64_are_solved_from_here(solve: Solve, pypi_index: WheelIndex) -> None:
    windows = solve(query(Subdir.WIN_64))
    assert set(versions(windows)) == {"filelock", "mpmath", "numpy", "sympy", "torch", "torchvision"}
    assert windows.packages[4].url.endswith("-win_amd64.whl")
    pypi_index.wheels = {
        "/simple": [
            *pypi_index.wheels["/simple"],
            make_wheel("nvidia_cudnn_cu12-9.10.2.21-py3-none-manylinux_2_27_aarch64.whl"),
            make_wheel(f"triton-3.8.0-{CP}-{CP}-manylinux_2_27_aarch64.whl"),
        ]
    }
    arm = solve(query(Subdir.LINUX_AARCH64))
    assert all("x86_64" not in p.url for p in arm.packages)
    assert arm.version_of("nvidia-cudnn-cu12") == "9.10.2.21"


def test_json_and_html_indexes_give_one_lock(solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex) -> None:
    from_html = {(p.name, p.sha256) for p in solve().packages}
    torch_index.html_only, pypi_index.html_only = False, True
    assert {(p.name, p.sha256) for p in solve().packages} == from_html


def test_no_wheel_is_downloaded(solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex) -> None:
    solve()
    asked = [*torch_index.requests, *pypi_index.requests]
    assert asked
    assert [path for path in asked if path.endswith(".whl")] == []


def test_pypis_own_build_comes_from_pypi_alone(solve: Solve, torch_index: WheelIndex) -> None:
    lock = solve(query(torch="2.100.0", torchvision="0.100.0", cuda_tag="cu132", on_pypi=True))
    assert lock.version_of("torch") == "2.100.0"
    assert {p.index for p in lock.packages} == {"https://pypi.org/simple"}
    assert torch_index.requests == []


def test_an_extra_that_needs_torchvision_gets_the_indexs_and_not_pypis(solve: Solve) -> None:
    lock = solve(query(torchvision="", extras=("timm>=1",)))
    assert lock.version_of("timm") == "1.0.0"
    assert lock.version_of("torchvision") == f"{TORCHVISION}+{TAG}"


def test_a_companion_of_pypis_own_build_is_the_one_that_goes_with_it(solve: Solve, pypi_index: WheelIndex) -> None:
    """torchaudio 2.11.0 states no torch, so a solver is free to put it beside 2.9.1, which 2.9.1 is made for."""
    tag = f"{CP}-{CP}-manylinux_2_28_x86_64"
    names = ("torch-2.9.1", "torchvision-0.24.1", "torchvision-0.29.1", "torchaudio-2.9.1", "torchaudio-2.11.0")
    speech = make_wheel("speech-1.0-py3-none-any.whl", ("torchaudio", "torchvision"))
    pypi_index.wheels = {"/simple": [speech, *(make_wheel(f"{name}-{tag}.whl") for name in names)]}
    lock = solve(query(torch="2.9.1", torchvision="", cuda_tag="cu128", on_pypi=True, extras=("speech",)))
    assert versions(lock) == {"speech": "1.0", "torch": "2.9.1", "torchaudio": "2.9.1", "torchvision": "0.24.1"}


def test_a_companion_without_the_tag_is_taken_where_the_index_has_no_other(
    solve: Solve, torch_index: WheelIndex
) -> None:
    """Early aarch64 companions have no local version (torchvision 0.24.0 on cu126)."""
    prefix = f"/whl/{TAG}"
    others = [w for w in torch_wheels("filelock") if not (w.project == "torchvision" and "aarch64" in w.filename)]
    plain = make_wheel(f"torchvision-{TORCHVISION}-{CP}-{CP}-manylinux_2_28_aarch64.whl", ("numpy", "torch"))
    torch_index.wheels = {prefix: [*others, plain]}
    lock = solve(query(Subdir.LINUX_AARCH64))
    assert lock.version_of("torchvision") == TORCHVISION
    assert next(p.index for p in lock.packages if p.name == "torchvision") == TORCH_INDEX


@pytest.mark.parametrize("name", ["torchcodec", "xformers"])
def test_the_rarer_members_come_from_the_index_when_it_has_them(
    solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex, name: str
) -> None:
    on_pypi = make_wheel(f"{name}-0.17.0-py3-none-any.whl")
    pypi_index.wheels = {"/simple": [*pypi_index.wheels["/simple"], on_pypi]}
    without = solve(query(extras=(name,)))
    assert without.version_of(name) == "0.17.0"
    tagged = make_wheel(f"{name}-0.16.0+{TAG}-{CP}-{CP}-manylinux_2_28_x86_64.whl")
    torch_index.wheels = {f"/whl/{TAG}": [*torch_index.wheels[f"/whl/{TAG}"], tagged]}
    assert solve(query(extras=(name,))).version_of(name) == f"0.16.0+{TAG}"


def test_mirrors_are_written_only_when_asked_and_never_with_a_login(
    solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex
) -> None:
    torch_index.login = pypi_index.login = ("me", "s@cret/1")
    options = {
        "wheel_mirror": torch_index.url("/whl", login="me:s%40cret%2F1"),
        "pypi": pypi_index.url("/simple", login="me:s%40cret%2F1"),
    }
    canonical = solve(**options)
    assert {p.index for p in canonical.packages} == {TORCH_INDEX, "https://pypi.org/simple"}
    mirrored = solve(**options, write_mirror=True)
    assert {p.index for p in mirrored.packages} == {torch_index.url(f"/whl/{TAG}"), pypi_index.url("/simple")}
    assert all(p.url.startswith((torch_index.url(), pypi_index.url())) for p in mirrored.packages)
    assert "cret" not in repr(canonical) + repr(mirrored)


def test_a_login_in_a_pages_own_links_does_not_reach_the_lock(solve: Solve, torch_index: WheelIndex) -> None:
    torch_index.file_prefix = torch_index.url(f"/whl/{TAG}", login="token:abcdef")
    mirrored = solve(write_mirror=True)
    assert "abcdef" not in repr(mirrored)
    assert next(p.url for p in mirrored.packages if p.name == "torch").startswith(torch_index.url(f"/whl/{TAG}/"))


def test_a_yanked_file_is_not_taken(solve: Solve, torch_index: WheelIndex) -> None:
    prefix = f"/whl/{TAG}"
    torch_index.wheels = {
        prefix: [replace(w, is_yanked=f"-{TORCH}+" in w.filename) for w in torch_index.wheels[prefix]]
    }
    for html_only in (True, False):
        torch_index.html_only = html_only
        with pytest.raises(WheelMissingError):
            solve()


def test_of_several_files_the_one_for_this_very_host_is_locked(solve: Solve, pypi_index: WheelIndex) -> None:
    """As pip and uv choose: this Python before abi3 before any, then the newest policy, a build tag decides a tie."""
    x86 = "manylinux_2_17_x86_64"
    names = [
        f"markupsafe-3.0.4-{CP}-{CP}-{x86}.whl",
        "markupsafe-3.0.4-cp37-abi3-manylinux_2_28_x86_64.whl",
        "markupsafe-3.0.4-py3-none-any.whl",
        f"pillow-13.0.0-{CP}-{CP}-manylinux_2_17_x86_64.whl",
        f"pillow-13.0.0-{CP}-{CP}-manylinux_2_28_x86_64.whl",
        f"pillow-13.0.0-{CP}-{CP}-manylinux_2_35_x86_64.whl",
        f"charset_normalizer-3.5.2-{CP}-{CP}-{x86}.whl",
        f"charset_normalizer-3.5.2-2-{CP}-{CP}-{x86}.whl",
    ]
    pypi_index.wheels = {"/simple": [*pypi_index.wheels["/simple"], *map(make_wheel, names)]}
    lock = solve(query(extras=("markupsafe", "pillow", "charset-normalizer")))
    files = {p.name: file_name(p.url) for p in lock.packages}
    assert files["markupsafe"] == names[0]
    assert files["pillow"] == names[4]
    assert files["charset-normalizer"] == names[7]


def test_the_callers_own_uv_settings_change_nothing(
    solve: Solve, monkeypatch: pytest.MonkeyPatch, pypi_index: WheelIndex, tmp_path: Path
) -> None:
    plain = solve()
    newer = [make_wheel("filelock-3.99.0-py3-none-any.whl")]
    pypi_index.wheels = {**pypi_index.wheels, "/other": newer}
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", pypi_index.url("/other"))
    monkeypatch.setenv("UV_OVERRIDE", "/nowhere/overrides.txt")
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert solve(cache_dir=tmp_path) == plain


def test_extras_are_plain_requirements(solve: Solve) -> None:
    for bad, text in (
        ("timm @ https://example.org/timm.whl", '"timm" is asked for by URL [usage]'),
        ("torch<2", "torch is not an extra [usage]"),
        ("a b c", '"a b c" is not a requirement [usage]'),
    ):
        with pytest.raises(UsageError) as caught:
            solve(query(extras=(bad,)))
        assert str(caught.value).splitlines()[0] == text


def test_pins_hold_where_the_metadata_is_silent(solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex) -> None:
    """The 12.6 build of 2.14.1 names cuDNN; its version is known from elsewhere. A naive solve takes the newest."""
    filename = f"torch-2.14.1+cu126-{CP}-{CP}-manylinux_2_28_x86_64.whl"
    known = _known_wheel(filename)
    served = make_wheel(filename, ("filelock", f"nvidia-cudnn-cu12; {LINUX}", f"triton~=3.8.0; {LINUX}"))
    torch_index.wheels = {"/whl/cu126": [type(served)(filename=filename, sha256=known, metadata=served.metadata)]}
    newer = make_wheel(f"triton-3.8.1-{CP}-{CP}-manylinux_2_27_x86_64.whl")
    pypi_index.wheels = {"/simple": [*pypi_index.wheels["/simple"], newer]}
    lock = solve(query(torch="2.14.1", torchvision=""))
    assert lock.version_of("nvidia-cudnn-cu12") == "9.10.2.21"
    assert lock.version_of("triton") == "3.8.0"
    reason = next(p.reason for p in lock.packages if p.name == "nvidia-cudnn-cu12")
    assert reason.startswith("via torch; pinned: ")


def test_cuda_bindings_of_another_cuda_are_not_taken(
    solve: Solve, torch_index: WheelIndex, pypi_index: WheelIndex
) -> None:
    torch_index.wheels = {f"/whl/{TAG}": torch_wheels("cuda-bindings")}
    bindings = [make_wheel(f"cuda_bindings-{version}-py3-none-any.whl") for version in ("12.9.7", "13.5.0")]
    pypi_index.wheels = {"/simple": [*pypi_index.wheels["/simple"], *bindings]}
    assert solve().version_of("cuda-bindings") == "12.9.7"


def _known_wheel(filename: str) -> str:
    from envgen.facts.wheels import WheelCatalog

    found = WheelCatalog.load().find(filename)
    if not found:
        pytest.skip(f"no wheel of torch 2.14.1 for this Python ({CP})")
    return found[0].sha256


@pytest.mark.parametrize(
    ("served", "canonical"),
    [
        pytest.param(
            "https://mirror.example/repository/packages/8a/c9/eb6b6528c7edb958d4c24ac47a8b94113d9de36e4cfc6eecd599b1a4f349/filelock-4.2.12-py3-none-any.whl",
            "https://files.pythonhosted.org/packages/8a/c9/eb6b6528c7edb958d4c24ac47a8b94113d9de36e4cfc6eecd599b1a4f349/filelock-4.2.12-py3-none-any.whl",
            id="a mirror that keeps PyPI's path",
        ),
        pytest.param(
            "https://nexus.example/repository/pypi/packages/six/1.17.0/six-1.17.0-py2.py3-none-any.whl",
            "https://files.pythonhosted.org/packages/py2.py3/s/six/six-1.17.0-py2.py3-none-any.whl",
            id="one that does not: the address by file name",
        ),
    ],
)
def test_pypis_own_url_of_a_mirrored_file(served: str, canonical: str) -> None:
    assert canonical_pypi_url(served, "filelock" if "filelock" in served else "six") == canonical


@pytest.mark.skipif(sys.platform == "win32", reason="HOME is where POSIX looks for a cache")
@pytest.mark.parametrize("named", [True, False], ids=["a-cache-is-named", "no-cache-can-be-written"])
def test_a_home_that_can_not_be_written_is_no_hindrance(
    solve: Solve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """As in a container whose user owns nothing: uv ends when it can't make its cache, by default in the home."""
    home = tmp_path / "home"
    home.write_text("a file, so that nobody makes a folder below it, not even root", encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CACHE_HOME", "UV_CACHE_DIR", "ENVGEN_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    if named:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("ENVGEN_CACHE_DIR", "named")
    assert solve(cache_dir=None).version_of("torch") == f"{TORCH}+{TAG}"
    assert (tmp_path / "named/uv").is_dir() == named


def test_torch_and_its_companions_are_never_behind(solve: Solve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer torchvision is of a newer torch: nothing that was passed over."""
    monkeypatch.setattr(answer, "passed_over", lambda log, name, version: "999")
    lock = solve(query(extras=("timm",)))
    assert {one.name for one in lock.passed_over} == {"timm"}
    assert lock.version_of("torchvision")
