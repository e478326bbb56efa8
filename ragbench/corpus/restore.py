"""Chunks -> the documents they were cut from, as far as the chunks tell."""

from ragbench.core.documents import Chunks, Corpus, Document
from ragbench.core.errors import InputError

_ROOM = 50
_ROOM_FROM = 10_000_000


def restore_documents(chunks: Chunks) -> Corpus:
    """Documents in which ``document.text[start:end] == chunk.text`` holds for every chunk.

    Characters that no chunk covers become blanks, so that offsets, and with
    them the evidence of golden sets, keep their meaning.

    Raises:
        InputError: two chunks say different things about the same characters,
            or the offsets leave out nearly everything.
    """
    lengths = [0] * len(chunks.document_ids)
    members: list[list[int]] = [[] for _ in lengths]
    for row, at in enumerate(chunks.document_index.tolist()):
        members[at].append(row)
        lengths[at] = max(lengths[at], int(chunks.ends[row]))
    written = sum(map(len, chunks.texts))
    if sum(lengths) > _ROOM_FROM + _ROOM * written:
        raise InputError(
            f"the chunks hold {written:,} characters, yet their offsets ask for {sum(lengths):,}; check start and end"
        )
    documents = []
    for at, rows in enumerate(members):
        pieces: list[str] = []
        done = 0
        for row in sorted(rows, key=lambda row: (int(chunks.starts[row]), int(chunks.ends[row]))):
            start, end, text = int(chunks.starts[row]), int(chunks.ends[row]), chunks.texts[row]
            if start > done:
                pieces.append(" " * (start - done))
                done = start
            if end > done:
                pieces.append(text[done - start :])
                done = end
        whole = "".join(pieces)
        for row in rows:
            if not whole.startswith(chunks.texts[row], int(chunks.starts[row])):
                raise InputError(
                    f"chunk {chunks.ids[row]!r} contradicts another chunk of document {chunks.document_ids[at]!r} "
                    "where they overlap; check start and end"
                )
        documents.append(Document(chunks.document_ids[at], whole, chunks.titles[at]))
    return Corpus(tuple(documents))
