"""How the rule for claims over wordings and the weights of seeds were chosen: by leaving one collection out.

The figures of ``python -m benchmarks.wording_figures`` are stored, so this takes less than a minute.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.wording_claims import (
    Outcome,
    Pairs,
    averaged,
    claims,
    outcome,
    pairs_of,
    redrawn,
    seeded,
    totalled,
)
from benchmarks.wording_figures import Figures, stored
from ragbench.core.context import generator
from ragbench.core.verdicts import SMALL, TRIFLE
from ragbench.golden.claims import PerQuery
from ragbench.golden.wordings import KEPT, WIDTHS, Style
from ragbench.stats.distributions import t_above

REDRAWS, FORMER = 20, 150
"""How often the queries of a set are drawn anew, and the queries of the former default in one wording."""
MOST_OPPOSITE = 0.01
LEAST_SAME, LEAST_SAME_SEEDS, LEAST_TAU, MOST_LOST = 0.75, 1.15, 0.62, 0.008
LEADS, LENGTHS, PARTS = (0.01, 0.02, 0.05), (0.2, 0.4, 0.8), (0.2, 0.35, 0.5)
"""Widths of the kernel in lead and in length, and parts of the shares that stay."""
TITLE = "Claims of masked sets: how the rule was chosen"
HOW = (
    "A masked set in five wordings claims that one of two retriever settings is better if the difference is "
    "significant (.05) and a rule holds. For each collection, the level of the rule is the one that gives the most "
    f"claims that human queries confirm on the *other* collections while at most {MOST_OPPOSITE:.0%} of the claims "
    f"there are opposite to human queries, in the mean of {REDRAWS} draws of the masked queries with replacement. The "
    "line sums what this level does on the collection itself, in the same draws. Seeds: 20 human queries without "
    "labels, in 20 draws. They shift the shares of the wordings by a kernel on lead and length, whose widths are "
    "chosen in the same way, with the rule of the product."
)
Kept = npt.NDArray[np.bool_]
Rule = Callable[[Pairs, float], Kept]


def further(one: Pairs, level: float) -> Kept:
    """The chance that a further wording has the same sign is at least the level (`ragbench.stats.prediction`)."""
    k, mean = len(one.means), one.shares @ one.means
    spread = one.shares @ (one.means - mean) ** 2 * k / (k - 1)
    error = np.sqrt(spread * (1 + 1 / k))
    with np.errstate(divide="ignore", invalid="ignore"):
        return t_above(np.where(error > 0, np.abs(mean) / error, np.inf), k - 1) <= 1 - level


def significant(one: Pairs, level: float) -> Kept:
    """All wordings have the sign, and at least so many are significant."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = np.abs(one.means) > 1.96 * one.errors
    return _unanimous(one) & (shown.sum(axis=0) >= level)


def large(one: Pairs, level: float) -> Kept:
    """All wordings have the sign, and the mean difference is at least so many standard deviations."""
    return _unanimous(one) & (one.sizes >= level)


def both(one: Pairs, level: float) -> Kept:
    """The same, and three wordings are significant."""
    return large(one, level) & significant(one, 3)


def large_and_further(one: Pairs, level: float) -> Kept:
    """The same as `large`, and a further wording has the sign with a chance of 80%."""
    return large(one, level) & further(one, 0.8)


def all_but_one(one: Pairs, level: float) -> Kept:
    """All wordings but one have the sign, and the mean difference is at least so many standard deviations."""
    return (_dissenting(one).sum(axis=0) <= 1) & (one.sizes >= level)


def uncontradicted(trifle: float) -> Rule:
    """No wording shows more than this many standard deviations with the other sign, and the mean is so many."""

    def rule(one: Pairs, level: float) -> Kept:
        with_sign = one.means * np.sign(one.shares @ one.means)
        return (with_sign >= -trifle * one.spreads).all(axis=0) & (one.sizes >= level)

    return rule


def size_alone(one: Pairs, level: float) -> Kept:
    """The mean difference is at least so many standard deviations."""
    return one.sizes >= level


def _dissenting(one: Pairs) -> Kept:
    return np.sign(one.means) != np.sign(one.shares @ one.means)


def _unanimous(one: Pairs) -> Kept:
    return ~_dissenting(one).any(axis=0)


SIZES = (0.1, 0.125, 0.15, 0.175, 0.2, 0.225, 0.25, 0.3)
RULES: Mapping[str, tuple[Rule, tuple[float, ...]]] = {
    "a further wording has the sign with a chance of at least X": (
        further, tuple(round(level, 2) for level in np.arange(0.8, 0.985, 0.01).tolist())
    ),
    "all wordings have the sign, and X are significant": (significant, (1, 2, 3, 4, 5)),
    "all wordings have the sign, and the mean is at least X standard deviations": (large, SIZES),
    "the same, and three are significant": (both, SIZES),
    "the same, and a further wording with a chance of 80%": (large_and_further, SIZES),
    "no wording has the other sign by more than .02 standard deviations, and the mean X": (uncontradicted(0.02), SIZES),
    "no wording has the other sign by more than .05 standard deviations, and the mean X": (uncontradicted(0.05), SIZES),
    "all wordings but one have the sign, and the mean X": (all_but_one, SIZES),
    "the mean X, whatever the wordings": (size_alone, (*SIZES, 0.4, 0.5, 0.6)),
}  # fmt: skip


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
        outcome: what it claims on all collections, in the mean of the draws.
        level: the chosen levels.
    """

    rule: str
    outcome: Outcome
    level: str


class Redrawn(NamedTuple):
    """Draws of the masked queries of a collection, and its human queries."""

    ours: tuple[Pairs, ...]
    human: Pairs


@cache
def redraws() -> tuple[Redrawn, ...]:
    """Draws of the set in five wordings, by collection."""
    return tuple(_redrawn(one) for one in stored())


def _redrawn(one: Figures) -> Redrawn:
    names, counts = np.unique(one.wordings.wordings, return_counts=True)
    wanted, rng = dict(zip(names.tolist(), counts.tolist(), strict=True)), generator(0, "redraws", one.name)
    return Redrawn(
        tuple(pairs_of(redrawn(one.wordings, wanted, rng)) for _ in range(REDRAWS)), pairs_of(one.human)
    )  # fmt: skip


def former(one: Figures) -> Outcome:
    """What the former default claimed: one wording, 150 of the queries, every significant difference."""
    human, rng, ours = pairs_of(one.human), generator(0, "former", one.name), one.paraphrases
    found = []
    for _ in range(REDRAWS):
        rows = rng.choice(len(ours.values), min(FORMER, len(ours.values)), replace=False)
        draw = pairs_of(PerQuery(ours.values[rows], ours.clusters[rows], ours.wordings[rows]))
        found.append(outcome(draw, draw.signs, human))
    return averaged(found)


def chosen_rules(collections: Sequence[Redrawn]) -> list[Choice]:
    """Choose the level of every rule for each collection on the others. The rule of the product is fixed."""
    found = []
    for name, (rule, levels) in RULES.items():
        rows = [
            [averaged([outcome(one, np.where(rule(one, level), one.signs, 0), its.human) for one in its.ours])
             for level in levels]
            for its in collections
        ]  # fmt: skip
        total, chosen = left_out(rows)
        found.append(Choice(name, total, spelled(sorted({levels[at] for at in chosen}))))
    ours = totalled([averaged([outcome(one, claims(one), its.human) for one in its.ours]) for its in collections])
    return [*found, Choice(f"**the rule of `ragbench`**: {TRIFLE:g} and {SMALL:g}", ours, "fixed")]


def run(options: Options) -> Section:
    """Less than a minute."""
    collections = stored()[:2] if options.small else stored()
    drawn = redraws()[: len(collections)]
    before = totalled([former(one) for one in collections])
    figures = outcome_figures(f"one wording, {FORMER} queries, every significant difference", before, before)
    for one in chosen_rules(drawn):
        figures += outcome_figures(
            one.rule.replace("**", "").replace("`", ""), one.outcome, before, f"level {one.level}"
        )
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
    named = "; ".join(f"{style.lead:g}, {style.length:g}, {kept:g}" for style, kept in sorted(widths))
    return [
        *outcome_figures("with seeds, widths of the product", totalled([row[0] for row in rows]), before),
        *outcome_figures(
            "with seeds, widths chosen on the others", found, before, f"lead, length, part that stays: {named}"
        ),
    ]


def drawn_outcomes(one: Figures, widths: Style = WIDTHS, kept: float = KEPT) -> list[Outcome]:
    """What the product's rule claims after each draw of seeds."""
    return [outcome(draw.ours, claims(draw.ours), draw.human) for draw in seeded(one, widths, kept)]


def outcome_figures(what: str, found: Outcome, before: Outcome, chosen: str = "") -> list[Figure]:
    """The lines of one rule."""
    return [
        Figure(what, "opposite claims", found.share_opposite, peer=chosen),
        Figure(what, "opposite claims, of those that human queries decide", found.decided_opposite),
        Figure(what, f"confirmed, of those of one wording, {FORMER} queries", found.same / max(before.same, 1)),
        Figure(what, "tau", found.tau),
        Figure(what, "lost nDCG@10", found.lost),
    ]


def spelled(levels: Sequence[float]) -> str:
    """``.88`` or ``.88 to .9``."""
    ends = [f"{level:g}".lstrip("0") for level in (levels[0], levels[-1])]
    return ends[0] if len(levels) == 1 else " to ".join(ends)


if __name__ == "__main__":
    sys.exit(main(only="wording_rule"))
