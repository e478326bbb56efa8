"""``ragbench answer --repeats`` and ``ragbench score --repeats``, against servers that answer differently each time."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ragbench.core.errors import InputError
from ragbench.io.answer_files import read_answers
from ragbench.io.scored_runs import read_scored

sys.path += [str(Path(__file__).resolve().parent.parent / room) for room in ("models", "answers")]
from judge_replies import judged, prompt_of
from llm_server import LLMServer, serving

COUNT = 12
RESULTS = ("answers.jsonl", "manifest.json", "ledger.jsonl", "card.md")
SCORED = ("results.json", "scores.parquet", "repeats.parquet", "ledger.jsonl", "summary.md")


class Forgetful:
    """Answers the n-th asking of an odd-numbered question with another weight."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()

    def __call__(self, body: dict[str, Any]) -> str:
        number = int(body["messages"][1]["content"].split("stone number ")[-1].split()[0])
        said = number + (self.asked[number] if number % 2 else 0)
        self.asked[number] += 1
        return json.dumps({"answer": f"It weighs {said} kg.", "citations": [1], "is_unknown": False})


class Moody:
    """Judges by rule, but every third judgement of statements is turned round."""

    def __init__(self) -> None:
        self.judgements = 0

    def __call__(self, body: dict[str, Any]) -> str:
        said = judged(body)
        if prompt_of(body) == "verdicts":
            self.judgements += 1
            if self.judgements % 3 == 0:
                for row in said["verdicts"]:
                    row["sources"] = dict.fromkeys(row["sources"], "not found")
                    row["together"] = "not found"
        return json.dumps(said)


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    path = tmp_path / "golden.jsonl"
    rows = (
        {"id": f"q{n}", "text": f"weight of stone number {n} now", "answer": f"It weighs {n} kg.",
         "evidence": [{"document_id": f"d{n}"}]}
        for n in range(COUNT)
    )  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def asking(tmp_path: Path, golden: Path, server: LLMServer, repeats: int) -> list[object]:
    corpus = tmp_path / "corpus.jsonl"
    rows = ({"id": f"d{n}", "text": f"The stone number {n} lies here. It weighs {n} kg."} for n in range(COUNT))
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["answer", "--corpus", corpus, "--golden", golden, "--retriever", "bm25", "--llm", "openai_compatible:m",
            "--base-url", server.url, "--k", 2, "--repeats", repeats]  # fmt: skip


def test_answers_of_several_runs_are_asked_once_each_and_scored(ragbench: Any, tmp_path: Path, golden: Path) -> None:
    out, scores = tmp_path / "answers", tmp_path / "scores"
    with serving(LLMServer(reply=Forgetful())) as server:
        planned = ragbench(*asking(tmp_path, golden, server, 3), "--dry-run", "--json")
        assert planned.json["plan"]["calls"] == 3 * COUNT
        done = ragbench(*asking(tmp_path, golden, server, 2), "--out", out)
        assert done.code == 0, done.err
        assert sum(server.paid.values()) == 2 * COUNT
        # One run more: only its answers are asked for. The same command again asks nothing.
        for _ in range(2):
            more = ragbench(*asking(tmp_path, golden, server, 3), "--out", out)
            assert more.code == 0, more.err
            assert sum(server.paid.values()) == 3 * COUNT
            files = {name: (out / name).read_bytes() for name in RESULTS}
        again = ragbench(*asking(tmp_path, golden, server, 3), "--out", out, "--json")
        assert {name: (out / name).read_bytes() for name in RESULTS} == files
    assert again.json["counts"]["runs"] == 3
    assert again.json["counts"]["changed"] == COUNT // 2
    assert "asked at temperature 0, but the answers to 6 of 12 queries changed over 3 runs" in more.out + more.err
    found = read_answers(out)
    assert [item.answer for items in found.runs for item in items if item.query_id == "q3"] == [
        "It weighs 3 kg.", "It weighs 4 kg.", "It weighs 5 kg.",
    ]  # fmt: skip
    assert all(item.seconds is not None for items in found.runs for item in items)

    done = ragbench("score", out, "--golden", golden, "--metric", "exact_match", "--out", scores, "--resamples", 200)
    assert done.code == 0, done.err
    assert "scores are means over 3 runs; the answers to 6 queries changed" in done.out
    assert "changed over 3 runs: q1, q3" in " ".join(done.out.split())
    (scored,) = read_scored(scores)
    # Even questions are right in every run, odd ones in the first only.
    assert scored.scores.column("exact_match").tolist() == pytest.approx([1, 1 / 3] * (COUNT // 2))
    frame = pd.read_parquet(scores / "repeats.parquet")
    assert frame.groupby("run")["exact_match"].mean().tolist() == [1, 0.5, 0.5]
    arm = json.loads((scores / "results.json").read_text())["arms"][0]
    assert (arm["repeats"]["runs"], arm["repeats"]["changed_queries"]) == (3, 6)
    assert arm["repeats"]["variance"]["exact_match"]["judge"] is None


def test_a_judge_that_judges_several_times(ragbench: Any, tmp_path: Path) -> None:
    answers, golden, out = tmp_path / "made.jsonl", tmp_path / "golden.jsonl", tmp_path / "scores"
    ids = range(10)
    golden.write_text("".join(json.dumps({"id": f"q{n}", "text": f"What is stone {n}?"}) + "\n" for n in ids))
    rows = [
        {"query_id": f"q{n}", "run": run, "query": f"What is stone {n}?", "answer": f"Stone {n} is grey.",
         "sources": [{"id": "s", "document_id": "d", "text": f"Stone {n} is grey."}]}
        for run in ("monday", "tuesday")
        for n in ids
    ]  # fmt: skip
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(LLMServer(reply=Moody())) as server:
        words = ["score", answers, "--golden", golden, "--judge", "openai_compatible:j", "--base-url", server.url,
                 "--metric", "faithfulness", "--out", out, "--resamples", 200]  # fmt: skip
        planned = ragbench(*words, "--repeats", 2, "--dry-run", "--json")
        assert ragbench(*words).code == 0
        once = sum(server.paid.values())
        done = ragbench(*words, "--repeats", 2, "--json")
        assert done.code == 0, done.err
        # Two calls for each answer of each run and judgement; the first judgements were there.
        assert once == 2 * 2 * len(ids)
        assert sum(server.paid.values()) == 2 * once == planned.json["plan"]["calls"]
        files = {name: (out / name).read_bytes() for name in SCORED}
        assert ragbench(*words, "--repeats", 2).code == 0
        assert sum(server.paid.values()) == 2 * once
    assert {name: (out / name).read_bytes() for name in SCORED} == files
    (scored,) = read_scored(out)
    assert scored.scores.repeats is not None
    assert scored.scores.repeats.shape == (2, 2, 10, 1)
    assert set(scored.scores.repeats.ravel().tolist()) == {0.0, 1.0}
    variance = done.json["arms"][0]["repeats"]["variance"]["faithfulness"]
    assert variance["judge"] == pytest.approx(scored.scores.repeats.var(axis=1, ddof=1).mean())
    assert variance["judgements"] == 2


def test_a_column_of_runs(tmp_path: Path) -> None:
    path = tmp_path / "made.csv"
    path.write_text("id,question,answer,run\na,A?,x,first\nb,B?,y,second\n")
    # Every query has one answer, so the column holds something else.
    found = read_answers(path)
    assert len(found) == 2
    assert found.repeats == ()
    assert found.items[0].metadata["run"] == "first"
    path.write_text("id,question,answer,repeat\na,A?,x,2\na,A?,z,10\nb,B?,y,10\nb,B?,y,2\n")
    found = read_answers(path)
    assert [[item.answer for item in items] for items in found.runs] == [["x", "y"], ["z", "y"]]
    assert found.changed == ("a",)
    path.write_text("id,question,answer\na,A?,x\na,A?,z\n")
    with pytest.raises(InputError, match="name the run of each in a column 'run'"):
        read_answers(path)


def test_options_that_cannot_be(ragbench: Any, tmp_path: Path, golden: Path) -> None:
    made = tmp_path / "made.jsonl"
    made.write_text('{"query_id": "q1", "query": "A?", "answer": "x"}\n')
    imported = ragbench("answer", "--answers", made, "--out", tmp_path / "a", "--repeats", 2)
    assert (imported.code, "column 'run'" in imported.err) == (2, True)
    nobody = ragbench("score", made, "--golden", golden, "--repeats", 2)
    assert (nobody.code, "--judge" in nobody.err) == (2, True)
