"""The text of options as values."""

from __future__ import annotations

import pytest

from envgen.core.errors import UsageError, ValueFormatError
from envgen.request.values import parse_build, parse_platform, parse_python


@pytest.mark.parametrize(
    ("torch", "cuda", "meant"),
    [
        (None, None, ("", "")),
        ("2.14", None, ("==2.14.*", "")),
        (" 2.14.1 ", None, ("==2.14.1", "")),
        (">=2.6,<2.9", "12.6", (">=2.6,<2.9", "cu126")),
        ("2.14.1+cu126", None, ("==2.14.1", "cu126")),
        ("==2.14.1+cu126", "12.6", ("==2.14.1", "cu126")),
        ("torch==2.6.0", None, ("==2.6.0", "")),
        ("torch >=2.6,<2.9", None, (">=2.6,<2.9", "")),
    ],
)
def test_torch_and_cuda_as_people_write_them(torch: str | None, cuda: str | None, meant: tuple[str, str]) -> None:
    assert parse_build(torch, cuda) == meant


def test_two_cuda_tags_that_differ_are_refused() -> None:
    with pytest.raises(UsageError, match="contradict"):
        parse_build("2.14.1+cu126", "cu128")


@pytest.mark.parametrize("cuda", ["13", "12", "cu13", "12.10", "1226", "cuda"])
def test_half_a_cuda_version_is_refused(cuda: str) -> None:
    with pytest.raises(ValueFormatError, match="CUDA tag"):
        parse_build(None, cuda)


@pytest.mark.parametrize(
    ("cuda", "tag"), [("12.6.3", "cu126"), ("cu92", "cu92"), ("9.2", "cu92"), ("CUDA 13.0", "cu130"), ("118", "cu118")]
)
def test_cuda_versions(cuda: str, tag: str) -> None:
    assert parse_build(None, cuda) == ("", tag)


@pytest.mark.parametrize("torch", ["2.14.1+xpu", "2.14.1+", " "])
def test_what_names_no_cuda_build_is_refused(torch: str) -> None:
    with pytest.raises(ValueFormatError):
        parse_build(torch, None)


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("3.12", "3.12"),
        ("3.12.4", "3.12"),
        ("cp312", "3.12"),
        ("py310", "3.10"),
        ("python3.11", "3.11"),
        ("cp39", "3.9"),
    ],
)
def test_pythons_as_people_and_wheels_name_them(text: str, python: str) -> None:
    assert parse_python(text) == python


@pytest.mark.parametrize("text", ["3", "2.7", "cp27", "cp3", "python", "3.13t", "312"])
def test_what_is_no_python_is_refused(text: str) -> None:
    with pytest.raises(ValueFormatError, match="Python version"):
        parse_python(text)


@pytest.mark.parametrize("text", ["Windows 11", "win10", "windows", "Windows-8.1"])
def test_windows_with_its_number(text: str) -> None:
    assert parse_platform(text) == "win-64"
