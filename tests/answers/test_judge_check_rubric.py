"""``ragbench judge check --rubric``: scores and preferences of a judge against those of annotators."""

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from ragbench.core.context import generator
from ragbench.stats.agreement import concordance

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from llm_server import LLMServer, serving

MODEL = "openai_compatible:judge-7b"
PEOPLE = [1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 3, 4]
JUDGE = [2, 2, 4, 4, 5, 5, 5, 3, 3, 1, 5, 4]


def said(body: dict[str, Any]) -> str:
    (worth,) = re.findall(r"worth (\d)", body["messages"][1]["content"])
    return json.dumps({"reasons": "it says so", "score": int(worth)})


def sheet(path: Path, head: list[str], rows: list[list[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def test_the_concordance_is_the_quadratic_kappa() -> None:
    one, other = (np.array(values, dtype=float) for values in (PEOPLE, JUDGE))
    found = concordance(one, other, np.arange(len(one)), generator(0, "x"))
    assert found[0] == pytest.approx(cohen_kappa_score(PEOPLE, JUDGE, weights="quadratic"))
    assert found[1] < found[0] < found[2]
    assert np.isnan(concordance(np.ones(4), np.ones(4), np.arange(4), generator(0, "x"))[0])


def test_scores_are_compared_and_correct_a_later_report(ragbench: Any, tmp_path: Path) -> None:
    rows = [
        [f"q{n}", f"q {n}", f"worth {judge}", people]
        for n, (people, judge) in enumerate(zip(PEOPLE, JUDGE, strict=True))
    ]
    labels = sheet(tmp_path / "labels.csv", ["id", "query", "answer", "label"], rows)
    out = tmp_path / "check"
    answers = tmp_path / "answers.jsonl"
    answers.write_text("".join(
        json.dumps({"query_id": f"n{n}", "query": f"new {n}", "answer": f"worth {1 + n % 5} of {n}"}) + "\n"
        for n in range(50)
    ))  # fmt: skip
    with serving(LLMServer(reply=said)) as server:
        model = ["--judge", MODEL, "--base-url", server.url]
        command = ["judge", "check", "--labels", labels, "--rubric", "helpfulness", *model, "--out", out]
        assert ragbench(*command, "--dry-run", "--json").json["plan"]["calls"] == 12
        done = ragbench(*command, "--json")
        assert done.code == 0, done.err
        table = ragbench(*command)
        assert "weighted kappa" in table.out
        scored = ragbench("score", answers, "--rubric", "helpfulness", *model, "--metric", "length", "--calibration",
                          out / "calibration.json", "--out", tmp_path / "scores", "--json")  # fmt: skip
        refused = ragbench("score", answers, "--rubric", "conciseness", *model, "--calibration",
                           out / "calibration.json", "--out", tmp_path / "other")  # fmt: skip
    figures = done.json["figures"]
    difference = np.array(JUDGE) - np.array(PEOPLE)
    assert figures["kappa"]["mean"] == pytest.approx(cohen_kappa_score(PEOPLE, JUDGE, weights="quadratic"))
    assert figures["exact"]["mean"] == np.mean(difference == 0)
    assert figures["near"]["mean"] == np.mean(np.abs(difference) <= 1)
    assert figures["shift"]["mean"] == pytest.approx(difference.mean())
    low, high = stats.t.interval(0.95, 11, difference.mean(), difference.std(ddof=1) / 12**0.5)
    assert (figures["shift"]["low"], figures["shift"]["high"]) == pytest.approx((low, high))
    assert np.trace(np.array(done.json["table"])) == (difference == 0).sum()
    assert scored.code == 0, scored.err
    (mean,) = scored.json["calibrated"]
    assert mean["reported"]["mean"] == pytest.approx(3)
    assert mean["corrected"]["mean"] == pytest.approx(3 - difference.mean())
    assert mean["corrected"]["low"] < mean["corrected"]["mean"] < mean["corrected"]["high"]
    assert refused.code == 2
    assert "--calibration" in refused.err


def test_several_annotators_are_compared_with_each_other(ragbench: Any, tmp_path: Path) -> None:
    rows = [[f"q{n}", f"worth {judge}", f"{people};{max(1, people - n % 2)}"]
            for n, (people, judge) in enumerate(zip(PEOPLE, JUDGE, strict=True))]  # fmt: skip
    labels = sheet(tmp_path / "labels.csv", ["id", "answer", "votes"], rows)
    with serving(LLMServer(reply=said)) as server:
        done = ragbench("judge", "check", "--labels", labels, "--rubric", "helpfulness", "--judge", MODEL, "--base-url",
                        server.url, "--out", tmp_path / "out", "--json")  # fmt: skip
    assert done.code == 0, done.err
    first = np.array(PEOPLE)
    second = np.maximum(1, first - np.arange(12) % 2)
    assert done.json["person"]["exact"]["mean"] == pytest.approx(np.mean(first == second))
    judge = np.array(JUDGE)
    assert done.json["judge"]["exact"]["mean"] == pytest.approx(np.mean([judge == first, judge == second]))
    assert done.json["figures"]["people_mean"]["mean"] == pytest.approx((first + second).mean() / 2)


def test_preferences_are_compared(ragbench: Any, tmp_path: Path) -> None:
    def prefers(body: dict[str, Any]) -> str:
        first, second = map(int, re.findall(r"worth (\d)", body["messages"][1]["content"]))
        return json.dumps({"reasons": "x", "better": "first" if first >= second else "second"})

    rows = [["q", "worth 1", "worth 2", "second"], ["q", "worth 3", "worth 1", "A"],
            ["q", "worth 2", "worth 2.", "tie"],
            ["q", "worth 5", "worth 1", "second"]]  # fmt: skip
    labels = sheet(tmp_path / "pairs.csv", ["query", "first", "second", "label"], rows)
    with serving(LLMServer(reply=prefers)) as server:
        command = ["judge", "check", "--labels", labels, "--rubric", "helpfulness", "--pairs", "--judge", MODEL,
                   "--base-url", server.url, "--out", tmp_path / "out", "--json"]  # fmt: skip
        done = ragbench(*command)
        assert done.code == 0, done.err
        assert sum(server.paid.values()) == 8
    # Annotators by row, judge by column, each -1, 0, 1: the last pair is the only disagreement.
    assert done.json["table"] == [[1, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert done.json["figures"]["exact"]["mean"] == 0.75
    assert not (tmp_path / "out" / "calibration.json").exists()


@pytest.mark.parametrize(
    ("more", "named"),
    [([], "--judge"), (["--judge", MODEL, "--metric", "grounding"], "--metric"), (["--judge", MODEL, "--threshold", 3],
     "--threshold"), (["--judge", MODEL], "must be one of 1, 2, 3, 4, 5")],
)  # fmt: skip
def test_what_cannot_work_is_refused(more: list[object], named: str, ragbench: Any, tmp_path: Path) -> None:
    labels = sheet(tmp_path / "labels.csv", ["id", "answer", "label"], [["a", "x", 7]])
    with serving(LLMServer(reply=said)) as server:
        done = ragbench("judge", "check", "--labels", labels, "--rubric", "helpfulness", "--base-url", server.url,
                        "--out", tmp_path / "out", *more)  # fmt: skip
        assert not server.asked
    assert done.code == 2
    assert named in done.err


def test_a_filled_sheet_is_read_back(ragbench: Any, tmp_path: Path) -> None:
    for name in ("old", "new"):
        rows = [{"query_id": f"q{n}", "query": f"q {n}", "answer": f"{name} worth {1 + n % 5}"} for n in range(30)]
        rows.append({"query_id": "lost", "query": "q", "answer": "", "failure": "timed out"})
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    one, pairs = tmp_path / "one.csv", tmp_path / "pairs.csv"
    written = ragbench("judge", "sheet", tmp_path / "old.jsonl", "--size", 20, "--out", one, "--json")
    assert written.json["answers"] == 20
    again = ragbench("judge", "sheet", tmp_path / "old.jsonl", "--size", 20, "--out", one)
    assert again.code == 2
    both = ragbench("judge", "sheet", tmp_path / "old.jsonl", tmp_path / "new.jsonl", "--out", pairs, "--json")
    assert both.json["pairs"] == 30
    assert "| 5 | It replies to the whole question" in (tmp_path / "one.md").read_text()
    with one.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == 20
    with pairs.open(encoding="utf-8-sig", newline="") as file:
        first = [row["first"].split()[0] for row in csv.DictReader(file)]
    assert 5 < first.count("old") < 25, "either system may come first"
    filled = [{**row, "label": row["answer"][-1] if at else ""} for at, row in enumerate(rows)]
    with one.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, list(filled[0]))
        table.writeheader()
        table.writerows(filled)
    with serving(LLMServer(reply=said)) as server:
        done = ragbench("judge", "check", "--labels", one, "--rubric", "helpfulness", "--judge", MODEL, "--base-url",
                        server.url, "--out", tmp_path / "out", "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["figures"]["exact"] == {**done.json["figures"]["exact"], "mean": 1, "n": 19}
