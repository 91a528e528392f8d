"""Where channel data comes from: sites, mirrors, folders, the cache; and every way in which a server can fail."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.core.errors import ToolError, UsageError
from envgen.core.locks import CondaLock
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.solve.conda.solve import solve_conda
from envgen.solve.conda.source import ChannelSource
from equipment.conda_channel import Row, cuda_query, write_channel, zstd_stored
from equipment.loopback import Fault, refused_url, serving

SHARD = "*/[0-9a-f][0-9a-f]*.msgpack.zst"
REPODATA = "*/repodata.json*"


def lock_from(mirror: str, cache: Path, *, retries: int = 0, timeout_s: float = 60) -> CondaLock:
    return solve_conda(cuda_query(), mirror=mirror, cache_dir=cache, retries=retries, timeout_s=timeout_s)


@pytest.fixture(scope="module")
def from_folder(channels: Path, tmp_path_factory: pytest.TempPathFactory) -> CondaLock:
    return lock_from(str(channels), tmp_path_factory.mktemp("cache"))


class TestSources:
    """The same lock, with canonical URLs, however the channel is read."""

    def test_by_url_over_shards(self, channels: Path, tmp_path: Path, from_folder: CondaLock) -> None:
        with serving(channels) as server:
            assert lock_from(server.url, tmp_path) == from_folder
            assert server.paths(SHARD)
            assert not server.paths(REPODATA)

    def test_by_url_over_zst(self, zst_channels: Path, tmp_path: Path, from_folder: CondaLock) -> None:
        with serving(zst_channels) as server:
            assert lock_from(f"{server.url}/", tmp_path) == from_folder
            assert {seen.path for seen in server.log if seen.status == 200} == {
                "/conda-forge/linux-64/repodata.json.zst",
                "/conda-forge/noarch/repodata.json.zst",
            }

    def test_by_folder_of_zst(self, zst_channels: Path, tmp_path: Path, from_folder: CondaLock) -> None:
        assert lock_from(str(zst_channels), tmp_path) == from_folder

    def test_by_file_url_with_odd_characters(self, channels: Path, tmp_path: Path, from_folder: CondaLock) -> None:
        odd = tmp_path / "a b#c%20é"
        shutil.copytree(channels, odd)
        assert lock_from(odd.as_uri(), tmp_path / "cache") == from_folder

    def test_a_mirror_below_a_path(self, channels: Path, tmp_path: Path, from_folder: CondaLock) -> None:
        shutil.copytree(channels, tmp_path / "root/api/conda")
        with serving(tmp_path / "root") as server:
            assert lock_from(f"{server.url}/api/conda", tmp_path / "cache") == from_folder

    def test_a_mirror_that_names_itself_in_its_data(self, tmp_path: Path) -> None:
        row = Row(name="numpy", version="2")
        write_channel(tmp_path / "r/conda-forge", [row], forms=("shards",), base_url="https://mirror.example/files/")
        with serving(tmp_path / "r") as server:
            query = cuda_query("linux-64", "numpy")
            lock = solve_conda(query, mirror=server.url, cache_dir=tmp_path / "cache")
        assert lock.packages[0].url == "https://conda.anaconda.org/conda-forge/linux-64/numpy-2-h0_0.conda"

    @pytest.mark.parametrize("form", ["shards", "zst"])
    def test_a_name_that_a_served_channel_lacks_is_left_out(self, tmp_path: Path, form: str) -> None:
        write_channel(tmp_path / "r/conda-forge", [Row(name="numpy", version="2")], forms=(form,))
        query = replace(cuda_query("linux-64", "numpy", "timm>=1"), may_lack=frozenset({"numpy", "timm"}))
        with serving(tmp_path / "r") as server:
            lock = solve_conda(query, mirror=server.url, cache_dir=tmp_path / "cache")
        assert [package.name for package in lock.packages] == ["numpy"]
        assert lock.specs == ("numpy",)

    def test_a_login_reaches_the_mirror_and_no_text(self, channels: Path, tmp_path: Path) -> None:
        with serving(channels) as server:
            with_login = server.url.replace("://", "://jane:s3cret%2F@")
            lock_from(with_login, tmp_path)
            expected = "Basic " + base64.b64encode(b"jane:s3cret/").decode()
            assert {seen.headers.get("authorization") for seen in server.log} == {expected}
            server.faults.append(Fault(status=403))
            with pytest.raises(UnreachableError) as caught:
                lock_from(with_login, tmp_path / "other")
        assert "s3cret" not in str(caught.value)
        assert server.url in str(caught.value)

    def test_a_mirror_that_refuses_what_it_does_not_have(
        self, zst_channels: Path, tmp_path: Path, from_folder: CondaLock
    ) -> None:
        with serving(zst_channels, Fault(path="*repodata_shards*", status=403)) as server:
            assert lock_from(server.url, tmp_path) == from_folder


class TestCache:
    """What was fetched is used again; what is in the cache of one mirror is never taken for another's."""

    def test_each_mirror_has_its_own(self, channels: Path, tmp_path: Path) -> None:
        write_channel(tmp_path / "old/conda-forge", [Row(name="tzdata", version="2024a", subdir="noarch")])
        query = cuda_query("linux-64", "tzdata")
        with serving(tmp_path / "old") as old, serving(channels) as new:
            found = [solve_conda(query, mirror=s.url, cache_dir=tmp_path / "cache") for s in (old, new)]
        assert [lock.packages[0].version for lock in found] == ["2024a", "2025b"]

    def test_a_broken_file_is_not_kept(self, zst_channels: Path, tmp_path: Path, from_folder: CondaLock) -> None:
        broken = Fault(path="*.zst", body=zstd_stored(b'{"packages": {'))
        with serving(zst_channels, broken) as server:
            with pytest.raises(SourceDataError):
                lock_from(server.url, tmp_path)
            server.faults.clear()
            assert lock_from(server.url, tmp_path, retries=1) == from_folder


# One of each kind is in the default run; the others are proofs.
FURTHER = {
    "refuses-a-login",
    "has-too-many-requests",
    "is-unavailable",
    "has-an-error-at-a-shard",
    "breaks-off-a-shard",
    "has-no-such-channel",
    "shows-a-page-for-a-shard",
    "changes-a-byte",
    "sends-another-json",
}


def served(faults: Mapping[str, Fault]) -> list[object]:
    return [
        pytest.param(fault, id=f"the-server-{kind}", marks=pytest.mark.proof if kind in FURTHER else ())
        for kind, fault in faults.items()
    ]


UNREACHABLE = {
    "refuses-a-login": Fault(status=401),
    "refuses-access": Fault(status=403),
    "has-too-many-requests": Fault(status=429),
    "has-an-error": Fault(status=500),
    "is-unavailable": Fault(status=503),
    "drops-the-connection": Fault(drop=True),
    "drops-it-at-a-shard": Fault(path=SHARD, drop=True),
    "has-an-error-at-a-shard": Fault(path=SHARD, status=502),
}
BAD_DATA = {
    "has-no-such-channel": Fault(status=404),
    "breaks-off-the-index": Fault(path="*repodata_shards*", cut=40),
    "breaks-off-a-shard": Fault(path=SHARD, cut=20),
    "lacks-a-shard-that-it-lists": Fault(path=SHARD, status=404),
    "shows-a-page-for-the-index": Fault(path="*repodata_shards*", body=b"<html>log in</html>"),
    "shows-a-page-for-a-shard": Fault(path=SHARD, body=b"<html>log in</html>"),
    "changes-a-byte-of-a-shard": Fault(path=SHARD, flip=True),
}
BAD_ZST = {
    "breaks-it-off": Fault(path=REPODATA, cut=500),
    "changes-a-byte": Fault(path=REPODATA, flip=True),
    "sends-half-a-json": Fault(path=REPODATA, body=zstd_stored(b'{"packages": {')),
    "sends-another-json": Fault(path=REPODATA, body=zstd_stored(b"[1]")),
}


# rattler sends for these again, three times with pauses, whatever it is told.
BAD_ZST_SLOW = {
    "sends-nothing": Fault(path=REPODATA, body=b""),
    "shows-a-page": Fault(path=REPODATA, body=b"<html>log in</html>"),
}


@pytest.mark.parametrize("fault", served(UNREACHABLE))
def test_no_answer_is_unreachable(channels: Path, tmp_path: Path, fault: Fault) -> None:
    with serving(channels, fault) as server, pytest.raises(UnreachableError) as caught:
        lock_from(server.url, tmp_path)
    assert_shown(caught.value, server.url)


@pytest.mark.parametrize("fault", served(BAD_DATA))
def test_a_wrong_answer_is_bad_data(channels: Path, tmp_path: Path, fault: Fault) -> None:
    with serving(channels, fault) as server, pytest.raises(SourceDataError) as caught:
        lock_from(server.url, tmp_path)
    assert_shown(caught.value, server.url)


@pytest.mark.parametrize(
    "fault",
    served(BAD_ZST) + [pytest.param(f, id=f"the-server-{k}", marks=pytest.mark.slow) for k, f in BAD_ZST_SLOW.items()],
)
def test_a_wrong_repodata_file_is_bad_data(zst_channels: Path, tmp_path: Path, fault: Fault) -> None:
    with serving(zst_channels, fault) as server, pytest.raises(SourceDataError) as caught:
        lock_from(server.url, tmp_path)
    assert_shown(caught.value, server.url)


def assert_shown(error: ToolError, url: str) -> None:
    """Three lines or more: headline with a URL, the reason, a hint; exit 5."""
    headline, reason, hint = str(error).splitlines()
    assert url in headline or "https://conda.anaconda.org/conda-forge/" in headline
    assert len(reason.strip()) > 8
    assert hint.startswith("  hint: ")
    assert error.exit_code == 5


def test_nobody_listens(tmp_path: Path) -> None:
    url = refused_url()
    with pytest.raises(UnreachableError) as caught:
        lock_from(url, tmp_path)
    assert str(caught.value).startswith(f"no answer from the conda channel at {url}/conda-forge/")


def test_no_such_host(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError):
        lock_from("http://no-such-host.invalid", tmp_path)


@pytest.mark.parametrize("path", ["*repodata_shards*", SHARD])
def test_a_stall_ends_at_the_time_limit(channels: Path, tmp_path: Path, path: str) -> None:
    with serving(channels, Fault(path=path, stall=True)) as server, pytest.raises(UnreachableError) as caught:
        lock_from(server.url, tmp_path, timeout_s=1)
    assert str(caught.value) == (
        f"no answer from the conda channel at {server.url} [channel-unreachable]\n"
        "  linux-64: no solution within 1 s, the channel answers too slowly or not at all\n"
        "  hint: check the network, or name a mirror that can be reached with --conda-mirror"
    )


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=503, times=2), id="busy-twice"),
        pytest.param(Fault(path=SHARD, status=429, times=1), id="one-too-many", marks=pytest.mark.proof),
        pytest.param(Fault(drop=True, times=1), id="dropped-once", marks=pytest.mark.proof),
        pytest.param(Fault(path=SHARD, cut=20, times=1), id="broken-off-once"),
        pytest.param(Fault(path=SHARD, delay_s=0.2), id="slow"),
    ],
)
def test_a_passing_failure_is_survived(channels: Path, tmp_path: Path, from_folder: CondaLock, fault: Fault) -> None:
    with serving(channels, fault) as server:
        assert lock_from(server.url, tmp_path, retries=3) == from_folder


class TestFolders:
    """A mirror folder that cannot be read is bad data."""

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("repodata.json", b""),
            ("repodata.json.zst", b"junk"),
            ("repodata.json", b'{"packages": {'),
            ("repodata.json.zst", b"[]"),
            pytest.param("repodata.json.zst", b"", marks=pytest.mark.proof),
            pytest.param("repodata.json", b"junk", marks=pytest.mark.proof),
            pytest.param("repodata.json.zst", b'{"packages": {', marks=pytest.mark.proof),
            pytest.param("repodata.json", b"[]", marks=pytest.mark.proof),
        ],
    )
    def test_a_broken_file(self, channels: Path, tmp_path: Path, name: str, content: bytes) -> None:
        place = tmp_path / "conda-forge/linux-64"
        place.mkdir(parents=True)
        (place / name).write_bytes(content)
        with pytest.raises(SourceDataError) as caught:
            lock_from(str(tmp_path), tmp_path / "cache")
        assert str(tmp_path) in str(caught.value)

    def test_a_channel_that_is_not_there(self, channels: Path, tmp_path: Path) -> None:
        query = replace(cuda_query(), channels=("nvidia", "conda-forge"))
        with pytest.raises(SourceDataError, match=r"no repodata\.json or repodata\.json\.zst of nvidia"):
            solve_conda(query, mirror=str(channels), cache_dir=tmp_path)


@pytest.mark.parametrize("mirror", ["user:s3cret@h.example/conda", "file://user:s3cret@h.example/conda"])
def test_a_password_in_what_is_no_mirror_is_not_repeated(mirror: str) -> None:
    with pytest.raises(UsageError) as caught:
        ChannelSource.parse(mirror)
    assert str(caught.value).startswith('no folder "...@h.example/conda" to read conda channels from [usage]\n')
