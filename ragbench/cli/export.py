"""``ragbench export``: a golden set in another format."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    golden: Annotated[Path, typer.Option(help="File or folder of the golden set.")],
    to: Annotated[str, typer.Option(help="native, beir, trec, squad, simple, hf or ragas.")],
    out: Annotated[Path, typer.Option(help="Folder to write, or a file where the format is one file.")],
    golden_format: Annotated[str | None, typer.Option(help="Format to read.  [default: told from the files]")] = None,
    split: Annotated[str | None, typer.Option(help="Which part to read, of BEIR and Hugging Face sets.")] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="The documents: squad and ragas need them, beir writes them too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Write a golden set in another format, and say what that format cannot hold.

    Example: ragbench export --golden golden/ --to beir --out beir/
    """
    import json

    from ragbench.core.ledger import Ledger, first_ten
    from ragbench.io.golden_files import check_writable, read_golden, write_golden

    check_writable(to)
    documents = None
    if corpus is not None:
        from ragbench.corpus.load import load_corpus

        documents = load_corpus(corpus).corpus
    read = read_golden(golden, golden_format, split=split)
    lost = write_golden(read, out, to, split=split or "test", corpus=documents)
    if as_json:
        ledger: Ledger = read.ledger + lost
        print(
            json.dumps(
                {
                    "version": 1,
                    "queries": len(read),
                    "format": to,
                    "out": str(out),
                    "fingerprint": read.fingerprint,
                    "ledger": [entry._asdict() for entry in ledger.entries],
                },
                ensure_ascii=False,
            )
        )
        return
    for code, count in read.ledger.counts().items():
        print(f"left out {count} x {code}: {first_ten(f'{e.item} ({e.reason})' for e in read.ledger.of(code))}")
    for code, count in lost.counts().items():
        print(f"not held {count} x {code}: {first_ten(f'{e.item} ({e.reason})' for e in lost.of(code))}")
    print(f"{len(read)} queries written to {out} ({to})")
