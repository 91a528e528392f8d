"""A file on a server, read by ranges: the right bytes, few of them, and no others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from envgen.net.deadline import Deadline, Patience
from envgen.net.errors import SourceDataError, UnreachableError
from envgen.net.ranges import RangedFile
from equipment.loopback import Fault, Loopback, refused_url, serving
from refresh.world import quick

SIZE = 5 << 20
CONTENT = random.Random(7).randbytes(SIZE)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Loopback]:
    (tmp_path / "file.whl").write_bytes(CONTENT)
    with serving(tmp_path) as loopback:
        yield loopback


def ranged(server: Loopback, size: int = SIZE) -> RangedFile:
    return RangedFile(f"{server.url}/file.whl", size, patience=quick())


def test_any_walk_through_it_reads_what_a_local_file_gives(server: Loopback) -> None:
    choice = random.Random(11)
    ours, local = ranged(server), BytesIO(CONTENT)
    for _ in range(60):
        whence, offset = choice.choice(
            [(0, choice.randrange(SIZE)), (1, choice.randrange(9000)), (2, -choice.randrange(SIZE))]
        )
        assert ours.seek(offset, whence) == local.seek(offset, whence)
        size = choice.choice([0, 1, 30, 5000, 1 << 17])
        assert ours.read(size) == local.read(size)
        assert ours.tell() == local.tell()


def test_it_is_not_read_as_a_whole(server: Loopback) -> None:
    file = ranged(server)
    file.seek(-22, 2)
    file.read(22)
    file.seek(-5000, 2)
    file.read(100)
    file.seek(1000)
    file.read(30)
    file.read(400)
    assert file.requests == 2
    assert file.received < SIZE / 2
    assert {seen.status for seen in server.log} == {206}


def test_reading_to_the_end_and_behind_it(server: Loopback) -> None:
    file = ranged(server)
    file.seek(SIZE - 10)
    assert file.read() == CONTENT[-10:]
    assert file.read(5) == b""
    file.seek(SIZE + 100)
    assert file.read() == b""


def test_what_passes_is_tried_again(server: Loopback) -> None:
    server.faults.append(Fault(status=503, times=1))
    assert ranged(server).read(10) == CONTENT[:10]
    server.faults[:] = [Fault(cut=5, times=1)]
    file = ranged(server)
    assert file.read(1 << 17) == CONTENT[: 1 << 17]
    assert file.requests == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(Fault(status=503), "HTTP status 503 (2 tries)", id="down"),
        pytest.param(Fault(status=404), "HTTP status 404", id="gone"),
        pytest.param(Fault(drop=True), "(2 tries)", id="hangs-up"),
    ],
)
def test_no_answer(server: Loopback, fault: Fault, reason: str) -> None:
    server.faults.append(fault)
    with pytest.raises(UnreachableError) as caught:
        ranged(server).read(100)
    assert caught.value.reason.endswith(reason)


def test_a_range_that_breaks_off_each_time_is_bad_data(server: Loopback) -> None:
    server.faults.append(Fault(cut=5))
    with pytest.raises(SourceDataError) as caught:
        ranged(server).read(100)
    assert caught.value.reason == "5 of 65536 bytes came (2 tries)"


def test_nobody_there() -> None:
    with pytest.raises(UnreachableError):
        RangedFile(f"{refused_url()}/file.whl", SIZE, patience=quick()).read(1)


def test_a_passed_time_limit_asks_nobody(server: Loopback) -> None:
    file = RangedFile(f"{server.url}/file.whl", SIZE, patience=Patience(deadline=Deadline.after(0)))
    with pytest.raises(UnreachableError):
        file.read(1)
    assert server.log == []


def test_a_server_without_ranges_is_not_read(server: Loopback) -> None:
    server.faults.append(Fault(status=200))
    with pytest.raises(SourceDataError) as caught:
        ranged(server).read(100)
    assert caught.value.reason == "it serves no ranges (HTTP status 200)"


def test_a_file_of_another_size_is_another_file(server: Loopback) -> None:
    with pytest.raises(SourceDataError) as caught:
        ranged(server, SIZE + 1).read(1 << 17)
    assert caught.value.reason == (f'asked for "bytes 0-131071/{SIZE + 1}", was given "bytes 0-131071/{SIZE}"')


def test_a_link_to_the_disk_is_refused() -> None:
    with pytest.raises(SourceDataError):
        RangedFile("file:///etc/hostname", 10, patience=quick()).read(1)
