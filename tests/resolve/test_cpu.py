"""The CPU lane: builds without CUDA, chosen by release, file, companions and options, for no GPU and no driver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.core.platforms import Subdir
from envgen.core.request import DriverOrigin, Request
from envgen.core.resolution import Resolution
from envgen.core.sets import PackageSet
from envgen.core.shipped import Shipped
from envgen.facts.catalog import Catalog, Row
from envgen.resolve import resolve
from envgen.resolve.errors import NoBuildError
from envgen.resolve.shipped import newest
from envgen.resolve.why_not import explain
from resolve.catalog import FROZEN

EVERY = "3.11 3.12 3.13"


def build(torch: str, package_set: str, subdir: str = "linux-64", **cells: str) -> Row:
    """A CPU build, seen."""
    return {
        "torch": torch,
        "set": package_set,
        "subdir": subdir,
        "pythons": EVERY,
        "pythons_seen": cells.get("pythons", EVERY),
        "glibc": "2.28" if subdir.startswith("linux") else "",
        "on_pypi": "",
        "existence": "announced",
        "source": "a source",
        "note": "",
    } | cells


def catalog_of(*rows: Row) -> Catalog:
    indexes = [*FROZEN.rows("cuda_indexes"), {"cuda_tag": "cpu", "url": "https://download.pytorch.org/whl/cpu"}]
    return FROZEN.replaced("cuda_indexes", indexes).replaced("cpu_builds", rows)


def for_cpu(subdir: str = "linux-64", python: str = "3.12", glibc: str = "2.28", torch: str = "") -> Request:
    return Request(
        gpus=(),
        subdir=Subdir(subdir),
        python=python,
        driver=None,
        driver_origin=DriverOrigin.ASSUMED,
        glibc=glibc,
        torch=torch,
        cuda="cpu",
    )


def chosen(found: Resolution) -> list[str | None]:
    return [pairing.build.torch if pairing else None for pairing in (found.pip, found.conda)]


@pytest.mark.parametrize(
    ("rows", "request_", "expected"),
    [
        pytest.param(
            [build("2.8.0", "pip"), build("2.14.1", "pip"), build("2.13.0", "conda")],
            for_cpu(),
            ["2.14.1", "2.13.0"],
            id="the-newest-of-each-set",
        ),
        pytest.param(
            [build("2.8.0", "pip"), build("2.14.1", "pip", pythons_seen="")],
            for_cpu(),
            ["2.14.1", None],
            id="announced-will-do",
        ),
        pytest.param(
            [build("2.8.0", "pip"), build("2.14.1", "pip", pythons_seen="", existence="uncertain")],
            for_cpu(),
            ["2.8.0", None],
            id="uncertain-will-not",
        ),
        pytest.param(
            [build("2.8.0", "pip"), build("2.14.1", "pip", pythons="3.13")],
            for_cpu(),
            ["2.8.0", None],
            id="a-file-for-the-python",
        ),
        pytest.param(
            [build("2.8.0", "pip", glibc="2.17"), build("2.14.1", "pip")],
            for_cpu(glibc="2.17"),
            ["2.8.0", None],
            id="and-for-the-glibc",
        ),
        pytest.param(
            [build("2.8.0", "pip"), build("2.14.1", "pip")],
            for_cpu(torch="<2.14"),
            ["2.8.0", None],
            id="what-is-asked-of-torch",
        ),
        pytest.param(
            [build("2.4.0", "pip"), build("2.4.0", "conda")],
            for_cpu(),
            [None, "2.4.0"],
            id="no-wheel-without-its-torchvision",
        ),
        pytest.param(
            [build("2.4.0", "pip")],
            replace(for_cpu(), vision=False),
            ["2.4.0", None],
            id="unless-it-is-not-wanted",
        ),
        pytest.param(
            [build("2.8.0", "pip"), build("2.14.1", "pip", "osx-arm64", on_pypi="yes")],
            for_cpu("osx-arm64"),
            ["2.14.1", None],
            id="of-the-platform",
        ),
    ],
)
def test_the_build_without_cuda(rows: list[Row], request_: Request, expected: list[str | None]) -> None:
    assert chosen(resolve(catalog_of(*rows), request_)) == expected


def test_a_pairing_without_cuda() -> None:
    rows = (build("2.14.1", "pip"), build("2.13.0", "conda"))
    found = resolve(catalog_of(*rows), for_cpu())
    assert found.driver is None
    assert found.pip is not None
    assert found.conda is not None
    assert (found.pip.torchvision, found.pip.index_url) == ("0.29.1", "https://download.pytorch.org/whl/cpu")
    assert found.conda.specs == ("python=3.12", "pytorch=2.13.0=cpu*", "torchvision")
    for pairing in (found.pip, found.conda):
        assert (pairing.code, pairing.driver_floor, pairing.fully_served, pairing.cudnn_below) == ((), None, True, "")
    assert [notice.code for notice in found.notices] == []


def test_only_what_the_files_need_is_noticed() -> None:
    row = build("2.14.1", "pip", pythons_seen="")
    found = resolve(catalog_of(row), replace(for_cpu(), audio=True))
    # torchaudio 2.11.0 loads beside torch 2.14 (pytorch/audio#4212).
    assert found.pip is not None
    assert found.pip.torchaudio == "2.11.0"
    assert [notice.code for notice in found.notices] == ["no-conda-pairing", "pip-build-announced"]


def test_the_newest_lock_without_cuda() -> None:
    rows = catalog_of(build("2.8.0", "pip"), build("2.14.1", "pip"), build("2.15.0", "pip"))
    locks = [
        Shipped(package_set=PackageSet.PIP, subdir=Subdir.LINUX_64, python="3.12", torch=torch, cuda_tag="cpu")
        for torch in ("2.8.0", "2.14.1")
    ]
    for order in (locks, locks[::-1]):
        found = newest(PackageSet.PIP, order, for_cpu(), rows)
        assert found is not None
        assert found.build.torch == "2.14.1"
    assert newest(PackageSet.PIP, locks, for_cpu(torch="==2.15.0"), rows) is None


def test_why_no_build_without_cuda() -> None:
    rows = catalog_of(build("2.8.0", "pip", pythons="3.11"), build("2.14.1", "pip", pythons="3.13"))
    error = NoBuildError(resolve(rows, for_cpu()), PackageSet.PIP)
    assert error.headline() == "no pip build of PyTorch runs on the CPU with linux-64, Python 3.12"
    assert error.hint() == "use Python 3.13 (--python 3.13): then torch 2.14.1+cpu from pip runs"
    conda = catalog_of(build("2.13.0", "conda", pythons="3.13"))
    assert NoBuildError(resolve(conda, for_cpu())).hint().endswith(": then pytorch 2.13.0 (CPU) from conda runs")
    (newer, older) = explain(rows, for_cpu(), torch="", cuda_tag="")
    assert (newer.build.torch, [code for code, _ in newer.reasons]) == ("2.14.1", ["no-file"])
    assert older.rejection is not None
    assert older.rejection.unlock == {"python": "3.11"}
