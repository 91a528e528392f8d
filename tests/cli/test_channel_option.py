"""`--channel`: further conda channels the whole way, from the command line or a file to the files and `verify`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from envgen.cli.main import main
from envgen.files.formats.conda_lock_v1 import CONDA_LOCK, content_hashes, stated_hashes
from envgen.files.reading import split
from equipment.conda_channel import Row, pytorch_rows, write_channel
from equipment.damage import conda_package

CONDA = ["--torch", ">=2.9.1,<2.11", "--only", "conda"]
LAB = "https://conda.example.org/lab"


@pytest.fixture(autouse=True)
def further(tmp_path: Path, run: Run) -> None:
    """bioconda has one package that conda-forge lacks and one that it has; another server has a third."""
    del run
    root = tmp_path / "channels"
    write_channel(root / "conda-forge", (*pytorch_rows(), Row(name="both", version="1.0")))
    bio = [Row(name="hmmer", version="3.4", depends=("both",)), Row(name="both", version="2.0")]
    write_channel(root / "bioconda", bio)
    write_channel(root / "conda.example.org/lab", [Row(name="labtool", version="1.0", depends=("tzdata",))])


def text(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def urls(folder: Path) -> set[str]:
    lines = text(folder, "conda-linux-64.lock").splitlines()
    return {line.partition("#")[0] for line in lines if line.startswith("http")}


def channels(folder: Path) -> list[str]:
    lines = text(folder, "environment.yml").splitlines()
    at = lines.index("channels:")
    listed = [line.strip(' -"') for line in lines[at + 1 : lines.index("platforms:")]]
    return [line for line in listed if line != "nodefaults"]


def test_a_package_that_only_a_further_channel_has(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    asked = [*CONDA, "--channel", "bioconda", "--with", "conda:hmmer"]
    assert run(*asked) == 0
    assert channels(out) == ["conda-forge", "bioconda"]
    assert "https://conda.anaconda.org/bioconda/linux-64/hmmer-3.4-h0_0.conda" in urls(out)
    # In both channels: from conda-forge, which is read first.
    assert "https://conda.anaconda.org/conda-forge/linux-64/both-1.0-h0_0.conda" in urls(out)
    assert "--channel bioconda --with conda:hmmer" in text(out, "environment.yml")
    lock = text(out, "conda-lock.yml")
    claims, environment = (split(text(out, name))[1] for name in ("virtual-packages.yml", "environment.yml"))
    assert stated_hashes(split(lock)[1]) == content_hashes(environment, claims)
    assert [one.channels for one in CONDA_LOCK.read(lock, "x")] == [("conda-forge", "bioconda")]
    capsys.readouterr()
    assert run(*asked, "--check") == 0
    assert main(["verify", "--offline", str(out)]) == 0
    assert main(["verify", "--conda-mirror", str(tmp_path / "channels"), str(out)]) == 0
    # Another answer is due without the channel.
    assert run(*CONDA, "--with", "conda:both", "--check") != 0


@pytest.mark.parametrize("spec", ["conda:bioconda::both", "bioconda::both=2", "conda:bioconda::both>=2"])
def test_a_package_may_name_its_channel(tmp_path: Path, run: Run, spec: str) -> None:
    out = tmp_path / "out"
    assert run(*CONDA, "--with", spec) == 0
    assert channels(out) == ["conda-forge", "bioconda"]
    assert "https://conda.anaconda.org/bioconda/linux-64/both-2.0-h0_0.conda" in urls(out)
    assert '- "bioconda::both' in text(out, "environment.yml")
    assert main(["verify", "--offline", str(out)]) == 0
    assert main(["verify", "--conda-mirror", str(tmp_path / "channels"), str(out)]) == 0


def test_a_channel_of_another_server(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    asked = [*CONDA, "--channel", LAB, "--with", "conda:labtool"]
    assert run(*asked) == 0
    assert channels(out) == ["conda-forge", LAB]
    assert f"{LAB}/linux-64/labtool-1.0-h0_0.conda" in urls(out)
    assert run(*asked, "--check") == 0
    assert main(["verify", "--offline", str(out)]) == 0
    assert main(["verify", "--conda-mirror", str(tmp_path / "channels"), str(out)]) == 0


def test_the_channels_of_a_file_are_read_in_its_order(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["channels: [pytorch, bioconda, conda-forge, defaults, nodefaults]", "dependencies:"]
    lines += ["  - hmmer=3.4", "  - both", f"  - {LAB}::labtool", "  - defaults::tzdata=2025b"]
    (tmp_path / "own.yml").write_text("\n".join(lines), encoding="utf-8")
    assert run(*CONDA, "--environment", "own.yml") == 0
    told = capsys.readouterr().err
    assert "own.yml channels: pytorch is not taken: torch's build says whether it is read" in told.replace('"', "")
    assert "own.yml channels: defaults is not taken: its packages are taken from conda-forge" in told.replace('"', "")
    assert "nodefaults" not in told
    out = tmp_path / "out"
    assert channels(out) == ["bioconda", "conda-forge", LAB]
    assert "https://conda.anaconda.org/bioconda/linux-64/both-2.0-h0_0.conda" in urls(out)
    assert "https://conda.anaconda.org/conda-forge/noarch/tzdata-2025b-h0_0.conda" in urls(out)
    assert run(*CONDA, "--environment", "own.yml", "--check") == 0
    assert main(["verify", "--offline", str(out)]) == 0


def test_what_no_channel_has_is_left_out_and_all_are_named(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*CONDA, "--channel", "bioconda", "--with", "no-such-thing", "--with", "hmmer"]
    assert run(*asked) == 0
    told = capsys.readouterr().out.splitlines()[0]
    both = "conda-forge and bioconda have no package of that name; --with conda:NAME names it as conda does"
    assert told == f"left out: no-such-thing: {both}"
    assert "https://conda.anaconda.org/bioconda/linux-64/hmmer-3.4-h0_0.conda" in urls(tmp_path / "out")


@pytest.mark.parametrize("channel", ["defaults", "../x", "https://jane:s3cret@h/lab", "biconda"])
def test_a_bad_channel_is_said_and_nothing_written(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str], channel: str
) -> None:
    assert run(*CONDA, "--channel", channel, "--with", "conda:both") == 2
    told = capsys.readouterr().err
    assert "channel" in told
    assert "s3cret" not in told
    assert not (tmp_path / "out").exists()


def test_a_package_of_a_channel_behind_the_first_that_has_it_is_found(tmp_path: Path, run: Run) -> None:
    """Strict priority: bioconda has a newer release of what conda-forge has, too, and it would be installed."""
    out, mirror = tmp_path / "out", str(tmp_path / "channels")
    assert run(*CONDA, "--channel", "bioconda", "--with", "conda:hmmer") == 0
    assert main(["verify", str(out), "--online", "--conda-mirror", mirror]) == 0
    own = Row(name="both", version="2.0").record()
    url = "https://conda.anaconda.org/bioconda/linux-64/both-2.0-h0_0.conda"
    conda_package("both", version="2.0", url=url, md5=own["md5"], sha256=own["sha256"])(out)
    assert main(["verify", str(out), "--online", "--conda-mirror", mirror]) == 1
