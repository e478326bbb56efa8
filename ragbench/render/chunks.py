"""The counts and lengths of chunks, as JSON and as lines of text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ragbench.core.ledger import first_ten

if TYPE_CHECKING:
    from ragbench.core.documents import Chunks
    from ragbench.core.ledger import Ledger

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)


def chunks_json(chunks: "Chunks", documents: int, chunker: str, ledger: "Ledger") -> dict[str, object]:
    """The numbers of documents and chunks, the lengths of chunks in characters, and the issue log."""
    lengths = chunks.ends - chunks.starts
    quantiles = np.quantile(lengths, QUANTILES, method="inverted_cdf")
    return {
        "version": 1,
        "documents": documents,
        "chunks": len(chunks),
        "chunker": chunker,
        "characters": {
            "mean": round(float(lengths.mean()), 1),
            **{f"p{round(100 * share)}": int(value) for share, value in zip(QUANTILES, quantiles, strict=True)},
        },
        "fingerprint": chunks.fingerprint,
        "ledger": ledger.rows(),
    }


def chunks_lines(found: Mapping[str, object], ledger: "Ledger") -> list[str]:
    """The same as text, with the first ten items of each code of the issue log.

    Args:
        found: what `chunks_json` gave.
        ledger: what was skipped.
    """
    lengths = found["characters"]
    assert isinstance(lengths, dict)
    printed = [
        f"documents   {found['documents']:>10,}",
        f"chunks      {found['chunks']:>10,}   chunker {found['chunker']}",
        "characters  " + "  ".join(f"{name} {value:,}" for name, value in lengths.items()),
    ]
    for code, count in ledger.counts().items():
        items = first_ten(f"{entry.item} ({entry.reason})" for entry in ledger.of(code))
        printed.append(f"skipped     {count:>10,}   {code}: {items}")
    return printed
