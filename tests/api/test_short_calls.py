"""What users write from memory works."""

import filecmp
from pathlib import Path

import pytest

import ragbench as rb

CATALOG = "datasets/shop/product_catalog.csv"
METRICS = ["ndcg@10", "hit@5"]


@pytest.fixture(scope="module")
def golden() -> rb.GoldenSet:
    return rb.load_golden("datasets/shop")


@pytest.fixture(scope="module")
def evaluation(golden: rb.GoldenSet, cache: Path) -> rb.Evaluation:
    return rb.evaluate(CATALOG, golden, ["bm25:stem=false", "bm25"], metrics=METRICS, by=["type"], cache=cache)


def test_things_are_found_by_position_and_by_id(golden: rb.GoldenSet, evaluation: rb.Evaluation) -> None:
    corpus = rb.load_corpus(CATALOG)
    assert corpus[0] is corpus.documents[0]
    assert corpus["P003"] is corpus.by_id["P003"]
    assert corpus[-1].id == corpus.documents[-1].id
    assert golden[0] is golden.items[0]
    assert golden["q001"].id == "q001"
    assert evaluation["bm25"] is evaluation[1] is evaluation.arms[1]
    assert [arm.name for arm in evaluation] == ["bm25:stem=false", "bm25"]
    assert len(evaluation) == 2
    assert "bm25" in evaluation
    assert "dense" not in evaluation
    assert evaluation["bm25"]["ndcg@10"] is evaluation["bm25"].metrics["ndcg@10"]
    assert evaluation["bm25"].scores["ndcg@10"].shape == (198,)
    for wrong, message in (
        (lambda: corpus["P33"], "no document 'P33'; did you mean 'P1"),
        (lambda: golden["query"], "no query 'query'"),
        (lambda: evaluation["bm52"], "did you mean 'bm25'"),
        (lambda: evaluation["bm25"]["ndcg@5"], "did you mean 'ndcg@10'"),
        (lambda: evaluation["bm25"].scores["mrr"], "ndcg@10"),
    ):
        with pytest.raises(rb.InputError, match=message):
            wrong()


def test_a_system_stands_for_itself(evaluation: rb.Evaluation) -> None:
    first, second = evaluation
    frame = second.to_pandas()
    assert len(frame) == 198
    assert frame["ndcg@10"].mean() == pytest.approx(second["ndcg@10"].mean)
    assert rb.compare(first, second).verdicts == rb.compare(evaluation).verdicts
    assert rb.compare([first, second]).verdicts == rb.compare(evaluation).verdicts
    assert rb.gate(second, first).outcome == "pass"
    plan = rb.plan(second, delta=0.05)
    same = rb.plan(metric="ndcg@10", level=second["ndcg@10"].mean, delta=0.05, golden="datasets/shop")
    assert plan.goals == same.goals
    assert plan.queries == 196
    assert second.plot.leaderboard().to_dict()
    with pytest.raises(rb.InputError, match="no value of mrr"):
        rb.plan(second, metric="mrr")


def test_an_evaluation_is_saved_and_read(evaluation: rb.Evaluation, golden: rb.GoldenSet, tmp_path: Path) -> None:
    folder = evaluation.save(tmp_path / "mine")
    read = rb.load_evaluation(folder)
    again = read.save(tmp_path / "again")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert filecmp.cmpfiles(folder, again, files, shallow=False) == (files, [], [])
    assert read.to_pandas().equals(evaluation.to_pandas())
    assert read.comparisons == evaluation.comparisons
    assert read.by == evaluation.by == ("type",)
    assert read["bm25"].cost == evaluation["bm25"].cost
    assert rb.compare(read).verdicts == rb.compare(evaluation).verdicts
    assert rb.gate(f"{folder}::bm25", read[0]).outcome == "pass"
    assert read._repr_html_() == evaluation._repr_html_()
    other = rb.evaluate(CATALOG, golden, "bm25", metrics=METRICS)
    with pytest.raises(rb.InputError, match="force=True"):
        other.save(folder)
    assert other.save(folder, force=True) == folder
    assert len(rb.load_evaluation(folder)) == 1


def test_a_saved_evaluation_is_that_of_the_command(evaluation: rb.Evaluation, cache: Path, tmp_path: Path) -> None:
    systems, out = ["bm25:stem=false", "bm25"], tmp_path / "a"
    rb.evaluate(CATALOG, "datasets/shop", systems, metrics=METRICS, by=["type"], cache=cache, out=out)
    written, saved = rb.load_evaluation(out), rb.load_evaluation(evaluation.save(tmp_path / "b"))
    assert written.to_pandas().equals(saved.to_pandas())
    assert written.steps.metric == saved.steps.metric
    assert [row.mean for row in written.steps.steps] == [row.mean for row in saved.steps.steps]
    assert written.manifest["identity"] == saved.manifest["identity"]
    assert Path(written.manifest["inputs"]["corpus"]["path"]) == Path(CATALOG).resolve()


def test_what_is_no_evaluation_of_retrievers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(rb.InputError, match="no such file or folder"):
        rb.load_evaluation(tmp_path / "absent")
    with pytest.raises(rb.InputError, match=r"load_evaluation\('reports/example'\)\['bm25'\]"):
        rb.load_evaluation("reports/example::bm25")
