"""Decisions by hand from the sources: what each GPU gets on which driver, platform and Python."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.errors import ValueFormatError
from envgen.core.resolution import RejectionCode, Resolution
from envgen.core.sets import PackageSet
from envgen.facts.catalog import Catalog
from envgen.resolve import resolve
from envgen.resolve.errors import NoBuildError
from equipment.requests import ask


def pip_of(resolution: Resolution) -> str | None:
    pairing = resolution.pip
    return f"{pairing.build.torch}+{pairing.build.cuda_tag}" if pairing else None


def conda_of(resolution: Resolution) -> str | None:
    pairing = resolution.conda
    return f"{pairing.build.torch} {pairing.build.cuda}" if pairing else None


def codes_of(resolution: Resolution) -> set[str]:
    return {notice.code for notice in resolution.notices}


@pytest.mark.parametrize(
    ("capability", "subdir", "driver", "pip", "conda"),
    [
        pytest.param("7.5", "win-64", "560.94", "2.14.1+cu126", "2.13.0 12.8", id="mx450-with-560.94-on-windows"),
        pytest.param("7.5", "linux-64", None, "2.15.0+cu132", "2.13.0 13.0", id="mx450-on-linux-newest-driver"),
        pytest.param("7.5", "win-64", None, "2.15.0+cu132", "2.13.0 13.0", id="mx450-on-windows-newest-driver"),
        pytest.param("6.1", "linux-64", "525.60.13", "2.14.1+cu126", "2.13.0 12.9", id="gtx-1080-ti-on-525.60.13"),
        pytest.param("6.1", "linux-64", "535", "2.14.1+cu126", "2.13.0 12.9", id="gtx-1080-ti-on-535"),
        pytest.param("6.1", "linux-64", "550", "2.14.1+cu126", "2.13.0 12.9", id="gtx-1080-ti-on-550"),
        pytest.param("6.1", "linux-64", "570", "2.14.1+cu126", "2.13.0 12.9", id="gtx-1080-ti-on-570"),
        pytest.param("6.1", "linux-64", "580", "2.14.1+cu126", "2.13.0 12.9", id="gtx-1080-ti-keeps-12-on-580"),
        pytest.param("6.1", "win-64", "528.33", "2.14.1+cu126", "2.13.0 12.8", id="gtx-1080-ti-on-windows-floor"),
        pytest.param("6.1", "win-64", "527.41", "2.7.1+cu118", "2.5.1 11.8", id="gtx-1080-ti-below-the-floor-of-12"),
        pytest.param("12.0", "linux-64", "570.86.15", "2.13.0+cu129", "2.13.0 12.9", id="rtx-5090-on-570-linux"),
        pytest.param("12.0", "win-64", "572.16", "2.11.0+cu128", "2.13.0 12.8", id="rtx-5090-on-572-windows"),
        pytest.param("12.0", "linux-64", "535", None, None, id="rtx-5090-on-a-driver-that-predates-it"),
        pytest.param("8.9", "linux-64", "535", "2.14.1+cu126", "2.13.0 12.9", id="rtx-4090-on-535"),
        pytest.param("8.6", "linux-64", "580.65.06", "2.15.0+cu132", "2.13.0 13.0", id="rtx-3090-on-the-floor-of-13"),
        pytest.param("8.6", "linux-64", "579.99", "2.14.1+cu126", "2.13.0 12.9", id="rtx-3090-just-below-13"),
        pytest.param("3.7", "linux-64", None, "2.3.1+cu118", "2.3.1 11.8", id="k80-ends-where-cudnn-does"),
        pytest.param("3.7", "win-64", None, "2.3.1+cu118", "2.3.1 11.8", id="k80-on-windows"),
        pytest.param("3.5", "linux-64", None, None, None, id="gtx-780-has-nothing-for-3.12"),
        pytest.param("3.5", "win-64", None, None, None, id="gtx-780-has-nothing-on-windows"),
        pytest.param("12.1", "linux-aarch64", None, "2.15.0+cu132", "2.13.0 13.0", id="gb10-dgx-spark"),
        pytest.param("11.0", "linux-aarch64", None, "2.15.0+cu132", "2.13.0 13.0", id="jetson-thor"),
        pytest.param("7.0", "linux-64", "590.48.01", None, None, id="v100-on-a-driver-that-dropped-it"),
        pytest.param("6.1 8.9", "linux-64", "580.65.06", "2.14.1+cu126", "2.13.0 12.9", id="pascal-beside-ada"),
        pytest.param("3.7 8.6", "linux-64", None, "2.3.1+cu118", "2.3.1 11.8", id="kepler-beside-ampere"),
        pytest.param("3.7 8.9", "linux-64", None, None, None, id="kepler-beside-ada-that-r470-does-not-know"),
        pytest.param("8.9", "linux-64", "470.256.02", None, None, id="ada-on-a-driver-older-than-it"),
        pytest.param("7.5", "linux-aarch64", None, None, "2.13.0 13.0", id="t4g-has-only-conda-on-arm"),
    ],
)
def test_pairings(
    builds: Catalog, capability: str, subdir: str, driver: str | None, pip: str | None, conda: str | None
) -> None:
    resolution = resolve(builds, ask(capability, subdir, driver))
    assert (pip_of(resolution), conda_of(resolution)) == (pip, conda)


def test_the_pypi_build_is_taken_from_pypi(builds: Catalog) -> None:
    linux = resolve(builds, ask("7.5", "linux-64")).pip
    windows = resolve(builds, ask("7.5", "win-64")).pip
    assert linux is not None
    assert windows is not None
    assert linux.index_url == "https://pypi.org/simple"
    assert windows.index_url == "https://download.pytorch.org/whl/cu132"


def test_an_assumed_driver_is_said_with_the_oldest_that_will_do(builds: Catalog) -> None:
    for subdir, floor in (("linux-64", "580.65.06"), ("win-64", "580.88")):
        notices = {n.code: n.text for n in resolve(builds, ask("7.5", subdir)).notices}
        assert f"pip {floor}" in notices["driver-assumed"]


def test_a_bare_branch_is_said(builds: Catalog) -> None:
    assert "driver-branch-only" in codes_of(resolve(builds, ask("6.1", driver="535")))
    assert "driver-branch-only" not in codes_of(resolve(builds, ask("6.1", driver="535.54.03")))


@pytest.mark.parametrize("driver", ["525.60.13", "535", "550", "570", "580"])
def test_the_last_build_for_a_gpu_is_said(builds: Catalog, driver: str) -> None:
    assert "last-build-for-gpu" in codes_of(resolve(builds, ask("6.1", driver=driver)))


def test_a_gpu_with_newer_builds_is_not_told_that_it_is_the_last(builds: Catalog) -> None:
    assert "last-build-for-gpu" not in codes_of(resolve(builds, ask("12.0", driver="570.86.15")))


def test_only_the_gpus_whose_wheels_end_are_named(builds: Catalog) -> None:
    notices = {n.code: n.text for n in resolve(builds, ask("6.1 8.9")).notices}
    assert "GPU 6.1" in notices["last-build-for-gpu"]
    assert "GPU 8.9" not in notices["last-build-for-gpu"]


def test_cudnn_ends_a_gpu_as_well(builds: Catalog) -> None:
    """2.4 to 2.7.1 have sm_37, but come with cuDNN 9."""
    notices = {n.code: n.text for n in resolve(builds, ask("3.7")).notices}
    assert notices["last-build-for-gpu"].startswith("2.3.1 is the last PyTorch release with wheels for GPU 3.7")


@pytest.mark.parametrize(
    ("capability", "torch", "is_way_out"),
    [("7.5", "", True), ("7.5", "==2.15.0", False), ("7.5 12.0", "", False)],
)
def test_cu126_is_named_as_the_way_round_magma_where_it_is_one(
    builds: Catalog, capability: str, torch: str, is_way_out: bool
) -> None:
    notices = {n.code: n.text for n in resolve(builds, ask(capability, torch=torch)).notices}
    assert ("--cuda cu126" in notices["magma-no-sm75"]) is is_way_out


def test_only_the_gpus_that_run_from_ptx_are_named(builds: Catalog) -> None:
    notices = {n.code: n.text for n in resolve(builds, ask("8.9 12.0", "win-64", torch="==2.6.*")).notices}
    assert "PTX on GPU 12.0:" in notices["ptx-compiled-at-first-use"]


def test_a_companion_without_a_wheel_for_the_python_is_not_promised(builds: Catalog) -> None:
    """pypi.org/simple: torchvision 0.20.1 ends at cp312, torchaudio 2.11.0 at cp314."""
    lacking = resolve(builds, ask("8.6", python="3.13", torch="==2.5.1"))
    assert lacking.pip is None
    assert {r.code for r in lacking.rejected if r.package_set == "pip" and r.torch == "2.5.1"} >= {
        RejectionCode.NO_TORCHVISION
    }
    assert pip_of(resolve(builds, ask("8.6", python="3.13", torch="==2.5.1", vision=False))) == "2.5.1+cu124"
    silent = resolve(builds, replace(ask("8.6", python="3.15", torch="==2.14.1", cuda="cu130"), audio=True))
    assert silent.pip is not None
    assert silent.pip.torchaudio == ""
    assert "no-torchaudio" in codes_of(silent)


@pytest.mark.parametrize(
    ("torch", "tag", "audio"),
    [
        # pytorch/audio#4226: 2.11.0 is +cu130 on PyPI and refuses another CUDA minor; 2.11.1 (+cu132) another major.
        pytest.param("2.15.0", "cu132", "2.11.1", id="pypis-own-build"),
        pytest.param("2.14.1", "cu132", "2.11.1", id="an-index-without-2.11.0"),
        pytest.param("2.14.1", "cu130", "2.11.0", id="the-minor-that-2.11.0-is-built-for"),
        pytest.param("2.14.1", "cu126", "2.11.0", id="a-tag-with-a-build-of-its-own"),
        pytest.param("2.9.1", "cu126", "2.9.1", id="its-own-companion"),
    ],
)
def test_torchaudio_is_one_that_loads_beside_the_build(builds: Catalog, torch: str, tag: str, audio: str) -> None:
    found = resolve(builds, replace(ask("8.6", torch=f"=={torch}", cuda=tag), audio=True)).pip
    assert found is not None
    assert found.torchaudio == audio


def test_a_conda_build_that_alone_has_the_code_is_pinned_by_its_number(builds: Catalog) -> None:
    """conda-forge's pytorch 2.13.0 for CUDA 13.0 on Arm has sm_87 from build 202 on."""
    resolution = resolve(builds, ask("8.7", "linux-aarch64"))
    assert resolution.conda is not None
    assert "pytorch=2.13.0=cuda130*_202" in resolution.conda.specs
    assert len({r.text for r in resolution.rejected}) == len(resolution.rejected)


def test_gpus_that_no_driver_serves_together_are_told_so(builds: Catalog) -> None:
    """R470 is the last branch for Kepler, R570 the first for Blackwell."""
    resolution = resolve(builds, ask("3.7 12.0"))
    assert (resolution.pip, resolution.conda) == (None, None)
    told = {r.text.partition(": ")[2] for r in resolution.rejected if r.code is RejectionCode.DRIVER_PREDATES_GPU}
    assert told == {"no driver serves both GPU 3.7 (R470 is its last branch) and GPU 12.0 (R570 is its first)"}
    assert not [r for r in resolution.rejected if "driver" in r.unlock]
    assert "each GPU by itself" in NoBuildError(resolution).hint()


def test_a_bare_branch_that_first_knows_the_gpu_serves_ptx_of_an_older_toolkit(builds: Catalog) -> None:
    """R570 is Blackwell's first branch; CUDA 11.8, whose PTX it compiles, came with R520."""
    for driver in ("570", "572.16"):
        assert pip_of(resolve(builds, ask("12.0", "win-64", driver, torch="==2.7.1", cuda="cu118"))) == "2.7.1+cu118"


def test_turing_on_cuda_13_is_warned_of_magma(builds: Catalog) -> None:
    assert "magma-no-sm75" in codes_of(resolve(builds, ask("7.5", "linux-64")))
    assert "magma-no-sm75" not in codes_of(resolve(builds, ask("7.5", "win-64", "560.94")))
    assert "magma-no-sm75" not in codes_of(resolve(builds, ask("8.6", "linux-64")))


def test_gtx_970_on_windows_has_no_2_8_wheel_but_a_conda_build(builds: Catalog) -> None:
    """pytorch/pytorch#160575: the Windows cu126 wheels of 2.8.0 start at sm_61."""
    resolution = resolve(builds, ask("5.2", "win-64", "560.94", torch="==2.8.*"))
    assert (pip_of(resolution), conda_of(resolution)) == (None, "2.8.0 12.8")
    assert "no-pip-pairing" in codes_of(resolution)
    reason = next(r for r in resolution.rejected if (r.package_set, r.torch, r.cuda_tag) == ("pip", "2.8.0", "cu126"))
    assert reason.code is RejectionCode.NO_KERNEL_IMAGE
    assert "sm_61" in reason.text


def test_a_card_newer_than_the_driver_is_told_the_first_branch(builds: Catalog) -> None:
    resolution = resolve(builds, ask("12.0", "linux-64", "535"))
    reasons = {r.code for r in resolution.rejected if r.torch == "2.13.0" and r.cuda_tag == "cu129"}
    assert reasons == {RejectionCode.DRIVER_PREDATES_GPU}


def test_k80_lists_the_newer_cu118_as_cudnn_unsupported(builds: Catalog) -> None:
    resolution = resolve(builds, ask("3.7"))
    reason = next(r for r in resolution.rejected if (r.torch, r.cuda_tag) == ("2.7.1", "cu118"))
    assert reason.code is RejectionCode.CUDNN_UNSUPPORTED
    assert reason.unlock == {}


def test_gtx_780_is_unlocked_by_an_older_python_for_conda_on_linux_only(builds: Catalog) -> None:
    linux = [r for r in resolve(builds, ask("3.5", "linux-64")).rejected if r.unlock]
    assert (linux[0].package_set, linux[0].torch, linux[0].unlock) == ("conda", "2.0.0", {"python": "3.11"})
    assert [r for r in resolve(builds, ask("3.5", "win-64")).rejected if r.unlock] == []
    assert conda_of(resolve(builds, ask("3.5", "linux-64", python="3.11"))) == "2.0.0 11.2"


def test_a_driver_too_old_names_the_driver_that_would_do(builds: Catalog) -> None:
    resolution = resolve(builds, ask("7.5", "win-64", "560.94"))
    reason = next(r for r in resolution.rejected if (r.torch, r.cuda_tag) == ("2.15.0", "cu132"))
    assert (reason.code, reason.unlock) == (RejectionCode.DRIVER_TOO_OLD, {"driver": "580.88"})


def test_a_dropped_card_is_sent_back_to_its_last_branch(builds: Catalog) -> None:
    resolution = resolve(builds, ask("7.0", "linux-64", "590.48.01"))
    reason = next(r for r in resolution.rejected if (r.torch, r.cuda_tag) == ("2.14.1", "cu126"))
    assert (reason.code, reason.unlock) == (RejectionCode.DRIVER_TOO_NEW, {"driver": "580.178.04"})


def test_uncertain_builds_are_never_chosen(builds: Catalog) -> None:
    resolution = resolve(builds, ask("8.6", "linux-64", cuda="cu134"))
    assert pip_of(resolution) is None
    reason = next(r for r in resolution.rejected if r.cuda_tag == "cu134")
    assert (reason.code, reason.unlock) == (RejectionCode.UNCERTAIN, {})


@pytest.mark.parametrize("driver", ["580", "580.178.04"])
def test_conda_for_pascal_pins_cuda_12_and_the_last_cudnn_although_the_driver_reports_13(
    builds: Catalog, driver: str
) -> None:
    pairing = resolve(builds, ask("6.1", "linux-64", driver)).conda
    assert pairing is not None
    assert "cuda-version=12.9" in pairing.specs
    assert "libcudnn<9.11" in pairing.specs
    assert "pytorch=2.13.0=cuda129*" in pairing.specs


def test_cuda_restricts_both_channels(builds: Catalog) -> None:
    resolution = resolve(builds, ask("8.6", "linux-64", cuda="cu126"))
    assert (pip_of(resolution), conda_of(resolution)) == ("2.14.1+cu126", "2.7.1 12.6")


def test_an_old_glibc_keeps_cuda_13_away(builds: Catalog) -> None:
    resolution = resolve(builds, ask("8.6", "linux-64", glibc="2.17"))
    # pytorch 2.6.0 is the first that needs a cuDNN for glibc 2.28 (cudnn >=9.7.1.26 in its record).
    assert conda_of(resolution) == "2.5.1 12.6"
    reasons = {r.cuda_tag: r.unlock for r in resolution.rejected if r.package_set == "conda" and r.torch == "2.13.0"}
    assert reasons == {"cu129": {"glibc": "2.28"}, "cu130": {"glibc": "2.28"}}


def test_what_an_index_does_not_have_is_not_chosen(builds: Catalog) -> None:
    request = ask("7.5", "win-64")
    absent = frozenset((PackageSet.PIP, "2.15.0", tag) for tag in ("cu130", "cu132"))
    resolution = resolve(builds, request, absent=absent)
    assert pip_of(resolution) == "2.14.1+cu132"


@pytest.mark.parametrize("specifier", ["==", "banana", "=>2", ">=2.6 <2.9 x"])
def test_a_torch_option_that_is_no_specifier_is_refused(builds: Catalog, specifier: str) -> None:
    with pytest.raises(ValueFormatError, match="is not a version specifier") as caught:
        resolve(builds, ask("8.6", torch=specifier))
    assert caught.value.headline() == f'"{specifier}" is not a version specifier (from --torch)'
    assert "PEP 440" in str(caught.value)
