"""Rank-biased overlap, against the sums of the paper, another library and exact values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.comparison.overlap import overlap, rank_biased_overlap
from ragbench.comparison.pairing import Pair
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.metrics.score import score
from ragbench.render.compare import compare_json, compare_markdown

LISTS = st.lists(st.sampled_from("abcdefghijkl"), unique=True, max_size=12)


def run_of(rankings: list[list[str]]) -> Run:
    return Run.from_dict(
        {f"q{i}": {item: float(-rank) for rank, item in enumerate(row)} for i, row in enumerate(rankings)}
    )


def extrapolated(one: list[str], other: list[str], p: float) -> float:
    """Sum the assumed agreement at every depth: the definition that equation 32 is the closed form of."""
    short, long = sorted((one, other), key=len)
    if not long:
        return 1.0
    if not short:
        return 0.0
    s, l = len(short), len(long)  # noqa: E741
    shared = [len(set(short[:d]) & set(long[:d])) for d in range(l + 1)]
    total = 0.0
    for d in range(1, 3000):
        if d <= s:
            agreement = shared[d] / d
        elif d <= l:
            # Of the items of the short list that nobody saw, as large a share is in the long one as of those seen.
            agreement = (shared[d] + shared[s] * (d - s) / s) / d
        else:
            agreement = (shared[l] + shared[s] * (l - s) / s) / l
        total += (1 - p) * p ** (d - 1) * agreement
    return total


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LISTS, LISTS), min_size=1, max_size=6), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_the_value_is_the_sum_over_all_depths(pairs: list[tuple[list[str], list[str]]], p: float) -> None:
    one, other = run_of([a for a, _ in pairs]), run_of([b for _, b in pairs])
    wanted = [min(extrapolated(a, b, p), 1.0) for a, b in pairs]
    np.testing.assert_allclose(rank_biased_overlap(one, other, p), wanted, atol=1e-9)
    np.testing.assert_allclose(rank_biased_overlap(other, one, p), wanted, atol=1e-9)


def test_values_of_another_library() -> None:
    # rbo 0.1.3: RankingSimilarity(S, T).rbo_ext(p)
    cases = [("abcdefg", "bacgfed"), ("abcde", "zaybxcwd"), ("abc", "xyz"), ("abcdefgh", "abcdefgh"), ("ab", "bcdea")]
    one, other = run_of([list(a) for a, _ in cases]), run_of([list(b) for _, b in cases])
    assert rank_biased_overlap(one, other, 0.9) == pytest.approx(
        [0.8456895, 0.5078977392857144, 0.0, 1.0, 0.58122], abs=1e-12
    )


def scored(name: str, run: Run) -> ScoredRun:
    ids = list(run.query_ids)
    scores = score(run, Judgements.from_dict({id_: {"a": 1} for id_ in ids}), "ndcg@10")
    return ScoredRun(name, scores, QueryTable(ids, ids, [""] * len(ids), ids), run)


def test_compare_shows_how_much_the_rankings_differ() -> None:
    one = scored("one", run_of([list("abc"), list("abcd"), list("bca"), list("ab")] * 5))
    two = scored("two", run_of([list("abc"), list("bacd"), list("bca"), list("xa")] * 5))
    compared = compare_runs([one, two], CompareSettings())
    (found,) = compared.overlaps
    values = [1.0, extrapolated(list("abcd"), list("bacd"), 0.9), 1.0, extrapolated(list("ab"), list("xa"), 0.9)]
    assert found.rbo.mean == pytest.approx(np.mean(values))
    assert (found.same_top, found.queries) == (10, 20)
    assert found.rbo.low < found.rbo.mean < found.rbo.high  # type: ignore[operator]
    text = compare_markdown(compared)
    assert "rank-biased overlap" in text
    assert "10 of 20" in text
    assert compare_json(compared)["overlaps"][0]["same_top"] == 10  # type: ignore[index]


def test_rankings_of_other_chunks_are_not_compared() -> None:
    one, two = scored("one", run_of([list("abc")])), scored("two", run_of([list("abd")]))
    cut = [
        ScoredRun(r.name, r.scores, r.queries, r.run, manifest={"chunks": {"fingerprint": r.name}}) for r in (one, two)
    ]
    assert overlap(Pair(*cut)) is None
    assert overlap(Pair(one, ScoredRun("two", two.scores, two.queries))) is None
