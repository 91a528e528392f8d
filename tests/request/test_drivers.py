"""Drivers, machines and platforms of a request: which number counts where, and what is refused.

Releases of JetPack and what they hold: NVIDIA's JetPack archive. Windows numbers of a branch: NVIDIA's driver archive
(581.57 and 582.53 are R580's). Windows' nvidia-smi in WSL2 prints the Windows number.
"""

from __future__ import annotations

import re

import pytest

from envgen.core.errors import UsageError, ValueFormatError
from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Request
from envgen.facts.catalog import Catalog
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.request.requests import Requests
from envgen.request.values import is_macos, is_windows_arm, parse_platform
from envgen.resolve import resolve
from envgen.resolve.errors import JetPackWithoutBuildError, MacosError, NoBuildError, WindowsArmError

CATALOG = Catalog.load()
BOTH = ("win-64", "linux-64")


def read(
    *gpus: str, drivers: tuple[str, ...] = (), platforms: tuple[str, ...] = ("linux-64",), **more: object
) -> Requests:
    options = RequestOptions(gpus=gpus, drivers=drivers, platforms=platforms, **more)  # type: ignore[arg-type]
    return read_request(options, CATALOG)


def drivers_by_platform(requests: Requests) -> dict[str, str]:
    return {r.subdir.value: str(r.driver) if r.driver else "" for r in requests.requests}


@pytest.mark.parametrize(
    ("drivers", "expected"),
    [
        pytest.param(("560.94",), {"win-64": "560.94", "linux-64": ""}, id="a-windows-number-is-for-windows"),
        pytest.param(("535.183.01",), {"win-64": "", "linux-64": "535.183.01"}, id="three-parts-are-linux"),
        pytest.param(("560.94", "560.35.03"), {"win-64": "560.94", "linux-64": "560.35.03"}, id="one-for-each"),
        pytest.param(("win-64=560.94",), {"win-64": "560.94", "linux-64": ""}, id="named-platform"),
        pytest.param(("535",), {"win-64": "535", "linux-64": "535"}, id="a-branch-is-for-both"),
        pytest.param(("535.98",), {"win-64": "535.98", "linux-64": "535.98"}, id="a-number-of-both"),
        pytest.param(("32.0.15.6094",), {"win-64": "560.94", "linux-64": ""}, id="four-fields"),
        pytest.param(
            ("driverInfo = 550.54.14",), {"win-64": "", "linux-64": "550.54.14"}, id="as-vulkaninfo-prints-it"
        ),
    ],
)
def test_with_several_platforms_a_driver_counts_where_its_form_is(
    drivers: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert drivers_by_platform(read("RTX 3060", drivers=drivers, platforms=BOTH)) == expected


@pytest.mark.parametrize(
    ("text", "number", "branch"),
    [
        ("560.94", "560.94", 560),
        ("32.0.15.6094", "560.94", 560),
        ("581.57", "581.57", 580),
        ("582.53", "582.53", 580),
        ("566.36 WHQL", "566.36", 565),
        ("572", "572", 570),
    ],
)
@pytest.mark.parametrize("platform", ["linux-64", "wsl", "WSL2"])
def test_a_windows_number_for_linux_alone_is_wsl2(text: str, number: str, branch: int, platform: str) -> None:
    found = read("RTX 3060", drivers=(text,), platforms=(platform,))
    assert drivers_by_platform(found) == {"linux-64": number}
    resolution = resolve(CATALOG, found.requests[0])
    assert str(resolution.driver) == number
    notices = (*found.notices, *resolution.notices)
    assert [n.text for n in notices if n.code == "wsl-driver"] == [
        f"{number} is a number of Windows drivers, as WSL shows it: it is taken as R{branch}"
    ]


def test_a_machine_with_wsl_is_held_against_the_linux_branch() -> None:
    request = the_request(read(machines=("GTX 1080;581.57;wsl", "RTX 4090;580.95.05")))
    assert sorted(str(machine.driver) for machine in request.machines) == ["580.95.05", "581.57"]


def test_a_linux_number_for_windows_alone_is_refused() -> None:
    with pytest.raises(UsageError, match=r'"535.183.01" is not a driver version of win-64'):
        read("RTX 3060", drivers=("535.183.01",), platforms=("win-64",))


def the_request(found: Requests) -> Request:
    assert len(found.requests) == 1
    return found.requests[0]


@pytest.mark.parametrize(
    ("gpu", "driver", "release", "version", "glibc"),
    [
        ("Jetson Orin NX", "JetPack 6.2", "6.2", "540.4.0", "2.35"),
        ("Jetson Orin NX", "36.4.3", "6.2", "540.4.0", "2.35"),
        ("Jetson Orin NX", "540.3.0", "6.0", "540.3.0", "2.35"),
        ("Jetson Orin NX", "540.4.0", "6.1", "540.4.0", "2.35"),
        ("Jetson AGX Thor", "580.00", "7.0", "580.00", "2.39"),
        ("Jetson AGX Thor", "JetPack 7.2", "7.2", "595.78", "2.39"),
        ("Jetson AGX Thor", "595.73", "7.2", "595.73", "2.39"),
        ("Jetson AGX Orin", "7.2", "7.2", "595.78", "2.39"),
    ],
)
def test_a_jetson_has_its_jetpack(gpu: str, driver: str, release: str, version: str, glibc: str) -> None:
    request = the_request(read(gpu, drivers=(driver,), platforms=()))
    assert request.subdir is Subdir.LINUX_AARCH64
    assert request.jetpack is not None
    assert (request.jetpack.release, str(request.driver), request.glibc) == (release, version, glibc)
    assert request.driver_origin is DriverOrigin.GIVEN


def test_a_jetson_without_a_driver_has_the_newest_jetpack() -> None:
    request = the_request(read("Jetson AGX Orin", platforms=()))
    assert request.jetpack is not None
    assert (request.jetpack.release, request.driver_origin) == ("7.2", DriverOrigin.ASSUMED)


@pytest.mark.parametrize(
    ("gpu", "driver"), [("Jetson AGX Orin", "35.4.1"), ("Jetson Nano", "JetPack 4.6"), ("Jetson Nano", "")]
)
def test_an_old_jetpack_has_nvidias_own_wheels(gpu: str, driver: str) -> None:
    with pytest.raises(JetPackWithoutBuildError, match="install NVIDIA's own wheel"):
        read(gpu, drivers=(driver,) if driver else (), platforms=())


def test_a_jetpack_is_for_a_jetson_and_for_its_own() -> None:
    with pytest.raises(UsageError, match="is a release for Jetson modules, and no GPU of the request is one"):
        read("RTX 3060", drivers=("JetPack 6.2",))
    with pytest.raises(UsageError, match=r"JetPack 6\.2 is not for Jetson AGX Thor"):
        read("Jetson AGX Thor", drivers=("JetPack 6.2",), platforms=("linux-aarch64",))
    with pytest.raises(UsageError, match=r"Jetson Linux 37\.1 is not known"):
        read("Jetson AGX Orin", drivers=("37.1",), platforms=("linux-aarch64",))


LINUX = [("36.4.7", "6.2.1"), ("35.6.2", "5.1.5"), ("32.7.6", "4.6.6"), ("32.4.3", "4.4")]


@pytest.mark.parametrize(("text", "jetpack"), LINUX)
def test_a_patch_of_jetson_linux_has_the_cuda_of_its_line(text: str, jetpack: str) -> None:
    """36.4.7 is newer than the table; 32.7.6 and 35.6.2 are dusty-nv/jetson-containers#1179's."""
    if jetpack.startswith("6"):
        (request,) = read("Jetson Orin Nano", drivers=(text,), platforms=("linux-aarch64",)).requests
        assert request.jetpack is not None
        assert request.jetpack.release == jetpack
        return
    gpu = "Jetson Nano" if jetpack.startswith("4") else "Jetson AGX Orin"
    with pytest.raises(JetPackWithoutBuildError, match=re.escape(jetpack)):
        read(gpu, drivers=(text,), platforms=())


def test_a_jetson_beside_another_computer_keeps_its_jetpack() -> None:
    """They are two computers, named so or not; each has the driver, or the JetPack, of its own."""
    for options in (
        {"gpus": ("Jetson AGX Orin", "DGX Spark"), "drivers": ("JetPack 7.2",)},
        {"machines": ("DGX Spark;580.95.05", "Jetson AGX Orin;JetPack 7.2")},
    ):
        (request,) = read_request(RequestOptions(**options), CATALOG).requests
        found = resolve(CATALOG, request)
        assert found.pip is not None
        assert found.pip.build.short_label == "2.15.0+cu132"  # sm_80 on 8.7: torch's table for CUDA 13.2, PyPI's wheel
    both = read_request(RequestOptions(machines=("GH200;580.95.05", "Jetson AGX Orin;JetPack 6.2")), CATALOG)
    none = resolve(CATALOG, both.requests[0])
    assert (none.pip, none.conda) == (None, None)  # JetPack 6 runs Tegra builds of CUDA 12 alone, a GH200 none of them
    assert not [r for r in none.rejected if r.change and r.cuda_tag.startswith("cu12") and r.torch == "2.13.0"]


def test_a_machine_is_decided_for_its_own_platform() -> None:
    two = ("RTX 5090;581.57;win-64", "GTX 1660;560.94;win-64")
    mixed = ("RTX 3060;560.94;win-64", "RTX 3060;535.183.01;linux-64")
    assert [r.subdir.value for r in read_request(RequestOptions(machines=two), CATALOG).requests] == ["win-64"]
    found = read_request(RequestOptions(machines=mixed), CATALOG)
    assert drivers_by_platform(found) == {"win-64": "560.94", "linux-64": "535.183.01"}
    with pytest.raises(UsageError, match="a machine is for win-64"):
        read_request(RequestOptions(machines=mixed, platforms=("linux-64",)), CATALOG)


@pytest.mark.parametrize("driver", ["560.94", "550.54.15", "570.124.06"])
def test_a_driver_of_another_computer_is_none_of_a_jetson(driver: str) -> None:
    """JetPack 6 has 540.x, 7.0 and 7.1 580.00, 7.2 595.7x: nothing between them is a Jetson's."""
    with pytest.raises(UsageError, match="is the driver of no JetPack"):
        read("Jetson AGX Orin", drivers=(driver,), platforms=("linux-aarch64",))
    (newer,) = read("Jetson AGX Orin", drivers=("615.10",), platforms=("linux-aarch64",)).requests
    assert resolve(CATALOG, newer).pip is not None  # newer than all that is known: as the newest


@pytest.mark.parametrize(
    ("gpu", "driver", "floor"),
    [
        ("RTX 3060", "537.58", "528.33"),
        ("RTX 5090", "572.83", "572"),  # the first Windows releases of R570, the first that knows Blackwell
        ("RTX 3060", "550.54.15", "525.60.13"),  # not WSL
    ],
)
def test_the_oldest_driver_that_will_do_is_a_number_of_windows_in_wsl(gpu: str, driver: str, floor: str) -> None:
    """NVIDIA's compatibility guide: CUDA 12 needs 525.60.13 on Linux and 528.33 on Windows."""
    pip = resolve(CATALOG, read(gpu, drivers=(driver,)).requests[0]).pip
    assert pip is not None
    assert str(pip.driver_floor) == floor


def test_a_driver_beside_machines_alone_is_not_dropped_without_a_word() -> None:
    with pytest.raises(UsageError, match="there are only machines, each with its own driver"):
        read(drivers=("560.35.03",), machines=("RTX 4090;580.95.05",))
    (request,) = read("RTX 3060", drivers=("560.35.03",), machines=("RTX 4090;580.95.05",)).requests
    assert [str(machine.driver) for machine in request.machines] == ["560.35.03", "580.95.05"]


@pytest.mark.parametrize(
    ("machines", "hint"),
    [
        (
            ("GTX 970;470.256.02", "RTX 5090;575.57.08"),
            "update the driver to 525.60.13 or newer: then pytorch 2.13.0 (CUDA 12.9) from conda runs",
        ),
        # A K80's last branch is R470: no driver of it serves what a RTX 5090 has code in.
        (("K80;470.256.02", "RTX 5090;575.57.08"), "ask for torch 2.3.1 (--torch ==2.3.1) and ask for CUDA 11.8"),
    ],
)
def test_what_helps_several_machines(machines: tuple[str, ...], hint: str) -> None:
    (request,) = read(machines=machines).requests
    error = NoBuildError(resolve(CATALOG, request))
    assert error.hint().startswith(hint)
    rejection = error.main_rejection()
    assert rejection is not None
    assert rejection.change is not None
    then = resolve(CATALOG, rejection.change.applied(request))
    assert then.pip or then.conda


def test_gpus_of_two_platforms_have_one_request_each() -> None:
    found = read("Tesla T4", "Jetson AGX Orin", platforms=("linux-64", "linux-aarch64"))
    assert [(r.subdir.value, [g.gpu.name for g in r.gpus]) for r in found.requests] == [
        ("linux-64", ["Tesla T4"]),
        ("linux-aarch64", ["Tesla T4", "Jetson AGX Orin"]),
    ]


@pytest.mark.parametrize(
    "gpu",
    ["GB10", "DGX Spark", "ASUS Ascent GX10", "NVIDIA GH200 480GB", "GB200", "GB300", "g5g.xlarge", "GH200L-144C"],
)
def test_a_gpu_beside_an_arm_processor_is_decided_for_arm(gpu: str) -> None:
    found = read(gpu, platforms=())
    assert [request.subdir.value for request in found.requests] == ["linux-aarch64"]
    assert "platform-of-gpu" in [notice.code for notice in found.notices]


def test_gpus_of_two_platforms_without_a_platform_have_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envgen.request.read.host_platform", lambda: "linux-64")
    found = read("Tesla T4", "GH200", platforms=())
    assert {r.subdir.value: [g.gpu.name for g in r.gpus] for r in found.requests} == {
        "linux-64": ["Tesla T4"],
        "linux-aarch64": ["Tesla T4", "GH200"],
    }


def test_several_drivers_are_several_machines_and_the_oldest_is_the_requests() -> None:
    request = the_request(read("Tesla T4", drivers=("580.95.05", "535.183.01")))
    assert str(request.driver) == "535.183.01"
    assert [str(machine.driver) for machine in request.machines] == ["580.95.05", "535.183.01"]


def test_drivers_that_conflict_with_several_gpus_name_the_option_for_machines() -> None:
    with pytest.raises(UsageError) as caught:
        read("GTX 1080", "RTX 5090", drivers=("550.54.15", "580.95.05"))
    assert "driver 550.54.15 is older than R570, the first that knows GeForce RTX 5090" in str(caught.value)
    assert '--machine "GPU;DRIVER"' in str(caught.value)


def test_machines_have_their_own_drivers_and_platforms() -> None:
    machines = ("GTX 1080 Ti;550.54.15", "RTX 4090;580.95.05;linux-64", "MX450;560.94;win-64")
    found = read(machines=machines, platforms=BOTH)
    by_platform = {r.subdir.value: r for r in found.requests}
    assert [g.gpu.name for g in by_platform["win-64"].gpus] == ["GeForce MX450"]
    assert str(by_platform["win-64"].driver) == "560.94"
    linux = by_platform["linux-64"]
    assert [(m.gpus[0].gpu.name, str(m.driver)) for m in linux.machines] == [
        ("GeForce GTX 1080 Ti", "550.54.15"),
        ("GeForce RTX 4090", "580.95.05"),
    ]
    assert str(linux.driver) == "550.54.15"


@pytest.mark.parametrize("text", ["", "RTX 4090", ";560.94", "a;b;c;d"])
def test_a_machine_has_two_or_three_parts(text: str) -> None:
    with pytest.raises(ValueFormatError, match="is not a machine"):
        read(machines=(text,))


@pytest.mark.parametrize("text", ["sm_75", "7.5", "compute_75", "SM75", "cc 7.5"])
def test_a_capability_in_place_of_a_name(text: str) -> None:
    assert str(the_request(read(text)).gpus[0].gpu.capability) == "7.5"


@pytest.mark.parametrize(("text", "capability"), [("sm_120", "12.0"), ("sm_90a", "9.0"), ("10.3", "10.3")])
def test_a_capability_of_three_digits_and_with_a_suffix(text: str, capability: str) -> None:
    assert str(the_request(read(text)).gpus[0].gpu.capability) == capability


@pytest.mark.parametrize(
    ("text", "subdir"),
    [
        ("linux", "linux-64"),
        ("linux/amd64", "linux-64"),
        ("manylinux_2_28_x86_64", "linux-64"),
        ("Ubuntu", "linux-64"),
        ("Windows x64", "win-64"),
        ("linux/arm64", "linux-aarch64"),
        ("manylinux_2_28_aarch64", "linux-aarch64"),
        ("jetson", "linux-aarch64"),
    ],
)
def test_spellings_of_platforms(text: str, subdir: str) -> None:
    assert parse_platform(text) == subdir


def test_an_unknown_platform_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="Windows is win-64, WSL2 is linux-64"):
        parse_platform("solaris")


@pytest.mark.parametrize("text", ["macos", "osx-arm64", "Darwin", "macos-14", "macosx_11_0_arm64"])
def test_a_mac_has_no_cuda(text: str) -> None:
    assert is_macos(text)
    with pytest.raises(MacosError):
        read("RTX 3060", platforms=(text,))


@pytest.mark.parametrize("text", ["win-arm64", "win_arm64", "windows-arm64", "Windows ARM64", "win-aarch64"])
def test_windows_on_arm_is_told_what_exists(text: str) -> None:
    assert is_windows_arm(text)
    with pytest.raises(WindowsArmError, match="NVIDIA publishes torch"):
        read("RTX Spark N1X", platforms=(text,))
