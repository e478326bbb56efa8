"""The comment of a pull request: what it says, and that it always fits."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ragbench.render.blocks import Cell
from ragbench.render.html.inputs import Wanted, read_report
from ragbench.render.html.sections import leaderboard
from ragbench.render.pull_request import MOST_BYTES, _within, pull_request

ARMS = ["bm25", "bm25:stem=false", "bm25:k1=0.6", "http:url=http://127.0.0.1:9/search"]


@pytest.fixture(scope="module")
def folder(ragbench: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("comment") / "shop"
    words = [word for arm in ARMS for word in ("--retriever", arm)]
    shop = sample_data / "shop"
    ragbench("eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, *words, "--out", out)
    return out


def test_the_comment_has_verdict_table_and_worst_slices(ragbench: Any, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "comment.md"
    done = ragbench("report", folder, "--out", tmp_path / "r.html", "--markdown", file)
    assert done.code == 0
    assert f"comment written to {file}" in done.out
    text = file.read_text(encoding="utf-8")
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for arm in results["arms"]:
        if arm["status"] == "ok":
            mean = f"{arm['metrics']['ndcg@10']['mean']:.3f}".removeprefix("0")
            assert any(
                line.startswith((f"| {arm['name']}", f"| **{arm['name']}")) and mean in line
                for line in text.splitlines()
            )
    assert "did not run**" in text
    compared = ragbench("compare", f"{folder}::bm25", f"{folder}::bm25:stem=false", "--by", "type", "--json").json
    behind = [one for one in compared["slices"] if one["tested"] and one["difference"] < 0]
    worst = min(behind, key=lambda one: one["difference"])["slice"]
    rows = [line for line in text.splitlines() if line.startswith("| type=") and "stem=false" in line]
    assert rows[0].startswith(f"| {worst} |".replace("_", "\\_"))
    assert len(rows) == min(5, len(behind))
    assert re.search(r"ragbench eval --corpus \S*shop/product_catalog.csv --golden \S*shop ", text)


def test_page_and_comment_show_the_groups(folder: Path) -> None:
    data = read_report(Wanted((f"{folder}::bm25", f"{folder}::bm25:stem=false", f"{folder}::bm25:k1=0.6")))
    assert data.compared is not None
    board = data.compared.leaderboard
    assert board is not None
    shown = leaderboard(data)
    assert shown.head[2] == "group"
    for row in shown.rows:
        name, letters = (cell.text if isinstance(cell, Cell) else cell for cell in (row[0], row[2]))
        place = board.place(name)
        assert place is not None
        assert letters == place.letters
    key = "systems that share a letter do not differ significantly"
    assert any(key in str(line) for line in shown.lines)
    assert f"Group: {key}" in pull_request(data)
    two = read_report(Wanted((f"{folder}::bm25", f"{folder}::bm25:stem=false")))
    assert "group" not in leaderboard(two).head
    assert key not in pull_request(two)


def test_it_fits_whatever_the_names_are(folder: Path) -> None:
    data = read_report(Wanted((f"{folder}::bm25", f"{folder}::bm25:stem=false", f"{folder}::bm25:k1=0.6")))
    whole = pull_request(data)
    for one in data.folders:
        one.content["ledger"]["counts"].update({f"code-{i}-{'x' * 90}": i for i in range(5_000)})
    for arm in data.arms.values():
        arm["warnings"].extend(f"<b>{'|' * 500}{i}" for i in range(500))
    long = pull_request(data)
    assert len(whole.encode()) < len(long.encode()) < MOST_BYTES
    assert "more lines" in long
    assert "<b>" not in long


@pytest.mark.parametrize("most", [0, 10, 25, 1000])
def test_what_does_not_fit_is_counted(most: int) -> None:
    rows = [[f"row {i:03d}"] for i in range(20)]
    text = _within(rows, most, lambda some: "\n".join(row[0] for row in some), "rows")
    kept = text.count("row 0")
    assert kept == min(20, (most + 1) // 8)
    assert (f"and {20 - kept} more rows" in text) == (kept < 20)
