"""Where a lock sends an installer, and that its files are one whole set, as envgen writes it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envgen.core.findings import Level
from envgen.verify.findings import Asking
from equipment.lock_damage import SHIPPED, change, change_text, codes, copy_of, sign, verify

PIP = "linux-64/py3.12/pip-torch-2.14.1-cu126"
CONDA = "linux-64/py3.12/conda-pytorch-2.10.0-cuda129"
REQUIREMENTS, PYLOCK = "requirements.txt", "pylock.toml"
TORCH, PYPI = "https://download.pytorch.org/whl/cu126", "https://pypi.org/simple"
ANACONDA = "https://conda.anaconda.org/"


def both(folder: Path, old: str, new: str) -> None:
    for name in (
        ("conda-lock.yml", "conda-linux-64.lock")
        if (folder / "conda-lock.yml").exists()
        else (
            REQUIREMENTS,
            PYLOCK,
        )
    ):
        change(folder, name, old, new, count=9999)


def version(folder: Path, name: str, new: str) -> None:
    """Another version of a package in both files, file name included."""
    found = re.search(rf"^{name}==(\S+)", (folder / REQUIREMENTS).read_text("utf-8"), re.MULTILINE)
    assert found is not None
    wheel = name.replace("-", "_")
    change(folder, REQUIREMENTS, f"{name}=={found[1]}", f"{name}=={new}")
    change(folder, PYLOCK, f'name = "{name}"\nversion = "{found[1]}"', f'name = "{name}"\nversion = "{new}"')
    change(folder, PYLOCK, f"/{wheel}-{found[1]}-", f"/{wheel}-{new}-")


def leave(folder: Path, *names: str) -> None:
    """Remove every other file."""
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()


def drop_with_its_edges(folder: Path, name: str) -> None:
    text = (folder / PYLOCK).read_text("utf-8")
    entry = next(p for p in re.split(r"(?=\[\[packages\]\]|\[tool\.)", text) if f'\nname = "{name}"\n' in p)
    change(folder, PYLOCK, entry, "")
    change(folder, PYLOCK, f'    {{ name = "{name}" }},\n', "", count=9)
    pin = re.search(rf"^{name}==.*\n(    #.*\n)?", (folder / REQUIREMENTS).read_text("utf-8"), re.MULTILINE)
    assert pin is not None
    change(folder, REQUIREMENTS, pin[0], "")
    change(folder, REQUIREMENTS, f"--find-links {PYPI}/{name}/\n", "")


FILELOCK = f"--find-links {PYPI}/filelock/"
TWICE = (
    '[[packages]]\nname = "filelock"\nversion = "1"\nindex = "https://pypi.org/simple"\nwheels = [{ url = '
    '"https://files.pythonhosted.org/filelock-1-py3-none-any.whl", hashes = { sha256 = "' + "0" * 64 + '" } }]\n\n'
)
Damage = Callable[[Path], None]
DAMAGES: dict[str, tuple[str, Damage, str]] = {
    "a find-links line is missing": (PIP, lambda f: change(f, REQUIREMENTS, f"{FILELOCK}\n", ""), "find-links-wrong"),
    "a find-links line leads elsewhere": (
        PIP,
        lambda f: change(f, REQUIREMENTS, FILELOCK, "--find-links https://other.example/filelock/"),
        "host-unknown",
    ),
    "torch's index is a stranger's": (PIP, lambda f: both(f, TORCH, "https://other.example/whl/cu126"), "host-unknown"),
    "PyPI is a stranger's": (PIP, lambda f: both(f, PYPI, "https://other.example/simple"), "index-wrong"),
    "the index is asked without TLS": (PIP, lambda f: both(f, TORCH, TORCH.replace("https", "http")), "host-unknown"),
    "a login in a URL": (
        PIP,
        lambda f: change(f, PYLOCK, "https://files.", "https://me:secret@files."),
        "credential-in-url",
    ),
    "a second index": (
        PIP,
        lambda f: change(f, REQUIREMENTS, f"--index-url {TORCH}", f"--index-url {TORCH}\n--index-url {PYPI}"),
        "files-disagree",
    ),
    "an extra index": (
        PIP,
        lambda f: change(f, REQUIREMENTS, "--index-url", f"--extra-index-url {PYPI}\n--index-url"),
        "files-disagree",
    ),
    "two pins of one package": (
        PIP,
        lambda f: change(f, REQUIREMENTS, "filelock==", f"filelock==1 --hash=sha256:{'0' * 64}\nfilelock=="),
        "package-twice",
    ),
    "two entries of one package": (
        PIP,
        lambda f: change(f, PYLOCK, '[[packages]]\nname = "filelock"', f'{TWICE}[[packages]]\nname = "filelock"'),
        "package-twice",
    ),
    "environments of another system": (PIP, lambda f: change(f, PYLOCK, "== 'linux'", "== 'win32'"), "wrong-platform"),
    "another requires-python": (PIP, lambda f: change(f, PYLOCK, "==3.12.*", "==3.11.*"), "wrong-platform"),
    "cuDNN dropped, its edges too": (PIP, lambda f: drop_with_its_edges(f, "nvidia-cudnn-cu12"), "dependency-missing"),
    "filelock dropped, its edges too": (PIP, lambda f: drop_with_its_edges(f, "filelock"), "dependency-missing"),
    "triton of another torch": (PIP, lambda f: version(f, "triton", "3.1.0"), "dependency-version"),
    "NCCL of another torch": (PIP, lambda f: version(f, "nvidia-nccl-cu12", "2.1.0"), "dependency-version"),
    "a sympy that is too old": (PIP, lambda f: version(f, "sympy", "1.0"), "dependency-version"),
    "conda packages of a stranger": (CONDA, lambda f: both(f, ANACONDA, "https://other.example/"), "host-unknown"),
    "a login in conda URLs": (
        CONDA,
        lambda f: both(f, ANACONDA, ANACONDA.replace("//", "//me:secret@")),
        "credential-in-url",
    ),
    "no @EXPLICIT": (CONDA, lambda f: change(f, "conda-linux-64.lock", "@EXPLICIT\n", ""), "not-as-written"),
    "only environment.yml left": (
        CONDA,
        lambda f: leave(f, "environment.yml", "virtual-packages.yml"),
        "file-missing",
    ),
    "only virtual-packages.yml left": (
        CONDA,
        lambda f: leave(f, "virtual-packages.yml"),
        "file-missing",
    ),
    "a fact of a header is another": (
        PIP,
        lambda f: change_text(f, PYLOCK, "driver 525.60.13 or newer", "driver 450.80.02 or newer"),
        "set-changed",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_found(tmp_path: Path, name: str) -> None:
    shipped, damage, code = DAMAGES[name]
    folder = copy_of(shipped, tmp_path)
    damage(folder)
    report = verify(folder)
    assert code in {finding.code for finding in report.findings}
    assert all(map(report.remedy, report.findings))


def test_a_login_is_not_repeated(tmp_path: Path) -> None:
    folder = copy_of(PIP, tmp_path)
    change(folder, PYLOCK, "https://files.pythonhosted.org", "https://me:secret@files.example.org")
    told = [text for f in verify(folder).findings for text in (f.title, *f.evidence)]
    assert any("files.example.org" in text for text in told)
    assert not [text for text in told if "secret" in text]


def test_a_mirror_that_is_named_is_known(tmp_path: Path) -> None:
    folder = copy_of(PIP, tmp_path)
    both(folder, TORCH, "https://mirror.example:8443/whl/cu126")
    named = Asking(offline=True, wheels="https://mirror.example:8443/whl")
    assert "host-unknown" in codes(folder)
    assert "host-unknown" not in codes(folder, named)


@pytest.mark.parametrize("folder", [PIP, CONDA])
def test_a_file_that_is_gone_changes_the_run(tmp_path: Path, folder: str) -> None:
    for path in sorted((SHIPPED / folder).iterdir()):
        copy = Path(shutil.copytree(SHIPPED / folder, tmp_path / path.name))
        (copy / path.name).unlink()
        assert codes(copy) & {"file-missing", "set-changed"}, path.name


def test_the_release_in_a_header_excuses_no_other_text(tmp_path: Path) -> None:
    folder = copy_of(PIP, tmp_path)
    change(folder, REQUIREMENTS, "    # via torch\n", "    # for torch\n")
    assert {f.level for f in verify(folder).findings} == {Level.ERROR}
    path = folder / REQUIREMENTS
    path.write_text(re.sub(r"^# envgen [\d.]+:", "# envgen 0.0.9:", path.read_text("utf-8")), "utf-8")
    sign(folder)
    assert ("not-as-written", Level.ERROR) in [(f.code, f.level) for f in verify(folder).findings]
