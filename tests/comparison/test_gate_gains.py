"""Rules that ask for an improvement: a gain, a ratio, any gain."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import t

from ragbench.comparison.gate.bounds import difference_bounds
from ragbench.comparison.gate.decide import decide_gate, decide_rule
from ragbench.comparison.gate.forecast import forecast
from ragbench.comparison.gate.result import Decided
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.comparison.pairing import Pair
from ragbench.core.errors import SettingError
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Direction, Scores
from ragbench.render.gate import gate_json, gate_markdown
from ragbench.stats.clusters import cluster_index, clustered_means

Array = npt.NDArray[np.float64]


def scored(
    name: str, values: Array, units: list[str] | None = None, direction: Direction = "higher", metric: str = "ndcg@10"
) -> ScoredRun:
    ids = [f"q{i}" for i in range(len(values))]
    table = QueryTable(ids, [""] * len(ids), [""] * len(ids), units or [f"query:{id_}" for id_ in ids])
    directions: dict[str, Direction] = {} if direction == "higher" else {metric: direction}
    return ScoredRun(name, Scores(ids, (metric,), values[:, None], directions=directions), table)


def decide(before: Array, after: Array, rule: MetricRule, **more: object) -> Decided:
    rules = Rules(rules=(rule,), source="test", false_alarms=0.05)
    (one,) = decide_gate(scored("old", before, **more), scored("new", after, **more), rules).decided  # type: ignore[arg-type]
    return one


def decide_alone(before: Array, after: Array, rule: MetricRule, units: list[str] | None = None) -> Decided:
    """The same without the results of a comparison, which take longer."""
    both = Pair(scored("old", before, units), scored("new", after, units))
    (one,) = decide_rule(rule, Rules(rules=(rule,), false_alarms=0.05), both, both.baseline, both.candidate)
    return one


RNG = np.random.default_rng(11)
BEFORE = RNG.uniform(0.3, 0.7, 300)
AFTER = BEFORE + 0.05 + RNG.normal(0, 0.1, 300)
BOUNDS = difference_bounds(AFTER - BEFORE, np.arange(300), below=0.05, above=0.05)


def test_a_gain_passes_exactly_up_to_the_lower_bound_of_the_difference() -> None:
    assert BOUNDS.low is not None
    assert BOUNDS.high is not None
    just, more = BOUNDS.low - 1e-6, BOUNDS.low + 1e-6
    assert decide(BEFORE, AFTER, MetricRule(metric="ndcg@10", min_gain=just)).outcome == "pass"
    assert decide(BEFORE, AFTER, MetricRule(metric="ndcg@10", min_gain=more)).outcome == "inconclusive"
    assert decide(BEFORE, AFTER, MetricRule(metric="ndcg@10", min_gain=BOUNDS.high + 1e-6)).outcome == "fail"
    one = decide(BEFORE, AFTER, MetricRule(metric="ndcg@10", min_gain=0.01))
    assert (one.low, one.high) == pytest.approx((BOUNDS.low, BOUNDS.high))
    assert one.room == pytest.approx(BOUNDS.low - 0.01)


def test_superiority_asks_for_any_gain_and_refuses_none() -> None:
    rule = MetricRule(metric="ndcg@10", superiority=True)
    assert decide(BEFORE, AFTER, rule).outcome == "pass"
    assert decide(AFTER, BEFORE, rule).outcome == "fail"
    assert decide(BEFORE, BEFORE + RNG.normal(0, 0.1, 300), rule).outcome == "inconclusive"
    # A margin of 0 accepts the same run again, and superiority does not.
    same = scored("old", np.full(300, 0.5))
    run = replace(same, name="new")
    for limit, outcome in (({"margin": 0.0}, "pass"), ({"superiority": True}, "fail")):
        rules = Rules(rules=(MetricRule(metric="ndcg@10", **limit),), source="test")  # type: ignore[arg-type]
        assert decide_gate(same, run, rules).outcome == outcome


def test_less_is_better_turns_a_gain_around() -> None:
    rule = MetricRule(metric="errors", min_gain=0.01)
    one = decide(BEFORE, BEFORE - (AFTER - BEFORE), rule, direction="lower", metric="errors")
    assert one.outcome == "pass"
    assert not one.at_least
    assert one.bound == pytest.approx(-0.01)
    assert one.high == pytest.approx(-BOUNDS.low if BOUNDS.low else None)
    assert decide(BEFORE, AFTER, rule, direction="lower", metric="errors").outcome == "fail"


def fieller(before: Array, after: Array, clusters: npt.NDArray[np.int64], error: float) -> tuple[float, float]:
    """The textbook ends: the roots of (a - r b)^2 = t^2 (v_a - 2 r v_ab + r^2 v_b)."""
    a, b = after.mean(), before.mean()
    parts = clustered_means(np.column_stack((after, before, after - before)), clusters)
    v_a, v_b, v_d = parts.errors**2
    v_ab = (v_a + v_b - v_d) / 2
    q = t.ppf(1 - error, parts.df[0]) ** 2
    roots = np.roots([b**2 - q * v_b, -2 * (a * b - q * v_ab), a**2 - q * v_a])
    return float(roots.min()), float(roots.max())


def test_the_interval_of_a_ratio_is_fieller_s() -> None:
    """With mirrored values no skewness is left, and with 2,000 documents rare losses do not matter."""
    half_b, half_d = RNG.uniform(-0.2, 0.2, 1000), RNG.normal(0, 0.15, 1000)
    before = 0.5 + np.concatenate((half_b, -half_b))
    after = before * 1.05 + np.concatenate((half_d, -half_d))
    one = decide(before, after, MetricRule(metric="ndcg@10", min_ratio=1.02))
    low, high = fieller(before, after, np.arange(2000), 0.05)
    assert one.value == pytest.approx(after.mean() / before.mean())
    assert one.high == pytest.approx(high, abs=1e-6)
    assert one.low == pytest.approx(low, abs=2e-4)
    assert one.unit == "x"


@pytest.mark.parametrize("clustered", [False, True])
def test_the_interval_of_a_ratio_and_its_decision_agree(clustered: bool) -> None:
    units = [f"document:{i // 5 if i < 270 else 99}" for i in range(300)] if clustered else None
    seen = decide(BEFORE, AFTER, MetricRule(metric="ndcg@10", min_ratio=1.0), units=units)
    assert seen.low is not None
    assert seen.high is not None
    for ratio, outcome in (
        (seen.low - 1e-4, "pass"),
        (seen.low + 1e-4, "inconclusive"),
        (seen.high - 1e-4, "inconclusive"),
        (seen.high + 1e-4, "fail"),
    ):
        one = decide(BEFORE, AFTER, MetricRule(metric="ndcg@10", min_ratio=ratio), units=units)
        assert one.outcome == outcome
        assert (one.low, one.high) == pytest.approx((seen.low, seen.high), abs=2e-3)


def test_a_ratio_to_nothing_is_not_measured() -> None:
    one = decide(np.zeros(300), AFTER, MetricRule(metric="ndcg@10", min_ratio=1.02))
    assert (one.outcome, one.unmeasured, one.value) == ("inconclusive", True, None)
    # A baseline that may be 0 has no upper end of the ratio.
    rare = np.zeros(300)
    rare[:2] = 1.0
    open_ended = decide(rare, AFTER, MetricRule(metric="ndcg@10", min_ratio=1.02))
    assert open_ended.high is None


def test_lost_values_cannot_pass_a_gain() -> None:
    lost = AFTER.copy()
    lost[:60] = np.nan
    one = decide(BEFORE, lost.clip(0, 1), MetricRule(metric="ndcg@10", min_gain=0.01))
    assert (one.outcome, one.unmeasured) == ("inconclusive", True)


def false_passes(rule: MetricRule, truth: str, runs: int = 400) -> float:
    """Share of gates that pass a candidate exactly at the limit of the rule."""
    rng = np.random.default_rng(3)
    sizes = np.array([60, *[3] * 40])
    units = cluster_index([f"document:{i}" for i in np.repeat(np.arange(len(sizes)), sizes)])
    names = [f"document:{i}" for i in units.tolist()]
    passed = 0
    for _ in range(runs):
        before = (0.5 + np.repeat(rng.normal(0, 0.1, len(sizes)), sizes) + rng.normal(0, 0.05, len(units))).clip(0, 1)
        noise = np.repeat(rng.normal(0, 0.08, len(sizes)), sizes) + rng.normal(0, 0.05, len(units))
        after = before * 1.1 + noise if truth == "ratio" else before + 0.05 + noise
        passed += decide_alone(before, after, rule, names).outcome == "pass"
    return passed / runs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "truth"),
    [
        (MetricRule(metric="ndcg@10", min_gain=0.05), "gain"),
        (MetricRule(metric="ndcg@10", min_ratio=1.1), "ratio"),
    ],
)
def test_with_unequal_documents_a_candidate_at_the_limit_rarely_passes(rule: MetricRule, truth: str) -> None:
    assert false_passes(rule, truth) <= 0.075


def test_what_would_have_passed_passes_in_four_of_five_runs() -> None:
    before = RNG.uniform(0.3, 0.7, 200)
    first = decide(before, before + RNG.normal(0.02, 0.15, 200), MetricRule(metric="ndcg@10", min_gain=0.01))
    assert first.outcome == "inconclusive"
    assert first.would_pass is not None
    rng, rule = np.random.default_rng(4), MetricRule(metric="ndcg@10", min_gain=0.01)
    again = [
        decide_alone(before, before + rng.normal(first.would_pass, 0.15, 200), rule).outcome == "pass"
        for _ in range(300)
    ]
    assert 0.72 <= np.mean(again) <= 0.88


@pytest.mark.parametrize(
    "rule",
    [
        MetricRule(metric="ndcg@10", min_gain=0.01),
        MetricRule(metric="ndcg@10", superiority=True),
        MetricRule(metric="ndcg@10", min_ratio=1.02),
    ],
)
def test_a_forecast_of_an_unchanged_candidate_refuses_a_gain(rule: MetricRule) -> None:
    with pytest.raises(SettingError, match="rule 1 asks for a gain"):
        forecast(scored("old", BEFORE), Rules(rules=(rule,)))


def test_a_forecast_knows_a_ratio_that_accepts_a_loss() -> None:
    found = forecast(
        scored("old", BEFORE), Rules(rules=(MetricRule(metric="ndcg@10", min_ratio=0.8),)), gates=10, power=0.01
    )
    assert found.chances[0].passes > 0.9


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (MetricRule(metric="ndcg@10", min_ratio=1.02), "less of ndcg@10 is better"),
        (MetricRule(metric="ndcg@10", min_gain=0.02), None),
    ],
)
def test_directions(rule: MetricRule, said: str | None) -> None:
    if said is None:
        decide(BEFORE, AFTER, rule, direction="lower")
        with pytest.raises(SettingError, match="neither more nor less is better"):
            decide(BEFORE, AFTER, rule, direction="none")
        return
    with pytest.raises(SettingError, match=said):
        decide(BEFORE, AFTER, rule, direction="lower")


def test_gains_are_shown_with_their_comparison() -> None:
    rules = Rules(
        rules=(
            MetricRule(metric="ndcg@10", min_gain=0.01),
            MetricRule(metric="ndcg@10", superiority=True, role="guard"),
            MetricRule(metric="ndcg@10", min_ratio=1.02),
        ),
        source="test",
    )
    found = decide_gate(scored("old", BEFORE), scored("new", AFTER), rules)
    assert all(one.comparison is not None for one in found.decided)
    page = gate_markdown(found)
    assert "> .000" in page
    assert "1.020 x" in page
    assert [one["kind"] for one in gate_json(found)["rules"]] == ["gain", "superiority", "ratio"]  # type: ignore[index]
