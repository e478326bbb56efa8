"""What can be said about how a golden set is to be read, and what one file gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.documents import Corpus


@dataclass(frozen=True)
class ReadOptions:
    """Choices for the formats that have them; each format's file names those it takes.

    Attributes:
        split: which part of a collection (``"test"`` by default where there are parts).
        queries: the file of queries, where labels and queries stand apart and it is not found by its name.
        exclude_source: leave the chunk a query was taken from out of its ranking.
        columns: which column holds what, ``{"query": "question"}``, where the names are not recognised;
            roles are id, query, document, label, chunk, type and answer.
        name: what to call the set.
    """

    split: str | None = None
    queries: Path | None = None
    exclude_source: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True)
class WriteOptions:
    """Choices for writing.

    Attributes:
        split: the name of the part that is written, for formats that have parts.
        corpus: the documents, for formats that hold them too.
    """

    split: str = "test"
    corpus: Corpus | None = None
