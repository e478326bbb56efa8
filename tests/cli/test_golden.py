"""``ragbench golden`` as a user runs it."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))
from openai_server import Server, serving

CORPUS = [
    {"id": "a", "title": "Kettle", "text": "A steel kettle that boils water."},
    {"id": "b", "title": "Pot", "text": "A steel pot that boils water."},
    {"id": "c", "title": "Lead", "text": "Walk the dog. A soft lead of two metres."},
]
REVIEW = [{"stage": "judge", "accepted": True}]
GOLDEN: list[dict[str, Any]] = [
    {"id": "q1", "text": "boils water", "type": "question", "evidence": [{"document_id": "a", "start": 8, "end": 31}],
     "metadata": {"review": REVIEW, "model": "openai:gpt-4o"}},
    {"id": "q2", "text": "dog lead", "type": "keyword", "evidence": [{"document_id": "c"}],
     "metadata": {"review": REVIEW}},
]  # fmt: skip
REJECT = {
    "stage": "judge", "reason": "vague", "id": "q3", "text": "=it", "type": "question", "answer": None,
    "evidence": [{"document_id": "b", "start": 0, "end": 11}], "masked": [], "provenance": {},
    "review": [{"stage": "judge", "accepted": False, "reason": "vague"}],
}  # fmt: skip


def lines(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return lines(tmp_path / "corpus.jsonl", CORPUS)


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    lines(tmp_path / "set" / "rejected.jsonl", [REJECT])
    return lines(tmp_path / "set" / "golden.jsonl", GOLDEN).parent


@pytest.fixture
def grader() -> Iterator[Server]:
    pytest.importorskip("langchain_openai", reason="needs the extra openai")
    with serving(Server(chat=lambda prompt: '{"grade": 3}' if "steel pot" in prompt else '{"grade": 0}')) as server:
        yield server


def test_audit_prints_findings_with_what_to_do(ragbench: Any, corpus: Path, golden: Path, tmp_path: Path) -> None:
    done = ragbench(
        "golden", "audit", "--golden", golden, "--corpus", corpus, "--retriever", "bm25", "--other", golden,
        "--models", "judge=openai:gpt-4o-mini", "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 0, done.err
    for word in ("few-queries", "leaked", "circular", "->", "distinct-1", "mean ndcg@10"):
        assert word in done.out
    written = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert written["version"] == 1
    assert written["circularity"]["models"] == {"judge": "openai:gpt-4o-mini", "writer": "openai:gpt-4o"}
    assert {"findings", "mix", "diversity", "integrity", "leak", "siblings", "between", "validity"} <= set(written)


def test_audit_json_is_one_strict_object_and_an_error_exits_1(ragbench: Any, corpus: Path, tmp_path: Path) -> None:
    gone = lines(tmp_path / "g.jsonl", [*GOLDEN, {"id": "q9", "text": "x", "evidence": [{"document_id": "zz"}]}])
    done = ragbench("golden", "audit", "--golden", gone, "--corpus", corpus, "--retriever", "bm25", "--json")
    assert done.code == 1
    found = json.loads(done.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert [f["code"] for f in found["findings"] if f["severity"] == "error"] == ["missing-documents"]
    again = ragbench("golden", "audit", "--golden", gone, "--corpus", corpus, "--retriever", "bm25", "--json")
    assert again.out == done.out


def test_a_model_grades_siblings_into_a_new_set(
    ragbench: Any, corpus: Path, golden: Path, tmp_path: Path, grader: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ragbench.environment, "OPENAI_API_KEY", "sk-test")
    words = (
        "golden", "audit", "--golden", golden, "--corpus", corpus, "--retriever", "bm25", "--llm", "openai:grader",
        "--base-url", grader.url, "--out", tmp_path / "out", "--json", "--cache", tmp_path / "cache",
    )  # fmt: skip
    plan = ragbench(*words, "--dry-run")
    assert plan.code == 0, plan.err
    assert grader.asked == []
    done = ragbench(*words)
    assert done.code == 0, done.err
    assert done.json["sibling_grades"]["grades"] == [{"query_id": "q1", "item_id": "b", "grade": 3}]
    assert done.json["sibling_grades"]["answering"] == 1
    rows = [json.loads(line) for line in (tmp_path / "out" / "golden" / "golden.jsonl").read_text().splitlines()]
    assert rows[0]["evidence"][1] == {"document_id": "b", "grade": 1}
    asked = len(grader.asked)
    assert ragbench(*words).json["sibling_grades"]["answering"] == 1
    assert len(grader.asked) == asked, "an answer was paid for twice"


def test_review_there_and_back(ragbench: Any, corpus: Path, golden: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "review.csv"
    words = ("golden", "review", "export", "--golden", golden, "--corpus", corpus, "--out", sheet)
    done = ragbench(*words, "--json")
    assert done.json["judge"] == {"accepted": 2, "rejected": 1}
    again = ragbench(*words)
    assert (again.code, "may hold decisions" in again.err) == (2, True)
    with sheet.open(encoding="utf-8-sig", newline="") as handle:
        rows = {row["id"]: row for row in csv.DictReader(handle)}
    assert rows["q1"]["evidence"] == "[a] kettle that boils water"
    assert "A steel kettle that boils water." in rows["q1"]["chunk"]
    assert rows["q3"]["query"] == "'=it"
    rows["q1"]["decision"], rows["q3"]["decision"], rows["q2"]["decision"] = "accept", "reject", "edit"
    rows["q2"]["edited_text"] = "lead for a dog"
    filled = tmp_path / "filled.csv"
    with filled.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows["q1"]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows.values())
    words = ("golden", "review", "import", "--decisions", filled, "--golden", golden, "--out", tmp_path / "new")
    done = ragbench(*words, "--reviewer", "Ada")
    assert done.code == 0, done.err
    assert "accept 1  edit 1  reject 1" in done.out
    assert "kappa" in done.out
    rows_after = [json.loads(line) for line in (tmp_path / "new" / "golden.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows_after] == ["boils water", "lead for a dog"]
    assert rows_after[1]["metadata"]["people"] == [{"decision": "edit", "reviewer": "Ada", "text_before": "dog lead"}]
    out = [json.loads(line) for line in (tmp_path / "new" / "rejected_by_people.jsonl").read_text().splitlines()]
    assert [row["id"] for row in out] == ["q3"]
    agreement = json.loads((tmp_path / "new" / "agreement.json").read_text())["agreement"]
    # person: valid q1; not valid q2 (edited) and q3. Judge: valid q1, q2.
    assert agreement["kappa"]["table"] == [[1, 0], [1, 1]]


def test_corpus_without_the_masked_text(ragbench: Any, corpus: Path, golden: Path, tmp_path: Path) -> None:
    masked = {"id": "s", "text": "Walk the dog.", "evidence": [{"document_id": "c"}],
              "masked": [{"document_id": "c", "start": 0, "end": 13}], "source": "c"}  # fmt: skip
    done = ragbench(
        "golden", "corpus", "--golden", lines(tmp_path / "s.jsonl", [masked]), "--corpus", corpus, "--out",
        tmp_path / "copy",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "Walk the dog" not in (tmp_path / "copy" / "corpus.jsonl").read_text()
    evaluated = ragbench(
        "eval", "--corpus", tmp_path / "copy" / "corpus.jsonl", "--golden", tmp_path / "copy" / "golden",
        "--retriever", "dense", "--json",
    )  # fmt: skip
    assert evaluated.code == 0, evaluated.err
    nothing = ragbench("golden", "corpus", "--golden", golden, "--corpus", corpus, "--out", tmp_path / "x")
    assert (nothing.code, "nothing to mask" in nothing.err) == (2, True)


BAD: list[tuple[list[str], str]] = [
    (["--retriever", "bm52"], "did you mean 'bm25'"),
    (["--depth", "0"], "--depth is 0"),
    (["--models", "gpt-4o"], "'gpt-4o' is not of the form ROLE=MODEL"),
    (["--llm", "openai:gpt-4o"], "--out"),
    (["--dry-run"], "--llm"),
    (["--human", "nothing.jsonl"], "nothing.jsonl: no such file"),
]


@pytest.mark.parametrize(("words", "said"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_options_are_one_clear_error(
    ragbench: Any, corpus: Path, golden: Path, words: list[str], said: str
) -> None:
    done = ragbench("golden", "audit", "--golden", golden, "--corpus", corpus, *words)
    assert done.code == 2, done.out
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert said in errors[0]
