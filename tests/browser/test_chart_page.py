"""The page of a single chart in a real browser."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="pip install playwright")

ROOT = Path(__file__).resolve().parents[2]


def test_a_chart_is_drawn_and_nothing_is_fetched(ragbench: Any, browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "chart.html"
    assert ragbench("experiments", ROOT / "reports" / "example", "--out", path).code == 0
    page = browser.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("#chart svg .mark-symbol path")
    assert asked == [path.as_uri()]
    assert not errors
    page.close()
