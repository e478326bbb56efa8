"""Holes filled by a model: corrected for its errors, also where a new system finds what nobody labelled."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ragbench as rb
from ragbench.comparison.references import read_references
from ragbench.core.errors import InputError
from ragbench.io.trec import read_qrels, write_qrels
from ragbench.render.compare import compare_json, compare_markdown
from ragbench.stats.misclassified import combined_interval, draw_labels

QUERIES, ITEMS = 80, 12
Labels = dict[str, dict[str, int]]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, float]:
    """The new system finds relevant items that nobody labelled. The model calls a fifth of all items wrongly."""
    rng = np.random.default_rng(0)
    human: Labels = {f"q{q}": {f"d{i}": int(rng.random() < 0.3) for i in range(ITEMS)} for q in range(QUERIES)}
    model = {q: {d: int(label ^ (rng.random() < 0.2)) for d, label in row.items()} for q, row in human.items()}
    runs = {}
    for name, care in (("old", 0.5), ("new", 1.5)):
        runs[name] = {q: {d: float(care * n + rng.normal()) for d, n in row.items()} for q, row in human.items()}
        lines = [f"{q} Q0 {d} 1 {score} {name}" for q, row in runs[name].items() for d, score in row.items()]
        (tmp_path / f"{name}.run").write_text("\n".join(lines) + "\n")
    tops = {name: rb.Run.from_dict(run).top(5).to_dict() for name, run in runs.items()}
    known = {
        q: {d: n for d, n in row.items() if d in tops["old"][q] or d not in tops["new"][q]} for q, row in human.items()
    }
    for name, labels in (("human", human), ("model", model), ("known", known)):
        write_qrels(rb.Judgements.from_dict(labels), tmp_path / f"{name}.qrels")
    full = rb.compare(tmp_path / "old.run", tmp_path / "new.run", qrels=tmp_path / "human.qrels", metrics=["p@5"])
    assert full.verdicts[0].difference is not None
    return tmp_path, full.verdicts[0].difference


def test_a_system_is_credited_for_relevant_items_that_nobody_labelled(files: tuple[Path, float]) -> None:
    folder, truth = files
    compared = rb.compare(
        folder / "old.run", folder / "new.run", qrels=folder / "known.qrels", metrics=["p@5"],
        model_labels=folder / "model.qrels",
    )  # fmt: skip
    (found,) = compared.holes
    assert (found.holes_baseline, found.unfilled) == (0.0, 0)
    assert found.holes_candidate > 0.2
    assert found.irrelevant < truth - 0.05
    assert found.difference.low < truth < found.difference.high
    assert abs(found.difference.value - truth) < 0.04
    assert found.lowest == pytest.approx(found.irrelevant)
    assert found.highest == pytest.approx(found.irrelevant + found.holes_candidate)
    assert found.mean_candidate.value - found.mean_baseline.value == pytest.approx(found.difference.value)
    assert "items without a label, filled by a model" in compare_markdown(compared)
    assert compare_json(compared)["holes"][0]["filled"] == found.filled  # type: ignore[index]


def test_a_model_that_labelled_no_judged_item_is_refused(files: tuple[Path, float]) -> None:
    folder, _ = files
    write_qrels(rb.Judgements.from_dict({"q0": {"elsewhere": 1}}), folder / "few.qrels")
    with pytest.raises(InputError, match="0 items have a label of the model and of the evaluation; at least 30"):
        rb.compare(
            folder / "old.run", folder / "new.run", qrels=folder / "known.qrels", model_labels=folder / "few.qrels"
        )


def test_queries_of_one_document_are_refused(files: tuple[Path, float]) -> None:
    folder, _ = files
    runs = read_references(
        [str(folder / "old.run"), str(folder / "new.run")], qrels=folder / "known.qrels", metrics=["p@5"]
    )
    alone = [replace(one, queries=replace(one.queries, units=["document:d"] * QUERIES)) for one in runs]
    with pytest.raises(InputError, match="all queries come from one document"):
        rb.compare(*alone, metrics=["p@5"], model_labels=folder / "model.qrels")


def test_drawn_labels_have_the_share_that_rogan_and_gladen_estimate() -> None:
    """Sensitivity .8 and specificity .9; of the holes the judge calls 59% relevant, so (.59 - .1) / .7 = .7 are."""
    truth = np.repeat([1, 0], [2_000, 8_000])
    said = np.concatenate([np.repeat([1, 0], [1_600, 400]), np.repeat([1, 0], [800, 7_200])])
    holes = np.repeat([1, 0], [5_900, 4_100])
    rng = np.random.default_rng(0)
    groups = np.zeros(10_000, dtype=np.int64)
    drawn = draw_labels(truth, said, np.arange(10_000), groups, holes, groups, [(0,)], 2, 40, rng)
    assert drawn.mean() == pytest.approx(0.7, abs=0.01)
    # Of those that the judge calls relevant, .8 x .7 / .59 are.
    assert drawn[:, :5_900].mean() == pytest.approx(0.8 * 0.7 / 0.59, abs=0.01)


def test_a_group_in_which_the_judge_errs_more_has_error_rates_of_its_own() -> None:
    """The judge is right in group 0, and calls half of what is not relevant relevant in group 1."""
    rng = np.random.default_rng(1)
    groups = np.repeat([0, 1], 5_000)
    truth = (rng.random(10_000) < 0.2).astype(np.int64)
    said = np.where((groups == 1) & (rng.random(10_000) < 0.5), 1, truth)
    seen = rng.random(10_000) < 0.3
    known, hidden = np.flatnonzero(seen), np.flatnonzero(~seen)
    drawn = draw_labels(
        truth[known], said[known], np.arange(len(known)), groups[known], said[hidden], groups[hidden], [(0,), (1,)], 2,
        40, rng,
    )  # fmt: skip
    for group in (0, 1):
        assert drawn[:, groups[hidden] == group].mean() == pytest.approx(0.2, abs=0.02)
    # A group without a labelled item of its own takes the rates of the group that is like it.
    of_one = hidden[groups[hidden] == 1]
    alone = draw_labels(
        truth[known], said[known], np.arange(len(known)), groups[known], said[of_one], np.full(len(of_one), 2),
        [(0,), (1,), (1, 2)], 2, 40, rng,
    )  # fmt: skip
    assert alone.mean() == pytest.approx(0.2, abs=0.03)


def test_items_elsewhere_that_a_model_labelled_count_in_the_ideal_ranking(files: tuple[Path, float]) -> None:
    """Labels removed at random below the cut make nDCG too high; with the model's labels it is that of all labels."""
    folder, _ = files
    human, model = (read_qrels(folder / f"{name}.qrels").to_dict() for name in ("human", "model"))
    run = rb.read_run(folder / "old.run")
    top = {id_: {item for item, _ in run.ranking(at)[:2]} for at, id_ in enumerate(run.query_ids)}
    part = {q: {d: n for d, n in row.items() if d in top[q] or int(d[1:]) % 2} for q, row in human.items()}
    write_qrels(rb.Judgements.from_dict(part), folder / "part.qrels")
    found = rb.compare(
        folder / "new.run", folder / "old.run", qrels=folder / "part.qrels", metrics=["recall@2"],
        model_labels=folder / "model.qrels",
    ).holes[0]  # fmt: skip
    full = rb.score(run, rb.Judgements.from_dict(human), "recall@2").means()["recall@2"]
    assert rb.score(run, rb.Judgements.from_dict(part), "recall@2").means()["recall@2"] > full + 0.05
    assert found.mean_candidate.value == pytest.approx(full, abs=0.03)
    assert found.holes_candidate == 0
    assert set(model) == set(human)


def test_estimates_are_joined_by_the_rules_of_rubin() -> None:
    means, errors = np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.1, 0.1])
    value, low, high = combined_interval(means, errors, np.array([1e6, 1e6, 1e6]), 0.95)
    total = 0.01 + (1 + 1 / 3) * 0.01
    degrees = 2 * (1 + 0.01 / ((1 + 1 / 3) * 0.01)) ** 2
    from scipy.stats import t

    assert value == pytest.approx(0.2)
    assert (high - low) / 2 == pytest.approx(t.ppf(0.975, degrees) * np.sqrt(total), rel=1e-4)
