"""Labels of logs: what counts as an event and as a look, what is refused, and how good the labels are."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ragbench as rb
from ragbench.core.errors import InputError
from ragbench.core.search_log import LoggedSearch, SearchLog
from ragbench.io.search_logs import read_search_log
from ragbench.learning.interactions import Interactions, interactions
from ragbench.learning.labelled_log import label_log
from ragbench.learning.log_labels import LabelRules, label
from ragbench.learning.propensities import propensities

NOW = datetime(2026, 6, 1)


def found(*searches: LoggedSearch) -> Interactions:
    return interactions(SearchLog(searches), [search.query for search in searches], NOW)


def test_counts_by_hand() -> None:
    """Two documents, three searches; users look at every position."""
    page = ("a", "b")
    log = found(
        LoggedSearch("l:1", "q", "s1", results=page, clicks=("a",)),
        LoggedSearch("l:2", "q", "s2", results=page, purchases=("b",)),
        LoggedSearch("l:3", "q", "s3", results=page, clicks=("b",), carts=("b",)),
    )
    bias = propensities(log, "none", rng=np.random.default_rng(0))
    labels = label(log, bias, LabelRules(min_sessions=1, min_looks=0, prior=1))
    assert [labels.items[item] for item in labels.item] == ["a", "b"]
    assert labels.events.tolist() == [[1, 0, 0], [2, 2, 1]]  # a purchase implies a cart and a click
    assert labels.looks.tolist() == [3, 3]
    assert labels.value.tolist() == [1 / 4, (4 + 2) / 4]  # weights 1, 2, 4; three looks and one of the prior
    assert labels.grade.tolist() == [0, 2]  # a has 1/6 of the best value


def test_a_click_far_down_counts_for_more() -> None:
    searches = [LoggedSearch(f"l:{n}", "q", f"s{n}", results=("a", "b", "c"), clicks=("a" if n < 30 else "c",))
                for n in range(40)]  # fmt: skip
    log = found(*searches)
    bias = propensities(log, "none", rng=np.random.default_rng(0))
    halved = type(bias)(np.array([1.0, 0.5, 0.25]), bias.low, bias.high, "none", bias.impressions, bias.clicks)
    plain, corrected = (label(log, one, LabelRules()) for one in (bias, halved))
    assert plain.value[2] < plain.value[0] / 2
    assert corrected.value[2] == pytest.approx(10 / (40 * 0.25 + 2))
    assert corrected.grade.tolist() == [2, 0, 2]


def test_positions_of_the_page_count(tmp_path: Path) -> None:
    """A log with a row per result, of the second page, whose positions begin at 0."""
    rows = ["session_id,query,product_id,rank,clicked"]
    rows += [f"s{n},tent,p{at},{at},{int(at == 11)}" for n in range(2) for at in (10, 11)]
    rows += [f"s{n},tent,p{at},{at},0" for n in (8, 9) for at in (0, 1)]
    (tmp_path / "log.csv").write_text("\n".join(rows))
    log = read_search_log(tmp_path / "log.csv")
    assert [search.places for search in log] == [(11, 12), (11, 12), (1, 2), (1, 2)]


def test_what_cannot_be_used_is_listed() -> None:
    page = ("a", "b")
    log = found(
        LoggedSearch("l:1", "q", "s1", time=NOW, results=page, clicks=("a",)),
        LoggedSearch("l:2", "q", "s1", time=NOW, results=page, clicks=("a",)),
        LoggedSearch("l:3", "q", "s2", time=datetime(2031, 1, 1), results=page, clicks=("a",)),
        LoggedSearch("l:4", "q", "s3", results=page, purchases=("z",), clicks=("a", "b")),
        LoggedSearch("l:5", "q", "s4"),
    )
    assert log.ledger.counts() == {"future": 1, "no-results": 1, "not-shown": 1, "repeated": 1}
    assert len(log) == 4
    assert {entry.code: entry.item for entry in log.ledger.entries}["not-shown"] == "l:4: z"


@pytest.mark.parametrize(
    ("searches", "words"),
    [
        ([LoggedSearch("l:1", "q")], "no search has results"),
        ([LoggedSearch("l:1", "q", results=("a", "b"))], "none of the 2 results"),
        ([LoggedSearch("l:1", "q", results=("a",), clicks=("a",))], "every one of the 1 results"),
        ([LoggedSearch("l:1", "q", results=("b",), purchases=("a",))], "1 of 1 events"),
    ],
)
def test_logs_without_what_labels_need_are_refused(searches: list[LoggedSearch], words: str) -> None:
    with pytest.raises(InputError, match=words):
        found(*searches)


@pytest.mark.parametrize(
    ("cell", "code"), [("-1", 2), ("nan", 2), ("three", 2), ("1", 2)]
)  # the last one: too few positive labels
def test_bad_logs_end_with_a_line(ragbench: Any, tmp_path: Path, cell: str, code: int) -> None:
    rows = "".join(f"s{n},tent,{item},{place},{click}\n" for n in range(3)
                   for item, place, click in (("a", 1, 1), ("b", 2, 0)))  # fmt: skip
    (tmp_path / "log.csv").write_text(f"session,query,item_id,position,click\ns,tent,c,{cell},0\n{rows}")
    done = ragbench("export", "labels", "log.csv", cwd=tmp_path)
    assert done.code == code
    if cell == "1":
        assert "1 pairs of query and document" in done.err
        assert "50 are needed" in done.err
    else:
        assert "log.csv:2: 'position'" in done.err


def wanted(shop: Path) -> dict[str, dict[str, int]]:
    """The products that the shop's customers want (2) and accept (1), by query."""
    truth: dict[str, dict[str, int]] = {}
    for line in (shop / "authoring" / "log_queries.txt").read_text("utf-8").splitlines():
        if not line.startswith("#") and "|" in line:
            left, text = line.split("|", 1)
            products = [word for word in left.split()[1:] if re.fullmatch(r"~?P\d+", word)]
            truth.setdefault(text.strip().lower(), {}).update({p.strip("~"): 1 + (p[0] != "~") for p in products})
    return truth


@pytest.mark.parametrize("method", ["randomised", "em"])
def test_labels_of_the_shop_are_what_its_customers_want(sample_data: Path, method: Any) -> None:
    log = read_search_log(sample_data / "shop" / "log.csv")
    one = label_log(log, method=method, now=NOW)
    truth = wanted(sample_data / "shop")
    labels = one.labels
    true = np.array([
        truth.get(labels.queries[query].lower(), {}).get(labels.items[item], 0)
        for query, item in zip(labels.query, labels.item, strict=True)
    ])  # fmt: skip
    relevant = labels.grade > 0
    assert (true[relevant] > 0).mean() > 0.9
    assert (relevant & (true > 0)).sum() / (true > 0).sum() > 0.7
    # Fewer of the wanted ones are found if position bias is ignored.
    naive = label_log(log, method="none", now=NOW).labels
    assert ((naive.grade > 0) & (true > 0)).sum() < (relevant & (true > 0)).sum()
    # A label of 0 is seldom wrong.
    assert (true[labels.grade == 0] > 0).mean() < 0.05


def test_the_command_writes_a_golden_set_and_the_counts(ragbench: Any, sample_data: Path, tmp_path: Path) -> None:
    log = sample_data / "shop" / "log.csv"
    for name in ("first", "second"):
        done = ragbench("export", "labels", log, "--out", name, "--json", cwd=tmp_path)
        assert done.code == 0, done.err
    shown = json.loads(done.out)
    written = {path.name: path.read_bytes() for path in (tmp_path / "first").iterdir()}
    assert written == {path.name: path.read_bytes() for path in (tmp_path / "second").iterdir()}
    golden = rb.load_golden(tmp_path / "first")
    assert len(golden) == shown["queries_with_relevant"]
    assert golden.fingerprint == shown["fingerprint"]
    assert shown["skipped"]["personal-data"] == 25
    assert b"@" not in written["golden.jsonl"]
    pairs = [json.loads(line) for line in written["pairs.jsonl"].splitlines()]
    assert len(pairs) == shown["pairs"] == sum(shown["grades"].values())
    assert sum(pair["grade"] is None for pair in pairs) == shown["grades"]["-1"]
    row = shown["propensities"]["positions"][1]
    assert row["low"] < 2**-0.8 < row["high"]


def test_wrong_options_are_refused(ragbench: Any, sample_data: Path, tmp_path: Path) -> None:
    log = sample_data / "shop" / "log.csv"
    for words in (("--grades", "0.6,.2"), ("--weights", "clicks=-1"), ("--weights", "views=1"), ("--min-sessions", "0"),
                  ("--propensity", "some"), ("--grades", "x")):  # fmt: skip
        done = ragbench("export", "labels", log, *words, cwd=tmp_path)
        assert done.code == 2
        assert words[0] in done.err
    assert ragbench("export", "labels", log, "--weights", "purchases=0,carts=0", cwd=tmp_path).code == 0
