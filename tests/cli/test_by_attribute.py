"""``--by category``, where category is a column of the corpus: eval, then compare, gate and baseline without it."""

import json
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.io.scored_runs import read_scored


@pytest.fixture(scope="module")
def folder(ragbench: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("by")
    shop = sample_data / "shop"
    done = ragbench(
        "eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, "--retriever", "bm25", "--retriever",
        "bm25:stem=false", "--by", "category", "--by", "price", "--by", "type", "--out", made / "run",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "ndcg@10 by category" in done.out
    assert "Exposure by category" in done.out
    assert "Exposure by price" not in done.out
    return made


def test_the_folder_has_the_attributes_of_what_was_ranked(folder: Path, sample_data: Path) -> None:
    first, _ = read_scored(folder / "run")
    corpus = rb.load_corpus(sample_data / "shop" / "product_catalog.csv")
    assert first.run is not None
    assert first.judgements is not None
    seen = set(first.run.item_ids) | set(first.judgements.item_ids)
    assert first.attributes["category"] == {id_: corpus.by_id[id_].metadata["category"] for id_ in seen}
    assert first.attributes["price"]["P001"] == 289.0
    # The query's category is that of its only relevant document.
    at = list(first.queries.ids).index("q001")
    assert first.queries.columns["category"][at] == corpus.by_id["P003"].metadata["category"]


def test_figures_of_the_slices(folder: Path) -> None:
    results = json.loads((folder / "run" / "results.json").read_text())
    category, price, kind = results["slices"]
    assert [one["by"] for one in results["slices"]] == ["category", "price", "type"]
    first, _ = read_scored(folder / "run")
    column = first.scores.column("ndcg@10")
    kitchen = next(part for part in category["slices"] if part["label"] == "kitchen")
    rows = [row for row, value in enumerate(first.queries.columns["category"]) if value == "kitchen"]
    assert kitchen["queries"] == len(rows)
    assert kitchen["means"]["bm25"]["mean"] == pytest.approx(column[rows].mean())
    assert {one["system"] for one in category["exposure"]} == {"bm25", "bm25:stem=false"}
    assert price["exposure"] == kind["exposure"] == []
    assert category["gaps"][0]["low"] <= category["gaps"][0]["gap"] <= category["gaps"][0]["high"]


def test_compare_gate_and_baseline_need_no_corpus(ragbench: Any, folder: Path) -> None:
    compared = ragbench("compare", folder / "run::bm25:stem=false", folder / "run::bm25", "--by", "category", "--json")
    assert {one["slice"] for one in compared.json["slices"]} >= {"category=kitchen", "category=outdoor"}
    (folder / "gate.yaml").write_text("rules:\n- {metric: ndcg@10, margin: .9, by: category}\n")
    words = ("--rules", folder / "gate.yaml", "--candidate", folder / "run::bm25", "--json")
    done = ragbench("gate", "--baseline", folder / "run::bm25:stem=false", *words)
    assert done.code == 0, done.err
    assert "category=kitchen" in {one["slice"] for one in done.json["rules"]}
    stored = ragbench("baseline", "set", "main", folder / "run::bm25", "--store", folder / "store")
    assert stored.code == 0, stored.err
    assert read_scored(folder / "store" / "main")[0].attributes["category"]


def test_an_unknown_column_is_refused_before_anything_is_searched(
    ragbench: Any, folder: Path, sample_data: Path
) -> None:
    shop = sample_data / "shop"
    done = ragbench("eval", "--corpus", shop / "product_catalog.csv", "--golden", shop, "--by", "categry")
    assert done.code == 2
    assert "--by is 'categry'" in done.err
    assert "did you mean 'category'" in done.err


def test_chunks_keep_the_metadata_of_their_documents(sample_data: Path) -> None:
    shop = sample_data / "shop"
    chunks = rb.chunk(rb.load_corpus(shop / "product_catalog.csv"), "recursive:size=200,overlap=0")
    assert len(chunks.metadata) == len(chunks.document_ids) < len(chunks)
    found = rb.evaluate(chunks, rb.load_golden(shop), ["bm25"], by=["category"], level="chunk")
    assert found.task.unit == "chunk"
    run = found.scored[0]
    at = list(run.queries.ids).index("q001")
    assert run.queries.columns["category"][at] == "outdoor"
    assert set(run.attributes["category"].values()) >= {"outdoor", "kitchen"}
