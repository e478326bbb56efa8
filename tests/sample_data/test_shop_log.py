"""The log of the sample shop: its bytes, its truth as CARD.md states it, and what is planted in it."""

import csv
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.sample_data.scripts import script

SHOP = Path(__file__).resolve().parents[2] / "datasets" / "shop"
DRIFT = datetime(2026, 5, 4)


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    return script(SHOP / "build_log.py")


@pytest.fixture(scope="module")
def log() -> list[dict]:
    with (SHOP / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for column in ("results", "clicks", "carts", "purchases"):
            row[column] = row[column].split(";") if row[column] else []
    return rows


@pytest.fixture(scope="module")
def truth(builder) -> list:
    return list(builder.searches())


@pytest.fixture(scope="module")
def card() -> str:
    return (SHOP / "CARD.md").read_text(encoding="utf-8")


def test_the_seed_gives_the_committed_bytes(builder):
    assert (SHOP / "log.csv").read_bytes() == builder.build(), "run python datasets/shop/build_log.py"


def test_card_gives_sizes_and_parameters(builder, log, card):
    assert f"{len(log):,} searches in {len({row['session_id'] for row in log}):,} sessions" in card
    assert f"*k*^-{builder.POSITION_BIAS}" in card
    assert f"| randomised pages | {builder.RANDOMISED:.0%} of the searches" in card
    for mix in (builder.MIX, builder.DRIFTED_MIX):
        assert sum(mix.values()) == pytest.approx(1)
        assert all(f"{kind} {share:.2f}".replace("0.", ".") in card for kind, share in mix.items())
    assert f"the {len(builder.read_queries())} texts" in card
    assert f"first query of {len(builder.PERSONAL)} sessions" in card


def test_lists_are_parts_of_the_page_and_of_each_other(log):
    for row in log:
        assert len(set(row["results"])) == 10
        assert set(row["purchases"]) <= set(row["carts"]) <= set(row["clicks"]) <= set(row["results"])


def test_clicks_on_random_pages_fall_as_the_stated_curve(builder, log):
    """On pages in random order, the click rate by position is proportional to the examination curve.

    The exponent is the Poisson regression of clicks on log position: the score is zero at the estimate.
    """
    pages = [row for row in log if row["randomised"] == "True"]
    clicks = np.array([sum(row["results"][k] in row["clicks"] for row in pages) for k in range(10)])
    logs = np.log(np.arange(1, 11))
    grid = np.linspace(0, 2, 2001)
    curves = np.exp(-grid[:, None] * logs)
    curves /= curves.sum(axis=1, keepdims=True)
    estimate = grid[np.argmax((clicks * np.log(curves)).sum(axis=1))]
    share = curves[np.searchsorted(grid, builder.POSITION_BIAS)]
    error = 1 / np.sqrt(clicks.sum() * (share @ logs**2 - (share @ logs) ** 2))
    assert abs(estimate - builder.POSITION_BIAS) < 2.5 * error
    assert error < 0.12  # the log can tell the curve from others
    assert len(pages) / len(log) == pytest.approx(builder.RANDOMISED, abs=0.02)


def test_clicks_without_randomisation_mix_bias_and_relevance(log):
    """The first position has far more than the curve gives it: the shop puts what fits there."""
    ranked = [row for row in log if row["randomised"] == "False"]
    first, second = (sum(row["results"][k] in row["clicks"] for row in ranked) for k in (0, 1))
    assert first / second > 2**0.8 * 1.5


def test_types_and_the_new_topic_change_with_the_drift(builder, truth):
    starts = [search for search in truth if search.first and search.meant.topic != "personal"]
    for drifted, mix in ((False, builder.MIX), (True, builder.DRIFTED_MIX)):
        part = [search for search in starts if search.drifted is drifted]
        new = sum(search.meant.topic == builder.NEW_TOPIC for search in part) / len(part)
        assert new == pytest.approx(builder.NEW_TOPIC_SHARE * drifted, abs=0.03)
        types = Counter(search.meant.type for search in part if search.meant.topic != builder.NEW_TOPIC)
        for kind, share in mix.items():
            assert types[kind] / types.total() == pytest.approx(share, abs=0.04), (kind, drifted)
    assert min(search.moment for search in truth if search.drifted) >= DRIFT


def test_the_log_holds_duplicates_slips_and_personal_data(builder, log, truth):
    texts = [row["query"] for row in log]
    assert len(set(texts)) < len(texts) / 4
    slips = sum(search.text.lower().split() != search.meant.text.lower().split() for search in truth)
    assert 0.05 < slips / len(truth) < 0.09
    assert sum(not any(char.isalnum() for char in text) for text in texts) >= 20
    assert all(text in texts for _, text in builder.PERSONAL)


def test_texts_are_new_and_name_products_that_exist(builder):
    queries = builder.read_queries()
    texts = {query.text.lower() for query in queries}
    assert len(texts) == len(queries)
    golden = {json.loads(line)["text"].lower() for line in (SHOP / "golden.jsonl").read_text("utf-8").splitlines()}
    seeds = set((SHOP / "seed_queries.txt").read_text("utf-8").lower().splitlines())
    assert not texts & (golden | seeds)
    products = set(builder.Ranker().words)
    assert all(query.grades.keys() <= products for query in queries)
    assert all(query.grades or query.topic == builder.NEW_TOPIC for query in queries)


def test_a_line_of_another_form_is_named(builder, tmp_path):
    (tmp_path / "authoring").mkdir()
    (tmp_path / "authoring" / "log_queries.txt").write_text("# outdoor\nkeyword P1 | tent\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"log_queries.txt:2: cannot read"):
        builder.read_queries(tmp_path)
