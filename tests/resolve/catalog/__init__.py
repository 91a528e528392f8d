"""A frozen catalog of some twenty builds: what a rule decides here changes only when the rule does.

Its rows are real ones of November 2026, or one of them with one cell changed. Tests take it as it is (`FROZEN`), or
name other builds (`catalog_of`).
"""

from __future__ import annotations

from collections.abc import Iterable

from envgen.facts.catalog import Catalog, Row

_FROM_11 = "3.11 3.12 3.13 3.14"
_EVERY = "3.9 3.10 3.11 3.12 3.13 3.14"
_SM_2_8 = "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"


def wheel(torch: str, tag: str, arch_list: str, **cells: str) -> Row:
    """A wheel build for linux-64 of all Pythons that are asked for here, each of them seen."""
    return {
        "torch": torch,
        "cuda_tag": tag,
        "subdir": "linux-64",
        "pythons": _EVERY,
        "pythons_seen": cells.get("pythons", _EVERY),
        "arch_list": arch_list,
        "toolkit": "",
        "cudnn": "9.10.2.21",
        "libraries": "",
        "glibc": "2.28",
        "on_pypi": "",
        "existence": "announced",
        "evidence": "measured",
        "source": "a source",
        "note": "",
    } | cells


def package(torch: str, cuda: str, arch_list: str, **cells: str) -> Row:
    """A conda-forge build for linux-64, seen."""
    return {
        "pytorch": torch,
        "cuda": cuda,
        "subdir": "linux-64",
        "channels": "conda-forge",
        "variant": "",
        "pythons": _EVERY,
        "pythons_seen": cells.get("pythons", _EVERY),
        "arch_list": arch_list,
        "builds": "",
        "build_glob": f"cuda{cuda.replace('.', '')}*",
        "pins": "",
        "cudnn": "9",
        "glibc": "2.17",
        "existence": "announced",
        "evidence": "measured",
        "source": "a source",
        "note": "",
    } | cells


def _table(header: str, lines: str) -> tuple[Row, ...]:
    names = header.split(",")
    return tuple(dict(zip(names, line.strip().split(","), strict=True)) for line in lines.strip().splitlines())


# NVIDIA: CUDA compatibility guide (floors), CUDA release notes table 3 (toolkits), driver archive (branches).
_DRIVERS = {
    "driver_floors": _table(
        "cuda_major,linux,windows,source",
        """11,450.80.02,452.39,s
        12,525.60.13,528.33,s
        13,580.65.06,580.88,s""",
    ),
    "cuda_toolkits": _table(
        "version,linux_driver,windows_driver,driver_source",
        """10.2.89,440.33,441.22,s
        11.8.0,520.61.05,522.06,s
        12.6.0,560.28.03,560.76,s
        12.6.3,560.35.05,561.17,s
        12.8.0,570.26,570.65,s
        12.8.1,570.124.06,572.61,s
        13.0.2,580.95.05,580.88,s
        13.2.2,595.71.05,,s
        13.4.3,,,s""",
    ),
    "driver_branches": _table(
        "branch,cuda,windows_majors,last_linux,last_windows,source",
        """440,10.2,441 442 443,,,s
        450,11.0,451 452,450.248.02,,s
        470,11.4,471 472 473 474 475,470.256.02,475.14,s
        525,12.0,526 527 528 529,525.147.05,529.19,s
        535,12.2,535 536 537 538 539,535.309.01,539.64,s
        550,12.4,551 552 553,550.163.01,553.62,s
        560,12.6,560 561,560.35.05,561.17,s
        570,12.8,572 573,570.211.01,573.96,s
        580,13.0,580 581 582,580.178.04,582.78,s
        595,13.2,595 596,595.71.05,596.36,s
        610,13.3,610,610.43.02,610.47,s""",
    ),
    "capabilities": _table(
        "capability,architecture,first_branch,last_branch,first_toolkit,last_toolkit,only_subdir,source",
        """3.5,Kepler,,470,5.0,11.8,,s
        3.7,Kepler,,470,6.5,11.8,,s
        5.0,Maxwell,,580,6.5,12.9,,s
        6.1,Pascal,,580,8.0,12.9,,s
        7.0,Volta,,580,9.0,12.9,,s
        7.5,Turing,,,10.0,,,s
        8.0,Ampere,450,,11.0,,,s
        8.6,Ampere,455,,11.1,,,s
        8.7,Ampere,,,11.5,,linux-aarch64,s
        8.9,Ada Lovelace,520,,11.8,,,s
        9.0,Hopper,520,,11.8,,,s
        10.0,Blackwell,570,,12.8,,,s
        11.0,Blackwell,,,12.8,,linux-aarch64,s
        12.0,Blackwell,570,,12.8,,,s""",
    ),
    # NVIDIA's JetPack archive; nvidia-smi shows 540.x for CUDA 12.2 and 12.6, 580.00 for 13.0 (vllm#34470).
    "jetpack": _table(
        "jetpack,l4t,capabilities,modules,driver,cuda,glibc,python,source",
        """5.1.2,35.4.1,8.7,Orin,,11.4,2.31,3.8,s
        6.0,36.3 36.3.0,8.7,Orin,540.3.0,12.2,2.35,3.10,s
        6.2,36.4.3,8.7,Orin,540.4.0,12.6,2.35,3.10,s
        7.0,38.2 38.2.0,11.0,AGX Thor,580.00,13.0,2.39,3.12,s
        7.2,39.2,8.7 11.0,Orin and Thor,595.78,13.2,2.39,3.12,s""",
    ),
}
_REST = {
    "companions": _table(
        "torch,torchvision,torchaudio,torchaudio_loads,torchaudio_for,without_torchvision_for,without_torchaudio_for",
        """1.10.2,0.11.3,0.10.2,,,,
        2.3.1,0.18.1,2.3.1,,,,
        2.5.1,0.20.1,2.5.1,,,3.13,
        2.6.0,0.21.0,2.6.0,,,,
        2.7.1,0.22.1,2.7.1,,,,
        2.8.0,0.23.0,2.8.0,,,,3.14
        2.14.1,0.29.1,,2.11.0,,,
        2.15.0,0.29.2,,,cu132=2.11.1,,""",
    ),
    "cuda_indexes": tuple(
        {"cuda_tag": tag, "url": f"https://download.pytorch.org/whl/{tag}"}
        for tag in ("cu102", "cu110", "cu118", "cu124", "cu126", "cu128", "cu129", "cu130", "cu132", "cu134")
    ),
    "defaults": ({"name": "python", "value": "3.12"}, {"name": "glibc", "value": "2.28"}),
}
WHEELS = (
    wheel("1.10.2", "cu102", "sm_37 sm_50 sm_60 sm_70", toolkit="10.2.89", cudnn="7.6.5", glibc="2.5"),
    wheel("2.3.1", "cu118", "sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90", cudnn="8.7.0.84", toolkit="11.8.0"),
    wheel("2.5.1", "cu124", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90", cudnn="9.1.0.70", pythons="3.9 3.12 3.13"),
    wheel("2.7.1", "cu118", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_37 sm_90 compute_37", cudnn="9.1.0.70"),
    wheel("2.7.1", "cu126", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90", on_pypi="yes", cudnn="9.5.1.17"),
    wheel("2.8.0", "cu126", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90", toolkit="12.6.3"),
    wheel("2.8.0", "cu128", f"sm_70 {_SM_2_8}", toolkit="12.8.1", on_pypi="yes"),
    wheel("2.8.0", "cu129", f"sm_70 {_SM_2_8} compute_120"),
    wheel("2.14.1", "cu126", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90", toolkit="12.6.3"),
    wheel("2.14.1", "cu130", _SM_2_8, toolkit="13.0.2", on_pypi="yes", cudnn="9.24.0.43"),
    wheel("2.14.1", "cu132", _SM_2_8, toolkit="13.2.2", cudnn="9.24.0.43"),
    wheel("2.15.0", "cu130", _SM_2_8, pythons=_FROM_11, pythons_seen="", cudnn="9.26.0.51"),
    wheel("2.15.0", "cu132", _SM_2_8, pythons=_FROM_11, toolkit="13.2.2", on_pypi="yes", cudnn="9.26.0.51"),
    wheel("2.15.0", "cu134", _SM_2_8, pythons_seen="", existence="uncertain", cudnn="9.26.0.51"),
)
PACKAGES = (
    package(
        "2.0.1",
        "11.7",
        "sm_37 sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 compute_37",
        cudnn="8.5.0",
        channels="pytorch nvidia",
    ),
    package("2.7.1", "12.6", "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_89 sm_90 compute_90"),
    package("2.13.0", "12.9", f"sm_50 sm_60 sm_70 {_SM_2_8} compute_120"),
    package("2.13.0", "13.0", f"{_SM_2_8} compute_120", glibc="2.28"),
)


def catalog_of(wheels: Iterable[Row] = (), packages: Iterable[Row] = ()) -> Catalog:
    """The frozen drivers, GPUs and companions with other builds, which are given oldest release first."""
    return Catalog({**_DRIVERS, **_REST, "torch_builds": tuple(wheels), "conda_builds": tuple(packages)})


FROZEN = catalog_of(WHEELS, PACKAGES)
