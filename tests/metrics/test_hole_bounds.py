"""Bounds of metrics over the labels of items without one, against every labelling of small rankings."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

import ragbench as rb
from ragbench.core.errors import SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.metrics.holes import hole_bounds
from ragbench.metrics.parse import parse_all
from ragbench.metrics.score import score
from ragbench.render.evaluation import evaluation_json, evaluation_markdown
from ragbench.render.metrics import metrics_json

METRICS = ("ndcg@4", "map@4", "recall@4", "p@4", "mrr@4", "hit@2", "rprec", "bpref", "recall(level=2)@4")
ITEMS = "abcdef"


def collection(seed: int, queries: int, top: int) -> tuple[Run, dict[str, dict[str, int]]]:
    """Rankings of six items, of which some have no label; an item that was not retrieved is relevant."""
    rng = np.random.default_rng(seed)
    run, labels = {}, {}
    for query in (f"q{i}" for i in range(queries)):
        run[query] = {item: float(rng.random()) for item in ITEMS}
        known = {item: int(rng.integers(-1, top + 1)) for item in ITEMS if rng.random() < 0.5}
        labels[query] = known | {"z": top}
    return Run.from_dict(run), labels


@pytest.mark.parametrize("seed", range(4))
def test_no_labelling_of_the_holes_lies_outside_and_some_reach_both_ends(seed: int) -> None:
    run, labels = collection(seed, 6, 2)
    metrics = parse_all(METRICS)
    found = hole_bounds(run, Judgements.from_dict(labels), metrics)
    now = score(run, Judgements.from_dict(labels), metrics)
    for row, query in enumerate(labels):
        ranking = [item for item, _ in run.ranking(row)]
        for metric in metrics:
            cut = getattr(metric, "k", None)
            holes = [item for item in ranking[:cut] if item not in labels[query]]
            values = [
                score(
                    Run.from_dict({query: dict(zip(ranking, range(len(ranking), 0, -1), strict=True))}),
                    Judgements.from_dict({query: labels[query] | dict(zip(holes, given, strict=True))}), metric,
                ).values[0, 0]
                for given in product((0, 2), repeat=len(holes))
            ]  # fmt: skip
            values.append(now.column(str(metric))[row])
            bounds = found[str(metric)]
            assert (bounds.lowest[row], bounds.highest[row]) == pytest.approx((min(values), max(values))), str(metric)


def test_shares_and_undefined_queries_by_hand() -> None:
    run = Run.from_dict({"q": {"a": 3.0, "b": 2.0, "c": 1.0}, "r": {"a": 2.0}, "s": {"x": 1.0}})
    labels = Judgements.from_dict({"q": {"a": 1, "c": 0}, "r": {"a": 0}, "s": {"y": 1}})
    found = hole_bounds(run, labels, parse_all(["p@2", "recall@2"]))
    # q: b of (a, b); r: none of (a); s: x of (x).
    assert found["p@2"].share == pytest.approx(2 / 4)
    assert found["p@2"].lowest.tolist() == pytest.approx([0.5, np.nan, 0.0], nan_ok=True)
    assert found["p@2"].highest.tolist() == pytest.approx([1.0, np.nan, 0.5], nan_ok=True)
    # A relevant hole that is retrieved cannot lower the recall of q, and x makes it one of two for s.
    assert found["recall@2"].highest.tolist() == pytest.approx([1.0, np.nan, 0.5], nan_ok=True)


def test_many_holes_are_tried_in_equal_steps() -> None:
    """With 60 holes below a relevant item, nDCG is least if only the last ones are relevant, and 1 if all are."""
    items = {f"d{i:02}": float(100 - i) for i in range(61)}
    found = hole_bounds(Run.from_dict({"q": items}), Judgements.from_dict({"q": {"d00": 1}}), parse_all("ndcg@61"))
    bounds = found["ndcg@61"]
    assert bounds.share == pytest.approx(60 / 61)
    discount = 1 / np.log2(np.arange(2, 63))
    least = min((1 + discount[61 - j :].sum()) / discount[: j + 1].sum() for j in range(1, 61))
    assert bounds.lowest[0] == pytest.approx(least, abs=0.002)
    assert bounds.lowest[0] >= least
    assert bounds.highest[0] == 1.0


def test_eval_and_metrics_print_one_range(tmp_path: Path) -> None:
    run, labels = collection(9, 20, 1)
    (tmp_path / "one.trec").write_text(
        "\n".join(f"{q} Q0 {item} 1 {n} one" for q, row in run.to_dict().items() for item, n in row.items())
    )
    qrels = tmp_path / "labels.txt"
    qrels.write_text("\n".join(f"{q} 0 {item} {n}" for q, row in labels.items() for item, n in row.items()))
    file = tmp_path / "one.trec"
    evaluation = rb.evaluate(golden=qrels, retrievers=[f"run:path={file}"], metrics=["map@4"], holes=True)
    (arm,) = evaluation.arms
    scored = rb.score_runs(qrels, [file], metrics="map@4", holes=True)
    one = arm.holes["map@4"]
    assert scored.holes["one"]["map@4"] == one
    bounds = hole_bounds(run, Judgements.from_dict(labels), parse_all("map@4"))["map@4"]
    assert (one.share, one.lowest, one.highest) == pytest.approx(
        (bounds.share, np.nanmean(bounds.lowest), np.nanmean(bounds.highest))
    )
    assert one.lowest <= arm.metrics["map@4"].mean < one.highest  # type: ignore[operator]
    assert f"{one.share:.0%}: {one.lowest:.3f} to {one.highest:.3f}".replace(" 0.", " .") in evaluation_markdown(
        evaluation
    )
    written = {"share": one.share, "lowest": one.lowest, "highest": one.highest}
    assert evaluation_json(evaluation)["arms"][0]["holes"] == {"map@4": written}  # type: ignore[index]
    as_json = metrics_json(scored.scores, scored.notes, per_query=False, holes=scored.holes)
    assert as_json["runs"][0]["holes"] == {"map@4": written}  # type: ignore[index]


def test_a_note_counts_holes_where_annotators_judged_items_that_are_not_relevant() -> None:
    run, labels = collection(9, 20, 1)
    pooled, relevant = Judgements.from_dict(labels), {q: {"z": 1} for q in labels}
    scored = rb.score_runs(pooled, [run], metrics=["map@4", "judged@4"])
    share = 1 - scored.scores["run 1"].means()["judged@4"]
    assert scored.notes == (
        f"items of the first 4 without a label, which count as not relevant: {share:.0%}. holes= shows what their "
        "labels could change",
    )
    assert not rb.score_runs(pooled, [run], metrics=["map@4", "judged@4"], holes=True).notes
    assert not rb.score_runs(Judgements.from_dict(relevant), [run], metrics=["map@4", "judged@4"]).notes


def test_what_has_no_bounds_is_refused() -> None:
    with pytest.raises(SettingError, match="needs an order of equal scores"):
        rb.evaluate(golden=Judgements.from_dict({"q": {"a": 1}}), retrievers=["x"], ties="expected", holes=True)
    with pytest.raises(SettingError, match="is for the table"):
        rb.score_runs(Judgements.from_dict({"q": {"a": 1}}), [Run.from_dict({})], format="trec_eval", holes=True)
