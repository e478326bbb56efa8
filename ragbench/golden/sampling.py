"""Choose the chunks to ask about: all useful ones, or a sample that covers the corpus.

Boilerplate and near-duplicates of other chunks are skipped before the sample is drawn.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ragbench import plugins
from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.engine import embed

SHINGLE_WORDS = 4
HASHES, BANDS = 64, 16
"""Sixteen bands of four hashes find a pair with Jaccard similarity .8 with probability .9998, and one with .3 with
.12."""
SHINGLES_KEPT = 1024
"""Chunks whose shingles are held in memory."""
FEWEST_WORDS = 5
REPEATED_IN = 3
"""A text that occurs word for word in this many documents is a header, a footer or a licence."""
LETTER_SHARE = 0.4
_WORDS = re.compile(r"\w+")
_MERSENNE = (1 << 61) - 1


def boilerplate(chunks: Chunks) -> list[LedgerEntry]:
    """Find chunks that repeat across documents, navigation menus and tables of numbers. Each gets one entry."""
    # Digests stand for the texts, because a second copy of all texts takes much memory.
    digests = np.fromiter((_digest(_plain(text)) for text in chunks.texts), np.uint64, len(chunks))
    texts, text_of = np.unique(digests, return_inverse=True)
    pairs = np.unique(text_of * len(chunks.document_ids) + chunks.document_index)
    documents = np.bincount(pairs // len(chunks.document_ids), minlength=len(texts))[text_of].tolist()
    entries = []
    for row, text in enumerate(chunks.texts):
        if documents[row] >= REPEATED_IN:
            reason = f"the same text stands in {documents[row]} documents"
        else:
            reason = _says_little(text, _plain(text))
        if reason:
            entries.append(LedgerEntry("sample", chunks.ids[row], reason, "boilerplate"))
    return entries


def _plain(text: str) -> str:
    """The words of a text in lower case, with single spaces."""
    return " ".join(_WORDS.findall(text.lower()))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _says_little(text: str, plain: str) -> str:
    """Say why a text is not worth a question; empty if it is. ``plain`` has the words of the text."""
    words = plain.split()
    # Splitting Chinese or Japanese at spaces gives few, long words.
    if len(words) < FEWEST_WORDS and len(plain) < FEWEST_WORDS * 8:
        return f"it has {len(words)} words"
    solid = "".join(text.split())
    if sum(map(str.isalpha, solid)) < LETTER_SHARE * len(solid):
        return "most of it is no letters"
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 5 and len(words) < 4 * len(lines) and not any(line.rstrip()[-1] in ".!?。" for line in lines):
        return "it is short lines without a sentence, as menus are"
    return ""


def near_duplicates(chunks: Chunks, rows: Sequence[int], *, least: float = 0.8, seed: int = 0) -> dict[int, int]:
    """Find chunks whose word shingles overlap with an earlier chunk's. The result maps a row to the row that is kept.

    MinHash finds the candidates, and the exact Jaccard similarity of their shingles decides. Memory: 128 bytes per
    chunk, and some for each chunk that may have a copy.

    Args:
        chunks: all chunks.
        rows: the rows to compare, in order of preference.
        least: the least Jaccard similarity at which a chunk counts as a copy.
        seed: seed of the hash functions.

    Source: Broder 1997; Leskovec, Rajaraman and Ullman 2014, chapter 3 for the bands.
    """

    @lru_cache(SHINGLES_KEPT)
    def shingles(row: int) -> npt.NDArray[np.uint64]:
        return _shingles(chunks.texts[row])

    groups_of = _sharing(chunks, rows, seed)
    kept: dict[int, list[int]] = {}
    copies: dict[int, int] = {}
    for at, row in enumerate(rows):
        groups = groups_of.get(at, ())
        met = sorted({other for group in groups for other in kept.get(group, ())})
        same = next((other for other in met if jaccard(shingles(row), shingles(other)) >= least), None)
        if same is not None:
            copies[row] = same
            continue
        for group in groups:
            kept.setdefault(group, []).append(row)
    return copies


def _sharing(chunks: Chunks, rows: Sequence[int], seed: int) -> dict[int, list[int]]:
    """The groups of each place in ``rows``. The chunks of a group have the hashes of one band in common; a place that
    shares none is not in it.
    """
    rng = generator(seed, "near-duplicates")
    factors = rng.integers(1, _MERSENNE, size=HASHES, dtype=np.uint64) | np.uint64(1)
    offsets = rng.integers(0, _MERSENNE, size=HASHES, dtype=np.uint64)
    bands = np.empty((BANDS, len(rows)), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for at, row in enumerate(rows):
            own = _shingles(chunks.texts[row])
            # Multiplying by odd numbers modulo 2^64 and keeping the high bits is cheap and uniform enough.
            sketch = ((own[:, None] * factors + offsets) >> np.uint64(20)).min(axis=0).reshape(BANDS, -1)
            # One number for each band. If two are equal by chance, the shingles still differ.
            bands[:, at] = (sketch * factors[: sketch.shape[1]]).sum(axis=1)
    found: dict[int, list[int]] = {}
    groups = 0
    for keys in bands:
        order = np.argsort(keys, kind="stable")
        edges = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]], append=~keys[order[-1:]]))
        shared = np.flatnonzero(np.diff(edges) > 1)
        for low, high in zip(edges[shared].tolist(), edges[shared + 1].tolist(), strict=True):
            for at in order[low:high].tolist():
                found.setdefault(at, []).append(groups)
            groups += 1
    return found


def _shingles(text: str) -> npt.NDArray[np.uint64]:
    """Return the sorted distinct hashes of a text's word shingles; never empty."""
    words = _WORDS.findall(text.lower())
    runs = {" ".join(words[at : at + SHINGLE_WORDS]) for at in range(max(1, len(words) - SHINGLE_WORDS + 1))}
    raw = b"".join(hashlib.blake2b(run.encode(), digest_size=8).digest() for run in sorted(runs))
    return np.unique(np.frombuffer(raw, dtype="<u8").astype(np.uint64))


def jaccard(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]) -> float:
    """Jaccard similarity of two sets, each sorted and without repetition."""
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)


MOST_EMBEDDED = 20_000
"""From a larger corpus, this many chunks are drawn at random before topics are found."""
MOST_TOPICS, CHUNKS_A_TOPIC = 50, 20
LENGTHS = 3


@dataclass(frozen=True)
class Sample:
    """A sample of chunks.

    Attributes:
        chunks: the chosen chunks, in the order of the corpus.
        strata: the numbers of useful and of chosen chunks, by stratum ("topic 3, length 2 of 3").
        ledger: chunks that were skipped as boilerplate or near-duplicates. Chunks that were only not drawn are not
            listed.
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
    """Choose all useful chunks, or ``count`` of them spread over topics, lengths and documents.

    Topics are k-means clusters of embeddings. Every topic and every third of the lengths contributes its share (largest
    remainders). Within a stratum, documents that contributed least come first.

    Args:
        chunks: the corpus.
        count: how many; None, or more than there are, takes all.
        seed: seed of all draws and of the clusters.
        embedder: spec of the embedder for the topics; unused if all chunks are taken.
        context: cache for embeddings, and progress.

    Raises:
        SettingError: ``count`` is below 1, or the embedder is unknown.
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
    """Select chunks by row; ids and offsets stay as they are."""
    documents, first, index = np.unique(chunks.document_index[rows], return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return Chunks(
        ids=[chunks.ids[row] for row in rows.tolist()],
        texts=[chunks.texts[row] for row in rows.tolist()],
        document_ids=[chunks.document_ids[at] for at in documents[order].tolist()],
        document_index=place[index],
        starts=chunks.starts[rows],
        ends=chunks.ends[rows],
        titles=[chunks.titles[at] for at in documents[order].tolist()],
    )


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
    # Small strata come first, because they have the least choice of documents.
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
    """Divide ``count`` among strata: each gets its share rounded down, and the rest goes to the largest remainders.

    If there are at least as many places as strata, every stratum gets one first, so that small topics take part.

    Args:
        sizes: (s,) members per stratum, above 0.
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
