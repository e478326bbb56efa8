from math import comb

import numpy as np
import pytest

from ragbench.core.errors import InputError
from ragbench.stats.rogan_gladen import ErrorPrecision, Precision, error_precision, rogan_gladen


def test_a_published_example() -> None:
    # epiR's documentation of epi.prev: 23 of 150 cows positive, sensitivity .96, specificity .89: 5.1 per 100.
    rate = rogan_gladen(23, 150, 96, 100, 89, 100)
    assert rate.value is not None
    assert round(100 * rate.value, 1) == 5.1


def test_a_perfect_judge_is_left_alone() -> None:
    rate = rogan_gladen(30, 100, 50, 50, 50, 50)
    assert rate.value == pytest.approx(rate.reported, abs=1e-12)


def test_hand_arithmetic_of_both_directions() -> None:
    # (.8 + .7 - 1) / (.9 + .7 - 1) = .5 / .6
    assert rogan_gladen(80, 100, 90, 100, 70, 100).value == pytest.approx(5 / 6)
    # Fewer verdicts than its false alarms alone explain: (.1 + .7 - 1) / .6 is below 0.
    assert rogan_gladen(10, 100, 90, 100, 70, 100).value == 0.0


def test_a_judge_no_better_than_chance_determines_nothing() -> None:
    rate = rogan_gladen(50, 100, 10, 20, 10, 20)
    assert (rate.value, rate.low, rate.high) == (None, None, None)


@pytest.mark.parametrize(("share", "se", "sp"), [(0.8, 0.9, 0.7), (0.3, 0.85, 0.8), (0.95, 0.95, 0.6)])
def test_the_interval_holds_its_level_exactly(share: float, se: float, sp: float) -> None:
    """Every outcome of three small binomial samples, weighted by its probability."""
    n, n_pos, n_neg = 40, 20, 15
    p = share * se + (1 - share) * (1 - sp)

    def chances(size: int, rate: float) -> list[float]:
        return [comb(size, k) * rate**k * (1 - rate) ** (size - k) for k in range(size + 1)]

    covered = undetermined = 0.0
    for x, px in enumerate(chances(n, p)):
        for a, pa in enumerate(chances(n_pos, se)):
            for b, pb in enumerate(chances(n_neg, sp)):
                rate = rogan_gladen(x, n, a, n_pos, b, n_neg)
                if rate.low is None or rate.high is None:
                    undetermined += px * pa * pb
                else:
                    covered += px * pa * pb * (rate.low <= share <= rate.high)
    assert covered / (1 - undetermined) >= 0.94


def test_more_labels_and_more_verdicts_both_shorten_the_interval() -> None:
    def width(n: int, labelled: int) -> float:
        rate = rogan_gladen(8 * n // 10, n, 9 * labelled // 10, labelled, 7 * labelled // 10, labelled)
        assert rate.low is not None
        assert rate.high is not None
        return rate.high - rate.low

    assert width(1000, 50) < width(100, 50)
    assert width(1000, 500) < width(1000, 50)
    # However many the judge sees, the labelled sample leaves its own doubt.
    assert width(10_000_000, 50) > 0.9 * width(10_000, 50) > 0.1
    assert np.isfinite(width(100, 50))


def test_wrong_counts_are_refused() -> None:
    with pytest.raises(InputError, match="the sample is empty"):
        rogan_gladen(5, 10, 0, 0, 5, 5)
    with pytest.raises(InputError, match="11 of 10 verdicts"):
        rogan_gladen(11, 10, 1, 1, 1, 1)


def test_clustered_items_have_the_interval_of_fewer() -> None:
    sizes = Precision((250, 50, 75))
    whole = rogan_gladen(600, 1000, 160, 200, 210, 300, precision=sizes)
    same = rogan_gladen(1200, 2000, 320, 400, 420, 600, precision=sizes)
    plain = rogan_gladen(600, 1000, 160, 200, 210, 300)
    assert None not in (whole.low, whole.high, plain.low, plain.high)
    assert (whole.low, whole.high) == pytest.approx((same.low, same.high))
    assert whole.value == plain.value
    assert whole.high - whole.low > 1.5 * (plain.high - plain.low)
    assert rogan_gladen(600, 1000, 160, 200, 210, 300, precision=Precision((1000, 200, 300))) == plain
    fewer = rogan_gladen(150, 250, 40, 50, 105, 150)
    assert rogan_gladen(600, 1000, 160, 200, 210, 300, precision=Precision((250, 50, 150))).low == fewer.low


def test_few_documents_and_documents_that_shift_both_rates_widen_the_interval() -> None:
    def width(precision: Precision) -> float:
        rate = rogan_gladen(600, 1000, 160, 200, 210, 300, precision=precision)
        assert rate.low is not None
        assert rate.high is not None
        return rate.high - rate.low

    sizes = (250.0, 50.0, 75.0)
    assert width(Precision(sizes, (9, 9, 9))) > 1.05 * width(Precision(sizes))
    assert (
        width(Precision(sizes, covariance=-0.002)) > width(Precision(sizes)) > width(Precision(sizes, covariance=0.002))
    )


def test_the_precision_of_clustered_rates_is_that_of_the_residual_matrix() -> None:
    """CR2 and Satterthwaite's degrees of freedom, written out with the projection of n items."""
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(6), [5, 3, 2, 7, 1, 4])
    right = (rng.random(22) < 0.7).astype(float)
    found = error_precision(right, np.ones(22, dtype=bool) & (np.arange(22) < 20), clusters)
    rows = np.arange(20)
    member = (clusters[rows, None] == np.arange(6)).astype(float)
    hat = np.eye(20) - 1 / 20
    each = [hat @ member[:, g] / (20 * np.sqrt(1 - member[:, g].sum() / 20)) for g in range(6)]
    form = sum(np.outer(one, one) for one in each)
    variance = right[rows] @ form @ right[rows]
    assert found.sizes[0] == pytest.approx(right[rows].mean() * (1 - right[rows].mean()) / variance)
    assert found.degrees[0] == pytest.approx(np.trace(form) ** 2 / np.trace(form @ form))


def test_single_items_are_binomial_and_documents_shift_rates_against_each_other() -> None:
    right = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    positive = np.array([True, True, True, False, False, False])
    assert error_precision(right, positive, np.arange(6)) == ErrorPrecision((3, 3), (np.inf, np.inf), 0)
    # In two of four documents the judge says yes to everything, in the others no.
    yes = np.repeat([1.0, 1.0, 0.0, 0.0], 4)
    labels = np.tile([True, True, False, False], 4)
    found = error_precision(np.where(labels, yes, 1 - yes), labels, np.repeat(np.arange(4), 4))
    # Residuals of a document: (2 - 2/2) / (8 sqrt(3/4)), with opposite signs in the two rates.
    assert found.covariance == pytest.approx(-4 * (1 / (8 * np.sqrt(0.75))) ** 2)
    assert found.degrees == pytest.approx((3, 3))
