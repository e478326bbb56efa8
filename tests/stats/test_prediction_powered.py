"""Prediction-powered means against the authors' library, hand arithmetic and experiments."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.power import prediction_figures
from ragbench.core.errors import InputError, SettingError
from ragbench.stats.clusters import standard_errors
from ragbench.stats.prediction_powered import prediction_powered_mean

PEOPLE = np.array([3.04, -1.56, 1.42, 0.43, 0.55, 0.78, -1.02, 0.77, 0.13, 4.32, 1.23, 0.65])
SEEN = np.array([3.2, -1.59, 1.19, 0.53, 1.09, 0.96, -0.24, 0.97, 0.44, 5.39, 1.8, 0.7])
UNSEEN = np.array(
    [1.01, 1.45, 3.35, -0.22, 1.4, 2.55, -0.41, 1.04, 1.7, 2.26, 0.37, 1.51, -1.17, 2.9, -0.74, -0.62, 1.74, 1.7, 1.65,
     -0.37, 1.5, 0.72, 3.41, 2.04, 1.31, 1.55, 1.94, 0.75, 2.26, 2.45]
)  # fmt: skip


@pytest.mark.parametrize(
    ("weight", "value", "low", "high"),
    [
        (0.0, 0.895, 0.03968691, 1.75031309),
        (0.5, 0.94383333, 0.48718733, 1.40047934),
        (1.0, 0.99266667, 0.52769823, 1.4576351),
    ],
)
def test_the_authors_library_agrees(weight: float, value: float, low: float, high: float) -> None:
    """ppi_py 0.2.3: ppi_mean_pointestimate, ppi_mean_ci(alpha=.05, lam=weight); its interval is normal."""
    found = prediction_powered_mean(PEOPLE, SEEN, UNSEEN, weight=weight)
    assert found.value == pytest.approx(value)
    assert found.low is not None
    assert found.high is not None
    # Theirs has neither t nor the degree of freedom of the mean; here all 42 items count as one sample.
    ours = (found.high - found.low) / stats.t.ppf(0.975, 11) / np.sqrt(12 / 11)
    assert ours == pytest.approx((high - low) / stats.norm.ppf(0.975), rel=1e-6)


def test_the_tuned_weight_is_near_theirs_and_the_best() -> None:
    found = prediction_powered_mean(PEOPLE, SEEN, UNSEEN)
    # ppi_py's estimate 0.98942815 comes of a weight of .967: it takes the variance of both samples together.
    assert 0.5 < found.weight < 1
    # By hand: cov(y, f) / n over var(f) / n + var(f') / u, sums of squares by their own sample.
    own = ((PEOPLE - PEOPLE.mean()) * (SEEN - SEEN.mean())).sum() / 12**2
    assert found.weight == pytest.approx(
        own / (((SEEN - SEEN.mean()) ** 2).sum() / 12**2 + ((UNSEEN - UNSEEN.mean()) ** 2).sum() / 30**2)
    )
    assert found.people_value == pytest.approx(PEOPLE.mean())
    half = (found.people_high or 0) - PEOPLE.mean()
    assert half == pytest.approx(stats.t.ppf(0.975, 11) * PEOPLE.std(ddof=1) / 12**0.5)


def test_a_machine_that_says_nothing_leaves_peoples_mean() -> None:
    found = prediction_powered_mean(PEOPLE, np.ones(12), np.ones(30))
    assert (found.weight, found.value) == (0, pytest.approx(PEOPLE.mean()))
    assert (found.low, found.high) == (found.people_low, found.people_high)


def test_a_perfect_machine_is_not_taken_at_its_word() -> None:
    said = np.array([1.0] * 8 + [0.0] * 2)
    found = prediction_powered_mean(said, said, np.array([1.0] * 800 + [0.0] * 200))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low < 0.7
    assert 0.85 < found.high <= 1
    # Two items are added, one of each disagreement: people alone then have 9 of 12.
    assert found.people_value == pytest.approx(9 / 12)


def test_clusters_are_taken_together() -> None:
    clusters = np.repeat(np.arange(6), 2)
    found = prediction_powered_mean(PEOPLE, SEEN, UNSEEN, clusters, np.arange(6, 36), weight=0.0)
    error = float(standard_errors(PEOPLE[:, None], clusters)[0])
    assert (found.high or 0) - PEOPLE.mean() == pytest.approx(stats.t.ppf(0.975, 5) * error)
    few = prediction_powered_mean(PEOPLE, SEEN, UNSEEN, np.repeat([0, 1], 6), np.arange(2, 32))
    assert (few.low, few.high) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "said"),
    [
        ((PEOPLE, SEEN[1:], UNSEEN), {}, InputError, "12 labels of annotators and 11"),
        ((PEOPLE[:1], SEEN[:1], UNSEEN), {}, InputError, "at least 2"),
        ((PEOPLE, SEEN, UNSEEN[:0]), {}, InputError, "annotators saw every item"),
        ((np.append(PEOPLE[1:], np.nan), SEEN, UNSEEN), {}, InputError, "row 11 is undefined"),
        ((PEOPLE, SEEN, np.append(UNSEEN, np.inf)), {}, InputError, "row 30 is infinite"),
        ((PEOPLE, SEEN, UNSEEN, np.arange(12)), {}, InputError, "one of the two samples"),
        ((PEOPLE, SEEN, UNSEEN, np.arange(12), np.arange(30) + 20), {}, InputError, "gaps"),
        ((PEOPLE, SEEN, UNSEEN), {"weight": 2.0}, SettingError, "weight lies"),
        ((PEOPLE, SEEN, UNSEEN), {"confidence": 95.0}, SettingError, "confidence"),
    ],
)
def test_wrong_input_is_refused(
    arguments: tuple[np.ndarray, ...], options: dict[str, float], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        prediction_powered_mean(*arguments, **options)  # type: ignore[arg-type]


def test_intervals_hold_the_truth_and_are_narrower_with_a_good_judge() -> None:
    figures = list(prediction_figures(600))
    assert all(0.94 <= figure.value <= 0.995 for figure in figures)
    widths = [[float(word) for word in figure.peer.replace(";", "").split() if word[0] == "0"] for figure in figures]
    assert widths[0][0] < 0.8 * widths[0][1]
    # A judge who tosses a coin is of no use, and does no harm.
    assert widths[3][0] == pytest.approx(widths[3][1], rel=0.02)
