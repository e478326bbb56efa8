"""What is said in place of an interval of no width."""

import numpy as np
import pytest

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.core.ledger import Ledger
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.compare import compare_markdown

METRIC = "ndcg@10"


def scored(name: str, values: list[float]) -> ScoredRun:
    """120 queries, two of each document."""
    ids = [f"q{i}" for i in range(120)]
    table = QueryTable(ids, ids, [""] * 120, [f"d{i // 2}" for i in range(120)])
    return ScoredRun(name, Scores(ids, (METRIC,), np.array(values)[:, None], Ledger()), table)


def test_equal_sums_of_documents_are_not_called_equal_values() -> None:
    """Each document has a difference of 1 and one of 0: all documents have the mean 0.5, the values differ."""
    compared = compare_runs(
        [scored("old", [0.0] * 120), scored("new", [1.0, 0.0] * 60)], CompareSettings(metrics=(METRIC,))
    )
    (verdict,) = compared.verdicts
    # 60 documents without a loss of .5 or more do not rule out that 6% of all documents have one.
    unseen = 1 - 0.025 ** (1 / 60)
    assert verdict.low == pytest.approx(0.5 - unseen * 1.5)
    assert verdict.high is not None
    assert verdict.high > 0.5
    assert (verdict.wins, verdict.ties) == (60, 60)
    said = compare_markdown(compared)
    assert "equal)" not in said
