"""Wheel file names, against packaging's own reading of tags and names."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from packaging.tags import compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from envgen.core.errors import ValueFormatError
from envgen.core.platforms import Subdir
from envgen.core.wheel_names import WheelName, file_name, glibc_key, project_and_version
from envgen.facts.tables import read_table

# pip's rule for a glibc 2.28 host, written out; packaging's own list is of the host that runs the test.
_POLICIES = (
    "manylinux_2_28",
    "manylinux_2_27",
    "manylinux_2_17",
    "manylinux2014",
    "manylinux2010",
    "manylinux1",
    "linux",
)
_PLATFORMS = {
    Subdir.WIN_64: ["win_amd64"],
    Subdir.OSX_ARM64: list(mac_platforms((14, 0), "arm64")),
    **{
        subdir: [f"{policy}_{machine}" for policy in _POLICIES]
        for subdir, machine in ((Subdir.LINUX_64, "x86_64"), (Subdir.LINUX_AARCH64, "aarch64"))
    },
}


def _pip_would_take(filename: str, python: tuple[int, int], subdir: Subdir) -> bool:
    abi = f"cp{python[0]}{python[1]}"
    supported = {
        *cpython_tags(python, abis=[abi], platforms=_PLATFORMS[subdir]),
        *compatible_tags(python, abi, _PLATFORMS[subdir]),
    }
    return not supported.isdisjoint(parse_wheel_filename(filename)[3])


@pytest.mark.parametrize("subdir", list(Subdir))
@pytest.mark.parametrize("python", [(3, 9), (3, 12), (3, 14)])
def test_every_known_wheel_fits_as_packaging_says(subdir: Subdir, python: tuple[int, int]) -> None:
    for row in read_table("wheels"):
        name = WheelName.parse(row["filename"])
        fits = name.fits(python=f"{python[0]}.{python[1]}", subdir=subdir, glibc="2.28")
        assert fits == _pip_would_take(row["filename"], python, subdir), row["filename"]


@pytest.mark.parametrize(
    "filename",
    [
        pytest.param("triton-3.9.0-cp312-abi3-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", id="abi3"),
        pytest.param("torchvision-0.29.2-py3-none-manylinux_2_28_x86_64.whl", id="py3 with a platform"),
        pytest.param("six-1.17.0-py2.py3-none-any.whl", id="two interpreters"),
        pytest.param("xformers-0.0.35-py39-none-manylinux_2_28_x86_64.whl", id="py39 with a platform"),
        pytest.param("a-1-py312-none-any.whl", id="py312"),
        pytest.param("a-1-py39-abi3-any.whl", id="py39 with an ABI"),
        pytest.param("a-1-cp312-none-any.whl", id="cp312 without an ABI"),
        pytest.param("a-1-py27.py314-none-any.whl", id="one interpreter too old and one too new for most"),
        pytest.param("nvidia_nccl_cu12-2.29.3-py3-none-manylinux_2_18_x86_64.whl", id="an uncommon policy below 2.28"),
    ],
)
def test_other_shapes_fit_as_packaging_says(filename: str) -> None:
    platforms = [*_PLATFORMS[Subdir.LINUX_64], "manylinux_2_18_x86_64"]
    for minor in range(10, 16):
        abi = f"cp3{minor}"
        tags = {
            *cpython_tags((3, minor), abis=[abi], platforms=platforms),
            *compatible_tags((3, minor), abi, platforms),
        }
        expected = not tags.isdisjoint(parse_wheel_filename(filename)[3])
        assert WheelName.parse(filename).fits(python=f"3.{minor}", subdir=Subdir.LINUX_64, glibc="2.28") == expected


def test_a_newer_policy_than_the_glibc_does_not_fit() -> None:
    name = WheelName.parse("cuda_bindings-13.5.0-cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl")
    assert name.fits(python="3.12", subdir=Subdir.LINUX_64, glibc="2.24")
    assert not name.fits(python="3.12", subdir=Subdir.LINUX_64, glibc="2.17")
    assert not name.fits(python="3.12", subdir=Subdir.LINUX_AARCH64, glibc="2.35")
    assert not name.fits(python="3.12", subdir=Subdir.WIN_64, glibc="")


def test_a_free_threaded_wheel_is_not_for_an_ordinary_python() -> None:
    name = WheelName.parse("torch-2.14.1+cu126-cp314-cp314t-win_amd64.whl")
    assert not name.fits(python="3.14", subdir=Subdir.WIN_64, glibc="")


def test_parts_of_a_name() -> None:
    name = WheelName.parse("torch-2.10.0-3-cp312-cp312-manylinux_2_28_x86_64.whl")
    assert (name.project, name.version, name.build) == ("torch", "2.10.0", "3")
    tagged = WheelName.parse("Torch_Vision.X-0.29.1+cu126-cp312-cp312-win_amd64.whl")
    assert (tagged.project, tagged.release, tagged.local) == ("torch-vision-x", "0.29.1", "cu126")


@pytest.mark.parametrize(
    "bad", ["torch-2.14.1.tar.gz", "torch.whl", "a-b-c-d.whl", "a--c-d-e.whl", "a-b-c-d-e-f-g.whl", ""]
)
def test_what_is_no_wheel_is_refused(bad: str) -> None:
    with pytest.raises(ValueFormatError, match="is not a wheel file name"):
        WheelName.parse(bad)


def test_a_file_name_is_decoded_out_of_a_url() -> None:
    url = "https://download-r2.pytorch.org/whl/cu126/torch-2.14.1%2Bcu126-cp312-cp312-win_amd64.whl#sha256=00"
    assert file_name(url) == "torch-2.14.1+cu126-cp312-cp312-win_amd64.whl"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://files.pythonhosted.org/packages/00/11/timm-1.0.0-py3-none-any.whl", "timm-1.0.0-py3-none-any.whl"),
        ("https://files.example:8443/a/timm-1.0.0.tar.gz?x=/b", "timm-1.0.0.tar.gz"),
        ("http://files.example/a/", ""),
        ("https://files.example", ""),
        ("https://", ""),
        ("a/b.whl", "b.whl"),
    ],
)
def test_a_file_name_is_the_last_part_of_the_path(url: str, name: str) -> None:
    assert file_name(url) == name == unquote(urlsplit(url).path.rpartition("/")[2])


@pytest.mark.parametrize("bad", ["2", "2.28.1", "", "two", "٢.٢٨"])
def test_a_glibc_is_two_plain_numbers(bad: str) -> None:
    with pytest.raises(ValueFormatError, match="is not a glibc version"):
        glibc_key(bad)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Torch_Scatter-2.1.2+pt28cu128-cp312-cp312-linux_x86_64.whl", ("torch-scatter", "2.1.2+pt28cu128")),
        ("flash_attn-2.8.3.tar.gz", ("flash-attn", "2.8.3")),
        ("flash_attn-2.8.3.zip", ("flash-attn", "2.8.3")),
        ("flash_attn-two.tar.gz", None),
        ("flash_attn-2.8.3.whl", None),
        ("flash_attn.exe", None),
        ("", None),
    ],
)
def test_a_wheel_or_a_source_distribution_says_its_project_and_version(
    name: str, expected: tuple[str, str] | None
) -> None:
    assert project_and_version(name) == expected
