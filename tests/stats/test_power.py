"""Power against statsmodels, the textbook formula, enumeration, and experiments."""

import itertools

import numpy as np
import pytest
from scipy import stats

from benchmarks import power as experiments
from ragbench.core.errors import SettingError
from ragbench.stats.equivalence import non_inferior
from ragbench.stats.paired_tests import mcnemar
from ragbench.stats.power import Design, mcnemar_power, power_of, queries_needed, smallest_of_documents, smallest_size


def test_the_textbook_number_and_that_of_t() -> None:
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert (z * 0.3 / 0.03) ** 2 == pytest.approx(784.9, abs=0.05)
    assert queries_needed(Design(0.3), 0.03) == 787
    # With a design effect of 2.2 and documents of five, the formula's 1,727.
    assert queries_needed(Design(0.3, 0.3, 5), 0.03) == pytest.approx(2.2 * 784.9, rel=0.01)


@pytest.mark.parametrize("n", [30, 60, 200])
@pytest.mark.parametrize("effect", [0.1, 0.3, 0.6])
def test_statsmodels_agrees(n: int, effect: float) -> None:
    from statsmodels.stats.power import TTestPower

    theirs = TTestPower()
    assert power_of(Design(0.5), n, 0.5 * effect) == pytest.approx(theirs.power(effect, n, 0.05), abs=1e-9)
    assert smallest_size(Design(0.5), n) == pytest.approx(
        0.5 * theirs.solve_power(nobs=n, alpha=0.05, power=0.8), rel=1e-4
    )


def test_one_fewer_is_not_enough_and_the_three_functions_agree() -> None:
    for design in (Design(0.3), Design(0.3, 0.2, 4, 1.3), Design(0.3, 0.2, 4, measured=1.9)):
        n = queries_needed(design, 0.05)
        assert n is not None
        assert power_of(design, n, 0.05) >= 0.8 > power_of(design, n - 1, 0.05)
        size = smallest_size(design, n)
        assert size is not None
        assert power_of(design, n, size) == pytest.approx(0.8)
        assert size <= 0.05


def test_few_documents_have_the_level_that_their_signs_allow() -> None:
    assert smallest_size(Design(0.3), 5) is None
    assert smallest_of_documents(Design(0.3, 0.3, 9), 5) is None
    assert power_of(Design(0.3), 5, 10.0) == 0
    # Six: only two of the 64 assignments of signs are below .05.
    assert power_of(Design(0.3), 6, 0.0001) == pytest.approx(2 / 64, abs=1e-4)
    assert power_of(Design(0.3), 200_000, 0.0001) == pytest.approx(power_of(Design(0.3), 99_000, 0.0001), abs=0.01)


def test_more_queries_of_the_same_documents_flatten() -> None:
    sizes = [smallest_size(Design(0.3, 0.3, m), 60 * m) for m in (1, 10, 1000, 100_000)]
    limit = smallest_of_documents(Design(0.3, 0.3, 5), 60)
    assert all(size is not None for size in sizes)
    assert sizes == sorted(sizes, reverse=True)  # type: ignore[type-var]
    assert sizes[-1] == pytest.approx(limit, rel=1e-4)
    # One query of each has the variance 1; endless ones leave the ICC.
    assert limit == pytest.approx(0.3**0.5 * sizes[0])  # type: ignore[operator]


def test_mcnemar_by_enumeration() -> None:
    n, gained, lost = 9, 0.5, 0.1
    total = 0.0
    for kinds in itertools.product((1, -1, 0), repeat=n):
        chance = float(np.prod([{1: gained, -1: lost, 0: 1 - gained - lost}[kind] for kind in kinds]))
        baseline = np.array([float(kind == -1) for kind in kinds])
        candidate = np.array([float(kind == 1) for kind in kinds])
        total += chance * (mcnemar(baseline, candidate).p < 0.05)
    assert mcnemar_power(n, gained + lost, gained - lost) == pytest.approx(total, abs=1e-8)


def test_hits_and_misses_are_planned_by_their_own_test() -> None:
    design = Design(0.4, binary=True)
    size = smallest_size(design, 300)
    assert size is not None
    assert mcnemar_power(300, 0.16 + size**2, size) == pytest.approx(0.8, abs=1e-4)
    plain = smallest_size(Design(0.4), 300)
    assert plain is not None
    assert size == pytest.approx(plain, rel=0.02)
    assert size != plain
    assert smallest_size(design, 4) is None  # four of four have the mid-p 1 / 16


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Design(0), "must be above 0"),
        (lambda: Design(0.3, 1.5), "between 0 and 1"),
        (lambda: Design(0.3, 0.1, 0.5), "at least one query"),
        (lambda: Design(float("nan")), "must be above 0"),
        (lambda: power_of(Design(0.3), 100, 0), "difference must be above 0"),
        (lambda: power_of(Design(0.3), 100, -0.1, aim="margin"), "margin must be above 0"),
        (lambda: power_of(Design(0.3, 0.1, 5), 3, 0.1), "3 queries cannot come"),
        (lambda: smallest_size(Design(0.3), 100, power=0.05), "no more than chance"),
        (lambda: queries_needed(Design(0.3), 0.1, alpha=5), "alpha must lie"),
    ],
)
def test_numbers_out_of_range_are_refused(call: object, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        call()  # type: ignore[operator]


def test_no_plan_for_next_to_nothing() -> None:
    assert queries_needed(Design(0.3), 1e-7) is None


@pytest.mark.slow
def test_power_is_what_the_plan_promises(capsys: pytest.CaptureFixture[str]) -> None:
    figures = list(experiments.normal_figures(experiments.EXPERIMENTS))
    for systems in experiments.PAIRS:
        figures += list(experiments.shop_figures(experiments.shop_pilot(*systems), experiments.EXPERIMENTS))
    figures.append(experiments.margin_figure(experiments.EXPERIMENTS))
    with capsys.disabled():
        print()
        for figure in figures:
            print(f"{figure.what}: {figure.value:.3f} {figure.target}")
    assert [figure.what for figure in figures if figure.met is False] == []
    assert sum(figure.met is True for figure in figures) == 9


@pytest.mark.parametrize(
    ("n", "sd", "margin"), [(100, 0.3, 0.08), (200, 0.3, 0.05), (60, 0.05, 0.05), (150, 0.05, 0.02)]
)
def test_the_power_of_a_margin_is_the_share_of_samples_whose_bound_exceeds_it(n: int, sd: float, margin: float) -> None:
    rng = np.random.default_rng(n)
    passed = [non_inferior(rng.normal(0, sd, n), np.arange(n), margin).decision == "non-inferior" for _ in range(1000)]
    assert power_of(Design(sd), n, margin, aim="margin") == pytest.approx(np.mean(passed), abs=0.04)


def test_a_margin_needs_enough_queries_even_if_nothing_varies() -> None:
    # .98^149 is the first power of .98 under .05.
    assert queries_needed(Design(1e-6), 0.02, aim="margin") == 149
    assert smallest_size(Design(1e-6), 149, aim="margin") == pytest.approx(1 - 0.05 ** (1 / 149), rel=1e-3)
