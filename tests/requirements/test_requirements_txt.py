"""requirements.txt as people write it: what is asked for, and what is said not to be taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.requirements.asked import Asked, RequirementsFileError
from envgen.requirements.read import read_files


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str | bytes, name: str = "requirements.txt") -> Asked:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_files([name])


# The forms of https://pip.pypa.io/en/stable/reference/requirements-file-format/.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("timm>=1.0  # for models", ["timm>=1.0"], id="a comment"),
        pytest.param("ray[default] >=2, <3", ["ray[default]<3,>=2"], id="an extra"),
        pytest.param("tqdm ; python_version < '3.13'", ['tqdm; python_version < "3.13"'], id="a marker"),
        pytest.param("tqdm==4.67.1 \\\n    --hash=sha256:" + "0" * 64, ["tqdm==4.67.1"], id="a hash on the next line"),
        pytest.param("einops>=0.7,\\\n<0.9", ["einops<0.9,>=0.7"], id="a continued line"),
        pytest.param("", [], id="an empty line"),
        pytest.param("   # nothing", [], id="only a comment"),
        pytest.param("Pillow", ["Pillow"], id="upper case"),
    ],
)
def test_what_is_taken(line: str, expected: list[str]) -> None:
    asked = read(f"{line}\n")
    assert (asked.requirements, asked.not_taken) == (expected, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("-e .", "an editable install", id="editable"),
        pytest.param("--editable=git+https://h.example/r.git#egg=r", "an editable install", id="editable repository"),
        pytest.param("git+https://github.com/huggingface/diffusers", "a lock needs a file on an index", id="git"),
        pytest.param("x @ git+https://h.example/x.git@v1", "a lock needs a file on an index", id="named git"),
        pytest.param("./local/package", "a lock needs a file on an index", id="path"),
        pytest.param("wheels/x-1.0-py3-none-any.whl", "a lock needs a file on an index", id="wheel"),
        pytest.param("https://h.example/x-1.0.tar.gz", "a lock needs a file on an index", id="archive"),
        pytest.param("--index-url https://h.example/simple", "--wheel-mirror names a mirror", id="index"),
        pytest.param("--extra-index-url https://download.pytorch.org/whl/cu118", "its own index", id="extra index"),
        pytest.param("-f https://data.pyg.org/whl/torch-2.4.0+cu121.html", "its own index", id="find-links"),
        pytest.param("--pre", "pre-release", id="pre-releases"),
    ],
)
def test_what_is_not_taken_is_said(line: str, reason: str) -> None:
    asked = read(f"numpy\n{line}\n")
    assert asked.requirements == ["numpy"]
    (passed,) = asked.not_taken
    assert passed.where == "requirements.txt:2"
    assert reason in passed.reason


def test_files_that_it_names_are_read_from_where_it_is(here: Path) -> None:
    (here / "deep").mkdir()
    (here / "deep/base.txt").write_text("einops\n-r more.txt\n")
    (here / "deep/more.txt").write_text("scipy\n")
    (here / "bounds.txt").write_text("numpy<2.3\n")
    asked = read("-r deep/base.txt\n--constraint=bounds.txt\ntimm\n")
    assert (sorted(asked.requirements), asked.constraints) == (["einops", "scipy", "timm"], ["numpy<2.3"])
    assert asked.inputs == {"requirements.txt": ("-c numpy<2.3", "einops", "scipy", "timm")}


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_what_windows_writes(mark: str) -> None:
    """`pip freeze > requirements.txt` in Windows PowerShell 5 writes UTF-16 with a byte order mark."""
    assert read("tqdm==4.67.1\r\n".encode(mark)).requirements == ["tqdm==4.67.1"]


@pytest.mark.parametrize(
    ("text", "message", "fact"),
    [
        pytest.param(b"\xff\xfe\xff\x00\xd8", "requirements.txt can't be read", "no text", id="binary"),
        pytest.param(b"x\0y\n", "requirements.txt can't be read", "no text", id="a zero byte"),
        pytest.param(b"#" * (10 << 20), "requirements.txt can't be read", "larger than 1 MiB", id="10 MiB"),
        pytest.param(b"-r requirements.txt\n", "requirements.txt names itself", "->", id="a cycle"),
        pytest.param(b"-r missing.txt\n", "missing.txt can't be read", "No such file", id="a missing file"),
        pytest.param(b"ok\nnot a requirement\n", 'requirements.txt:2: "not a requirement"', "", id="words"),
    ],
)
def test_what_cannot_be_read(text: bytes, message: str, fact: str) -> None:
    with pytest.raises(RequirementsFileError) as caught:
        read(text)
    assert message in str(caught.value)
    assert fact in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "line", ["git+https://me:s3cret@h.example/x.git", "--index-url https://me:s3cret@h.example/simple", "me:s3cret@h"]
)
def test_no_login_is_repeated(line: str) -> None:
    try:
        told = repr(read(f"{line}\n").not_taken)
    except RequirementsFileError as error:
        told = str(error)
    assert "s3cret" not in told


def test_files_that_name_each_other_many_times_are_read_once(tmp_path: Path) -> None:
    """Thirty files that name the next one twice would be a thousand million reads."""
    for number in range(30):
        (tmp_path / f"{number}.in").write_text(f"-r {number + 1}.in\n-r ./{number + 1}.in\n", encoding="utf-8")
    (tmp_path / "30.in").write_text("einops\n", encoding="utf-8")
    assert read_files((str(tmp_path / "0.in"),)).requirements == ["einops"]


CU121 = "https://download.pytorch.org/whl/cu121/torch-2.1.0%2Bcu121-cp310-cp310-linux_x86_64.whl"
EINOPS = "https://files.pythonhosted.org/packages/44/5a/f0/einops-0.8.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(f"torch @ {CU121}", "torch==2.1.0+cu121", id="a wheel of PyTorch's index, named"),
        pytest.param(CU121, "torch==2.1.0+cu121", id="a wheel of PyTorch's index"),
        pytest.param(f'{CU121} ; sys_platform == "linux"', 'torch==2.1.0+cu121; sys_platform == "linux"', id="marker"),
        pytest.param(f"{EINOPS}#sha256=00", "einops==0.8.0", id="a wheel of PyPI"),
        pytest.param("https://files.pythonhosted.org/packages/ab/jieba-0.42.1.tar.gz", "jieba==0.42.1", id="a source"),
        # As pip freeze prints them in environments of Anaconda and of conda-forge.
        pytest.param(
            "numpy @ file:///croot/numpy_and_numpy_base_1708638617955/work/dist/numpy-1.26.4-cp311-cp311-linux_x86_64.whl"
            "#sha256=5f96f274d410a1682519282ae769c877d32fdbf171aa8badec7bf5e1d3a1748a",
            "numpy==1.26.4",
            id="a wheel that conda built",
        ),
    ],
)
def test_a_file_of_an_index_is_asked_for_by_its_release(line: str, expected: str) -> None:
    asked = read(f"{line}\n")
    assert ([*asked.requirements, *asked.family], asked.not_taken) == ([expected], [])


@pytest.mark.parametrize(
    "line",
    [
        "einops @ https://mirror.example/einops-0.8.0-py3-none-any.whl",
        f"other @ {EINOPS}",
        "mine @ file:///home/me/mine",
        "mine @ file:///home/me/dist/mine-1.0-py3-none-any.whl",
        EINOPS.replace("//", "//me:secret@"),
    ],
)
def test_no_other_place_is_taken_for_an_index(line: str) -> None:
    asked = read(f"{line}\n")
    assert asked.requirements == []
    (passed,) = asked.not_taken
    assert "a lock needs a file on an index" in passed.reason
    assert "secret" not in passed.text


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("certifi @ file:///croot/certifi_1707229174982/work/certifi", "certifi"),
        ("attrs @ file:///home/conda/feedstock_root/build_artifacts/attrs_1704011227531/work", "attrs"),
        ("cffi @ file:///D:/bld/cffi_1696001729842/work", "cffi"),
    ],
)
def test_what_conda_built_is_asked_for_by_its_name(line: str, name: str) -> None:
    asked = read(f"{line}\n")
    assert asked.requirements == [name]
    (passed,) = asked.not_taken
    assert (passed.text, "any release is taken" in passed.reason) == (f'"{name}"', True)


@pytest.mark.parametrize(
    ("line", "expected", "reason"),
    [
        ("pytorch", ["torch"], "torch is meant"),
        ("pytorch==1.0.2", ["torch"], "torch is meant"),
        ("sklearn==0.0", ["scikit-learn"], "scikit-learn is meant"),
        ("pkg_resources==0.0.0", [], "there is no such package"),  # https://stackoverflow.com/q/39577984
    ],
)
def test_placeholders_of_pypi_are_named(line: str, expected: list[str], reason: str) -> None:
    asked = read(f"{line}\n")
    assert [*asked.requirements, *asked.family] == expected
    (passed,) = asked.not_taken
    assert reason in passed.reason


@pytest.mark.parametrize(
    "name", ["setup.py", "setup.cfg", "Pipfile", "poetry.lock", "uv.lock", "pylock.toml", "pixi.toml"]
)
def test_a_file_that_holds_none_is_refused_with_what_to_name(name: str) -> None:
    with pytest.raises(RequirementsFileError) as caught:
        read("version = 1\n", name)
    assert f"{name} holds no requirements that can be read" in str(caught.value)
    assert caught.value.hint()
