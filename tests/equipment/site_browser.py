"""The whole site in a real browser: served on loopback, with what the console says kept."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHECKERS = Path(__file__).parents[1] / "site" / "checkers" / "node_modules"
_QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on loopback."""
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@dataclass(slots=True)
class Visit:
    """A tab at the site. `said` is what the console said, `asked` the addresses that were asked for."""

    page: Any
    address: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: str = "index.html") -> Visit:
        """Go to a page of the site."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}/{path}")
        return self

    def type(self, text: str) -> None:
        """Type into the field of the finder, key by key."""
        self.page.click("#gpu")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        self.settle()

    def paste(self, text: str) -> None:
        """Paste into the field of the finder, from the clipboard."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.click("#gpu")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Control+v")
        self.settle()

    def settle(self) -> None:
        """Wait until what was typed is answered."""
        self.page.wait_for_timeout(250)
        answered = "!document.getElementById('gpu').value.trim() || document.getElementById('answer').textContent"
        self.page.wait_for_function(answered, timeout=10_000)

    def answer(self) -> str:
        """What the finder says."""
        return str(self.page.inner_text("#answer"))


class Browser:
    """Opens tabs; each has a profile of its own."""

    def __init__(self, chromium: Any, address: str) -> None:
        self._chromium, self._address = chromium, address

    def visit(self, address: str = "", renderer: str | None = None, **options: Any) -> Visit:
        """A tab. `renderer` stands for what WebGL says of the GPU; `options` are Playwright's of a context."""
        context = self._chromium.new_context(**options)
        if not address:
            context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self._address)
        if renderer is not None:
            context.add_init_script(_WEBGL % repr(renderer))
        visit = Visit(page=context.new_page(), address=address or self._address)
        visit.page.on("console", lambda message: visit.said.append(message.text))
        visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
        visit.page.on("request", lambda request: visit.asked.append(request.url))
        return visit


_WEBGL = """
HTMLCanvasElement.prototype.getContext = () => ({
  RENDERER: 1,
  getExtension: () => ({ UNMASKED_RENDERER_WEBGL: 2 }),
  getParameter: (name) => (name === 2 ? %s : "WebKit WebGL"),
});
"""


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """A browser at a site."""
    from playwright.sync_api import sync_playwright

    with served(folder) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        try:
            yield Browser(chromium, address)
        finally:
            chromium.close()
