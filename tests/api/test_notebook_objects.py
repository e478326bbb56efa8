"""What a notebook gets is what the commands print and write."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ragbench as rb
from ragbench.core.shown import VIEWS, Shown

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def evaluation(sample_data: Path, cache: Path) -> rb.Evaluation:
    chunks = rb.chunk(rb.load_corpus(sample_data / "shop" / "product_catalog.csv"), "whole")
    return rb.evaluate(chunks, rb.load_golden(sample_data / "shop"), ["bm25", "bm25:stem=false"], cache=cache)


@pytest.fixture(scope="module")
def folder(ragbench: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same evaluation by the command."""
    out = tmp_path_factory.mktemp("notebook") / "shop"
    words = ["--corpus", sample_data / "shop" / "product_catalog.csv", "--golden", sample_data / "shop"]
    done = ragbench("eval", *words, "--retriever", "bm25", "--retriever", "bm25:stem=false", "--out", out)
    assert done.code == 0
    return out


def test_the_frame_of_an_evaluation_is_that_of_the_command(evaluation: rb.Evaluation, folder: Path) -> None:
    stored = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    frame = evaluation.to_pandas().set_index(["system", "metric"])
    wanted = {(arm["name"], name): value for arm in stored["arms"] for name, value in arm["metrics"].items()}
    assert len(frame) == len(wanted)
    for key, value in wanted.items():
        assert frame.loc[key].to_dict() == pytest.approx(value)


def test_the_frame_of_a_system_is_the_stored_table(evaluation: rb.Evaluation, folder: Path) -> None:
    scores = pd.read_parquet(folder / "scores.parquet")
    mine = evaluation.scored[1].to_pandas()
    theirs = scores[scores["arm"] == "bm25:stem=false"].reset_index(drop=True)
    pd.testing.assert_series_equal(mine["ndcg@10"], theirs["ndcg@10"])
    assert rb.load_run(f"{folder}::bm25:stem=false")[0].to_pandas()["ndcg@10"].equals(mine["ndcg@10"])
    run = evaluation.arms[0].run
    assert run is not None
    ranked = run.to_pandas()
    best = ranked[ranked["rank"] == 1].set_index("query_id")["item_id"].to_dict()
    assert best == {query: max(items, key=lambda i: (items[i], i)) for query, items in run.to_dict().items() if items}


def test_verdicts_are_those_of_the_commands(ragbench: Any, evaluation: rb.Evaluation, folder: Path) -> None:
    printed = ragbench("compare", folder, "--by", "type", "--margin", ".02", "--json").json
    frame = rb.compare(evaluation, by=["type"], margin=0.02).to_pandas()
    (first,) = frame[frame["slice"] == ""].to_dict("records")
    verdict = printed["verdicts"][0]
    for name in ("difference", "low", "high", "p_adjusted", "wins", "decision", "d_z"):
        assert first[name] == pytest.approx(verdict[name])
    assert len(frame) == 1 + len(printed["slices"])

    rules = [{"metric": "ndcg@10", "margin": 0.02}, {"metric": "hit@5", "min": 0.5}]
    passed = rb.gate(f"{folder}::bm25:stem=false", f"{folder}::bm25", rules)
    file = folder.parent / "gate.yaml"
    file.write_text(json.dumps({"rules": rules}), encoding="utf-8")
    by_command = ragbench(
        "gate", "--candidate", f"{folder}::bm25:stem=false", "--baseline", f"{folder}::bm25", "--rules", file, "--json"
    )
    assert passed.exit_code == by_command.code
    assert [row["outcome"] for row in passed.to_pandas().to_dict("records")] == [
        rule["outcome"] for rule in by_command.json["rules"]
    ]
    planned = ragbench("plan", folder, "--delta", ".02", "--json").json
    assert rb.plan(evaluation, delta=0.02).goals[0].queries == planned["goals"][0]["queries"]


def test_an_experiment_from_a_frame_is_that_of_the_file(ragbench: Any, sample_data: Path) -> None:
    path = sample_data / "experiment" / "events.csv"
    by_file, by_frame = rb.ab(path), rb.ab(pd.read_csv(path))
    pd.testing.assert_frame_equal(by_file.to_pandas(), by_frame.to_pandas())
    printed = ragbench("ab", path, "--json").json
    assert by_file.recommendation.decision == printed["recommendation"]["decision"]
    assert rb.ab(path, effect="2%").plan == rb.ab(path, effect=0.02).plan


def test_calls_work_inside_a_running_loop_and_write_what_the_command_writes(
    ragbench: Any, sample_data: Path, tmp_path: Path, cache: Path
) -> None:
    corpus = sample_data / "shop" / "product_catalog.csv"

    async def cell() -> rb.GoldenSet:
        return rb.generate(corpus, tmp_path / "notebook" / "set", sample=20, seed=3, cache=cache)

    made = asyncio.run(cell())
    words = ["--corpus", corpus, "--llm", "none", "--sample", "20", "--seed", "3"]
    assert ragbench("generate", *words, "--out", tmp_path / "command" / "set").code == 0
    one, other = (tmp_path / way / "set" / "golden.jsonl" for way in ("notebook", "command"))
    assert one.read_bytes() == other.read_bytes()
    assert list(made.to_pandas()["id"]) == [json.loads(line)["id"] for line in one.read_text("utf-8").splitlines()]


def test_what_documents_hold_stays_text(evaluation: rb.Evaluation) -> None:
    corpus = rb.Corpus((rb.Document("d", HOSTILE, HOSTILE, {"<b>": HOSTILE}),))
    golden = rb.GoldenSet((rb.GoldenItem("q", HOSTILE, answer=HOSTILE, evidence=(rb.Evidence("d"),)),), HOSTILE)
    for shown in (corpus, rb.chunk(corpus, "whole"), golden):
        html = shown._repr_html_()
        assert "&lt;script&gt;" in html
        assert "<script" not in html
        assert "<img" not in html
    assert "<table>" in evaluation._repr_html_()


def test_an_evaluation_shows_its_main_metrics(evaluation: rb.Evaluation) -> None:
    html = evaluation._repr_html_()
    head = re.findall(r"<th scope='col'>([^<]+)</th>", html)
    assert head == ["system", "ndcg@10", "recall@10", "mrr@10", "hit@10"]
    assert f"and {len(evaluation.arms[0].metrics) - 4} more metrics" in html


def test_every_view_has_rows_and_html(evaluation: rb.Evaluation, sample_data: Path) -> None:
    rows = {
        "Corpus": 166, "GoldenSet": 198, "Evaluation": 2 * len(evaluation.arms[0].metrics), "Scores": 198,
        "Judgements": len(evaluation.task.judgements.items), "ScoredRun": 198,
    }  # fmt: skip
    things: list[Shown] = [
        rb.load_corpus(sample_data / "shop" / "product_catalog.csv"),
        rb.load_golden(sample_data / "shop"),
        evaluation,
        evaluation.scored[0].scores,
        evaluation.task.judgements,
        evaluation.scored[0],
        rb.ab(runs=(evaluation.scored[0], evaluation.scored[1])),
        rb.plan(evaluation),
    ]
    for thing in things:
        assert type(thing) in VIEWS
        frame = thing.to_pandas()
        assert len(frame) == rows.get(type(thing).__name__, len(frame)) > 0
        assert thing.to_dataset().num_rows == len(frame)
        assert thing._repr_html_().count("<tr>") <= len(frame) + 1


def test_charts_show_the_means(evaluation: rb.Evaluation) -> None:
    drawn = evaluation.plot.leaderboard().to_dict()
    means = {arm.name: arm.metrics["ndcg@10"].mean for arm in evaluation.arms}
    rows = [row for data in drawn["datasets"].values() for row in data]
    assert {row["system"]: row["value"] for row in rows} == pytest.approx(means, abs=1e-6)
    for chart in ("tradeoff", "by_k", "slices", "rank_changes", "overlap"):
        assert getattr(evaluation.plot, chart)().to_dict()["$schema"].endswith("v6.json")
    compared = rb.compare(evaluation, by=["type"])
    assert compared.plot.differences().to_dict()
    assert compared.plot.slices().to_dict()
    with pytest.raises(rb.InputError, match="no slices by length"):
        compared.plot.slices("length")
    with pytest.raises(TypeError, match="a Run has no charts"):
        _ = evaluation.arms[0].run.plot  # type: ignore[union-attr]


def test_two_systems_of_one_name_are_refused(evaluation: rb.Evaluation, folder: Path) -> None:
    with pytest.raises(rb.InputError, match="two systems are called 'bm25'"):
        rb.compare(evaluation, folder)
    with pytest.raises(rb.InputError, match="this has 2"):
        rb.gate(evaluation, evaluation.scored[0])
    with pytest.raises(rb.SettingError, match="did you mean 'margin'"):
        rb.gate(evaluation.scored[1], evaluation.scored[0], [{"metric": "ndcg@10", "margn": 0.1}])


def test_wattbot_submissions(ragbench: Any, tmp_path: Path) -> None:
    truth, pred = tmp_path / "truth.csv", tmp_path / "pred.csv"
    head = "id,question,answer,answer_value,answer_unit,ref_id,is_blank\n"
    truth.write_text(head + "q1,How much?,x,10,kWh,['a'],0\nq2,Who?,x,Acme,is_blank,['b'],0\n", encoding="utf-8")
    pred.write_text(head + "q1,How much?,x,10.001,kWh,['a'],0\nq2,Who?,x,Bolt,is_blank,['b'],0\n", encoding="utf-8")
    scored = rb.wattbot.score(truth, pred)
    frame = scored.to_pandas()
    printed = ragbench("wattbot", "score", "--truth", truth, "--pred", pred, "--json").json["submissions"][0]
    assert frame["wattbot"].mean() == pytest.approx(printed["means"]["wattbot"]["mean"])
    # .75 value + .15 references + .10 blank: all of q1, and q2 without its value
    assert frame["wattbot"].tolist() == pytest.approx([1.0, 0.25])
    assert frame["question"].tolist() == ["How much?", "Who?"]
    bare = tmp_path / "bare.csv"
    pd.read_csv(truth, dtype=str).drop(columns="question").to_csv(bare, index=False)
    assert "question" not in rb.wattbot.score(bare, pred).to_pandas()
    assert np.isfinite(frame[["value", "reference", "na"]].to_numpy()).all()


def test_answers_are_scored(sample_data: Path, tmp_path: Path) -> None:
    golden = rb.load_golden(sample_data / "shop")
    asked = next(item for item in golden if item.answer)
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"query_id": asked.id, "query": asked.text, "answer": asked.answer}) + "\n", "utf-8")
    found = rb.score_answers(rb.load_answers(path), golden, ["exact_match"])
    row = found.to_pandas().set_index("metric").loc["exact_match"]
    assert found.scored.to_pandas().set_index("query_id")["exact_match"][asked.id] == 1.0
    assert row["n"] == sum(1 for item in golden if item.answer)
