"""Slices, examples and the origin of a difference."""

import io
from dataclasses import replace

import numpy as np
import pytest

from ragbench.comparison.compare import FEWEST, CompareSettings, compare_runs
from ragbench.comparison.examples import examples
from ragbench.comparison.origin import origin
from ragbench.comparison.pairing import pair
from ragbench.comparison.slices import slices
from ragbench.core.errors import InputError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.metrics.score import score

LABELS: dict[str, dict[str, int]] = {
    "found": {"r": 1},
    "lost": {"r": 1},
    "more": {"r": 1, "s": 1},
    "higher": {"r": 1},
    "same": {"r": 2},
    "missed": {"r": 1},
    "deep": {"r": 1},
    "unjudged": {"x": 0},
}
BEFORE: dict[str, dict[str, float]] = {
    "found": {"x": 9, "y": 8, "r": 7},
    "lost": {"r": 9, "x": 8},
    "more": {"r": 9, "x": 8, "s": 7},
    "higher": {"x": 9, "r": 8},
    "same": {"r": 9},
    "missed": {"x": 9},
    "deep": {"x": 9, "y": 8, "z": 7, "r": 6},
    "unjudged": {"x": 9},
}
AFTER: dict[str, dict[str, float]] = {
    **BEFORE,
    "found": {"r": 9, "x": 8},
    "lost": {"x": 9, "y": 8, "r": 1},
    "more": {"r": 9, "s": 8},
    "higher": {"r": 9, "x": 8},
}
ALIKE = dict.fromkeys(("found", "lost"), "bad\x1b[31m\nname [x](http://example.org)")


def system(name: str, rankings: dict[str, dict[str, float]]) -> ScoredRun:
    judgements = Judgements.from_dict(LABELS)
    ids = list(LABELS)
    run = Run.from_dict(rankings).select(ids)
    table = QueryTable(ids, [ALIKE.get(id_, f"about {id_}") for id_ in ids], ["kind"] * len(ids), ids)
    return ScoredRun(name, score(run, judgements, ["ndcg@2", "mrr"]), table, run, judgements)


def test_origin_by_hand() -> None:
    both = pair(system("a", BEFORE), system("b", AFTER))
    found = origin(both, "ndcg@2")
    assert found is not None
    parts = {part.name: part for part in found.parts}
    # Seven queries have something relevant; ndcg@2 of rank 2 alone is 1 / log2(3).
    second = 1 / np.log2(3)
    assert parts["found"].adds == pytest.approx(1 / 7)
    assert parts["lost"].adds == pytest.approx(-1 / 7)
    assert parts["more"].adds == pytest.approx((1 - 1 / (1 + second)) / 7)
    assert parts["higher"].adds == pytest.approx((1 - second) / 7)
    assert {name: part.queries for name, part in parts.items()} == {
        "found": 1, "lost": 1, "more": 1, "fewer": 0, "higher": 1, "lower": 0, "same": 1, "missed": 2,
    }  # fmt: skip
    difference = np.nanmean(both.values("ndcg@2")[1] - both.values("ndcg@2")[0])
    assert sum(part.adds for part in found.parts) == pytest.approx(difference)
    assert found.finding + found.ranking == pytest.approx(difference)
    assert (found.baseline_items, found.candidate_items, found.baseline_relevant, found.never) == (4, 5, 8, 1)


def test_the_origin_adds_up_to_the_shown_difference() -> None:
    units = ["a", "a", "a", "b", "b", "c", "d", "d"]
    two = []
    for name, rankings in (("a", BEFORE), ("b", AFTER)):
        one = system(name, rankings)
        scores = score(one.run, one.judgements, ["ndcg@2", "gm_map"])  # type: ignore[arg-type]
        two.append(replace(one, scores=scores, queries=replace(one.queries, units=units)))
    for metric in ("ndcg@2", "gm_map"):
        for average in ("queries", "documents"):
            found = compare_runs(two, CompareSettings(metrics=(metric,), by=("type",), average=average))
            difference = found.verdicts[0].difference
            assert sum(part.adds for part in found.origins[0].parts) == pytest.approx(difference)
            assert found.origins[0].finding + found.origins[0].ranking == pytest.approx(difference)
            assert sum(one.adds for one in found.slices) == pytest.approx(difference)


def test_shares_are_compared_where_another_chunking_has_more_to_find() -> None:
    coarse = Judgements.from_dict({"q": {"r": 1, "s": 1}})
    fine = Judgements.from_dict({"q": {"r1": 1, "r2": 1, "s1": 1, "s2": 1}})
    table = QueryTable(["q"], ["text"], [""], ["q"])
    runs = []
    for name, judgements, items in (("a", coarse, ["x", "r"]), ("b", fine, ["r1", "s1"])):
        run = Run.from_dict({"q": {item: 9.0 - i for i, item in enumerate(items)}})
        runs.append(ScoredRun(name, score(run, judgements, ["map"]), table, run, judgements))
    found = origin(pair(*runs), "map")
    assert found is not None
    # One of two and two of four: the same half is found, so what differs is the ranking.
    assert {part.name for part in found.parts if part.queries} == {"higher"}
    assert (found.baseline_relevant, found.candidate_relevant) == (2, 4)


def test_origin_needs_rankings_and_a_metric_of_them() -> None:
    a, b = system("a", BEFORE), system("b", AFTER)
    bare = ScoredRun("c", b.scores, b.queries)
    assert origin(pair(a, bare), "ndcg@2") is None
    whole = origin(pair(a, b), "mrr")
    assert whole is not None
    assert whole.cut is None


def test_examples_are_the_largest_and_show_both_rankings() -> None:
    found = examples(pair(system("a", BEFORE), system("b", AFTER)), "ndcg@2", 1)
    assert [one.query_id for one in (*found.gains, *found.losses)] == ["found", "lost"]
    gain = found.gains[0]
    assert gain.difference == 1.0
    assert gain.relevant == {"r": 1}
    assert [tuple(placed) for placed in gain.baseline.top] == [("x", None), ("y", None), ("r", 1)]
    assert (gain.baseline.first_relevant, gain.candidate.first_relevant) == (3, 1)


def test_slices_of_a_table() -> None:
    texts = [" ".join(["word"] * n) for n in (1, 1, 2, 3, 5, 5, 5, 8, 9)]
    ids = [str(i) for i in range(9)]
    table = QueryTable(
        ids, texts, ["a", "b", "a", "", "b", "a", "a", "a", "b"], ids,
        {"price": [float(i) for i in range(8)] + [None], "stars": [1, 2, 1, 2, 1, 2, 1, 2, None]},
    )  # fmt: skip
    assert {one.name: one.rows.tolist() for one in slices(table, "type")} == {
        "type=(none)": [3], "type=a": [0, 2, 5, 6, 7], "type=b": [1, 4, 8],
    }  # fmt: skip
    assert [(one.label, len(one.rows)) for one in slices(table, "length")] == [
        ("short (1-2 words)", 3), ("medium (3-5 words)", 4), ("long (8-9 words)", 2),
    ]  # fmt: skip
    assert [one.label for one in slices(table, "stars")] == ["(none)", "1", "2"]
    assert [one.label for one in slices(table, "price")] == ["low (0-2)", "medium (3-5)", "high (6-7)", "(none)"]
    for by in ("type", "length", "stars", "price"):
        assert sorted(np.concatenate([one.rows for one in slices(table, by)]).tolist()) == list(range(9))
    with pytest.raises(InputError, match=r"by='prise': .*did you mean 'price'"):
        slices(table, "prise")


def test_small_slices_are_shown_and_not_tested_and_all_add_up() -> None:
    rng = np.random.default_rng(1)
    n = 3 * FEWEST
    ids = [f"q{i:02}" for i in range(n)]
    judgements = Judgements.from_dict({id_: {"r": 1} for id_ in ids})
    types = ["many"] * (2 * FEWEST) + ["some"] * (FEWEST - 1) + ["one"]
    runs = []
    for name in ("a", "b"):
        ranks = rng.integers(1, 6, n)
        run = Run.from_dict(
            {id_: {"r" if at == rank else f"x{at}": 9.0 - at for at in range(1, 6)}
             for id_, rank in zip(ids, ranks.tolist(), strict=True)}
        )  # fmt: skip
        runs.append(ScoredRun(name, score(run, judgements, ["mrr"]), QueryTable(ids, ids, types, ids), run, judgements))
    found = compare_runs(runs, CompareSettings(metrics=("mrr",), by=("type",)))
    by_label = {one.verdict.slice: one for one in found.slices}
    assert {label: one.tested for label, one in by_label.items()} == {
        "type=many": True, "type=one": False, "type=some": False,
    }  # fmt: skip
    assert (by_label["type=one"].verdict.p, by_label["type=one"].verdict.low) == (1.0, None)
    assert sum(one.adds for one in found.slices) == pytest.approx(found.verdicts[0].difference)


def test_hostile_text_reaches_no_terminal() -> None:
    from rich.console import Console

    from ragbench.render.compare import compare_markdown, compare_tables

    runs = [system("a", BEFORE), system("b", AFTER)]
    found = compare_runs(runs, CompareSettings(metrics=("ndcg@2",), by=("type",), examples=3))
    console = Console(width=80, no_color=True, record=True, file=io.StringIO())
    console.print(compare_tables(found))
    shown = console.export_text()
    assert "\x1b" not in shown + compare_markdown(found)
    assert "bad\\x1b[31m name" in shown
    assert "](" not in compare_markdown(found)
    assert max(len(line) for line in shown.splitlines()) <= 80
