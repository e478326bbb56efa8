"""Golden sets whose columns have names of their own."""

import json
from pathlib import Path
from typing import Any

import pytest

ROWS = [
    {"qid": "a", "utterance": "steel kettle", "positives": ["k", "m"]},
    {"qid": "b", "utterance": "dog lead", "positives": ["d"]},
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    texts = {"k": "a steel kettle", "m": "kettle of iron", "d": "a lead for the dog", "x": "garden chair"}
    path.write_text("".join(json.dumps({"id": id_, "text": text}) + "\n" for id_, text in texts.items()))
    return path


@pytest.fixture
def as_lines(tmp_path: Path) -> Path:
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def as_table(tmp_path: Path) -> Path:
    path = tmp_path / "set.csv"
    path.write_text("qid,utterance,positives\na,steel kettle,k\na,steel kettle,m\nb,dog lead,d\n")
    return path


NAMED = ("--golden-columns", "id=qid, query=utterance,document=positives")


@pytest.mark.parametrize("golden", ["as_lines", "as_table"])
def test_columns_are_named(
    ragbench: Any, corpus: Path, tmp_path: Path, golden: str, request: pytest.FixtureRequest
) -> None:
    path, out = request.getfixturevalue(golden), tmp_path / "out"
    asked = ("eval", "--corpus", corpus, "--golden", path, "--retriever", "bm25", "--k", "2", "--out", out, "--json")
    arm = ragbench(*asked, *NAMED).json["arms"][0]
    assert arm["metrics"]["recall@2"]["mean"] == 1
    assert sorted((out / "qrels.trec").read_text().split("\n")) == ["", "a 0 k 1", "a 0 m 1", "b 0 d 1"]
    config = tmp_path / "eval.yaml"
    config.write_text("golden_columns: {id: qid, query: utterance, document: positives}\n")
    assert ragbench(*asked, "--config", config).json["arms"][0]["metrics"] == arm["metrics"]


@pytest.mark.parametrize(
    ("golden", "columns", "told"),
    [
        ("as_lines", "", ["set.jsonl:1: no golden set", '"utterance"', "--golden-columns query=NAME,document=NAME"]),
        ("as_table", "", ["set.csv: no column holds the query", "it has qid, utterance, positives"]),
        ("as_lines", "query=utterance", ["no column holds the relevant documents", "--golden-columns document=NAME"]),
        ("as_table", "query=utterance", ["no column holds the relevant documents", "it has qid, utterance, positives"]),
        ("as_lines", "query=utterances,document=positives", ["no column 'utterances'; did you mean 'utterance'"]),
        ("as_lines", "text=utterance", ["no role 'text' for a column", "allowed: answer, chunk, document"]),
        ("as_lines", "utterance", ["--golden-columns: 'utterance' is not of the form ROLE=NAME"]),
        ("as_lines", "query=a,query=b", ["--golden-columns: 'query' is given twice"]),
    ],
)
def test_what_is_wrong_is_told_with_what_is_there(
    ragbench: Any, corpus: Path, golden: str, columns: str, told: list[str], request: pytest.FixtureRequest
) -> None:
    words = ("--golden-columns", columns) if columns else ()
    done = ragbench("eval", "--corpus", corpus, "--golden", request.getfixturevalue(golden), *words)
    assert done.code == 2
    assert all(part in done.err for part in told), done.err
    assert "grade" not in done.err.replace("relevance, grade", "")
