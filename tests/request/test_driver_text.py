"""Driver versions as machines show them.

Forms: nvidia-smi and `-q`, /proc/driver/nvidia/version, Device Manager and dxdiag (four fields), packages of Ubuntu,
Debian, Fedora and Arch, /etc/nv_tegra_release. Windows' rule: 32.0.15.6094 is 560.94, as NVIDIA's own page calls it.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.core.drivers import windows_number
from envgen.core.errors import EnvgenError, UsageError, ValueFormatError
from envgen.request.driver_text import DriverKind, GivenDriver

SMI = "| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |"
WSL_SMI = "NVIDIA-SMI 560.35.02    Driver Version: 560.94    CUDA Version: 12.6"
PROC = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build  (dvs-builder@U16)"

# text -> version, and whether its form is Windows' (None: the number alone does not say)
VERSIONS: dict[str, tuple[str, bool | None]] = {
    "560.94": ("560.94", None),
    "v560.94": ("560.94", None),
    "560,94": ("560.94", None),
    "560.94 WDDM": ("560.94", True),
    "GeForce Game Ready Driver 566.36 WHQL": ("566.36", True),
    "32.0.15.6094": ("560.94", True),
    "31.0.15.5222": ("552.22", True),
    "32.0.16.47": ("600.47", True),
    "27.21.14.5671": ("456.71", True),
    "10.18.13.6881": ("368.81", True),
    "Driver Version: 32.0.15.9186": ("591.86", True),
    "535.183.01": ("535.183.01", False),
    "535.161.8": ("535.161.8", False),
    "535.183.01-0ubuntu0.22.04.1": ("535.183.01", False),
    "nvidia-driver-535 (535.183.01-0ubuntu0.22.04.1)": ("535.183.01", False),
    "1:535.183.01-1": ("535.183.01", False),
    "akmod-nvidia-560.35.03-1.fc40": ("560.35.03", False),
    "nvidia 570.124.04-3": ("570.124.04", False),
    "535": ("535", None),
    "R535": ("535", None),
    "nvidia-driver-535": ("535", None),
    "nvidia-legacy-390xx-driver": ("390", None),
    "nvidia-470xx-dkms": ("470", None),
    "390xx": ("390", None),
    "nvidia-driver-535-server": ("535", None),
    "nvidia-dkms-550-open": ("550", None),
    "cuda-drivers-550": ("550", None),
    "Driver Version: 550.54.15": ("550.54.15", False),
    SMI: ("550.54.15", False),
    WSL_SMI: ("560.94", None),
    PROC: ("570.86.10", False),
    "KMD Version: 580.88": ("580.88", None),
    "535.183.01-0ubuntu0~gpu20.04.1": ("535.183.01", False),
    "535.183.01-1+deb12u1": ("535.183.01", False),
    "kmod-nvidia-latest-dkms-560.28.03-1.el9": ("560.28.03", False),
    "nvidia-driver-G06-kmp-default-550.90.07_k5.14.21_150500.53": ("550.90.07", False),
    "nvidia-driver-550/jammy-updates,now 550.120-0ubuntu0.22.04.1 amd64": ("550.120", None),
    "NVIDIA-Linux-x86_64-550.90.07.run": ("550.90.07", False),
    "cuda_12.4.1_550.54.15_linux.run": ("550.54.15", False),
    "552.44-desktop-win10-win11-64bit-international-dch-whql.exe": ("552.44", True),
    "550.x": ("550", None),
    "470.xx": ("470", None),
    "535-server": ("535", None),
    "linux-modules-nvidia-535-generic-hwe-22.04": ("535", None),
    "540.4.0": ("540.4.0", False),
    "580.00": ("580.00", None),
}


@pytest.mark.parametrize(("text", "expected"), VERSIONS.items())
def test_a_version_in_every_form(text: str, expected: tuple[str, bool | None]) -> None:
    driver = GivenDriver.parse(text)
    assert (driver.kind, str(driver.version), driver.is_windows) == (DriverKind.DRIVER, *expected)


@pytest.mark.parametrize(
    ("text", "kind", "release"),
    [
        ("JetPack 6.2", DriverKind.JETPACK, "6.2"),
        ("jetpack 6", DriverKind.JETPACK, "6"),
        ("JP 6.2.1", DriverKind.JETPACK, "6.2.1"),
        ("36.4", DriverKind.L4T, "36.4"),
        ("R36.4.3", DriverKind.L4T, "36.4.3"),
        ("L4T 35.4.1", DriverKind.L4T, "35.4.1"),
        ("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic", DriverKind.L4T, "36.4.3"),
        ("7.2", DriverKind.JETPACK, "7.2"),
        ("JetPack 5.1.2-b104", DriverKind.JETPACK, "5.1.2"),
        ("nvidia-l4t-core 36.4.3-20250107174145", DriverKind.L4T, "36.4.3"),
        ("L4T R38", DriverKind.L4T, "38"),
    ],
)
def test_what_a_jetson_has_instead(text: str, kind: DriverKind, release: str) -> None:
    driver = GivenDriver.parse(text)
    assert (driver.kind, driver.release, driver.version) == (kind, release, None)


@pytest.mark.parametrize(
    "text", ["12.6", "CUDA 12.4", "CUDA Version: 12.6", "cu126", "13", "12.6.3", "cuda-12-4", "11.8"]
)
def test_a_cuda_version_is_named_as_one_with_where_to_look(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        GivenDriver.parse(text)
    assert str(caught.value) == (
        f'"{text}" is a CUDA version, not a driver version (from --driver) [usage]\n'
        "  nvidia-smi prints both in its first lines: `Driver Version: 560.94` is left of `CUDA Version: 12.6`\n"
        "  hint: give the driver version; to ask for builds of one CUDA, pass --cuda"
    )


# Intel's and AMD's look alike; their third field has three to five digits, or other numbers stand in front.
@pytest.mark.parametrize(
    "text", ["31.0.101.5186", "31.0.21023.2010", "32.0.12033.1030", "20.19.15.4531", "10.18.10.4276"]
)
def test_another_vendors_driver_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a version of NVIDIA's driver"):
        GivenDriver.parse(text)
    assert windows_number(text) == ""


@pytest.mark.parametrize("text", [">=535", "535+", "535 or newer", "550.54.15 or later", "latest"])
def test_a_range_is_no_version(text: str) -> None:
    with pytest.raises(UsageError, match="is not one driver version"):
        GivenDriver.parse(text)


def test_several_versions_in_one_text_are_not_decided() -> None:
    with pytest.raises(UsageError, match="names several driver versions"):
        GivenDriver.parse("550.54.15 560.35.03")


@pytest.mark.parametrize("text", ["", "abc", "99.1", "5360.1", "RTX 3060", "1.2.3.4.5"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueFormatError, match="is not a driver version"):
        GivenDriver.parse(text)


@given(st.text(max_size=40))
def test_any_text_gets_a_value_or_an_error(text: str) -> None:
    try:
        driver = GivenDriver.parse(text)
    except EnvgenError:
        return
    assert (driver.version is None) == bool(driver.release)
