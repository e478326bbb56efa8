"""Rules on groups: quality between slices, and exposure between groups of items."""

from dataclasses import replace

import numpy as np
import pytest

from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.result import Decided
from ragbench.comparison.gate.rule_files import parse_rules
from ragbench.comparison.gate.rules import ExposureRule, MetricRule, Rule, Rules
from ragbench.core.errors import SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores

RNG = np.random.default_rng(2)
NAMES = ("tents", "shoes", "lamps")


def quality(means: list[float], size: int = 60, spread: float = 0.1, seed: int = 0) -> ScoredRun:
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(mean, spread, size) for mean in means]).clip(0, 1)
    ids = [f"q{i}" for i in range(len(values))]
    columns = {"category": [NAMES[i // size] for i in range(len(values))]}
    table = QueryTable(ids, [""] * len(ids), [""] * len(ids), [f"query:{id_}" for id_ in ids], columns)
    return ScoredRun("new", Scores(ids, ("ndcg@10",), values[:, None]), table)


def decide(run: ScoredRun, rule: Rule) -> Decided:
    (one,) = decide_gate(None, run, Rules(rules=(rule,), source="test")).decided
    return one


GAP = MetricRule(metric="ndcg@10", by="category", max_gap=0.2)


def test_the_gap_between_categories() -> None:
    assert decide(quality([0.5, 0.55, 0.52]), GAP).outcome == "pass"
    one = decide(quality([0.2, 0.8, 0.5]), GAP)
    assert one.outcome == "fail"
    assert "shoes" in one.reason
    assert "tents" in one.reason
    assert decide(quality([0.4, 0.6, 0.5]), GAP).outcome == "inconclusive"
    few = decide(quality([0.4, 0.6, 0.5], size=5), GAP)
    assert (few.outcome, few.unmeasured) == ("inconclusive", True)


def test_a_gap_with_lost_values_does_not_pass() -> None:
    run = quality([0.5, 0.55, 0.52])
    values = run.scores.values.copy()
    values[3] = np.nan
    one = decide(replace(run, scores=replace(run.scores, values=values)), GAP)
    assert (one.outcome, one.unmeasured) == ("inconclusive", True)


@pytest.mark.parametrize("hits", [False, True])
def test_a_system_at_the_limit_rarely_passes(hits: bool) -> None:
    """Three categories of which two differ by exactly the limit."""
    rng, passed, runs = np.random.default_rng(9), 0, 300
    for seed in range(runs):
        run = quality([0.5, 0.7, 0.6], size=25, spread=0.15, seed=seed)
        if hits:
            values = np.concatenate([rng.random(25) < mean for mean in (0.75, 0.95, 0.85)]).astype(float)[:, None]
            run = replace(run, scores=replace(run.scores, values=values))
        passed += decide(run, GAP).outcome == "pass"
    assert passed / runs <= 0.075


def shown(share: float, queries: int = 120) -> ScoredRun:
    """Queries with one relevant item each, half of them tents; this share of them gets tents first."""
    run, labels, attributes = {}, {}, {}
    for i in range(queries):
        item = f"d{i}"
        attributes[item] = NAMES[i % 2]
        labels[f"q{i}"] = {item: 1}
        first = "x0" if (i % 20) < 20 * share else "x1"
        run[f"q{i}"] = {first: 1.0}
    attributes |= {"x0": NAMES[0], "x1": NAMES[1]}
    ids = list(labels)
    table = QueryTable(ids, [""] * len(ids), [""] * len(ids), [f"query:{id_}" for id_ in ids])
    return ScoredRun(
        "new", Scores(ids, ("ndcg@10",), np.zeros((queries, 1))), table, Run.from_dict(run),
        Judgements.from_dict(labels), attributes={"category": attributes},
    )  # fmt: skip


def test_exposure_of_categories() -> None:
    rule = ExposureRule(exposure="category", max_gap=0.3)
    fair, unfair = decide(shown(0.5), rule), decide(shown(1.0), rule)
    assert (fair.outcome, fair.value) == ("pass", pytest.approx(0))
    assert (unfair.outcome, unfair.value) == ("fail", pytest.approx(0.5))
    assert decide(shown(0.75), rule).outcome == "inconclusive"
    assert decide(shown(0.75), replace(rule, role="guard", max_gap=0.9)).outcome == "pass"
    few = decide(shown(0.5, 4), rule)
    assert (few.outcome, few.unmeasured) == ("inconclusive", True)


def test_an_attribute_that_was_not_stored_is_refused() -> None:
    with pytest.raises(SettingError, match="rule 1: the items of new have no such attribute"):
        decide(shown(0.5), ExposureRule(exposure="brand", max_gap=0.3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{metric: x, max_gap: 0.1}", "needs by"),
        ("{metric: x, max_gap: 0, by: category}", "above 0"),
        ("{metric: x, max_gap: 0.1, by: category, average: documents}", "averages queries"),
        ("{metric: x, max_gap: 0.1, by: category, decide: mean}", "decided by its interval"),
        ("{exposure: category, max_gap: 2}", "a share above 0"),
        ("{exposure: category, max_gap: 0.1, k: 0}", "k is 0; at least 1"),
    ],
)
def test_faults(text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        parse_rules(f"rules:\n- {text}\n", "gate.yaml")
