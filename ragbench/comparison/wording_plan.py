"""What a verdict over wordings leaves of the power of a plan.

On queries in several wordings, a claim also needs a difference that is not small and that no wording contradicts
(`ragbench.comparison.wordings`). More queries make the difference in each wording more certain. They change neither how
the wordings differ nor how large the difference is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.comparison.wordings import further_wording, wording_errors
from ragbench.core.brief import brief
from ragbench.core.verdicts import PREDICTED, SMALL, TRIFLE
from ragbench.stats.distributions import t_quantile
from ragbench.stats.power import Aim, Design
from ragbench.stats.prediction import contradicting, groups_of

DRAWS = 20_000
"""Simulated verdicts; the standard error of a power is then at most .004."""
HALVINGS = 30

Values = npt.NDArray[np.float64]


@brief
@dataclass(frozen=True)
class WordingSpread:
    """How a difference varies between wordings, as a pilot shows it.

    Attributes:
        shares: share of the queries of each wording, summing to 1.
        between: estimated standard deviation of the difference between wordings, without the noise of the queries.
    """

    shares: tuple[float, ...]
    between: float


@dataclass(frozen=True)
class WordingPower:
    """What a verdict over wordings leaves of the power for one size of effect.

    Attributes:
        size: the difference or margin.
        aim: which of the two.
        power_now: power of a verdict over wordings with the present queries.
        without: the same if wordings did not matter.
        most: power of a verdict over wordings with any number of queries in these wordings.
    """

    size: float
    aim: Aim
    power_now: float
    without: float
    most: float


@brief
@dataclass(frozen=True)
class WordingPlan:
    """What more queries can show on a set in several wordings.

    Attributes:
        wordings: number of wordings.
        between: estimated standard deviation of the difference between wordings.
        goals: what is left of the power, for each goal of the plan.
        small: the least mean difference that counts.
        limit: the smallest difference that a verdict over wordings detects with the wanted power, whatever the number
            of queries in these wordings.
    """

    wordings: int
    between: float
    goals: tuple[WordingPower, ...]
    small: float
    limit: float


def wording_spread(
    differences: Values, clusters: npt.NDArray[np.int64], wordings: npt.NDArray[np.str_]
) -> WordingSpread | None:
    """Measure how a difference varies between wordings; None with fewer than three wordings of ten queries or more."""
    further = further_wording(differences, wordings)
    errors = wording_errors(differences, clusters, wordings)
    if further is None or errors is None:
        return None
    sizes = np.array([float(len(rows)) for _, rows in groups_of(wordings)])
    shares = sizes / sizes.sum()
    between = float(np.sqrt(errors.shared[0] / (shares**2).sum()))
    return WordingSpread(tuple(shares.tolist()), between)


def plan_wordings(
    spread: WordingSpread,
    design: Design,
    queries: int,
    goals: Sequence[tuple[float, Aim, float]],
    *,
    alpha: float,
    power: float,
    rng: np.random.Generator,
) -> WordingPlan:
    """Compute the power of verdicts over wordings, by simulation.

    Args:
        spread: how the difference varies between wordings.
        design: how the differences of queries vary.
        queries: present number of queries.
        goals: size, aim, and power without wordings.
        alpha: level of the test.
        power: wanted power.
        rng: generator of the draws.
    """
    simulated = _Verdicts(spread, design.sd, alpha, rng)
    error = design.error(queries)
    rows = tuple(
        WordingPower(
            size, aim, min(without, simulated.power(size, aim, error)), without, simulated.power(size, aim, 0.0)
        )
        for size, aim, without in goals
    )  # fmt: skip
    return WordingPlan(len(spread.shares), spread.between, rows, SMALL * design.sd, simulated.limit(power))


class _Verdicts:
    """Verdicts on sets in the same number of wordings, whose effects are drawn anew."""

    def __init__(self, spread: WordingSpread, sd: float, alpha: float, rng: np.random.Generator) -> None:
        self.shares, self.between, self.sd, self.alpha = np.array(spread.shares), spread.between, sd, alpha
        self.effects = rng.normal(size=(DRAWS, len(self.shares)))
        self.noise = rng.normal(size=(DRAWS, len(self.shares)))

    def power(self, size: float, aim: Aim, error: float) -> float:
        """Share of verdicts that show a true mean difference, or confirm a margin for equal systems.

        Args:
            size: the difference, or the margin.
            aim: which of the two.
            error: standard error of the mean over all queries; that of a wording follows from its share.
        """
        shares = self.shares
        means = size + self.between * self.effects + error / np.sqrt(shares) * self.noise
        mean = means @ shares
        if aim == "difference":
            against = contradicting(means.T, shares, np.full(len(means), TRIFLE * self.sd))
            tail, lasts = self.alpha / 2, ~against.any(axis=0) & (mean >= SMALL * self.sd)
        else:
            # The lower end of the prediction interval of a further wording must be within the margin.
            k = len(shares)
            scatter = np.sqrt((shares * (means - mean[:, None]) ** 2).sum(axis=1) * k / (k - 1))
            reach = float(t_quantile((1 + PREDICTED) / 2, k - 1)) * np.sqrt(1 + 1 / k)
            tail, lasts = self.alpha, mean > reach * scatter
        shown = mean > float(t_quantile(1 - tail, 1e6)) * error
        return float((lasts & shown).mean())

    def limit(self, power: float) -> float:
        """The smallest difference that is detected with this power if the noise of the queries is 0."""
        low, high = 0.0, 100 * self.between + 2 * SMALL * self.sd
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.power(middle, "difference", 0.0) >= power else (middle, high)
        return high
