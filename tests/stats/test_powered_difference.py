"""A difference from labels of a model and of annotators: identities, another implementation, and coverage."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from ragbench.core.errors import InputError
from ragbench.stats.powered_difference import powered_difference
from ragbench.stats.prediction_powered import prediction_powered_mean


def drawn(rng: np.random.Generator, n: int, u: int, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    model = rng.normal(0.02, 0.2, size=n + u)
    return model[:n] + rng.normal(0.03, noise, size=n), model[:n], model[n:]


def test_many_queries_give_what_the_prediction_powered_mean_gives() -> None:
    human, model, rest = drawn(np.random.default_rng(0), 2_000, 20_000, 0.1)
    found, other = powered_difference(human, model, rest), prediction_powered_mean(human, model, rest)
    assert found.combined.value == pytest.approx(other.value)
    assert found.weight == pytest.approx(other.weight)
    assert found.combined.interval(0.95) == pytest.approx((other.low, other.high), abs=2e-4)


def test_annotators_alone_are_a_t_interval_of_all_queries_and_two_added_ones() -> None:
    human, model, rest = drawn(np.random.default_rng(1), 30, 100, 0.1)
    found = powered_difference(human, model, rest).alone
    typical = np.sqrt((human**2).mean())
    added = np.append(human, (typical, -typical))
    assert found.value == pytest.approx(human.mean())
    assert found.interval(0.9) == pytest.approx(tuple(ttest_1samp(added, 0).confidence_interval(0.9)))
    assert found.p == pytest.approx(ttest_1samp(added, 0).pvalue)
    assert found.p_below(0.01) == pytest.approx(ttest_1samp(added, 0.01, alternative="greater").pvalue)


def test_a_model_that_says_nothing_is_ignored_and_a_perfect_one_counts_as_many_labels() -> None:
    rng = np.random.default_rng(2)
    human, model, rest = drawn(rng, 100, 900, 0.05)
    useless = powered_difference(human, -model, -rest)
    assert (useless.weight, useless.effective) == (0.0, 100)
    assert useless.combined == useless.alone
    strong = powered_difference(human, model, rest)
    assert strong.weight > 0.8
    assert 400 < strong.effective < 1_000
    everything = powered_difference(human, model, np.empty(0))
    assert (everything.weight, everything.machine) == (0.0, 0)


def test_no_difference_on_any_labelled_query_is_not_a_certain_one() -> None:
    rest = np.random.default_rng(3).choice([-1.0, 0.0, 0.0, 0.0, 1.0], size=200)
    low, high = powered_difference(np.zeros(20), np.zeros(20), rest).combined.interval(0.95)
    assert low < -0.1
    assert high > 0.1
    assert np.isfinite(powered_difference(np.zeros(20), np.zeros(20), np.zeros(200)).combined.error)


def test_documents_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(100), 5)
    shared = rng.normal(0, 0.2, size=100)[clusters]
    model = shared + rng.normal(0, 0.1, size=500)
    human = shared + rng.normal(0, 0.1, size=500)
    seen = np.arange(500) % 5 < 2
    by_query = powered_difference(human[seen], model[seen], model[~seen])
    by_document = powered_difference(human[seen], model[seen], model[~seen], clusters[seen], clusters[~seen])
    assert by_document.combined.error > 1.2 * by_query.combined.error
    assert by_document.combined.degrees < 100


@pytest.mark.parametrize("kind", ["single", "one large document"])
def test_intervals_cover_the_truth_where_differences_are_mostly_ties(kind: str) -> None:
    rng = np.random.default_rng(5)
    clusters = np.arange(400) if kind == "single" else np.maximum(np.arange(400) // 4 - 25, 0)
    icc = 0.0 if kind == "single" else 0.3

    def normal() -> np.ndarray:
        return np.sqrt(icc) * rng.normal(size=clusters.max() + 1)[clusters] + np.sqrt(1 - icc) * rng.normal(size=400)

    covered = 0
    for _ in range(300):
        latent, own = normal(), normal()
        human = np.where(np.abs(latent) > 1.1, 0.4 * latent, 0.0)
        model = np.where(np.abs(0.9 * latent + 0.44 * own) > 1, 0.4 * latent + 0.05, 0.05)
        seen = np.zeros(400, dtype=bool)
        seen[rng.permutation(400)[:40]] = True
        found = powered_difference(human[seen], model[seen], model[~seen], clusters[seen], clusters[~seen])
        low, high = found.combined.interval(0.95)
        covered += low <= 0 <= high
    assert 0.91 <= covered / 300 <= 0.99


def test_wrong_input_is_refused() -> None:
    ten = np.arange(10.0)
    with pytest.raises(InputError, match="9 differences by annotators and 10"):
        powered_difference(ten[:9], ten, ten)
    with pytest.raises(InputError, match="labelled 4 of the queries, from 4 documents; at least 10"):
        powered_difference(ten[:4], ten[:4], ten)
    with pytest.raises(InputError, match="from 1 documents"):
        powered_difference(ten, ten, ten, np.zeros(10, dtype=np.int64), np.zeros(10, dtype=np.int64))
    with pytest.raises(InputError, match="the predicted difference in row 2 is undefined"):
        powered_difference(ten, np.where(ten == 2, np.nan, ten), ten)
    with pytest.raises(InputError, match="give both"):
        powered_difference(ten, ten, ten, np.arange(10))


def test_queries_of_unequal_chances_are_worth_fewer_random_ones_also_without_the_model() -> None:
    human = np.random.default_rng(8).normal(0.0, 0.2, size=100)
    nothing, chances = np.zeros(100), np.tile([0.9, 0.1], 50)
    found = powered_difference(human, nothing, nothing, chances=chances)
    assert found.weight == 0.0
    assert found.effective == pytest.approx(1 / (((1 / chances) / (1 / chances).sum()) ** 2).sum(), rel=0.15)
    assert powered_difference(human, nothing, nothing).effective == 100.0
