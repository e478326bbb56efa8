"""Clustered standard errors, t and Wilson intervals against statsmodels, scipy and hand arithmetic."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.clusters import cluster_index, clustered_means, effective_clusters, effective_size, standard_errors
from ragbench.stats.intervals import ENOUGH_CLUSTERS, mean_interval, t_interval, wilson_interval


def by_matrices(values: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """CR2 error and Bell and McCaffrey's degrees of freedom of a mean, by their matrices."""
    n, x = len(values), np.ones((len(values), 1))
    hat = x @ x.T / n
    residuals = values - values.mean()
    columns, squares = [], 0.0
    for cluster in range(clusters.max() + 1):
        rows = np.flatnonzero(clusters == cluster)
        shares, vectors = np.linalg.eigh(np.eye(len(rows)) - hat[np.ix_(rows, rows)])
        adjustment = vectors @ np.diag(shares**-0.5) @ vectors.T
        weights = adjustment @ x[rows] / n
        squares += float((weights[:, 0] @ residuals[rows]) ** 2)
        columns.append((np.eye(n) - hat)[:, rows] @ weights)
    gram = np.hstack(columns).T @ np.hstack(columns)
    return squares**0.5, float(np.trace(gram) ** 2 / np.trace(gram @ gram))


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=8, max_size=40), st.integers(0, 2**32 - 1))
def test_error_and_degrees_of_freedom_are_those_of_the_matrices(labels: list[int], seed: int) -> None:
    clusters = cluster_index([str(label) for label in labels])
    if clusters.max() == 0:
        return
    values = np.random.default_rng(seed).normal(3, 2, size=len(labels))
    found = clustered_means(values[:, None], clusters)
    assert (found.errors[0], found.df[0]) == pytest.approx(by_matrices(values, clusters), rel=1e-8)


def test_clusters_of_one_size_give_the_error_of_statsmodels_and_one_degree_less() -> None:
    values, clusters = np.random.default_rng(1).normal(size=60), np.repeat(np.arange(12), 5)
    fit = sm.OLS(values, np.ones((60, 1))).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    found = clustered_means(values[:, None], clusters)
    assert (found.errors[0], found.df[0], found.effective[0]) == pytest.approx((fit.bse[0], 11, 12))


def test_one_document_that_holds_half_of_the_queries_counts_as_few() -> None:
    clusters = np.repeat(np.arange(30), [58] + [2] * 29)
    assert effective_clusters(clusters) == pytest.approx(116**2 / (58**2 + 29 * 4))
    assert clustered_means(np.zeros((116, 1)), clusters).df[0] == pytest.approx(3.74, abs=0.01)


@pytest.mark.parametrize("sizes", [[5] * 8, [20, 12, 7, 4, 3, 2, 1, 1], [14] + [2] * 7, [58] + [2] * 29])
@pytest.mark.parametrize("similarity", [0.0, 0.6])
def test_intervals_cover_with_clusters_of_any_sizes(sizes: list[int], similarity: float) -> None:
    rng = np.random.default_rng(6)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    shared = rng.normal(0, np.sqrt(similarity), size=(len(sizes), 4000))[clusters]
    low, high = t_interval(shared + rng.normal(0, np.sqrt(1 - similarity), size=shared.shape), clusters)
    assert 0.92 < ((low < 0) & (high > 0)).mean() < 0.987


def test_by_hand() -> None:
    # Mean 3. Totals of the residuals by cluster: (1 - 3) + (2 - 3) = -3, and 6 - 3 = 3.
    # Shares 2/3 and 1/3: (9 / (1/3) + 9 / (2/3)) / 3^2 = 4.5.
    assert standard_errors(np.array([[1.0], [2.0], [6.0]]), np.array([0, 0, 1]))[0] == pytest.approx(4.5**0.5)


def test_single_rows_give_the_usual_error_and_t_interval() -> None:
    values = np.random.default_rng(0).normal(size=(40, 3))
    one = np.arange(40)
    np.testing.assert_allclose(standard_errors(values, one), stats.sem(values))
    low, high = t_interval(values, one, confidence=0.9)
    for column in range(3):
        theirs = stats.ttest_1samp(values[:, column], 0).confidence_interval(0.9)
        assert (low[column], high[column]) == pytest.approx((theirs.low, theirs.high))


def test_the_interval_of_r_on_the_sleep_data() -> None:
    # R: t.test(extra ~ group, data = sleep, paired = TRUE), 95% interval -2.4598858 to -0.7001142.
    low, high = t_interval(SLEEP[:, None], np.arange(10))
    assert (low[0], high[0]) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)


SLEEP = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]) - np.array(
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
)
"""R's data set ``sleep`` (Student 1908): hours of extra sleep by two drugs, ten patients."""


def test_undefined_values_take_no_part_and_one_cluster_has_no_error() -> None:
    values = np.array([[1.0, 1.0], [2.0, 4.0], [np.nan, np.nan], [6.0, np.nan]])
    clusters = np.array([0, 0, 1, 2])
    errors = standard_errors(values, clusters)
    # The middle cluster has no value, so this is the case above.
    assert errors[0] == pytest.approx(4.5**0.5)
    assert np.isnan(errors[1])
    assert np.isnan(t_interval(values, clusters)[0][1])
    assert np.isnan(wilson_interval(np.clip(values, 0, 1), clusters)[0][1])


def test_constant_values_have_an_error_of_exactly_zero() -> None:
    # .1 + .1 + .1 is not .3 in floating point; the error must still be 0.
    assert standard_errors(np.full((30, 1), 0.1), np.repeat(np.arange(10), 3))[0] == 0


def test_values_that_do_not_vary_have_an_interval_with_a_width() -> None:
    # Ten documents without a loss: a share u of losses is missed with probability (1 - u)^10 = .025.
    unseen = 1 - 0.025 ** (1 / 10)
    low, high = t_interval(np.zeros((30, 1)), np.repeat(np.arange(10), 3))
    assert (low[0], high[0]) == pytest.approx((-unseen, unseen))


@pytest.mark.parametrize(("hits", "n"), [(0, 12), (12, 12), (45, 50), (7, 30)])
def test_wilson_is_that_of_statsmodels_with_t_and_one_query_less(hits: int, n: int) -> None:
    values = np.r_[np.ones(hits), np.zeros(n - hits)][:, None]
    low, high = wilson_interval(values, np.arange(n))
    # m (1 - m) / se^2 = n - 1 for single rows; all alike counts n clusters. The t quantile as a normal one:
    alpha = 2 * stats.norm.sf(stats.t.ppf(0.975, n - 1))
    effective = n if hits in (0, n) else n - 1
    theirs = proportion_confint(hits / n * effective, effective, alpha=alpha, method="wilson")
    assert (low[0], high[0]) == pytest.approx(theirs, abs=1e-12)


def test_clusters_widen_wilsons_interval_as_their_design_effect_says() -> None:
    # Five copies of each query are worth one query.
    single = np.r_[np.ones(30), np.zeros(10)][:, None]
    copies, clusters = np.repeat(single, 5, axis=0), np.repeat(np.arange(40), 5)
    np.testing.assert_allclose(wilson_interval(copies, clusters), wilson_interval(single, np.arange(40)))


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_wilson_holds_the_mean_and_stays_within_zero_and_one(values: list[float]) -> None:
    column = np.array(values)[:, None]
    low, high = wilson_interval(column, np.arange(len(column)))
    assert 0 <= low[0] <= column.mean() + 1e-12
    assert column.mean() - 1e-12 <= high[0] <= 1


def test_the_rule_by_which_an_interval_is_chosen() -> None:
    rng = np.random.default_rng(1)
    n = ENOUGH_CLUSTERS
    values = np.c_[rng.random(n), rng.normal(size=n), (rng.random(n) < 0.9).astype(float)]
    values[::2, 1] = np.nan
    *ends, names = mean_interval(values, np.arange(n), rng, resamples=100, levels=True)
    assert names == ("Wilson", "t", "Wilson")
    np.testing.assert_allclose([end[0] for end in ends], [e[0] for e in wilson_interval(values[:, :1], np.arange(n))])
    *_, names = mean_interval(values, np.arange(n), rng, resamples=100)
    assert names == ("percentile bootstrap", "t", "percentile bootstrap")


def test_wrong_input_is_refused_in_words() -> None:
    one = np.arange(2)
    with pytest.raises(InputError, match="row 1, column 0 is infinite"):
        standard_errors(np.array([[0.0], [np.inf]]), one)
    with pytest.raises(InputError, match=r"row 1, column 0 is 1\.5, outside of 0 to 1"):
        wilson_interval(np.array([[0.0], [1.5]]), one)
    with pytest.raises(SettingError, match="confidence must lie between 0 and 1, not at 95"):
        t_interval(np.zeros((2, 1)), one, confidence=95)
    with pytest.raises(InputError, match="no row has the cluster 1"):
        t_interval(np.zeros((3, 1)), np.array([0, 0, 2]))
    with pytest.raises(InputError, match="row 0 has the cluster -1"):
        t_interval(np.zeros((2, 1)), np.array([-1, 0]))
    with pytest.raises(InputError, match="row 1 of 2 has the cluster 9"):
        t_interval(np.zeros((2, 1)), np.array([0, 9]))
    with pytest.raises(InputError, match="there are 2 rows, but clusters for 3"):
        t_interval(np.zeros((2, 1)), np.arange(3))
    with pytest.raises(InputError, match="whole numbers"):
        t_interval(np.zeros((2, 1)), np.array([0.0, 1.0]))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not of 1 dimensions"):
        t_interval(np.zeros(2), one)


def test_effective_size() -> None:
    values = np.array([1.0] * 30 + [0.0] * 20)
    assert effective_size(values, np.arange(50)) == pytest.approx(49)  # p (1 - p) over s^2 / n
    copies = effective_size(np.repeat(values, 3), np.repeat(np.arange(50), 3))
    assert copies == pytest.approx(49)
    assert effective_size(np.ones(12), np.repeat(np.arange(4), 3)) == 4
    spread = np.tile([1.0, 0.0], 25)
    assert effective_size(spread, np.repeat(np.arange(25), 2)) == 25  # all clusters alike: each counts as one
