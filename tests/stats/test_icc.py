"""Intraclass correlation against published figures, and the design effect against the variance it stands for."""

import numpy as np
import pytest
from scipy import stats

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.clusters import standard_errors
from ragbench.stats.icc import cluster_sizes, design_effect, icc, resampled_errors

# Shrout and Fleiss 1979, table 2: six targets, each rated by four judges.
RATINGS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def test_the_published_example() -> None:
    found = icc(RATINGS.ravel(), np.repeat(np.arange(6), 4))
    assert found is not None
    # Their ICC(1, 1) is .17; the interval is that of R psych 2.4.3, ICC(): -0.133 to 0.723.
    assert (round(found.value, 2), round(found.low, 3), round(found.high, 3)) == (0.17, -0.133, 0.723)
    assert (found.n, found.clusters) == (24, 6)


def test_unequal_sizes_by_hand() -> None:
    # Clusters (1, 3), (2), (6, 8, 10): means 2, 2, 8, grand mean 5. Between: 2*9 + 1*9 + 3*9 = 54 on 2;
    # within: 2 + 0 + 8 = 10 on 3; n0 = (6 - 14 / 6) / 2 = 11 / 6.
    found = icc(np.array([1, 3, 2, 6, 8, 10.0]), np.array([0, 0, 1, 2, 2, 2]))
    assert found is not None
    assert found.value == pytest.approx((27 - 10 / 3) / (27 + (11 / 6 - 1) * 10 / 3))
    ratio = 27 / (10 / 3) / stats.f.ppf(0.975, 2, 3)
    assert found.low == pytest.approx((ratio - 1) / (ratio + 11 / 6 - 1))


def test_a_mixed_model_agrees() -> None:
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), 4)
    values = np.repeat(rng.normal(0, 0.6, 60), 4) + rng.normal(0, 1, 240)
    fit = smf.mixedlm("y ~ 1", {"y": values, "g": groups}, groups=groups).fit(reml=True)
    between = float(np.asarray(fit.cov_re)[0, 0])
    found = icc(values, groups)
    assert found is not None
    assert found.value == pytest.approx(between / (between + fit.scale), abs=1e-4)


@pytest.mark.parametrize(
    ("values", "clusters"),
    [
        ([1.0, 2, 3], [0, 1, 2]),
        ([1.0, 2, 3], [0, 0, 0]),
        ([2.0, 2, 2, 2], [0, 0, 1, 1]),
        ([0.0, 0, 0, 0, 1], [0, 0, 1, 1, 2]),
    ],
    ids=["one of each", "one cluster", "constant", "only single values differ"],
)
def test_where_nothing_can_be_said_there_is_no_figure(values: list[float], clusters: list[int]) -> None:
    assert icc(np.array(values), np.array(clusters)) is None


def test_the_extremes() -> None:
    same = icc(np.array([1.0, 1, 2, 2, 5, 5]), np.repeat(np.arange(3), 2))
    assert same is not None
    assert same.value == 1
    opposite = icc(np.array([1.0, -1, 2, -2, 3, -3]), np.repeat(np.arange(3), 2))
    assert opposite is not None
    assert opposite.value == pytest.approx(-1)


def test_the_design_effect_is_the_variance_of_the_mean() -> None:
    sizes = np.array([1, 1, 2, 5, 11])
    clusters = np.repeat(np.arange(5), sizes)
    alike, n = 0.3, sizes.sum()
    covariance = np.where(clusters[:, None] == clusters, alike, 0.0)
    np.fill_diagonal(covariance, 1.0)
    spread = cluster_sizes(clusters)
    assert design_effect(spread.effective, alike) == pytest.approx(covariance.sum() / n**2 * n)
    assert (spread.mean, spread.unevenness) == (4, pytest.approx(152 / 20 / 4))


def test_draws_lie_around_what_was_measured() -> None:
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(200), 5)
    values = np.repeat(rng.normal(0, 0.3**0.5, 200), 5) + rng.normal(0, 0.7**0.5, 1000)
    error = float(standard_errors(values[:, None], clusters)[0]) * 1000**0.5
    measured = resampled_errors(values, clusters, None, rng)
    assert np.median(measured) == pytest.approx(error, rel=0.01)
    # The coefficient of variation of a variance of 200 normal sums is sqrt(2 / 199); of its root, half of that.
    assert measured.std() / error == pytest.approx((2 / 199) ** 0.5 / 2, rel=0.2)
    assert np.median(resampled_errors(values, clusters, 5, rng)) == pytest.approx(error, rel=0.02)
    assert np.median(resampled_errors(values, clusters, 1, rng)) == pytest.approx(values.std(ddof=1), rel=0.01)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError, match="row 1 is undefined"):
        icc(np.array([1.0, np.nan]), np.array([0, 0]))
    with pytest.raises(InputError, match="one list"):
        icc(np.ones((2, 2)), np.array([0, 0]))
    with pytest.raises(InputError, match="one cluster"):
        resampled_errors(np.array([1.0, 2]), np.array([0, 0]), None, np.random.default_rng(0))
    with pytest.raises(SettingError, match="between 0 and 1"):
        design_effect(5, 1.2)
    with pytest.raises(SettingError, match="at least one value"):
        design_effect(0.5, 0.2)
