"""Unequal draws: chances that hold, estimates without bias, and what a greedy choice does instead."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.powered_difference import powered_difference
from ragbench.stats.unequal_draw import inclusion_chances, systematic_draw


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.data())
def test_chances_add_up_and_are_bounded(sizes: list[float], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(sizes)))
    chances = inclusion_chances(np.array(sizes), n, floor=0.4)
    assert chances.sum() == pytest.approx(n)
    assert (chances <= 1).all()
    assert (chances >= min(1.0, 0.4 * n / len(sizes)) - 1e-12).all()
    order = np.argsort(sizes)
    assert (np.diff(chances[order]) >= -1e-12).all()
    assert len(systematic_draw(chances, np.random.default_rng(0))) == n


def test_every_row_is_drawn_as_often_as_its_chance_says() -> None:
    chances = inclusion_chances(np.array([0.0, 1.0, 2.0, 4.0, 30.0]), 3)
    assert chances[4] == 1
    rng = np.random.default_rng(1)
    counts = np.zeros(5)
    for _ in range(4_000):
        counts[systematic_draw(chances, rng)] += 1
    assert counts / 4_000 == pytest.approx(chances, abs=0.025)


def test_equal_chances_give_the_estimate_of_a_random_part() -> None:
    rng = np.random.default_rng(2)
    model = rng.normal(0, 0.2, size=400)
    human = 0.8 * model[:100] + rng.normal(0.02, 0.1, size=100)
    plain = powered_difference(human, model[:100], model[100:])
    drawn = powered_difference(human, model[:100], model[100:], chances=np.full(100, 0.25))
    assert drawn.combined.value == pytest.approx(plain.combined.value, abs=1e-4)
    assert drawn.combined.error == pytest.approx(plain.combined.error, rel=0.02)
    assert drawn.alone == plain.alone


def test_by_hand_each_query_counts_by_one_over_its_chance() -> None:
    human = np.array([0.0, 1.0, 0.5, -0.5, 0.0, 1.0, 0.0, 0.5, 1.0, -1.0])
    chances = np.array([0.1, 0.5, 0.5, 0.5, 0.1, 0.5, 0.1, 0.5, 0.5, 0.5])
    found = powered_difference(human, np.zeros(10), np.zeros(90), chances=chances)
    assert found.weight == 0
    assert found.alone.value == pytest.approx((2 * (1 + 0.5 - 0.5 + 1 + 0.5 + 1 - 1) + 10 * 0) / (7 * 2 + 3 * 10))


def population(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected size of the model's error, and differences by annotators and by the model, which errs in one direction
    and most where it is expected to."""
    expected = rng.lognormal(0, 1, size=300)
    human = 0.02 + 0.05 * expected * rng.normal(0.5, 1, size=300)
    return expected, human, np.full(300, 0.05) + rng.normal(0, 0.02, size=300)


TRUTH = 0.02 + 0.025 * np.exp(0.5)


def test_a_draw_is_unbiased_and_narrow_where_the_largest_first_is_wrong() -> None:
    rng = np.random.default_rng(3)
    found: dict[str, list[tuple[float, float, bool]]] = {"drawn": [], "random": [], "greedy": []}
    for _ in range(400):
        expected, human, model = population(rng)
        chances = inclusion_chances(expected, 50)
        rows = {
            "drawn": systematic_draw(chances, rng),
            "random": rng.permutation(300)[:50],
            "greedy": np.argsort(-expected)[:50],
        }
        for name, seen in rows.items():
            own = chances[seen] if name == "drawn" else None
            one = powered_difference(human[seen], model[seen], np.delete(model, seen), chances=own).combined
            low, high = one.interval(0.95)
            found[name].append((one.value, high - low, low <= TRUTH <= high))
    values, widths, held = {}, {}, {}
    for name, rows_ in found.items():
        values[name], widths[name], held[name] = (np.array(column) for column in zip(*rows_, strict=True))
    assert abs(values["drawn"].mean() - TRUTH) < 3 * values["drawn"].std() / np.sqrt(400)
    assert widths["drawn"].mean() < 0.85 * widths["random"].mean()
    assert 0.93 <= held["drawn"].mean() <= 0.99
    assert values["greedy"].mean() - TRUTH > 0.5 * values["greedy"].std()
    assert held["greedy"].mean() < 0.85


def test_wrong_input_is_refused() -> None:
    with pytest.raises(SettingError, match="4 of 3 cannot be drawn"):
        inclusion_chances(np.ones(3), 4)
    with pytest.raises(InputError, match="the size in row 1 is negative"):
        inclusion_chances(np.array([1.0, -1.0]), 1)
    ten = np.arange(10.0)
    with pytest.raises(InputError, match="every one of the 10 queries of annotators needs a chance above 0"):
        powered_difference(ten, ten, ten, chances=np.zeros(10))
