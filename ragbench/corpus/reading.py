"""Read one file with its loader, in this process or in one that can be ended (`ragbench.corpus.read_files`)."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ragbench.core.document import Document
from ragbench.core.errors import InputError, RagbenchError
from ragbench.core.foreign import without_surrogates
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders.base import Loader


class Source(NamedTuple):
    """A file or folder to read.

    Attributes:
        path: where it is.
        name: what to call it in ids and messages.
        loader: what reads it.
    """

    path: Path
    name: str
    loader: Loader


class Content(NamedTuple):
    """What a file holds.

    Attributes:
        documents: the documents with a text, in order.
        issues: what was skipped.
        fault: why the file cannot be read, if it cannot.
    """

    documents: list[Document]
    issues: list[LedgerEntry]
    fault: RagbenchError | None = None


def read_items(source: Source) -> Iterator[Document | LedgerEntry]:
    """The documents of a file that have text and can be written, and an issue for everything else.

    Raises:
        InputError: the file cannot be read.
        MissingExtra: its loader needs an optional library.
    """
    try:
        for item in source.loader.load(source.path, source.name):
            if isinstance(item, Document) and not item.text.strip():
                yield LedgerEntry("load", item.id, "the document has no text", "no-text")
            else:
                yield _encodable(item) if isinstance(item, Document) else item
    except (RagbenchError, MemoryError):
        raise
    except RecursionError as error:
        raise InputError(f"{source.name or source.path}: nested too deeply to be read") from error
    # A loader, or a library that it calls, meets a file that its author did not think of.
    except Exception as error:
        raise InputError(f"{source.name or source.path}: cannot be read ({type(error).__name__}: {error})") from error


def _encodable(document: Document) -> Document:
    """Replace lone surrogates (from PDFs and JSON escapes) in a document, because no file can hold them."""
    parts = (document.id, document.text, document.title)
    id_, text, title = map(without_surrogates, parts)
    return document if (id_, text, title) == parts else dataclasses.replace(document, id=id_, text=text, title=title)
