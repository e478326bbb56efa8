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


def test_every_command_that_reads_a_golden_set_takes_the_columns(ragbench: Any, as_table: Path, tmp_path: Path) -> None:
    out = tmp_path / "native"
    assert ragbench("export", "--golden", as_table, *NAMED, "--to", "native", "--out", out).code == 0
    assert [json.loads(line)["text"] for line in (out / "golden.jsonl").read_text().splitlines()] == [
        "steel kettle",
        "dog lead",
    ]
    words = ("golden audit", "golden review export", "golden review import", "golden corpus", "score", "answer", "load",
             "plan", "eval", "export")  # fmt: skip
    for command in words:
        assert "--golden-columns" in ragbench(*command.split(), "--help").out, command


def test_chunk_labels_count_the_chunks_of_the_named_chunker(ragbench: Any, tmp_path: Path) -> None:
    corpus, golden, out = tmp_path / "corpus.jsonl", tmp_path / "golden.jsonl", tmp_path / "out"
    corpus.write_text(json.dumps({"id": "P1", "text": " ".join(f"word{n}" for n in range(300))}) + "\n")
    row = {"query": "word250", "relevant_product_id": "P1", "source_chunk_id": 9}
    golden.write_text(json.dumps(row) + "\n")
    words = ("eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--level", "chunk", "--k", "1")
    done = ragbench(*words)
    assert done.code == 2
    assert "golden.jsonl:1: source_chunk_id is 9, but P1 has chunks 0 to" in done.err
    assert "--label-chunker" in done.err
    counted = "fixed:size=200,overlap=0"
    done = ragbench(*words, "--label-chunker", counted, "--chunker", counted, "--out", out)
    assert done.code == 0, done.err
    assert f"source_chunk_id names, counted by {counted}" in done.out
    assert (out / "qrels.trec").read_text() == "q0001 0 P1#9 1\n"
    done = ragbench("eval", "--golden", golden, "--retriever", "run:path=x", "--label-chunker", counted)
    assert done.code == 2
    assert "--label-chunker needs --corpus" in done.err


@pytest.mark.parametrize("yes", ["true", "1", "True"])
def test_labels_may_be_truth_values(ragbench: Any, corpus: Path, tmp_path: Path, yes: str) -> None:
    no = {"true": "false", "1": "0", "True": "False"}[yes]
    table, lines = tmp_path / "set.csv", tmp_path / "set.jsonl"
    table.write_text(f"query,document_id,relevance\nsteel kettle,k,{yes}\nsteel kettle,x,{no}\n")
    written = (yes.lower(), no.lower())
    lines.write_text(
        "".join(
            f'{{"query": "steel kettle", "document_id": "{id_}", "relevance": {word}}}\n'
            for id_, word in zip("kx", written, strict=True)
        )
    )
    for path in (table, lines):
        out = tmp_path / path.suffix[1:]
        asked = ("eval", "--corpus", corpus, "--golden", path, "--retriever", "bm25", "--k", "2", "--out", out)
        assert ragbench(*asked).code == 0
        assert (out / "qrels.trec").read_text().split() == ["q0001", "0", "k", "1", "q0001", "0", "x", "0"]
    table.write_text("query,document_id,relevance\nsteel kettle,k,maybe\n")
    done = ragbench("eval", "--corpus", corpus, "--golden", table, "--retriever", "bm25")
    assert (done.code, "set.csv:2: the label is 'maybe'" in done.err) == (2, True)


def test_run_files_are_judged_by_chunk_only_where_the_labels_can_be(
    ragbench: Any, corpus: Path, as_lines: Path, tmp_path: Path
) -> None:
    run, qrels = tmp_path / "a.trec", tmp_path / "qrels.txt"
    run.write_text("a Q0 k#0 1 2.0 t\na Q0 x#0 2 1.0 t\n")
    qrels.write_text("a 0 k#0 1\n")
    asked = ("eval", "--retriever", f"run:path={run}", "--level", "chunk", "--k", "2")
    done = ragbench(*asked, "--golden", as_lines, *NAMED)
    assert (done.code, "judges documents" in done.err, "--corpus" in done.err) == (2, True, True)
    assert ragbench(*asked, "--golden", qrels, "--json").json["arms"][0]["metrics"]["recall@2"]["mean"] == 1
