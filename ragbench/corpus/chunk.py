"""A corpus -> chunks."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ragbench import plugins
from ragbench.core.context import Progress, silent
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.corpus.chunkers.base import Chunker
from ragbench.corpus.load import Loaded

AUTO = "auto"
USUAL = "recursive:join_titles=true"
"""What ``auto`` cuts documents by."""
READY = "ready"
_STEP = 512


class Chunked(NamedTuple):
    """Chunks, and the documents that gave none.

    Attributes:
        chunks: the chunks of all documents.
        ledger: an entry for each document without a chunk.
        chunker: how the chunker is written; ``ready`` where the input was a file of chunks.
    """

    chunks: Chunks
    ledger: Ledger
    chunker: str


class Chosen(NamedTuple):
    """A chunker, and how it is written: ``whole`` or `USUAL` for an ``auto`` that chose it."""

    chunker: Chunker
    written: str


def choose_chunker(written: str | Mapping[str, object] | plugins.Spec = AUTO, *, passages: bool) -> Chosen:
    """The chunker behind a spec; ``auto`` leaves passages whole and cuts all else by `USUAL`.

    Args:
        written: a spec, or ``auto``.
        passages: whether the corpus is cut into passages already (`ragbench.corpus.load.Loaded`).

    Raises:
        SettingError: no such chunker, or it has no such setting.
    """
    spec = plugins.Spec.parse(written)
    if spec.name == AUTO:
        if spec.settings:
            raise SettingError(f"{spec.written!r}: auto has no settings; name a chunker (recursive:size=800)")
        spec = plugins.Spec.parse("whole" if passages else USUAL)
    return Chosen(plugins.build(plugins.CHUNKERS, spec), spec.written)


def chunk_corpus(
    loaded: Loaded, written: str | Mapping[str, object] | plugins.Spec = AUTO, *, progress: Progress | None = None
) -> Chunked:
    """The chunks of what `ragbench.corpus.load.load_corpus` read.

    Raises:
        InputError: no document gave a chunk.
        SettingError: no such chunker, a wrong setting, or the input is chunks already and a chunker was named.
    """
    if loaded.chunks is not None:
        if plugins.Spec.parse(written).name != AUTO:
            raise SettingError(f"the corpus is a file of ready chunks; leave out the chunker {written!r}")
        return Chunked(loaded.chunks, Ledger(), READY)
    chosen = choose_chunker(written, passages=loaded.passages)
    chunks, ledger = chunk(loaded.corpus, chosen.chunker, progress=progress)
    return Chunked(chunks, ledger, chosen.written)


def chunk(corpus: Corpus, chunker: Chunker, *, progress: Progress | None = None) -> tuple[Chunks, Ledger]:
    """Cut every document, in order.

    Chunk ids are ``document#0``, ``document#1``, ...; a chunker that leaves
    documents whole gives the chunk the document's own id.

    Returns:
        The chunks, and an issue log of the documents that gave none.

    Raises:
        InputError: no document gave a chunk.
        SettingError: the chunker broke its contract (a span that is blank, out of the text or out of order).
    """
    ids: list[str] = []
    texts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    counts: list[int] = []
    empty: list[LedgerEntry] = []
    with (progress or silent)("Chunking", len(corpus)) as advance:
        for done, document in enumerate(corpus, 1):
            spans = chunker.spans(document)
            text, id_ = document.text, document.id
            _check(spans, text, id_, chunker)
            ids += [id_] if chunker.whole and spans else [f"{id_}#{i}" for i in range(len(spans))]
            texts += [text[start:end] for start, end in spans]
            starts += [start for start, _ in spans]
            ends += [end for _, end in spans]
            counts.append(len(spans))
            if not spans:
                empty.append(LedgerEntry("chunk", id_, "the document gave no chunk: it has no text", "no-chunk"))
            if done % _STEP == 0:
                advance(_STEP)
        advance(len(corpus) % _STEP)
    kept = [document for document, count in zip(corpus, counts, strict=True) if count]
    present = np.array([count for count in counts if count], dtype=np.int64)
    chunks = Chunks(
        ids=ids,
        texts=texts,
        document_ids=[document.id for document in kept],
        document_index=np.repeat(np.arange(len(kept), dtype=np.int32), present),
        starts=np.array(starts, dtype=np.int64),
        ends=np.array(ends, dtype=np.int64),
        titles=[document.title for document in kept],
        ledger=corpus.ledger + empty,
        metadata=[document.metadata for document in kept],
    )
    return chunks, Ledger(tuple(empty))


def _check(spans: list[tuple[int, int]], text: str, id_: str, chunker: Chunker) -> None:
    """Chunkers come from third parties too; a wrong span would give wrong relevance labels."""
    before = (-1, -1)
    for span in spans:
        start, end = span
        if not 0 <= start < end <= len(text) or span <= before or text[start:end].isspace():
            fault = f"span {span} after {before} in document {id_!r} of {len(text)} characters"
            raise SettingError(f"chunker {type(chunker).__name__} returned a bad span: {fault}")
        before = span
    if chunker.whole and len(spans) > 1:
        raise SettingError(f"chunker {type(chunker).__name__} leaves documents whole, yet cut {id_!r}")
