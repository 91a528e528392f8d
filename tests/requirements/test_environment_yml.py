"""environment.yml: match specs for the conda set, the pip section for the pip set."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.requirements.asked import Asked, RequirementsFileError
from envgen.requirements.read import read_files


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str) -> Asked:
    Path("environment.yml").write_text(text, encoding="utf-8")
    return read_files(["environment.yml"])


# https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("scipy", "scipy", id="a name"),
        pytest.param("numpy=1.26", "numpy==1.26.*", id="fuzzy"),
        pytest.param("numpy==1.26.4", "numpy==1.26.4", id="exact"),
        pytest.param("numpy=1.26.*", "numpy==1.26.*", id="a star"),
        pytest.param("scipy>=1.10, <2", "scipy<2,>=1.10", id="bounds"),
        pytest.param("numpy 1.26.*", "numpy==1.26.*", id="a space"),
        pytest.param("conda-forge::pillow >=10", "pillow>=10", id="the first channel in front"),
        pytest.param("bioconda::hmmer >=3", "bioconda::hmmer>=3", id="a further channel in front"),
        pytest.param("pytorch::faiss-gpu", "pytorch::faiss-gpu", id="a channel of builds in front"),
        pytest.param("defaults::numpy", "numpy", id="Anaconda's in front"),
        pytest.param("jpeg=9e", "jpeg=9e", id="a version that PEP 440 does not have"),
        pytest.param("numpy=1.26.4=py312hc5e2394_0", "numpy==1.26.4", id="a build of conda env export"),
    ],
)
def test_a_match_spec(spec: str, expected: str) -> None:
    asked = read(f"dependencies:\n  - {spec}\n")
    assert (asked.conda, asked.requirements) == ([expected], [])


def test_a_whole_file() -> None:
    """CompVis/stable-diffusion has such a file: torch, a CUDA pin, a pip section with an editable install."""
    asked = read(
        "name: ldm\nchannels: [pytorch, defaults, bioconda]\ndependencies:\n  - python=3.11\n  - pip=20.3\n"
        "  - cudatoolkit=11.3\n  - pytorch>=2.4\n  - torchvision\n  - numpy=1.26\n  - _libgcc_mutex=0.1\n"
        "  - pip:\n    - albumentations>=0.4.3\n    - -e .\n"
    )
    assert (asked.conda, asked.pip, asked.family) == (
        ["numpy==1.26.*"],
        ["albumentations>=0.4.3"],
        ["torch>=2.4", "torchvision"],
    )
    assert asked.python == "3.11"
    assert [passed.text.strip('"') for passed in asked.not_taken] == [
        "pytorch",
        "defaults",
        "cudatoolkit=11.3",
        "_libgcc_mutex=0.1",
        "-e .",
    ]
    assert asked.channels == ["bioconda"]
    assert asked.with_texts() == ("pip:albumentations>=0.4.3", "conda:numpy==1.26.*")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        pytest.param("a: [", "it is not YAML", id="no YAML"),
        pytest.param("name: x\n", "no list of dependencies", id="no dependencies"),
        pytest.param("a: &a [x]\ndependencies: *a\n", "an alias", id="an alias"),
    ],
)
def test_what_cannot_be_read(text: str, fact: str) -> None:
    with pytest.raises(RequirementsFileError, match=r"environment\.yml can't be read") as caught:
        read(text)
    assert fact in str(caught.value)


def test_files_that_the_pip_section_names_are_read_from_where_it_is() -> None:
    """As conda does: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html."""
    Path("deep").mkdir()
    Path("deep/requirements.txt").write_text("einops\n-c bounds.txt\ntorch>=2.6\n")
    Path("deep/bounds.txt").write_text("numpy<2.3\n")
    text = "dependencies:\n  - scipy\n  - pip:\n    - -r requirements.txt\n    - --pre\n"
    Path("deep/environment.yml").write_text(text)
    asked = read_files(["deep/environment.yml"])
    assert (asked.conda, asked.pip, asked.family, asked.constraints) == (
        ["scipy"], ["einops"], ["torch>=2.6"], ["numpy<2.3"],
    )  # fmt: skip
    (passed,) = asked.not_taken
    assert (passed.where, passed.text) == ("deep/environment.yml pip", '"--pre"')
