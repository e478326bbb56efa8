"""Which chunks to ask about: all that are worth it, or a sample that covers the corpus."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.seeds import generator
from ragbench.engine import embed
from ragbench.golden.sampling_clean import boilerplate, near_duplicates

MOST_EMBEDDED = 20_000
"""Of a larger corpus, so many chunks are drawn at random first; topics are found among them."""
MOST_TOPICS, CHUNKS_A_TOPIC = 50, 20
LENGTHS = 3


@dataclass(frozen=True)
class Sample:
    """Chosen chunks.

    Attributes:
        chunks: the chosen ones, in the order of the corpus.
        strata: how many chunks were worth asking and how many were chosen, by stratum ("topic 3, length 2 of 3").
        ledger: chunks left out as boilerplate or near-duplicates; chunks that were merely not drawn are not in it.
    """

    chunks: Chunks
    strata: dict[str, tuple[int, int]]
    ledger: Ledger


def sample(
    chunks: Chunks,
    *,
    count: int | None = None,
    seed: int = 0,
    embedder: str = "minilm",
    context: Context | None = None,
) -> Sample:
    """All chunks worth asking about, or ``count`` of them, spread over topics, lengths and documents.

    Topics are k-means clusters of embeddings. Every topic and every third of
    the lengths gives its share (largest remainders); within a stratum
    documents that have given least come first.

    Args:
        chunks: the corpus.
        count: how many; all if None or more than there are.
        seed: of every draw and of the clusters.
        embedder: spec of the embedder behind the topics; unused where all are taken.
        context: where embeddings are kept, and progress.

    Raises:
        SettingError: ``count`` below 1, or a wrong embedder.
        InputError: every chunk is boilerplate.
    """
    if count is not None and count < 1:
        raise SettingError(f"count is {count}; it must be at least 1")
    context = context or Context(seed=seed)
    entries = boilerplate(chunks)
    out = {entry.item for entry in entries}
    rows = [row for row, id_ in enumerate(chunks.ids) if id_ not in out]
    if not rows:
        raise InputError(
            f"all {len(chunks)} chunks are boilerplate (first: {entries[0].item}: {entries[0].reason}): "
            "there is nothing to ask about"
        )
    copies = near_duplicates(chunks, rows, seed=seed)
    entries += [
        LedgerEntry("sample", chunks.ids[row], f"nearly the same as {chunks.ids[kept]}", "near-duplicate")
        for row, kept in copies.items()
    ]
    worth = np.array([row for row in rows if row not in copies], dtype=np.int64)
    ledger = Ledger(tuple(entries))
    if count is None or count >= len(worth):
        return Sample(subset(chunks, worth), {"all": (len(worth), len(worth))}, ledger)
    if len(worth) > MOST_EMBEDDED:
        drawn = generator(seed, "sample", "candidates").choice(worth, size=max(MOST_EMBEDDED, count), replace=False)
        worth = np.sort(drawn)
    topics = _topics(chunks, worth, count, seed, embedder, context)
    chosen, strata = _draw(chunks, worth, topics, count, seed)
    return Sample(subset(chunks, chosen), strata, ledger)


def subset(chunks: Chunks, rows: npt.NDArray[np.int64]) -> Chunks:
    """These chunks alone, ids and offsets as they are."""
    return Chunks.of(chunks[int(row)] for row in rows)


def _topics(
    chunks: Chunks, rows: npt.NDArray[np.int64], count: int, seed: int, embedder: str, context: Context
) -> npt.NDArray[np.int64]:
    """(n,) cluster of each row."""
    k = max(1, min(MOST_TOPICS, count, len(rows) // CHUNKS_A_TOPIC))
    if k == 1:
        return np.zeros(len(rows), dtype=np.int64)
    import faiss

    model = plugins.build(plugins.EMBEDDERS, embedder)
    contents = chunks.contents
    texts = [contents[row] for row in rows]
    vectors = embed(model, texts, "passage", context).vectors
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    means = faiss.Kmeans(vectors.shape[1], k, niter=20, seed=seed + 1, spherical=True, min_points_per_centroid=1)
    means.train(vectors)
    nearest: npt.NDArray[np.int64] = means.index.search(vectors, 1)[1][:, 0].astype(np.int64)
    return nearest


def _draw(
    chunks: Chunks, rows: npt.NDArray[np.int64], topics: npt.NDArray[np.int64], count: int, seed: int
) -> tuple[npt.NDArray[np.int64], dict[str, tuple[int, int]]]:
    lengths = np.array([len(chunks.texts[row]) for row in rows])
    thirds = np.searchsorted(np.quantile(lengths, np.arange(1, LENGTHS) / LENGTHS), lengths, side="left")
    keys, stratum = np.unique(topics * LENGTHS + thirds, return_inverse=True)
    sizes = np.bincount(stratum)
    shares = apportion(sizes, count)
    luck = generator(seed, "sample", "draw").random(len(rows))
    given: dict[int, int] = {}
    chosen: list[int] = []
    # Small strata first: they have the least choice of documents.
    for number in np.argsort(sizes, kind="stable").tolist():
        members = np.flatnonzero(stratum == number)
        left = sorted(members.tolist(), key=luck.__getitem__)
        for _ in range(int(shares[number])):
            best = min(left, key=lambda at: given.get(int(chunks.document_index[rows[at]]), 0))
            left.remove(best)
            document = int(chunks.document_index[rows[best]])
            given[document] = given.get(document, 0) + 1
            chosen.append(best)
    strata = {
        f"topic {key // LENGTHS + 1}, length {key % LENGTHS + 1} of {LENGTHS}": (int(size), int(share))
        for key, size, share in zip(keys.tolist(), sizes, shares, strict=True)
    }
    return np.sort(rows[chosen]), strata


def apportion(sizes: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """How many of ``count`` each stratum gives: its share rounded down, and the rest to the largest remainders.

    Where there are at least as many places as strata, every stratum gives one
    first, so that a small topic is not passed over.

    Args:
        sizes: (s,) members of each stratum, above 0.
        count: places, at most the sum of the sizes.
    """
    base = np.minimum(sizes, 1) if count >= len(sizes) else np.zeros(len(sizes), dtype=np.int64)
    room = sizes - base
    places = count - int(base.sum())
    exact = room * places / max(int(room.sum()), 1)
    whole = np.floor(exact).astype(np.int64)
    rest = places - int(whole.sum())
    remainders = np.argsort(-(exact - whole), kind="stable")
    whole[remainders[:rest]] += 1
    shares: npt.NDArray[np.int64] = base + whole
    return shares
