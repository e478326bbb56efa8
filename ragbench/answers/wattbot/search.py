"""Cut pages into chunks of 1200 characters with an overlap of 200, and find the nearest chunks."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.answers.wattbot.inputs import Page
from ragbench.core.documents import Document
from ragbench.corpus.chunkers.fixed import FixedChunker
from ragbench.io.files import write_text
from ragbench.io.parsing import as_written


@dataclass(frozen=True)
class PageChunk:
    """A piece of one page.

    Attributes:
        id: ``DOCUMENT#pPAGE#NUMBER``.
        document_id: its id in the metadata.
        page: counted from 1.
        text: the text as on the page.
    """

    id: str
    document_id: str
    page: int
    text: str


def cut(pages: Sequence[Page], size: int = 1200, overlap: int = 200) -> list[PageChunk]:
    """Cut all pages into chunks, in order. No chunk crosses the end of a page.

    Raises:
        SettingError: the size is below 1, or the overlap is not below the size.
    """
    chunker = FixedChunker(size, overlap)
    return [
        PageChunk(f"{page.document_id}#p{page.number}#{i}", page.document_id, page.number, page.text[start:end])
        for page in pages
        for i, (start, end) in enumerate(chunker.spans(Document(page.document_id, page.text)))
    ]


def write_page_chunks(chunks: Sequence[PageChunk], path: Path) -> None:
    """Write one JSON object per line."""
    write_text(path, "".join(json.dumps(asdict(chunk)) + "\n" for chunk in chunks))


def read_page_chunks(path: Path) -> list[PageChunk]:
    """Read the file of `write_page_chunks`.

    Raises:
        InputError: something else changed the file.
    """
    with as_written(path, "remove it to cut the pages again"):
        return [PageChunk(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


TOP, LEAST = 8, 0.25
"""Number of chunks that the model sees, and the best cosine below which a question stays unanswered."""


class Found(NamedTuple):
    """The chunks of one question with their cosines, best first."""

    chunks: tuple[PageChunk, ...]
    scores: tuple[float, ...]


def nearest(
    queries: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], chunks: Sequence[PageChunk], top: int = TOP
) -> list[Found]:
    """Find the chunks with the highest cosine to each query. Of equal ones, the earlier comes first.

    Args:
        queries: (q, d) unit vectors.
        vectors: (n, d) unit vectors of the chunks.
        chunks: length n.
        top: number of chunks per query.
    """
    found = []
    for query in queries:
        scores = vectors @ query
        best = np.argsort(-scores, kind="stable")[:top].tolist()
        found.append(Found(tuple(chunks[row] for row in best), tuple(float(scores[row]) for row in best)))
    return found
