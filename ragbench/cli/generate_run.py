"""The work behind ``ragbench generate``: check, plan, run, write, tell."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ragbench.cli.progress import Progress
from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.ledger import first_ten
from ragbench.corpus.chunk import choose_chunker, chunk_corpus
from ragbench.corpus.load import load_corpus
from ragbench.golden.generate import (
    STAGES_WITH_LLM,
    STAGES_WITHOUT,
    WRITER,
    Generated,
    Job,
    Settings,
    build_stages,
    generate,
)
from ragbench.golden.generate_plan import plan
from ragbench.golden.mix import parse_languages, parse_mix
from ragbench.golden.outputs import write_outputs
from ragbench.golden.outputs_card import Paid, card
from ragbench.golden.prompts.draft import DRAFT
from ragbench.golden.prompts.judge import JUDGE
from ragbench.golden.prompts.reconsider import RECONSIDER
from ragbench.golden.run_folder import ANSWERS, SPENT, claimed, identity
from ragbench.golden.sampling import sample
from ragbench.golden.seeds_file import check_seeds, read_seeds
from ragbench.golden.stages.base import Stage
from ragbench.io.atomic import write_text
from ragbench.io.cache import cache_folder
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.budget import Budget
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits

NONE = "none"
PER_CHUNK, PER_DOCUMENT, EXAMPLES = 5, 1, 5
Stages = Sequence[tuple[str, Stage]]


@dataclass(frozen=True)
class Options:
    """The options of the command, as given."""

    corpus: Path
    out: Path | None
    seed_queries: Path | None
    llm: str
    judge: str | None
    reconsider: str | None
    per_chunk: int | None
    sample: int | None
    mix: str | None
    languages: str | None
    examples: int | None
    stages: tuple[str, ...]
    loader: str | None
    chunker: str
    max_cost: float | None
    max_tokens: int | None
    prices: Path | None
    concurrency: int
    rpm: float | None
    tpm: float | None
    timeout: float
    base_url: str | None
    dry_run: bool
    seed: int
    resume: bool
    force: bool
    cache: Path | None
    as_json: bool

    @property
    def models(self) -> dict[str, str]:
        """Model names by role; none of them without a writer."""
        if self.llm == NONE:
            for name, given in (("--judge", self.judge), ("--reconsider", self.reconsider)):
                if given not in (None, NONE):
                    raise SettingError(f"{name} needs a model that writes: name one by --llm")
            return {}
        judge = self.judge or self.llm
        named = {WRITER: self.llm, "judge": judge, "reconsider": self.reconsider or judge}
        return {role: name for role, name in named.items() if name != NONE}


class _Prepared(NamedTuple):
    job: Job
    stages: Stages
    left_out: list[str]


def run(options: Options) -> None:
    """Do what the command says.

    Raises:
        RagbenchError: wrong input, a run that cannot go on, or no query accepted.
    """
    say = _say(options.as_json)
    if options.out is None and not options.dry_run:
        raise SettingError("--out is not given: name the folder that the golden set is to be written to")
    if options.seed < 0:
        raise SettingError(f"--seed is {options.seed}; it must be 0 or more")
    context = Context(cache=cache_folder(options.cache), seed=options.seed, progress=Progress())
    # Whatever can be wrong with the words is told before any document is read, and with models before any call.
    settings = _settings(options)
    stages = build_stages(settings.stages, list(options.models), required=bool(options.stages))
    with contextlib.closing(_Models(options)) as models:
        prepared = _prepare(options, settings, stages, context, say)
        if options.dry_run:
            _tell_plan(options, prepared, models, context)
            return
        assert options.out is not None
        job = replace(prepared.job, askers=models.clients)
        known = identity(_identity(options, job, models))
        with claimed(options.out, known, resume=options.resume, force=options.force) as again:
            if again and models.clients:
                say(f"{options.out} holds this run already: going on where it was")
            models.open(options.out / ANSWERS)
            job = replace(job, askers=models.clients)
            try:
                generated = asyncio.run(_generate(job, prepared.stages, context, models))
            finally:
                _write_spent(options.out / SPENT, models)
            document_of = {chunk.id: chunk.document_id for chunk in job.chunks}
            text = card(options.out.resolve().name, job, generated, models.paid(), options.corpus.name)
            golden = write_outputs(options.out, generated, document_of, known, text)
    _tell(options, job, generated, models, prepared.left_out, golden.fingerprint)


def _settings(options: Options) -> Settings:
    with_llm = bool(options.models)
    stages = options.stages or (STAGES_WITH_LLM if with_llm else STAGES_WITHOUT)
    examples = options.examples if options.examples is not None else EXAMPLES
    return Settings(
        per_chunk=options.per_chunk if options.per_chunk is not None else PER_CHUNK if with_llm else PER_DOCUMENT,
        mix=parse_mix(options.mix),
        languages=parse_languages(options.languages),
        examples=examples if options.seed_queries is not None and with_llm else 0,
        stages=stages,
        seed=options.seed,
    )


def _prepare(
    options: Options, settings: Settings, stages: Stages, context: Context, say: Callable[[str], None]
) -> _Prepared:
    choose_chunker(options.chunker, passages=False)
    seeds: tuple[str, ...] = ()
    if options.seed_queries is not None:
        seeds = read_seeds(options.seed_queries)
        check_seeds(options.seed_queries, seeds, settings.examples)
    loaded = load_corpus(options.corpus, options.loader, progress=context.progress)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    chosen = sample(chunked.chunks, count=options.sample, seed=options.seed, context=context)
    ledger = loaded.corpus.ledger + chunked.ledger + chosen.ledger
    left_out = [f"{count} x {code}: {first_ten(e.item for e in ledger.of(code))}"
                for code, count in ledger.counts().items()]  # fmt: skip
    say(f"corpus: {len(loaded.corpus)} documents, {len(chunked.chunks)} chunks (chunker: {chunked.chunker})")
    for line in left_out:
        say(f"left out: {line}")
    say(f"asking about {len(chosen.chunks)} of {len(chunked.chunks)} chunks")
    if not options.models:
        say("no language model is named: sentences are struck from the documents instead of writing queries (--llm)")
    rows = [chunked.chunks.row[id_] for id_ in chosen.chunks.ids]
    job = Job(loaded.corpus, chunked.chunks, rows, seeds, settings, {}, options.models)
    return _Prepared(job, stages, left_out)


def _identity(options: Options, job: Job, models: "_Models") -> dict[str, object]:
    """Everything that decides the set; budgets, limits and paths do not."""
    return {
        "corpus": job.corpus.fingerprint,
        "chunks": job.chunks.fingerprint,
        "asked": [job.chunks.ids[row] for row in job.rows] if len(job.rows) < len(job.chunks) else "all",
        "seed_queries": list(job.seeds),
        "settings": job.settings,
        "models": {role: {"name": name, "fingerprint": models.clients[role].llm.fingerprint()}
                   for role, name in options.models.items()},
        "prompts": {p.label: p.fingerprint for p in (DRAFT, JUDGE, RECONSIDER)} if options.models else {},
    }  # fmt: skip


class _Models:
    """The clients of a run: one per model, whatever roles it has."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.store: AnswerStore | None = None
        self.clients = self._connect(None, Budget(options.max_cost, options.max_tokens))

    def _connect(self, answers: Path | None, budget: Budget) -> dict[str, Client]:
        options = self.options
        limits = Limits(options.concurrency, options.rpm, options.tpm, options.timeout)
        params = {"base_url": options.base_url} if options.base_url else {}
        by_name = {
            name: connect(
                name,
                params=params,
                limits=limits,
                answers=answers,
                budget=budget,
                prices=options.prices,
                seed=options.seed,
            )
            for name in dict.fromkeys(options.models.values())
        }
        return {role: by_name[name] for role, name in options.models.items()}

    def open(self, answers: Path) -> None:
        """Connect the clients to the run's answers; what these took counts against the budget."""
        if not self.clients:
            return
        self.store = AnswerStore(answers)
        paid = self.paid().values()
        tokens = sum(usage.input_tokens + usage.output_tokens for _, usage, _ in paid)
        cost = sum(price.cost(usage) for _, usage, price in paid if price is not None)
        budget = Budget(self.options.max_cost, self.options.max_tokens, cost=cost, tokens=tokens)
        self.clients = self._connect(answers, budget)

    def paid(self) -> Paid:
        """What the folder's answers took, by model."""
        if self.store is None:
            return {}
        return {client.llm.name: (*self.store.paid(client.llm.fingerprint()), client.price)
                for client in self._distinct()}  # fmt: skip

    def _distinct(self) -> Iterator[Client]:
        seen: set[int] = set()
        for client in self.clients.values():
            if id(client) not in seen:
                seen.add(id(client))
                yield client

    async def aclose(self) -> None:
        for client in self._distinct():
            await client.aclose()

    def close(self) -> None:
        if self.store is not None:
            self.store.close()

    def totals(self) -> dict[str, dict[str, object]]:
        """What this run did, by model."""
        return {
            client.llm.name: {
                "calls": client.totals.calls,
                "from_cache": client.totals.cached,
                "retries": client.totals.retries,
                "reasks": client.totals.reasks,
                "given_up": client.totals.given_up,
                "in_doubt": client.totals.in_doubt,
                "input_tokens": client.totals.usage.input_tokens,
                "output_tokens": client.totals.usage.output_tokens,
                "cost": client.totals.cost,
            }
            for client in self._distinct()
        }


async def _generate(job: Job, stages: Stages, context: Context, models: _Models) -> Generated:
    try:
        return await generate(job, stages, context)
    finally:
        await models.aclose()


def _write_spent(path: Path, models: _Models) -> None:
    """What this run and the folder took; the one file that differs between two ways to the same set."""
    if not models.clients:
        return
    folder = {
        name: {"answers": count, "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens,
               "cost": price.cost(usage) if price else None}
        for name, (count, usage, price) in models.paid().items()
    }  # fmt: skip
    # A full disk must not hide the error that ended the run.
    with contextlib.suppress(OSError):
        write_text(path, json.dumps({"last_run": models.totals(), "folder": folder}, indent=2) + "\n")


def _tell_plan(options: Options, prepared: _Prepared, models: _Models, context: Context) -> None:
    from ragbench.models.llm.estimate import Estimate

    if not models.clients:
        print(json.dumps({"version": 1, "roles": {}}) if options.as_json else "no model is called: it costs nothing")
        return
    if options.out is not None and (options.out / ANSWERS).is_file():
        models.open(options.out / ANSWERS)
    estimates = plan(prepared.job, prepared.stages, models.clients, context)
    if options.as_json:
        print(json.dumps({"version": 1, "roles": {role: vars(e) for role, e in estimates.items()}}))
        return
    for role, estimate in estimates.items():
        print(f"{role} ({options.models[role]}){'' if role == WRITER else ', at most'}:")
        for line in estimate.lines():
            print(f"  {line}")
    if len(estimates) > 1:
        print("together, at most:")
        for line in sum(estimates.values(), Estimate()).lines():
            print(f"  {line}")


def _tell(
    options: Options, job: Job, generated: Generated, models: _Models, left_out: list[str], fingerprint: str
) -> None:
    totals = models.totals()
    rejections = generated.rejections()
    if options.as_json:
        told: dict[str, Any] = {
            "version": 1, "out": str(options.out), "fingerprint": fingerprint, "chunks": len(job.rows),
            "drafted": generated.drafted, "accepted": len(generated.accepted),
            "rejected": {stage: {"count": len(why), "reasons": why[:3]} for stage, why in rejections.items()},
            "models": totals, "left_out": left_out,
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return
    for line in lines(generated, totals, rejections):
        print(line)
    print(f"written to {options.out}")


def lines(
    generated: Generated, totals: Mapping[str, Mapping[str, object]], rejections: Mapping[str, list[str]]
) -> list[str]:
    """The final table, in at most 80 columns where names are short."""
    printed: list[str] = []
    for name, done in totals.items():
        cost = done["cost"]
        shown = "cost not known (--prices)" if not isinstance(cost, float) else f"cost {cost:.4f}"
        printed.append(f"{name}: {done['calls']} calls, {done['from_cache']} from the cache, {shown}")
        if done["given_up"]:
            printed.append(f"warning: {done['given_up']} requests got no usable answer; see draft or judge below")
    printed.append(f"drafted   {generated.drafted:>8,}")
    printed.append(f"accepted  {len(generated.accepted):>8,}")
    printed.append(f"rejected  {len(generated.rejected) + len(generated.failed):>8,}")
    for stage, reasons in rejections.items():
        first = " ".join(reasons[0].split())
        printed.append(f"  {stage:<12}{len(reasons):>6,}  {first if len(first) <= 58 else first[:55] + '...'}")
    return printed


def _say(as_json: bool) -> Callable[[str], None]:
    return lambda text: print(text, file=sys.stderr if as_json else sys.stdout, flush=True)
