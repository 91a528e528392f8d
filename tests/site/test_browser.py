"""What people do with the site, in Chromium: type, paste, detect, choose, copy, download, link; by keyboard too."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.core.paths import tree
from envgen.site.build import Site
from envgen.site.write import write_site
from equipment.site_browser import CHECKERS, CHROMIUM, Browser, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]
# What Task Manager and Device Manager show, and an nvidia-smi as it is posted.
SMI = """Sat Nov 28 10:12:01 2026
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 560.94                 Driver Version: 560.94         CUDA Version: 12.6     |
|-----------------------------------------+------------------------+----------------------+
| GPU  Name                  Driver-Model | Bus-Id          Disp.A | Volatile Uncorr. ECC |
|=========================================+========================+======================|
|   0  NVIDIA GeForce MX450         WDDM  |   00000000:01:00.0 Off |                  N/A |
+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|    0   N/A  N/A      1704    C+G   ...crosoft\\Edge\\Application\\msedge.exe      N/A      |
+-----------------------------------------------------------------------------------------+
"""
DEVICE_MANAGER = "PCI\\VEN_10DE&DEV_1F97&SUBSYS_127F17AA&REV_A1\nDriver version 32.0.15.6094"
WINDOWS = "index.html#platform=win-64"
KINDS = (
    "index.html#gpu=MX450&driver=560.94&platform=win-64",
    "index.html#gpu=GT+730",
    "index.html#gpu=RTX+9999",
    "index.html#gpu=Jetson+AGX+Orin",
    "gpus.html",
    "releases.html",
    "data.html",
    "codes.html",
    "codes/driver-too-old.html",
    "docs.html",
    "docs/commands.html",
    "docs/ci.html",
    "docs/targets.html",
    "docs/python.html",
    "gpu/geforce-mx450.html",
    "gpu/jetson-agx-orin.html",
    "torch/2.14.1.html",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("browser") / "site"
    write_site(target, Site.load(tree("lockfiles")).files(), force=False)
    return target


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Browser]:
    with started(folder) as found:
        yield found


def test_typing_a_name_answers_with_commands(browser: Browser) -> None:
    visit = browser.visit().open(WINDOWS)
    visit.type("mx450")
    assert "GeForce MX450: PyTorch 2.15.0 (CUDA 13.2)" in visit.answer()
    visit.page.fill("#driver", "560.94")
    visit.page.press("#driver", "Enter")
    assert "GeForce MX450: PyTorch 2.14.1 (CUDA 12.6)" in visit.answer()
    assert "driver 580.88 or newer would give PyTorch 2.15.0" in visit.answer()
    assert "py -3.12 -m venv .venv" in visit.answer()
    assert visit.said == []


@pytest.mark.parametrize(("text", "reads"), [(SMI, "560.94"), (DEVICE_MANAGER, "32.0.15.6094")])
def test_a_paste_fills_in_card_driver_and_system(text: str, reads: str, browser: Browser) -> None:
    visit = browser.visit().open("index.html#platform=linux-64")
    visit.paste(text)
    assert "GeForce MX450: PyTorch 2.14.1 (CUDA 12.6)" in visit.answer()
    assert visit.page.input_value("#driver") == "560.94", reads
    assert visit.page.input_value("#platform") == "win-64"


def test_the_driver_of_a_paste_goes_with_it(browser: Browser) -> None:
    """A typed one stays: it is of the computer, whatever card is looked up."""
    visit = browser.visit().open(WINDOWS)
    visit.paste(SMI)
    assert visit.page.input_value("#driver") == "560.94"
    visit.type("Tesla K80")
    assert visit.page.input_value("#driver") == ""
    visit.page.fill("#driver", "475.14")
    visit.type("Tesla K40")
    assert visit.page.input_value("#driver") == "475.14"


def test_detect_reads_what_webgl_says(browser: Browser) -> None:
    angle = "ANGLE (NVIDIA, NVIDIA GeForce RTX 5090 (0x00002B85) Direct3D11 vs_5_0 ps_5_0, D3D11)"
    visit = browser.visit(renderer=angle).open(WINDOWS)
    visit.page.click("#detect")
    assert "GeForce RTX 5090: PyTorch 2.15.0 (CUDA 13.2)" in visit.answer()


@pytest.mark.parametrize(
    "renderer",
    [
        pytest.param("GeForce GTX 980, or similar", id="firefox"),
        pytest.param("Apple GPU", id="safari"),
        pytest.param("ANGLE (Intel, Intel(R) UHD Graphics 620 (0x00003EA0) Direct3D11)", id="integrated"),
        pytest.param("", id="none"),
    ],
)
def test_a_browser_that_hides_the_card_is_said_to(renderer: str, browser: Browser) -> None:
    visit = browser.visit(renderer=renderer).open(WINDOWS)
    visit.page.click("#detect")
    assert "This browser doesn't tell which NVIDIA card is in the computer" in visit.answer()
    assert "PyTorch" not in visit.answer()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("AMD Radeon RX 7900 XTX", "That is not an NVIDIA card."),
        ("GeForce GTX 980, or similar", "A word beside the name can make it another card, so nothing is answered."),
        ("HP LaserJet P40", "No card of that name is known."),
        ("GTX 1080 Ti and RTX 5090", 'uvx cuda-envgen --gpu "GeForce GTX 1080 Ti" --gpu "GeForce RTX 5090"'),
        ("GeForce RTX 40", "Did you mean one of these?"),
    ],
)
def test_what_is_no_one_card_is_said_to_be_that(text: str, says: str, browser: Browser) -> None:
    visit = browser.visit().open("index.html#platform=linux-64")
    visit.type(text)
    assert says in visit.answer()
    assert "PyTorch 2" not in visit.answer()
    assert visit.said == []


@pytest.mark.parametrize(
    ("driver", "says"),
    [
        ("12.6", "is a CUDA version"),
        ("latest", "is not one version of NVIDIA's driver"),
        ("570.133.20", "is a Linux driver's version"),
        ("450", "Driver 450 is too old for every build with code for this card"),
    ],
)
def test_what_is_no_driver_is_said_to_be_that(driver: str, says: str, browser: Browser) -> None:
    visit = browser.visit().open("index.html#gpu=MX450&platform=win-64")
    visit.page.fill("#driver", driver)
    visit.page.press("#driver", "Enter")
    assert says in visit.answer()
    assert "undefined" not in visit.answer()


def test_a_jetson_has_its_jetpacks(browser: Browser) -> None:
    visit = browser.visit().open("index.html#gpu=Jetson+AGX+Orin&platform=win-64")
    assert visit.page.input_value("#platform") == "linux-aarch64"
    assert visit.page.is_hidden("#driver")
    visit.page.select_option("#jetpack", "JetPack 6.2")
    assert "from conda only" in visit.answer()
    assert "NVIDIA has wheels of its own" in visit.answer()


def test_a_name_of_several_cards_is_asked_about(browser: Browser) -> None:
    visit = browser.visit().open(WINDOWS)
    visit.type("GT 730")
    assert "Which one is it?" in visit.answer()
    visit.page.click("#answer button:has-text('(3.5)')")
    assert "GeForce GT 730: no PyTorch build with CUDA" in visit.answer()
    assert "No build for this system has code for compute capability 3.5." in visit.answer()
    again = browser.visit().open(visit.page.url.partition(visit.address + "/")[2])
    assert again.answer() == visit.answer()


def test_copy_puts_the_commands_on_the_clipboard(browser: Browser) -> None:
    visit = browser.visit().open("index.html#gpu=MX450&driver=560.94&platform=win-64")
    visit.page.click("#answer .copy >> nth=0")
    copied = visit.page.evaluate("() => navigator.clipboard.readText()").replace("\r\n", "\n")
    assert copied == (
        "py -3.12 -m venv .venv\n.venv\\Scripts\\python -m pip install torch==2.14.1 torchvision==0.29.1"
        " --index-url https://download.pytorch.org/whl/cu126"
    )
    assert visit.page.inner_text("#answer .copy >> nth=0") == "Copied"


def test_the_lock_is_one_download(browser: Browser) -> None:
    visit = browser.visit().open("index.html#gpu=MX450&driver=560.94&platform=win-64")
    visit.page.click("#answer summary")
    with visit.page.expect_download() as waiting:
        visit.page.click("#answer a[href$='.zip'] >> nth=0")
    packed = zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    names = {name.partition("/")[2] for name in packed.namelist()}
    assert {"requirements.txt", "smoke_test.py", "README.txt"} <= names
    folder = packed.namelist()[0].partition("/")[0]
    assert f"tar -xf {waiting.value.suggested_filename}\ncd {folder}\n" in visit.answer()


COUNT = "() => { window.clicks = 0; addEventListener('click', (e) => { clicks += e.detail > 0; }, true); }"
ON_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"


def test_a_stranger_on_windows_has_the_lock_and_its_commands_after_three_clicks(browser: Browser) -> None:
    visit = browser.visit(user_agent=ON_WINDOWS).open()
    visit.page.evaluate(COUNT)
    visit.type("MX450")
    assert "py -3.12 -m venv .venv" in visit.answer()  # after one click, into the field
    visit.page.click("#answer summary")
    with visit.page.expect_download() as waiting:
        visit.page.click("#answer a[href$='.zip'] >> nth=0")
    assert visit.page.evaluate("clicks") == 3
    packed = zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    folder = packed.namelist()[0].partition("/")[0]
    written = re.findall(r"^    (.+)$", packed.read(f"{folder}/README.txt").decode(), re.MULTILINE)
    shown = visit.page.inner_text("#answer details pre >> nth=0").splitlines()
    # tests/test_readme_commands.py runs these.
    assert shown == [f"tar -xf {waiting.value.suggested_filename}", f"cd {folder}", *written]


@pytest.mark.parametrize("paste", ["GTX 1080 Ti and RTX 5090", SMI.replace("MX450 ", "GTX 980", 1) + SMI])
def test_of_several_cards_the_page_says_who_decides_for_all(paste: str, browser: Browser) -> None:
    visit = browser.visit().open(WINDOWS)
    visit.page.fill("#driver", "560.94")
    visit.paste(paste)
    assert "this page decides for one card at a time" in visit.answer()
    assert "ask the command, which decides for all of them together" in visit.answer()
    assert "--platform win-64 --python 3.12 --driver 560.94" in visit.answer()
    assert "PyTorch 2" not in visit.answer()


@pytest.mark.parametrize("language", ["", "ko/"])
def test_the_documents_are_pages(language: str, browser: Browser) -> None:
    visit = browser.visit().open(f"{language}index.html")
    visit.page.click("nav a[href='docs.html']")
    visit.page.click("main a[href='docs/commands.html']")
    assert "envgen why-not" in visit.page.inner_text("main")
    visit.page.click("main a[href='targets.html']")
    assert "[targets.lab]" in visit.page.inner_text("main pre >> nth=0")
    assert visit.said == []


def test_the_address_is_the_question(browser: Browser) -> None:
    visit = browser.visit().open(WINDOWS)
    visit.type("GTX 1080 Ti")
    visit.page.select_option("#python", "3.13")
    visit.page.fill("#driver", "551.23")
    visit.page.press("#driver", "Enter")
    visit.page.check("#update")
    again = browser.visit().open(visit.page.url.partition(visit.address + "/")[2])
    assert again.answer() == visit.answer()
    assert "GeForce GTX 1080 Ti: PyTorch 2.14.1 (CUDA 12.6)" in again.answer()
    assert again.page.is_checked("#update")


def test_the_keyboard_is_enough(browser: Browser) -> None:
    visit = browser.visit().open(WINDOWS)
    keyboard, active = visit.page.keyboard, "() => document.activeElement.id || document.activeElement.className"
    for _ in range(20):
        keyboard.press("Tab")
        if visit.page.evaluate(active) == "gpu":
            break
    keyboard.type("RTX 4090")
    visit.settle()
    seen = []
    for _ in range(20):
        keyboard.press("Tab")
        seen.append(visit.page.evaluate(active))
        if seen[-1] == "tab-pip":
            break
    assert seen == ["detect", "platform", "python", "driver", "update", "tab-pip"]
    keyboard.press("ArrowRight")
    assert visit.page.evaluate(active) == "tab-uv"
    assert "uv pip install torch==2.15.0" in visit.answer()
    for _ in range(2):
        keyboard.press("Tab")
    assert visit.page.evaluate(active) == "copy"
    keyboard.press("Enter")
    visit.settle()
    assert visit.page.evaluate("() => navigator.clipboard.readText()").startswith("uv venv --python 3.12")


@pytest.mark.parametrize("path", KINDS)
def test_a_phone_shows_each_page_without_scrolling_sideways(path: str, browser: Browser) -> None:
    visit = browser.visit(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True).open(path)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_a_script_there_is_a_page_for_each_card(browser: Browser) -> None:
    visit = browser.visit(java_script_enabled=False).open()
    visit.page.click("noscript a")
    visit.page.click("a:text-is('GeForce MX450')")
    text = visit.page.inner_text("main")
    assert "PyTorch 2.15.0+cu132 runs, with driver 580.88 or newer." in text
    assert "py -3.12 -m venv .venv" in text


def test_korean(browser: Browser) -> None:
    visit = browser.visit().open("ko/index.html#gpu=MX450&driver=560.94&platform=win-64")
    assert "동작합니다" in visit.answer()
    assert "드라이버 580.88 이상이면 PyTorch 2.15.0" in visit.answer()
    visit.page.click("#answer summary")
    with visit.page.expect_download():
        visit.page.click("#answer a[href$='.zip'] >> nth=0")
    visit.page.click("nav a[hreflang=en]")
    assert visit.page.title() == "Which PyTorch runs on your NVIDIA GPU"


def test_from_a_folder_without_a_network(browser: Browser, folder: Path) -> None:
    visit = browser.visit(folder.as_uri(), offline=True).open(WINDOWS)
    visit.type("MX450")
    assert "GeForce MX450: PyTorch" in visit.answer()
    visit.page.click("#answer .copy >> nth=0")
    visit.settle()
    assert visit.page.inner_text("#answer .copy >> nth=0") == "Copied"
    visit.page.click("#answer a[href^='gpu/']")
    assert "PyTorch and CUDA for GeForce MX450" in visit.page.inner_text("h1")
    assert {url.partition(":")[0] for url in visit.asked} == {"file"}
    assert visit.said == []


@pytest.mark.skipif(not (CHECKERS / "axe-core").is_dir(), reason="npm ci --prefix tests/site/checkers was not run")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["", "ko/"])
def test_every_kind_of_page_is_accessible_and_its_console_is_clean(
    scheme: str, language: str, browser: Browser
) -> None:
    axe = (CHECKERS / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    plain, checked = browser.visit(color_scheme=scheme), browser.visit(color_scheme=scheme, bypass_csp=True)
    for path in KINDS:
        plain.open(language + path)
        checked.open(language + path).page.evaluate(axe)
        found = checked.page.evaluate("axe.run().then((run) => run.violations.map((v) => [v.id, v.nodes[0].html]))")
        assert found == [], path
    assert plain.said == []
    assert all(url.startswith(plain.address) or url == "about:blank" for url in plain.asked)


def test_the_finder_is_light_and_soon_there(browser: Browser, folder: Path) -> None:
    import gzip

    for name in ("index.html", "ko/index.html"):
        assert len(gzip.compress((folder / name).read_bytes(), 9)) < 40 * 1024
    visit = browser.visit().open()
    ready = "() => performance.getEntriesByType('navigation')[0].domInteractive"
    times = []
    for _ in range(5):
        visit.page.reload()
        times.append(visit.page.evaluate(ready))
    assert min(times) < 200


@pytest.mark.skipif(not (CHECKERS / "vnu-jar").is_dir(), reason="npm ci --prefix tests/site/checkers was not run")
def test_every_page_is_valid_html(folder: Path) -> None:
    jar = CHECKERS / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = subprocess.run(
        ["java", "-Xss4m", "-jar", str(jar), "--format", "json", "--errors-only", "--skip-non-html", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stderr)["messages"]
    assert [(Path(m["url"]).name, m["message"]) for m in found][:5] == []


def test_the_site_names_no_other_site_but_sources(folder: Path) -> None:
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="https?:', text) == []
