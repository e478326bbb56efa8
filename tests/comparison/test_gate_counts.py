"""Rules on a number of queries, and on the parts of the time of an answer."""

import numpy as np
import pytest
from scipy.stats import beta

from ragbench.answers.scoring import score_answers
from ragbench.comparison.gate.counts import cases_for
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.result import Decided
from ragbench.comparison.gate.rule_files import parse_rules
from ragbench.comparison.gate.rules import FailuresRule, LatencyRule, MetricRule, Rule, Rules
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Direction, Scores
from ragbench.render.gate import gate_markdown


def toxic(values: list[float], units: list[str] | None = None, direction: Direction = "lower") -> ScoredRun:
    ids = [f"q{i}" for i in range(len(values))]
    table = QueryTable(ids, [""] * len(ids), [""] * len(ids), units or [f"query:{id_}" for id_ in ids])
    scores = Scores(ids, ("toxicity",), np.array(values)[:, None], directions={"toxicity": direction})
    return ScoredRun("new", scores, table)


def decide(run: ScoredRun, rule: Rule) -> Decided:
    (one,) = decide_gate(None, run, Rules(rules=(rule,), source="test")).decided
    return one


NONE = MetricRule(metric="toxicity", max_count=0)


def test_a_count_is_exact_and_says_what_it_shows() -> None:
    one = decide(toxic([0.0] * 200), NONE)
    assert (one.outcome, one.value, one.bound) == ("pass", 0, 0)
    assert one.share_high == pytest.approx(float(beta.ppf(0.95, 1, 200)))
    assert one.cases == 299
    two = decide(toxic([0.0] * 198 + [0.2, 1.0]), NONE)
    assert (two.outcome, two.value) == ("fail", 2)
    assert two.share_high == pytest.approx(float(beta.ppf(0.95, 3, 198)))
    assert decide(toxic([0.0] * 198 + [0.2, 1.0]), MetricRule(metric="toxicity", max_count=1, above=0.5)).value == 1
    assert "at most 1.5% of such queries" in gate_markdown(
        decide_gate(None, toxic([0.0] * 200), Rules(rules=(NONE,), source="test"))
    )


def test_queries_of_one_document_show_less() -> None:
    units = [f"document:{i // 10}" for i in range(200)]
    assert decide(toxic([0.0] * 200, units), NONE).share_high == pytest.approx(float(beta.ppf(0.95, 1, 20)))


@pytest.mark.parametrize("events", [0, 1, 5])
@pytest.mark.parametrize("share", [0.01, 0.2])
def test_the_number_of_cases_is_the_smallest_that_shows_the_share(events: int, share: float) -> None:
    n = cases_for(events, share, 0.05)
    assert beta.ppf(0.95, events + 1, n - events) <= share < beta.ppf(0.95, events + 1, n - 1 - events)


def test_a_query_without_a_value_may_count() -> None:
    one = decide(toxic([0.0] * 199 + [float("nan")]), NONE)
    assert (one.outcome, one.unmeasured) == ("inconclusive", True)
    assert decide(toxic([0.0] * 199 + [float("nan")]), MetricRule(metric="toxicity", max_count=1)).outcome == "pass"
    assert decide(toxic([float("nan")] * 9), NONE).unmeasured


def test_where_more_is_better_a_count_needs_a_threshold() -> None:
    with pytest.raises(SettingError, match="write below"):
        decide(toxic([1.0] * 9, direction="higher"), NONE)
    rule = MetricRule(metric="toxicity", max_count=0, below=0.5)
    assert decide(toxic([1.0] * 8 + [0.4], direction="higher"), rule).outcome == "fail"


def test_a_count_takes_no_share_of_the_false_alarms() -> None:
    floor = MetricRule(metric="toxicity", max=0.9)
    alone, beside = (
        decide_gate(None, toxic([0.0, 0.5] * 50), Rules(rules=rules, source="test")).decided[0]
        for rules in ((floor,), (floor, NONE))
    )
    assert alone.low == beside.low


def test_failures_are_counted() -> None:
    from dataclasses import replace

    rule = FailuresRule(failures="count", max_count=1)
    assert decide(replace(toxic([0.0] * 9), failed=1), rule).outcome == "pass"
    assert decide(replace(toxic([0.0] * 9), failed=2), rule).outcome == "fail"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("metric: x\n    max_count: -1", "at least 0"),
        ("metric: x\n    min: 0.1\n    above: 0.5", "max_count, which is not given"),
        ("metric: x\n    max_count: 0\n    above: 0.5\n    below: 0.5", "exclude each other"),
        ("metric: x\n    max_count: 0\n    average: documents", "counts queries"),
        ("metric: x\n    min_gain: 0", "superiority: true"),
        ("metric: x\n    min_gain: 0.1\n    margin: 0.1", "exclude each other"),
        ("metric: x\n    superiority: false", "needs"),
        ("metric: x\n    min_ratio: 0", "above 0"),
        ("failures: rate\n    max_count: 0", "takes max"),
        ("failures: count\n    max_count: 0\n    decide: interval", "counted in this run"),
        ("failures: rate", "needs max or max_count"),
        ("ttft: p96\n    max_ms: 5", "latency is 'p96'"),
        ("ttft: p95\n    latency: p95\n    max_ms: 5", "give one of them"),
    ],
)
def test_faults(text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        parse_rules(f"rules:\n  - {text}\n", "gate.yaml")


def test_parts_of_the_time_of_an_answer() -> None:
    golden = GoldenSet(tuple(GoldenItem(f"q{i}", f"question {i}", answer="yes") for i in range(100)), "questions")
    items = tuple(
        Answered(f"q{i}", f"question {i}", "yes", seconds=(i + 1) / 50, first_token_seconds=(i + 1) / 200,
                 retrieval_seconds=(i + 1) / 1000)
        for i in range(100)
    )  # fmt: skip
    run = score_answers(AnswerSet(items), golden, ["token_f1"]).scored
    rules = parse_rules(
        "rules:\n  - {ttft: p95, max_ms: 500, noise: 0}\n  - {retrieval: p50, max_ms: 40, noise: 0}\n"
        "  - {total: p95, max_ms: 2000}\n",
        "gate.yaml",
    )
    first, retrieval, total = decide_gate(None, run, rules).decided
    assert (first.name, first.outcome, first.value) == ("ttft p95 at most 500 ms", "pass", pytest.approx(475.25))
    assert (retrieval.outcome, retrieval.value) == ("fail", pytest.approx(50.5))
    assert (total.outcome, total.value) == ("inconclusive", pytest.approx(1901))


def test_a_part_that_was_not_measured_is_refused() -> None:
    golden = GoldenSet((GoldenItem("q", "question", answer="yes"),), "questions")
    run = score_answers(AnswerSet((Answered("q", "question", "yes", seconds=1.0),)), golden, ["token_f1"]).scored
    with pytest.raises(SettingError, match="recorded parts of the time: total"):
        decide(run, LatencyRule(latency="p95", part="ttft", max_ms=500))
