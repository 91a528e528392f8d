"""What each format says about torch. The texts are cut to what matters; the forms are those of the tools' own files."""

from __future__ import annotations

import pytest

from envgen.core.sets import PackageSet
from envgen.readers.mention import FileUnreadableError, Mention
from envgen.readers.registry import read

CU118, CU128, CPU = (f"https://download.pytorch.org/whl/{tag}" for tag in ("cu118", "cu128", "cpu"))

# As uv 0.8 writes a project with conflicting extras (the form of karpathy/nanochat's uv.lock).
UV_LOCK = f"""
version = 1
revision = 3
requires-python = ">=3.10"
conflicts = [[{{ package = "chat", extra = "cpu" }}, {{ package = "chat", extra = "gpu" }}]]

[[package]]
name = "chat"
version = "0.1.0"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "torch", version = "2.9.1", source = {{ registry = "https://pypi.org/simple" }}, marker = "extra != 'extra-4-chat-cpu' and extra != 'extra-4-chat-gpu'" }},
]

[package.optional-dependencies]
cpu = [{{ name = "torch", version = "2.9.1+cpu", source = {{ registry = "{CPU}" }}, marker = "sys_platform != 'darwin'" }}]
gpu = [{{ name = "torch", version = "2.9.1+cu128", source = {{ registry = "{CU128}" }} }}]

[[package]]
name = "torch"
version = "2.9.1"
source = {{ registry = "https://pypi.org/simple" }}
wheels = [
    {{ url = "https://files.pythonhosted.org/packages/a/torch-2.9.1-cp312-cp312-manylinux_2_28_x86_64.whl" }},
    {{ url = "https://files.pythonhosted.org/packages/b/torch-2.9.1-cp312-cp312-win_amd64.whl" }},
    {{ url = "https://files.pythonhosted.org/packages/c/torch-2.9.1-cp312-none-macosx_11_0_arm64.whl" }},
]

[[package]]
name = "torch"
version = "2.9.1+cpu"
source = {{ registry = "{CPU}" }}
wheels = [
    {{ url = "{CPU}/torch-2.9.1%2Bcpu-cp312-cp312-manylinux_2_28_x86_64.whl" }},
    {{ url = "{CPU}/torch-2.9.1%2Bcpu-cp312-cp312-win_amd64.whl" }},
]

[[package]]
name = "torch"
version = "2.9.1+cu128"
source = {{ registry = "{CU128}" }}
wheels = [
    {{ url = "{CU128}/torch-2.9.1%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl" }},
    {{ url = "{CU128}/torch-2.9.1%2Bcu128-cp312-cp312-win_amd64.whl" }},
]
"""  # noqa: E501 -- uv writes one line an entry

CONDA_LOCK = """
version: 1
metadata: {}
package:
- name: pytorch-cuda
  manager: conda
  platform: linux-64
  version: '11.8'
  url: https://conda.anaconda.org/pytorch/linux-64/pytorch-cuda-11.8-h7e8668a_5.tar.bz2
- name: pytorch
  manager: conda
  platform: linux-64
  version: 2.0.1
  url: https://conda.anaconda.org/pytorch/linux-64/pytorch-2.0.1-py3.10_cuda11.8_cudnn8.7.0_0.tar.bz2
- name: pytorch
  manager: conda
  platform: osx-arm64
  version: 2.0.1
  url: https://conda.anaconda.org/pytorch/osx-arm64/pytorch-2.0.1-py3.10_0.tar.bz2
- name: torch
  manager: pip
  platform: win-64
  version: 2.7.0+cu128
  url: https://download.pytorch.org/whl/cu128/torch-2.7.0%2Bcu128-cp310-cp310-win_amd64.whl
"""

# `{pypi: …}` and `{conda: …}` entries as pixi 0.40 and later write them.
PIXI_LOCK = """
version: 6
environments:
  default:
    channels:
    - url: https://conda.anaconda.org/conda-forge/
    packages:
      linux-64:
      - conda: https://conda.anaconda.org/conda-forge/linux-64/pytorch-2.7.0-cuda126_mkl_py312_h30b5a27_300.conda
      win-64:
      - conda: https://conda.anaconda.org/conda-forge/win-64/pytorch-2.7.0-cpu_mkl_py312_h45d1b88_100.conda
  pip:
    packages:
      linux-64:
      - pypi: https://download.pytorch.org/whl/cu128/torch-2.7.0%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl
"""

ENVIRONMENT = """
name: x
channels: [pytorch, nvidia, nodefaults]
dependencies:
  - python=3.10.*
  - pytorch::pytorch=2.1.2
  - pytorch-cuda=11.8 # [linux]
  - pip:
      - --extra-index-url https://download.pytorch.org/whl/cu118
      - torch==2.1.2; sys_platform == "win32"
"""

PYPROJECT = """
[project]
name = "x"
dependencies = ["torch>=2.6 ; sys_platform != 'darwin'"]
[project.optional-dependencies]
old = ["torch==2.1"]
[dependency-groups]
dev = ["torch==2.8.0+cpu", {include-group = "other"}]
[[tool.uv.index]]
name = "pt"
url = "https://download.pytorch.org/whl/cu128"
explicit = true
[tool.uv.sources]
torch = [{ index = "pt", marker = "sys_platform == 'linux' and platform_machine == 'x86_64'" }]
"""


def short(mention: Mention) -> tuple[object, ...]:
    """What decides about a mention, in one row."""
    version = mention.version or mention.specifier or mention.image
    return version, mention.cuda, " ".join(mention.platforms), mention.variant


def found(text: str, name: str) -> list[tuple[object, ...]]:
    return [short(mention) for mention in read(text, name=name).mentions]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param(
            "uv.lock",
            UV_LOCK,
            [
                ("2.9.1", "", "linux-64 win-64 osx-arm64", ""),
                ("2.9.1", "cpu", "linux-64 win-64", "extra cpu"),
                ("2.9.1", "cu128", "linux-64 win-64", "extra gpu"),
            ],
            id="uv-lock-with-conflicting-extras",
        ),
        pytest.param(
            "conda-lock.yml",
            CONDA_LOCK,
            [
                ("2.0.1", "cu118", "linux-64", ""),
                ("2.0.1", "cpu", "osx-arm64", ""),
                ("2.7.0", "cu128", "win-64", ""),
            ],
            id="conda-lock-of-both-managers",
        ),
        pytest.param(
            "pixi.lock",
            PIXI_LOCK,
            [
                ("2.7.0", "cu126", "linux-64", ""),
                ("2.7.0", "cpu", "win-64", ""),
                ("2.7.0", "cu128", "linux-64", "environment pip"),
            ],
            id="pixi-lock-by-environment-and-platform",
        ),
        pytest.param(
            "environment.yml",
            ENVIRONMENT,
            [("2.1.2", "cu118", "", ""), ("2.1.2", "cu118", "win-64", "pip section")],
            id="environment-with-a-pip-section",
        ),
        pytest.param(
            "pyproject.toml",
            PYPROJECT,
            [
                (">=2.6", "cu128", "linux-64", ""),
                (">=2.6", "", "linux-aarch64 win-64", ""),
                ("2.1.0", "cu128", "linux-64", "extra old"),
                ("2.1.0", "", "linux-aarch64 win-64 osx-arm64 osx-64", "extra old"),
                ("2.8.0", "cpu", "", "group dev"),
            ],
            id="pyproject-with-uv-sources-by-marker",
        ),
        pytest.param(
            "poetry.lock",
            '[[package]]\nname = "torch"\nversion = "2.6.0+cu124"\nfiles = [\n    {file = "torch-2.6.0+cu124-cp310-cp310-linux_x86_64.whl", hash = "sha256:00"},\n]\n\n[package.source]\ntype = "legacy"\nurl = "https://download.pytorch.org/whl/cu124"\nreference = "pytorch"\n',  # noqa: E501
            [("2.6.0", "cu124", "linux-64", "")],
            id="poetry-lock-with-a-source",
        ),
        pytest.param(
            "pylock.toml",
            'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "torch"\nversion = "2.8.0"\nmarker = "sys_platform == \'linux\'"\nindex = "https://pypi.org/simple"\nwheels = [{name = "torch-2.8.0-cp312-cp312-manylinux_2_28_x86_64.whl"}, {name = "torch-2.8.0-cp312-cp312-win_amd64.whl"}]\n',  # noqa: E501
            [("2.8.0", "", "linux-64", "")],
            id="pylock-with-a-marker",
        ),
        pytest.param(
            "conda-linux-64.lock",
            "@EXPLICIT\nhttps://conda.anaconda.org/conda-forge/linux-64/pytorch-gpu-2.13.0-cuda129_generic_hb4ecf66_204.conda#00\nhttps://conda.anaconda.org/conda-forge/linux-64/pytorch-2.13.0-cuda129_generic_py312_hb8b51ae_204.conda#00\n",
            [("2.13.0", "cu129", "linux-64", "")],
            id="explicit-lock",
        ),
        pytest.param(
            "pixi.toml",
            '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64", "osx-arm64"]\n[target.linux-64.dependencies]\npytorch = { version = "2.7.*", build = "cuda126*" }\n[feature.pip.pypi-dependencies]\ntorch = { version = "==2.7.0", index = "https://download.pytorch.org/whl/cu128" }\n',  # noqa: E501
            [("2.7.*", "cu126", "linux-64", ""), ("2.7.0", "cu128", "linux-64 osx-arm64", "feature pip")],
            id="pixi-toml",
        ),
    ],
)
def test_a_format_is_read(name: str, text: str, expected: list[tuple[object, ...]]) -> None:
    assert found(text, name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("torch==2.1.0", ("2.1.0", "", "", ""), id="bare"),
        pytest.param("torch==2.1", ("2.1.0", "", "", ""), id="two-numbers-are-the-release"),
        pytest.param("torch==2.1.*", ("==2.1.*", "", "", ""), id="wildcard-is-a-range"),
        pytest.param("torch==2.1.0+cu118", ("2.1.0", "cu118", "", ""), id="local-version"),
        pytest.param(f"--extra-index-url {CU118}\ntorch==2.1.0", ("2.1.0", "cu118", "", ""), id="extra-index"),
        pytest.param(f"torch==2.1.0\n-i {CU118}", ("2.1.0", "cu118", "", ""), id="an-option-counts-from-anywhere"),
        pytest.param(
            "--index-url https://mirrors.aliyun.com/pytorch-wheels/cu121\ntorch==2.1.0",
            ("2.1.0", "cu121", "", ""),
            id="a-mirror-with-the-tag-in-its-path",
        ),
        pytest.param(
            "torch @ https://download.pytorch.org/whl/cu118/torch-2.1.0%2Bcu118-cp310-cp310-linux_x86_64.whl",
            ("2.1.0", "cu118", "linux-64", ""),
            id="direct-reference",
        ),
        pytest.param("torch[opt-einsum]==2.8.0 \\\n    --hash=sha256:00", ("2.8.0", "", "", ""), id="extra-and-hash"),
        pytest.param('torch==2.0.1; sys_platform == "win32"', ("2.0.1", "", "win-64", ""), id="marker"),
        pytest.param("Torch>=1.8 # the model", (">=1.8", "", "", ""), id="case-and-comment"),
    ],
)
def test_a_requirement_line(text: str, expected: tuple[object, ...]) -> None:
    assert found(f"numpy\n{text}\ntorchvision\n", "requirements.txt") == [expected]


def test_indexes_of_two_tags_leave_open_which_build_comes() -> None:
    text = f"--extra-index-url {CU118}\n--extra-index-url {CU128}\ntorch==2.7.0\n"
    [mention] = read(text, name="requirements.txt").mentions
    assert mention.unclear == "indexes of several CUDA tags are named (cu118, cu128)"


DOCKERFILE = """# escape=\\
ARG V=2.1.0
FROM --platform=linux/amd64 docker.io/pytorch/pytorch:${V}-cuda12.1-cudnn8-runtime AS old
FROM pytorch/pytorch:2.4.1-cuda12.4-cudnn9-runtime AS image
RUN pip install "torch>=2.1"
FROM ubuntu:24.04 AS wheels
RUN apt-get update && \\
    # a comment within
    python3 -m pip install --no-cache-dir -r requirements.txt --index-url https://download.pytorch.org/whl/cu118
RUN ["pip", "install", "torch==2.7.0"]
RUN <<SHELL
uv pip install torch==2.8.0 --index-url https://download.pytorch.org/whl/cu128
SHELL
FROM nvidia/cuda:12.4.1-base-ubuntu22.04
RUN conda install -y -n base pytorch==2.4.1 pytorch-cuda=12.4 -c pytorch -c nvidia
FROM $UNKNOWN/pytorch:1
"""


def test_a_dockerfile_is_read_by_stages() -> None:
    reading = read(DOCKERFILE, name="docker/Dockerfile.gpu")
    assert [(m.line, *short(m)) for m in reading.mentions] == [
        (3, "pytorch/pytorch:2.1.0-cuda12.1-cudnn8-runtime", "", "", "old"),
        (4, "pytorch/pytorch:2.4.1-cuda12.4-cudnn9-runtime", "", "", "image"),
        (11, "2.8.0", "cu128", "", "wheels"),
        (15, "2.4.1", "cu124", "", "stage 4"),
        (16, "$UNKNOWN/pytorch:1", "", "", "stage 5"),
    ]
    assert reading.mentions[-1].unclear.startswith("the image $UNKNOWN/pytorch:1 depends on a build argument")
    [include] = reading.includes
    assert (include.path, [option.url for option in include.options]) == ("requirements.txt", [CU118])
    assert "nvidia/cuda:12.4.1-base-ubuntu22.04 does not matter for torch" in reading.remarks[0]


@pytest.mark.parametrize(
    ("name", "text", "reason", "line"),
    [
        pytest.param("uv.lock", "version = 1\nx = \n", "it is not TOML", 2, id="broken-toml"),
        pytest.param("pyproject.toml", f"{'a.' * 2000}b = 1\n", "it is not TOML: More than 100 dots", 1, id="long-key"),
        pytest.param("conda-lock.yml", "version: 1\na: [\n", "it is not YAML", 3, id="broken-yaml"),
        pytest.param("conda-lock.yml", "version: 9\n", "conda-lock's version 1 is known, not 9", 0, id="other-version"),
        pytest.param("pixi.lock", "version: 4\n", "versions 6 and 7 of pixi.lock are known", 0, id="old-pixi"),
        pytest.param("environment.yml", "- a\n", "a mapping was expected", 0, id="no-mapping"),
        pytest.param("environment.yml", "a: &b [*b]\n", "it is not YAML: it holds an alias", 0, id="alias"),
        pytest.param("setup.cfg", "", "no known format has such a name", 0, id="unknown-name"),
    ],
)
def test_what_cant_be_read_says_why_and_where(name: str, text: str, reason: str, line: int) -> None:
    with pytest.raises(FileUnreadableError) as caught:
        read(text, name=name)
    assert caught.value.reason.startswith(reason)
    assert caught.value.line == line


def test_conda_build_strings_and_sets_are_told_apart() -> None:
    mentions = read(CONDA_LOCK, name="x.conda-lock.yml").mentions
    assert [m.package_set for m in mentions] == [PackageSet.CONDA, PackageSet.CONDA, PackageSet.PIP]
    assert [m.line for m in mentions] == [10, 15, 20]
