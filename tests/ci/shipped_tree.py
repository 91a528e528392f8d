"""A made-up tree of shipped locks: real folder names and real lock lines, no real hashes."""

from __future__ import annotations

from pathlib import Path

from equipment.locks import pip_lock, write_pip

CONDA_LOCK = """\
# envgen 0.1.0 conda-{subdir}.lock

@EXPLICIT
https://conda.anaconda.org/conda-forge/{subdir}/python-{python}.9-h0_0_cpython.conda#0123456789abcdef0123456789abcdef
https://conda.anaconda.org/conda-forge/{subdir}/pytorch-{torch}-cuda129_mkl_py312_h0_301.conda#0123456789abcdef0123456789abcdef
https://conda.anaconda.org/conda-forge/{subdir}/torchvision-{torchvision}-cuda129_py312_h0_1.conda#0123456789abcdef0123456789abcdef
"""


def add_pip(root: Path, *, subdir: str, python: str, torch: str, tag: str, torchvision: str) -> Path:
    """Write one pip environment below a folder of locks."""
    folder = root / subdir / f"py{python}" / f"pip-torch-{torch}-{tag}"
    write_pip(folder, pip_lock(subdir, python, tag=tag, torch=torch, torchvision=torchvision))
    return folder


def add_conda(root: Path, *, subdir: str, python: str, torch: str, cuda: str, torchvision: str) -> Path:
    """Write one conda environment below a folder of locks."""
    folder = root / subdir / f"py{python}" / f"conda-pytorch-{torch}-cuda{cuda.replace('.', '')}"
    folder.mkdir(parents=True)
    text = CONDA_LOCK.format(subdir=subdir, python=python, torch=torch, torchvision=torchvision)
    (folder / f"conda-{subdir}.lock").write_text(text, encoding="utf-8")
    for name in ("environment.yml", "conda-lock.yml", "virtual-packages.yml"):
        (folder / name).write_text("# made up\n", encoding="utf-8")
    return folder


def ship(root: Path) -> Path:
    """Write five environments and what is none below `root`, and return it."""
    add_pip(root, subdir="linux-64", python="3.12", torch="2.14.1", tag="cu126", torchvision="0.29.1")
    add_pip(root, subdir="linux-64", python="3.12", torch="2.9.1", tag="cu128", torchvision="0.24.1")
    add_pip(root, subdir="win-64", python="3.12", torch="2.14.1", tag="cu130", torchvision="0.29.1")
    add_conda(root, subdir="linux-64", python="3.12", torch="2.13.0", cuda="12.9", torchvision="0.28.0")
    add_conda(root, subdir="linux-aarch64", python="3.11", torch="2.13.0", cuda="13.0", torchvision="0.28.0")
    (root / "linux-64/py3.12/pip-torch-2.8.0-cu126").mkdir()  # no lock inside: not an environment
    (root / "osx-64/py3.12/pip-torch-2.8.0-cu126").mkdir(parents=True)
    (root / "osx-64/py3.12/pip-torch-2.8.0-cu126/requirements.txt").write_text("", encoding="utf-8")
    (root / "README.md").write_text("Locks\n", encoding="utf-8")
    return root
