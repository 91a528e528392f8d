"""A small file of every format that is read, as its tool writes it."""

from __future__ import annotations

# ruff: noqa: E501, ISC004 -- lines of other programs

CU128 = "https://download.pytorch.org/whl/cu128"
WHEEL = f"{CU128}/torch-2.9.1%2Bcu128-cp312-cp312-manylinux_2_28_x86_64.whl"
CONDA = "https://conda.anaconda.org/conda-forge/linux-64/pytorch-2.7.1-cuda126_mkl_py312_h30b5a27_300.conda"

SAMPLES = {
    "requirements.txt": f"--index-url {CU128}\n-r other.txt\ntorch==2.9.1+cu128 ; python_version >= '3.9' \\\n"
    f"    --hash=sha256:{'a' * 64}  # via x\ntorchvision @ {WHEEL}\nnumpy>=1,<3\n",
    "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["torch>=2.6,<2.9", "numpy; python_version > \'3\'"]\n'
    '[project.optional-dependencies]\ngpu = ["torchaudio"]\n[dependency-groups]\ndev = [{include-group = "x"}]\n'
    'x = ["pytest"]\n[tool.uv.sources]\ntorch = [{ index = "t", marker = "sys_platform == \'linux\'" }]\n'
    f'[[tool.uv.index]]\nname = "t"\nurl = "{CU128}"\nexplicit = true\n[tool.poetry.dependencies]\ntorch = "^2.6"\n',
    "uv.lock": 'version = 1\nrevision = 3\nrequires-python = ">=3.10"\n[[package]]\nname = "x"\nversion = "1"\n'
    'source = { virtual = "." }\ndependencies = [{ name = "torch", marker = "extra == \'y\'" }]\n'
    f'[[package]]\nname = "torch"\nversion = "2.9.1+cu128"\nsource = {{ registry = "{CU128}" }}\n'
    f'wheels = [{{ url = "{WHEEL}" }}]\n',
    "poetry.lock": '[[package]]\nname = "torch"\nversion = "2.6.0+cu124"\npython-versions = ">=3.9"\nmarkers = "extra == \'x\'"\n'
    f'files = [{{file = "torch-2.6.0-cp312-cp312-win_amd64.whl", hash = "sha256:{"b" * 64}"}}]\n'
    '[package.dependencies]\nsympy = {version = "1.13.1", markers = "python_version >= \'3.9\'"}\n'
    '[package.source]\ntype = "legacy"\nurl = "https://download.pytorch.org/whl/cu124"\n[metadata]\nlock-version = "2.1"\n',
    "pylock.toml": 'lock-version = "1.0"\ncreated-by = "uv"\nrequires-python = ">=3.12"\n[[packages]]\nname = "torch"\n'
    f'version = "2.9.1+cu128"\nwheels = [{{ url = "{WHEEL}", hashes = {{ sha256 = "{"c" * 64}" }} }}]\n',
    "environment.yml": "name: x\nchannels: [pytorch, nvidia, conda-forge]\ndependencies:\n  - python=3.11\n"
    "  - pytorch=2.5.*=*cuda*\n  - pytorch-cuda=12.4\n  - conda-forge::numpy>=1.2,<3\n  - pip:\n"
    f"    - --extra-index-url {CU128}\n    - torchmetrics[x]==1.0\n",
    "conda-lock.yml": "version: 1\nmetadata:\n  content_hash: {linux-64: abc}\n  channels: [{url: conda-forge, used_env_vars: []}]\n"
    "  platforms: [linux-64]\npackage:\n- name: pytorch\n  version: 2.7.1\n  manager: conda\n  platform: linux-64\n"
    f"  url: {CONDA}\n  hash: {{md5: {'d' * 32}, sha256: {'e' * 64}}}\n  category: main\n  optional: false\n",
    "conda-linux-64.lock": f"# platform: linux-64\n@EXPLICIT\n{CONDA}#{'f' * 32}\n",
    "pixi.lock": "version: 6\nenvironments:\n  default:\n    channels: [{url: https://conda.anaconda.org/conda-forge/}]\n"
    f"    packages:\n      linux-64:\n      - conda: {CONDA}\n      - pypi: {WHEEL}\npackages:\n- conda: {CONDA}\n"
    f"  sha256: {'a' * 64}\n  depends: [python, __cuda]\n- pypi: {WHEEL}\n  name: torch\n  version: 2.9.1+cu128\n",
    "pixi.toml": '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n[system-requirements]\ncuda = "12"\n'
    '[dependencies]\npytorch-gpu = "2.7.*"\n[feature.x.pypi-dependencies]\ntorch = { version = ">=2.9", index = "https://x/" }\n'
    '[environments]\nx = { features = ["x"] }\n',
    "Dockerfile": "# syntax=docker/dockerfile:1\nARG TAG=2.5.1-cuda12.4-cudnn9-runtime\nFROM pytorch/pytorch:${TAG} AS base\n"
    'ENV A="b c" D=e\\\n  f\nSHELL ["bash", "-c"]\nRUN --mount=type=cache,target=/x pip install torch==2.9.1 \\\n'
    f"  # why\n  --index-url {CU128} && conda install -y pytorch=2.5 -c pytorch\nRUN <<EOF\npip install -r requirements.txt\nEOF\n",
}
REPORTS = (
    "PyTorch version: 2.5.1+cu124\nIs debug build: False\nCUDA used to build PyTorch: 12.4\nOS: Ubuntu 22.04 (x86_64)\n"
    "Python version: 3.10.12 (64-bit runtime)\nIs CUDA available: False\nGPU models and configuration: GPU 0: NVIDIA GeForce "
    "RTX 4090\nNvidia driver version: 535.183.01\ncuDNN version: /usr/lib/libcudnn.so.9.1.0\n[pip3] torch==2.5.1\n",
    "| NVIDIA-SMI 470.256.02   Driver Version: 470.256.02   CUDA Version: 11.4     |\n|  0  Tesla V100-SXM2...  On   | "
    "00000000:00:1E.0 Off |                    0 |\n| N/A   35C    P0    25W / 300W |      0MiB / 16160MiB |      0%      Default |\n",
    'Traceback (most recent call last):\n  File "<stdin>", line 1, in <module>\nRuntimeError: The NVIDIA driver on your system is '
    "too old (found version 11040).\nUserWarning: CUDA initialization: Unexpected error from cudaGetDeviceCount()\n",
)
