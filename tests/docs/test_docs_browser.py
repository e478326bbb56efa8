"""The documentation site in a real browser, opened from disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="pip install playwright")
pytestmark = pytest.mark.slow
PAGES = ("index.html", "concepts/statistics.html", "reference/cli.html", "reference/python.html", "guides/ab.html")


@pytest.fixture(params=["light", "dark"])
def opened(browser: Any, request: pytest.FixtureRequest) -> Iterator[tuple[Any, list[str], list[str]]]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=request.param)
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield page, asked, errors
    context.close()


def test_pages_fit_a_phone_and_ask_nobody(opened: tuple[Any, list[str], list[str]], site: Path) -> None:
    page, asked, errors = opened
    for name in PAGES:
        page.goto((site / name).as_uri())
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    assert len(asked) > len(PAGES)
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    assert not errors


def test_the_search_finds_without_a_server(browser: Any, site: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    page.locator("input.md-search__input").click()
    page.keyboard.type("equivalence margin")
    page.wait_for_selector(".md-search-result__link", state="attached")
    found = [link.get_attribute("href") for link in page.locator(".md-search-result__link").all()]
    assert any("statistics" in link or "compare" in link for link in found)
    context.close()


def test_axe_finds_nothing_serious(opened: tuple[Any, list[str], list[str]], site: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    page, _, _ = opened
    page.set_viewport_size({"width": 1280, "height": 900})
    for name in PAGES:
        page.goto((site / name).as_uri())
        page.wait_for_timeout(300)
        found = axe.Axe().run(page).response["violations"]
        serious = [one["id"] for one in found if one["impact"] in {"serious", "critical"}]
        assert not serious, name
