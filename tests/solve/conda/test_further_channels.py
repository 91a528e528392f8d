"""Channels beside conda-forge: how they are written, their order, what comes from which, and those that are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envgen.core.errors import UsageError
from envgen.core.locks import CondaLock
from envgen.solve.conda.channels import ChannelMissingError, all_channels, further_channels, read_channel
from envgen.solve.conda.solve import solve_conda
from envgen.solve.conda.source import mirrored
from equipment.conda_channel import Row, cuda_query, write_channel
from equipment.loopback import serving

LAB = "https://conda.example.org/lab"
FORGE_ROWS = [Row(name="both", version="1.0"), Row(name="zlib", version="1.3")]
BIO_ROWS = [
    Row(name="both", version="2.0"),
    Row(name="zlib", version="9"),
    Row(name="hmmer", version="3.4", depends=("zlib",)),
]
LAB_ROWS = [Row(name="labtool", version="1.0", depends=("zlib >=1",)), Row(name="pure", version="1", subdir="noarch")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror folder: a channel of another server is below the name of that."""
    folder = tmp_path_factory.mktemp("further")
    places = (("conda-forge", FORGE_ROWS), ("bioconda", BIO_ROWS), ("conda.example.org/lab", LAB_ROWS))
    for place, rows in places:
        write_channel(folder / place, rows, forms=("json", "zst"))
    return folder


def solve(root: Path, channels: tuple[str, ...], *specs: str) -> CondaLock:
    return solve_conda(replace(cuda_query("linux-64", *specs), channels=channels), mirror=str(root))


def places(lock: CondaLock) -> dict[str, str]:
    return {package.name: f"{package.channel} {package.version}" for package in lock.packages}


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("bioconda", "bioconda"),
        (" bioconda/ ", "bioconda"),
        ("conda-forge/label/pytorch_rc", "conda-forge/label/pytorch_rc"),
        ("https://conda.anaconda.org/bioconda", "bioconda"),
        ("https://conda.anaconda.org/bioconda/linux-64/", "bioconda"),
        ("https://repo.prefix.dev/lab", "https://repo.prefix.dev/lab"),
        ("http://10.0.0.7:8080/conda/lab/noarch", "http://10.0.0.7:8080/conda/lab"),
    ],
)
def test_a_channel_has_one_spelling(text: str, channel: str) -> None:
    assert read_channel(text) == channel


@pytest.mark.parametrize(
    "text",
    [
        *("", "a b", "../x", "-c", "x/../y", "a,b", "defaults", "local", "nodefaults", "C:\\conda", "/srv/conda"),
        *(
            "ftp://h/c",
            "file:///srv/c",
            "https://h",
            "https://h/c?x=1",
            "https://h:0/c",
            "https://[::1",
            "http://[x]/c",
        ),
    ],
)
def test_what_is_no_channel_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"\(from --channel\)"):
        read_channel(text)


@pytest.mark.parametrize("text", ["https://jane:s3cret@h.example/lab", "https://h.example/t/s3cret/lab"])
def test_a_login_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="has a login in it") as caught:
        read_channel(text)
    assert "s3cret" not in str(caught.value)


def test_the_order_is_that_of_the_lists() -> None:
    assert further_channels(["bioconda", "lab"], []) == ("bioconda", "lab")
    assert further_channels([], ["conda-forge"]) == ()
    assert further_channels([], ["conda-forge", "bioconda"]) == ("bioconda",)
    # A list that names conda-forge says what goes before it; the command line's follow.
    assert further_channels(["lab"], ["bioconda", "conda-forge"]) == ("bioconda", "conda-forge", "lab")
    assert further_channels(["lab", "bioconda"], ["bioconda"]) == ("lab", "bioconda")


def test_the_channels_of_a_build_come_first() -> None:
    legacy = ("pytorch", "nvidia", "conda-forge")
    assert all_channels(("conda-forge",), ("bioconda",)) == ("conda-forge", "bioconda")
    assert all_channels(("conda-forge",), ("bioconda", "conda-forge", "lab")) == ("bioconda", "conda-forge", "lab")
    assert all_channels(legacy, ("bioconda",)) == (*legacy, "bioconda")
    assert all_channels(legacy, ("bioconda", "conda-forge")) == ("pytorch", "nvidia", "bioconda", "conda-forge")


def test_a_package_of_two_channels_comes_from_the_first(root: Path) -> None:
    forge_first = solve(root, ("conda-forge", "bioconda"), "hmmer", "both")
    assert places(forge_first) == {"hmmer": "bioconda 3.4", "both": "conda-forge 1.0", "zlib": "conda-forge 1.3"}
    bio_first = solve(root, ("bioconda", "conda-forge"), "hmmer", "both")
    assert places(bio_first) == {"hmmer": "bioconda 3.4", "both": "bioconda 2.0", "zlib": "bioconda 9"}


def test_a_package_may_name_its_channel(root: Path) -> None:
    lock = solve(root, ("conda-forge", "bioconda"), "hmmer", "bioconda::both")
    assert places(lock) == {"hmmer": "bioconda 3.4", "both": "bioconda 2.0", "zlib": "conda-forge 1.3"}


def test_a_channel_of_another_server_keeps_its_url(root: Path) -> None:
    lock = solve(root, ("conda-forge", LAB), "labtool", "pure")
    assert places(lock) == {"labtool": f"{LAB} 1.0", "pure": f"{LAB} 1", "zlib": "conda-forge 1.3"}
    assert {p.url for p in lock.packages if p.channel == LAB} == {
        f"{LAB}/linux-64/labtool-1.0-h0_0.conda",
        f"{LAB}/noarch/pure-1-h0_0.conda",
    }
    written = mirrored(lock, "https://mirror.example/conda")
    assert written.channels == ("https://mirror.example/conda/conda-forge", LAB)
    assert {package.name: package.url.rpartition("/linux-64/")[0] for package in written.packages} == {
        "labtool": LAB,
        "pure": "",
        "zlib": "https://mirror.example/conda/conda-forge",
    }


def test_a_channel_of_another_server_is_asked_there(root: Path, tmp_path: Path) -> None:
    with serving(root) as site, serving(root / "conda.example.org") as other:
        query = replace(cuda_query("linux-64", "labtool"), channels=("conda-forge", f"{other.url}/lab"))
        lock = solve_conda(query, mirror=site.url, cache_dir=tmp_path)
        assert lock.packages[0].url == f"{other.url}/lab/linux-64/labtool-1.0-h0_0.conda"
        assert not any("/lab/" in seen.path for seen in site.log)


@pytest.mark.parametrize("served", [False, True], ids=["folder", "served"])
@pytest.mark.parametrize("channel", ["biconda", "https://conda.example.org/labb"])
def test_a_channel_that_is_not_there_is_named(root: Path, tmp_path: Path, channel: str, served: bool) -> None:
    query = replace(cuda_query("linux-64", "both"), channels=("conda-forge", channel))
    with serving(root) as server:
        channel = channel.replace("https://conda.example.org", server.url) if served else channel
        query = replace(query, channels=("conda-forge", channel))
        with pytest.raises(ChannelMissingError, match=f"there is no conda channel {channel}") as caught:
            solve_conda(query, mirror=server.url if served else str(root), cache_dir=tmp_path, retries=0)
    assert caught.value.exit_code == 2
