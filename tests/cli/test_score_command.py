"""``ragbench score``, and its folder as compare, gate and ab take it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ragbench.answers.metrics.base import AnswerMetric, Column, ScoringContext
from ragbench.answers.scoring import score_answers
from ragbench.core.answers import AnswerSet
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.io.answer_files import read_answers
from ragbench.io.baselines import set_baseline
from ragbench.io.golden_files import read_golden
from ragbench.io.scored_runs import read_scored

QUERIES = 24


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {
            "id": f"q{at}",
            "text": f"How high is tower {at}?",
            "type": "number" if at % 2 else "unanswerable",
            **({"answer": f"{at} m", "evidence": [{"document_id": f"d{at % 8}", "grade": 1}]} if at % 2 else {}),
            "source": f"d{at % 8}",
            "metadata": {"lang": "en" if at < 12 else "de"},
        }
        for at in range(QUERIES)
    ]
    return write_lines(tmp_path_factory.mktemp("golden") / "golden.jsonl", rows)


def answers(folder: Path, name: str, right: int) -> Path:
    rows = [
        {
            "query_id": f"q{at}",
            "query": f"How high is tower {at}?",
            "answer": (f"It is {at} m." if at % 2 else "I don't know.") if at < right else "It is 999 m.",
            "sources": [{"id": "s", "document_id": f"d{at % 8}", "text": "x"}],
            "cited": ["s"] if at % 3 else [],
            "seconds": 0.5,
            "cost": 0.25,
        }
        for at in range(QUERIES)
    ]
    return write_lines(folder / f"{name}.jsonl", rows)


METRICS = [word for name in ("token_f1", "numeric", "citation", "abstention", "length") for word in ("--metric", name)]


@pytest.fixture(scope="module")
def scored(ragbench: Any, golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    for name, right in (("old", 4), ("new", QUERIES)):
        done = ragbench("score", answers(folder, name, right), "--golden", golden, *METRICS, "--out", folder / name)
        assert done.code == 0, done.err
        assert max(map(len, done.out.splitlines()[:-1])) <= 80
        assert "numeric" in done.out
    return folder


def test_the_files_hold_what_was_scored(scored: Path, golden: Path) -> None:
    results = json.loads((scored / "new" / "results.json").read_text())
    (arm,) = results["arms"]
    assert arm["metrics"]["numeric"]["mean"] == 1.0
    assert arm["metrics"]["numeric"]["n"] == QUERIES // 2
    assert arm["metrics"]["abstention_recall"]["mean"] == 1.0
    frame = pd.read_parquet(scored / "new" / "scores.parquet")
    assert frame["numeric"].notna().sum() == QUERIES // 2
    ledger = [json.loads(line) for line in (scored / "new" / "ledger.jsonl").read_text().splitlines()]
    for column in frame.columns[2:]:
        missing = set(frame.loc[frame[column].isna(), "query_id"])
        assert missing == {entry["item"] for entry in ledger if entry["reason"].startswith(f"{column}: ")}
    details = [json.loads(line) for line in (scored / "new" / "details.jsonl").read_text().splitlines()]
    assert details[1]["details"]["numeric"] == {"said": ["1 m"], "expected": [["1 m"]]}
    (read,) = read_scored(scored / "new")
    assert (read.latency_ms["p95"], read.cost_per_query, read.run) == (500.0, 0.25, None)
    assert read.queries.columns["lang"][0] == "en"
    again = score_answers(read_answers(scored / "new.jsonl"), read_golden(golden), ["numeric"])
    assert again.metrics["numeric"].mean == 1.0


def test_few_queries_have_no_interval_of_latency_and_are_read_so(ragbench: Any, scored: Path, golden: Path) -> None:
    few = scored / "few.jsonl"
    few.write_text("".join((scored / "new.jsonl").read_text("utf-8").splitlines(keepends=True)[:3]), "utf-8")
    done = ragbench("score", few, "--golden", golden, *METRICS, "--out", scored / "few")
    assert done.code == 0, done.err
    results = json.loads((scored / "few" / "results.json").read_text("utf-8"))
    assert results["arms"][0]["latency_ms_intervals"] == {"p50": None}
    (read,) = read_scored(scored / "few")
    assert "p50" not in read.intervals
    (whole,) = read_scored(scored / "new")
    assert whole.intervals["p50"] == (500.0, 500.0)


def test_the_same_answers_give_the_same_bytes(ragbench: Any, scored: Path, golden: Path) -> None:
    ragbench.process("score", scored / "new.jsonl", "--golden", golden, *METRICS, "--out", scored / "again")
    for name in ("results.json", "ledger.jsonl", "details.jsonl", "summary.md", "scores.parquet"):
        assert (scored / "again" / name).read_bytes() == (scored / "new" / name).read_bytes(), name


def test_compare_gate_and_ab_take_the_folder(ragbench: Any, scored: Path, tmp_path: Path) -> None:
    done = ragbench("compare", scored / "old", scored / "new", "--by", "lang", "--json")
    assert done.code == 0, done.err
    verdict = done.json["verdicts"][0]
    assert (verdict["metric"], verdict["decision"], verdict["clusters"]) == ("token_f1", "better", 8)
    rules = tmp_path / "gate.yaml"
    rules.write_text("rules:\n  - metric: token_f1\n    margin: 0.05\n")
    store = tmp_path / "baselines"
    set_baseline("main", scored / "new", store)
    held = ("--baseline", "main", "--store", store)
    assert ragbench("gate", *held, "--candidate", scored / "old", "--rules", rules).code == 1
    assert ragbench("ab", "--runs", scored / "old", scored / "new", "--outcome", "token_f1").code == 0


def test_what_is_missing_is_told_and_counts(golden: Path, scored: Path) -> None:
    every = read_answers(scored / "new.jsonl")
    set_ = read_golden(golden)
    part = AnswerSet((*every.items[2:], every.items[0].__class__("stranger", "?", "x")), "part")
    found = score_answers(part, set_, ["token_f1", "abstention", "length"])
    assert (found.counts["missing"], found.counts["unknown"], found.scored.failed) == (2, 1, 2)
    assert found.scored.scores.column("token_f1")[:2].tolist() == [0.0, 0.0]
    assert {entry.item for entry in found.ledger.of("not-answered")} == {"q0", "q1"}
    assert [entry.item for entry in found.ledger.of("query-unknown")] == ["stranger"]
    # The two could have been right or wrong abstentions; queries that were answered could not.
    precision = found.scored.scores.column("abstention_precision")
    n, total = (precision == precision).sum(), precision[precision == precision].sum()
    bounds = found.bounds["abstention_precision"]
    assert (bounds.unscored, bounds.low, bounds.high) == (2, total / (n + 2), (total + 2) / (n + 2))
    assert found.bounds["token_f1"].unscored == 0
    renamed = GoldenSet(tuple(set_.items[:3]))
    differs = AnswerSet((every.items[0].__class__("q1", "Another question?", "1 m"),))
    assert [e.item for e in score_answers(differs, renamed, ["token_f1"]).ledger.of("query-differs")] == ["q1"]


class AsksNobody(AnswerMetric):
    """Needs a judge."""

    needs = frozenset({"judge"})

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        raise AssertionError("it must not be asked without a judge")


class Silent(AnswerMetric):
    """Gives NaN without a reason."""

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        return [Column("silent", np.full(len(answers), np.nan))]


def test_every_fault_of_the_metrics_is_told_before_anything_is_scored(golden: Path, scored: Path) -> None:
    said, set_ = read_answers(scored / "new.jsonl"), read_golden(golden)
    with pytest.raises(SettingError, match=r"(?s)needs a model that judges.*no answer_metric 'nope'"):
        score_answers(said, set_, [AsksNobody(), "nope"])
    with pytest.raises(SettingError, match="'silent' gives no value and no reason for q0"):
        score_answers(said, set_, [Silent()])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--metric", "token_f2", "--metric", "exact"), "did you mean 'token_f1'"),
        (("--metric", "numeric", "--metric", "numeric"), "named twice"),
        (("--metric", "token_f1", "--metric", "token_f1:language=de"), "two of the metrics give a column token_f1"),
        (("--columns", "answer"), "ROLE=COLUMN"),
        (("--columns", "answer=output"), "no column 'output'"),
        (("--resamples", "0"), "resamples is 0"),
        (("--corpus", "nowhere"), "no such file or folder"),
    ],
)
def test_wrong_input_is_refused(ragbench: Any, scored: Path, golden: Path, more: tuple[str, ...], said: str) -> None:
    done = ragbench("score", scored / "new.jsonl", "--golden", golden, *more)
    assert done.code == 2
    assert said in done.err


def test_other_queries_and_folders_of_answers_are_refused(
    ragbench: Any, scored: Path, golden: Path, tmp_path: Path
) -> None:
    strange = write_lines(tmp_path / "strange.jsonl", [{"query_id": "x1", "query": "?", "answer": "1"}])
    done = ragbench("score", strange, "--golden", golden)
    assert done.code == 2
    assert "x1" in done.err
    assert "q0" in done.err
    held = tmp_path / "answers"
    held.mkdir()
    write_lines(held / "answers.jsonl", [{"query_id": "q1", "query": "?", "answer": "1"}])
    done = ragbench("score", held, "--golden", golden, "--out", held)
    assert done.code == 2
    assert "holds the answers themselves" in done.err
