"""How the rule for claims over wordings and the weights of seeds were chosen: by leaving one collection out.

The figures of ``python -m benchmarks.wording_figures`` are stored, so this takes some ten minutes.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, polygamma

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.wording_claims import (
    Outcome,
    Signs,
    Values,
    Weighed,
    averaged,
    chances,
    outcome,
    seeded,
    totalled,
    weigh,
)
from benchmarks.wording_figures import Figures, stored
from ragbench.core.verdicts import CONSISTENT
from ragbench.golden.wordings import KEPT, WIDTHS, Style
from ragbench.stats.distributions import t_above

LEVELS = tuple(round(level, 2) for level in np.arange(0.8, 0.985, 0.01).tolist())
MOST_OPPOSITE = 0.01
LEAST_SAME, LEAST_SAME_SEEDS, LEAST_TAU, MOST_LOST = 0.75, 1.15, 0.62, 0.008
LEADS, LENGTHS, PARTS = (0.01, 0.02, 0.05, 0.1), (0.2, 0.4, 0.8, 1000.0), (0.2, 0.35, 0.5)
"""Widths of the kernel in lead and in length (the last ignores lengths), and parts of the shares that stay."""
TITLE = "Claims of masked sets: how the rule was chosen"
HOW = (
    "A masked set in five wordings claims that one of two retriever settings is better if the difference is "
    "significant (.05) and a further wording shows the same sign with a chance of at least some level. Each line is "
    "another way to compute the chance. For each collection, the level is the one that gives the most claims that "
    f"human queries confirm on the *other* collections while at most {MOST_OPPOSITE:.0%} of the decided claims there "
    "are opposite to human queries; the line sums what this level does on the collection itself. Seeds: 20 human "
    "queries without labels, in 20 draws. They shift the shares of the wordings by a kernel on lead and length, whose "
    "widths are chosen in the same way. The level is then that of the product."
)
Chance = Callable[[Weighed], Values]


def noiseless(one: Weighed) -> Values:
    """The sampling noise of the wordings taken out of the variance between them."""
    k, total = len(one.means), one.means.var(axis=0, ddof=1)
    between = np.maximum(total - (one.errors**2).mean(axis=0), 0.0)
    return _chance(one.means.mean(axis=0), np.sqrt(between + total / k), k - 1)


def precise(one: Weighed) -> Values:
    """Wordings weighted by their precision (DerSimonian and Laird)."""
    total = one.means.var(axis=0, ddof=1)
    between = np.maximum(total - (one.errors**2).mean(axis=0), 0.0)
    weight = 1 / np.maximum(between + one.errors**2, 1e-12)
    weight /= weight.sum(axis=0)
    k, mean = len(one.means), (weight * one.means).sum(axis=0)
    spread = (weight * (one.means - mean) ** 2).sum(axis=0) * k / (k - 1)
    return _chance(mean, np.sqrt(spread * (1 + 1 / k)), k - 1)


def shrunken(one: Weighed) -> Values:
    """The variance between wordings shrunk towards that of all pairs of the set, by empirical Bayes (Smyth 2004)."""
    k, scale = len(one.means), np.maximum(one.spread, 1e-12) ** 2
    total = one.means.var(axis=0, ddof=1)
    prior, df = _scaled_f(total / scale, k - 1)
    moderated = (df * prior * scale + (k - 1) * total) / (df + k - 1)
    return _chance(one.means.mean(axis=0), np.sqrt(moderated * (1 + 1 / k)), df + k - 1)


def all_agree(least: int) -> Chance:
    """All wordings have the sign, and some are significant; the chance is then that of the product."""

    def chance(one: Weighed) -> Values:
        sign = np.sign(one.shares @ one.means)
        agree = np.sign(one.means) == sign
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = (np.abs(one.means) > 1.96 * one.errors) & agree
        return np.where(agree.all(axis=0) & (shown.sum(axis=0) >= least), chances(one), 0.0)

    return chance


def _chance(mean: Values, error: Values, df: float) -> Values:
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(mean) / error, np.inf)
    return 1 - t_above(t, df)


def _scaled_f(values: Values, df: int) -> tuple[float, float]:
    """Scale and second degrees of freedom of ``scale * F(df, .)``, by the moments of the logarithm."""
    logs = np.log(values[values > 0]) - digamma(df / 2) + np.log(df / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, df / 2))
    if excess <= 0:
        return float(np.exp(logs.mean())), 1e6
    half = 0.5 + 1 / excess
    for _ in range(50):  # Newton's method for trigamma(half) = excess
        half += polygamma(1, half) * (1 - polygamma(1, half) / excess) / polygamma(2, half)
    return float(np.exp(logs.mean() + digamma(half) - np.log(half))), float(2 * half)


RULES: Mapping[str, Chance] = {
    "the product's prediction interval": chances,
    "the same, without the sampling noise of each wording": noiseless,
    "the same, wordings weighted by precision": precise,
    "the same, variance shrunk towards all pairs of the set": shrunken,
    "the same, and all wordings have the sign, one significant": all_agree(1),
    "the same, and all wordings have the sign, three significant": all_agree(3),
}


def claims(one: Weighed, chance: Values, level: float) -> Signs:
    """Sign of each claim, else 0."""
    return np.where(chance >= level, one.signs, 0)


def left_out(rows: Sequence[Sequence[Outcome]]) -> tuple[Outcome, list[int]]:
    """Choose an option for each collection on the others.

    Args:
        rows: outcome by collection and option.

    Returns:
        The outcomes of the chosen options together, and the choices. If no option has few enough opposite claims, the
        one with the smallest share is taken.
    """
    chosen = []
    for own in range(len(rows)):
        others = [row for at, row in enumerate(rows) if at != own]
        sums = [totalled(list(column)) for column in zip(*others, strict=True)]
        allowed = [at for at, one in enumerate(sums) if one.share_opposite <= MOST_OPPOSITE]
        chosen.append(
            max(allowed, key=lambda at: sums[at].same)
            if allowed
            else min(range(len(sums)), key=lambda at: sums[at].share_opposite)
        )
    return totalled([row[at] for row, at in zip(rows, chosen, strict=True)]), chosen


class Choice(NamedTuple):
    """A rule whose level was chosen on the other collections.

    Attributes:
        rule: what it is.
        outcome: what it claims, on all collections.
        level: the chosen levels.
    """

    rule: str
    outcome: Outcome
    level: str


def chosen_rules(collections: Sequence[Figures], say: Callable[[str], None]) -> list[Choice]:
    """Choose the level of every rule for each collection on the others."""
    human = [weigh(one.human) for one in collections]
    sets = [weigh(one.wordings) for one in collections]
    found = []
    for name, rule in RULES.items():
        say(f"  {name}")
        rows = []
        for one, its in zip(sets, human, strict=True):
            chance = rule(one)
            rows.append([outcome(one, claims(one, chance, level), its) for level in LEVELS])
        total, chosen = left_out(rows)
        found.append(Choice(name, total, spelled(sorted({LEVELS[at] for at in chosen}))))
    return found


def run(options: Options) -> Section:
    """Some ten minutes."""
    collections = stored()[:2] if options.small else stored()
    alone = [(weigh(one.paraphrases), weigh(one.human)) for one in collections]
    before = totalled([outcome(one, one.signs, its) for one, its in alone])
    figures = outcome_figures("one wording, every significant difference", before, before)
    for one in chosen_rules(collections, options.say):
        figures += outcome_figures(f"five wordings, {one.rule}", one.outcome, before, f"level {one.level}")
    figures += seed_figures(collections, before, options)
    return Section("wording_rule", TITLE, HOW, tuple(figures))


def seed_figures(collections: Sequence[Figures], before: Outcome, options: Options) -> list[Figure]:
    """Seeds with the product's widths, and with widths that are chosen on the other collections."""
    grid = [(Style(lead, length), kept) for lead, length, kept in product(LEADS, LENGTHS, PARTS)]
    grid = [(WIDTHS, KEPT), *(grid[:1] if options.small else grid)]
    rows = []
    for one in collections:
        options.say(f"  seeds: {one.name}")
        rows.append([averaged(drawn_outcomes(one, widths, kept)) for widths, kept in grid])
    found, chosen = left_out([row[1:] for row in rows])
    widths = {grid[1 + at] for at in chosen}
    named = "; ".join(
        f"{style.lead:g}, {'none' if style.length > 10 else f'{style.length:g}'}, {kept:g}"
        for style, kept in sorted(widths)
    )
    return [
        *outcome_figures("with seeds, widths of the product", totalled([row[0] for row in rows]), before),
        *outcome_figures(
            "with seeds, widths chosen on the others", found, before, f"lead, length, part that stays: {named}"
        ),
    ]


def drawn_outcomes(one: Figures, widths: Style = WIDTHS, kept: float = KEPT) -> list[Outcome]:
    """What the product's rule claims after each draw of seeds."""
    return [
        outcome(draw.weighed, claims(draw.weighed, chances(draw.weighed), CONSISTENT), draw.human)
        for draw in seeded(one, widths, kept)
    ]


def outcome_figures(what: str, found: Outcome, before: Outcome, chosen: str = "") -> list[Figure]:
    """The lines of one rule."""
    return [
        Figure(what, "opposite claims", found.share_opposite, peer=chosen),
        Figure(what, "confirmed, of those of one wording", found.same / max(before.same, 1)),
        Figure(what, "tau", found.tau),
        Figure(what, "lost nDCG@10", found.lost),
    ]


def spelled(levels: Sequence[float]) -> str:
    """``.88`` or ``.88 to .9``."""
    ends = [f"{level:g}".lstrip("0") for level in (levels[0], levels[-1])]
    return ends[0] if len(levels) == 1 else " to ".join(ends)


if __name__ == "__main__":
    sys.exit(main(only="wording_rule"))
