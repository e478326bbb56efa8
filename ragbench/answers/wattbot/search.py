"""Pages -> chunks of 1200 characters that share 200 with the next, kept as JSON lines."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.answers.wattbot.inputs import Page
from ragbench.core.documents import Document
from ragbench.core.errors import InputError
from ragbench.corpus.chunkers.fixed import FixedChunker
from ragbench.io.files import write_text


@dataclass(frozen=True)
class PageChunk:
    """A piece of one page.

    Attributes:
        id: ``DOCUMENT#pPAGE#NUMBER``.
        document_id: id in the metadata.
        page: counted from 1.
        text: as it stands on the page.
    """

    id: str
    document_id: str
    page: int
    text: str


def cut(pages: Sequence[Page], size: int = 1200, overlap: int = 200) -> list[PageChunk]:
    """The chunks of all pages, in order; none goes over the end of a page.

    Raises:
        SettingError: a size below 1, or an overlap that is not below it.
    """
    chunker = FixedChunker(size, overlap)
    return [
        PageChunk(f"{page.document_id}#p{page.number}#{i}", page.document_id, page.number, page.text[start:end])
        for page in pages
        for i, (start, end) in enumerate(chunker.spans(Document(page.document_id, page.text)))
    ]


def write_page_chunks(chunks: Sequence[PageChunk], path: Path) -> None:
    """One JSON object a line."""
    write_text(path, "".join(json.dumps(asdict(chunk)) + "\n" for chunk in chunks))


def read_page_chunks(path: Path) -> list[PageChunk]:
    """What `write_page_chunks` wrote.

    Raises:
        InputError: the file was changed by something else.
    """
    try:
        return [PageChunk(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: is no file of chunks ({error}); remove it to cut the pages again") from error


TOP, LEAST = 8, 0.25
"""Chunks shown to the model, and the cosine of the best one under which the question is left unanswered."""


class Found(NamedTuple):
    """What was found for one question: chunks with their cosine, best first."""

    chunks: tuple[PageChunk, ...]
    scores: tuple[float, ...]


def nearest(
    queries: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], chunks: Sequence[PageChunk], top: int = TOP
) -> list[Found]:
    """The chunks with the highest cosine to each query; of equal ones the earlier.

    Args:
        queries: (q, d) unit vectors.
        vectors: (n, d) unit vectors of the chunks.
        chunks: length n.
        top: how many.
    """
    found = []
    for query in queries:
        scores = vectors @ query
        best = np.argsort(-scores, kind="stable")[:top].tolist()
        found.append(Found(tuple(chunks[row] for row in best), tuple(float(scores[row]) for row in best)))
    return found
