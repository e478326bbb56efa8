"""A page that is watched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")


class Watched:
    """A page, with everything it asked for and complained of."""

    def __init__(self, browser: "playwright.Browser", path: Path, **options: object) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        self.page.goto(path.resolve().as_uri())
        self.page.wait_for_selector("html[data-ready]")

    def charts_drawn(self) -> int:
        """Open every fold and tab, and wait until every chart is drawn; how many there are."""
        self.page.evaluate("for (const fold of document.querySelectorAll('details.fold')) fold.open = true")
        tabs = self.page.locator('.tabs [role="tab"]')
        for at in reversed(range(tabs.count())):
            tabs.nth(at).click()
            self.page.wait_for_selector(".tab:not([hidden]) figure[data-drawn]")
        self.page.evaluate("window.scrollTo(0, 0)")
        count = self.page.locator("figure.chart").count()
        for number in range(count):
            self.page.wait_for_selector(f'figure[data-chart="{number}"][data-drawn]', state="attached")
        return count


@pytest.fixture
def watched(browser: "playwright.Browser") -> Iterator[object]:
    opened: list[Watched] = []

    def open_page(path: Path, **options: object) -> Watched:
        opened.append(Watched(browser, path, **options))
        return opened[-1]

    yield open_page
    for one in opened:
        one.context.close()
