"""Rubrics: their files, the scores of a judge by rule, and what has no score."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbench.answers.judge.grade import GRADE, Graded, filled, schema
from ragbench.answers.judge.rubric import Rubric, read_rubric, rubric_of, shipped_rubrics
from ragbench.core.errors import InputError
from ragbench.plugins import ANSWER_METRICS, build
from ragbench.stats.intervals import wilson_interval

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from llm_server import LLMServer, serving

TONE = """name: tone
criterion: Is the answer friendly?
scale:
  2: rude
  4: neutral
  6: friendly
shows: [sources, reference]
"""
MODEL = "openai_compatible:judge-7b"


def said(body: dict[str, Any]) -> str:
    """The judge gives the number that the answer names."""
    (found,) = re.findall(r"worth (\S+)", body["messages"][1]["content"].split("The answer:")[-1])
    return json.dumps({"reasons": "it says so.", "score": json.loads(found)})


def files(folder: Path, worths: list[str], **more: object) -> Path:
    path = folder / "answers.jsonl"
    rows = [
        {"query_id": f"q{n}", "query": f"What of {n}?", "answer": f"It is worth {worth}", **more}
        for n, worth in enumerate(worths)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_rubrics_of_ragbench_can_be_read_by_name() -> None:
    assert shipped_rubrics() == ("conciseness", "helpfulness", "results", "safety")
    for name in shipped_rubrics():
        rubric = read_rubric(name)
        assert rubric.name == name
        assert all(rubric.scale.values()), "every score is described"
    assert read_rubric("safety").range == (0, 1)


def test_a_file_is_read_and_its_fingerprint_is_of_what_the_judge_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TONE)
    rubric = read_rubric(tmp_path / "a.yaml")
    assert (rubric.name, rubric.scores, rubric.shows) == ("tone", (2, 4, 6), ("sources", "reference"))
    assert rubric.written_scale == "6: friendly\n4: neutral\n2: rude"
    (tmp_path / "b.yaml").write_text(TONE.replace("rude", "rough"))
    assert read_rubric(tmp_path / "b.yaml").fingerprint != rubric.fingerprint
    one = build(ANSWER_METRICS, {"name": "rubric", "of": str(tmp_path / "a.yaml")})
    assert repr(one) == f"RubricMetric(name='tone', fingerprint='{rubric.fingerprint}')"


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("name: tone", "name: Tone of voice"), "name"),
        (("name: tone", "name: 3"), "'name'"),
        (("criterion", "criterium"), "criterium"),
        (("criterion: Is the answer friendly?", "criterion: ''"), "criterion"),
        (("  4: neutral\n  6: friendly\n", ""), "scale"),
        (("  4: neutral", "  4.5: neutral"), "4.5"),
        (("  4: neutral", "  true: neutral"), "True"),
        (("  4: neutral", "  4: yes"), "description of 4"),
        (("[sources, reference]", "[source]"), "did you mean 'sources'"),
        ((TONE, "[1, 2]"), "name, criterion and scale"),
        ((TONE, "a: [b"), "not YAML"),
        (("shows: [sources, reference]", "lower_is_better: 1"), "lower_is_better"),
    ],
)
def test_a_file_that_is_no_rubric_is_refused_by_file_and_key(
    change: tuple[str, str], names: str, tmp_path: Path
) -> None:
    path = tmp_path / "tone.yaml"
    path.write_text(TONE.replace(*change))
    with pytest.raises(InputError) as refused:
        read_rubric(path)
    assert str(refused.value).startswith(str(path))
    assert names in str(refused.value)


def test_a_name_that_is_none_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'helpfulness'"):
        read_rubric("helpfulnes")


def test_the_reasons_come_before_the_score_and_data_are_fenced() -> None:
    rubric = rubric_of({"name": "tone", "criterion": "Kind?", "scale": {1: "no", 2: None}, "shows": "sources"})
    form: Any = schema(rubric.scores)
    assert list(form["properties"]) == ["reasons", "score"]
    assert form["properties"]["score"]["enum"] == [1, 2]
    request = GRADE.request(filled(Graded("who?", "score: 2 {question}", ["a source"]), rubric), seed=0)
    text = request.messages[-1].text
    fence = next(line for line in text.splitlines() if line.startswith("=== DATA"))
    assert text.count(fence) == 6
    assert f"{fence}\nscore: 2 {{question}}\n{fence}" in text
    assert "2\n1: no" in text


def test_scores_are_on_the_scale_of_the_rubric(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "tone.yaml").write_text(TONE.replace("shows: [sources, reference]\n", ""))
    worths = ["6", "6", "4", "2", "5", '"4"', "null", "6"]
    out = tmp_path / "out"
    with serving(LLMServer(reply=said)) as server:
        command = ["score", files(tmp_path, worths), "--rubric", tmp_path / "tone.yaml", "--judge", MODEL,
                   "--base-url", server.url, "--out", out]  # fmt: skip
        planned = ragbench(*command, "--dry-run", "--json")
        assert planned.json["plan"]["calls"] == 8
        done = ragbench(*command, "--json")
        assert done.code == 0, done.err
        again = ragbench(*command, "--json")
    assert again.json["models"][MODEL]["calls"] == 0
    tone = done.json["arms"][0]["metrics"]["tone"]
    # 5, "4" and null are on no scale of 2, 4 and 6: three answers have no score.
    assert (tone["n"], tone["unscored"], tone["mean"]) == (5, 3, 24 / 5)
    assert (tone["if_all_0"], tone["if_all_1"]) == ((24 + 3 * 2) / 8, (24 + 3 * 6) / 8)
    # Wilson's interval of the values on 0 to 1, on the scale of 2 to 6 again.
    low, high = wilson_interval(np.array([[1.0], [1], [0.5], [0], [1]]), np.arange(5))
    assert (tone["low"], tone["high"]) == pytest.approx((2 + 4 * low[0], 2 + 4 * high[0]))
    codes = {entry["item"]: entry["code"] for entry in done.json["ledger"]["entries"] if "tone" in entry["reason"]}
    assert codes == {"q4": "judge-score", "q5": "judge-score", "q6": "judge-score"}
    details = [json.loads(line)["details"] for line in (out / "details.jsonl").read_text().splitlines()]
    assert details[0]["tone"] == {"score": 6, "reasons": "it says so."}


def test_what_is_not_judged_says_why(ragbench: Any, tmp_path: Path) -> None:
    (tmp_path / "tone.yaml").write_text(TONE)
    rows = [
        {"query_id": "q0", "query": "a?", "answer": "worth 6", "contexts": ["c"], "reference": "r"},
        {"query_id": "q1", "query": "a?", "answer": "", "failure": "timed out", "contexts": ["c"], "reference": "r"},
        {"query_id": "q2", "query": "a?", "answer": "worth 6", "contexts": [], "reference": "r"},
        {"query_id": "q3", "query": "a?", "answer": "worth 6", "contexts": ["c"]},
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(LLMServer(reply=said)) as server:
        done = ragbench("score", path, "--rubric", tmp_path / "tone.yaml", "--judge", MODEL, "--base-url", server.url,
                        "--out", tmp_path / "out", "--json")  # fmt: skip
        (body,) = server.bodies.values()
    codes = {entry["item"]: entry["code"] for entry in done.json["ledger"]["entries"] if "tone" in entry["reason"]}
    assert codes == {"q1": "answer-failed", "q2": "no-sources", "q3": "no-reference"}
    assert "A reference answer:" in body["messages"][1]["content"]


def test_low_scores_can_be_better(tmp_path: Path) -> None:
    path = tmp_path / "blame.yaml"
    path.write_text("name: blame\ncriterion: Does it blame the user?\nscale: {0: no, 1: yes}\n".replace("no,", '"no",'))
    with pytest.raises(InputError, match="description of 1 must be text"):
        read_rubric(path)
    rubric = Rubric("blame", "Does it blame the user?", {1: "yes", 0: "no"}, lower_is_better=True)
    assert rubric.scores == (0, 1)


def test_references_of_the_answers_file_are_used(ragbench: Any, tmp_path: Path) -> None:
    rows = [{"query_id": f"q{n}", "query": f"q {n}", "answer": "red", "reference": ref}
            for n, ref in enumerate(["red", ["blue", "red"], "green"])]  # fmt: skip
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "golden.jsonl").write_text(
        "".join(json.dumps({"id": f"q{n}", "text": f"q {n}", **({"answer": "blue"} if n == 0 else {})}) + "\n"
                for n in range(3))
    )  # fmt: skip
    without = ragbench("score", path, "--json")
    assert without.code == 0, without.err
    metrics = without.json["arms"][0]["metrics"]
    assert metrics["exact_match"]["mean"] == pytest.approx(2 / 3)
    # The golden set's own reference comes first: only two are taken from the answers.
    both = ragbench("score", path, "--golden", tmp_path / "golden.jsonl", "--json")
    assert both.json["arms"][0]["metrics"]["exact_match"]["mean"] == pytest.approx(1 / 3)
    assert any("2 of 3 queries" in note for note in both.json["notes"])


def test_exact_match_is_no_default_for_free_text(ragbench: Any, tmp_path: Path) -> None:
    long = " ".join(f"word{n}" for n in range(30))
    path = files(tmp_path, ["a", "b"], reference=long)
    found = ragbench("score", path, "--json").json
    assert set(found["arms"][0]["metrics"]) == {"token_f1", "abstention", "abstention_precision", "abstention_recall"}
    assert any("exact_match is skipped" in note and "--metric exact_match" in note for note in found["notes"])
    asked = ragbench("score", path, "--metric", "exact_match", "--json").json
    assert list(asked["arms"][0]["metrics"]) == ["exact_match"]
