import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.gate import Population, outcomes
from ragbench.comparison.gate.bounds import difference_bounds, share_bounds
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rules import (
    CostRule,
    CoverageRule,
    FailuresRule,
    Inconclusive,
    LatencyRule,
    MetricRule,
    Rule,
    Rules,
)
from ragbench.core.errors import ArmError, InputError, SettingError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import NO_SCORES, Scores
from ragbench.render.gate import gate_json, gate_junit, gate_markdown

MANIFEST = {
    "golden": {"fingerprint": "g1", "queries": 60},
    "chunks": {"fingerprint": "c1", "chunks": 9},
    "judgements": {"fingerprint": "j1", "unit": "document"},
    "settings": {"k": [1, 10], "metrics": [], "overlap": 0.5, "ties": "trec", "drop_self": False},
}


def scored(name: str, values: Sequence[float], **more: object) -> ScoredRun:
    ids = [f"q{i}" for i in range(len(values))]
    types = ["keyword" if i % 3 else "question" for i in range(len(values))]
    table = QueryTable(ids, [f"text {i}" for i in ids], types, [f"query:{i}" for i in ids])
    scores = Scores(ids, ("ndcg@10",), np.array(values, dtype=np.float64)[:, None])
    return replace(ScoredRun(name, scores, table, manifest=MANIFEST), **more)  # type: ignore[arg-type]


def of(*rules: Rule) -> Rules:
    return Rules(rules=rules, source="gate.yaml")


RNG = np.random.default_rng(5)
BASE = RNG.uniform(0.4, 0.9, 60)
BASELINE = scored("old", BASE.tolist(), latency_ms={"p50": 1.0, "p95": 10.0, "p99": 20.0}, cost_per_query=0.002)
MARGIN = MetricRule(metric="ndcg@10", margin=0.02)


@pytest.mark.parametrize(
    ("change", "spread", "outcome", "code"),
    [(0.05, 0.02, "pass", 0), (-0.08, 0.02, "fail", 1), (-0.01, 0.1, "inconclusive", 0)],
)
def test_three_outcomes_of_a_margin(change: float, spread: float, outcome: str, code: int) -> None:
    noise = np.random.default_rng(1).normal(0, spread, 60)
    candidate = scored("new", (BASE + change + noise - noise.mean()).clip(0, 1).tolist())
    found = decide_gate(BASELINE, candidate, of(MARGIN))
    assert (found.outcome, found.exit_code) == (outcome, code)
    (one,) = found.decided
    assert one.value == pytest.approx(float((candidate.scores.values - BASELINE.scores.values).mean()))
    assert (one.more_queries is not None) == (outcome == "inconclusive")
    json.dumps(gate_json(found), allow_nan=False)


OPEN = scored("new", (BASE + np.random.default_rng(1).normal(-0.01, 0.1, 60)).clip(0, 1).tolist())
NO_VALUES = scored("new", [float("nan")] * 60)
LOST = scored("new", [*(BASE[:50] + 0.05).tolist(), *[float("nan")] * 10])


@pytest.mark.parametrize(
    ("candidate", "inconclusive", "code", "notice", "tag"),
    [
        (OPEN, "neutral", 0, "does not block", "skipped"),
        (OPEN, "fail", 3, "blocks this change, as", "error"),
        (OPEN, "pass", 0, "counts as a pass", None),
        (NO_VALUES, "neutral", 3, "the evidence is missing for ndcg@10 loses at most 0.02", "error"),
        (LOST, "neutral", 3, "the evidence is missing for ndcg@10 loses at most 0.02", "error"),
        (LOST, "pass", 0, "counts as a pass", None),
    ],
)
def test_what_an_inconclusive_gate_does(
    candidate: ScoredRun, inconclusive: Inconclusive, code: int, notice: str, tag: str | None
) -> None:
    found = decide_gate(BASELINE, candidate, replace(of(MARGIN), inconclusive=inconclusive))
    assert (found.outcome, found.exit_code, found.blocks) == ("inconclusive", code, code == 3)
    assert notice in found.notice
    assert notice in gate_markdown(found)
    written = gate_json(found)
    assert (written["blocks"], written["exit_code"], written["notice"]) == (found.blocks, code, found.notice)
    (case,) = ET.fromstring(gate_junit(found)).iter("testcase")
    assert [part.tag for part in case if part.tag != "system-out"] == ([tag] if tag else [])


def test_a_gate_whose_slices_are_all_too_small_blocks_unless_inconclusive_passes() -> None:
    rules = of(MetricRule(metric="ndcg@10", min=0.1, by="type", min_queries=50))
    assert decide_gate(None, OPEN, rules).exit_code == 3
    assert decide_gate(None, OPEN, replace(rules, inconclusive="pass")).exit_code == 0


def test_the_verdict_says_what_would_have_failed_in_four_of_five_runs() -> None:
    """A loss of the size that is named fails in about 80% of new samples; so does a value."""
    rng = np.random.default_rng(3)
    first = decide_gate(BASELINE, OPEN, of(MARGIN))
    loss = first.decided[0].catches
    assert loss is not None
    assert f"a true loss of .{round(loss * 1000):03d} in ndcg@10 would have failed in 4 of 5 runs" in gate_markdown(
        first
    )
    spread = (OPEN.scores.values - BASELINE.scores.values).std(ddof=1)
    moved = rng.normal(-loss, spread, size=(400, 60))
    fails = [difference_bounds(row, np.arange(60), below=0.05, above=0.01).high < -0.02 for row in moved]
    assert 0.72 < np.mean(fails) < 0.88
    floor = decide_gate(None, scored("new", [1.0] * 120 + [0.0] * 40), of(MetricRule(metric="ndcg@10", min=0.7)))
    value = floor.decided[0].catches
    assert value is not None
    hits = (rng.random((400, 160)) < value).astype(np.float64)
    fails = [share_bounds(row, np.arange(160), below=0.05, above=0.01).high < 0.7 for row in hits]
    assert 0.70 < np.mean(fails) < 0.88
    ceiling = decide_gate(None, scored("new", [0.0] * 120 + [1.0] * 40), of(MetricRule(metric="ndcg@10", max=0.3)))
    assert ceiling.decided[0].catches == pytest.approx(1 - value)


HARMED = scored("new", (BASE - 0.2).tolist())
GUARD = MetricRule(metric="ndcg@10", min=0.65, role="guard")


def test_a_guard_fails_on_harm_and_holds_nothing_up_when_undecided() -> None:
    better = scored("new", (BASE + 0.01 + np.random.default_rng(1).normal(0, 0.01, 60)).tolist())
    wide = replace(MARGIN, margin=0.1)
    undecided = decide_gate(BASELINE, better, of(wide, GUARD))
    assert [one.outcome for one in undecided.decided] == ["pass", "inconclusive"]
    assert (undecided.outcome, undecided.blocks) == ("pass", False)
    assert undecided.sentence == "pass: 1 rule is kept, and 1 guard shows neither harm nor its absence"
    assert "ndcg@10 at least 0.65 (guard)" in gate_markdown(undecided)
    strict = replace(of(wide, GUARD), inconclusive="fail")
    root = ET.fromstring(gate_junit(decide_gate(BASELINE, better, strict)))
    assert (root.get("errors"), root.get("skipped")) == ("0", "1")
    assert decide_gate(BASELINE, better, of(wide, replace(GUARD, role="primary"))).outcome == "inconclusive"
    harmed = decide_gate(BASELINE, HARMED, of(replace(MARGIN, margin=0.9), GUARD))
    assert [one.outcome for one in harmed.decided] == ["pass", "fail"]
    assert harmed.exit_code == 1
    # A guard that could not be measured is no guard.
    lost = decide_gate(None, NO_VALUES, of(MetricRule(metric="ndcg@10", min=0.0), GUARD))
    assert lost.exit_code == 3


def test_an_anchor_sees_what_the_baseline_does_not() -> None:
    release = scored("release", (BASE + 0.2).tolist())
    small = scored("new", (BASE - 0.005 + np.random.default_rng(1).normal(0, 0.01, 60)).tolist())
    anchored = MetricRule(metric="ndcg@10", margin=0.03, anchor="v1")
    found = decide_gate(BASELINE, small, of(replace(MARGIN, margin=0.1), anchored), anchors={"v1": release})
    assert [(one.outcome, one.anchor) for one in found.decided] == [("pass", ""), ("fail", "v1")]
    assert found.decided[1].name == "ndcg@10 loses at most 0.03 from v1"
    assert found.decided[1].value == pytest.approx(float((small.scores.values - release.scores.values).mean()))
    assert found.decided[1].comparison is not None
    assert found.decided[1].comparison.difference == pytest.approx(found.decided[1].value)
    assert decide_gate(None, small, of(anchored), anchors={"v1": release}).outcome == "fail"
    with pytest.raises(SettingError, match="rule 1 measures from the anchor 'v1', and none of that name is given"):
        decide_gate(BASELINE, small, of(anchored))
    other = replace(release, manifest={**MANIFEST, "golden": {"fingerprint": "g2", "queries": 61}})
    with pytest.raises(InputError, match="g2"):
        decide_gate(BASELINE, small, of(anchored), anchors={"v1": other})


def test_the_same_run_is_said_to_be_the_same() -> None:
    found = decide_gate(BASELINE, replace(BASELINE, name="again"), of(replace(MARGIN, margin=0.0)))
    assert found.outcome == "pass"
    assert "the same run as the baseline" in found.decided[0].reason
    assert any("the same run" in note for note in found.notes)


def test_one_query_and_all_ties_are_no_verdict_on_noise() -> None:
    one = decide_gate(scored("old", [0.5]), scored("new", [0.4]), of(MARGIN))
    assert one.outcome == "inconclusive"
    assert "too few" in one.decided[0].reason
    ties = decide_gate(None, scored("new", [1.0] * 20), of(MetricRule(metric="ndcg@10", min=0.95)))
    assert ties.outcome == "inconclusive"  # .95^20 is .36: 20 right queries show nothing about .95
    assert decide_gate(None, scored("new", [1.0] * 60), of(MetricRule(metric="ndcg@10", min=0.95))).outcome == "pass"


def test_queries_without_a_value_never_make_nan() -> None:
    found = decide_gate(BASELINE, scored("new", [float("nan")] * 60), of(MARGIN, MetricRule(metric="ndcg@10", min=0.1)))
    assert found.outcome == "inconclusive"
    assert {one.reason for one in found.decided} == {"no query has a value"}
    assert "nan" not in json.dumps(gate_json(found), allow_nan=False).lower().replace("nan-", "")


def test_values_that_the_candidate_lost_may_be_the_bad_ones() -> None:
    kept = BASE + 0.04
    kept[:2] = np.nan
    few = decide_gate(BASELINE, scored("new", kept.tolist()), of(MARGIN))
    assert few.outcome == "inconclusive"
    assert "no value for 2 queries" in few.decided[0].reason
    # Where even 0 in their place keeps the rule, nothing is held up.
    assert (
        decide_gate(BASELINE, scored("new", kept.tolist()), of(MetricRule(metric="ndcg@10", margin=0.1))).outcome
        == "pass"
    )
    floor = of(MetricRule(metric="ndcg@10", min=0.3))
    assert decide_gate(None, scored("new", kept.tolist()), floor).outcome == "pass"
    kept[:30] = np.nan
    assert decide_gate(None, scored("new", kept.tolist()), floor).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("code", "reason", "outcome"),
    [
        ("not-applicable", "ndcg@10: the system abstained", "pass"),
        ("no-reference", "ndcg@10: there is no reference", "pass"),
        ("not-applicable", "faithfulness: the system abstained", "inconclusive"),  # of another metric
        ("judge-unanswered", "ndcg@10: the judge gave no answer", "inconclusive"),
    ],
)
def test_queries_on_which_a_metric_has_nothing_to_say_hold_nothing_up(code: str, reason: str, outcome: str) -> None:
    new = scored("new", [np.nan] * 20 + [0.9, 1.0] * 20)
    ledger = Ledger(tuple(LedgerEntry("score", f"q{at}", reason, code) for at in range(20)))
    new = replace(new, scores=replace(new.scores, ledger=ledger))
    assert decide_gate(None, new, of(MetricRule(metric="ndcg@10", min=0.8))).outcome == outcome


def test_infinite_values_are_refused() -> None:
    with pytest.raises(InputError, match="infinite"):
        decide_gate(BASELINE, scored("new", [float("inf"), *BASE[1:].tolist()]), of(MARGIN))


def test_other_golden_set_corpus_and_settings_are_refused_all_at_once() -> None:
    manifest = {
        **MANIFEST,
        "golden": {"fingerprint": "g2", "queries": 61},
        "chunks": {"fingerprint": "c2", "chunks": 8},
        "settings": {**MANIFEST["settings"], "ties": "expected", "k": [1, 200]},  # type: ignore[dict-item]
    }
    other = scored("new", (BASE + 0.05).clip(0, 1).tolist(), manifest=manifest)
    with pytest.raises(InputError) as caught:
        decide_gate(BASELINE, other, of(MARGIN))
    text = str(caught.value)
    for wanted in ("g1", "g2", "c1", "c2", "ties trec against expected", "depth 100 against 200"):
        assert wanted in text
    for what in ("golden", "corpus", "settings"):
        assert f"allow={what!r}" in text
    found = decide_gate(BASELINE, other, of(MARGIN), allow=["golden", "corpus", "settings"])
    assert found.outcome == "pass"
    assert sum(note.startswith("allowed: ") for note in found.notes) == 3
    with pytest.raises(SettingError, match="did you mean 'golden'"):
        decide_gate(BASELINE, other, of(MARGIN), allow=["goldn"])


def test_different_queries_are_refused_and_counted() -> None:
    with pytest.raises(InputError, match="10 only in old"):
        decide_gate(BASELINE, scored("new", BASE[:50].tolist()), of(MARGIN))


def test_an_arm_that_did_not_run() -> None:
    dead = ScoredRun("new", NO_SCORES, BASELINE.queries.select(np.zeros(0, dtype=np.int64)), error="its index is empty")
    with pytest.raises(ArmError, match="new did not run, so there is nothing to decide: its index is empty"):
        decide_gate(BASELINE, dead, of(MARGIN))


def test_rules_that_ask_for_what_is_not_there_are_listed() -> None:
    rules = of(
        MetricRule(metric="ndgc@10", min=0.1),
        MetricRule(metric="ndcg@10", min=0.1, by="typ"),
        MetricRule(metric="ndcg@10", min=0.1, slice="type=keywod"),
        LatencyRule(latency="p95", max_ms=5),
        CostRule(cost="query", max=1),
        MARGIN,
    )
    with pytest.raises(SettingError) as caught:
        decide_gate(None, scored("new", BASE.tolist()), rules)
    said = str(caught.value).splitlines()
    names = ("did you mean 'ndcg@10'", "did you mean 'type'", "did you mean 'keyword'")
    for number, wanted in enumerate((*names, "no latency p95", "no cost", "none is given"), 1):
        assert f"rule {number}" in said[number - 1]
        assert wanted in said[number - 1]


def test_slices_share_the_false_alarms_of_their_rule() -> None:
    candidate = scored("new", [*(BASE - 0.01).tolist()[:58], 0.5, 0.5])
    alone = decide_gate(BASELINE, candidate, of(replace(MARGIN, slice="type=keyword"))).decided[0]
    both = decide_gate(BASELINE, candidate, of(replace(MARGIN, by="type"))).decided
    assert [one.slice for one in both] == ["type=keyword", "type=question"]
    assert both[0].low == pytest.approx(alone.low)
    assert both[0].high is not None
    assert alone.high is not None
    assert both[0].high > alone.high
    small = decide_gate(BASELINE, candidate, of(replace(MARGIN, by="type", min_queries=30))).decided
    assert [(one.outcome, one.n) for one in small if one.outcome == "skipped"] == [("skipped", 20)]


def test_queries_with_nothing_relevant_hold_up_no_slice_and_are_counted() -> None:
    nothing = [f"q{i}" for i in range(0, 60, 3)]
    ledger = Ledger(tuple(LedgerEntry("score", id_, "nothing is relevant", "no-relevant") for id_ in nothing))
    values = [float("nan") if i % 3 == 0 else 0.9 + i / 1000 for i in range(60)]
    by_type = of(MetricRule(metric="ndcg@10", min=0.5, by="type"))
    run = scored("new", values)
    known = replace(run, scores=replace(run.scores, ledger=ledger))
    found = decide_gate(None, known, by_type)
    assert (found.outcome, [one.outcome for one in found.decided]) == ("pass", ["pass", "skipped"])
    assert "20 queries of the candidate have no value of ndcg@10; they are skipped" in found.notes
    # Without a value for another reason, the slice is not passed over.
    assert decide_gate(None, run, by_type).outcome == "inconclusive"
    held = decide_gate(BASELINE, known, of(MARGIN)).notes
    assert "for 20 queries, only one of the systems has a value of ndcg@10; they are skipped" in held


def test_equal_rankings_with_other_values_are_decided_on_the_values() -> None:
    rankings = Run.from_dict({f"q{i}": {"x": 2, "y": 1} for i in range(60)})
    worse = scored("new", (BASE - 0.1 - np.arange(60) / 1000).tolist(), run=rankings)
    assert decide_gate(replace(BASELINE, run=rankings), worse, of(MARGIN)).outcome == "fail"


def test_latency_cost_failures_and_coverage() -> None:
    ids = BASELINE.queries.ids
    run = Run.from_dict({id_: {"d": 1.0} if i > 2 else {} for i, id_ in enumerate(ids)}, unit="document")
    run = replace(run.select(ids), failures={"q0": "timeout"})
    candidate = scored(
        "new", BASE.tolist(), run=run, failed=1, latency_ms={"p95": 14.0, "p99": 100.0}, cost_per_query=0.003
    )
    candidate = replace(
        candidate,
        scores=replace(candidate.scores, ledger=Ledger((LedgerEntry("score", "q5", "none", "no-relevant"),))),
    )
    rules = of(
        LatencyRule(latency="p95", max_ratio=1.6),
        LatencyRule(latency="p99", max_ratio=2),
        LatencyRule(latency="p95", max_ratio=1.5, noise=0),
        CostRule(cost="query", max_ratio=1.4),
        FailuresRule(failures="rate", max=0.02),
        CoverageRule(coverage="answered", min=0.96),
        CoverageRule(coverage="judged", min=0.98),
        FailuresRule(failures="rate", max=0.02, decide="interval"),
    )
    decided = decide_gate(BASELINE, candidate, rules).decided
    assert [one.outcome for one in decided] == [
        "inconclusive", "fail", "pass", "fail", "pass", "fail", "pass", "inconclusive",
    ]  # fmt: skip
    assert [one.value for one in decided[3:7]] == pytest.approx([1.5, 1 / 60, 57 / 60, 59 / 60])
    assert decided[0].value == pytest.approx(1.4)


def test_the_plain_threshold_is_named_as_noisy() -> None:
    (one,) = decide_gate(BASELINE, scored("new", (BASE - 0.03).tolist()), of(replace(MARGIN, decide="mean"))).decided
    assert one.outcome == "fail"
    assert "noise" in one.reason


def test_hostile_names_are_shown_as_they_stand() -> None:
    name = "</testcase>|<script>\x00\x1b[31m\n@all ]]>"
    rule = MetricRule(metric="ndcg@10", min=0.99, name=name)
    found = decide_gate(None, scored(name, BASE.tolist()), of(rule))
    root = ET.fromstring(gate_junit(found))
    (case,) = root.iter("testcase")
    assert case.get("name", "").startswith("</testcase>|<script>\\x00\\x1b[31m")
    assert (root.get("failures"), root.get("errors")) == ("1", "0")
    page = gate_markdown(found)
    (row,) = [line for line in page.splitlines() if line.startswith("| ❌")]
    assert row.replace("\\|", "").count("|") == 6
    assert "<script>" not in page
    assert "@all" not in page


def test_an_unchanged_system_on_its_floors_seldom_fails_and_a_worse_one_does() -> None:
    rng = np.random.default_rng(2)
    units = [f"d{i // 2}" for i in range(200)]
    first = np.repeat(rng.beta(4, 1, 100), 2)[:, None] * np.ones(3)
    second = (first + rng.normal(0, 0.05, (200, 1))).clip(0, 1)
    people = Population(first, second, units)
    floors = tuple(MetricRule(metric=name, min=mean) for name, mean in people.means().items())
    rules = (*floors, MARGIN)
    plain = tuple(replace(rule, decide="mean") for rule in rules)
    assert outcomes(people.unchanged, rules, 60)["fail"] <= 2
    assert outcomes(people.unchanged, plain, 60)["fail"] > 20
    assert outcomes(people.broken(0.2), (MARGIN,), 30)["fail"] > 20


def test_a_rule_by_document_counts_every_document_once() -> None:
    """One document with 60 of 90 queries loses much, and the others nothing; by hand, from the means of documents."""
    rng = np.random.default_rng(0)
    units = ["document:big"] * 60 + [f"document:{i}" for i in range(30)]
    before = rng.uniform(0.4, 0.6, 90)
    after = before + np.concatenate((np.full(60, -0.3), rng.normal(0, 0.01, 30)))
    ids = [f"q{i}" for i in range(90)]
    table = QueryTable(ids, [""] * 90, [""] * 90, units)
    first, second = (
        ScoredRun(n, Scores(ids, ("ndcg@10",), v[:, None]), table) for n, v in (("a", before), ("b", after))
    )
    rules = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.05), MetricRule(metric="ndcg@10", margin=0.05,
                                                                              average="documents")))  # fmt: skip
    by_query, by_document = decide_gate(first, second, rules).decided
    differences = after - before
    assert by_query.value == pytest.approx(differences.mean())
    averaged = np.append(differences[60:], differences[:60].mean())
    assert by_document.value == pytest.approx(averaged.mean())
    assert (by_document.n, by_document.clusters) == (31, 31)
    assert by_document.candidate == pytest.approx(np.append(after[60:], after[:60].mean()).mean())
    assert by_document.name == "ndcg@10 loses at most 0.05, by document"
    assert by_document.comparison is not None
    assert by_document.comparison.difference == pytest.approx(averaged.mean())
    alone = difference_bounds(averaged, np.arange(31), below=0.05, above=0.005)
    assert (by_document.low, by_document.high) == (pytest.approx(alone.low), pytest.approx(alone.high))


@pytest.mark.parametrize(
    ("gains", "outcome"), [((0.0, 0.01, 0.0, 0.01, 0.0), "pass"), ((0.1, 0.1, 0.1, -0.03, -0.08), "inconclusive")]
)
def test_a_margin_must_hold_in_a_further_wording(gains: tuple[float, ...], outcome: str) -> None:
    base = np.random.default_rng(2).uniform(0.4, 0.6, 300)
    noise = np.random.default_rng(3).normal(0, 0.02, 300)
    columns = {"wording": [f"w{i // 60}" for i in range(300)]}
    runs = [scored("old", base.tolist()), scored("new", (base + np.repeat(gains, 60) + noise).tolist())]
    plain = decide_gate(*runs, of(MARGIN))
    assert plain.outcome == "pass"
    worded = [replace(run, queries=replace(run.queries, columns=columns)) for run in runs]
    found = decide_gate(*worded, of(MARGIN))
    assert found.outcome == outcome
    (one,) = found.decided
    assert one.more_queries is None
    low, high = plain.decided[0].low, plain.decided[0].high
    assert one.low is not None
    assert one.high is not None
    assert low is not None
    assert high is not None
    assert one.low <= low
    assert one.high >= high
