"""Systems that answer differently each time, evaluated several times."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Evaluation
from ragbench.core.goldens import GoldenSet
from ragbench.core.runs import Query
from ragbench.io.baselines import read_baseline, set_baseline
from ragbench.io.scored_runs import read_scored
from ragbench.metrics.settings import EvaluationSettings
from ragbench.plugins import RETRIEVERS, build
from ragbench.render.evaluation import ReportFolder, evaluation_json, evaluation_markdown, evaluation_notes
from ragbench.render.html.inputs import Wanted, read_report
from ragbench.render.html.sections import tables, variance
from ragbench.retrievers.base import Index, Ranking, Retriever
from ragbench.workflows.run_systems import evaluate

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from llm_server import LLMServer, serving

WORDS = ["apple", "banana", "cherry", "damson", "elder", "fig", "grape", "hazel"]

FAST = EvaluationSettings(k=(1, 3), resamples=200, metrics=("mrr@3", "hit@1"), repeats=3)
METRIC = "mrr@3"


@dataclass(frozen=True)
class Turning(Retriever):
    """Each run ranks the next document first: run 0 finds the right one, run 1 puts it last."""

    turns: int = 1
    fails: tuple[int, ...] = ()
    nothing: tuple[int, ...] = ()
    cacheable: ClassVar[bool] = False
    asked: ClassVar[list[int]] = []

    def index(self, chunks: Chunks, context: Context) -> "TurningIndex":
        self.asked.append(context.repeat)
        index = TurningIndex(chunks, context.repeat * self.turns, context.repeat in self.fails)
        index.empty = context.repeat in self.nothing
        return index


@dataclass(frozen=True)
class Claimed(Turning):
    """Says of itself that every run is the same."""

    cacheable: ClassVar[bool] = True


class TurningIndex(Index):
    empty = False

    def __init__(self, chunks: Chunks, turns: int, fails: bool) -> None:
        super().__init__(chunks.ids)
        self._first = {text.split()[0]: row for row, text in enumerate(chunks.texts)}
        self._turns, self._fails = turns, fails

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        n = len(self.item_ids)
        rows = [np.roll(np.arange(n, dtype=np.int32), -self._first[query.text] - self._turns) for query in queries]
        scores = np.tile(-np.arange(n, dtype=np.float32), (len(queries), 1))
        failures = {0: "timed out"} if self._fails and len(queries) > 1 else {}
        return Ranking(np.array(rows) * 0 - 1 if self.empty else np.array(rows), scores, failures)


@pytest.fixture(autouse=True)
def _nothing_asked() -> None:
    Turning.asked.clear()


def run(
    chunks: Chunks, golden: GoldenSet, *arms: str | Retriever, folder: Path | None = None, **settings: object
) -> Evaluation:
    chosen = replace(FAST, **settings)  # type: ignore[arg-type]
    report = ReportFolder(folder) if folder is not None else None
    found = evaluate(chunks, golden, arms, chosen, context=Context(), on_arm=report.arm if report else None)
    if report is not None:
        report.finish(found)
    return found


def test_scores_are_means_over_the_runs_and_each_run_is_kept(chunks: Chunks, golden: GoldenSet) -> None:
    arm = run(chunks, golden, Turning()).arms[0]
    assert Turning.asked == [0, 1, 2]
    assert arm.scores is not None
    assert arm.scores.repeats is not None
    # Its own document has grade 2 and is first, then last, then last but one: 1, 0 and 0 (it is beyond rank 3); the
    # left neighbour, of grade 1, is then second to last, and so on.
    by_run = arm.scores.repeats[:, 0, :, arm.scores.metrics.index(METRIC)]
    assert by_run.mean(axis=1).tolist() == [1, 0, 0]
    assert arm.metrics[METRIC].mean == pytest.approx(1 / 3)
    assert arm.scores.column(METRIC).tolist() == pytest.approx([1 / 3] * 8)
    assert len(arm.repeats) == 3
    assert len(arm.changed) == 8
    # All queries move together: the interval must hold what three runs of 1, 0 and 0 say, which is hardly anything.
    low, high = arm.metrics[METRIC].low, arm.metrics[METRIC].high
    assert low is not None
    assert high is not None
    assert high - low > 0.6
    shares = arm.variance[METRIC].shares
    assert shares["run"] == pytest.approx(1)


def test_retrievers_with_nothing_random_run_once(chunks: Chunks, golden: GoldenSet) -> None:
    evaluation = run(chunks, golden, "bm25:stem=false,stop=false", Turning())
    once, several = evaluation.arms
    assert once.repeats == ()
    assert once.scores is not None
    assert once.scores.repeats is None
    assert once.variance == {}
    notes = evaluation_notes(evaluation)
    assert any(note.startswith("ran once") and "bm25" in note for note in notes)
    assert any(note.startswith("scores are means over 3 runs") and "changed for 8 queries" in note for note in notes)
    assert several.warnings == ()


def test_a_system_that_claims_to_be_the_same_and_is_not_is_noticed(chunks: Chunks, golden: GoldenSet) -> None:
    moving, still = run(chunks, golden, Claimed(), Claimed(turns=0)).arms
    (warning,) = moving.warnings
    assert "8 of 8 queries changed over 3 runs: q0, q1" in warning
    assert "For q0 it ranked apple, banana, cherry" in warning
    assert still.warnings == ()
    assert still.changed == ()


def test_a_stored_run_belongs_to_its_repeat(chunks: Chunks, golden: GoldenSet, tmp_path: Path) -> None:
    context = Context(cache=tmp_path)
    fresh = evaluate(chunks, golden, [Claimed()], replace(FAST, repeats=2), context=context)
    assert Turning.asked == [0, 1]
    again = evaluate(chunks, golden, [Claimed()], FAST, context=context)
    assert Turning.asked == [0, 1, 2]  # only the third run was missing
    first, second = fresh.arms[0].scores, again.arms[0].scores
    assert first is not None
    assert second is not None
    assert np.array_equal(first.repeats, second.repeats[:2])  # type: ignore[index, arg-type]
    assert not np.array_equal(second.repeats[0], second.repeats[1])  # type: ignore[index]


def test_a_failed_query_of_a_repeat_scores_zero_there_and_is_in_the_issue_log(
    chunks: Chunks, golden: GoldenSet
) -> None:
    evaluation = run(chunks, golden, Turning(turns=0, fails=(1,)))
    arm = evaluation.arms[0]
    assert arm.scores is not None
    assert arm.scores.column(METRIC).tolist() == pytest.approx([2 / 3] + [1] * 7)
    assert arm.failed == 0
    (entry,) = evaluation.ledger.of("query-failed")
    assert entry.item.endswith("run 2: q0")


def test_a_repeat_that_does_not_run_is_an_error_of_the_system(chunks: Chunks, golden: GoldenSet) -> None:
    one = GoldenSet((golden.items[0],))
    arm = run(chunks, one, Turning(nothing=(2,))).arms[0]
    assert arm.status == "error"
    assert arm.error is not None
    assert arm.error.startswith("run 3 of 3: it found nothing")


def test_the_folder_keeps_every_run_and_is_read_back(chunks: Chunks, golden: GoldenSet, tmp_path: Path) -> None:
    evaluation = run(chunks, golden, "bm25:stem=false,stop=false", Turning(), folder=tmp_path)
    fixed, moving = read_scored(tmp_path)
    assert fixed.scores.repeats is None
    mine = evaluation.arms[1].scores
    assert mine is not None
    assert np.array_equal(moving.scores.repeats, mine.repeats)  # type: ignore[arg-type]
    assert np.array_equal(moving.select(np.array([3, 1])).scores.repeats, mine.repeats[:, :, [3, 1]])  # type: ignore[index, arg-type]
    assert len(list((tmp_path / "runs").glob("run-*/*.trec"))) == 2
    written = json.loads((tmp_path / "results.json").read_text())["arms"]
    assert written[0]["repeats"] is None
    assert written[1]["repeats"]["runs"] == 3
    assert written[1]["repeats"]["variance"][METRIC]["shares"]["run"] == pytest.approx(1)
    assert evaluation_json(evaluation)["arms"][1]["repeats"] == written[1]["repeats"]  # type: ignore[index]
    assert "Share of the variance" in evaluation_markdown(evaluation)

    both, alone = (read_report(Wanted((f"{tmp_path}{arm}",))) for arm in ("", "::" + moving.name))
    shown = [block for data in (both, alone) for block in (*tables(data), *variance(data)) if "Share of" in block.title]
    assert [block.title for block in shown] == [f"Share of the variance of {both.metric}"] * 2
    assert shown[0].rows == shown[1].rows

    run(chunks, golden, "bm25:stem=false,stop=false", folder=tmp_path, repeats=1)
    assert not (tmp_path / "repeats.parquet").exists()
    assert not list((tmp_path / "runs").glob("run-*/*.trec"))


def test_a_broken_file_of_repeats_is_named(chunks: Chunks, golden: GoldenSet, tmp_path: Path) -> None:
    import pandas as pd

    run(chunks, golden, Turning(), folder=tmp_path)
    path = tmp_path / "repeats.parquet"
    pd.read_parquet(path).iloc[1:].to_parquet(path, index=False)
    with pytest.raises(InputError, match=r"repeats\.parquet"):
        read_scored(tmp_path)


def test_a_stored_baseline_keeps_its_runs(chunks: Chunks, golden: GoldenSet, tmp_path: Path) -> None:
    run(chunks, golden, "bm25:stem=false,stop=false", Turning(), folder=tmp_path / "eval")
    fixed, moving = read_scored(tmp_path / "eval")
    for name, reference in (("fixed", fixed.name), ("moving", moving.name)):
        set_baseline(name, f"{tmp_path / 'eval'}::{reference}", tmp_path / "store")
    assert read_baseline("fixed", tmp_path / "store").scores.repeats is None
    kept = read_baseline("moving", tmp_path / "store").scores.repeats
    assert np.array_equal(kept, moving.scores.repeats)  # type: ignore[arg-type]


def test_a_language_model_is_asked_again_in_each_run_and_never_twice_for_one(
    chunks: Chunks, golden: GoldenSet, tmp_path: Path
) -> None:
    asked = Counter[str]()

    def reply(body: dict[str, Any]) -> str:
        # The first asking of a query gives its word, the second one another word.
        text = body["messages"][1]["content"]
        word = next(word for word in WORDS if f"\n{word}\n" in text)
        asked[word] += 1
        return json.dumps({"texts": [word if asked[word] == 1 else WORDS[3]]})

    with serving(LLMServer(reply=reply)) as server:
        spec = {
            "name": "rewrite",
            "llm": "openai_compatible:m",
            "base_url": server.url,
            "of": "bm25:stem=false,stop=false",
        }
        context = Context(cache=tmp_path)
        found = evaluate(chunks, golden, {"rewritten": spec}, replace(FAST, repeats=2), context=context).arms[0]
        assert found.status == "ok", found.error
        calls = sum(server.paid.values())
        assert calls == 2 * len(WORDS)
        again = evaluate(chunks, golden, {"rewritten": spec}, replace(FAST, repeats=2, fresh=True), context=context)
        assert sum(server.paid.values()) == calls
    assert found.scores is not None
    assert again.arms[0].scores is not None
    assert np.array_equal(found.scores.repeats, again.arms[0].scores.repeats)  # type: ignore[arg-type]
    assert any("should rank alike each time" in warning for warning in found.warnings)


def test_what_is_deterministic() -> None:
    http = "http:url=http://127.0.0.1:9/search"
    for spec, sure in (
        ("bm25", True), ("dense", True), ("hybrid", True), ("rerank", True), (http, False),
        ({"name": "hybrid", "of": ["bm25", http]}, False),
        ({"name": "rerank", "of": "bm25", "model": "llm:model=openai:m"}, False),
        ({"name": "hyde", "llm": "openai:m", "of": "bm25"}, False),
    ):  # fmt: skip
        assert build(RETRIEVERS, spec).deterministic is sure, spec
    assert not Claimed().deterministic
