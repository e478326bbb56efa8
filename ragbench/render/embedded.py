"""Vectors of a corpus that were written, as JSON and as lines of text."""

from typing import TYPE_CHECKING

from ragbench.core.ledger import issue_lines
from ragbench.render.numbers import counted

if TYPE_CHECKING:
    from ragbench.engines.embed_stage import EmbeddedCorpus

VERSION = 1


def embedded_json(done: "EmbeddedCorpus") -> dict[str, object]:
    """The counts, the columns, and what was skipped."""
    return {
        "version": VERSION,
        "out": str(done.out),
        "rows": done.rows,
        "parts": done.parts,
        "parts_found": done.found,
        "dimensions": done.dimensions,
        "model": done.model,
        "columns": dict(done.columns),
        "rows_without_text": done.without_text,
        "array": None if done.array is None else str(done.array),
        "seconds": round(done.seconds, 3),
        "ledger": done.ledger.rows(),
    }


def embedded_lines(done: "EmbeddedCorpus") -> list[str]:
    """The same as text, with the first ten items of each code of the issue log."""
    again = f"; {done.found:,} of them had been written before" if done.found else ""
    array = [] if done.array is None else [f"wrote all vectors to {done.array}"]
    return [
        *(f"skipped: {line}" for line in issue_lines(done.ledger.entries, items=10)),
        f"embedded {counted(done.rows, 'row')} in {done.seconds:.1f} s (embedder: {done.model}, {done.dimensions} "
        f"numbers in column {done.columns['vector']!r})",
        f"wrote {counted(done.parts, 'part')} to {done.out}{again}",
        *array,
    ]
