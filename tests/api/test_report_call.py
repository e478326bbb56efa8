"""The page from Python is the page of the command."""

from pathlib import Path
from typing import Any

import ragbench as rb


def test_the_page_is_that_of_the_command(ragbench: Any, sample_data: Path, tmp_path: Path, cache: Path) -> None:
    shop, folder = sample_data / "shop", tmp_path / "shop"
    ragbench("eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, "--retriever", "bm25", "--out", folder)
    texts = ("--corpus", shop / "product_catalog.csv", "--golden", shop)
    assert ragbench("report", folder, *texts, "--out", tmp_path / "command.html").code == 0
    made = rb.write_report(
        folder, out=tmp_path / "call.html", corpus=[shop / "product_catalog.csv"], golden=[shop],
        markdown=tmp_path / "comment.md", figures=tmp_path / "figures", cache=cache,
    )  # fmt: skip
    assert made.read_bytes() == (tmp_path / "command.html").read_bytes()
    assert "no second system" in (tmp_path / "comment.md").read_text("utf-8")
    assert sorted(path.suffix for path in (tmp_path / "figures").iterdir())[:1] == [".png"]
