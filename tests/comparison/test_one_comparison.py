"""The same two systems get the same difference, interval and p-value wherever they are compared."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ragbench as rb
from ragbench.comparison.compare import CompareSettings, compare_metrics, compare_runs
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.comparison.pairing import Pair
from ragbench.core.evaluations import Evaluation
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import load_corpus
from ragbench.io.golden_files.formats import read_golden
from ragbench.metrics.settings import EvaluationSettings
from ragbench.render.evaluation import ReportFolder, evaluation_markdown
from ragbench.render.html.command import command
from ragbench.render.html.inputs import Wanted, read_report
from ragbench.render.html.sections import leaderboard
from ragbench.workflows.run_systems import evaluate

METRIC = "ndcg@10"
ARMS = ["bm25", "bm25:stem=false", "bm25:stop=false"]
FIGURES = ("difference", "low", "high", "p", "p_adjusted", "wins", "ties", "losses", "n", "decision")


@pytest.fixture(scope="module")
def evaluation(sample_data: Path) -> Evaluation:
    shop = sample_data / "shop"
    chunks = chunk_corpus(load_corpus(shop / "product_catalog.csv"), "whole").chunks
    return evaluate(chunks, read_golden(shop), ARMS, EvaluationSettings(k=(1, 10)))


@pytest.fixture(scope="module")
def folder(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop")
    written = ReportFolder(path)
    for arm in evaluation.arms:
        written.arm(arm)
    written.finish(evaluation)
    return path


def figures(verdict: Any) -> list[Any]:
    return [getattr(verdict, name) for name in FIGURES]


def same(one: Any, other: Any) -> bool:
    """The figures of two verdicts: sums in another order may differ in the last bits."""
    return all(
        mine == (theirs if isinstance(theirs, str) else pytest.approx(theirs, abs=1e-12))
        for mine, theirs in zip(figures(one), figures(other), strict=True)
    )


def test_eval_compare_gate_and_report_give_one_answer(evaluation: Evaluation, folder: Path) -> None:
    runs = evaluation.scored
    compared = {one.candidate: one for one in compare_runs(runs, CompareSettings(metrics=(METRIC,))).verdicts}
    evaluated = {one.candidate: one for one in evaluation.comparisons if one.metric == METRIC}
    stored = {
        one["candidate"]: one
        for one in json.loads((folder / "results.json").read_text("utf-8"))["comparisons"]
        if one["metric"] == METRIC
    }
    report = read_report(Wanted((str(folder),))).compared
    assert report is not None
    reported = {one.candidate: one for one in report.verdicts}
    assert set(compared) == set(evaluated) == set(stored) == set(reported) == set(ARMS[1:])
    for run in runs[1:]:
        verdict = compared[run.name]
        assert same(evaluated[run.name], verdict)
        assert same(reported[run.name], verdict)
        assert stored[run.name]["p_adjusted"] == evaluated[run.name].p_adjusted
        decided = decide_gate(runs[0], run, Rules(rules=(MetricRule(metric=METRIC, margin=0.02),))).decided[0]
        assert decided.comparison is not None
        # The gate compares one pair, so there is nothing to correct for.
        (alone,) = compare_runs([runs[0], run], CompareSettings(metrics=(METRIC,))).verdicts
        assert same(decided.comparison, alone)
        assert (decided.value, alone.p) == (pytest.approx(verdict.difference), verdict.p)
        assert (decided.low_error, decided.high_error) == (0.05, 0.01)


def test_a_gate_and_a_comparison_agree_on_each_slice(evaluation: Evaluation) -> None:
    baseline, candidate, _ = evaluation.scored
    rules = Rules(rules=(MetricRule(metric=METRIC, margin=0.02, by="type"),))
    decided = {one.slice: one.comparison for one in decide_gate(baseline, candidate, rules).decided}
    found = compare_runs(
        [baseline, candidate], CompareSettings(metrics=(METRIC,), by=("type",), correction="none")
    ).slices
    both = {one.verdict.slice: one.verdict for one in found if one.tested and decided[one.verdict.slice] is not None}
    assert len(both) == 4
    assert all(same(decided[name], verdict) for name, verdict in both.items())


def test_many_metrics_at_once_give_what_each_gives_alone(evaluation: Evaluation) -> None:
    runs = evaluation.scored
    names = runs[0].scores.metrics
    together = compare_metrics(runs, CompareSettings(metrics=names))
    assert [(one.candidate, one.metric) for one in together] == [(run.name, m) for run in runs[1:] for m in names]
    for one in together:
        alone = {v.candidate: v for v in compare_runs(runs, CompareSettings(metrics=(one.metric,))).verdicts}[
            one.candidate
        ]
        assert same(one, alone)


def test_an_interval_and_the_p_of_its_own_row_agree_unless_marked(evaluation: Evaluation) -> None:
    settings = CompareSettings(metrics=evaluation.scored[0].scores.metrics, by=("type", "length"))
    found = compare_runs(evaluation.scored, settings)
    shown = [*found.verdicts, *(one.verdict for one in found.slices if one.tested)]
    intervals = [one for one in shown if one.low is not None and one.high is not None]
    assert len(intervals) > 20
    for one in intervals:
        assert one.low is not None
        assert one.high is not None
        excludes = one.low > 0 or one.high < 0
        assert one.disagrees == (excludes != (one.p < 0.05))
    assert np.mean([one.disagrees for one in intervals]) < 0.1


def test_the_same_run_costs_the_other_arms_nothing(evaluation: Evaluation) -> None:
    first, second, _ = evaluation.scored
    again = replace(first, name="again")
    assert Pair(first, again).same_run
    one, twin = compare_metrics([first, second, again], CompareSettings(metrics=(METRIC,)))
    assert (one.p_adjusted, twin.p_adjusted, twin.same_run) == (one.p, 1.0, True)


def test_run_files_on_labels_get_one_answer_by_document(tmp_path: Path) -> None:
    """Queries with the same only best-graded document are one cluster, in eval and in compare with labels."""
    rng, queries = np.random.default_rng(3), range(60)
    # q0 to q3 have document 0 as their only best one, and so on; the last 20 queries have two equally good ones.
    labels = {f"q{q}": {f"d{q // 4}": 2, "x": 1} if q < 40 else {f"d{q // 4}": 1, f"e{q}": 1} for q in queries}
    easy = rng.normal(size=15)
    for name, skill in (("old", 0.5), ("new", 1.0)):
        lines = [
            f"{id_} Q0 {item} 1 {skill * easy[int(id_[1:]) // 4] * (label > 0) + rng.normal():.6f} {name}"
            for id_, row in labels.items()
            for item, label in (row | {f"n{i}": 0 for i in range(6)}).items()
        ]
        (tmp_path / f"{name}.trec").write_text("\n".join(lines))
    qrels = tmp_path / "labels.txt"
    qrels.write_text("\n".join(f"{id_} 0 {item} {n}" for id_, row in labels.items() for item, n in row.items()))
    files = [tmp_path / "old.trec", tmp_path / "new.trec"]
    evaluated = rb.evaluate(golden=qrels, retrievers=[f"run:path={file}" for file in files]).comparisons
    (compared,) = rb.compare(*files, qrels=qrels).verdicts
    assert (compared.n, compared.clusters) == (60, 30)
    assert "clustered by document" in compared.interval
    assert same(next(one for one in evaluated if one.metric == METRIC), compared)
    assert rb.plan(*files, qrels=qrels).pilot.sizes.clusters == 30


def test_means_over_documents_are_one_answer_too(sample_data: Path, tmp_path: Path) -> None:
    shop = sample_data / "shop"
    evaluation = rb.evaluate(
        shop / "product_catalog.csv", shop, ARMS[:2], k=[10], average="documents", out=tmp_path / "shop"
    )
    values, units = evaluation.scored[0].scores.column(METRIC), evaluation.queries.units
    by_document: dict[str, list[float]] = {}
    for value, unit in zip(values.tolist(), units, strict=True):
        by_document.setdefault(unit, []).extend([] if np.isnan(value) else [value])
    means = [float(np.mean(own)) for own in by_document.values() if own]
    shown = evaluation.arms[0].metrics[METRIC]
    assert (shown.mean, shown.n) == (pytest.approx(np.mean(means)), len(means))
    assert len(means) < int((~np.isnan(values)).sum())
    (compared,) = rb.compare(tmp_path / "shop", metrics=[METRIC], average="documents").verdicts
    (evaluated,) = (one for one in evaluation.comparisons if one.metric == METRIC)
    page = read_report(Wanted((str(tmp_path / "shop"),)))
    assert page.compared is not None
    assert same(evaluated, compared)
    assert same(page.compared.verdicts[0], compared)
    assert compared.baseline_mean == pytest.approx(shown.mean)
    text = evaluation_markdown(evaluation)
    assert "ndcg@10, mean over documents [95% interval]" in text
    assert "every document counts once" in text
    assert "Mean over documents with its 95% interval" in leaderboard(page).title
    assert "--average documents" in command(page.folders[0], {})[0]
