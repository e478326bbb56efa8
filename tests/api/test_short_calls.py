"""What users write from memory works."""

import filecmp
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytrec_eval

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


QRELS = {"q1": {"b": 1}, "q2": {"a": 1, "c": 2}}
RUN = {"q1": {"a": 0.9, "b": 0.5}, "q2": {"c": 0.8, "a": 0.1}}


class Convertible:
    """As the objects of ranx."""

    def __init__(self, rows: dict[str, dict[str, float]]) -> None:
        self.rows = rows

    def to_dict(self) -> dict[str, dict[str, float]]:
        return self.rows


def triples(rows: dict[str, dict[str, float]]) -> list[tuple[str, str, float]]:
    return [(query, item, number) for query, row in rows.items() for item, number in row.items()]


def test_labels_and_rankings_are_scored_as_users_have_them(tmp_path: Path) -> None:
    # q1 has its only item at rank 2; q2 has both at the top, the one with the higher label first.
    expected = {"mrr": 0.75, "ndcg@10": (1 / np.log2(3) + 1) / 2}
    run, qrels = tmp_path / "run.json", tmp_path / "qrels.json"
    run.write_text(json.dumps(RUN), encoding="utf-8")
    qrels.write_text(json.dumps(QRELS), encoding="utf-8")
    ways: list[tuple[Any, Any]] = [
        (QRELS, RUN),
        (rb.Judgements.from_dict(QRELS), RUN),
        (rb.Run.from_dict(RUN), rb.Judgements.from_dict(QRELS)),
        (QRELS, {query: list(row) for query, row in RUN.items()}),
        (QRELS, {query: list(row.items()) for query, row in RUN.items()}),
        (triples(QRELS), triples(RUN)),
        (Convertible(QRELS), Convertible(RUN)),
        (pd.DataFrame(triples(QRELS), columns=["q_id", "doc_id", "rel"]),
         pd.DataFrame(triples(RUN), columns=["qid", "docno", "score"])),
        (qrels, str(run)),
    ]  # fmt: skip
    for labels, ranking in ways:
        assert rb.score(labels, ranking, ["RR", "nDCG@10"]).means() == pytest.approx(expected)
    assert rb.score({"q1": ["b"], "q2": {"a"}}, RUN, "mrr").means() == {"mrr": 0.5}
    assert "ndcg@10" in rb.score(QRELS, RUN).metrics
    # pytrec_eval is an independent implementation.
    measured = pytrec_eval.RelevanceEvaluator(QRELS, {"ndcg_cut_10"}).evaluate(RUN)
    ours = rb.score(QRELS, RUN, "ndcg_cut_10")["ndcg@10"]
    assert ours.tolist() == pytest.approx([measured[query]["ndcg_cut_10"] for query in QRELS])


def test_a_golden_set_labels_documents(golden: rb.GoldenSet, evaluation: rb.Evaluation) -> None:
    bm25 = evaluation["bm25"]
    assert bm25.run is not None
    assert rb.score(golden, bm25.run, "ndcg@10").means()["ndcg@10"] == pytest.approx(bm25["ndcg@10"].mean)


def test_chunks_have_a_size() -> None:
    corpus = rb.load_corpus(CATALOG)
    assert (
        rb.chunk(corpus, size=400, overlap=50).ids
        == rb.chunk(corpus, "recursive:join_titles=true,size=400,overlap=50").ids
    )
    assert rb.chunk(corpus, "fixed", size=400).texts == rb.chunk(corpus, "fixed:size=400").texts
    assert max(map(len, rb.chunk(corpus, size=100).texts)) <= 100
    assert len(rb.chunk(corpus)) == len(corpus)


def test_an_evaluation_is_reported(evaluation: rb.Evaluation, cache: Path, tmp_path: Path) -> None:
    page = rb.report(evaluation, tmp_path / "page.html")
    assert page == tmp_path / "page.html"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    text = page.read_text("utf-8")
    assert "The texts of the ranked items are not shown" not in text
    assert ".ragbench-" not in text
    folder = evaluation.save(tmp_path / "evaluation")
    same = rb.report(folder, out=tmp_path / "same.html")
    assert same.stat().st_size == pytest.approx(page.stat().st_size, abs=200)
    with pytest.raises(rb.InputError, match="are both the page"):
        rb.report(evaluation, tmp_path / "a.html", out=tmp_path / "b.html")
    chunks = rb.chunk(rb.load_corpus(CATALOG))
    made_here = rb.evaluate(chunks, rb.load_golden("datasets/shop"), "bm25", metrics=METRICS, cache=cache)
    text = rb.report(made_here, tmp_path / "of objects.html").read_text("utf-8")
    assert "The texts of the ranked items are not shown" not in text
    assert "Evidence and reference answers are not shown" in text
    assert ".ragbench-" not in text
    without = rb.report(rb.load_evaluation("reports/example"), tmp_path / "of folder.html")
    assert without.stat().st_size > 10_000


def test_the_command_takes_the_page_last(ragbench: Any, tmp_path: Path) -> None:
    done = ragbench("report", "reports/example", tmp_path / "page.html")
    assert done.code == 0
    assert (tmp_path / "page.html").stat().st_size > 10_000
