"""Components of variance against statsmodels and simulation, and intervals of means over several runs."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from ragbench.core.errors import InputError
from ragbench.core.scores import Scores
from ragbench.stats.clusters import clustered_means
from ragbench.stats.distributions import t_quantile
from ragbench.stats.intervals import estimates, mean_interval
from ragbench.stats.repeats import (
    best_repeats,
    both_errors,
    changed_queries,
    components,
    components_of,
    run_errors,
    with_runs,
)

Array = npt.NDArray[np.float64]


def drawn(
    rng: np.random.Generator, sizes: npt.NDArray[np.int64], runs: int, judged: int, sds: tuple[float, ...]
) -> tuple[Array, npt.NDArray[np.int64]]:
    """(runs, judged, q) values with standard deviations of document, query, run, run x query and judge."""
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    q = len(clusters)
    document, query, run, run_query, judge = sds
    stable = rng.normal(0, document, len(sizes))[clusters] + rng.normal(0, query, q)
    shared = rng.normal(0, run, (runs, 1, 1)) + rng.normal(0, run_query, (runs, 1, q))
    return stable + shared + rng.normal(0, judge, (runs, judged, q)), clusters


def test_components_are_those_of_the_analysis_of_variance_by_statsmodels() -> None:
    rng = np.random.default_rng(0)
    values, clusters = drawn(rng, np.full(12, 4), 5, 1, (0.4, 0.3, 0.2, 0.25, 0.0))
    found = components(values, np.arange(48))
    rows = [(run, query, values[run, 0, query]) for run in range(5) for query in range(48)]
    frame = pd.DataFrame(rows, columns=["run", "query", "value"])
    squares = anova_lm(smf.ols("value ~ C(run) + C(query)", frame).fit())["mean_sq"]
    assert found.run_query == pytest.approx(squares["Residual"])
    assert found.run == pytest.approx((squares["C(run)"] - squares["Residual"]) / 48)
    assert found.query == pytest.approx((squares["C(query)"] - squares["Residual"]) / 5)
    assert found.document is None

    nested = components(values, clusters)
    means = pd.DataFrame({"document": clusters, "value": values.mean(axis=(0, 1))})
    mixed = smf.mixedlm("value ~ 1", means, groups="document").fit(reml=True)
    assert nested.document == pytest.approx(float(mixed.cov_re.iloc[0, 0]), rel=1e-3)
    assert nested.run_query is not None
    assert nested.query + nested.run_query / 5 == pytest.approx(float(mixed.scale), rel=1e-3)
    assert sum(nested.shares.values()) == pytest.approx(1)


def test_components_are_unbiased_for_documents_of_unequal_sizes() -> None:
    rng, sds = np.random.default_rng(1), (0.4, 0.3, 0.2, 0.25, 0.35)
    sizes = np.array([1, 1, 2, 2, 3, 4, 6, 12, 30, 5, 8, 2])
    parts = ("document", "query", "run", "run_query", "judge")
    found = [components(*drawn(rng, sizes, 6, 2, sds)) for _ in range(800)]
    # An estimate that is set to 0 is biased upwards; those of document and run are rarely.
    for part, sd in zip(parts, sds, strict=True):
        estimates = np.array([getattr(one, part) for one in found])
        error = estimates.std() / np.sqrt(len(found))
        assert abs(estimates.mean() - sd**2) < 4 * error + 0.004, part


def test_components_with_one_run_have_the_judge_alone() -> None:
    values, clusters = drawn(np.random.default_rng(2), np.full(10, 3), 1, 4, (0.3, 0.3, 0.0, 0.0, 0.2))
    found = components(values, clusters)
    assert found.run is None
    assert found.run_query is None
    assert found.judge == pytest.approx(values.var(axis=1, ddof=1).mean())
    assert set(found.parts) == {"document", "query", "judge"}


def test_a_negative_estimate_is_set_to_zero_and_named() -> None:
    # The means of both runs are equal, less different than chance would have them.
    values = np.array([[0.0, 1.0, 0.0, 1.0, 0.5, 0.7], [1.0, 0.0, 1.0, 0.0, 0.7, 0.5]])[:, None]
    found = components(values, np.arange(6))
    assert found.run == 0
    assert "run" in found.negative


def test_equal_runs_share_nothing_and_change_no_error() -> None:
    one = np.random.default_rng(3).random((30, 2))
    repeats = np.stack([one, one, one])[:, None]
    found = run_errors(repeats, np.arange(30) // 3)
    assert not found.squares.any()
    means = clustered_means(one, np.arange(30) // 3)
    for before, after in zip(means, with_runs(means, found), strict=True):
        assert np.array_equal(before, after)
    assert components(repeats[..., 0], np.arange(30) // 3).run == 0


def test_run_errors_are_worked_out_by_hand() -> None:
    # Means of the runs are .4 and .6; residuals are -.1, .1 in the first run and their opposites in the second.
    repeats = np.array([[0.2, 0.6], [0.6, 0.6]])[:, None, :, None]
    found = run_errors(repeats, np.arange(2))
    assert found.squares == pytest.approx([0.02 / 2])
    # Per run: 2 x .1^2 / (1 - 1/2) / 2^2 = .01, summed over two runs, over r - 1 and over r.
    assert found.within == pytest.approx([0.01])
    assert found.shared == pytest.approx([0.0])


def test_a_query_without_a_value_in_some_run_takes_no_part() -> None:
    rng = np.random.default_rng(4)
    repeats = rng.random((3, 1, 10, 1))
    lacking = repeats.copy()
    lacking[1, 0, 9] = np.nan
    clusters = np.arange(10)
    for with_gap, without in zip(
        run_errors(lacking, clusters), run_errors(repeats[:, :, :9], clusters[:9]), strict=True
    ):
        assert with_gap == pytest.approx(without)
    assert components(lacking[..., 0], clusters).queries == 9
    gone = np.full((2, 1, 3, 1), np.nan)
    assert components_of(Scores(("a", "b", "c"), ("x",), gone[0, 0], repeats=gone), np.arange(3)) == {}
    with pytest.raises(InputError, match="fewer than two queries"):
        components(gone[..., 0], np.arange(3))


def test_the_errors_of_a_difference_add_up_with_welchs_degrees_of_freedom() -> None:
    rng = np.random.default_rng(5)
    first, second = (run_errors(rng.random((runs, 1, 20, 1)), np.arange(20)) for runs in (3, 6))
    both = both_errors(first, second)
    a, b = float(first.squares[0]), float(second.squares[0])
    assert both.squares == pytest.approx([a + b])
    assert both.df == pytest.approx([(a + b) ** 2 / (a**2 / 2 + b**2 / 5)])


@pytest.mark.parametrize("runs", [3, 5, 10])
@pytest.mark.parametrize("ratio", [0.0, 1.0, 10.0])
def test_intervals_of_differences_cover_the_truth_where_runs_share_an_effect(runs: int, ratio: float) -> None:
    rng, experiments = np.random.default_rng(int(runs + 10 * ratio)), 600
    sizes = np.full(30, 2)
    clusters = np.repeat(np.arange(30), sizes)
    spread = 0.2**2 / 30 + (0.3**2 + 2 * 0.2**2 / runs) / 60
    shared = np.sqrt(ratio * spread * runs / 2)
    stable = rng.normal(0, 0.2, (30, experiments))[clusters] + rng.normal(0, 0.3, (60, experiments))
    arms = [
        rng.normal(0, shared, (runs, 1, 1, experiments)) + rng.normal(0, 0.2, (runs, 1, 60, experiments))
        for _ in range(2)
    ]
    both = both_errors(*(run_errors(arm, clusters) for arm in arms))
    difference = stable + arms[0].mean(axis=(0, 1)) - arms[1].mean(axis=(0, 1))
    low, high, _ = mean_interval(difference, clusters, rng, runs=both)
    blind_low, blind_high, _ = mean_interval(difference, clusters, rng)
    covered = ((low <= 0) & (high >= 0)).mean()
    assert 0.92 < covered < 0.985
    if ratio == 10:
        assert ((blind_low <= 0) & (blind_high >= 0)).mean() < 0.6


def test_the_interval_of_a_level_is_wider_with_runs_that_share_an_effect() -> None:
    rng = np.random.default_rng(6)
    one = rng.random((40, 1))
    repeats = np.stack([np.clip(one + shift, 0, 1) for shift in (-0.2, 0.0, 0.2)])[:, None]
    mean = repeats.mean(axis=(0, 1))
    ids = tuple(map(str, range(40)))
    blind, aware = (
        estimates(Scores(ids, ("x",), mean, repeats=kept), np.arange(40), np.random.default_rng(0), 200)["x"]
        for kept in (None, repeats)
    )
    assert blind.mean == aware.mean
    assert None not in (blind.low, blind.high, aware.low, aware.high)
    assert aware.high - aware.low > 2 * (blind.high - blind.low)  # type: ignore[operator]
    assert 0 <= aware.low < aware.high <= 1  # type: ignore[operator]


def test_with_a_large_shared_part_the_error_is_that_of_the_run_means() -> None:
    rng = np.random.default_rng(7)
    repeats = rng.normal(0, 1e-4, (4, 1, 200, 1)) + rng.normal(0, 1, (4, 1, 1, 1))
    found = with_runs(clustered_means(repeats.mean(axis=(0, 1)), np.arange(200)), run_errors(repeats, np.arange(200)))
    means = repeats.mean(axis=(1, 2, 3))
    assert found.errors == pytest.approx([means.std(ddof=1) / 2], rel=1e-3)
    assert found.df == pytest.approx([3], rel=1e-3)
    assert t_quantile(0.975, found.df) == pytest.approx([3.182], abs=0.01)


def test_the_best_number_of_runs_is_the_one_that_a_search_finds() -> None:
    for between, within, shared, cost in ((0.05, 0.04, 0.0, 25.0), (0.09, 0.01, 0.0004, 10.0), (0.02, 0.08, 0.001, 3)):
        budget = 200 * (cost + 1)

        def squared(
            runs: Array, between: float = between, within: float = within, shared: float = shared, cost: float = cost,
            budget: float = budget,
        ) -> Array:  # fmt: skip
            return (between + within / runs) * (cost + runs) / budget + shared / runs

        grid = np.linspace(1, 60, 60_000)
        best = best_repeats(between, within, shared, query_cost=cost, budget=budget)
        assert best == pytest.approx(grid[np.argmin(squared(grid))], abs=0.01)
    assert best_repeats(0.1, 0.0, 0.0, query_cost=100) == 1
    assert best_repeats(0.0, 0.1, 0.0, query_cost=100) == float("inf")


def test_changed_queries_are_those_that_differ_in_any_run() -> None:
    assert changed_queries([["a", "b", "c"], ["a", "x", "c"], ["a", "b", "y"]]) == [1, 2]
