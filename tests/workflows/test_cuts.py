"""A search that ends at rank 100 never changes a metric without a cut-off silently."""

import json
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ({"_id": f"d{i}", "text": f"word{i % 7} common"} for i in range(150))
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    queries = [{"id": f"q{i}", "text": f"common word{i}", "evidence": [{"document_id": f"d{i}"}]} for i in range(7)]
    (tmp_path / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    (tmp_path / "gate.yaml").write_text("rules:\n  - {metric: map, margin: 0.5}\n")
    return tmp_path


def evaluated(ragbench: Any, folder: Path, *words: object) -> Any:
    asked = ("--metric", "map", "--metric", "rprec", "--metric", "recall@5", "--metric", "num_rel")
    return ragbench(
        "eval", "--corpus", "corpus.jsonl", "--golden", "golden.jsonl", "--retriever", "bm25", *asked,
        "--resamples", "200", "--cache", "cache", *words, cwd=folder,
    )  # fmt: skip


def test_every_place_names_the_cut(ragbench: Any, folder: Path) -> None:
    done = evaluated(ragbench, folder, "--out", "out", "--retriever", "bm25:k1=0.1", "--all-metrics")
    assert "map (first 100)" in done.out
    assert "rprec (first 100)" in done.out
    assert "recall@5 (" not in done.out
    arm = json.loads((folder / "out" / "results.json").read_text())["arms"][0]
    assert arm["cuts"] == {"map": 100, "rprec": 100}
    compared = ragbench("compare", "out", "--metric", "map", cwd=folder)
    said = " ".join(compared.out.split())
    assert "map: the first 100 items of each ranking count, since no more were retrieved (bm25, bm25:k1=0.1)" in said
    assert "the first 100 items" not in ragbench("compare", "out", "--metric", "recall@5", cwd=folder).out
    gate = ragbench("gate", "--baseline", "out::bm25", "--candidate", "out::bm25:k1=0.1", "--rules", "gate.yaml",
                    cwd=folder)  # fmt: skip
    assert "map: the first 100 items of each ranking count" in " ".join(gate.out.split())
    assert ragbench("report", "out", "--out", "r.html", cwd=folder).code == 0
    assert "map, rprec: the first 100 items of each ranking count" in (folder / "r.html").read_text()


def test_a_whole_ranking_is_not_called_cut(ragbench: Any, folder: Path) -> None:
    deep = evaluated(ragbench, folder, "--k", "5,150", "--json")
    assert deep.json["arms"][0]["cuts"] == {}
    runs = rb.evaluate(
        golden=rb.Judgements.from_dict({"q": {"d149": 1}}),
        retrievers={"run": f"run:path={_run(folder)}"}, metrics=["map"], resamples=100,
    )  # fmt: skip
    assert runs.arms[0].scores is not None
    assert runs.arms[0].scores.cuts == {}
    assert runs.arms[0].metrics["map"].mean == pytest.approx(1 / 150)


def _run(folder: Path) -> Path:
    (folder / "run.trec").write_text("".join(f"q Q0 d{i} 1 {200 - i} t\n" for i in range(150)))
    return folder / "run.trec"
