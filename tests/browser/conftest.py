"""A real browser (Chromium, headless) on pages from the disk. Tests are skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.collected import CollectedWave
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.items import Item
from goldpan.waves.sheets.html_page import annotation_page
from goldpan.waves.sheets.sheet import make_sheet
from tests.wave_builders import items, wave

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests, with an empty profile."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@dataclass
class OpenPage:
    """A page in the browser, with what it tried to load and what went wrong in it.

    Attributes:
        tab: the tab, as Playwright gives it.
        path: the page's file.
        requests: every address that was asked for, but for the page itself.
        errors: errors of the script and of the content security policy.
    """

    tab: Any
    path: Path
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self) -> OpenPage:
        """Open the page's file, again if need be."""
        self.tab.on("request", lambda request: self._note_request(request.url))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.tab.goto(self.path.as_uri())
        return self

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.tab.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        self.tab.keyboard.type(text)

    def text(self, selector: str) -> str:
        """The text of an element."""
        return self.tab.locator(selector).inner_text()

    def item_text(self) -> str:
        """The text of the item that is shown."""
        return self.text("#item .text")

    def active(self) -> str:
        """The question that is up."""
        return self.text(".feature.active h3 span:first-child")

    def given(self) -> list[str]:
        """What is shown as answered to each question of the item."""
        return self.tab.locator(".feature .given").all_inner_texts()

    def export(self, folder: Path) -> dict[str, Any]:
        """Export the answers, save the file into a folder, and give back what it holds."""
        with self.tab.expect_download() as download:
            self.tab.keyboard.press("Control+s")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return orjson.loads(path.read_bytes())

    def _note_request(self, url: str) -> None:
        if url != self.path.as_uri() and not url.startswith("blob:"):
            self.requests.append(url)


@dataclass
class PagedWave:
    """A wave given out as pages."""

    folder: Path
    codebook: Codebook
    sample: dict[str, Item]
    options: dict[str, Any]

    def write(self, annotator: str = "ann") -> Path:
        """Write an annotator's page; its file."""
        sheet = make_sheet(
            "shop", "first", wave(**self.options), annotator, list(self.sample.values()), self.codebook
        )
        path = self.folder / f"{annotator}.html"
        path.write_text(annotation_page(sheet, "annotations/shop/first"), encoding="utf-8")
        return path

    def collect(self, folder: Path) -> CollectedWave:
        """What is collected from a folder of exports."""
        return collect(folder, GivenOut("shop", "first", wave(**self.options), self.codebook, self.sample))


@pytest.fixture
def profile(browser: Any) -> Iterator[Any]:
    """A fresh profile: no storage from other tests; downloads are kept."""
    context = browser.new_context(viewport={"width": 1360, "height": 850}, accept_downloads=True)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def opened(profile: Any, tmp_path: Path) -> Any:
    """Open the page of a codebook: `opened(codebook, texts=...)` gives the page and its wave."""

    def open_page(
        codebook: Codebook, sample: dict[str, Item] | None = None, **options: Any
    ) -> tuple[OpenPage, PagedWave]:
        # The order of the corpus, so that tests know which item is up.
        paged = PagedWave(tmp_path, codebook, sample or items(), {"shuffle": False} | options)
        return OpenPage(profile.new_page(), paged.write()).open(), paged

    return open_page


@pytest.fixture(scope="session")
def axe() -> Any:
    """What axe finds on the page in a tab that is serious or critical: `axe(tab)` gives rules and places.

    Skipped where the package is not installed; it carries axe, so that nothing is fetched.
    """
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    script = (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

    def serious(tab: Any) -> list[str]:
        # By the debugger, for the pages' own policy lets no other script in.
        tab.evaluate(f"() => {{ {script} }}")
        found = tab.evaluate("() => axe.run({ resultTypes: ['violations'] })")
        return [
            f"{rule['id']}: {node['html'][:150]} ({node['failureSummary'][:300]})"
            for rule in found["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]

    return serious


@pytest.fixture
def open_html(browser, tmp_path):
    """Open HTML in a window of 1,280 pixels: `open_html(text)` gives the page."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)

    def show(text: str) -> OpenPage:
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        return OpenPage(context.new_page(), path).open()

    yield show
    context.close()
