"""``ragbench generate``: a golden set from documents."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = """Write a golden set from documents, by a language model or without one.

Example: ragbench generate --corpus docs/ --seed-queries seeds.txt --llm openai:gpt-4o-mini
--per-chunk 5 --max-cost 10 --out golden/docs

Without --llm (or with --llm none) sentences of the documents are masked: no
model, no key, no cost. With one, add --dry-run first: it prints calls, tokens
and cost and spends nothing. Interrupted at any moment, the same command goes on
where it was and pays nothing twice. Exit code 0: a set was written; 2: an
error, a spent budget, or no query accepted."""

Many = list[str] | None


def generate(
    corpus: Annotated[Path, typer.Option(help="File or folder of documents, or a file of chunks.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the golden set.")] = None,
    seed_queries: Annotated[Path | None, typer.Option(help="Queries of real users, one a line, to imitate.")] = None,
    llm: Annotated[str, typer.Option(help="provider:model that writes the queries, or none.")] = "none",
    judge: Annotated[str | None, typer.Option(help="Model that judges, or none.  [default: that of --llm]")] = None,
    reconsider: Annotated[str | None, typer.Option(help="Model of second opinion.  [default: the judge]")] = None,
    per_chunk: Annotated[
        int | None, typer.Option(help="Queries per chunk; per document without a model.  [default: 5; 1]")
    ] = None,
    sample: Annotated[int | None, typer.Option(help="Ask about so many chunks that cover the corpus.")] = None,
    mix: Annotated[str | None, typer.Option(help="type=share,... of the query types.")] = None,
    languages: Annotated[str | None, typer.Option(help="ISO 639-1 codes, as in en,de.  [default: en]")] = None,
    examples: Annotated[int | None, typer.Option(help="Seed queries shown per prompt.  [default: 5]")] = None,
    stage: Annotated[Many, typer.Option(help="Review stage, NAME or NAME:key=value,...; in order.")] = None,
    loader: Annotated[str | None, typer.Option(help="Loader of the corpus, if not to be guessed.")] = None,
    chunker: Annotated[str, typer.Option(help="NAME or NAME:key=value,...")] = "auto",
    max_cost: Annotated[float | None, typer.Option(help="The most to spend, all runs in the folder together.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens, in and out together.")] = None,
    prices: Annotated[Path | None, typer.Option(help="YAML file with prices of models.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls in flight at once.")] = 8,
    rpm: Annotated[float | None, typer.Option(help="Requests per minute.")] = None,
    tpm: Annotated[float | None, typer.Option(help="Tokens per minute.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds one call may take.")] = 60.0,
    base_url: Annotated[str | None, typer.Option(help="URL of a server compatible with OpenAI's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print calls, tokens and cost; spend nothing.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run; an error if there is none.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Use a folder that holds something else.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Cache folder of embeddings.  [default: the user's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:  # fmt: skip
    """Write a golden set from documents."""
    from ragbench.cli.generate_tell import say_to, tell, tell_plan
    from ragbench.cli.progress import Progress
    from ragbench.workflows.generate import Options, generate_run, plan_run

    options = Options(
        corpus=corpus, out=out, seed_queries=seed_queries, llm=llm, judge=judge, reconsider=reconsider,
        per_chunk=per_chunk, sample=sample, mix=mix, languages=languages, examples=examples,
        stages=tuple(stage or ()), loader=loader, chunker=chunker, max_cost=max_cost, max_tokens=max_tokens,
        prices=prices, concurrency=concurrency, rpm=rpm, tpm=tpm, timeout=timeout, base_url=base_url,
        dry_run=dry_run, seed=seed, resume=resume, force=force, cache=cache,
    )  # fmt: skip
    say, progress = say_to(as_json), Progress()
    if dry_run:
        tell_plan(options, plan_run(options, say=say, progress=progress), as_json)
        return
    tell(options, generate_run(options, say=say, progress=progress), as_json)


generate.__doc__ = EXAMPLE
