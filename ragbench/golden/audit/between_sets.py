"""Queries of one set that stand, nearly the same, in another: what was trained on must not be tested on."""

from dataclasses import dataclass

from ragbench.core.ledger import first_ten
from ragbench.golden.audit.findings import Finding
from ragbench.golden.audit.near import Pair, Texts, near_pairs


@dataclass(frozen=True)
class BetweenSets:
    """Likeness of two sets.

    Attributes:
        other: the other set's name.
        queries: how many queries the other set has.
        pairs: near-duplicates, ``first`` of this set and ``second`` of the other.
        leaked: how many queries of this set have one in the other.
        findings: what to do about it.
    """

    other: str
    queries: int
    pairs: tuple[Pair, ...]
    leaked: int
    findings: tuple[Finding, ...]


def between_sets(queries: Texts, other: Texts, name: str, *, language: str = "english") -> BetweenSets:
    """Compare every query of one set with every query of the other.

    Args:
        queries: the set under audit.
        other: the other set.
        name: what to call it.
        language: Snowball language of the content words.
    """
    pairs = near_pairs(queries, other, language=language)
    leaked = len({pair.first for pair in pairs})
    findings: tuple[Finding, ...] = ()
    if leaked:
        share = leaked / len(queries.texts)
        findings = (
            Finding(
                "warning",
                "leaked",
                f"{leaked} queries ({share:.0%}) stand nearly the same in {name}: "
                + first_ten(f"{pair.first} = {pair.second}" for pair in pairs),
                "if one of the sets was trained or tuned on, take these queries out of the other",
            ),
        )
    return BetweenSets(name, len(other.texts), pairs, leaked, findings)
