"""Page and program agree on all of it, or the page asks: names, spellings, and what runs for every driver."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envgen.core.drivers import DriverVersion
from envgen.core.errors import UsageError
from envgen.core.gpus import MatchKind
from envgen.core.paths import tree
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.request.options import RequestOptions
from envgen.request.read import read_request
from envgen.resolve import resolve
from envgen.resolve.driver import is_of_windows
from envgen.resolve.errors import JetPackWithoutBuildError
from envgen.site.build import Site
from envgen.site.page_data import page_data
from envgen.site.write import write_site
from equipment.site_page import NEEDS_NODE, run_page, shown, spellings

pytestmark = [pytest.mark.slow, NEEDS_NODE]
TEXTS = Path(__file__).parents[1] / "gpus" / "gpu_texts.csv"


@pytest.fixture(scope="module")
def site() -> Site:
    return Site.load(tree("lockfiles"))


@pytest.fixture(scope="module")
def data(site: Site) -> dict[str, Any]:
    return page_data(site.table, site.names, {}, site.revision)


@pytest.fixture(scope="module")
def program() -> GpuCatalog:
    return GpuCatalog.load(suggests=False)


def said_by(program: GpuCatalog, text: str) -> str:
    match = program.match(text)
    return str(match.gpu.capability) if match.kind is MatchKind.EXACT and match.gpu else match.kind.value


def test_every_name_and_two_thousand_spellings(site: Site, data: dict[str, Any], program: GpuCatalog) -> None:
    names = [gpu.name for gpu in site.names.gpus]
    texts = [*names, *spellings(names, count=2000)]
    for at, (text, found) in enumerate(zip(texts, run_page(data, *(["find", text] for text in texts)), strict=True)):
        said, right = shown(site.names, found), said_by(program, text)
        assert said == right or not said[0].isdigit(), (text, said, right)
        if at < len(names):
            assert said[0].isdigit() or said == "ask", text


def test_what_people_and_programs_write(site: Site, data: dict[str, Any], program: GpuCatalog) -> None:
    with TEXTS.open(encoding="utf-8", newline="") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    answered = same = 0
    wrong = []
    for text, found in zip(texts, run_page(data, *(["find", text] for text in texts)), strict=True):
        said, right = shown(site.names, found), said_by(program, text)
        answered += right[0].isdigit()
        same += right[0].isdigit() and said == right
        if said[0].isdigit() and said != right:
            wrong.append((text, said, right))
    assert wrong == []
    assert same >= 0.9 * answered, (same, answered)


def test_every_pci_id(site: Site, data: dict[str, Any], program: GpuCatalog) -> None:
    texts = [f"10de:{device}" for device in site.names.pci]
    for text, found in zip(texts, run_page(data, *(["find", text] for text in texts)), strict=True):
        said, right = shown(site.names, found), said_by(program, text)
        assert said == ("ask" if right == "ambiguous" else right), (text, said, right)


def questions(data: dict[str, Any], catalog: Catalog) -> Iterator[tuple[str, Subdir, str, str]]:
    """(capability, platform, Python, driver) at each threshold of a row, just below it, and at drivers in between."""
    draw = random.Random(5)
    for subdir in CUDA_SUBDIRS:
        for at, capability in enumerate(data["capabilities"]):
            for python, line in zip(data["pythons"], data["rows"][subdir.value][at], strict=True):
                drivers = {entry.partition(":")[0].lstrip("=") for entry in data["lines"][line].split(",")}
                if not any(driver.startswith("JetPack") for driver in drivers):
                    if not subdir.is_windows:  # as WSL shows them
                        drivers |= {entry.partition(":")[0].lstrip("=") for entry in data["wsl"].split(",")}
                        drivers |= {"471.68", "480.10", "528.32", "528.33", "577.00", "452.38"}
                    drivers |= {just_below(driver) for driver in drivers if driver.count(".") > 1}
                    drivers |= {f"{draw.randint(440, 620)}.{draw.randint(1, 99):02}" for _ in range(3)}
                    drivers |= {str(draw.randint(440, 610))}
                    drivers |= {"456.38", "456"} if subdir.is_windows else set()
                for driver in sorted(drivers):
                    yield capability, subdir, python, driver


def just_below(driver: str) -> str:
    first, second, third = (int(part) for part in driver.split("."))
    return f"{first}.{second}.{third - 1:02}" if third else f"{first}.{second - 1}.99"


def test_what_runs_for_every_capability_platform_python_and_driver(data: dict[str, Any], site: Site) -> None:
    cases = list(questions(data, site.catalog))
    assert len(cases) > 3000
    calls = [
        ["answer", data["capabilities"].index(c), subdir.value, python, driver] for c, subdir, python, driver in cases
    ]
    for case, answer in zip(cases, run_page(data, *calls), strict=True):
        pip, conda = (answer or {}).get("pip"), (answer or {}).get("conda")
        said = (
            f"{pip['torch']}+{pip['tag']} {pip['floor']} {pip['vision']}" if pip else "",
            f"{conda['torch']} cuda{conda['tag'][2:]} {conda['floor']}" if conda else "",
        )
        right = decided(site.catalog, *case)
        driver = case[3]
        on_windows = case[1] is Subdir.WIN_64 or driver.startswith("JetPack")
        if right is not None and not on_windows and is_of_windows(DriverVersion.parse(driver), site.catalog):
            said, right = without_floor(said), without_floor(right)  # WSL: the page states Linux's number of it
        assert right is None or said == right, case


def without_floor(texts: tuple[str, str]) -> tuple[str, str]:
    pip, conda = (" ".join(word for word in text.split() if not word.startswith(("4", "5", "6"))) for text in texts)
    return pip, conda


def decided(catalog: Catalog, capability: str, subdir: Subdir, python: str, driver: str) -> tuple[str, str] | None:
    """What `envgen resolve` decides for the same words; None where it asks for another driver or has nothing."""
    options = RequestOptions(capabilities=(capability,), platforms=(subdir.value,), python=python, drivers=(driver,))
    try:
        (request,) = read_request(options, catalog).requests
    except (JetPackWithoutBuildError, UsageError):
        return None
    resolution = resolve(catalog, request)
    pip, conda = resolution.pip, resolution.conda
    return (
        f"{pip.build.short_label} {pip.driver_floor} {pip.torchvision}" if pip else "",
        f"{conda.build.torch} cuda{conda.build.cuda_tag[2:]} {conda.driver_floor}" if conda else "",
    )


@pytest.mark.parametrize(
    "text",
    [
        "GTX 1080 Ti and RTX 5090",
        "| 0 NVIDIA GeForce GTX 1080 Ti Off | | 1 NVIDIA GeForce RTX 3090 Off |",
        "GPU 0: Tesla K80 GPU 1: NVIDIA A100-SXM4-40GB",
    ],
)
def test_a_text_with_two_cards_is_answered_for_neither(text: str, data: dict[str, Any]) -> None:
    assert run_page(data, ["find", text])[0]["state"] == "several"


def test_two_cards_of_one_capability_are_one_question(data: dict[str, Any], site: Site) -> None:
    assert shown(site.names, run_page(data, ["find", "RTX 3090 and RTX 3080"])[0]) == "8.6"


def test_the_whole_site_is_small(site: Site, tmp_path: Path) -> None:
    assert write_site(tmp_path / "site", site.files(), force=False) > 2000
    assert sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file()) < 30 << 20
