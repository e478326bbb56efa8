"""Near-duplicate queries, within a set and between two sets.

Near-duplicates within a set count one question twice. Near-duplicates between a test set and a training set make the
test worthless.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief, numbered
from ragbench.core.ledger import first_ten
from ragbench.golden.audit.findings import Finding
from ragbench.golden.overlap import ContentWords

JACCARD, COSINE = 0.8, 0.95
BLOCK = 512


@brief
@dataclass(frozen=True)
class Pair:
    """Two near-duplicate queries.

    Attributes:
        first, second: their ids.
        first_text, second_text: their texts.
        jaccard: shared content words over all content words of the two.
        cosine: cosine of their vectors.
    """

    first: str
    second: str
    first_text: str
    second_text: str
    jaccard: float
    cosine: float


@dataclass(frozen=True, eq=False)
class Texts:
    """Queries with their vectors.

    Attributes:
        ids: n ids.
        texts: n texts.
        vectors: float32 (n, d), of unit length.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    vectors: npt.NDArray[np.float32]


def near_pairs(
    first: Texts,
    second: Texts | None = None,
    *,
    language: str = "english",
    jaccard: float = JACCARD,
    cosine: float = COSINE,
) -> tuple[Pair, ...]:
    """Find pairs that are similar by either measure, nearest first.

    Args:
        first: queries.
        second: other queries; None compares the first with each other, each pair once.
        language: Snowball language of the content words.
        jaccard: least Jaccard similarity of content words.
        cosine: least cosine.

    Memory: similarities of one block of 512 queries with all others at a time.
    """
    from scipy.sparse import csr_matrix

    other = first if second is None else second
    words = ContentWords.of([*first.texts, *other.texts], language)
    shape = (words.texts, max(len(words.vocabulary), 1))
    bags = csr_matrix((np.ones(len(words.row), dtype=np.float32), (words.row, words.word)), shape=shape)
    sizes = words.counts().astype(np.float32)
    n = len(first.texts)
    found: list[Pair] = []
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        shared = (bags[rows] @ bags[n:].T).toarray()
        union = sizes[rows, None] + sizes[None, n:] - shared
        lexical = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        cosines = np.clip(first.vectors[rows] @ other.vectors.T, -1.0, 1.0)
        near = (lexical >= jaccard) | (cosines >= cosine)
        if second is None:
            near &= np.arange(n)[None, :] > np.arange(rows.start, rows.stop)[:, None]
        for a, b in np.argwhere(near).tolist():
            at = start + a
            texts = (first.texts[at], other.texts[b])
            found.append(
                Pair(
                    first.ids[at], other.ids[b], *texts, round(float(lexical[a, b]), 4), round(float(cosines[a, b]), 4)
                )
            )
    return tuple(sorted(found, key=lambda pair: (-max(pair.jaccard, pair.cosine), pair.first, pair.second)))


@brief
@dataclass(frozen=True)
class BetweenSets:
    """Near-duplicates between two sets.

    Attributes:
        other: name of the other set.
        queries: number of queries in the other set.
        pairs: near-duplicates, ``first`` of this set and ``second`` of the other.
        leaked: number of queries of this set with a near-duplicate in the other.
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
        name: name of the other set.
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
                f"{leaked} queries ({share:.0%}) have a near-duplicate in {name}: "
                + first_ten(f"{pair.first} = {pair.second}" for pair in pairs),
                "if you trained or tuned on one of the sets, remove these queries from the other",
            ),
        )
    return BetweenSets(name, len(other.texts), pairs, leaked, findings)


ORDERS = (1, 2, 3)
MANY_NEAR = 0.02
SAME_OPENING = 0.25
_WORD = re.compile(r"\w+")


@brief
@dataclass(frozen=True)
class Diversity:
    """Diversity of a set of queries.

    Attributes:
        distinct: distinct n-grams of words over all n-grams, for n = 1, 2, 3. It falls as a set grows, so compare only
            sets of similar size.
        self_similarity: mean cosine over all pairs of different queries; NaN for a single query.
        opening: the most frequent first two words of a query, and their share.
        near_duplicates: pairs of near-duplicate queries.
        findings: notes and warnings about the diversity.

    Source: distinct-n of Li et al. 2016; self-similarity as the mean pairwise similarity of Zhu et al. 2018
        (Self-BLEU), with cosines.
    """

    distinct: dict[int, float]
    self_similarity: float
    opening: tuple[str, float]
    near_duplicates: tuple[Pair, ...]
    findings: tuple[Finding, ...]


def diversity(queries: Texts, *, language: str = "english") -> Diversity:
    """Measure the diversity of a set.

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
    """Return the mean cosine of pairs: the squared length of the summed vectors, minus the n cosines of vectors with
    themselves.
    """
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
                f"{numbered(len(pairs), 'pair')} of nearly equal queries ({involved} of {n} queries): "
                + first_ten(f"{pair.first} and {pair.second}" for pair in pairs),
                "keep one of each pair: duplicates count a query twice and make the intervals too short",
            )
        )
    if n >= 20 and share > SAME_OPENING:
        found.append(
            Finding(
                "warning",
                "same-opening",
                f"{share:.0%} of the queries begin with {opening!r}",
                "vary the examples in the writer's prompts, or the mix of query types",
            )
        )
    return found
