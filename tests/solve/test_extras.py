"""`--with`: one list for pip and conda, each in its own spelling."""

from __future__ import annotations

import re

import pytest

from envgen.core.errors import UsageError
from envgen.core.platforms import Subdir
from envgen.solve.extras import normalised, read_extras


@pytest.mark.parametrize(
    ("texts", "pip", "conda"),
    [
        pytest.param(["tqdm"], ("tqdm",), ("tqdm",), id="both"),
        pytest.param(["transformers >=4.50, <5"], ("transformers<5,>=4.50",), ("transformers<5,>=4.50",), id="range"),
        pytest.param(["pip:xformers"], ("xformers",), (), id="pip-only"),
        pytest.param(["conda:Transformers==4.57.1"], (), ("Transformers==4.57.1",), id="conda-only"),
        pytest.param(["tqdm", "tqdm"], ("tqdm",), ("tqdm",), id="once"),
        pytest.param(
            ["pip:ray[default]; sys_platform != 'win32'"], ('ray[default]; sys_platform != "win32"',), (), id="pep-508"
        ),
    ],
)
def test_read(texts: list[str], pip: tuple[str, ...], conda: tuple[str, ...]) -> None:
    found = read_extras(texts)
    assert (found.pip, found.conda) == (pip, conda)


def test_order_and_spelling_are_nothing() -> None:
    either = ["timm >= 1", "conda:scipy", "pip:einops"]
    assert read_extras(either) == read_extras(["pip: einops", "timm>=1", "timm>=1", "CONDA:scipy"])
    assert (
        normalised(either)
        == normalised(["conda:scipy", "pip:einops", "timm>=1"])
        == (
            "conda:scipy",
            "pip:einops",
            "timm>=1",
        )
    )


# What conda knows: https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html
@pytest.mark.parametrize(
    ("text", "subdir", "specs"),
    [
        pytest.param("Transformers>=4.50,<5", "linux-64", ("transformers<5,>=4.50",), id="bounds"),
        pytest.param("ray[default]>=2", "linux-64", ("ray>=2",), id="conda has no extras"),
        pytest.param("numpy~=2.1.3", "linux-64", ("numpy<2.2,>=2.1.3",), id="a compatible release"),
        pytest.param("numpy~=2.1", "linux-64", ("numpy<3,>=2.1",), id="a compatible release of two numbers"),
        pytest.param("numpy===2.1.0", "linux-64", ("numpy==2.1.0",), id="arbitrary equality"),
        pytest.param('pywin32; sys_platform == "win32"', "linux-64", (), id="a marker that is false"),
        pytest.param('pywin32; sys_platform == "win32"', "win-64", ("pywin32",), id="a marker that is true"),
        pytest.param('tomli; python_version < "3.11"', "linux-64", (), id="a newer Python"),
        pytest.param('x; platform_machine == "aarch64"', "linux-aarch64", ("x",), id="Arm"),
    ],
)
def test_what_conda_is_asked_for(text: str, subdir: str, specs: tuple[str, ...]) -> None:
    assert read_extras([text]).match_specs(Subdir(subdir), "3.12") == specs


def test_only_what_is_asked_of_both_may_be_left_out_of_conda() -> None:
    assert read_extras(["timm>=1", "conda:Scipy", "pip:einops"]).for_both == {"timm"}


# conda-forge/opencv-feedstock recipe/meta.yaml; docker-py and python-graphviz: conda/grayskull, strategy/config.yaml.
@pytest.mark.parametrize(
    ("texts", "others"),
    [
        (["opencv-python-headless"], ("opencv-python-headless",)),
        (["opencv-python-headless>=4", "conda:py-opencv>=4"], ()),
        (["docker", "graphviz", "conda-forge::Docker_py"], ("graphviz",)),
        (["opencv-python-headless", 'conda:py-opencv; sys_platform == "win32"'], ("opencv-python-headless",)),
    ],
)
def test_a_name_that_is_asked_of_conda_as_conda_calls_it_is_not_left_out(
    texts: list[str], others: tuple[str, ...]
) -> None:
    extras = read_extras(texts)
    absent = extras.named_otherwise(Subdir.LINUX_64, "3.12")
    assert tuple(one.name for one in extras.left_out(absent, (), Subdir.LINUX_64, "3.12")) == others


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is not a requirement", id="empty"),
        pytest.param("not a requirement", "is not a requirement", id="words"),
        pytest.param("torch==2.0", "torch is not an extra", id="torch"),
        pytest.param("pip:torchaudio", "torchaudio is not an extra.*\n.*--audio adds it", id="torchaudio"),
        pytest.param("pip:TorchVision>=0.20", "torchvision is not an extra.*\n.*--no-vision", id="torchvision"),
        pytest.param("x @ https://example.org/x.whl", "is asked for by URL", id="url"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_extras([text])


@pytest.mark.parametrize(
    "url", ["git+https://me:s3cret@h.example/foo", "https://t0ken@h.example/foo.git", "me:s3cret@h"]
)
def test_a_password_in_what_is_no_requirement_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match=r'^"\.\.\.@h.*" is not a requirement') as caught:
        read_extras([url])
    assert not {"me", "s3cret", "t0ken"} & set(re.split(r"\W+", str(caught.value)))
