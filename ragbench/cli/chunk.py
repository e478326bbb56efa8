"""``ragbench chunk``: documents cut into chunks, written as Parquet or JSON lines."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ragbench.core.documents import Chunks
    from ragbench.core.ledger import Ledger

EXAMPLE = """Load documents, cut them into chunks and write these to a file.

Example: ragbench chunk --corpus docs/ --chunker recursive:size=800,overlap=100 --out chunks.parquet

The file can be given to other commands as their corpus. Without --out the
numbers are printed and nothing is written."""

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)


def chunk(
    corpus: Annotated[Path, typer.Option(help="File or folder of documents.")],
    loader: Annotated[str | None, typer.Option(help="NAME or NAME:key=value,...  [default: by ending]")] = None,
    chunker: Annotated[str, typer.Option(help="NAME or NAME:key=value,...; auto leaves table rows whole.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="File to write, .parquet or .jsonl.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:  # fmt: skip
    """Cut documents into chunks."""
    import json

    from ragbench.cli.progress import Progress
    from ragbench.corpus.chunk import choose_chunker, chunk_corpus
    from ragbench.corpus.load import load_corpus
    from ragbench.io.chunk_files import check_chunk_ending, write_chunks

    if out is not None:
        check_chunk_ending(out)
    # A wrong setting shows before the documents are read.
    choose_chunker(chunker, passages=False)
    progress = Progress()
    loaded = load_corpus(corpus, loader, progress=progress)
    chunked = chunk_corpus(loaded, chunker, progress=progress)
    if out is not None:
        write_chunks(chunked.chunks, out)
    ledger = loaded.corpus.ledger + chunked.ledger
    found = facts(chunked.chunks, len(loaded.corpus), chunked.chunker, ledger)
    if as_json:
        print(json.dumps({**found, "out": str(out) if out else None}, ensure_ascii=False))
        return
    for line in lines(found, ledger):
        print(line)
    if out is not None:
        print(f"written to {out}")


chunk.__doc__ = EXAMPLE


def facts(chunks: "Chunks", documents: int, chunker: str, ledger: "Ledger") -> dict[str, object]:
    """What ``--json`` prints: counts, the lengths of chunks in characters, and the ledger."""
    import numpy as np

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
        "ledger": [entry._asdict() for entry in ledger.entries],
    }


def lines(found: dict[str, object], ledger: "Ledger") -> list[str]:
    """The same for people; of each kind of skipped item, the first ten."""
    from ragbench.core.ledger import first_ten

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
