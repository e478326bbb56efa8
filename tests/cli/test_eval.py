"""``ragbench eval`` as a user runs it: real files, a real process, exit codes."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytrec_eval

CORPUS = [
    {"id": "a", "title": "Kettle", "text": "A steel kettle that boils water."},
    {"id": "b", "title": "Tent", "text": "A tent for two that keeps the rain out."},
    {"id": "c", "title": "Lead", "text": "A soft lead to walk the dog."},
]
GOLDEN = [
    {"id": "q1", "text": "boil water", "evidence": [{"document_id": "a"}]},
    {"id": "q2", "text": "shelter from rain", "evidence": [{"document_id": "b"}]},
    {"id": "q3", "text": "dog walking", "evidence": [{"document_id": "c"}, {"document_id": "a", "grade": 0}]},
]


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return lines(tmp_path / "corpus.jsonl", CORPUS)


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    return lines(tmp_path / "golden.jsonl", GOLDEN)


def test_a_corpus_that_contains_the_golden_set_is_noticed(ragbench: Any, tmp_path: Path) -> None:
    golden = lines(tmp_path / "golden.jsonl", GOLDEN)
    documents = lines(tmp_path / "documents.jsonl", CORPUS)
    done = ragbench("eval", "--corpus", tmp_path, "--golden", golden, "--retriever", "bm25")
    assert done.code == 0
    assert "warning: 3 documents have exactly the text of a query, such as q1" in " ".join(done.out.split())
    alone = ragbench("eval", "--corpus", documents, "--golden", golden, "--retriever", "bm25")
    assert "the text of a query" not in alone.out


def test_the_four_defaults_run_and_every_file_is_written(
    ragbench: Any, corpus: Path, golden: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    done = ragbench("eval", "--corpus", corpus, "--golden", golden, "--out", out, "--k", "1,3")
    assert done.code == 0
    assert all(word in done.out for word in ("bm25", "dense", "hybrid", "rerank", "ndcg@1", "p95 ms", str(out.name)))
    assert max(len(line.rstrip()) for line in done.out.splitlines() if str(tmp_path) not in line) <= 80
    results = json.loads((out / "results.json").read_text())
    assert [arm["name"] for arm in results["arms"]] == ["bm25", "dense", "hybrid", "rerank"]
    assert results["manifest"]["complete"] is True
    assert {path.name for path in (out / "runs").iterdir()} == {"bm25.trec", "dense.trec", "hybrid.trec", "rerank.trec"}
    # trec_eval, on the files that were written, finds the same numbers
    for arm in results["arms"]:
        with (out / "runs" / f"{arm['name']}.trec").open() as run, (out / "qrels.trec").open() as qrels:
            evaluator = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(qrels), {"ndcg_cut.3", "map", "P.1"})
            values = evaluator.evaluate(pytrec_eval.parse_run(run)).values()
        for theirs, ours in (("ndcg_cut_3", "ndcg@3"), ("map", "map"), ("P_1", "p@1")):
            assert sum(v[theirs] for v in values) / 3 == pytest.approx(arm["metrics"][ours]["mean"], abs=1e-9)
    scores = pd.read_parquet(out / "scores.parquet")
    assert len(scores) == 12
    assert (out / "summary.md").read_text().startswith("# Evaluation")


def test_one_screen_has_what_decides_and_all_metrics_has_the_rest(ragbench: Any, sample_data: Path) -> None:
    shop = ("--corpus", sample_data / "shop" / "product_catalog.csv", "--golden", sample_data / "shop")
    asked = ("eval", *shop, "--retriever", "bm25:stem=false", "--retriever", "bm25", "--retriever", "bm25:b=0")
    short, full = ragbench(*asked).out.splitlines(), ragbench(*asked, "--all-metrics").out.splitlines()
    assert len(short) <= 40 < len(full)
    metrics = ("hit@1 ", "mrr@100 ", "recall@5 ")
    assert not any(line.startswith(metrics) for line in short)
    assert all(any(line.startswith(one) for line in full) for one in metrics)
    decided = [line.split()[-1] for line in short if line.startswith("bm25") and "[" in line]
    assert decided[1:] == [line.split()[-1] for line in full if line.startswith("bm25") and line.count("[") == 2]
    assert decided[1] == "better"


def test_notes_name_a_few_items_and_the_file_with_all(ragbench: Any, corpus: Path, tmp_path: Path) -> None:
    rows = [{"id": f"x{i}", "text": "kettle", "evidence": []} for i in range(9)]
    golden = lines(tmp_path / "unjudged.jsonl", [*GOLDEN, *rows])
    out = tmp_path / "report"
    shown = ragbench("eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--out", out).out
    note = " ".join(shown.split())
    assert "x2 and 6 more:" in note
    assert "x3" not in note
    assert f"see{out / 'ledger.jsonl'}" in "".join(shown.split())
    assert {f"x{i}" for i in range(9)} <= {json.loads(line)["item"] for line in (out / "ledger.jsonl").open()}


def test_json_is_one_object_with_the_documented_keys(ragbench: Any, corpus: Path, golden: Path) -> None:
    done = ragbench(
        "eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--retriever", "bm25:k1=2", "--json"
    )
    assert done.code == 0
    arm = done.json["arms"][1]
    assert arm["name"] == "bm25:k1=2"
    assert set(arm["metrics"]["ndcg@10"]) == {"mean", "low", "high", "n"}
    assert set(arm["latency_ms"]) == {"p50", "p95", "p99", "n"}
    assert arm["latency_ms_intervals"] == {"p50": None}
    assert arm["qps"] > 0
    assert done.json["schema_version"] == 1
    keys = {"schema_version", "arms", "comparisons", "leaderboard", "steps", "ledger", "manifest", "slices"}
    assert set(done.json) == keys
    assert done.json["leaderboard"] is None
    assert done.json["comparisons"][0]["baseline"] == "bm25"


def test_same_input_and_seed_give_the_same_bytes(ragbench: Any, corpus: Path, golden: Path, tmp_path: Path) -> None:
    words = ("eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--retriever", "dense", "--fresh")
    # The second run has a process of its own, with another order of sets.
    for name, run in (("one", ragbench), ("two", ragbench.process)):
        assert run(*words, "--out", tmp_path / name).code == 0
    for file in ("scores.parquet", "ledger.jsonl", "qrels.trec", "runs/bm25.trec", "runs/dense.trec"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_options_from_a_file_and_the_command_line_wins(
    ragbench: Any, corpus: Path, golden: Path, tmp_path: Path
) -> None:
    config = tmp_path / "eval.yaml"
    config.write_text(
        f"corpus: {corpus}\ngolden: {golden}\nk: [1, 3]\nretrievers:\n  - bm25\n  - {{name: bm25, k1: 2.0}}\n",
        encoding="utf-8",
    )
    done = ragbench("eval", "--config", config, "--json", "--k", "2")
    assert [arm["name"] for arm in done.json["arms"]] == ["bm25", "bm25:k1=2.0"]
    assert "ndcg@2" in done.json["arms"][0]["metrics"]
    config.write_text("corpsu: x\nk: [a]\nseed: one\n", encoding="utf-8")
    done = ragbench("eval", "--config", config)
    assert done.code == 2
    assert len([line for line in done.err.splitlines() if line.startswith("error:")]) == 3
    assert "did you mean 'corpus'" in done.err


BAD: list[tuple[str, Callable[[Path], list[object]], str]] = [
    ("missing file", lambda p: ["--corpus", p / "nothing.jsonl"], "nothing.jsonl: no such file"),
    ("empty corpus", lambda p: ["--corpus", lines(p / "empty.jsonl", [])], "the corpus is empty"),
    (
        "duplicate ids",
        lambda p: ["--corpus", lines(p / "twice.jsonl", [CORPUS[0], CORPUS[0]])],
        "occur more than once: a",
    ),
    ("malformed line", lambda p: ["--corpus", lines(p / "bad.jsonl", [CORPUS[0], "{oops"])], "bad.jsonl:2"),
    ("malformed golden", lambda p: ["--golden", lines(p / "g.jsonl", [GOLDEN[0], "{oops"])], "g.jsonl:2"),
    (
        "label that is no number",
        lambda p: [
            "--golden",
            lines(p / "g.jsonl", [{"id": "q", "text": "t", "evidence": [{"document_id": "a", "grade": "x"}]}]),
        ],
        "g.jsonl:1",
    ),
    (
        "query without text",
        lambda p: ["--golden", lines(p / "g.jsonl", [{**GOLDEN[0], "text": " "}])],
        "g.jsonl:1: the query has no text",
    ),
    ("golden twice", lambda p: ["--golden", lines(p / "g.jsonl", [GOLDEN[0], GOLDEN[0]])], "q1"),
    (
        "unknown document",
        lambda p: ["--golden", lines(p / "g.jsonl", [{**GOLDEN[0], "evidence": [{"document_id": "zz"}]}])],
        "or that have no text: zz",
    ),
    (
        "nothing relevant",
        lambda p: ["--golden", lines(p / "g.jsonl", [{**GOLDEN[0], "evidence": []}])],
        "no relevant document",
    ),
    ("unknown retriever", lambda p: ["--retriever", "bm52"], "did you mean 'bm25'"),
    ("unknown setting", lambda p: ["--retriever", "bm25:k3=1"], "no setting 'k3'"),
    ("unknown metric", lambda p: ["--metric", "ndgc@10"], "ndcg"),
    ("k is 0", lambda p: ["--k", "0"], "at least 1"),
    ("k is text", lambda p: ["--k", "ten"], "--k is 'ten'"),
    ("unknown chunker", lambda p: ["--chunker", "fixt"], "did you mean 'fixed'"),
    ("unusable cache", lambda p: ["--cache", lines(p / "file", ["x"])], "name another with --cache"),
]


@pytest.mark.parametrize(("what", "words", "said"), BAD, ids=[what for what, _, _ in BAD])
def test_bad_input_is_one_clear_error(
    ragbench: Any,
    corpus: Path,
    golden: Path,
    tmp_path: Path,
    what: str,
    words: Callable[[Path], list[object]],
    said: str,
) -> None:
    given = words(tmp_path)
    rest = [
        word
        for option, path in (("--corpus", corpus), ("--golden", golden))
        if option not in given
        for word in (option, path)
    ]
    retriever = [] if "--retriever" in given else ["--retriever", "bm25"]
    done = ragbench("eval", *given, *rest, *retriever)
    assert done.code == 2, done.out + done.err
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert said in errors[0]


def test_missing_documents_are_counted_when_allowed(ragbench: Any, corpus: Path, tmp_path: Path) -> None:
    golden = lines(tmp_path / "g.jsonl", [{**GOLDEN[0], "evidence": [{"document_id": "zz"}, {"document_id": "a"}]}])
    done = ragbench("eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--allow-missing", "--json")
    assert done.code == 0
    assert done.json["ledger"]["counts"] == {"document-missing": 1}
    assert done.json["arms"][0]["metrics"]["recall@10"]["mean"] == 0.5


def test_an_arm_that_fails_exits_2_and_the_others_are_there(
    ragbench: Any, corpus: Path, golden: Path, tmp_path: Path
) -> None:
    empty = lines(tmp_path / "empty.trec", ["q9 Q0 a 1 1.0 x"])
    out = tmp_path / "out"
    done = ragbench(
        "eval",
        "--corpus",
        corpus,
        "--golden",
        golden,
        "--retriever",
        "bm25",
        "--retriever",
        f"run:path={empty}",
        "--out",
        out,
    )
    assert done.code == 2
    assert "did not run and has no score" in done.out
    results = json.loads((out / "results.json").read_text())
    assert [arm["status"] for arm in results["arms"]] == ["ok", "error"]
    assert (out / "runs" / "bm25.trec").exists()


def test_interrupt_leaves_finished_arms_readable(ragbench: Any, corpus: Path, golden: Path, tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time, sys\nfor line in sys.stdin: time.sleep(600)\n", encoding="utf-8")
    out = tmp_path / "out"
    command = f"command:command='python3 {sleeper}',timeout=600"
    process = ragbench.start(
        "eval", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--retriever", command, "--out", out
    )
    deadline = time.monotonic() + 60
    while not (out / "results.json").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted; what was finished is kept" in err
    results = json.loads((out / "results.json").read_text())
    assert [arm["name"] for arm in results["arms"]] == ["bm25"]
    assert results["manifest"]["complete"] is False


def test_plugins_are_listed(ragbench: Any) -> None:
    found = ragbench("plugins", "--json").json
    assert {"bm25", "dense", "hybrid", "rerank", "http", "command", "langchain", "run"} <= set(found["retrievers"])
    assert set(found["rerankers"]) == {"cross_encoder", "fusion", "late", "llm"}


def test_names_with_blanks_are_written_and_nothing_of_an_earlier_evaluation_stays(
    ragbench: Any, tmp_path: Path
) -> None:
    folder, out = tmp_path / "my docs", tmp_path / "report"
    folder.mkdir()
    for name, text in (("a b.txt", "steel kettle"), ("100 %.txt", "dog lead")):
        (folder / name).write_text(text)
    rows = [{"query": "kettle", "relevant_product_id": "a b.txt"}, {"query": "dog", "relevant_product_id": "100 %.txt"}]
    asked = ("eval", "--corpus", folder, "--golden", lines(tmp_path / "simple.jsonl", rows), "--k", "1", "--out", out)
    assert ragbench(*asked, "--retriever", "bm25", "--retriever", "bm25:k1=2").code == 0
    with (out / "runs" / "bm25.trec").open() as run, (out / "qrels.trec").open() as qrels:
        evaluator = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(qrels), {"P.1"})
        assert [values["P_1"] for values in evaluator.evaluate(pytrec_eval.parse_run(run)).values()] == [1, 1]
    done = ragbench(*asked, "--retriever", "bm25")
    assert done.code == 2
    assert "holds another evaluation (different: systems)" in done.err
    assert ragbench(*asked, "--retriever", "bm25", "--force").code == 0
    assert [path.name for path in (out / "runs").iterdir()] == ["bm25.trec"]
    # The same evaluation may run again.
    assert ragbench(*asked, "--retriever", "bm25").code == 0
    assert ragbench(*asked[:-2], "--out", out, "--retriever", "bm25", "--jobs", "2", "--fresh").code == 0
    done = ragbench(*asked, "--retriever", "bm25", "--metric", "mrr@1")
    assert (done.code, "(different: settings)" in done.err) == (2, True)
    (out / "results.json").write_text("{")
    done = ragbench(*asked, "--retriever", "bm25")
    assert (done.code, "give --force" in done.err) == (2, True)


def test_a_folder_that_cannot_be_made_is_told_before_anything_runs(
    ragbench: Any, corpus: Path, golden: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = ragbench("eval", "--corpus", corpus, "--golden", golden, "--out", tmp_path / "file" / "report")
    assert done.code == 2
    assert f"--out {tmp_path / 'file' / 'report'}: {tmp_path / 'file'} is a file" in done.err
    assert "Traceback" not in done.err


def test_systems_take_names_on_the_command_line_and_in_a_file(
    ragbench: Any, corpus: Path, golden: Path, tmp_path: Path
) -> None:
    asked = ("eval", "--corpus", corpus, "--golden", golden, "--k", "1")
    out = tmp_path / "first"
    assert ragbench(*asked, "--retriever", "bm25", "--out", out).code == 0
    replayed = f"base=run:path={out / 'runs' / 'bm25.trec'},returns=document"
    done = ragbench(*asked, "--retriever", replayed, "--retriever", "k1=bm25:k1=2", "--json")
    assert [arm["name"] for arm in done.json["arms"]] == ["base", "k1"]
    assert done.json["arms"][1]["setup"]["retriever"] == "bm25:k1=2"
    config = tmp_path / "eval.yaml"
    for key in ("retriever", "retrievers"):
        config.write_text(f"{key}: [base=bm25, {{name: new, retriever: bm25, notes: half}}]\n", encoding="utf-8")
        done = ragbench(*asked, "--config", config, "--json")
        assert [(arm["name"], arm["setup"]["notes"]) for arm in done.json["arms"]] == [("base", ""), ("new", "half")]
    config.write_text("retriever: bm25\nretrievers: [bm25]\n", encoding="utf-8")
    done = ragbench(*asked, "--config", config)
    assert (done.code, "given twice" in done.err) == (2, True)
