"""``ragbench wattbot run``: from reports and questions to a submission."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

HELP = """Answer WattBot questions from PDFs, with a language model.

Example: ragbench wattbot run --metadata datasets/energy_ai/metadata.csv --documents datasets/energy_ai/pdf
--questions datasets/energy_ai/test_Q.csv --llm openai:gpt-4o-mini --max-cost 1 --out runs/energy

Stages: chunks, embeddings, answers; --until ends after one of them (chunks and
embeddings need no model). Add --dry-run to see calls and cost and spend nothing.
Interrupted at any moment, the same command goes on where it was and pays nothing
twice. Exit code 0: the stage is done; 2: an error or a spent budget."""

STAGES = ("chunks", "embeddings", "answers")
NONE = "none"


def run(
    metadata: Annotated[Path, typer.Option(help="metadata.csv: id, url, title of each document.")],
    documents: Annotated[Path, typer.Option(help="Folder of ID.pdf, or of extracted ID_chunks.json.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    questions: Annotated[Path | None, typer.Option(help="CSV file with id and question.")] = None,
    llm: Annotated[str, typer.Option(help="provider:model that answers, or none.")] = NONE,
    until: Annotated[str, typer.Option(help="Last stage: chunks, embeddings or answers.")] = "answers",
    embedder: Annotated[str, typer.Option(help="NAME or NAME:key=value,...")] = "minilm",
    top: Annotated[int, typer.Option(help="Chunks shown to the model.")] = 8,
    min_score: Annotated[float, typer.Option(help="Cosine of the best chunk to ask at all.")] = 0.25,
    answer_tokens: Annotated[int, typer.Option(help="The most tokens of one reply.")] = 512,
    max_cost: Annotated[float | None, typer.Option(help="The most to spend, all runs in the folder together.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens, in and out together.")] = None,
    prices: Annotated[Path | None, typer.Option(help="YAML file with prices of models.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls in flight at once.")] = 8,
    timeout: Annotated[float, typer.Option(help="Seconds one call may take.")] = 60.0,
    base_url: Annotated[str | None, typer.Option(help="URL of a server compatible with OpenAI's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print calls, tokens and cost; ask nothing.")] = False,
    seed: Annotated[int, typer.Option(help="Passed on to the model.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Use a folder that holds something else.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Cache folder of embeddings.  [default: the user's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Answer WattBot questions from PDFs."""
    from ragbench import plugins
    from ragbench.answers.wattbot.inputs import read_metadata, read_questions
    from ragbench.answers.wattbot.run import RESULTS, Sources, chunk_stage, embedding_stage
    from ragbench.cli.progress import Progress
    from ragbench.core.context import Context
    from ragbench.io.places import cache_folder
    from ragbench.io.run_folder import claimed, identity
    from ragbench.models.llm.roles import CallOptions, ModelOptions, Models

    _check(until, questions, llm, top, answer_tokens)
    asked = read_questions(questions) if questions is not None and until == "answers" else []
    known = read_metadata(metadata)
    model = plugins.build(plugins.EMBEDDERS, embedder)
    sources = Sources.of(documents, known)
    parts = {"documents": sources.hashes(), "metadata": known.ids, "embedder": model.fingerprint()}
    context = Context(cache=cache_folder(cache), seed=seed, progress=Progress())
    named = {"answer": llm} if until == "answers" else {}
    options = ModelOptions(
        named,
        CallOptions(
            base_url=base_url, concurrency=concurrency, timeout=timeout, max_cost=max_cost, max_tokens=max_tokens,
            prices=prices,
        ),
        seed,
    )  # fmt: skip
    told: dict[str, Any] = {"version": 1, "out": str(out), "documents": len(sources.files)}
    with (
        contextlib.closing(Models(options)) as models,
        claimed(out, identity("wattbot", parts), RESULTS, resume=False, force=force),
    ):
        chunks, ledger = chunk_stage(sources, out)
        told["chunks"] = len(chunks)
        if until != "chunks":
            vectors = embedding_stage(chunks, model, out, context)
            told["dimensions"] = int(vectors.shape[1])
        if until == "answers":
            plan = _Plan(asked, top, min_score, answer_tokens, seed, dry_run)
            told |= _answers(plan, known.urls, (chunks, vectors, model), models, out, context, ledger)
    told["left_out"] = ledger.counts()
    _tell(told, as_json)


run.__doc__ = HELP


class _Plan:
    """What is asked, and how."""

    def __init__(self, questions: list[Any], top: int, least: float, tokens: int, seed: int, dry: bool) -> None:
        self.questions, self.top, self.least = questions, top, least
        self.tokens, self.seed, self.dry = tokens, seed, dry


def _check(until: str, questions: Path | None, llm: str, top: int, tokens: int) -> None:
    from ragbench.core.errors import SettingError, did_you_mean

    if until not in STAGES:
        raise SettingError(f"--until {until!r}: there is no such stage{did_you_mean(until, STAGES)}")
    if min(top, tokens) < 1:
        raise SettingError(f"--top is {top} and --answer-tokens is {tokens}; both must be at least 1")
    if until == "answers" and questions is None:
        raise SettingError("--questions is not given: name the file of questions, or end with --until embeddings")
    if until == "answers" and llm == NONE:
        raise SettingError(
            "answers need a language model: name one by --llm, or end with --until embeddings "
            "(ragbench wattbot score needs none)"
        )


def _answers(
    plan: _Plan, urls: Any, index: tuple[Any, Any, Any], models: Any, out: Path, context: Any, ledger: Any
) -> dict[str, Any]:
    from ragbench.answers.wattbot.estimate import estimate_phases
    from ragbench.answers.wattbot.run import (
        LEDGER,
        SOLUTIONS,
        answer_requests,
        answer_stages,
        search_stage,
        write_ledger,
    )
    from ragbench.answers.wattbot.solutions import write_solutions
    from ragbench.io.run_folder import ANSWERS, SPENT
    from ragbench.models.llm.roles import write_spent

    chunks, vectors, embedder = index
    found = search_stage(plan.questions, chunks, vectors, embedder, plan.top)
    requests = answer_requests(plan.questions, found, least=plan.least, seed=plan.seed, max_tokens=plan.tokens)
    if not plan.dry or (out / ANSWERS).is_file():
        models.open(out / ANSWERS)
    client = models.clients["answer"]
    if plan.dry:
        phases = asyncio.run(
            estimate_phases(plan.questions, found, requests, client, models.store, max_tokens=plan.tokens)
        )
        return {
            "questions": len(plan.questions),
            "estimate": vars(phases["answer"] + phases["explain"]),
            "phases": {name: vars(phase) for name, phase in phases.items()},
        }

    async def ask() -> Any:
        try:
            return await answer_stages(plan.questions, found, requests, client, context, max_tokens=plan.tokens)
        finally:
            await models.aclose()

    try:
        solutions, faults = asyncio.run(ask())
    finally:
        write_spent(out / SPENT, models)
    write_solutions(solutions, urls, out / SOLUTIONS)
    write_ledger(ledger + faults, out / LEDGER)
    return {
        "questions": len(solutions),
        "blank": sum(one.is_blank for one in solutions),
        "faults": faults.counts(),
        "models": models.totals(),
        "solutions": str(out / SOLUTIONS),
    }


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    from ragbench.models.llm.costs import Estimate

    print(f"{told['documents']} documents, {told['chunks']} chunks in {told['out']}")
    for code, count in told["left_out"].items():
        print(f"left out: {count} x {code} (pages_ledger.jsonl)", file=sys.stderr)
    if "estimate" in told:
        phases = {name: Estimate(**phase) for name, phase in told["phases"].items()}
        print(f"{told['questions']} questions, before repairs at most {phases['answer'].calls:,} calls to answer and "
              f"{phases['explain'].calls:,} to explain:")  # fmt: skip
        for line in Estimate(**told["estimate"]).lines():
            print(f"  {line}")
    elif "questions" in told:
        print(f"{told['questions']} questions, {told['blank']} left blank; written to {told['solutions']}")
        for code, count in told["faults"].items():
            print(f"note: {count} x {code} (ledger.jsonl)")
        for name, done in told["models"].items():
            print(f"{name}: {done['calls']} calls, {done['from_cache']} from the cache")
