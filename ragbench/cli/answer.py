"""``ragbench answer``: what a RAG system says to the questions of a golden set."""

from pathlib import Path
from typing import Annotated

import typer

from ragbench.cli.output import Output

EXAMPLE = """Answer the questions of a golden set from documents, or take in answers made elsewhere.

Example: ragbench answer --corpus docs/ --golden golden/docs --retriever hybrid
--llm openai:gpt-4o-mini --k 5 --max-cost 10 --out answers/run1

With --endpoint URL, a running RAG service is asked instead (see
docs/reference/answers-http.md), and times to the first and the last piece are kept. With
--answers FILE, answers of another system (JSON Lines, CSV, Parquet) are
brought into the same form. Add --dry-run first: it searches, prints calls,
tokens and cost, and spends nothing. Interrupted at any moment, the same command
goes on where it was and pays nothing twice. Exit code 0: the answers were
written (a failed query is counted and in ledger.jsonl); 2: an error, or a spent
budget."""


def answer(
    out: Annotated[Path | None, typer.Option(help="Folder for the answers.")] = None,
    corpus: Annotated[Path | None, typer.Option(help="File or folder of documents, or a file of chunks.")] = None,
    golden: Annotated[Path | None, typer.Option(help="Golden set whose queries are asked.")] = None,
    questions: Annotated[Path | None, typer.Option(help="Questions instead: one a line, or a table.")] = None,
    answers: Annotated[Path | None, typer.Option(help="Take in answers made elsewhere; nothing is asked.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Ask a RAG service at this URL instead of a model.")] = None,
    header_env: Annotated[str | None, typer.Option(help="Header=VARIABLE,... for keys of --endpoint.")] = None,
    columns: Annotated[str | None, typer.Option(help="role=NAME,... of the columns of --answers.")] = None,
    retriever: Annotated[str, typer.Option(help="NAME or NAME:key=value,...")] = "hybrid",
    llm: Annotated[str | None, typer.Option(help="provider:model that answers.")] = None,
    k: Annotated[int, typer.Option("--k", help="Passages shown to the model.")] = 5,
    min_score: Annotated[float | None, typer.Option(help="Abstain where the best score is below it.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Free text instead of a JSON object.")] = False,
    max_answer_tokens: Annotated[int, typer.Option(help="The most tokens of one answer.")] = 512,
    loader: Annotated[str | None, typer.Option(help="Loader of the corpus, if not to be guessed.")] = None,
    chunker: Annotated[str, typer.Option(help="NAME or NAME:key=value,...")] = "auto",
    name: Annotated[str | None, typer.Option(help="What to call the system.  [default: the folder's name]")] = None,
    max_cost: Annotated[float | None, typer.Option(help="The most to spend, all runs in the folder together.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens, in and out together.")] = None,
    prices: Annotated[Path | None, typer.Option(help="YAML file with prices of models.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls in flight at once.")] = 8,
    rpm: Annotated[float | None, typer.Option(help="Requests per minute.")] = None,
    tpm: Annotated[float | None, typer.Option(help="Tokens per minute.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds one call may take.")] = 60.0,
    base_url: Annotated[str | None, typer.Option(help="URL of a server compatible with OpenAI's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print calls, tokens and cost; spend nothing.")] = False,
    seed: Annotated[int, typer.Option(help="Seed, passed on to the model.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run; an error if there is none.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Use a folder that holds something else.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Cache folder of embeddings.  [default: the user's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:  # fmt: skip
    """Answer questions from documents."""
    from ragbench.answers.answering import AnswerSettings
    from ragbench.cli.answer_tell import tell, tell_plan
    from ragbench.cli.progress import Progress
    from ragbench.models.llm.roles import CallOptions, ModelOptions
    from ragbench.workflows.answer import Options, answer_run, plan_run

    asking = ModelOptions(
        {"answer": llm} if llm else {},
        CallOptions(
            base_url=base_url,
            max_cost=max_cost,
            max_tokens=max_tokens,
            prices=prices,
            concurrency=concurrency,
            rpm=rpm,
            tpm=tpm,
            timeout=timeout,
        ),
        seed,
    )
    options = Options(
        out=out, corpus=corpus, golden=golden, questions=questions, answers=answers, endpoint=endpoint,
        header_env=header_env, columns=columns,
        retriever=retriever, loader=loader, chunker=chunker, name=name, dry_run=dry_run, resume=resume,
        force=force, cache=cache, asking=asking,
        settings=AnswerSettings(k, min_score, plain, max_answer_tokens, seed),
    )  # fmt: skip
    progress = Progress()
    if dry_run:
        tell_plan(plan_run(options, progress=progress), as_json)
        return
    tell(options, answer_run(options, say=Output(as_json).say, progress=progress), as_json)


answer.__doc__ = EXAMPLE
