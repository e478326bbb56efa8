"""How many runs of each query are worth their cost."""

from typing import Any

import numpy as np
import pytest

from ragbench.comparison.pairing import Pair
from ragbench.comparison.pilot import measure_pilot
from ragbench.comparison.plan import make_plan
from ragbench.comparison.plan_settings import PlanSettings
from ragbench.comparison.repeat_plan import plan_repeats
from ragbench.core.errors import SettingError
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.render.plan import answers, plan_blocks, plan_json
from ragbench.stats.clusters import clustered_means
from ragbench.stats.distributions import t_above
from ragbench.stats.repeats import run_errors, with_runs


def system(name: str, values: Any) -> ScoredRun:
    """A system with (runs, queries) values of one metric."""
    ids = tuple(f"q{i}" for i in range(values.shape[1]))
    each = [[Scores(ids, ("x",), one[:, None])] for one in values]
    scores = each[0][0] if len(values) == 1 else Scores.mean_of(each)
    return ScoredRun(name, scores, QueryTable(ids, [""] * len(ids), [""] * len(ids), ids))


def pilot(runs: int, queries: int = 400, *, shared: float = 0.0, seed: int = 0) -> Any:
    """A fixed baseline, and a candidate whose queries differ by a standard deviation of .2 and whose runs do by .3."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0, 1, (1, queries))
    noise = rng.normal(0, 0.3, (runs, queries)) + rng.normal(0, shared, (runs, 1))
    return measure_pilot(Pair(system("a", base), system("b", base + rng.normal(0, 0.2, queries) + noise)), "x")


def test_a_pilot_measures_what_varies_between_queries_and_from_run_to_run() -> None:
    found = make_plan(PlanSettings(metric="x", query_cost=9), pilot(5)).repeats
    assert found is not None
    assert found.within == pytest.approx(0.09, rel=0.1)
    assert found.between == pytest.approx(0.04, rel=0.25)
    assert {1, 2, 3, 5, 10, found.best} == {row.runs for row in found.rows}
    assert make_plan(PlanSettings(metric="x"), pilot(1)).repeats is None


def test_the_wanted_difference_decides_how_many_runs_are_cheapest() -> None:
    plan = make_plan(PlanSettings(metric="x", query_cost=9, delta=0.04, assurance=0.5), pilot(5, shared=0.01))
    found = plan.repeats
    assert found is not None
    by_runs = {row.runs: row for row in found.rows}
    # Two runs cannot show that whole runs vary.
    assert by_runs[1].needed is None
    assert by_runs[2].needed is None
    assert by_runs[5].needed == plan.goals[0].queries
    for runs in (3, 5, 10):
        assert by_runs[runs].needed is not None
        assert by_runs[runs].cost == by_runs[runs].needed * (9 + runs)  # type: ignore[operator]
    assert by_runs[found.best].cost == min(row.cost for row in found.rows if row.cost is not None)
    (table,) = [block for block in plan_blocks(plan) if block.title == "Runs of each query"]
    assert [row[-1] for row in table.rows if row[0] in ("2", "10")] == ["none is enough", f"{by_runs[10].needed:,}"]


def test_the_planned_queries_have_the_power_in_simulated_comparisons() -> None:
    """Fresh queries and runs, decided by the t-test with the variance between runs."""
    plan = make_plan(PlanSettings(metric="x", delta=0.05, assurance=0.5), pilot(10, shared=0.03))
    (goal,) = plan.goals
    assert goal.queries is not None
    runs = plan.design.runs
    assert runs is not None
    rng, experiments = np.random.default_rng(5), 400
    between = np.sqrt(plan.design.sd**2 - runs.within)
    own = rng.normal(0, np.sqrt(runs.within * 10), (10, 1, goal.queries, experiments))
    own += rng.normal(0, np.sqrt(runs.shared * 10), (10, 1, 1, experiments))
    values = rng.normal(0.05, between, (goal.queries, experiments)) + own.mean(axis=(0, 1))
    clusters = np.arange(goal.queries)
    found = with_runs(clustered_means(values, clusters), run_errors(own, clusters))
    power = float((t_above(np.abs(found.means / found.errors), found.df) < 0.025).mean())
    assert power == pytest.approx(0.8, abs=0.06)


def test_the_bound_of_what_runs_share_holds_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(3), []
    for _ in range(150):
        runs = pilot(5, 40, shared=0.05, seed=int(rng.integers(1 << 30))).runs
        held.append(runs.shared_at(0.8) >= 0.05**2 / 5)
    assert np.mean(held) == pytest.approx(0.8, abs=0.08)


def test_the_standard_errors_are_those_of_simulated_experiments() -> None:
    rng = np.random.default_rng(1)
    found = plan_repeats(0.04, 0.09, 0.001, query_cost=9, queries=100, runs=1)
    for row in found.rows:
        stable = rng.normal(0, 0.2, (4000, row.queries))
        runs = rng.normal(0, 0.3 / np.sqrt(row.runs), stable.shape)
        shared = rng.normal(0, np.sqrt(0.001 / row.runs), 4000)
        means = (stable + runs).mean(axis=1) + shared
        assert row.error == pytest.approx(means.std(), rel=0.05)
        assert row.queries * (9 + row.runs) <= 100 * 10


def test_the_best_number_is_the_best_of_all_numbers() -> None:
    for between, within, shared, cost in (
        (0.04, 0.09, 0.0, 9), (0.04, 0.001, 0.0, 20), (0.01, 0.04, 0.0004, 5), (0.09, 0.09, 0.0, 0.5)
    ):  # fmt: skip
        found = plan_repeats(between, within, shared, query_cost=cost, queries=1_000_000, runs=2)
        budget = 1_000_000 * (cost + 2)
        errors = {r: (between + within / r) * (cost + r) / budget + shared / r for r in range(1, 2000)}
        assert found.best == min(errors, key=errors.__getitem__)


def test_whole_runs_limit_what_any_number_of_queries_detects() -> None:
    plan = make_plan(PlanSettings(metric="x"), pilot(20, shared=0.1))
    assert plan.repeats is not None
    assert plan.repeats.shared == pytest.approx(0.01, rel=0.5)
    assert plan.design.runs is not None
    assert plan.design.runs.shared == pytest.approx(plan.repeats.shared / 20, rel=1e-6)
    bound = pilot(20, shared=0.1).runs.shared_at(0.8)
    (note,) = [note for note in plan.warnings if "No number of queries averages them out" in note]
    # The quantiles of t with 19 degrees of freedom, 2.093 and .861, of which the second is not exact: noncentral t.
    assert float(note.rsplit(" ", 1)[1]) == pytest.approx((2.093 + 0.861) * np.sqrt(bound), rel=0.03)
    hard = make_plan(PlanSettings(metric="x", delta=0.03), pilot(20, shared=0.1))
    assert hard.goals[0].queries is None
    assert "no number of queries is enough" in " ".join(answers(hard))
    assert hard.choice is not None
    assert hard.choice.test == "t"
    (table,) = [block for block in plan_blocks(hard) if block.title == "Runs of each query"]
    assert "No number of queries is enough for .030 with up to 30 runs of each." in str(table.above[0])


def test_an_assumed_deviation_from_run_to_run() -> None:
    plan = make_plan(PlanSettings(sd=0.3, run_sd=0.18, queries=200, query_cost=50))
    assert plan.repeats is not None
    assert plan.repeats.between == pytest.approx(0.3**2 - 0.18**2)
    # sqrt(50 x .0324 / .0576) is 5.3.
    assert plan.repeats.best == 5
    assert plan_json(plan)["repeats"]["best"] == 5  # type: ignore[index]
    without_queries = make_plan(PlanSettings(sd=0.3, run_sd=0.18, delta=0.02, query_cost=50)).repeats
    assert without_queries is not None
    assert (without_queries.best, without_queries.rows) == (5, ())
    with pytest.raises(SettingError, match="must be smaller"):
        make_plan(PlanSettings(sd=0.3, run_sd=0.3, queries=200))
    with pytest.raises(SettingError, match="measured by the pilot"):
        make_plan(PlanSettings(metric="x", run_sd=0.1), pilot(3))
    with pytest.raises(SettingError, match="query_cost"):
        PlanSettings(sd=0.3, query_cost=0)
