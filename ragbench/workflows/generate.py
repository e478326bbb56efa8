"""What a run of generate is asked for."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ragbench.core.context import Context, Progress
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import first_ten
from ragbench.core.loop import run_anywhere
from ragbench.corpus.chunk import choose_chunker, chunk_corpus
from ragbench.corpus.load import load_corpus
from ragbench.golden.drafting import DRAFT, check_seeds, parse_languages, parse_mix, read_seeds
from ragbench.golden.generate import (
    STAGES_WITH_LLM,
    STAGES_WITHOUT,
    WRITER,
    Generated,
    Job,
    Settings,
    build_stages,
    generate,
    plan,
)
from ragbench.golden.masked import LEAST_SEEDS, WITHOUT_SEEDS
from ragbench.golden.outputs import RESULTS, card, write_outputs
from ragbench.golden.sampling import sample
from ragbench.golden.stages.base import Stage
from ragbench.golden.stages.judge import JUDGE
from ragbench.golden.stages.reconsider import RECONSIDER
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import ANSWERS, SPENT, claimed, identity
from ragbench.models.llm.batch.journal import Journal
from ragbench.models.llm.costs import Estimate
from ragbench.models.llm.roles import CallOptions, ModelOptions, Models, write_spent

NONE = "none"


@dataclass(frozen=True)
class Options:
    """The options of ``ragbench generate``; None where the default depends on others."""

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

    @property
    def folder(self) -> Path:
        """The folder of the run.

        Raises:
            SettingError: none is named.
        """
        if self.out is None:
            raise SettingError("--out is not given: name the folder that the golden set is to be written to")
        return self.out

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

    @property
    def asking(self) -> ModelOptions:
        """What they say of language models."""
        return ModelOptions(
            self.models,
            CallOptions(
                base_url=self.base_url, max_cost=self.max_cost, max_tokens=self.max_tokens, prices=self.prices,
                concurrency=self.concurrency, rpm=self.rpm, tpm=self.tpm, timeout=self.timeout,
            ),
            self.seed,
        )  # fmt: skip


PER_CHUNK, PER_DOCUMENT, EXAMPLES = 5, 1, 5
Stages = Sequence[tuple[str, Stage]]


class Prepared(NamedTuple):
    """The job, its review stages, and lines that tell what of the corpus was left out."""

    job: Job
    stages: Stages
    left_out: list[str]


def checked(options: Options) -> tuple[Settings, Stages]:
    """Settings and stages: whatever can be wrong with the words is told before any document is read.

    Raises:
        SettingError: an option that cannot be used.
    """
    if not options.dry_run:
        _ = options.folder
    if options.seed < 0:
        raise SettingError(f"--seed is {options.seed}; it must be 0 or more")
    settings = _settings(options)
    return settings, build_stages(settings.stages, list(options.models), required=bool(options.stages))


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


def prepare(
    options: Options, settings: Settings, stages: Stages, context: Context, say: Callable[[str], None]
) -> Prepared:
    """Read and chunk the corpus, choose the chunks to ask about, and say what was left out.

    Raises:
        InputError: the corpus or the seed queries cannot be used.
    """
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
        say("no language model is named (--llm): sentences of the documents are masked and become the queries")
        if len(seeds) < LEAST_SEEDS:
            say(f"warning: {WITHOUT_SEEDS} (--seed-queries FILE)")
    rows = [chunked.chunks.row[id_] for id_ in chosen.chunks.ids]
    job = Job(loaded.corpus, chunked.chunks, rows, seeds, settings, {}, options.models)
    return Prepared(job, stages, left_out)


def parts_of(options: Options, job: Job, models: Models) -> dict[str, object]:
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


class Made(NamedTuple):
    """What a run made.

    Attributes:
        golden: the set, as it stands in the folder.
        generated: every draft and what became of it.
        chunks: how many were asked about.
        totals: what this run did, by model.
        left_out: lines that tell what of the corpus was left out.
    """

    golden: GoldenSet
    generated: Generated
    chunks: int
    totals: Mapping[str, Mapping[str, object]]
    left_out: list[str]


def generate_run(options: Options, *, say: Callable[[str], None], progress: Progress) -> Made:
    """Write the golden set of the options into their folder, or go on where an interrupted run was.

    Args:
        options: what is asked for.
        say: takes lines that tell how it goes.
        progress: of what takes long.

    Raises:
        RagbenchError: wrong input, a run that cannot go on, or no query accepted.
    """
    settings, stages = checked(options)
    context = context_of(options, progress)
    with contextlib.closing(Models(options.asking)) as models:
        prepared = prepare(options, settings, stages, context, say)
        out = options.folder
        known = identity("generate", parts_of(options, prepared.job, models))
        with claimed(out, known, RESULTS, resume=options.resume, force=options.force) as again:
            if again and models.clients:
                say(f"{out} holds this run already: going on where it was")
            models.open(out / ANSWERS)
            _refuse_while_batches_run(options)
            job = replace(prepared.job, askers=models.clients)
            try:
                generated = run_anywhere(_generate(job, prepared.stages, context, models))
            finally:
                write_spent(out / SPENT, models)
            golden = write(options, job, generated, models, known)
        return Made(golden, generated, len(job.rows), models.totals(), prepared.left_out)


def plan_run(options: Options, *, say: Callable[[str], None], progress: Progress) -> dict[str, Estimate]:
    """Calls, tokens and cost by role, before anything is asked; what the folder's answers cover counts as cached.

    Raises:
        RagbenchError: wrong input.
    """
    settings, stages = checked(options)
    context = context_of(options, progress)
    with contextlib.closing(Models(options.asking)) as models:
        return estimates(options, prepare(options, settings, stages, context, say), models, context)


def estimates(options: Options, prepared: Prepared, models: Models, context: Context) -> dict[str, Estimate]:
    """As `plan_run`, for what is prepared."""
    if not models.clients:
        return {}
    if options.out is not None and (options.out / ANSWERS).is_file():
        models.open(options.out / ANSWERS)
    return plan(prepared.job, prepared.stages, models.clients, context)


def context_of(options: Options, progress: Progress) -> Context:
    """Where the run works."""
    return Context(cache=cache_folder(options.cache), seed=options.seed, progress=progress)


def write(options: Options, job: Job, generated: Generated, models: Models, known: Mapping[str, object]) -> GoldenSet:
    """Write what came of the run into its folder.

    Raises:
        InputError: nothing was accepted, or the disk is full.
    """
    document_of = {chunk.id: chunk.document_id for chunk in job.chunks}
    text = card(options.folder.resolve().name, job, generated, models.paid(), options.corpus.name)
    return write_outputs(options.folder, generated, document_of, known, text)


def _refuse_while_batches_run(options: Options) -> None:
    waiting = sum(batch.lines for batch in Journal.read(options.folder).under_way())
    if waiting and not options.force:
        raise InputError(
            f"{options.out}: {waiting} requests are under way in batches, and would be paid for twice. "
            f"Get their answers first (ragbench batch fetch {options.out}), or write --force to ask all the same"
        )


async def _generate(job: Job, stages: Stages, context: Context, models: Models) -> Generated:
    try:
        return await generate(job, stages, context)
    finally:
        await models.aclose()
