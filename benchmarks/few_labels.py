"""Few labelled human queries with a masked set: what they decide together, on collections that taught nothing.

``python -m benchmarks.few_labels --pool`` learns from all collections how differences carry over, and writes
``ragbench/comparison/masked_pool.json``.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaincinv
from scipy.stats import kendalltau

from benchmarks.command import DATA, show
from benchmarks.figures import Figure, Options, Section
from benchmarks.wording_claims import differences
from benchmarks.wording_figures import METRIC, Figures, stored
from ragbench.comparison.masked_pool import FILE
from ragbench.golden.validity import POOL
from ragbench.io.files import write_text
from ragbench.stats.borrowing import Proxy, Transfer, borrowed_difference
from ragbench.stats.clusters import clustered_means
from ragbench.stats.distributions import t_above, t_quantile

Array = npt.NDArray[np.float64]
PAIRS = np.array(list(combinations(range(len(POOL)), 2)))
LABELLED, DRAWS = (10, 20, 40, 60), 12
WAYS = ("labels alone", "masked set alone", "both")
DF = 4.0
"""Degrees of freedom of the prior. On a collection that taught nothing, 4 predicts differences better than 8, and
far better than a normal prior."""
SHARES = 24
"""Points of the mixture of normal distributions that t is in `learned`."""
SCHEMA_VERSION = 1
TITLE = "Few labelled human queries, with a masked set"
HOW = (
    f"All pairs of {len(POOL)} retriever settings, on public collections with masked sets in five wordings. How masked "
    f"differences carry over is learned on the other collections each time. Of the human queries, 10 to 60 are drawn "
    f"{DRAWS} times (at most two thirds); the others are the truth, with their own error. Right and opposite: "
    "verdicts at 95% (uncorrected) whose sign is that of a significant difference of the other queries, or the "
    "reverse; the share of opposite ones is of these. Tau: with the ranking of the settings by the other queries. "
    "Lost: nDCG@10 lost there by taking the best setting. A setting is ranked by its mean difference to all others."
)
MOST_OPPOSITE, LEAST_TAU, BAND = 0.01, 0.68, (0.93, 0.97)


@dataclass(frozen=True)
class Carried:
    """Every pair of settings on one collection, (pairs,) each.

    Attributes:
        name: the collection.
        human, errors, variances: mean difference on human queries, its clustered error, and the variance of a query.
        masked, masked_variances: mean over wordings of the difference on masked queries, and the variance of a query.
        queries: number of human and of masked queries.
    """

    name: str
    human: Array
    errors: Array
    variances: Array
    masked: Array
    masked_variances: Array
    queries: tuple[int, int]

    @classmethod
    def of(cls, one: Figures) -> "Carried":
        """Summarise what was measured."""
        human = differences(one.human.values)
        found = clustered_means(human, one.human.clusters)
        proxies = proxies_of(one)
        return cls(
            one.name, found.means, found.errors, human.var(axis=0, ddof=1),
            np.array([proxy.mean for proxy in proxies]), np.array([proxy.variance for proxy in proxies]),
            (len(human), len(one.wordings.values)),
        )  # fmt: skip

    def to_json(self) -> dict[str, object]:
        """Plain values, with six decimals."""
        arrays = ("human", "errors", "variances", "masked", "masked_variances")
        rounded = {name: np.round(getattr(self, name), 6).tolist() for name in arrays}
        return {"name": self.name, "human_queries": self.queries[0], "masked_queries": self.queries[1], **rounded}


def proxies_of(one: Figures) -> list[Proxy]:
    """The masked set's difference of every pair."""
    _, groups = np.unique(one.wordings.wordings, return_inverse=True)
    return [Proxy.of(column, groups) for column in differences(one.wordings.values).T]


def learned(collections: Sequence[Carried]) -> Transfer:
    """Learn by maximum likelihood how differences carry over; every collection counts the same.

    A human difference is t around its prediction, plus the sampling error of the human queries. t is a mixture of
    normal distributions.
    """
    precision = gammaincinv(DF / 2, (np.arange(SHARES) + 0.5) / SHARES) / (DF / 2)

    def loss(at: Array) -> float:
        slope, slope_variance, spread = at[0], *np.exp(at[1:])
        total = 0.0
        for one in collections:
            squares = spread * one.masked_variances + slope_variance * one.masked**2
            variances = squares[:, None] / precision + one.errors[:, None] ** 2
            left = (one.human - slope * one.masked)[:, None]
            total -= float(np.logaddexp.reduce(-0.5 * (np.log(variances) + left**2 / variances), axis=1).mean())
        return total

    options = {"xatol": 1e-4, "fatol": 1e-7, "maxiter": 2000}
    found = minimize(loss, [1.0, np.log(0.2), np.log(0.02)], method="Nelder-Mead", options=options)
    slope, slope_variance, spread = found.x[0], *np.exp(found.x[1:])
    means, squares = [], []
    for one in collections:
        known = (one.variances > 0) & (one.masked_variances > 0)
        logs = np.log(one.variances[known] / one.masked_variances[known])
        means.append(logs.mean())
        squares.append((logs**2).mean())
    variance = float(np.mean(squares) - np.mean(means) ** 2)
    # The logarithm of a variance with f degrees of freedom has a variance of about 2 / f.
    figures = (slope, slope_variance, spread, DF, np.exp(np.mean(means)), 2 / variance)
    return Transfer(*(round(float(figure), 4) for figure in figures))


@dataclass(frozen=True)
class Outcome:
    """What one draw of labelled queries decided.

    Attributes:
        right, opposite: verdicts that the other human queries confirm and contradict.
        tau: Kendall's tau with the ranking of the other human queries.
        lost: nDCG@10 lost on them by taking the best setting.
        held: share of differences of the other queries that the interval holds, with their own error.
        effective: median of the effective numbers of queries.
    """

    right: float
    opposite: float
    tau: float
    lost: float
    held: float
    effective: float

    @property
    def opposite_share(self) -> float:
        """Opposite verdicts of those that the other queries decide."""
        return self.opposite / max(self.right + self.opposite, 1e-9)


def outcomes(one: Figures, transfer: Transfer, rng: np.random.Generator, draws: int) -> dict[tuple[str, int], Outcome]:
    """Mean outcome on one collection, by what decides and number of labelled queries."""
    found: dict[tuple[str, int], list[Outcome]] = {}
    values, clusters = one.human.values, one.human.clusters
    proxies = proxies_of(one)
    priors = [transfer.prior(proxy) for proxy in proxies]
    scale = np.array([prior.scale for prior in priors]) * float(t_quantile(0.975, DF))
    before = (np.array([prior.center for prior in priors]), scale)
    for count in LABELLED:
        if count > len(values) * 2 / 3:
            continue
        for _ in range(draws):
            order = rng.permutation(len(values))
            mine, rest = order[:count], order[count:]
            truth = Truth.of(values[rest], renumbered(clusters[rest]))
            own, groups = differences(values[mine]), renumbered(clusters[mine])
            alone = clustered_means(own, groups)
            reach = t_quantile(0.975, alone.df) * alone.errors
            both = [borrowed_difference(column, groups, proxy, transfer)
                    for column, proxy in zip(own.T, proxies, strict=True)]  # fmt: skip
            after = np.array([(0.0, 0.0, float(count)) if each is None else (
                each.posterior.median, (each.posterior.high - each.posterior.low) / 2, each.effective
            ) for each in both])  # fmt: skip
            for name, center, half, effective in (
                (WAYS[0], alone.means, reach, float(count)),
                (WAYS[1], *before, 0.0),
                (WAYS[2], after[:, 0], after[:, 1], float(np.median(after[:, 2]))),
            ):
                found.setdefault((name, count), []).append(truth.outcome(center, half, effective))
    return {key: averaged(several) for key, several in found.items()}


@dataclass(frozen=True)
class Truth:
    """The human queries that were not drawn.

    Attributes:
        means: (m,) mean of every setting.
        difference, error: (pairs,) mean differences with their errors.
        sign: (pairs,) sign of each significant difference, else 0.
    """

    means: Array
    difference: Array
    error: Array
    sign: Array

    @classmethod
    def of(cls, values: Array, clusters: npt.NDArray[np.int64]) -> "Truth":
        """Summarise their values."""
        found = clustered_means(differences(values), clusters)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * t_above(np.abs(found.means) / found.errors, found.df)
        return cls(values.mean(axis=0), found.means, found.errors, np.where(p < 0.05, np.sign(found.means), 0.0))

    def outcome(self, center: Array, half: Array, effective: float) -> Outcome:
        """What estimates with intervals decide."""
        said = np.where(np.abs(center) > half, np.sign(center), 0.0)
        scores = np.zeros(len(self.means))
        np.add.at(scores, PAIRS[:, 1], center)
        np.add.at(scores, PAIRS[:, 0], -center)
        width = np.hypot(half, float(t_quantile(0.975, np.inf)) * self.error)
        return Outcome(
            right=float(((said != 0) & (said == self.sign)).sum()),
            opposite=float(((said != 0) & (said == -self.sign)).sum()),
            tau=float(kendalltau(scores, self.means)[0]),
            lost=float(self.means.max() - self.means[scores.argmax()]),
            held=float((np.abs(self.difference - center) <= width).mean()),
            effective=effective,
        )


def renumbered(clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Cluster numbers without gaps."""
    found: npt.NDArray[np.int64] = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    return found


def averaged(several: Sequence[Outcome]) -> Outcome:
    """The mean of each figure."""
    return Outcome(*np.array([list(vars(one).values()) for one in several], dtype=np.float64).mean(axis=0).tolist())


def run(options: Options) -> Section:
    """Some two minutes, from the stored figures of `benchmarks.wording_figures`."""
    collections = stored()[: 3 if options.small else None]
    carried = {one.name: Carried.of(one) for one in collections}
    found: dict[str, dict[tuple[str, int], Outcome]] = {}
    for at, one in enumerate(collections):
        transfer = learned([other for name, other in carried.items() if name != one.name])
        options.say(f"  {one.name}: {transfer}")
        found[one.name] = outcomes(one, transfer, np.random.default_rng(at), 1 if options.small else DRAWS)
    return Section("few_labels", TITLE, HOW, tuple(figures(found)))


def figures(found: Mapping[str, Mapping[tuple[str, int], Outcome]]) -> Iterator[Figure]:
    """The figures with a target; then means over the collections for each number of labels, beside labels alone."""
    means = {
        (what, count): averaged([of[what, count] for of in found.values() if (what, count) in of])
        for count in LABELLED
        for what in WAYS
        if any((what, count) in of for of in found.values())
    }
    yield from _targets(found, means)
    for (what, count), one in means.items():
        if what == "both":
            yield from _rows(f"{count} labelled queries and the masked set", one, means["labels alone", count])
    yield from _rows("the masked set alone", means["masked set alone", 20], None)


def _targets(
    found: Mapping[str, Mapping[tuple[str, int], Outcome]], means: Mapping[tuple[str, int], Outcome]
) -> Iterator[Figure]:
    most = LABELLED[-1]
    many = [of for of in found.values() if ("both", most) in of]
    few, rival = averaged([of["both", 20] for of in many]), averaged([of["labels alone", most] for of in many])
    yield Figure(
        f"20 labelled queries and the masked set, the {len(many)} collections with {most * 3 // 2} queries",
        "mean nDCG@10 lost", few.lost, target=f"below that of {most} labelled queries alone", met=few.lost < rival.lost,
        peer=f"{rival.lost:.4f} ({most} labelled queries alone)",
    )  # fmt: skip
    yield Figure(
        "20 labelled queries and the masked set", "mean tau", means["both", 20].tau, target=f"at least {LEAST_TAU}",
        met=means["both", 20].tau >= LEAST_TAU, peer=f"{means['labels alone', 20].tau:.4f} (labels alone)",
        reason="A masked set is worth some 15 labels, and 40 labels alone do not reach it either.",
    )  # fmt: skip
    both = [one for (what, _), one in means.items() if what == "both"]
    labels = f"{LABELLED[0]} to {most} labelled queries and the masked set"
    opposite = max(one.opposite_share for one in both)
    yield Figure(
        labels, "most opposite verdicts", opposite, target=f"at most {MOST_OPPOSITE}", met=opposite <= MOST_OPPOSITE,
        peer=f"{max(one.opposite_share for (what, _), one in means.items() if what == 'labels alone'):.4f} "
        "(labels alone)",
    )  # fmt: skip
    held = [one.held for one in both]
    yield Figure(
        labels, "lowest mean coverage of 95% intervals", min(held), target=f"{BAND[0]} to {BAND[1]}",
        met=BAND[0] <= min(held) and max(held) <= BAND[1], peer=f"highest: {max(held):.4f}",
    )  # fmt: skip


def _rows(name: str, one: Outcome, rival: Outcome | None) -> Iterator[Figure]:
    def beside(figure: float) -> str:
        return "" if np.isnan(figure) else f"{figure:.4g} (labels alone)"

    other = rival or Outcome(*(float("nan") for _ in range(6)))
    yield Figure(name, "tau", one.tau, peer=beside(other.tau))
    yield Figure(name, "nDCG@10 lost", one.lost, peer=beside(other.lost))
    yield Figure(name, "right verdicts", one.right, "of 120", peer=beside(other.right))
    yield Figure(name, "opposite verdicts", one.opposite_share, peer=beside(other.opposite_share))
    yield Figure(name, "coverage of 95% intervals", one.held, peer=beside(other.held))
    if rival is not None:
        yield Figure(name, "decide like", one.effective, "labels")


def write_pool() -> None:
    """Learn from every collection, and write what `ragbench.comparison.masked_pool` reads."""
    carried = [Carried.of(one) for one in stored()]
    found = {
        "schema_version": SCHEMA_VERSION,
        "metric": METRIC,
        "transfer": asdict(learned(carried)),
        "settings": POOL,
        "collections": [one.to_json() for one in carried],
    }
    write_text(FILE, json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    GIVEN = Options(DATA, say=lambda text: print(text, file=sys.stderr, flush=True))
    if sys.argv[1:] == ["--pool"]:
        write_pool()
    else:
        show(run(GIVEN))
