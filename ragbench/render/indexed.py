"""A collection of a vector database that was written, as JSON and as lines of text."""

from typing import TYPE_CHECKING

from ragbench.core.ledger import issue_lines

if TYPE_CHECKING:
    from ragbench.retrievers._vector_database import Indexed

VERSION = 1


def indexed_json(found: "Indexed") -> dict[str, object]:
    """The counts, the spec that searches the collection, and what was skipped."""
    return {
        "version": VERSION,
        "place": found.place,
        "collection": found.collection,
        "documents": found.documents,
        "items": found.items,
        "fields": list(found.fields),
        "model": found.model,
        "seconds": round(found.seconds, 3),
        "retriever": found.retriever,
        "ledger": found.ledger.rows(),
    }


def indexed_lines(found: "Indexed") -> list[str]:
    """The same as text, with the first ten items of each code of the issue log."""
    return [
        *(f"skipped: {line}" for line in issue_lines(found.ledger.entries, items=10)),
        f"wrote {found.items:,} chunks of {found.documents:,} documents into {found.collection!r} of {found.place} "
        f"in {found.seconds:.1f} s (embedder: {found.model})",
        *([f"metadata for filters: {', '.join(found.fields)}"] if found.fields else []),
        f'search it with --retriever "{found.retriever}"',
    ]
