"""Claims of masked sets beside human queries, from stored figures, under any rule and any shares of the wordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations

import numpy as np
import numpy.typing as npt

from benchmarks.wording_figures import Figures
from ragbench.golden.claims import ALPHA, PerQuery
from ragbench.golden.wordings import KEPT, WIDTHS, Style, shifted
from ragbench.stats.agreement import kendall_rows
from ragbench.stats.distributions import t_above
from ragbench.stats.prediction import further_mean

Values = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Weighed:
    """A set whose wordings have shares.

    Attributes:
        settings: (m,) mean by setting.
        means, errors: (k, pairs) mean difference by wording, and its standard error.
        shares: (k,) share by wording.
        signs: (pairs,) sign of each significant mean difference, else 0.
        spread: (pairs,) standard deviation of single differences.
    """

    settings: Values
    means: Values
    errors: Values
    shares: Values
    signs: Signs
    spread: Values


@dataclass(frozen=True)
class Outcome:
    """What human queries say of the claims of a set. Figures of several draws of seeds are means.

    Attributes:
        same, opposite, open: claims that they show too, whose opposite they show, on which they show nothing.
        missed: differences that only they show.
        tau: Kendall's tau-b of both rankings of the settings.
        lost: what the setting that is best on the set lacks on human queries.
    """

    same: float
    opposite: float
    open: float
    missed: float
    tau: float
    lost: float

    @property
    def share_opposite(self) -> float:
        """Share of the decided claims whose opposite human queries show."""
        return self.opposite / max(self.same + self.opposite, 1)


def differences(values: Values) -> Values:
    """(n, pairs) The later setting of each pair minus the earlier one."""
    first, second = np.array(list(combinations(range(values.shape[1]), 2))).T
    return values[:, second] - values[:, first]


def weigh(one: PerQuery, shares: Mapping[str, float] | None = None) -> Weighed:
    """Weigh the wordings of a set; without shares, each query weighs the same.

    The standard error of the mean is that of as many queries, dealt to the wordings by their shares. So it does not
    punish shares that differ from those of the measured set.
    """
    found = differences(one.values)
    n = len(found)
    names, wording = np.unique(one.wordings, return_inverse=True)
    counts = np.bincount(wording)
    share = counts / n if shares is None else np.array([shares[name] for name in names.tolist()])
    weight = (share / counts)[wording]
    mean = weight @ found
    scaled = np.sqrt(share / counts / n)[wording]
    errors, df = _clustered(scaled[:, None] * (found - mean), one.clusters)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(errors > 0, np.abs(mean) / errors, 0.0)
    parts = [found[wording == at] for at in range(len(names))]
    return Weighed(
        weight @ one.values,
        np.array([part.mean(axis=0) for part in parts]),
        np.array([part.std(axis=0, ddof=1) / np.sqrt(len(part)) for part in parts]),
        share,
        np.where(2 * t_above(t, df) < ALPHA, np.sign(mean), 0).astype(np.int64),
        found.std(axis=0, ddof=1),
    )


def _clustered(scores: Values, clusters: npt.NDArray[np.int64]) -> tuple[Values, float]:
    """Standard error of the sum of centred scores (CR1), and its degrees of freedom."""
    labels, index = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(labels), scores.shape[1]))
    np.add.at(sums, index, scores)
    return np.sqrt((sums**2).sum(axis=0) * len(labels) / (len(labels) - 1)), float(len(labels) - 1)


def chances(one: Weighed) -> Values:
    """(pairs,) The chance that a further wording has the same sign, as `ragbench compare` has it."""
    return np.array([further_mean(column, one.shares).same_sign for column in one.means.T])


def outcome(one: Weighed, claims: Signs, human: Weighed) -> Outcome:
    """Compare claims with human queries."""
    shown, best = human.signs, int(one.settings.argmax())
    return Outcome(
        float(((claims != 0) & (claims == shown)).sum()),
        float(((claims != 0) & (claims == -shown)).sum()),
        float(((claims != 0) & (shown == 0)).sum()),
        float(((claims == 0) & (shown != 0)).sum()),
        float(kendall_rows(one.settings[None], human.settings[None])[0]),
        float(human.settings.max() - human.settings[best]),
    )


def averaged(found: Sequence[Outcome]) -> Outcome:
    """The mean of several outcomes."""
    return Outcome(*(float(np.mean([getattr(one, part.name) for one in found])) for part in fields(Outcome)))


def totalled(found: Sequence[Outcome]) -> Outcome:
    """Sums of the claims, and means of tau and of what is lost."""
    mean = averaged(found)
    counts = (getattr(mean, name) * len(found) for name in ("same", "opposite", "open", "missed"))
    return Outcome(*counts, mean.tau, mean.lost)


@dataclass(frozen=True)
class Draw:
    """A set that seeds shifted, and the human queries that are no seeds."""

    weighed: Weighed
    human: Weighed


def seeded(figures: Figures, widths: Style = WIDTHS, kept: float = KEPT) -> list[Draw]:
    """The set after each draw of seeds."""
    equal = dict.fromkeys(figures.styles, 1 / len(figures.styles))
    found = []
    for rows, style, errors in zip(figures.seeds.rows, figures.seeds.styles, figures.seeds.errors, strict=True):
        shares = shifted(equal, figures.styles, Style(*style), Style(*errors), widths, kept)
        rest = np.setdiff1d(np.arange(len(figures.human.values)), rows)
        human = PerQuery(figures.human.values[rest], figures.human.clusters[rest], figures.human.wordings[rest])
        found.append(Draw(weigh(figures.wordings, shares), weigh(human)))
    return found
