"""What a planned gate predicts, beside gates of the gate's own command on independently simulated runs."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from ragbench.comparison.gate.decide import decide_gate, decide_rule, outcome_of
from ragbench.comparison.gate.forecast import SizeChance, _changes, _needed, forecast
from ragbench.comparison.gate.rules import FailuresRule, MetricRule, Rules
from ragbench.comparison.pairing import Pair
from ragbench.core.errors import ArmError, InputError, SettingError
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.forecast import forecast_json

Array = npt.NDArray[np.float64]
QUERIES = 120


def run(name: str, values: Array, error: str | None = None) -> ScoredRun:
    ids = [f"q{i}" for i in range(len(values))]
    units = [f"document:{i // 2}" for i in range(len(values))]
    types = ["short" if i % 2 else "long" for i in range(len(values))]
    table = QueryTable(ids, [""] * len(ids), types, units)
    return ScoredRun(name, Scores(ids, ("ndcg@10", "mrr@10"), values), table, error=error)


def drawn(rng: np.random.Generator, correlation: float) -> tuple[Array, Array]:
    """Values of two equally good systems, uniform, of which a share is equal."""
    first = rng.random((QUERIES, 2))
    changed = (rng.random(QUERIES // 2) < 1 - correlation).repeat(2)
    return first, np.where(changed[:, None], rng.random((QUERIES, 2)), first)


def decided(baseline: ScoredRun, candidate: ScoredRun, rules: Rules) -> str:
    pair = Pair(baseline, candidate)
    return outcome_of([one for rule in rules.rules for one in decide_rule(rule, rules, pair, baseline, candidate)])


@pytest.mark.parametrize(
    "rules",
    [
        (MetricRule(metric="ndcg@10", margin=0.04),),
        (MetricRule(metric="ndcg@10", margin=0.06), MetricRule(metric="mrr@10", margin=0.06, role="guard")),
        (MetricRule(metric="ndcg@10", margin=0.06), MetricRule(metric="mrr@10", margin=0.05)),
    ],
)
def test_the_chance_is_that_of_simulated_gates(rules: tuple[MetricRule, ...]) -> None:
    asked = Rules(rules=rules)
    rng = np.random.default_rng(0)
    runs = [tuple(map(run, ("a", "b"), drawn(rng, 0.8))) for _ in range(500)]
    outcomes = [decided(*both, asked) for both in runs]
    assert outcomes[:5] == [decide_gate(*both, asked).outcome for both in runs[:5]]
    shares = {name: outcomes.count(name) / len(runs) for name in ("pass", "fail")}
    predicted = [forecast(both[0], asked, gates=8, power=0.01, seed=i).sizes[0] for i, both in enumerate(runs[:60])]
    assert np.mean([one.passes for one in predicted]) == pytest.approx(shares["pass"], abs=0.06)
    assert np.mean([one.fails for one in predicted]) == pytest.approx(shares["fail"], abs=0.02)


def test_the_bottleneck_and_the_queries_that_decide() -> None:
    values = drawn(np.random.default_rng(1), 0.8)[0]
    rules = (
        MetricRule(metric="ndcg@10", margin=0.03, name="narrow"),
        MetricRule(metric="mrr@10", margin=0.2),
        FailuresRule(failures="rate", max=0.0),
    )
    found = forecast(run("a", values), Rules(rules=rules), gates=200)
    assert found.bottleneck is not None
    assert found.bottleneck.name == "narrow"
    assert found.bottleneck.others == 1.0
    assert [one.passes for one in found.chances[1:]] == [1.0, 1.0]
    passes = [size.passes for size in found.sizes]
    assert passes == sorted(passes)
    assert found.queries is not None
    before, last = found.sizes[-2:]
    assert before.queries < found.queries <= last.queries
    again = forecast(run("a", np.resize(values, (found.queries, 2))), Rules(rules=rules), gates=200)
    assert again.sizes[0].passes == pytest.approx(0.8, abs=0.1)


def test_slices_of_a_rule_count_as_one_rule() -> None:
    values = drawn(np.random.default_rng(2), 0.8)[0]
    found = forecast(run("a", values), Rules(rules=(MetricRule(metric="ndcg@10", margin=0.3, by="type"),)), gates=20)
    assert [one.name for one in found.chances] == ["ndcg@10 by slice"]
    assert found.chances[0].passes == 1.0


def test_a_candidate_is_as_good_as_the_baseline_in_each_slice_and_wording() -> None:
    rng = np.random.default_rng(6)
    values = np.where(np.arange(400)[:, None] % 2, 0.9, 0.3) + rng.uniform(-0.05, 0.05, (400, 2))
    easy = run("a", values)
    by_type = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.05, by="type"),))
    assert forecast(easy, by_type, gates=20).sizes[0].passes == 1.0
    wordings = [f"w{i % 4}" for i in range(400)]
    several = replace(easy, queries=replace(easy.queries, columns={"wording": wordings}))
    whole = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.05),))
    assert forecast(several, whole, gates=20).sizes[0].passes == 1.0


def test_it_says_that_every_gate_has_runs_of_its_own() -> None:
    once = run("a", drawn(np.random.default_rng(7), 0.8)[0])
    rules = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.3),))
    twice = replace(once, scores=Scores.mean_of([[once.scores], [once.scores]]))
    said = [forecast_json(forecast(one, rules, gates=5))["sentences"][-1] for one in (once, twice)]  # type: ignore[index]
    assert ["runs of its own" in one for one in said] == [False, True]


def test_a_power_above_what_the_gates_can_show_has_a_number_of_queries() -> None:
    sizes = [SizeChance(100, 50, 0.992, 0.0, 0.008), SizeChance(200, 100, 1.0, 0.0, 0.0)]
    assert _needed(sizes, 0.995) == 200


def test_undefined_values_stay_where_they_are() -> None:
    values = drawn(np.random.default_rng(3), 0.8)[0]
    values[:20] = np.nan
    rules = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.2),))
    assert forecast(run("a", values), rules, gates=20).sizes[0].passes == 1.0


def test_an_anchor_that_was_better_makes_passes_rare() -> None:
    values = drawn(np.random.default_rng(4), 0.8)[0] * 0.8
    rules = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.05, anchor="release"),))
    better = forecast(run("a", values), rules, anchors={"release": run("release", values / 0.8)}, gates=50)
    same = forecast(run("a", values), rules, anchors={"release": run("release", values)}, gates=50)
    assert better.sizes[0].passes == 0.0
    assert same.sizes[0].passes > 0.5


def test_what_cannot_be_planned_is_refused() -> None:
    values = drawn(np.random.default_rng(5), 0.8)[0]
    with pytest.raises(SettingError, match="did you mean 'ndcg@10'"):
        forecast(run("a", values), Rules(rules=(MetricRule(metric="ndgc@10", margin=0.1),)))
    with pytest.raises(ArmError, match="did not run"):
        forecast(run("a", values, "no index"), Rules(rules=(MetricRule(metric="ndcg@10", margin=0.1),)))


def test_hits_change_more_than_graded_metrics_and_a_range_shows_what_the_correlation_does() -> None:
    rng = np.random.default_rng(7)
    graded = rng.random((QUERIES, 1))
    both = np.column_stack((graded, graded > 0.5))
    margins = [Rules(rules=(MetricRule(metric=name, margin=0.06),)) for name in ("ndcg@10", "mrr@10")]
    assert _changes(both, 0.2).tolist() == [0.2, pytest.approx(0.3)]
    assert _changes(both, 0.9).tolist() == [0.9, 1.0]
    for rules in margins:
        found = forecast(run("a", both), rules, correlation=0.8, gates=100, power=0.01)
        assert found.between is not None
        more, less = found.between
        assert more < found.sizes[0].passes < less
    found = forecast(run("a", graded.repeat(2, axis=1)), margins[0], other=run("b", graded.repeat(2, axis=1) * 0.99),
                     gates=10, power=0.01)  # fmt: skip
    assert found.between is None


def test_systems_with_different_queries_are_planned_on_those_in_common() -> None:
    values = np.random.default_rng(8).random((QUERIES, 2))
    rules = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.06),))
    short = run("b", values[: QUERIES // 2])
    with pytest.raises(InputError, match="answered different queries"):
        forecast(run("a", values), rules, other=short, gates=5)
    found = forecast(run("a", values), rules, other=short, gates=5, power=0.01, intersect=True)
    assert found.sizes[0].queries == QUERIES // 2


def test_runs_of_its_own_make_a_gate_less_sure() -> None:
    """Both systems are the same; only their whole runs vary, by .06."""
    rng = np.random.default_rng(9)
    values = rng.uniform(0.2, 0.8, (QUERIES, 2))
    rules = Rules(rules=(MetricRule(metric="ndcg@10", margin=0.06),))

    def system(name: str, shared: float) -> ScoredRun:
        one = run(name, values)
        shifts = rng.normal(0, shared, (4, 1, 1, 1))
        shifts -= shifts.mean()
        repeats = values + shifts + rng.normal(0, 0.02, (4, 1, QUERIES, 2))
        return replace(one, scores=replace(one.scores, values=repeats.mean(axis=(0, 1)), repeats=repeats))

    steady, varying = (
        forecast(system("a", shared), rules, other=system("b", shared), gates=100, power=0.01) for shared in (0.0, 0.06)
    )
    assert steady.repeated
    assert steady.sizes[0].passes == 1.0
    assert varying.sizes[0].passes < 0.7
