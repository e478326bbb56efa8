"""Topics of queries: texts with similar vectors, named by their distinctive words."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.golden.drift.queries import Both, Rows
from ragbench.golden.overlap import ContentWords
from ragbench.golden.seeds import key_of, misspellings

Vectors = npt.NDArray[np.float32]
BLOCK = 512
NAMING = 3
"""Words of a name."""
PRIOR = 0.5


def group(vectors: Vectors, frequency: Rows, near: float) -> Rows:
    """(t,) Group texts, without knowing of which set they are.

    The most frequent texts come first. A text whose cosine to the first text of some group is high enough joins the
    nearest such group; another one begins a group.

    Args:
        vectors: (t, d) of unit length.
        frequency: (t,) searches with each text.
        near: least cosine.
    """
    exact = vectors.astype(np.float64)  # single precision depends on the order in which a library adds up
    order = np.argsort(-frequency, kind="stable")
    leaders: list[int] = []
    for start in range(0, len(order), BLOCK):
        rows = order[start : start + BLOCK]
        known = exact[rows] @ exact[leaders].T if leaders else np.zeros((len(rows), 0))
        apart = known.max(axis=1, initial=-1.0) < near
        own = exact[rows] @ exact[rows].T
        fresh: list[int] = []
        for at in np.flatnonzero(apart).tolist():
            if not fresh or own[at, fresh].max() < near:
                fresh.append(at)
        leaders += rows[fresh].tolist()
    found = np.empty(len(vectors), dtype=np.int64)
    for start in range(0, len(vectors), BLOCK):
        found[start : start + BLOCK] = (exact[start : start + BLOCK] @ exact[leaders].T).argmax(axis=1)
    return found


def merged(centres: Sequence[npt.NDArray[np.floating[Any]]], near: float) -> list[list[int]]:
    """Join topics, the most similar first, as long as two of them have sums of vectors with a high enough cosine.

    Args:
        centres: the sum of the vectors of each topic.
        near: least cosine.
    """
    groups = [[at] for at in range(len(centres))]
    sums = [np.asarray(one, dtype=np.float64) for one in centres]
    while len(groups) > 1:
        units = np.stack([one / max(float(np.linalg.norm(one)), 1e-12) for one in sums])
        cosines = np.triu(units @ units.T, 1)
        first, second = np.unravel_index(int(cosines.argmax()), cosines.shape)
        if cosines[first, second] < near:
            break
        groups[first] += groups.pop(int(second))
        sums[first] = sums[first] + sums.pop(int(second))
    return groups


def nearest(vectors: Vectors, others: Vectors) -> npt.NDArray[np.float64]:
    """(n,) Largest cosine of each vector with one of the others."""
    found = np.empty(len(vectors))
    exact = others.astype(np.float64).T
    for start in range(0, len(vectors), BLOCK):
        found[start : start + BLOCK] = (vectors[start : start + BLOCK].astype(np.float64) @ exact).max(axis=1)
    return found


class Named(NamedTuple):
    """How a topic is shown.

    Attributes:
        name: its most distinctive words.
        examples: its most frequent texts.
    """

    name: str
    examples: tuple[str, ...]


def describe(both: Both, members: Rows, content: ContentWords, stem_words: Sequence[str], most: int = 5) -> Named:
    """Name a topic by the words that are more frequent in its current searches than in all others.

    Args:
        both: the queries.
        members: texts of the topic.
        content: content words of all texts.
        stem_words: the most frequent word by stem.
        most: number of examples.

    Source: the score is the log odds ratio over its standard error (Monroe, Colaresi and Quinn 2008), by a flat prior.
    """
    weight = (both.in_current + both.in_reference).astype(np.float64)
    inside = np.zeros(len(both.texts), dtype=bool)
    inside[members] = True
    width = len(content.vocabulary)
    counts = [
        np.bincount(content.word[rows], weights=weight[content.row[rows]], minlength=width) + PRIOR
        for rows in (inside[content.row], ~inside[content.row])
    ]
    own, rest = counts
    odds = np.log(own / (own.sum() - own)) - np.log(rest / (rest.sum() - rest))
    score = odds / np.sqrt(1 / own + 1 / rest)
    best = sorted(range(width), key=lambda at: (-round(float(score[at]), 9), stem_words[at]))[:NAMING]
    chosen = [at for at in best if own[at] > PRIOR and score[at] > 0]
    order = members[np.lexsort((members, -both.in_reference[members], -both.in_current[members]))]
    slips = misspellings({key_of(both.texts[row]): int(weight[row]) for row in members.tolist()})
    shown = [both.texts[row] for row in order.tolist() if key_of(both.texts[row]) not in slips]
    examples = tuple(shown[:most])
    return Named(", ".join(stem_words[at] for at in chosen) or examples[0], examples)


def words_of_stems(texts: Sequence[str], content: ContentWords, language: str) -> list[str]:
    """Return the most frequent word by stem."""
    plain = ContentWords.of(texts, language, stem=False)
    import Stemmer

    known = language in Stemmer.algorithms()
    stems = Stemmer.Stemmer(language).stemWords(list(plain.vocabulary)) if known else list(plain.vocabulary)
    frequency = np.bincount(plain.word, minlength=len(plain.vocabulary))
    found: dict[str, tuple[int, str]] = {}
    for word, stem, count in zip(plain.vocabulary, stems, frequency.tolist(), strict=True):
        found[stem] = max(found.get(stem, (0, "")), (count, word))
    return [found.get(stem, (0, stem))[1] for stem in content.vocabulary]
