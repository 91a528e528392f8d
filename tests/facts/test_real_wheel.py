"""A torch wheel of PyPI, read over the network in ranges, says itself which code it carries."""

from __future__ import annotations

import io
import json
import re
import urllib.request
import zipfile

import pytest

from envgen.core.platforms import Subdir
from envgen.core.sets import PackageSet
from equipment.catalogs import whole_catalog

pytestmark = [pytest.mark.network, pytest.mark.slow]


class RemoteFile(io.RawIOBase):
    """A seekable read-only file over HTTP range requests."""

    def __init__(self, url: str, size: int) -> None:
        self.url, self.size, self.at, self.tail_at = url, size, 0, max(0, size - 2**21)
        self.tail = self._range(self.tail_at, size)

    def _range(self, start: int, end: int) -> bytes:
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={start}-{end - 1}"})
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 206
            found: bytes = response.read()
            return found

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = (0, self.at, self.size)[whence] + offset
        return self.at

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.size, self.at + size)
        inside = self.at >= self.tail_at
        data = self.tail[self.at - self.tail_at : end - self.tail_at] if inside else self._range(self.at, end)
        self.at = end
        return data


@pytest.mark.parametrize("subdir", [Subdir.LINUX_64, Subdir.LINUX_AARCH64])
def test_the_arch_list_of_pypis_newest_wheel(subdir: Subdir) -> None:
    build = [b for b in whole_catalog().builds(PackageSet.PIP, subdir) if b.on_pypi][-1]
    page = urllib.request.Request(
        "https://pypi.org/simple/torch/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(page, timeout=60) as response:
        files = json.load(response)["files"]
    machine = {Subdir.LINUX_64: "x86_64", Subdir.LINUX_AARCH64: "aarch64"}[subdir]
    name = re.compile(rf"torch-{re.escape(build.torch)}-cp312-cp312-manylinux\S*_{machine}\.whl")
    wheel = next(file for file in files if name.fullmatch(file["filename"]))
    with zipfile.ZipFile(RemoteFile(wheel["url"], wheel["size"])) as archive:
        version = archive.read("torch/version.py").decode()
        library = archive.read("torch/lib/libtorch_python.so")
    assert re.search(r"cuda[^=]*= '([\d.]+)'", version)[1] == f"{build.cuda_tag[2:-1]}.{build.cuda_tag[-1]}"  # type: ignore[index] # no match fails the test just as well
    listed = max(re.findall(rb"(?:sm_\d+[af]? ?){3,}", library), key=len).decode().split()
    assert listed == [str(code) for code in build.codes]
