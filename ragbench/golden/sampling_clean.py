"""Chunks not worth a question: boilerplate, and copies of other chunks."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.core.documents import Chunks
from ragbench.core.ledger import LedgerEntry
from ragbench.core.seeds import generator

SHINGLE_WORDS = 4
HASHES, BANDS = 64, 16
"""Sixteen bands of four: a pair at Jaccard .8 is met with probability .9998, one at .3 with .12."""
FEWEST_WORDS = 5
REPEATED_IN = 3
"""A text that stands in so many documents, word for word, is a header, a footer or a licence."""
LETTER_SHARE = 0.4
_WORDS = re.compile(r"\w+")
_MERSENNE = (1 << 61) - 1


def boilerplate(chunks: Chunks) -> list[LedgerEntry]:
    """Chunks that are repeated across documents, navigation or tables of numbers, one entry each."""
    documents: dict[str, set[int]] = {}
    plain = [" ".join(_WORDS.findall(text.lower())) for text in chunks.texts]
    for text, document in zip(plain, chunks.document_index.tolist(), strict=True):
        documents.setdefault(text, set()).add(document)
    entries = []
    for row, text in enumerate(plain):
        if len(documents[text]) >= REPEATED_IN:
            reason = f"the same text stands in {len(documents[text])} documents"
        else:
            reason = _says_little(chunks.texts[row], text)
        if reason:
            entries.append(LedgerEntry("sample", chunks.ids[row], reason, "boilerplate"))
    return entries


def _says_little(text: str, plain: str) -> str:
    """Why nothing can be asked about a text, or nothing; plain is its words."""
    words = plain.split()
    # Chinese and Japanese come as few, long words.
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
    """Later chunks whose word shingles overlap with an earlier chunk's: row -> the row that is kept.

    MinHash finds the candidates, the exact Jaccard similarity of their
    shingles decides. Memory: 512 bytes a chunk and its shingles.

    Args:
        chunks: all chunks.
        rows: which of them to compare, in order of preference.
        least: Jaccard similarity from which a chunk counts as a copy.
        seed: of the hash functions.

    Source: Broder 1997; Leskovec, Rajaraman and Ullman 2014, chapter 3 for the bands.
    """
    rng = generator(seed, "near-duplicates")
    factors = rng.integers(1, _MERSENNE, size=HASHES, dtype=np.uint64) | np.uint64(1)
    offsets = rng.integers(0, _MERSENNE, size=HASHES, dtype=np.uint64)
    shingles: dict[int, npt.NDArray[np.uint64]] = {}
    leaders: dict[tuple[int, bytes], list[int]] = {}
    copies: dict[int, int] = {}
    for row in rows:
        own = _shingles(chunks.texts[row])
        with np.errstate(over="ignore"):
            # Multiplication modulo 2^64 by odd numbers, then the high bits: cheap and even enough.
            sketch = ((own[:, None] * factors + offsets) >> np.uint64(20)).min(axis=0)
        keys = [(band, part.tobytes()) for band, part in enumerate(np.split(sketch, BANDS))]
        met = sorted({other for key in keys for other in leaders.get(key, ())})
        same = next((other for other in met if jaccard(own, shingles[other]) >= least), None)
        if same is not None:
            copies[row] = same
            continue
        shingles[row] = own
        for key in keys:
            leaders.setdefault(key, []).append(row)
    return copies


def _shingles(text: str) -> npt.NDArray[np.uint64]:
    """Sorted distinct hashes of the runs of words of a text; never empty."""
    words = _WORDS.findall(text.lower())
    runs = {" ".join(words[at : at + SHINGLE_WORDS]) for at in range(max(1, len(words) - SHINGLE_WORDS + 1))}
    raw = b"".join(hashlib.blake2b(run.encode(), digest_size=8).digest() for run in sorted(runs))
    return np.unique(np.frombuffer(raw, dtype="<u8").astype(np.uint64))


def jaccard(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]) -> float:
    """Common over all members of two sets, each sorted and without repetition."""
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)
