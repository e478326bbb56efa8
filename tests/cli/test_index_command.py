"""``ragbench index`` as a user runs it, and what an evaluation makes of a collection of other documents."""

import json
from pathlib import Path
from typing import Any

import pytest

SHOP = "datasets/shop/product_catalog.csv"


@pytest.fixture
def filled(ragbench: Any, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    pytest.importorskip("qdrant_client", reason="needs the extra qdrant")
    place = f"qdrant:path={tmp_path / 'db'},collection=shop"
    done = ragbench("index", "--corpus", SHOP, "--into", place, "--json")
    assert done.code == 0, done.err
    return place, json.loads(done.out)


def test_a_collection_is_filled_and_evaluated(ragbench: Any, filled: Any) -> None:
    _, found = filled
    assert (found["documents"], found["items"], found["model"]) == (166, 166, "minilm")
    words = ["eval", "--corpus", SHOP, "--golden", "datasets/shop", "--retriever", "dense"]
    done = ragbench(*words, "--retriever", found["retriever"], "--json")
    assert done.code == 0, done.err
    dense, stored = json.loads(done.out)["arms"]
    assert stored["metrics"]["ndcg@10"]["mean"] == pytest.approx(dense["metrics"]["ndcg@10"]["mean"], abs=1e-6)


def test_the_metadata_are_written_and_filtered_by(ragbench: Any, filled: Any) -> None:
    place, found = filled
    assert found["fields"] == ["category", "price"]
    words = ["eval", "--corpus", SHOP, "--golden", "datasets/shop", "--filter", "price<200 and category!=outdoor"]
    done = ragbench(*words, "--retriever", "dense", "--retriever", found["retriever"], "--json")
    assert done.code == 0, done.err
    dense, stored = json.loads(done.out)["arms"]
    assert stored["metrics"]["ndcg@10"]["mean"] == pytest.approx(dense["metrics"]["ndcg@10"]["mean"], abs=1e-6)
    again = ["index", "--corpus", SHOP, "--into", place, "--replace", "--field"]
    assert "--field" in ragbench(*again, "prize").err
    assert ragbench(*again, "price").code == 0
    done = ragbench(*words, "--retriever", "dense", "--retriever", found["retriever"], "--json")
    assert "has no field 'category'" in json.loads(done.out)["arms"][1]["error"]


def test_a_collection_is_replaced_only_on_request(ragbench: Any, filled: Any) -> None:
    place, _ = filled
    again = ragbench("index", "--corpus", SHOP, "--into", place)
    assert again.code == 2
    assert "--replace" in again.err
    assert ragbench("index", "--corpus", SHOP, "--into", place, "--replace").code == 0


@pytest.mark.parametrize(
    "into",
    ["bm25", "chroma", "qdrant:collection=x", "qdrant:path=x,existing=true", "qdrant:path=x,url=http://localhost:1"],
)
def test_what_cannot_be_filled(ragbench: Any, into: str) -> None:
    done = ragbench("index", "--corpus", SHOP, "--into", into)
    assert done.code == 2
    assert "--into" in done.err


@pytest.mark.parametrize("into", ["bm25", "pinecone:collection=docs"])
def test_the_databases_are_listed_when_another_is_named(ragbench: Any, into: str) -> None:
    said = ragbench("index", "--corpus", SHOP, "--into", into).err
    assert "(allowed: chroma, lancedb, milvus, opensearch, pgvector, qdrant)" in said


def test_a_system_none_of_whose_ids_are_known_has_an_error_and_no_score(ragbench: Any, filled: Any) -> None:
    """Without id_field, Qdrant's own ids come back. No query would find anything."""
    place, _ = filled
    words = ["eval", "--corpus", SHOP, "--golden", "datasets/shop", "--retriever", "bm25"]
    done = ragbench(*words, "--retriever", f"{place},existing=true,id_field=title", "--json")
    good, bad = json.loads(done.out)["arms"]
    assert (good["status"], bad["status"]) == ("ok", "error")
    assert "Tarnfell" in bad["error"]
    assert "P001" in bad["error"]
