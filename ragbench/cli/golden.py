"""``ragbench golden``: what to do with a golden set once it is written."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Audit a golden set, have people review it, write its corpus."
)
review = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="A sample for people, and their decisions back.")
app.add_typer(review, name="review")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Golden = Annotated[Path, typer.Option(help="Golden set: a file or a folder.")]
Corpus = Annotated[Path, typer.Option(help="File or folder of documents, or a file of chunks.")]
Format = Annotated[str | None, typer.Option(help="Format of the golden set, if not to be guessed.")]
Loader = Annotated[str | None, typer.Option(help="Loader of the corpus, if not to be guessed.")]
Chunker = Annotated[str, typer.Option(help="NAME or NAME:key=value,...")]
Rejected = Annotated[
    Path | None, typer.Option(help="File of the judge's rejects.  [default: rejected.jsonl in the set's folder]")
]
Many = list[str] | None


@app.command("audit")
def audit_command(
    golden: Golden,
    corpus: Corpus,
    other: Annotated[Path | None, typer.Option(help="Another set: look for its queries in this one.")] = None,
    human: Annotated[Path | None, typer.Option(help="People's queries with labels: measures validity.")] = None,
    llm: Annotated[str | None, typer.Option(help="provider:model that grades what nobody judged.")] = None,
    models: Annotated[str | None, typer.Option(help="writer=...,judge=...,reranker=... of the set.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for audit.json and the set with graded labels.")] = None,
    retriever: Annotated[Many, typer.Option(help="NAME or NAME:key=value,...  [default: bm25, dense, hybrid]")] = None,
    depth: Annotated[int, typer.Option(help="How far down unjudged items are looked for.")] = 10,
    language: Annotated[str, typer.Option(help="Language of the queries, as in english, german.")] = "english",
    max_cost: Annotated[float | None, typer.Option(help="The most to spend.")] = None,
    prices: Annotated[Path | None, typer.Option(help="YAML file with prices of models.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls in flight at once.")] = 8,
    base_url: Annotated[str | None, typer.Option(help="URL of a server compatible with OpenAI's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what grading takes; spend nothing.")] = False,
    chunker: Chunker = "auto",
    loader: Loader = None,
    golden_format: Format = None,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Look for what makes a golden set misleading, and say what to do.

    Example: ragbench golden audit --golden datasets/shop --corpus datasets/shop/product_catalog.csv

    Exit code 0: no finding of severity error; 1: at least one; 2: an error of usage or input.
    """
    from ragbench.cli.golden_audit import Options, run

    run(
        Options(
            golden=golden, corpus=corpus, other=other, human=human, llm=llm, models=models, out=out,
            retrievers=tuple(retriever or ()), depth=depth, language=language, max_cost=max_cost, prices=prices,
            concurrency=concurrency, base_url=base_url, dry_run=dry_run, chunker=chunker, loader=loader,
            golden_format=golden_format, seed=seed, cache=cache, as_json=as_json,
        )
    )  # fmt: skip


@review.command("export")
def export_command(
    golden: Golden,
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    sample: Annotated[int, typer.Option(help="How many queries.")] = 50,
    rejected: Rejected = None,
    chunker: Chunker = "auto",
    loader: Loader = None,
    golden_format: Format = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write a sample of queries into a table that people fill in.

    Example: ragbench golden review export --golden golden/shop --corpus shop.csv --sample 50 --out review.csv

    Columns to fill: decision (accept, edit or reject), edited_text, grade (0 to 3, may stay blank), comment.
    """
    from ragbench.cli.golden_review import export

    export(golden, corpus, out, sample, rejected, chunker, loader, golden_format, seed, as_json)


@review.command("import")
def import_command(
    decisions: Annotated[Path, typer.Option(help="The filled table.")],
    golden: Golden,
    out: Annotated[Path, typer.Option(help="Folder for the reviewed set.")],
    rejected: Rejected = None,
    reviewer: Annotated[str | None, typer.Option(help="Who decided, for the history.")] = None,
    golden_format: Format = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Carry people's decisions out, and compare them with the judge's.

    Example: ragbench golden review import --decisions review.csv --golden golden/shop --out golden/shop-reviewed

    Rejected queries go, with their history, into rejected_by_people.jsonl.
    """
    from ragbench.cli.golden_review import import_decisions

    import_decisions(decisions, golden, out, rejected, reviewer, golden_format, as_json)


@app.command("corpus")
def corpus_command(
    golden: Golden,
    corpus: Corpus,
    out: Annotated[Path, typer.Option(help="Folder for corpus.jsonl and the set that belongs to it.")],
    loader: Loader = None,
    golden_format: Format = None,
    as_json: AsJson = False,
) -> None:
    """Write a copy of the corpus without the text that the set masks, and the set that belongs to it.

    Example: ragbench golden corpus --golden golden/shop --corpus shop.csv --out golden/shop-masked
    """
    import json

    from ragbench.cli.progress import Progress
    from ragbench.core.ledger import first_ten
    from ragbench.corpus.load import load_corpus
    from ragbench.golden.masked_corpus import CORPUS, GOLDEN, write_without
    from ragbench.io.golden_files import read_golden

    wanted = read_golden(golden, golden_format)
    loaded = load_corpus(corpus, loader, progress=Progress())
    written = write_without(loaded.corpus, wanted, out)
    ledger = written.corpus.ledger + written.golden.ledger
    if as_json:
        facts = {
            "version": 1,
            "documents": len(written.corpus),
            "queries": len(written.golden),
            "corpus": str(out / CORPUS),
            "golden": str(out / GOLDEN),
            "ledger": [entry._asdict() for entry in ledger.entries],
        }
        print(json.dumps(facts, ensure_ascii=False))
        return
    for code, count in ledger.counts().items():
        print(f"{count} x {code}: {first_ten(f'{e.item} ({e.reason})' for e in ledger.of(code))}")
    print(f"{len(written.corpus)} documents without masked text written to {out / CORPUS}")
    print(f"{len(written.golden)} queries written to {out / GOLDEN}")
