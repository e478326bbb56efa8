"""``ragbench judge check`` as a user runs it, and its calibration in ``ragbench score``."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path += [str(Path(__file__).resolve().parent.parent / room) for room in ("models", "answers")]
from judge_replies import reply
from llm_server import LLMServer, serving

MODEL = "openai_compatible:judge-7b"
MOST_TOKENS = 23_000
"""Enough to split the forty answers into statements and to judge some of them."""
FILES = ("check.json", "summary.md", "items.jsonl", "calibration.json")


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def labelled(folder: Path, count: int = 40) -> Path:
    """Every second answer is supported; people agree on most, the judge column errs on every eighth."""
    rows = []
    for n in range(count):
        supported = n % 2 == 0
        votes = ["yes" if supported else "no"] * 3
        if n % 5 == 0:
            votes[0] = "no" if supported else "yes"
        rows.append(
            {
                "id": f"q{n}",
                "query": f"What is stone {n}?",
                "answer": f"Stone {n} is {'grey' if supported else 'red'}.",
                "contexts": [f"Stone {n} is grey. Rain falls."],
                "document": f"d{n // 2}",
                "votes": votes,
                "lang": "en" if n < count // 2 else "de",
                "own_score": 0.9 if supported and n % 8 else 0.1,
            }
        )
    return write_lines(folder / "labels.jsonl", rows)


def test_a_column_of_scores(ragbench: Any, tmp_path: Path) -> None:
    command = ("judge", "check", "--labels", labelled(tmp_path), "--metric", "column:own_score", "--slice", "lang")
    done = ragbench(*command, "--out", "one", cwd=tmp_path)
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    assert "120 labels of 40 answers: all agree on .800" in " ".join(done.out.split())
    found = ragbench(*command, "--out", tmp_path / "two", "--json").json
    # Five of forty are judged wrongly, all of them supported: .75 of the supported, all of the others.
    assert found["figures"]["sensitivity"]["mean"] == 0.75
    assert found["figures"]["specificity"]["mean"] == 1.0
    assert found["figures"]["clusters"] == 20
    assert {one["part"] for one in found["slices"] if one["by"] == "lang"} == {"de", "en"}
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert json.loads((tmp_path / "one" / "check.json").read_text()) == found
    items = [json.loads(line) for line in (tmp_path / "one" / "items.jsonl").read_text().splitlines()]
    assert [vote["positive"] for vote in items[0]["votes"]] == [False, True, True]


def test_a_model_that_judges_and_later_answers_corrected_by_its_errors(ragbench: Any, tmp_path: Path) -> None:
    labels, out = labelled(tmp_path), tmp_path / "check"
    with serving(LLMServer(reply=reply)) as server:
        judge = ("--judge", MODEL, "--base-url", server.url)
        command = ("judge", "check", "--labels", labels, "--metric", "faithfulness", *judge, "--out", out)
        planned = ragbench(*command, "--dry-run", "--json")
        assert planned.code == 0, planned.err
        assert not server.asked
        found = ragbench(*command, "--json")
        assert found.code == 0, found.err
        # The rule-bound judge is right about every stone: a call to split an answer, a call to judge it.
        assert found.json["figures"]["accuracy"]["mean"] == 1.0
        assert found.json["threshold"]["how"] == "binary"
        assert sum(server.paid.values()) == 80
        assert planned.json["plan"]["calls"] >= 80
        # Another seed of the folds is no new question to the judge.
        seeded = ragbench(*command, "--seed", 1, "--json")
        assert seeded.code == 0, seeded.err
        assert sum(server.paid.values()) == 80

        answers = write_lines(tmp_path / "answers.jsonl", [
            {"query_id": f"n{n}", "query": f"What is slate {n}?", "contexts": [f"Slate {n} is grey."],
             "answer": f"Slate {n} is {'grey' if n % 4 else 'red'}."}
            for n in range(20)
        ])  # fmt: skip
        golden = write_lines(
            tmp_path / "golden.jsonl", [{"id": f"n{n}", "text": f"What is slate {n}?"} for n in range(20)]
        )
        score = ("score", answers, "--golden", golden, "--calibration", out / "calibration.json")
        scored = ragbench(*score, "--metric", "faithfulness", *judge, "--out", tmp_path / "scores")
        assert scored.code == 0, scored.err
        assert "faithfulness by openai_compatible:judge-7b >= 0.5: .750" in " ".join(scored.out.split())
        (rate,) = json.loads((tmp_path / "scores" / "results.json").read_text())["calibrated"]
        assert rate["corrected"]["value"] == 0.75
        assert rate["corrected"]["low"] < 0.75 < rate["corrected"]["high"]
        assert rate["powered"] is None
        without = ragbench(*score, "--metric", "grounding:embedder=null")
        assert without.code == 2
        assert "use --metric faithfulness" in without.err


def test_a_spent_budget_leaves_a_report_of_what_was_judged(ragbench: Any, tmp_path: Path) -> None:
    labels, out = labelled(tmp_path), tmp_path / "check"
    command = ("judge", "check", "--labels", labels, "--metric", "faithfulness", "--judge", MODEL, "--out", out)
    with serving(LLMServer(reply=reply)) as server:
        done = ragbench(*command, "--base-url", server.url, "--max-tokens", MOST_TOKENS, "--concurrency", 1)
        assert done.code == 2
        assert "budget" in done.err
        content = json.loads((out / "check.json").read_text())
        assert 0 < content["unscored"]["answers"] < 40
        assert any("did not rate all answers" in note for note in content["notes"])
        paid = sum(server.paid.values())
        whole = ragbench(*command, "--base-url", server.url, "--json").json
    assert whole["unscored"]["answers"] == 0
    assert whole["models"][MODEL]["calls"] == 80 - paid


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--metric", "column:own"), "no column 'own'; did you mean 'own_score'?"),
        (("--metric", "faithfulness"), "needs a model that judges"),
        (("--metric", "faithfulness", "--judge", MODEL), "--out is not given"),
        (("--metric", "grounding", "--judge", MODEL), "grounding asks no model; leave it out"),
        (("--metric", "column:own_score", "--format", "qags"), "labels.jsonl:1: no line of QAGS"),
        (("--metric", "column:lang"), "'lang' of q0 must be a number, it is 'en'"),
        (("--metric", "column:own_score", "--slice", "answer"), "the labels have no 'answer'"),
    ],
)
def test_faults_are_one_line(ragbench: Any, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = ragbench("judge", "check", "--labels", labelled(tmp_path), *words)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_no_folder_of_something_else(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{}")
    done = ragbench("judge", "check", "--labels", labelled(tmp_path), "--metric", "column:own_score", "--out", tmp_path)
    assert done.code == 2
    assert "holds answers or an evaluation" in done.err
    assert not (tmp_path / "check.json").exists()
