"""Single rules of the parsers, each with the public text that it comes from; and none of them trips over any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.core.drivers import windows_number
from envgen.probe.observation import VirtualMode
from envgen.probe.parse import driver_files, install_settings, nvml, pci, report, smi, system, windows


@pytest.mark.parametrize(
    ("text", "version", "flavour"),
    [
        pytest.param(
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n",
            "535.183.01",
            "proprietary",
            id="proprietary-module",
        ),
        pytest.param(
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.133.20  Release Build  (dvs-builder@U22)\n",
            "570.133.20",
            "open",
            id="open-module-names-the-machine-first",
        ),
        pytest.param(
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  390.157  Wed Oct 12 09:19:07 UTC 2022\n",
            "390.157",
            "proprietary",
            id="two-part-version",
        ),
        pytest.param("GCC version:  gcc version 13.3.0\n", "", "", id="no-version-line"),
    ],
)
def test_proc_version(text: str, version: str, flavour: str) -> None:
    assert driver_files.parse_proc_version(text) == (version, flavour)


@pytest.mark.parametrize(
    ("windows_version", "nvidia"),
    [
        # Device Manager's number and NVIDIA's own of the same release, as the release notes list them.
        pytest.param("32.0.15.6094", "560.94", id="r560"),
        pytest.param("31.0.15.3623", "536.23", id="r535"),
        pytest.param("30.0.15.1278", "512.78", id="r510"),
        pytest.param("27.21.14.6137", "461.37", id="r460"),
        pytest.param("32.0.15.8088", "580.88", id="r580"),
        pytest.param("10.0.26100.1", "", id="microsoft-basic-display"),
        pytest.param("32.0.15", "", id="three-parts"),
    ],
)
def test_windows_driver_number(windows_version: str, nvidia: str) -> None:
    assert windows_number(windows_version) == nvidia


@pytest.mark.parametrize(
    ("output", "code"),
    [
        # Texts of nvidia-smi as people post them; the codes are those of nvmlReturn_t in nvml.h.
        pytest.param("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.195\n", 18),
        pytest.param(
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
            "NVIDIA driver is installed and running.\n",
            9,
        ),
        pytest.param("Failed to initialize NVML: GPU access blocked by the operating system\n", 17),
        pytest.param("Failed to initialize NVML: Insufficient Permissions\n", 4),
        pytest.param("Failed to initialize NVML: Unknown Error\n", 999),
        pytest.param("No devices were found\n", 6),
        pytest.param(
            "Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  Reboot the system to recover\n",
            15,
        ),
        pytest.param("Segmentation fault\n", None),
    ],
)
def test_failure_of_nvidia_smi(output: str, code: int | None) -> None:
    found, words = smi.parse_failure(output)
    assert found == code
    assert words == output.splitlines()[0]


def test_log_of_r610_names_its_versions_anew() -> None:
    # NVIDIA/ai-cloud-validation#473, PrismML-Eng/Bonsai-demo#122: the old fields hold a remark instead of a version.
    text = (
        "==============NVSMI LOG==============\n\n"
        "Driver Version                            : [Deprecated; will be removed in CUDA 14.0. Use KMD Version]\n"
        "CUDA Version                              : [Deprecated; will be removed in CUDA 14.0. Use CUDA UMD]\n"
        "KMD Version                               : 610.43.02\n"
        "CUDA UMD Version                          : 13.3\n"
    )
    found = smi.parse_log(text)
    assert (found.driver, found.cuda) == ("610.43.02", "13.3")


def test_log_of_jetson_orin_has_no_driver_version() -> None:
    # OE4T/linux-tegra-5.10#17: nvidia-smi 540.3.0 on Orin.
    text = "Driver Version                            : N/A\nCUDA Version                              : 12.2\n"
    found = smi.parse_log(text)
    assert (found.driver, found.cuda) == ("", "12.2")


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("Pass-Through", VirtualMode.PASSTHROUGH),
        ("VGPU", VirtualMode.VGPU),
        ("Host VGPU", VirtualMode.HOST_VGPU),
        ("None", VirtualMode.NONE),
        ("N/A", VirtualMode.UNKNOWN),
    ],
)
def test_log_states_how_a_gpu_is_virtualised(said: str, mode: VirtualMode) -> None:
    text = (
        "GPU 00000000:0A:00.0\n    Product Name                          : NVIDIA A100\n"
        f"    GPU Virtualization Mode\n        Virtualization Mode               : {said}\n"
    )
    assert smi.parse_log(text).gpus[0].virtual is mode


def test_csv_row_with_missing_values() -> None:
    row = "00000000:01:00.0, 0x2B0010DE, NVIDIA Thor, GPU-2a, [N/A], 11.0\n"
    (gpu,) = smi.parse_csv(row)
    assert (gpu.pci_id, gpu.memory_mib, str(gpu.capability)) == ("2b00", None, "11.0")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("00000000:01:00.0", "0000:01:00.0"),
        ("0000000F:01:00.0", "000f:01:00.0"),
        ("0000:01:00", "0000:01:00.0"),
        ("01:00.0", "0000:01:00.0"),
        ("N/A", ""),
    ],
)
def test_pci_address_is_that_of_sysfs(written: str, address: str) -> None:
    assert report.pci_address(written) == address


@pytest.mark.parametrize(
    ("line", "name", "chip", "power"),
    [
        pytest.param(
            "0000:01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GA102 [GeForce RTX 3090] [10de:2204] "
            "(rev a1)",
            "GeForce RTX 3090",
            "GA102",
            "",
            id="named",
        ),
        pytest.param(
            "0000:01:00.0 VGA compatible controller [0300]: NVIDIA Corporation Device [10de:2d04] (rev a1)",
            "",
            "",
            "",
            id="id-newer-than-the-database",
        ),
        pytest.param(
            "0000:01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GF114 [GeForce GTX 560 Ti] [10de:1200] "
            "(rev a1) (prog-if 00 [VGA controller])",
            "GeForce GTX 560 Ti",
            "GF114",
            "",
            id="with-programming-interface",
        ),
        pytest.param(
            "0000:02:00.0 3D controller [0302]: NVIDIA Corporation TU117M [GeForce MX450] [10de:1f97] (rev ff)",
            "GeForce MX450",
            "TU117M",
            "no answer (rev ff)",
            id="powered-off-or-lost",
        ),
    ],
)
def test_lspci_line(line: str, name: str, chip: str, power: str) -> None:
    (gpu,) = pci.parse_lspci(line + "\n\tKernel driver in use: nvidia\n")
    assert (gpu.name, gpu.chip, gpu.power, gpu.kernel_driver) == (name, chip, power, "nvidia")


@pytest.mark.parametrize(
    ("kernel", "version"),
    [
        ("4.4.0-19041-Microsoft", 1),
        ("5.15.167.4-microsoft-standard-WSL2", 2),
        ("6.6.87.2-microsoft-standard-WSL2+", 2),
        ("6.8.0-55-generic", 0),
    ],
)
def test_wsl_by_kernel(kernel: str, version: int) -> None:
    assert system.wsl_version(kernel) == version


def test_credentials_never_leave_the_parsers() -> None:
    text = (
        "[global]\nindex-url = https://ada:s3cret@pypi.corp.example/simple\nextra_index_url = https://tok@b.example/w\n"
    )
    found = install_settings.parse_pip_config(text, "pip.conf")
    assert [(s.key, s.value) for s in found] == [
        ("index-url", "https://pypi.corp.example/simple"),
        ("extra-index-url", "https://b.example/w"),
    ]
    (variable,) = install_settings.settings_of_variables({"PIP_INDEX_URL": "https://u:p@c.example/simple"})
    assert variable.value == "https://c.example/simple"
    (uv,) = install_settings.parse_uv_config('[[index]]\nurl = "https://u:p@d.example/simple"\n', "uv.toml")
    assert uv.value == "https://d.example/simple"


def test_library_versions() -> None:
    assert driver_files.library_version("/usr/lib/x86_64-linux-gnu/libcuda.so.570.133.20") == "570.133.20"
    assert driver_files.library_version("/usr/lib/wsl/lib/libcuda.so.1.1") == ""
    assert driver_files.library_version("/usr/local/cuda/lib64/stubs/libcuda.so") == ""


def test_xids_once_each() -> None:
    line = "[ 1.0] NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n"
    assert driver_files.parse_xids(line * 3 + line.replace("79", "31")) == (("0000:01:00", 79), ("0000:01:00", 31))


_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=300)


@given(_TEXT)
def test_no_text_breaks_a_parser(text: str) -> None:
    nvml.parse_nvml(text)
    smi.parse_log(text)
    smi.parse_csv(text)
    smi.parse_failure(text)
    pci.parse_lspci(text)
    windows.parse_windows(text)
    install_settings.parse_pip_config(text, "x")
    install_settings.parse_uv_config(text, "x")
    driver_files.parse_ldconfig(text, "x86_64")
    system.parse_jetson(text, text, text)
    system.supergfx_mode(text)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["driver", "cuda", "gpus", "code", "error"]), _VALUES),
    st.dictionaries(st.sampled_from(["controllers", "entities", "registry", "system", "batteries"]), _VALUES),
)
def test_no_json_breaks_a_parser(from_nvml: dict[str, object], from_windows: dict[str, object]) -> None:
    import json

    nvml.parse_nvml(json.dumps(from_nvml))
    windows.parse_windows(json.dumps(from_windows))


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["name", "pci", "address", "capability", "memory", "uuid", "mig", "instances", "virtual"]),
            _VALUES,
        ),
        max_size=2,
    )
)
def test_no_gpu_row_breaks_the_nvml_parser(rows: list[dict[str, object]]) -> None:
    import json

    nvml.parse_nvml(json.dumps({"gpus": rows}))


@given(st.integers(100, 999), st.integers(0, 99))
def test_windows_number_is_nvidias_number(major: int, minor: int) -> None:
    digits = f"{major}{minor:02}"
    assert windows_number(f"32.0.1{digits[0]}.{digits[1:]}") == f"{major}.{minor:02}"
