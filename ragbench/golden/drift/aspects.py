"""What is compared of two sets of queries: types, lengths, languages, words and meaning."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.corpus.languages import language_of
from ragbench.golden.drift.queries import Both, Rows
from ragbench.golden.overlap import ContentWords
from ragbench.golden.query_types import LOGGED_TYPES, query_type
from ragbench.stats.two_samples import (
    Features,
    earth_mover,
    jensen_shannon,
    mean_distance,
    random_features,
    total_variation,
)

LONGEST = 40
"""Words of the longest query that has a class of its own."""
WORDS = 2_000
"""Most frequent stems that are compared."""


@dataclass(frozen=True, eq=False)
class Aspect:
    """One thing that may differ between two sets of queries.

    Attributes:
        name: what is compared.
        measure: the statistic, in words.
        features: what is permuted.
        classes: names of the columns, if their shares are worth a table; else empty.
    """

    name: str
    measure: str
    features: Features
    classes: tuple[str, ...] = ()


def types(both: Both) -> Aspect:
    """Compare the types, by rules (`ragbench.golden.query_types`)."""
    kinds = np.array([LOGGED_TYPES.index(query_type(text)) for text in both.texts], dtype=np.int64)
    sums = both.sums(kinds, len(LOGGED_TYPES))
    return Aspect("types", "share of another type", Features(sums, total_variation), LOGGED_TYPES)


def lengths(both: Both) -> Aspect:
    """Compare the numbers of words."""
    words = np.array([min(len(text.split()), LONGEST) for text in both.texts], dtype=np.int64)
    return Aspect("lengths", "words by which they differ", Features(both.sums(words, LONGEST + 1), earth_mover))


def languages(both: Both) -> Aspect:
    """Compare the languages. A text whose language is unclear counts as one in the most frequent language."""
    known = [language_of(text) for text in both.texts]
    counts = Counter(filter(None, known))
    names = sorted(counts, key=lambda name: (-counts[name], name)) or ["en"]
    found = [code or names[0] for code in known]
    column = np.array([names.index(name) for name in found], dtype=np.int64)
    sums = both.sums(column, len(names))
    return Aspect("languages", "share of another language", Features(sums, total_variation), tuple(names))


def words(both: Both, content: ContentWords) -> Aspect:
    """Compare the most frequent content words, as stems."""
    from scipy.sparse import csr_matrix

    shape = (len(both.texts), max(len(content.vocabulary), 1))
    of_text = csr_matrix((np.ones(len(content.row), dtype=np.float32), (content.row, content.word)), shape=shape)
    frequency = np.asarray(of_text.T @ (both.in_reference + both.in_current)).ravel()
    # The tokenizer numbers words in another order each time.
    alphabet = np.argsort(np.argsort(np.array(content.vocabulary or ("",), dtype=object)))
    top = np.lexsort((alphabet, -frequency))[:WORDS]
    return Aspect(
        "words", "Jensen-Shannon divergence, bits", Features(_by_session(both) @ of_text[:, top], jensen_shannon)
    )


def meaning(both: Both, vectors: npt.NDArray[np.float32], rng: np.random.Generator) -> Aspect:
    """Compare the embeddings by the maximum mean discrepancy of a Gaussian kernel.

    Args:
        both: the queries.
        vectors: (t, d) vectors of the texts.
        rng: random generator of the frequencies that approximate the kernel.
    """
    sums = _by_session(both) @ random_features(vectors, rng)
    return Aspect("meaning", "maximum mean discrepancy", Features(sums, mean_distance))


def topics(both: Both, topic: Rows, weights: npt.NDArray[np.float64]) -> Aspect:
    """Compare the topics by the one whose share grew or fell most.

    Args:
        both: the queries.
        topic: (t,) topic of each text.
        weights: (topics,) what a difference of each share is multiplied by; 0 for a topic that does not count.
    """

    def largest(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray((np.abs(one - other) * weights).max(axis=1, initial=0.0), dtype=np.float64)

    from scipy.sparse import csr_matrix

    of_text = csr_matrix((np.ones(len(topic), dtype=np.float32), (np.arange(len(topic)), topic)),
                         shape=(len(topic), len(weights)))  # fmt: skip
    return Aspect(
        "topics", "largest standardised difference of a share", Features(_by_session(both) @ of_text, largest)
    )


def _by_session(both: Both) -> Any:
    """(c, t) Searches of each session with each text, as a sparse matrix."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(both.text))
    return csr_matrix((ones, (both.session, both.text)), shape=(len(both.reference), len(both.texts)))


def shares_of(both: Both, aspect: Aspect) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(columns,) Share of each column among the searches of the reference, and among the current ones."""
    sums = aspect.features.sums
    before, now = (
        np.asarray(sums[side].sum(axis=0), dtype=np.float64).ravel() / both.sizes[side].sum()
        for side in (both.reference, ~both.reference)
    )
    return before, now
