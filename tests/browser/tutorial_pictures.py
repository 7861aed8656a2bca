"""Take the pictures of docs/tutorial.md anew, from the pages that its own commands make; minutes.

python -m tests.browser.tutorial_pictures [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.tutorial_run import PAGES, PICTURES, TUTORIAL, TutorialRun
from tests.typed_pages import Picture, Typed, steps_of

WIDTH, HEIGHT = 1000, 640


@dataclass(frozen=True)
class Frame:
    """Which part of a page a picture shows.

    Attributes:
        start: selector of what its upper edge lies at; empty for the page's own.
        height, width: in pixels.
    """

    start: str = ""
    height: int = HEIGHT
    width: int = WIDTH


FRAMES = {
    "tutorial_errors": Frame("#slices-use-uses"),
    "tutorial_search": Frame("#metric-and-cost"),
    "tutorial_search_diff": Frame("#what-the-proposed-prompt-changes", 480),
    "tutorial_sheet": Frame(width=1280, height=860),
    "tutorial_compare": Frame(width=1200),
    "tutorial_leaderboard": Frame("h2:last-of-type"),
}


def take_picture(browser: Any, page: Path, frame: Frame, target: Path) -> None:
    """Photograph a part of a page, in light colours and one pixel to a pixel."""
    size = {"width": frame.width, "height": frame.height}
    context = browser.new_context(viewport=size, color_scheme="light")
    tab = context.new_page()
    tab.goto(page.as_uri())
    if frame.start:
        tab.evaluate("selector => document.querySelector(selector).scrollIntoView(true)", frame.start)
    tab.screenshot(path=target)
    context.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="an empty folder, in which the project is made and stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        run = TutorialRun(options.keep or Path(folder))
        for step in steps_of(TUTORIAL):
            said = run.take(step)
            if isinstance(step, Typed):
                step.assert_shown(said)
            if isinstance(step, Picture):
                page, target = run.place / PAGES[step.name], PICTURES / f"{step.name}.png"
                take_picture(browser, page, FRAMES.get(step.name, Frame()), target)
                print(f"{target}: {page}")
        browser.close()


if __name__ == "__main__":
    main()
