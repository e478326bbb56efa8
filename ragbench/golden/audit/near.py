"""Pairs of queries that say nearly the same, by their words or by their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.golden.overlap import ContentWords

JACCARD, COSINE = 0.8, 0.95
BLOCK = 512


@dataclass(frozen=True)
class Pair:
    """Two queries that are near to each other.

    Attributes:
        first, second: their ids.
        first_text, second_text: their texts.
        jaccard: shared content words over all content words of both.
        cosine: of their vectors.
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
    """Pairs of at least this likeness by either measure, the nearest first.

    Args:
        first: queries.
        second: other queries; None compares the first among themselves, each pair once.
        language: Snowball language of the content words.
        jaccard: least share of content words.
        cosine: least cosine.

    Memory: one block of 512 queries against all others at a time.
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
