"""A folder of wheels is an index: by CUDA tag or flat, with hashes and metadata, whole or in ranges."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.core.errors import UsageError
from envgen.net.deadline import Deadline, Patience
from envgen.net.pip_index import read_project, read_requires
from envgen.net.sites import Site, check_wheel_mirror, wheel_site
from equipment.wheel_index import ServedWheel, make_wheel

TORCH = make_wheel("torch-2.99.0+cu126-cp312-cp312-linux_x86_64.whl", ("filelock",))
VISION = make_wheel("torchvision-0.99.0+cu126-cp312-cp312-linux_x86_64.whl", ("torch==2.99.0",))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """torch in the folder of its tag, torchvision in the folder itself, and what is no wheel."""
    for place, wheel in (("cu126/torch", TORCH), ("", VISION)):
        put(tmp_path / place, wheel)
    (tmp_path.parent / "notes.whl").write_text("of somebody else", encoding="utf-8")
    (tmp_path / "notes.whl").write_text("no wheel", encoding="utf-8")
    with wheel_site(str(tmp_path)) as url:
        yield url


def put(folder: Path, wheel: ServedWheel) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / wheel.filename).write_bytes(wheel.content or b"")


def test_the_pages_name_the_wheels_with_hash_and_metadata(site: str) -> None:
    patience = Patience(deadline=Deadline.after(20))
    index = Site.parse(f"{site}/cu126")
    for wheel, needs in ((TORCH, ("filelock",)), (VISION, ("torch==2.99.0",))):
        page = read_project(index, wheel.project, patience=patience)
        assert page is not None
        (file,) = page.files
        assert (file.name.filename, file.sha256, file.has_metadata) == (wheel.filename, wheel.sha256, True)
        assert read_requires(index, file, patience=patience) == needs
    assert read_project(index, "torchaudio", patience=patience) is None
    other = read_project(Site.parse(f"{site}/cu128"), "torch", patience=patience)
    assert other is None


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("", 200, slice(None)),
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-22", 206, slice(-22, None)),
    ],
)
def test_a_file_is_sent_whole_or_in_part(site: str, asked: str, status: int, part: slice) -> None:
    request = urllib.request.Request(f"{site}/cu126/{TORCH.filename}", headers={"Range": asked} if asked else {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == status
        assert answer.read() == (TORCH.content or b"")[part]


@pytest.mark.parametrize(
    "path", ["/../notes.whl", "/%2e%2e/notes.whl", "/../../etc/passwd", "/cu126/other-1-py3-none-any.whl", "/"]
)
def test_nothing_else_is_served(site: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(site + path, timeout=20)
    assert caught.value.code == 404
    caught.value.close()


def test_a_url_stays_as_it_is() -> None:
    with wheel_site("https://mirror.example/whl") as url:
        assert url == "https://mirror.example/whl"
    with wheel_site("") as url:
        assert url == ""


@pytest.mark.parametrize("mirror", ["/nowhere/at/all", "ftp://host/whl", "file:///srv/whl"])
def test_what_is_neither_a_url_nor_a_folder_is_a_usage_error(mirror: str) -> None:
    with pytest.raises(UsageError, match="neither a URL nor a folder"):
        check_wheel_mirror(mirror)


def test_a_file_that_changed_has_another_hash(tmp_path: Path) -> None:
    patience = Patience(deadline=Deadline.after(20))
    put(tmp_path, TORCH)
    with wheel_site(str(tmp_path)) as url:
        read_project(Site.parse(f"{url}/cu126"), "torch", patience=patience)
        (tmp_path / TORCH.filename).write_bytes((TORCH.content or b"") + b"\0")
        page = read_project(Site.parse(f"{url}/cu126"), "torch", patience=patience)
    assert page is not None
    assert page.files[0].sha256 == hashlib.sha256((TORCH.content or b"") + b"\0").hexdigest()
