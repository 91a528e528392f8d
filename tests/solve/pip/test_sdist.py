"""What a source distribution asks for, read from what it states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from envgen.net.deadline import Deadline, Patience, Retry
from envgen.net.errors import SourceDataError
from envgen.net.pip_index import SourceFile
from envgen.solve.pip.sdist import Sdist, read_sdist
from equipment.wheel_index import ServedWheel, WheelIndex, make_sdist

HEAD = "Metadata-Version: 2.1\nName: plum\nVersion: 1.0\nRequires-Python: >=3.9\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WheelIndex]:
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path))
    with WheelIndex(wheels={}).running() as running:
        yield running


def read(index: WheelIndex, served: ServedWheel) -> Sdist:
    index.wheels = {"/simple": [served]}
    source = SourceFile(
        version="1.0", url=index.url(f"/simple/{served.filename}"), sha256=served.sha256, is_yanked=False
    )
    return read_sdist(source, patience=Patience(deadline=Deadline.after(20), retry=Retry(attempts=1)))


@pytest.mark.parametrize(
    ("members", "requires"),
    [
        pytest.param({"PKG-INFO": HEAD + "Requires-Dist: tqdm>=4\n"}, ("tqdm>=4",), id="PKG-INFO states them"),
        pytest.param({"PKG-INFO": HEAD}, (), id="none"),
        pytest.param(
            # The form of setuptools' requires.txt, as in fairseq-0.12.2.tar.gz.
            {
                "PKG-INFO": HEAD,
                "plum.egg-info/requires.txt": "cffi\nnumpy>=1\n\n[:python_version < '3.10']\nxx\n\n[docs]\nyy",
            },
            ("cffi", "numpy>=1", "xx; (python_version < '3.10')", 'yy; extra == "docs"'),
            id="requires.txt of setuptools",
        ),
    ],
)
def test_what_it_asks_for(index: WheelIndex, members: Mapping[str, str], requires: tuple[str, ...]) -> None:
    found = read(index, make_sdist("plum-1.0.tar.gz", members))
    assert (found.requires, found.requires_python) == (requires, ">=3.9")
    asked = len(index.requests)
    assert read(index, make_sdist("plum-1.0.tar.gz", members)) == found
    assert len(index.requests) == asked


def test_an_archive_without_metadata_is_refused(index: WheelIndex) -> None:
    with pytest.raises(SourceDataError, match="it has no PKG-INFO"):
        read(index, make_sdist("plum-1.0.tar.gz", {}))
