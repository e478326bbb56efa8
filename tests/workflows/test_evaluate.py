"""The harness on retrievers whose behaviour is known."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from ragbench.core.context import Context, silent
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.core.evaluations import Evaluation
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.runs import Query
from ragbench.engine import side_by_side, stoppable
from ragbench.metrics.settings import EvaluationSettings
from ragbench.render.evaluation import evaluation_json, evaluation_markdown, evaluation_notes, summary
from ragbench.retrievers.base import Index, Ranking, Retriever
from ragbench.workflows.run_systems import evaluate, judged_unit

FAST = EvaluationSettings(k=(1, 3), resamples=200)


@dataclass(frozen=True)
class Scripted(Retriever):
    """Returns chunk rows by a rule, to see what the harness makes of it."""

    rule: str
    cacheable: ClassVar[bool] = False

    def index(self, chunks: Chunks, context: Context) -> "ScriptedIndex":
        if self.rule == "raise":
            raise RuntimeError("out of order")
        if self.rule == "interrupt":
            raise KeyboardInterrupt
        return ScriptedIndex(chunks, self.rule)


class ScriptedIndex(Index):
    def __init__(self, chunks: Chunks, rule: str) -> None:
        super().__init__([] if rule == "empty-index" else chunks.ids)
        self.rule = rule

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        n, q = len(self.item_ids), len(queries)
        items = np.tile(np.arange(n, dtype=np.int32), (q, 1))
        scores = np.tile(-np.arange(n, dtype=np.float32), (q, 1))
        if self.rule == "constant":
            scores[:] = 1
        if self.rule == "nan":
            scores[0, 0] = np.nan
        if self.rule == "nothing":
            items[:] = -1
        if self.rule == "all-fail":
            return Ranking(np.full_like(items, -1), scores, dict.fromkeys(range(q), "refused"))
        if self.rule == "some-fail":
            failed = {i: "timed out" for i, query in enumerate(queries) if query.id in ("q0", "q1")}
            return Ranking(items, scores, failed)  # what is ranked for them in spite of that does not count
        return Ranking(items, scores)


def run(chunks: Chunks, golden: GoldenSet, *rules: str, **settings: object) -> Evaluation:
    return evaluate(chunks, golden, [Scripted(rule) for rule in rules], replace(FAST, **settings))  # type: ignore[arg-type]


def test_bm25_on_words_scores_as_worked_out_by_hand(chunks: Chunks, golden: GoldenSet) -> None:
    arm = evaluate(chunks, golden, ["bm25:stem=false,stop=false"], FAST).arms[0]
    # Each query finds its own document first (grade 2) and the neighbour that names it second (grade 1).
    expected = {"hit@1": 1, "mrr@3": 1, "ndcg@3": 1, "recall@1": 0.5, "recall@3": 1, "p@3": 2 / 3, "map": 1, "rprec": 1}
    found = {name: arm.metrics[name].mean for name in expected}
    assert found == pytest.approx(expected)
    assert arm.metrics["ndcg@3"].n == 8
    assert arm.cost is not None
    assert arm.cost.latency_ms.n == 8
    assert 0 < arm.cost.latency_ms.p50 <= arm.cost.latency_ms.p99
    assert arm.cost.peak_memory_mib > 10


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("empty-index", "its index is empty"),
        ("nothing", "found nothing for any of the 8 queries"),
        ("all-fail", "every one of its 8 queries failed; the first: refused"),
        ("constant", "gives every item the same score"),
        ("nan", "8 scores are NaN|1 scores are NaN; the first is item 'apple' of query 'q0'"),
        ("raise", "RuntimeError: out of order"),
    ],
)
def test_an_arm_that_did_not_run_has_no_score_and_harms_no_other(
    chunks: Chunks, golden: GoldenSet, rule: str, reason: str
) -> None:
    evaluation = run(chunks, golden, rule, "in-order")
    dead, alive = evaluation.arms
    assert dead.status == "error"
    assert dead.error is not None
    assert any(part in dead.error for part in reason.split("|"))
    assert not dead.metrics
    assert alive.status == "ok"
    assert evaluation.ledger.counts()["arm-failed"] == 1
    assert evaluation.comparisons == ()


def test_failed_queries_score_zero_and_are_counted(chunks: Chunks, golden: GoldenSet) -> None:
    whole, part = run(chunks, golden, "in-order", "some-fail").arms
    assert (part.failed, part.empty) == (2, 0)
    assert "2 queries failed and score 0: q0, q1" in part.warnings[0]
    assert part.scores is not None
    assert part.scores.column("hit@3")[:2].tolist() == [0, 0]
    assert part.metrics["hit@3"].n == whole.metrics["hit@3"].n == 8


def test_differences_are_paired_with_the_first_arm(chunks: Chunks, golden: GoldenSet) -> None:
    evaluation = evaluate(chunks, golden, [Scripted("in-order"), "bm25:stem=false,stop=false"], FAST)
    first, second = evaluation.arms
    assert first.scores is not None
    assert second.scores is not None
    found = {c.metric: c for c in evaluation.comparisons}["ndcg@3"]
    difference = second.scores.column("ndcg@3") - first.scores.column("ndcg@3")
    assert found.difference == pytest.approx(difference.mean())
    assert (found.wins, found.ties, found.losses) == ((difference > 0).sum(), (difference == 0).sum(), 0)
    assert found.low is not None
    assert found.low <= difference.mean() <= (found.high or 0)
    assert 0 < found.p < 0.05


def test_the_store_serves_the_second_run_and_gives_the_same_numbers(
    chunks: Chunks, golden: GoldenSet, tmp_path: Path
) -> None:
    context = Context(cache=tmp_path)
    first = evaluate(chunks, golden, ["bm25", "hybrid"], FAST, context=context)
    again = evaluate(chunks, golden, ["bm25", "hybrid"], FAST, context=context)
    assert [arm.from_store for arm in (*first.arms, *again.arms)] == [False, False, True, True]
    for one, two in zip(first.arms, again.arms, strict=True):
        assert one.metrics == two.metrics
        assert one.run is not None
        assert two.run is not None
        assert one.run.to_dict() == two.run.to_dict()
        assert one.cost == two.cost
    assert first.comparisons == again.comparisons
    # Other settings, other queries and --fresh are computed.
    assert not evaluate(chunks, golden, ["bm25:k1=2"], FAST, context=context).arms[0].from_store
    assert not evaluate(chunks, golden, ["bm25"], replace(FAST, fresh=True), context=context).arms[0].from_store
    fewer = GoldenSet(golden.items[:5])
    assert not evaluate(chunks, fewer, ["bm25"], FAST, context=context).arms[0].from_store


def test_a_damaged_store_is_computed_again(chunks: Chunks, golden: GoldenSet, tmp_path: Path) -> None:
    context = Context(cache=tmp_path)
    evaluate(chunks, golden, ["bm25"], FAST, context=context)
    for path in (tmp_path / "runs").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    arm = evaluate(chunks, golden, ["bm25"], FAST, context=context).arms[0]
    assert (arm.status, arm.from_store) == ("ok", False)


def test_arms_side_by_side_give_the_same_numbers(chunks: Chunks, golden: GoldenSet) -> None:
    names = ["bm25", "bm25:k1=2", "dense"]
    one = evaluate(chunks, golden, names, FAST)
    two = evaluate(chunks, golden, names, replace(FAST, jobs=3))
    assert [arm.name for arm in two.arms] == names
    assert [arm.metrics for arm in one.arms] == [arm.metrics for arm in two.arms]


def test_arms_side_by_side_embed_once(chunks: Chunks, golden: GoldenSet, tmp_path: Path) -> None:
    names = ["dense", "hybrid", "hybrid:fusion=minmax"]
    arms = evaluate(chunks, golden, names, replace(FAST, jobs=3), context=Context(cache=tmp_path)).arms
    embedded = [value for arm in arms for key, value in arm.notes.items() if key.endswith("embedded")]
    assert sorted(embedded) == [0, 0, 8]


def test_a_label_that_a_metric_cannot_take_costs_no_other_arm(chunks: Chunks) -> None:
    golden = GoldenSet((GoldenItem("q", "apple", evidence=(Evidence("apple", grade=5000),)),))
    arms = run(chunks, golden, "in-order", metrics=("ndcg(gain=exp)@3",)).arms
    assert [arm.status for arm in arms] == ["error"]
    assert "5000" in (arms[0].error or "")


def test_results_that_the_corpus_lacks_are_told(chunks: Chunks, golden: GoldenSet, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    answer = '{"apple": 3.0, "old-1": 2.0, "old-2": 1.0, "old-3": 0.5}'
    path.write_text(f'{{"q0": {answer}, "q3": {answer}}}', encoding="utf-8")
    for unit in ("chunk", "document"):
        spec = f"run:path={path},returns={unit}"
        (arm,) = evaluate(chunks, golden, [spec], FAST).arms
        assert any("75% of its results are ids that the corpus lacks" in warning for warning in arm.warnings)
    (own,) = evaluate(chunks, golden, ["bm25"], FAST).arms
    assert not any("lacks" in warning for warning in own.warnings)


def test_a_run_file_has_no_latency_and_its_queries_that_nobody_judged_are_named(
    chunks: Chunks, golden: GoldenSet, tmp_path: Path
) -> None:
    path = tmp_path / "run.json"
    answer = '{"apple": 3.0, "banana": 2.0}'
    path.write_text(f'{{"q0": {answer}, "other": {answer}, "third": {answer}}}', encoding="utf-8")
    fused = {"name": "hybrid", "of": ["bm25", f"run:path={path}"]}
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        evaluation = evaluate(chunks, golden, ["bm25", f"run:path={path}", fused], FAST, context=Context(cache=cache))
        own, replayed, mixed = evaluation.arms
        assert "2 queries of its run file are not in the golden set and take no part: other, third" in replayed.warnings
        assert not any("run file" in warning for warning in own.warnings)
        for arm in (replayed, mixed):
            assert arm.cost is not None
            assert arm.cost.latency_ms is None
            assert arm.cost.qps is None
        assert [bool(one.latency_ms) for one in evaluation.scored] == [True, False, False]
        assert evaluation_json(evaluation)["arms"][1]["latency_ms"] == {}  # type: ignore[index]
        shown = [line for line in evaluation_markdown(evaluation).splitlines() if line.startswith("| run:")]
        assert any("| - | - | - | - |" in line for line in shown), "no throughput and no latency is shown"


def test_the_footer_counts_queries_once_at_the_level_of_each_metric(chunks: Chunks) -> None:
    grades = {"q0": 2, "q1": 1, "q2": 0}
    items = tuple(
        GoldenItem(id_, "apple banana", evidence=(Evidence("apple", grade=grade),)) for id_, grade in grades.items()
    )
    both = replace(FAST, metrics=("hit@1", "recall(level=2)@3", "judged@3"))
    evaluation = evaluate(chunks, GoldenSet(items), ["bm25"], both)
    assert summary(evaluation).startswith(
        "3 queries (1 without a label of 1 or above are not scored by hit@1; "
        "2 without a label of 2 or above are not scored by recall(level=2)@3); "
    )
    notes = [note for note in evaluation_notes(evaluation) if "no-relevant" in note]
    assert [note.partition(":")[0].count(",") + 1 for note in notes] == [1, 2]
    one = evaluate(chunks, GoldenSet(items), ["bm25"], replace(FAST, metrics=("hit@1", "map")))
    assert summary(one).startswith("3 queries (1 has no relevant item and is not scored); ")


def test_an_arm_whose_results_nobody_judged_says_so(chunks: Chunks) -> None:
    golden = GoldenSet((GoldenItem("q", "apple banana", evidence=(Evidence("grape"),)),))
    (arm,) = evaluate(chunks, golden, ["bm25"], FAST).arms
    assert arm.metrics["hit@3"].mean == 0
    assert any("none of the" in warning for warning in arm.warnings)


def test_finished_arms_are_handed_over_before_an_interrupt(chunks: Chunks, golden: GoldenSet) -> None:
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        evaluate(
            chunks,
            golden,
            ["bm25", Scripted("interrupt")],
            FAST,
            on_arm=lambda arm: seen.append(f"{arm.name} {arm.status}"),
        )
    assert seen == ["bm25 ok"]


def test_an_interrupt_stops_arms_side_by_side() -> None:
    started, stop = threading.Event(), threading.Event()
    steps: list[int] = []

    def work(name: str) -> None:
        if name == "interrupted":
            started.wait()
            raise KeyboardInterrupt
        with stoppable(silent, stop)("long work", 1000) as advance:
            for step in range(1000):
                started.set()
                advance(1)
                steps.append(step)
                time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, ["interrupted", "long"], 2, stop)
    time.sleep(0.1)
    reached = len(steps)
    time.sleep(0.1)
    assert len(steps) == reached < 900


def test_masked_and_excluded_chunks_never_appear() -> None:
    text = "alpha beta. gamma delta. alpha gamma."
    whole = Chunks.of(
        [
            Chunk("d#0", "d", text[:11], 0, 11),
            Chunk("d#1", "d", text[12:24], 12, 24),
            Chunk("d#2", "d", text[25:], 25, 37),
        ]
    )
    golden = GoldenSet((GoldenItem("q", "alpha gamma", evidence=(Evidence("d", 12, 37),), masked=(Span("d", 0, 11),)),))
    for spec in ("bm25", "dense", "hybrid", "rerank"):
        arm = evaluate(whole, golden, [spec], EvaluationSettings(k=(1,), resamples=100)).arms[0]
        assert arm.run is not None
        assert "d#0" not in arm.run.to_dict()["q"], spec
        assert arm.metrics["hit@1"].mean == 1


def test_drop_self_leaves_the_namesake_out(chunks: Chunks) -> None:
    golden = GoldenSet((GoldenItem("apple", "apple", evidence=(Evidence("hazel"),)),))
    with_self = evaluate(chunks, golden, ["bm25"], FAST).arms[0]
    without = evaluate(chunks, golden, ["bm25"], replace(FAST, drop_self=True)).arms[0]
    assert with_self.metrics["mrr@3"].mean == 0.5
    assert without.metrics["mrr@3"].mean == 1.0


def test_drop_self_leaves_the_namesake_out_of_the_labels_too(chunks: Chunks) -> None:
    golden = GoldenSet((GoldenItem("apple", "apple", evidence=(Evidence("hazel"), Evidence("apple"))),))
    evaluation = evaluate(chunks, golden, ["bm25"], replace(FAST, drop_self=True))
    assert evaluation.task.judgements.to_dict() == {"apple": {"hazel": 1}}
    assert evaluation.arms[0].metrics["recall@3"].mean == 1.0


def test_a_retriever_written_in_a_notebook_runs_and_is_not_kept(
    chunks: Chunks, golden: GoldenSet, tmp_path: Path
) -> None:
    @dataclass(frozen=True)
    class Mine(Scripted):
        cacheable: ClassVar[bool] = True

    Mine.__module__ = "a_notebook"  # as in `__main__` of a notebook, there is no file to know the code by
    for _ in range(2):
        arm = evaluate(chunks, golden, [Mine("in-order")], FAST, context=Context(cache=tmp_path)).arms[0]
        assert (arm.status, arm.from_store) == ("ok", False)


def test_a_short_list_is_put_down_to_chunks_of_one_document_only_where_it_is() -> None:
    cut = Chunks.of(
        [
            Chunk(f"d{i}#{j}", f"d{i}", "word " * (j + 1) if i == 0 else "other", 200 * j, 200 * j + 5 * (j + 1))
            for i in range(9)
            for j in range(30)
        ]
    )
    golden = GoldenSet((GoldenItem("q", "word", evidence=(Evidence("d0"),)),))
    arm = evaluate(cut, golden, ["bm25"], FAST).arms[0]
    assert arm.run is not None
    assert arm.run.lengths.tolist() == [1]
    assert not any("fewer" in warning for warning in arm.warnings)


def test_the_judged_unit() -> None:
    cut = Chunks.of([Chunk("d#0", "d", "ab", 0, 2), Chunk("d#1", "d", "cd", 2, 4)])
    whole = Chunks.of([Chunk("d", "d", "abcd", 0, 4)])
    spans = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("d", 0, 2),)),))
    documents = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("d"),)),))
    assert judged_unit("auto", spans, cut) == "chunk"
    assert judged_unit("auto", spans, whole) == "document"
    assert judged_unit("auto", documents, cut) == "document"
    assert judged_unit("chunk", documents, cut) == "chunk"


def test_every_fault_of_the_retrievers_is_listed_before_anything_runs(chunks: Chunks, golden: GoldenSet) -> None:
    with pytest.raises(SettingError) as caught:
        evaluate(chunks, golden, ["bm25:b=3", "dens", "hybrid:k9=1", "bm25", "bm25"], FAST)
    assert len(str(caught.value).splitlines()) == 4


@pytest.mark.parametrize(
    "wrong",
    [{"k": (0,)}, {"k": ()}, {"resamples": 3}, {"jobs": 0}, {"seed": -1}, {"overlap": 2.0}, {"metrics": ("ndgc@10",)}],
)
def test_wrong_settings(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        replace(FAST, **wrong)  # type: ignore[arg-type]


def test_a_golden_set_of_another_corpus_is_refused(chunks: Chunks) -> None:
    golden = GoldenSet((GoldenItem("q", "t", evidence=(Evidence("nowhere"),)),))
    with pytest.raises(InputError, match="nowhere"):
        evaluate(chunks, golden, ["bm25"], FAST)


def test_a_run_file_is_scored_to_its_end(tmp_path: Path) -> None:
    # The one relevant item stands at rank 120, and the depth of a search is 100.
    ids = [f"d{i}" for i in range(120)]
    chunks = Chunks.of(Chunk(id_, id_, f"text {id_}", 0, 5) for id_ in ids)
    golden = GoldenSet((GoldenItem("q1", "text", evidence=(Evidence("d119"),)),))
    path = tmp_path / "run.trec"
    path.write_text("".join(f"q1 Q0 {id_} 1 {200 - i} t\n" for i, id_ in enumerate(ids)))
    settings = EvaluationSettings(metrics=("map", "recall@100"), level="document", resamples=200)
    run = f"run:path={path},returns=document"
    alone = evaluate(chunks, golden, [run], settings, context=Context()).arms[0]
    assert alone.metrics["map"].mean == pytest.approx(1 / 120)
    assert alone.metrics["recall@100"].mean == 0
    assert not any("use up to" in warning for warning in alone.warnings)
    beside = evaluate(chunks, golden, [run, "bm25"], settings, context=Context()).arms
    assert any("map use up to 120 items of its run file, and the first 100" in one for one in beside[0].warnings)
    assert not any("use up to" in warning for warning in beside[1].warnings)
