"""How different the queries are from each other."""

import re
from dataclasses import dataclass

import numpy as np

from ragbench.core.ledger import first_ten
from ragbench.golden.audit.findings import Finding
from ragbench.golden.audit.near import Pair, Texts, near_pairs

ORDERS = (1, 2, 3)
MANY_NEAR = 0.02
SAME_OPENING = 0.25
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Diversity:
    """Diversity of a set of queries.

    Attributes:
        distinct: distinct n-grams of words over all n-grams, for n = 1, 2, 3. It
            falls as a set grows, so compare sets of like size only.
        self_similarity: mean cosine over all pairs of different queries; NaN for a single query.
        opening: the two words that most queries begin with, and their share.
        near_duplicates: pairs of queries that say nearly the same.
        findings: what to know about it.

    Source: distinct-n of Li et al. 2016; self-similarity by mean pairwise
    likeness as in Zhu et al. 2018 (Self-BLEU), with cosines.
    """

    distinct: dict[int, float]
    self_similarity: float
    opening: tuple[str, float]
    near_duplicates: tuple[Pair, ...]
    findings: tuple[Finding, ...]


def diversity(queries: Texts, *, language: str = "english") -> Diversity:
    """Measure.

    Args:
        queries: the set's queries with their vectors.
        language: Snowball language of the content words.
    """
    tokens = [_WORD.findall(text.lower()) for text in queries.texts]
    openings: dict[str, int] = {}
    for words in tokens:
        opening = " ".join(words[:2])
        openings[opening] = openings.get(opening, 0) + 1
    opening, count = min(openings.items(), key=lambda pair: (-pair[1], pair[0]))
    share = count / len(tokens)
    pairs = near_pairs(queries, language=language)
    return Diversity(
        distinct={n: _distinct(tokens, n) for n in ORDERS},
        self_similarity=_self_similarity(queries),
        opening=(opening, share),
        near_duplicates=pairs,
        findings=tuple(_findings(len(tokens), pairs, opening, share)),
    )


def _distinct(tokens: list[list[str]], n: int) -> float:
    grams = [tuple(words[at : at + n]) for words in tokens for at in range(len(words) - n + 1)]
    return len(set(grams)) / len(grams) if grams else float("nan")


def _self_similarity(queries: Texts) -> float:
    """The mean of all cosines is the squared length of the summed vectors, less the n cosines with themselves."""
    n = len(queries.texts)
    if n < 2:
        return float("nan")
    vectors = queries.vectors.astype(np.float64)
    total = vectors.sum(axis=0)
    return float((total @ total - (vectors * vectors).sum()) / (n * (n - 1)))


def _findings(n: int, pairs: tuple[Pair, ...], opening: str, share: float) -> list[Finding]:
    found = []
    if pairs:
        involved = len({id_ for pair in pairs for id_ in (pair.first, pair.second)})
        found.append(
            Finding(
                "warning" if involved > MANY_NEAR * n else "note",
                "near-duplicates",
                f"{len(pairs)} pairs of queries say nearly the same ({involved} of {n} queries): "
                + first_ten(f"{pair.first} and {pair.second}" for pair in pairs),
                "keep one of each pair: doubles count a query twice and shorten the intervals without right",
            )
        )
    if n >= 20 and share > SAME_OPENING:
        found.append(
            Finding(
                "warning",
                "same-opening",
                f"{share:.0%} of the queries begin with {opening!r}",
                "vary the examples that the writer is shown, or the mix of query types",
            )
        )
    return found
