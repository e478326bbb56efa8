"""Which test a comparison uses, and why."""

from dataclasses import dataclass
from typing import Literal

from ragbench.core.errors import InputError
from ragbench.stats.signflip import EXACT_CLUSTERS

Test = Literal["sign-flip", "exact sign-flip", "exact McNemar", "randomised Tukey"]
Correction = Literal["none", "Holm"]
ALPHA = 0.05


@dataclass(frozen=True)
class Choice:
    """The test of a comparison.

    Attributes:
        test: its name.
        correction: over the comparisons of one metric; the randomised Tukey test holds all pairs by itself.
        reason: why, in one sentence or two.
    """

    test: Test
    correction: Correction
    reason: str


def choose_test(
    *, n: int, clusters: int, binary: bool, systems: int = 2, against: Literal["baseline", "all"] = "baseline"
) -> Choice:
    """The test for n queries out of so many clusters.

    - all pairs of more than two systems: randomised Tukey;
    - else 0 or 1, each query its own cluster: exact McNemar;
    - else at most `EXACT_CLUSTERS` clusters: sign flips, all of them;
    - else sign flips, drawn.

    Signs flip by cluster: of 20,000 simulated experiments without any difference
    (100 documents with 5 queries each, intra-class correlation .3) this rejects
    5.1% at .05, and a t-test on the queries 18.3%; a test holds both figures. More
    than two systems against the first get Holm's correction.

    Args:
        n: queries, at least 1.
        clusters: resampling units that they come from, 1 to n.
        binary: whether the metric is 0 or 1 for every query.
        systems: how many systems are compared, at least 2.
        against: each system against the first, or all pairs.

    Raises:
        InputError: no query, no cluster or more clusters than queries, or fewer than two systems.
    """
    if not 1 <= clusters <= n:
        raise InputError(f"{n} queries cannot come from {clusters} clusters")
    if systems < 2:
        raise InputError(f"{systems} system: there is nothing to compare it with")
    unit = "document" if clusters < n else "query"
    where = (
        f"{n} queries come from {_counted(clusters, 'document')}" if clusters < n else "each query stands for itself"
    )
    if systems > 2 and against == "all":
        return Choice(
            "randomised Tukey",
            "none",
            f"All pairs of {systems} systems are compared and {where}, so their labels are permuted {unit} by {unit}.",
        )
    correction: Correction = "Holm" if systems > 2 else "none"
    more = f" Holm's correction covers the {systems - 1} comparisons with the first system." if systems > 2 else ""
    if binary and clusters == n:
        return Choice("exact McNemar", correction, f"The metric is 0 or 1, and {where}.{more}")
    if clusters <= EXACT_CLUSTERS:
        least = 2.0 ** (1 - clusters)
        limit = f" With so few, p cannot fall below {least:.2g}." if least > ALPHA else ""
        return Choice(
            "exact sign-flip",
            correction,
            f"{_sentence(where)}, few enough to try every sign of each {unit}'s difference.{limit}{more}",
        )
    return Choice(
        "sign-flip", correction, f"{_sentence(where)}, so the signs of differences flip {unit} by {unit}.{more}"
    )


def _counted(number: int, noun: str) -> str:
    """``"1 document"``, ``"2 documents"``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
