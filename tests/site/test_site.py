"""The site says what the program says: its tables, its script, its files."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from envgen.cli.main import main
from envgen.core.capability import ComputeCapability
from envgen.core.drivers import DriverVersion
from envgen.core.gpus import Gpu, MatchKind
from envgen.core.paths import tree
from envgen.core.platforms import CUDA_SUBDIRS, Subdir
from envgen.core.request import DriverOrigin, Request, RequestedGpu
from envgen.facts.catalog import Catalog
from envgen.gpus.catalog import GpuCatalog
from envgen.lock.shipped import ShippedLocks
from envgen.output.errors import OutputOtherError
from envgen.resolve import resolve
from envgen.site.archives import archive, download_size
from envgen.site.build import Site
from envgen.site.compat import compat, compat_schema
from envgen.site.decisions import Table
from envgen.site.names import NameTables
from envgen.site.write import write_site
from equipment.examples import examples
from equipment.site_page import NEEDS_NODE, shown, spellings

Page = Callable[..., list[Any]]


def decide(catalog: Catalog, capability: str, subdir: Subdir, driver: str) -> tuple[str, str]:
    """(pip, conda) as the program decides."""
    found = ComputeCapability.parse(capability)
    gpu = Gpu(name=capability, capability=found, architecture=catalog.support[found].architecture)
    request = Request(
        gpus=(RequestedGpu(input=capability, gpu=gpu),),
        subdir=subdir,
        python="3.12",
        driver=DriverVersion.parse(driver),
        driver_origin=DriverOrigin.GIVEN,
        glibc=catalog.default_glibc,
    )
    resolution = resolve(catalog, request)
    pip, conda = resolution.pip, resolution.conda
    return pip.build.short_label if pip else "", conda.build.short_label if conda else ""


@NEEDS_NODE
@pytest.mark.parametrize("subdir", CUDA_SUBDIRS)
def test_the_page_answers_as_the_program_decides(
    subdir: Subdir, catalog: Catalog, data: dict[str, Any], page: Page
) -> None:
    draw = random.Random(7)
    drivers = [f"{draw.randint(440, 620)}.{draw.randint(1, 99):02}" for _ in range(examples(60))]
    drivers += ["525.60.13", "525.60.12", "580.65.06", "528.33", "528.32", "580.88", "570.00", "582.78"]
    drivers += ["460.106", "460.107", "460.107.01", "460", "470.300", "475", "496", "535.310", "535", "560.94"]
    cases = [(capability, driver) for capability in ("6.1", "7.5", "12.0") for driver in drivers]
    calls = [["answer", data["capabilities"].index(c), subdir.value, "3.12", d] for c, d in cases]
    for (capability, driver), answer in zip(cases, page(*calls), strict=True):
        pip, conda = (answer or {}).get("pip"), (answer or {}).get("conda")
        said = (
            f"{pip['torch']}+{pip['tag']}" if pip else "",
            f"{conda['torch']} cuda{conda['tag'][2:]}" if conda else "",
        )
        assert said == decide(catalog, capability, subdir, driver), (capability, driver)


@NEEDS_NODE
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("MX450", "7.5", id="short"),
        pytest.param("NVIDIA GeForce GTX 1080 Ti/PCIe/SSE2", "6.1", id="renderer"),
        pytest.param("10de:1f97", "7.5", id="pci-id"),
        pytest.param("PCI\\VEN_10DE&DEV_2B85&SUBSYS_00000000", "12.0", id="device-manager"),
        pytest.param("ANGLE (NVIDIA, NVIDIA GeForce RTX 5090 (0x00002B85) Direct3D11 vs_5_0)", "12.0", id="webgl"),
        pytest.param("g4dn.xlarge", "7.5", id="instance-type"),
        pytest.param("|   0  NVIDIA GeForce RTX 2080 Ti     Off | 00000000:01:00.0  On |   N/A |", "7.5", id="smi-row"),
        pytest.param("GeForce GTX 980, or similar", "changed", id="hidden-card"),
        pytest.param("RTX 5090 SUPER", "changed", id="future-card"),
        pytest.param("not a GTX 1080", "changed", id="negation"),
        pytest.param("NVIDIA GeForce MX450 laptop", "7.5", id="a-line-of-laptops-only"),
        pytest.param("GTX 1080 Ti laptop", "changed", id="a-desktop-card-said-to-be-in-a-laptop"),
        pytest.param("GTX TITAN X (Pascal)", "6.1", id="two-words-in-front"),
        pytest.param("AMD Radeon RX 7900 XTX", "vendor", id="other-vendor"),
        pytest.param("ANGLE (Intel, Intel(R) Iris(R) Xe Graphics (0x00009A49) Direct3D11)", "vendor", id="intel-webgl"),
        pytest.param("Intel(R) UHD Graphics 620 / NVIDIA GeForce MX250", "6.1", id="beside-an-integrated-one"),
        pytest.param("지포스 MX450", "7.5", id="korean"),
        pytest.param("8x GTX 1080 Ti", "6.1", id="several-boards"),
        pytest.param("HP LaserJet P40", "unknown", id="printer"),
        pytest.param("", "unknown", id="empty"),
    ],
)
def test_what_people_paste(text: str, expected: str, names: NameTables, page: Page) -> None:
    assert shown(names, page(["find", text])[0]) == expected


@NEEDS_NODE
def test_the_page_never_names_another_card_than_the_program(names: NameTables, page: Page) -> None:
    texts = spellings([gpu.name for gpu in names.gpus], count=600)
    program = GpuCatalog.load(suggests=False)
    for text, found in zip(texts, page(*(["find", text] for text in texts)), strict=True):
        said = shown(names, found)
        match = program.match(text)
        right = str(match.gpu.capability) if match.kind is MatchKind.EXACT and match.gpu else match.kind.value
        assert said == right or not said[0].isdigit(), (text, said, right)


@NEEDS_NODE
@pytest.mark.parametrize(
    ("text", "driver"),
    [
        pytest.param(
            "| NVIDIA-SMI 550.54.15  Driver Version: 550.54.15  CUDA Version: 12.4 |", "550.54.15", id="banner"
        ),
        pytest.param("Driver Version 32.0.15.6094 (2024)", "560.94", id="four-fields-of-windows"),
        pytest.param("560.94", "560.94", id="the-number"),
        pytest.param("12.6", "", id="a-cuda-version"),
    ],
)
def test_a_driver_is_read_from_what_is_pasted(text: str, driver: str, page: Page) -> None:
    assert page(["driverIn", text]) == [driver]


def test_a_lock_becomes_the_same_zip_each_time_and_says_what_to_type() -> None:
    locks = ShippedLocks.read(tree("lockfiles"))
    lock = next(lock for lock in locks.locks if lock.subdir is Subdir.WIN_64 and lock.package_set.value == "pip")
    packed = archive(lock, locks.files(lock))
    assert packed == archive(lock, locks.files(lock))
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        names = {name.partition("/")[2] for name in opened.namelist()}
        readme = opened.read(next(name for name in opened.namelist() if name.endswith("README.txt"))).decode()
    assert {"requirements.txt", "pylock.toml", "smoke_test.py", "README.txt"} <= names
    assert rf"py -{lock.python} -m venv .venv" in readme
    assert r".venv\Scripts\python -m pip install --require-hashes -r requirements.txt" in readme


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(OutputOtherError):
        write_site(tmp_path, [("index.html", b"")], force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    target = tmp_path / "site"
    assert write_site(target, [("index.html", b"1"), ("gpu/a.html", b"2")], force=False) == 2
    assert write_site(target, [("index.html", b"3")], force=False) == 1
    assert {path.name for path in target.iterdir()} == {".envgen-site", "index.html"}


@pytest.mark.parametrize(
    ("place", "fact"),
    [
        (".", "it needs a name"),
        ("x/..", "it needs a name"),
        ("/", "it needs a name"),
        ("mine.txt", "mine.txt is no folder"),
        ("mine.txt/site", "mine.txt is no folder"),
        ("a" * 300, "File name too long"),
        ("mine", "holds other files"),
    ],
)
def test_a_place_is_refused_before_anything_is_decided(
    place: str, fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To decide for every GPU takes the better part of a minute."""
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("x", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Site, "load", None)
    assert main(["site", "--output", place]) in (2, 4)
    assert fact in capsys.readouterr().err


def test_a_site_that_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    write_site(tmp_path / "site", [("index.html", b"old")], force=False)

    def broken() -> Any:
        yield "index.html", b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_site(tmp_path / "site", broken(), force=False)
    assert (tmp_path / "site" / "index.html").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


class Links(HTMLParser):
    """The addresses in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def test_pages_of_a_small_site_fit_together(catalog: Catalog, names: NameTables, table: Table) -> None:
    site = Site(catalog=catalog, names=names, table=table, shipped=ShippedLocks.read(tree("lockfiles")))
    files = dict(site.files())
    for path, data in files.items():
        if not path.endswith(".html"):
            continue
        text = data.decode("utf-8")
        links = Links()
        links.feed(text)
        for link in links.found:
            target = link.partition("#")[0]
            if target and "://" not in target:
                parts: list[str] = []
                for part in (Path(path).parent / target).as_posix().split("/"):
                    parts = parts[:-1] if part == ".." else [*parts, part]
                assert "/".join(part for part in parts if part != ".") in files, (path, link)
        assert "://" not in re.sub(
            r"https://(?:pypi\.org|download\.pytorch\.org|docs\.astral\.sh)[^\"]*", "", "".join(links.found)
        )
        assert "default-src &#39;none&#39;" in text
    jsonschema.Draft202012Validator.check_schema(compat_schema())
    jsonschema.validate(compat(catalog, names, table, "x"), compat_schema())
    assert 'href="../../schemas/envgen-toml.schema.json"' in files["ko/docs/targets.html"].decode()
    pascal = files["gpu/geforce-gtx-1080-ti.html"].decode()
    assert re.findall(r"<td>(525\.60\.13|526|528\.33)</td>", pascal) == ["525.60.13", "528.33", "525.60.13"]
    mx450 = files["gpu/geforce-mx450.html"].decode()
    assert "<dd>7.5</dd>" in mx450
    assert "10de:1f97" in mx450
    k80 = files["gpu/tesla-k80.html"].decode()
    assert "The last PyTorch release with code for this card on Windows is 2.3.1" in k80


@NEEDS_NODE
def test_a_windows_number_counts_on_linux_as_the_branch_that_it_is(data: dict[str, Any], page: Page) -> None:
    """WSL shows the driver of Windows: R525 is 526 to 529 there, 528.33 the floor of CUDA 12 (CUDA's release notes)."""
    at = data["capabilities"].index("6.1")
    asked = ("520.61.05", "528.32", "525", "528.33", "529.19", "528", "577.00", "575")
    found = page(*(["answer", at, "linux-64", "3.12", driver] for driver in asked))
    torch = dict(zip(asked, (f"{answer['pip']['torch']}+{answer['pip']['tag']}" for answer in found), strict=True))
    assert torch["528.32"] == torch["520.61.05"] != torch["525"]
    assert torch["528.33"] == torch["529.19"] == torch["528"] == torch["525"]
    assert torch["577.00"] == torch["575"]


@NEEDS_NODE
@pytest.mark.parametrize(
    ("driver", "branch"),
    [
        pytest.param("454.65", "", id="windows-alone-before-r495"),
        pytest.param("475", "", id="a-bare-number-that-linux-lacks"),
        pytest.param("460.107", "", id="above-the-last-of-linux"),
        pytest.param("460", "460", id="a-branch-of-linux"),
        pytest.param("460.107.01", "460.107.01", id="linux"),
        pytest.param("496.13", "495", id="the-first-with-cuda-in-wsl"),
        pytest.param("560.94", "560", id="one-number-for-both"),
    ],
)
def test_a_driver_without_cuda_in_wsl_has_no_branch_there(driver: str, branch: str, page: Page) -> None:
    """NVIDIA's WSL guide: "R495 and later windows will have CUDA support for WSL 2"."""
    assert page(["inWsl", driver]) == [branch]


@NEEDS_NODE
def test_in_wsl_every_driver_that_is_named_is_one_of_windows(data: dict[str, Any], page: Page) -> None:
    """560.94 is a Windows number: there the floor of CUDA 12.6 is 528.33 (525.60.13 on Linux)."""
    turing = data["capabilities"].index("7.5")
    linux, wsl, windows = page(
        ["answer", turing, "linux-64", "3.12", "560.35.03"],
        ["answer", turing, "linux-64", "3.12", "560.94"],
        ["answer", turing, "win-64", "3.12", "560.94"],
    )
    assert [wsl["pip"][key] for key in ("torch", "tag")] == [linux["pip"][key] for key in ("torch", "tag")]
    assert (linux["pip"]["floor"], wsl["pip"]["floor"]) == ("525.60.13", "528.33")
    assert wsl["newer"] == windows["newer"]


def test_no_size_is_stated_where_that_of_torch_is_unknown() -> None:
    """A set with torch for CUDA is a download of gigabytes; pylock.toml lacks the sizes of some indexes' wheels."""
    locks = ShippedLocks.read(tree("lockfiles"))
    sizes = [download_size(lock, locks.files(lock)) for lock in locks.locks]
    assert any(sizes)
    assert all(size > 500_000_000 for size in sizes if size)
