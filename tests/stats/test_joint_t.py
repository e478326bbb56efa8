"""Many comparisons by t together: against the multivariate normal, the single t-test, and simulated runs that vary."""

import numpy as np
import pytest
import scipy.stats

from ragbench.stats.clusters import ClusteredMeans, clustered_covariance, clustered_means
from ragbench.stats.joint_t import all_pairs_joint, joint_t
from ragbench.stats.max_t import all_pairs
from ragbench.stats.paired_tests import paired_t
from ragbench.stats.repeats import RunErrors, added, stacked, with_runs
from ragbench.stats.winner import winners_gain


def means(values: list[float], errors: list[float], df: float) -> ClusteredMeans:
    m, each = np.array(values), np.array(errors)
    same = np.full(len(m), df)
    return ClusteredMeans(m, each, same, same.astype(np.int64), same, np.zeros(len(m)), np.ones(len(m)))


def test_p_and_intervals_are_those_of_the_multivariate_normal() -> None:
    correlation = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 1.0]])
    found = joint_t(
        means([2.3, -1.9, 0.4], [1.0, 1.0, 1.0], 1e7), correlation, np.random.default_rng(0), resamples=200_000
    )

    def exceeds(bar: float, kept: list[int]) -> float:
        part = correlation[np.ix_(kept, kept)]
        return 1 - float(scipy.stats.multivariate_normal(cov=part, seed=0).cdf(np.full(len(kept), bar),
                                                                     lower_limit=np.full(len(kept), -bar)))  # fmt: skip

    assert found.p[0] == pytest.approx(exceeds(2.3, [0, 1, 2]), abs=0.002)
    assert found.p[1] == pytest.approx(exceeds(1.9, [1, 2]), abs=0.002)
    assert found.p[2] == pytest.approx(exceeds(0.4, [2]), abs=0.005)
    bar = (found.high[0] - found.low[0]) / 2
    assert exceeds(bar, [0, 1, 2]) == pytest.approx(0.05, abs=0.002)


def test_one_comparison_is_the_t_test_and_a_steady_column_has_no_interval() -> None:
    found = joint_t(means([2.0], [1.0], 4.0), np.eye(1), np.random.default_rng(1), resamples=200_000)
    assert found.p[0] == pytest.approx(2 * scipy.stats.t.sf(2.0, 4), rel=0.02)
    assert found.high[0] - 2.0 == pytest.approx(scipy.stats.t.ppf(0.975, 4), rel=0.02)
    steady = joint_t(means([2.0, 0.3], [1.0, 0.0], 4.0), np.diag([1.0, 0.0]), np.random.default_rng(1))
    assert (steady.p[1], steady.low[1], steady.high[1]) == (1.0, -np.inf, np.inf)


def test_without_shared_effects_all_pairs_are_nearly_those_of_sign_flips() -> None:
    rng, clusters = np.random.default_rng(2), np.repeat(np.arange(60), 2)
    values = rng.normal(0.5, 0.2, (120, 4)) + np.array([0, 0.03, 0.06, 0.06])
    joint = all_pairs_joint(values, clusters, [None] * 4, rng)
    flips = all_pairs(values, clusters, rng)
    assert joint.p == pytest.approx(flips.p, abs=0.02)
    assert joint.p_of_each == pytest.approx(flips.p_of_each, abs=0.02)


@pytest.mark.parametrize("which", ["all", "baseline"])
def test_error_rates_where_whole_runs_vary(which: str) -> None:
    """Five equal systems ran three times; benchmarks/repeats.py has more layouts."""
    rng, clusters, experiments = np.random.default_rng(5), np.repeat(np.arange(30), 2), 250
    pairs = intervals = blind = 0
    for _ in range(experiments):
        sd = np.full(5, 0.06) if which == "all" else np.array([0.15, 0, 0, 0, 0])
        values = rng.normal(0, 0.3, (60, 5))
        squares = (sd * rng.standard_normal((3, 5))).var(axis=0, ddof=1) / 3
        values = values + sd * rng.standard_normal(5) / 3**0.5
        runs = [RunErrors(*(np.array([x]) for x in (s, 0.0, s, 2.0))) if s > 0 else None for s in squares]
        pairs += (all_pairs_joint(values, clusters, runs, rng, resamples=499).p < 0.05).any()
        blind += (all_pairs(values, clusters, rng, resamples=499).p < 0.05).any()
        differences = values[:, 1:] - values[:, :1]
        parts = stacked([added(runs[0], run) for run in runs[1:]])
        assert parts is not None
        shared = np.array([0.0 if one is None else one.shared[0] for one in runs])
        covariance = clustered_covariance(differences, clusters)[1] + shared[0] + np.diag(shared[1:])
        found = with_runs(clustered_means(differences, clusters), parts)
        own = joint_t(found, covariance, rng, resamples=499)
        intervals += (own.low <= 0).all() and (own.high >= 0).all()
        assert (own.p >= paired_t(differences, clusters, runs=parts).p - 1e-9).all()
    assert pairs / experiments < 0.09
    assert intervals / experiments > 0.91
    assert blind / experiments > 0.15


def test_the_gain_of_the_best_includes_the_runs() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(0.5, 0.1, (60, 4)) + np.array([0, 0.01, 0.02, 0.08])
    shared = RunErrors(*(np.array([x]) for x in (0.04**2, 0.0, 0.04**2, 2.0)))
    steady, varying = (winners_gain(values, np.arange(60), runs=runs) for runs in (None, [None, None, None, shared]))
    assert steady is not None
    assert varying is not None
    assert steady == winners_gain(values, np.arange(60), runs=[None] * 4)
    assert varying.measured == steady.measured
    assert varying.low < 0 < steady.low
    assert varying.high > steady.high
