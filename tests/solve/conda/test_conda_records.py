"""What a mirror says of a package is judged before it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envgen.core.platforms import Subdir
from envgen.net.errors import SourceDataError
from envgen.net.sites import Site
from envgen.solve.conda.messages import ChildRecord
from envgen.solve.conda.records import locked_package
from envgen.solve.conda.solve import solve_conda
from envgen.solve.conda.source import ChannelSource
from equipment.conda_channel import Row, cuda_query, write_channel

CHANNEL = "https://conda.anaconda.org/conda-forge"
MIRROR = ChannelSource(mirror=Site(url="https://mirror.example"))
GOOD: ChildRecord = {
    "name": "numpy",
    "version": "1!2.0",
    "build": "py312h1_0",
    "build_number": 0,
    "channel": CHANNEL,
    "subdir": "linux-64",
    "filename": "numpy-1!2.0-py312h1_0.conda",
    "url": f"{CHANNEL}/linux-64/numpy-1!2.0-py312h1_0.conda",
    "md5": "a" * 32,
    "sha256": "b" * 64,
    "depends": ["python >=3.12,<3.13.0a0"],
    "constrains": [],
}


def judge(source: ChannelSource = MIRROR, **changes: object) -> str:
    """The URL that would be written."""
    record: ChildRecord = {**GOOD, **changes}  # type: ignore[typeddict-item]
    return locked_package(record, subdir=Subdir.LINUX_64, channels=[CHANNEL], source=source).url


def test_a_true_record_is_locked() -> None:
    assert judge() == judge(ChannelSource()) == GOOD["url"]
    assert judge(subdir="noarch") == f"{CHANNEL}/noarch/{GOOD['filename']}"
    assert judge(url="https://mirror.example/files/numpy.conda") == GOOD["url"]


@pytest.mark.parametrize(
    "changes",
    [
        {"subdir": "win-64"},
        {"subdir": "../../evil"},
        {"subdir": "linux-64\n"},
        {"filename": "../numpy-1!2.0-py312h1_0.conda"},
        {"filename": "numpy-1!2.0-py312h1_0.exe"},
        {"filename": "numpy-3.0-py312h1_0.conda"},
        {"filename": "other-1!2.0-py312h1_0.conda"},
        {"filename": "numpy-1!2.0-py312h1_0.conda%0a"},
        {"name": "num/py", "filename": "num/py-1!2.0-py312h1_0.conda"},
        {"name": "..", "filename": "..-1!2.0-py312h1_0.conda"},
        {"version": "2.0%0ahttps", "filename": "numpy-2.0%0ahttps-py312h1_0.conda"},
        {"version": "2.0\n", "filename": "numpy-2.0\n-py312h1_0.conda"},
        {"build": "h#1", "filename": "numpy-1!2.0-h#1.conda"},
        {"channel": "https://evil.example/conda-forge"},
        {"channel": f"{CHANNEL}/../evil"},
        {"md5": ""},
        {"md5": "A" * 32},
        {"sha256": "b" * 63},
        {"depends": ["python\n- evil"]},
        {"constrains": ["x \x1b[31m"]},
    ],
)
def test_another_one_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SourceDataError) as caught:
        judge(MIRROR, **changes)
    assert caught.value.url == "https://mirror.example"
    assert "\n" not in caught.value.reason


def test_a_channel_may_not_name_another_host_for_its_files() -> None:
    with pytest.raises(SourceDataError):
        judge(ChannelSource(), url="https://evil.example/numpy-1!2.0-py312h1_0.conda")


@pytest.mark.parametrize("change", [{"version": "3"}, {"build": "other_0"}, {"subdir": "win-64"}])
def test_a_record_that_is_not_of_its_file_is_refused(change: dict[str, str], tmp_path: Path) -> None:
    write_channel(tmp_path / "conda-forge", [Row(name="numpy", version="2")], forms=("json",))
    place = tmp_path / "conda-forge/linux-64/repodata.json"
    document = json.loads(place.read_text())
    document["packages.conda"]["numpy-2-h0_0.conda"] |= change
    place.write_text(json.dumps(document))
    with pytest.raises(SourceDataError):
        solve_conda(cuda_query("linux-64", "numpy"), mirror=str(tmp_path), cache_dir=tmp_path / "cache")
