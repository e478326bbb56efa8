"""``ragbench prefer`` against a judge that decides by rule, whose figures are worked out by hand."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest

import ragbench as rb

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from llm_server import LLMServer, serving

MODEL = "openai_compatible:judge-7b"


def said(body: dict[str, Any]) -> str:
    """The answer with more points is better. Of equally many it is the first one, which is a position bias."""
    first, second = (int(found) for found in re.findall(r"points: (\d+)", body["messages"][1]["content"]))
    better = "first" if first >= second else "second"
    return json.dumps({"reasons": f"{first} against {second}", "better": better})


def answers(folder: Path, name: str, points: list[int | None]) -> Path:
    path = folder / f"{name}.jsonl"
    rows = []
    for n, point in enumerate(points):
        row = {"query_id": f"q{n}", "query": f"question {n}", "answer": f"{name} has points: {point}"}
        rows.append(row if point is not None else {**row, "answer": "", "failure": "timed out"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


OLD: list[int | None] = [1, 1, 1, 1, 1, 1, 1, 1, 5, 2, None, 1, None]
NEW: list[int | None] = [2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 4, None, None]
"""Eight wins, one loss, one tie by bias; then one win and one loss by a failure, and a pair without a value."""


def test_wins_losses_bias_and_the_sign_test(ragbench: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    old, new = answers(tmp_path, "old", OLD), answers(tmp_path, "new", NEW)
    with serving(LLMServer(reply=said)) as server:
        command = ["prefer", old, new, "--judge", MODEL, "--base-url", server.url, "--out", out]
        planned = ragbench(*command, "--dry-run", "--json")
        assert planned.json["plan"]["calls"] == 20
        assert not server.asked
        done = ragbench(*command, "--json")
        assert done.code == 0, done.err
        assert sum(server.paid.values()) == 20
        files = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in (".json", ".jsonl", ".md")}
        again = ragbench(*command, "--json")
        assert again.json["models"][MODEL]["calls"] == 0
        assert {n: (out / n).read_bytes() for n in files if n != "spent.json"} == {
            n: raw for n, raw in files.items() if n != "spent.json"
        }
    (rubric,) = done.json["rubrics"]
    assert rubric["preferred"] == {"baseline": 2, "tie": 1, "candidate": 9}
    assert rubric["pairs"] == {"answer-failed": 1, "failed": 2, "judged": 10}
    # Nine of ten pairs got the same verdict in both orders; of 20 verdicts, 11 chose the first answer.
    assert (rubric["consistent"]["mean"], rubric["first"]["mean"]) == (0.9, 0.55)
    (verdict,) = done.json["comparison"]["verdicts"]
    assert (verdict["wins"], verdict["ties"], verdict["losses"], verdict["n"]) == (9, 1, 2, 12)
    assert verdict["difference"] == pytest.approx(7 / 12)
    assert verdict["p"] == pytest.approx(binomtest(9, 11).pvalue)
    reasons = {entry["code"] for entry in map(json.loads, (out / "ledger.jsonl").read_text().splitlines())}
    assert "answer-failed" in reasons
    rows = [json.loads(line) for line in (out / "pairs.jsonl").read_text().splitlines()]
    assert rows[0] == {"query_id": "q0", "rubric": "helpfulness", "preferred": "new", "why": "judged",
                       "said": ["second", "first"], "reasons": ["1 against 2", "2 against 1"]}  # fmt: skip
    # The folder is an evaluation of both systems.
    compared = rb.compare(str(out), metrics="helpfulness")
    assert compared.verdicts[0].wins == 9
    page = ragbench("report", out, "--out", tmp_path / "page.html")
    assert page.code == 0, page.err
    assert "ragbench prefer BASELINE CANDIDATE" in (tmp_path / "page.html").read_text()


def test_ties_everywhere_are_not_called_the_same_run(ragbench: Any, tmp_path: Path) -> None:
    old, new = answers(tmp_path, "old", [1] * 12), answers(tmp_path, "new", [1] * 12)
    with serving(LLMServer(reply=said)) as server:
        command = ["prefer", old, new, "--judge", MODEL, "--base-url", server.url, "--out", tmp_path / "out"]
        planned = ragbench(*command, "--dry-run")
        done = ragbench(*command)
    assert "statements" not in planned.out
    assert done.code == 0, done.err
    assert "Every pair is a tie" in done.out
    assert "same run" not in done.out


def test_queries_of_one_document_are_one_unit(ragbench: Any, tmp_path: Path) -> None:
    old, new = answers(tmp_path, "old", [1] * 40), answers(tmp_path, "new", [2] * 40)
    golden = tmp_path / "golden.jsonl"
    golden.write_text("".join(
        json.dumps({"id": f"q{n}", "text": f"question {n}", "type": "ab"[n % 2],
                    "evidence": [{"document_id": f"d{n % 4}", "grade": 1}]}) + "\n" for n in range(40)
    ))  # fmt: skip
    with serving(LLMServer(reply=said)) as server:
        done = ragbench("prefer", old, new, "--golden", golden, "--by", "type", "--judge", MODEL, "--base-url",
                        server.url, "--rubric", "helpfulness", "--rubric", "conciseness", "--out", tmp_path / "out",
                        "--json")  # fmt: skip
    assert done.code == 0, done.err
    first, second = done.json["comparison"]["verdicts"]
    # Four documents: no test of their signs is below 2 / 2^4, however many queries they have.
    assert first["p"] == second["p"] == pytest.approx(2 / 2**4)
    assert {one["metric"] for one in (first, second)} == {"helpfulness", "conciseness"}
    assert len(done.json["comparison"]["slices"]) == 2


def test_equal_texts_are_ties_and_lost_verdicts_have_a_reason(ragbench: Any, tmp_path: Path) -> None:
    def other(body: dict[str, Any]) -> str:
        if "question 1" in body["messages"][1]["content"]:
            return json.dumps({"reasons": "x", "better": "both"})
        return said(body)

    rows = [{"query_id": f"q{n}", "query": f"question {n}", "answer": f"has points: {n}"} for n in range(3)]
    paths = []
    for name, shift in (("old", 0), ("new", 1)):
        path = tmp_path / f"{name}.jsonl"
        more = [{**row, "answer": f"has points: {n + (shift if n else 0)}"} for n, row in enumerate(rows)]
        path.write_text("".join(json.dumps(row) + "\n" for row in more))
        paths.append(path)
    with serving(LLMServer(reply=other)) as server:
        done = ragbench("prefer", *paths, "--judge", MODEL, "--base-url", server.url, "--out", tmp_path / "out",
                        "--json")  # fmt: skip
    assert done.code == 0, done.err
    (rubric,) = done.json["rubrics"]
    assert rubric["pairs"] == {"identical": 1, "judge-verdict": 1, "judged": 1}
    assert rubric["preferred"] == {"baseline": 0, "tie": 1, "candidate": 1}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["--rubric", "helpfull"], "helpfull"),
        (["--rubric", "helpfulness", "--rubric", "helpfulness"], "two rubrics"),
        (["--examples", -1], "--examples"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_paid_for(
    change: list[object], named: str, ragbench: Any, tmp_path: Path
) -> None:
    old, new = answers(tmp_path, "old", [1]), answers(tmp_path, "new", [2])
    with serving(LLMServer(reply=said)) as server:
        done = ragbench("prefer", old, new, "--judge", MODEL, "--base-url", server.url, "--out", tmp_path / "out",
                        *change)  # fmt: skip
        assert not server.asked
    assert done.code == 2
    assert named in done.err
    assert "--judge" in ragbench("prefer", old, new, "--out", tmp_path / "out").err
    assert "--out" in ragbench("prefer", old, new, "--judge", MODEL).err
