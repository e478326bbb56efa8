"""Pilots that tell nothing are refused, and weak ones are said to be weak."""

import numpy as np
import pytest

from ragbench.comparison.assumed import assume
from ragbench.comparison.layout import layout_of
from ragbench.comparison.pairing import pair
from ragbench.comparison.pilot import Pilot, measure_pilot
from ragbench.comparison.plan import make_plan
from ragbench.comparison.plan_settings import PlanSettings
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.stats.power import Design, queries_needed

METRIC = "ndcg@10"


def run(name: str, values: list[float], units: list[str] | None = None) -> ScoredRun:
    ids = [f"q{i}" for i in range(len(values))]
    table = QueryTable(ids, [""] * len(ids), [""] * len(ids), units or ids)
    return ScoredRun(name, Scores(ids, (METRIC,), np.array(values, dtype=float)[:, None]), table)


def measured(after: list[float], units: list[str] | None = None) -> Pilot:
    return measure_pilot(pair(run("a", [0.25] * len(after), units), run("b", after, units)), METRIC)


@pytest.mark.parametrize(
    ("after", "units", "said"),
    [
        ([0.25, 0.25, 0.25], None, "same run"),
        ([0.5, 0.5, 0.5], None, r"differs by \+0.250"),
        ([0.5], None, "one query has a value"),
        ([np.nan, 0.5], None, "one query has a value"),
        ([0.5, 0.25, 1.0], ["d", "d", "d"], "one document"),
        ([0.5, 0.0, 0.5, 0.0], ["d", "d", "e", "e"], "all documents differ equally"),
    ],
)
def test_a_pilot_that_tells_nothing_is_refused(after: list[float], units: list[str] | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        measured(after, units)


def test_small_pilots_and_undefined_values_are_said() -> None:
    plan = make_plan(PlanSettings(), measured([np.nan, *np.linspace(0, 1, 12).tolist()]))
    assert (plan.queries, plan.documents) == (12, 12)
    assert any("1 query has no value" in line for line in plan.warnings)
    assert any("12 independent queries, fewer than 30" in line for line in plan.warnings)
    rare = make_plan(PlanSettings(), measured([0.25] * 95 + [0.0, 0.5, 1, 1, 1]))
    assert any("only 5 queries of the pilot differ" in line for line in rare.warnings)


def test_more_queries_of_a_document_need_the_icc() -> None:
    pilot = measured(np.linspace(0, 1, 40).tolist())
    with pytest.raises(SettingError, match="give icc="):
        make_plan(PlanSettings(per_document=5), pilot)
    plan = make_plan(PlanSettings(per_document=5, icc=0.3, queries=300), pilot)
    assert plan.design.effect == pytest.approx(2.2)
    assert plan.documents == 60
    with pytest.raises(SettingError, match="cannot be used with a pilot"):
        make_plan(PlanSettings(sd=0.3), pilot)


def test_the_next_goal_is_round_and_out_of_reach() -> None:
    for queries in (20, 100, 785, 10_000):
        plan = make_plan(PlanSettings(sd=0.3, queries=queries))
        assert plan.smallest is not None
        size = plan.goals[0].size
        assert 0.35 * plan.smallest.value < size <= 0.75 * plan.smallest.value
        assert float(f"{size:.0e}") == size


def test_a_level_gives_the_variance_of_hits_exactly() -> None:
    """Against 400,000 pairs of hits with this level and correlation."""
    level, correlation = 0.84, 0.3
    rng = np.random.default_rng(0)
    both = level**2 + correlation * level * (1 - level)
    kind = rng.choice(4, 400_000, p=(both, level - both, level - both, 1 - 2 * level + both))
    first, second = (kind < 2).astype(float), ((kind == 0) | (kind == 2)).astype(float)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(correlation, abs=0.01)
    found = assume("hit@10", level)
    assert found.discordant == pytest.approx((first != second).mean(), abs=0.002)
    assert found.discordant == pytest.approx(2 * 0.84 * 0.16 * 0.7)
    assert found.sd == pytest.approx((second - first).std(), abs=0.002)


def test_graded_metrics_vary_less_and_unknown_ones_the_most() -> None:
    assert assume("ndcg@10", 0.5, single=1.0).value_sd == pytest.approx(0.42)
    assert assume("ndcg@10", 0.5, single=0.0).value_sd == pytest.approx(0.31)
    assert assume("ndcg@10", 0.5).value_sd == pytest.approx(0.42)
    assert assume("rbp(p=0.8)", 0.5).value_sd == 0.5
    assert assume("mrr@1", 0.5).binary
    assert not assume("recall@1", 0.5).binary


def test_the_layout_of_labels_by_hand() -> None:
    labels = {"a": {"x": 1}, "b": {"x": 2, "y": 1}, "c": {"y": 1}, "d": {"y": 1, "z": 1}, "e": {"x": 0}}
    found = layout_of(Judgements.from_dict(labels))
    # The units are x, x, y and the query d, whose best label two documents share.
    assert (found.sizes.n, found.sizes.clusters, found.without) == (4, 3, 1)
    assert found.effective == pytest.approx(4**2 / (2**2 + 1 + 1))
    assert (found.relevant, found.single) == (1.5, 0.5)
    assert layout_of(Judgements.from_dict(labels | {"f": {"z": 2}}), level=2).sizes.n == 2
    with pytest.raises(InputError, match="1 of 5 queries have a relevant document"):
        layout_of(Judgements.from_dict(labels), level=2)


def test_every_fault_is_listed() -> None:
    with pytest.raises(SettingError) as caught:
        PlanSettings(
            delta=-1, margin=0, sd=float("inf"), icc=2, queries=1, per_document=0.5, power=2, seed=-1, assurance=1
        )
    assert len(str(caught.value).splitlines()) == 9


def test_four_of_five_pilots_plan_enough_queries() -> None:
    """80% ties in 50 pairs: a plan from the measured spread is too small in about half of the pilots."""
    rng = np.random.default_rng(8)
    true = (0.2 / 3) ** 0.5
    needed = queries_needed(Design(true), 0.03)
    assert needed is not None
    enough = {0.5: 0, 0.8: 0}
    for _ in range(120):
        after = 0.25 + np.where(rng.random(50) < 0.2, rng.uniform(-1, 1, 50), 0)
        pilot = measured(after.tolist())
        for assurance in enough:
            plan = make_plan(PlanSettings(delta=0.03, assurance=assurance), pilot)
            planned = plan.goals[0].queries
            assert planned is not None
            enough[assurance] += planned >= needed
            assert plan.goals[0].range is not None
            assert plan.goals[0].range[0] <= planned <= plan.goals[0].range[1]
    assert 0.38 < enough[0.5] / 120 < 0.6
    assert 0.74 < enough[0.8] / 120 < 0.92
