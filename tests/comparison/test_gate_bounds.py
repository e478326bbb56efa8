import numpy as np
import pytest
from scipy.stats import binomtest, t

from ragbench.comparison.gate.bounds import difference_bounds, more_queries, share_bounds
from ragbench.comparison.gate.result import weigh


@pytest.mark.parametrize(("right", "n"), [(0, 12), (37, 40), (40, 40), (3, 9)])
def test_shares_of_independent_queries_have_clopper_and_pearsons_bounds(right: int, n: int) -> None:
    values = np.array([1.0] * right + [0.0] * (n - right))
    found = share_bounds(values, np.arange(n), below=0.05, above=0.01)
    assert found.low == pytest.approx(binomtest(right, n).proportion_ci(0.90, "exact").low, abs=1e-12)
    assert found.high == pytest.approx(binomtest(right, n).proportion_ci(0.98, "exact").high, abs=1e-12)


def test_queries_of_one_document_count_once() -> None:
    rng = np.random.default_rng(0)
    of_document = (rng.random(40) < 0.8).astype(float)
    alone = share_bounds(of_document, np.arange(40), below=0.05, above=0.05)
    five_times = share_bounds(np.repeat(of_document, 5), np.repeat(np.arange(40), 5), below=0.05, above=0.05)
    assert alone.low is not None
    assert five_times.low == pytest.approx(alone.low, abs=0.005)
    as_if_independent = share_bounds(np.repeat(of_document, 5), np.arange(200), below=0.05, above=0.05)
    assert as_if_independent.low is not None
    assert as_if_independent.low > alone.low + 0.03


def test_varied_differences_of_many_queries_have_nearly_the_bounds_of_t() -> None:
    values = np.concatenate([np.arange(1, 501), -np.arange(1, 501)]) / 500
    found = difference_bounds(values, np.arange(1000), below=0.05, above=0.01)
    error = values.std(ddof=1) / np.sqrt(1000)
    assert found.low == pytest.approx(-t.ppf(0.95, 999) * error, rel=0.01)
    assert found.high == pytest.approx(t.ppf(0.99, 999) * error, rel=0.01)


def test_too_few_documents_have_no_bounds() -> None:
    assert share_bounds(np.ones(40), np.arange(40) % 4, below=0.05, above=0.05).low is None
    assert difference_bounds(np.zeros(4), np.arange(4), below=0.05, above=0.05).low is None
    assert difference_bounds(np.zeros(0), np.zeros(0, dtype=np.int64), below=0.05, above=0.05).mean is None


@pytest.mark.parametrize(
    ("low", "high", "bound", "at_least", "outcome", "room"),
    [
        (0.96, 0.99, 0.95, True, "pass", 0.01),
        (0.95, 0.99, 0.95, True, "pass", 0.0),
        (0.90, 0.94, 0.95, True, "fail", 0.01),
        (0.90, 0.95, 0.95, True, "inconclusive", -0.05),
        (0.90, 0.99, 0.95, True, "inconclusive", -0.05),
        (1.0, 1.4, 1.5, False, "pass", 0.1),
        (1.6, 1.9, 1.5, False, "fail", 0.1),
        (1.2, 1.6, 1.5, False, "inconclusive", -0.1),
        (None, None, 0.5, True, "inconclusive", None),
    ],
)
def test_an_interval_against_a_bound(
    low: float | None, high: float | None, bound: float, at_least: bool, outcome: str, room: float | None
) -> None:
    assert weigh(low, high, bound, at_least=at_least) == (outcome, None if room is None else pytest.approx(room))


def test_as_many_more_queries_as_were_said_do_decide() -> None:
    rng = np.random.default_rng(3)
    first = rng.normal(0.02, 0.3, size=150)
    first += 0.02 - first.mean()
    known = difference_bounds(first, np.arange(150), below=0.05, above=0.01)
    more = more_queries(known, 0.0, 0.05, 0.01)
    assert more is not None
    passed = 0
    for _ in range(400):
        values = rng.normal(0.02, first.std(), size=150 + more)
        found = difference_bounds(values, np.arange(len(values)), below=0.05, above=0.01)
        passed += found.low is not None and found.low >= 0
    assert 0.73 < passed / 400 < 0.87


def test_queries_that_do_not_differ_become_enough() -> None:
    known = difference_bounds(np.zeros(50), np.arange(50), below=0.05, above=0.01)
    assert known.low is not None
    assert known.low < -0.02
    assert more_queries(known, -0.02, 0.05, 0.01) == 149 - 50  # .98^149 is the first power under .05


def test_queries_that_are_all_right_become_enough() -> None:
    known = share_bounds(np.ones(30), np.arange(30), below=0.05, above=0.01)
    assert known.low is not None
    assert known.low < 0.95
    more = more_queries(known, 0.95, 0.05, 0.01)
    assert more == 59 - 30  # .95^59 is the first power under .05
    enough = share_bounds(np.ones(59), np.arange(59), below=0.05, above=0.01)
    assert enough.low is not None
    assert enough.low >= 0.95


def test_a_value_on_the_bound_promises_nothing() -> None:
    values = np.array([0.0, 1.0] * 20)
    assert more_queries(share_bounds(values, np.arange(40), below=0.05, above=0.01), 0.5, 0.05, 0.01) is None
