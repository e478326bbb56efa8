"""``ragbench score --judge`` as a user runs it, against a judge that answers by rule."""

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

sys.path += [str(Path(__file__).resolve().parent.parent / room) for room in ("models", "answers")]
from judge_replies import judged, reply
from llm_server import LLMServer, randomly, serving

METRICS = ("faithfulness", "context_recall", "context_precision", "answer_relevancy", "factual_correctness")
JUDGED_ONLY = ("faithfulness", "context_recall", "context_precision", "factual_correctness")
RESULTS = ("results.json", "ledger.jsonl", "details.jsonl", "summary.md", "scores.parquet")
MODEL = "openai_compatible:judge-7b"


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def golden(folder: Path, count: int) -> Path:
    rows = [
        {"id": f"q{n}", "text": f"What is stone {n}?", "answer": f"Stone {n} is grey. Stone {n} is heavy.",
         "evidence": [{"document_id": f"d{n}", "grade": 1}]}
        for n in range(count)
    ]  # fmt: skip
    return write_lines(folder / "golden.jsonl", rows)


def answers(folder: Path, count: int) -> Path:
    """Of ten: one failed, one abstained, one without a source, one without a statement; else 1 of 2 is supported."""
    rows = []
    for n in range(count):
        texts = [f"Rain falls on {n}.", f"Stone {n} is grey. Stone {n} is not red."]
        row: dict[str, Any] = {
            "query_id": f"q{n}",
            "query": f"What is stone {n}?",
            "answer": f"Stone {n} is grey [2]. Stone {n} is red.",
            "sources": [{"id": f"s{at}", "document_id": f"d{n}", "text": text} for at, text in enumerate(texts)],
        }
        if n % 10 == 6:
            row |= {"answer": "", "failure": "timed out", "sources": []}
        elif n % 10 == 7:
            row |= {"answer": "I don't know."}
        elif n % 10 == 8:
            row |= {"sources": []}
        elif n % 10 == 9:
            row |= {"answer": "Good morning to you."}
        rows.append(row)
    return write_lines(folder / "answers.jsonl", rows)


def words(
    folder: Path, count: int, server: LLMServer, *more: object, metrics: tuple[str, ...] = METRICS
) -> list[object]:
    named = [word for metric in metrics for word in ("--metric", metric)]
    return ["score", answers(folder, count), "--golden", golden(folder, count), "--judge", MODEL, "--base-url",
            server.url, "--resamples", 200, *named, *more]  # fmt: skip


def ledger(out: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]


def explained(out: Path) -> pd.DataFrame:
    """The scores, after a look that every missing one has a reason under its column's name."""
    frame = pd.read_parquet(out / "scores.parquet").set_index("query_id").drop(columns="arm")
    entries = ledger(out)
    for column in frame.columns:
        reasons = {entry["item"] for entry in entries if entry["reason"].startswith(f"{column}: ")}
        assert set(frame.index[frame[column].isna()]) <= reasons, column
    return frame


def test_plan_run_and_the_same_run_again(ragbench: Any, tmp_path: Path) -> None:
    out, count = tmp_path / "scores", 20
    with serving(LLMServer(reply=reply)) as server:
        command = words(tmp_path, count, server, "--out", out)
        planned = ragbench(*command, "--dry-run", "--json")
        assert planned.code == 0, planned.err
        assert not server.asked
        done = ragbench(*command)
        assert done.code == 0, done.err
        first = {name: (out / name).read_bytes() for name in RESULTS}
        calls = sum(server.paid.values())
        assert planned.json["plan"]["calls"] >= calls
        again = ragbench(*command, "--json")
        assert again.json["models"][MODEL]["calls"] == 0
        assert ragbench(*command, "--dry-run", "--json").json["plan"]["calls"] == 0
        assert {name: (out / name).read_bytes() for name in RESULTS} == first
        # Another seed of the bootstrap is no new question to the judge.
        assert ragbench(*command, "--seed", 1, "--json").json["models"][MODEL]["calls"] == 0
        assert sum(server.paid.values()) == calls
    # Of ten: 8 answers and 9 references are split, once for all metrics; 6 answers and 8 references are held against
    # the sources, 7 of each against the other; 8 times the sources, 8 times questions, of which the two
    # for "Good morning to you." are one.
    assert calls == 2 * (8 + 9 + 6 + 8 + 14 + 8 + 8) - 1
    assert max(map(len, done.out.splitlines()[:-1])) <= 80
    frame = explained(out)
    assert frame.loc["q0"].round(6).to_dict() == {
        "faithfulness": 0.5, "context_recall": 0.5, "context_precision": 0.5, "answer_relevancy": 1.0,
        "factual_correctness": 0.5, "factual_correctness_precision": 0.5, "factual_correctness_recall": 0.5,
    }  # fmt: skip
    codes = {(e["item"], e["code"]) for e in ledger(out) if e["reason"].startswith("faithfulness: ")}
    expected = {6: "answer-failed", 7: "not-applicable", 8: "no-sources", 9: "no-statement"}
    assert codes == {(f"q{tens + n}", code) for tens in (0, 10) for n, code in expected.items()}
    details = [json.loads(line)["details"] for line in (out / "details.jsonl").read_text().splitlines()]
    grey, red = details[0]["faithfulness"]["statements"]
    assert (grey["text"], grey["start"], grey["end"], grey["supported_by"]) == ("Stone 0 is grey.", 0, 20, ["s1"])
    assert (red["verdict"], red["supported_by"], red["contradicted_by"]) == ("contradicted", [], ["s1"])
    # 12 of 20 are scored at .5, 2 abstained and are not asked for, 6 should have a value: 6/18 and 12/18.
    (arm,) = json.loads((out / "results.json").read_text())["arms"]
    shown = arm["metrics"]["faithfulness"]
    assert (shown["mean"], shown["n"], shown["unscored"]) == (0.5, 12, 6)
    assert (shown["if_all_0"], shown["if_all_1"]) == (pytest.approx(6 / 18), pytest.approx(12 / 18))
    line = next(line for line in done.out.splitlines() if line.startswith("faithfulness"))
    assert line.split()[-4:] == ["12", "6", ".333", ".667"]
    spent = json.loads((out / "spent.json").read_text())
    assert spent["folder"][MODEL]["answers"] == calls


def test_a_spent_budget_ends_cleanly_and_the_run_goes_on(ragbench: Any, tmp_path: Path) -> None:
    count, undisturbed, out = 20, tmp_path / "undisturbed", tmp_path / "scores"
    with serving(LLMServer(reply=reply)) as server:
        assert ragbench(*words(tmp_path, count, server, "--out", undisturbed, metrics=JUDGED_ONLY)).code == 0
        command = words(tmp_path, count, server, "--out", out, metrics=JUDGED_ONLY)
        stopped = ragbench(*command, "--max-tokens", 20_000)
        assert stopped.code == 2
        assert "the budget of 20,000 tokens is spent" in stopped.err
        assert "run the same command with a higher limit" in stopped.err
        used = json.loads((out / "spent.json").read_text())["folder"][MODEL]
        assert 0 < used["input_tokens"] + used["output_tokens"] <= 20_000
        explained(out)
        assert any(entry["code"] == "judge-stopped" for entry in ledger(out))
        assert json.loads((out / "results.json").read_text())["manifest"]["complete"] is False
        refused = ragbench("compare", out, undisturbed)
        assert refused.code == 2
        # What earlier runs took counts: the same limit has no room left.
        assert ragbench(*command, "--max-tokens", 20_000).code == 2
        assert ragbench(*command, "--max-tokens", 10_000_000).code == 0
        assert max(server.paid.values()) == 2, "once for each folder"
    for name in RESULTS:
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes(), name


@pytest.mark.slow
def test_a_killed_run_goes_on_and_gives_the_same_bytes(ragbench: Any, tmp_path: Path) -> None:
    count, undisturbed, out = 60, tmp_path / "undisturbed", tmp_path / "scores"
    with serving(LLMServer(reply=reply, latency=0.02)) as server:
        assert ragbench(*words(tmp_path, count, server, "--out", undisturbed, metrics=JUDGED_ONLY)).code == 0
        before = sum(server.paid.values())
        command = words(tmp_path, count, server, "--out", out, metrics=JUDGED_ONLY)
        for stop in (before + 40, before + 120):
            process = ragbench.start(*command)
            while process.poll() is None and sum(server.paid.values()) < stop:
                time.sleep(0.005)
            process.kill()
            process.communicate()
        assert ragbench(*command).code == 0
        # Lost to a kill: calls in flight and answers being written, at most twice the eight at a time.
        assert sum(server.paid.values()) - 2 * before <= 2 * 16
    for name in RESULTS:
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes(), name


def faulty(body: dict[str, Any]) -> str:
    """Goes wrong by the question, the same way however often it is asked: a wrong count, another verdict, no JSON."""
    found = judged(body)
    draw = random.Random(str(body["messages"][1]["content"])).random()
    rows = found.get("verdicts")
    if rows and draw < 0.05:
        rows.pop()
    elif rows and draw < 0.1:
        rows[0]["statement"] = rows[-1]["statement"]
    elif rows and draw < 0.15:
        rows[0]["together"] = "perhaps"
    elif rows and draw < 0.2:
        rows[0]["sources"].pop("1")
    elif draw < 0.23:
        return "Well, hard to say."
    return json.dumps(found)


@pytest.mark.slow
def test_two_thousand_answers_under_faults_lose_no_row(ragbench: Any, tmp_path: Path) -> None:
    count, out = 2000, tmp_path / "scores"
    faults = ("429", "429-after", "500", "503", "drop", "drop-midway", "cut-json", "empty")
    with serving(LLMServer(reply=faulty, fault=randomly(0.1, faults, most=2), keep_bodies=False)) as server:
        command = words(tmp_path, count, server, "--out", out, "--concurrency", 32, metrics=("faithfulness",))
        process = ragbench.start(*command)
        while process.poll() is None and sum(server.paid.values()) < 1000:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        began = time.perf_counter()
        done = ragbench(*command, "--json")
        assert time.perf_counter() - began < 60
    assert done.code == 0, done.err
    frame = explained(out)
    assert len(frame) == count
    # What has a value has the right one, whatever went wrong on the way.
    assert set(frame["faithfulness"].dropna()) == {0.5}
    lost = {}
    for entry in ledger(out):
        if entry["reason"].startswith("faithfulness: "):
            lost[entry["code"]] = lost.get(entry["code"], 0) + 1
    assert {"judge-count", "judge-verdict", "judge-unreadable"} <= lost.keys()
    assert sum(lost.values()) == frame["faithfulness"].isna().sum()
    # Four of ten have no value by themselves; of the others about a fifth of the verdicts never come right.
    assert lost["answer-failed"] == lost["not-applicable"] == lost["no-sources"] == count / 10
    assert frame["faithfulness"].notna().sum() > count * 0.6 * 0.6


def test_one_family_is_told(ragbench: Any, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in answers(tmp_path, 10).read_text().splitlines()]
    said = write_lines(tmp_path / "said.jsonl", [{**row, "model": "bedrock:anthropic.claude-3-haiku"} for row in rows])
    with serving(LLMServer(reply=reply)) as server:
        command = [
            "score",
            said,
            "--golden",
            golden(tmp_path, 10),
            "--base-url",
            server.url,
            "--metric",
            "faithfulness",
        ]
        kin = ragbench(*command, "--judge", "openai_compatible:claude-opus", "--out", tmp_path / "kin")
        other = ragbench(*command, "--judge", "openai_compatible:qwen-7b", "--out", tmp_path / "other")
    assert "are of one family (anthropic claude)" in " ".join(kin.out.split())
    assert "one family" not in other.out
    warnings = json.loads((tmp_path / "kin" / "results.json").read_text())["manifest"]["warnings"]
    assert ["anthropic claude" in warning for warning in warnings] == [True]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--judge", MODEL, "--base-url", "http://127.0.0.1:9/v1"), "--out is not given"),
        (("--judge", MODEL, "--base-url", "http://127.0.0.1:9/v1", "--out", "x", "--max-cost", "1"), "needs the price"),
        (("--dry-run",), "needs a model that judges"),
        (
            ("--judge", MODEL, "--base-url", "http://127.0.0.1:9/v1", "--metric", "faithfulness:repeats=0"),
            "repeats is 0",
        ),
    ],
)
def test_wrong_options_are_refused(
    ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ragbench("score", answers(tmp_path, 10), "--golden", golden(tmp_path, 10), "--metric", "faithfulness", *more)
    assert done.code == 2
    assert said in done.err
