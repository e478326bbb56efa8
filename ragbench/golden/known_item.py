"""Known-item queries, made of words drawn from the target document: for smoke tests, not for comparisons."""

from collections import Counter

import numpy as np

from ragbench.core.context import generator
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.goldens import Evidence
from ragbench.golden.drafts import Draft
from ragbench.golden.overlap import ContentWords

WRITER = "known-item"
VERSION = 1
WARNING = (
    "Known-item queries copy words of their target, so every lexical retriever looks nearly perfect and the ranking of "
    "retrievers comes out backwards (Kendall's tau with human queries on Cranfield: -.18 to -.30). Use them to see "
    "that a pipeline works, never to choose between retrievers."
)
SHORTEST, LONGEST = 3, 8


def write(
    chunks: Chunks, *, count: int | None = None, seed: int = 0, noise: float = 0.1, language: str = "english"
) -> list[Draft]:
    """Write one query per chunk from distinct content words, drawn by their frequency in the chunk and their rarity.

    Args:
        chunks: the chunks to ask about.
        count: how many chunks to draw; None takes all.
        seed: seed of all draws.
        noise: probability, 0 to 1, that a word comes from the whole corpus instead.
        language: language of the stop words.

    Returns:
        Drafts whose evidence is the chunk, with `WARNING` in their provenance.

    Raises:
        SettingError: ``count`` is below 1, or ``noise`` is not in 0 to 1.
        InputError: no chunk has at least `SHORTEST` different content words.

    Source: Azzopardi, de Rijke and Balog, "Building simulated queries for known-item topics", SIGIR 2007.
    """
    if count is not None and count < 1:
        raise SettingError(f"count is {count}; it must be at least 1")
    if not 0 <= noise <= 1:
        raise SettingError(f"noise is {noise}; it must lie in 0 to 1")
    words = ContentWords.of(chunks.texts, language, stem=False)
    rarity = np.log(1 + words.texts / np.bincount(words.word, minlength=len(words.vocabulary)).clip(1))
    bounds = np.searchsorted(words.row, np.arange(words.texts + 1))
    able = np.flatnonzero(np.diff(bounds) >= SHORTEST)
    if len(able) == 0:
        raise InputError(f"no chunk has {SHORTEST} different content words: there is nothing to ask about")
    if count is not None and count < len(able):
        able = np.sort(generator(seed, WRITER, "chunks").choice(able, size=count, replace=False))
    drafts = []
    for row in able.tolist():
        rng = generator(seed, WRITER, chunks.ids[row])
        own = words.word[bounds[row] : bounds[row + 1]]
        lowered = Counter(chunks.texts[row].lower().split())
        weights = rarity[own] * np.array([1 + lowered[words.vocabulary[word]] for word in own.tolist()])
        size = min(len(own), int(rng.integers(SHORTEST, LONGEST + 1)))
        drawn = rng.choice(own, size=size, replace=False, p=weights / weights.sum())
        elsewhere = rng.integers(0, len(words.vocabulary), size=size)
        text = " ".join(words.vocabulary[word] for word in np.where(rng.random(size) < noise, elsewhere, drawn))
        chunk = chunks[row]
        drafts.append(
            Draft(
                id=fingerprint([WRITER, VERSION, chunk.id, text])[:16],
                text=text,
                type=WRITER,
                answer=None,
                quotes=(),
                chunk_ids=(chunk.id,),
                evidence=(Evidence(chunk.document_id, chunk.start, chunk.end),),
                provenance={
                    "writer": WRITER, "version": VERSION, "seed": seed, "source": chunk.document_id, "warning": WARNING,
                },
            )
        )  # fmt: skip
    return drafts
