"""Claims of masked sets beside human queries, from stored figures, for any draw of the queries and any shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from benchmarks.wording_figures import Figures
from ragbench.core.context import generator
from ragbench.core.verdicts import TRIFLE, lasting
from ragbench.golden.claims import ALPHA, PerQuery
from ragbench.golden.wordings import KEPT, WIDTHS, Style, counts_of, shifted
from ragbench.stats.agreement import kendall_rows
from ragbench.stats.distributions import t_above
from ragbench.stats.prediction import contradicting

Values = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """What a set shows of all pairs of settings.

    Attributes:
        settings: (m,) mean by setting.
        means, errors: (k, pairs) mean difference by wording, and its standard error.
        shares: (k,) share by wording.
        signs: (pairs,) sign of each significant mean difference, else 0.
        contradicted: (pairs,) whether a wording contradicts the mean.
        spreads: (pairs,) standard deviation of single differences.
        sizes: (pairs,) absolute mean difference, in these standard deviations.
    """

    settings: Values
    means: Values
    errors: Values
    shares: Values
    signs: Signs
    contradicted: npt.NDArray[np.bool_]
    spreads: Values
    sizes: Values


@dataclass(frozen=True)
class Outcome:
    """What human queries say of the claims of a set. Figures of several draws are means.

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
        """Share of the claims whose opposite human queries show."""
        return self.opposite / max(self.same + self.opposite + self.open, 1)

    @property
    def decided_opposite(self) -> float:
        """The same, of the claims on which human queries show anything."""
        return self.opposite / max(self.same + self.opposite, 1)


def differences(values: Values) -> Values:
    """(n, pairs) The later setting of each pair minus the earlier one."""
    first, second = np.array(list(combinations(range(values.shape[1]), 2))).T
    return values[:, second] - values[:, first]


def pairs_of(one: PerQuery) -> Pairs:
    """Compare all pairs of settings on a set."""
    found = differences(one.values)
    names, wording = np.unique(one.wordings, return_inverse=True)
    parts = [found[wording == at] for at in range(len(names))]
    means = np.array([part.mean(axis=0) for part in parts])
    shares = np.bincount(wording) / len(found)
    mean, spread = found.mean(axis=0), found.std(axis=0, ddof=1)
    errors, df = _clustered((found - mean) / len(found), one.clusters)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(errors > 0, np.abs(mean) / errors, 0.0)
        sizes = np.where(spread > 0, np.abs(mean) / spread, 0.0)
    return Pairs(
        one.values.mean(axis=0),
        means,
        np.array([part.std(axis=0, ddof=1) / np.sqrt(len(part)) for part in parts]),
        shares,
        np.where(2 * t_above(t, df) < ALPHA, np.sign(mean), 0).astype(np.int64),
        contradicting(means, shares, TRIFLE * spread).any(axis=0),
        spread,
        sizes,
    )


def _clustered(scores: Values, clusters: npt.NDArray[np.int64]) -> tuple[Values, float]:
    """Standard error of the sum of centred scores (CR1), and its degrees of freedom."""
    labels, index = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(labels), scores.shape[1]))
    np.add.at(sums, index, scores)
    return np.sqrt((sums**2).sum(axis=0) * len(labels) / (len(labels) - 1)), float(len(labels) - 1)


def claims(one: Pairs) -> Signs:
    """(pairs,) Sign of each difference that `ragbench compare` claims, else 0."""
    kept = [lasting(*row) for row in zip(one.contradicted.tolist(), one.sizes.tolist(), strict=True)]
    return np.where(kept, one.signs, 0)


def outcome(one: Pairs, claimed: Signs, human: Pairs) -> Outcome:
    """Compare claims with human queries."""
    shown, best = human.signs, int(one.settings.argmax())
    return Outcome(
        float(((claimed != 0) & (claimed == shown)).sum()),
        float(((claimed != 0) & (claimed == -shown)).sum()),
        float(((claimed != 0) & (shown == 0)).sum()),
        float(((claimed == 0) & (shown != 0)).sum()),
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


def redrawn(one: PerQuery, counts: Mapping[str, int], rng: np.random.Generator) -> PerQuery:
    """Draw so many queries of each wording with replacement. A query that is drawn twice counts as two documents."""
    rows = np.concatenate([
        rng.choice(np.flatnonzero(one.wordings == name), count) for name, count in counts.items()
    ])  # fmt: skip
    order = np.sort(rows)
    copy = np.arange(len(order)) - np.searchsorted(order, order)
    return PerQuery(one.values[order], one.clusters[order] * len(order) + copy, one.wordings[order])


@dataclass(frozen=True)
class Draw:
    """A set that seeds shifted, and the human queries that are no seeds."""

    ours: Pairs
    human: Pairs


def seeded(figures: Figures, widths: Style = WIDTHS, kept: float = KEPT) -> list[Draw]:
    """Deal the queries anew for each draw of seeds.

    The wordings have as many queries as the seeds give them, so that a wording of few queries is as uncertain as it
    would be. The means of the settings are those of all stored queries, weighted.
    """
    names, counts = np.unique(figures.wordings.wordings, return_counts=True)
    equal = dict.fromkeys(names.tolist(), 1 / len(names))
    means = np.array([figures.wordings.values[figures.wordings.wordings == name].mean(axis=0) for name in names])
    rng, found = generator(0, "seeded", figures.name), []
    for rows, style, errors in zip(figures.seeds.rows, figures.seeds.styles, figures.seeds.errors, strict=True):
        shares = shifted(equal, figures.styles, Style(*style), Style(*errors), widths, kept)
        dealt = redrawn(figures.wordings, counts_of(shares, int(counts.sum())), rng)
        ours = replace(pairs_of(dealt), settings=np.array(list(shares.values())) @ means)
        rest = np.setdiff1d(np.arange(len(figures.human.values)), rows)
        human = PerQuery(figures.human.values[rest], figures.human.clusters[rest], figures.human.wordings[rest])
        found.append(Draw(ours, pairs_of(human)))
    return found
