"""Which test a comparison uses, and why."""

from dataclasses import dataclass
from typing import Literal

from ragbench.stats.signflip import EXACT_CLUSTERS

Test = Literal["sign-flip", "exact sign-flip", "exact McNemar", "randomised Tukey"]
Correction = Literal["none", "Holm"]


@dataclass(frozen=True)
class Choice:
    """The test of a comparison.

    Attributes:
        test: its name.
        correction: over the comparisons of one metric; the randomised Tukey test holds all pairs by itself.
        reason: why, in one sentence.
    """

    test: Test
    correction: Correction
    reason: str


def choose_test(
    *, n: int, clusters: int, binary: bool, systems: int = 2, against: Literal["baseline", "all"] = "baseline"
) -> Choice:
    """The test for n queries in so many clusters.

    Args:
        n: queries.
        clusters: resampling units that they come from.
        binary: whether the metric is 0 or 1 for every query.
        systems: how many systems are compared.
        against: each system against the first, or all pairs.
    """
    grouped = clusters < n
    where = f"{n} queries come from {clusters} documents" if grouped else f"all {n} queries are independent"
    if systems > 2 and against == "all":
        unit = "document" if grouped else "query"
        return Choice(
            "randomised Tukey",
            "none",
            f"{systems} systems are compared in all pairs, so labels are permuted within each {unit} ({where}).",
        )
    correction: Correction = "Holm" if systems > 2 else "none"
    more = f" Holm's correction covers the {systems - 1} comparisons with the first system." if systems > 2 else ""
    if binary and not grouped:
        return Choice("exact McNemar", correction, f"The metric is 0 or 1 and {where}.{more}")
    if clusters <= EXACT_CLUSTERS:
        unit = "document" if grouped else "query"
        return Choice(
            "exact sign-flip",
            correction,
            f"There are only {clusters} units to resample, so every sign of each {unit}'s difference is tried.{more}",
        )
    if grouped:
        return Choice(
            "sign-flip", correction, f"{n} queries come from {clusters} documents, so signs flip by document.{more}"
        )
    return Choice("sign-flip", correction, f"All {n} queries are independent, so signs flip by query.{more}")
