"""Write a golden set from documents, by a language model or by masking sentences."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import issue_lines
from ragbench.core.loop import run_anywhere
from ragbench.core.options import named, option, options, pairs, part
from ragbench.core.spelling import given
from ragbench.corpus.chunk import choose_chunker, chunk_corpus
from ragbench.engines.model_workers import calls_through
from ragbench.golden.drafting import read_seeds
from ragbench.golden.generate import (
    STAGES_WITH_LLM,
    STAGES_WITHOUT,
    USUAL_PERSONAS,
    WRITER,
    Generated,
    Job,
    Settings,
    build_stages,
    generate,
    plan,
    plan_personas,
    propose_personas,
)
from ragbench.golden.lead import LEAST_SEEDS
from ragbench.golden.masked import WITHOUT_SEEDS
from ragbench.golden.outputs import PERSONAS_FILE, RESULTS, Written, WrittenSet, card, write_outputs
from ragbench.golden.personas import PERSONAS, PROPOSE, personas_yaml, read_personas
from ragbench.golden.sampling import sample
from ragbench.golden.stages.base import Stage
from ragbench.golden.wanted import SEEDS, mix_of_seeds, parse_languages, parse_mix
from ragbench.golden.wordings import WORDINGS, parse_wordings, shares_of
from ragbench.golden.writer import USUAL, Writer, read_prompt
from ragbench.io.files import write_text
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import ANSWERS, SPENT, claimed, identity
from ragbench.models.llm.batch.journal import Journal
from ragbench.models.llm.costs import Estimate
from ragbench.models.llm.roles import CallOptions, ModelOptions, Models, write_spent
from ragbench.workflows.groups import CacheFolder, CorpusReading, DryRun, RunFolder, WorkerChoice
from ragbench.workflows.reading import read_corpus

NONE = "none"
JUDGE, RECONSIDER = "judge", "reconsider"


@options
class SetOptions(CorpusReading, CallOptions, RunFolder, DryRun, CacheFolder):
    """The options of a golden set, for ``generate`` and for batches. None means that the default depends on others."""

    corpus: Path | Corpus = option("File or folder of documents, or a file of chunks.", section="Input")
    out: Path | None = option(
        "Folder for the golden set, its card, the rejected queries and the answers of the models.", default=None,
        section="Output", writes="folder",
    )  # fmt: skip
    format: Literal["native", "simple"] = option(
        "Format of the golden set; simple has one JSON object a line with query, relevant_product_id and "
        "source_chunk_id, and a card beside it with the rest.", default="native", section="Output",
    )  # fmt: skip
    seed_queries: Path | None = option(
        "Text file with queries of real users, one per line. Generated queries imitate them.", default=None,
        section="Input",
    )  # fmt: skip
    llm: str = option(
        "Model that writes the queries, PROVIDER:MODEL. Without one, parts of the documents are masked and become the "
        "queries.", default=NONE, section="Model",
    )  # fmt: skip
    judge: str | None = option(
        "Model that judges the queries, or none.", default=None, section="Model", unset="the model of --llm"
    )
    reconsider: str | None = option(
        "Model that reviews what the judge doubted or rejected, or none.", default=None, section="Model",
        unset="the judge's model",
    )  # fmt: skip
    role: Mapping[str, str] | None = option(
        "Models of review stages by role, ROLE=MODEL,...", default=None, section="Model", metavar="ROLE=MODEL,...",
        unset="the judge's model", parse=lambda text: pairs(named("role"), text, "ROLE=MODEL"),
    )  # fmt: skip
    about: str | None = option(
        "What the collection is and who searches it, in a sentence or two, for the prompts of writer and judges.",
        default=None, section="Queries", metavar="TEXT",
    )  # fmt: skip
    prompt: Path | None = option(
        "Text file with a prompt of your own for the writer. It has the placeholders {context} and {n}, and may have "
        "{examples}, {wanted} and {about}.", default=None, section="Queries", unset="ragbench's prompt",
    )  # fmt: skip
    personas: str | None = option(
        f"YAML file with the kinds of people who ask, or {PROPOSE}: the model proposes them from a sample of the "
        "documents.", default=None, section="Queries", metavar=f"FILE|{PROPOSE}", unset="nobody in particular",
    )  # fmt: skip
    per_chunk: int | None = option(
        "Queries for each chunk. Without a model, for each document.", default=None, section="Queries",
        unset="5; without a model, at least 140 of each wording if there are enough documents",
    )  # fmt: skip
    wordings: Mapping[str, float] | None = option(
        f"Wordings of the queries, NAME,... or NAME=SHARE,...: {', '.join(WORDINGS)}.", default=None,
        section="Queries", metavar="NAME[=SHARE],...", unset="all, in equal shares", parse=parse_wordings,
    )  # fmt: skip
    sample: int | None = option(
        "Use only this number of chunks, chosen to cover the corpus.", default=None, section="Queries",
        unset="all chunks",
    )  # fmt: skip
    mix: str | None = option(
        "Shares of the query types, TYPE=SHARE,..., or seeds for those of the seed queries.", default=None,
        section="Queries", metavar="TYPE=SHARE,...", unset="a mix of all types",
    )  # fmt: skip
    languages: str | None = option(
        "Languages of the queries as ISO 639-1 codes, such as en,de.", default=None, section="Queries", unset="en"
    )
    examples: int | None = option(
        "Seed queries shown in each prompt.", default=None, section="Queries", unset="5 if there are seed queries"
    )
    stages: Sequence[str] = option(
        "Review stage, NAME or NAME:key=value,...; stages run in this order.", default=(), section="Review",
        flag="--stage", unset="the stages in docs/guides/generate.md",
    )  # fmt: skip
    seed: int = option("Seed of all random draws.", default=0, section="Run")

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SettingError(f"{named('seed')} is {self.seed}; it must be 0 or more")
        if self.sample is not None and self.sample < 1:
            raise SettingError(f"is {self.sample}; it must be at least 1", option="sample")
        if self.wordings is not None:
            shares_of(self.wordings)
        if self.mix == SEEDS and self.seed_queries is None:
            raise SettingError(f"{given('mix', SEEDS)} needs {named('seed_queries')}")
        if not self.asks:
            for name in (JUDGE, RECONSIDER, "role", "about", "prompt", "personas"):
                if getattr(self, name) not in (None, NONE):
                    raise SettingError(f"{named(name)} needs a model that writes: name one by {named('llm')}")

    @property
    def asks(self) -> bool:
        """Whether a language model writes the queries."""
        return self.llm != NONE

    @property
    def folder(self) -> Path:
        """The folder of the run.

        Raises:
            SettingError: no folder is given.
        """
        if self.out is None:
            raise SettingError(f"{named('out')} is not given: name the folder for the golden set")
        return self.out

    @property
    def source(self) -> str:
        """What the card calls the documents."""
        return self.corpus.name if isinstance(self.corpus, Path) else "corpus"


@options
class Options(SetOptions, WorkerChoice):
    """The options of ``ragbench generate`` and `ragbench.generate`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.engine_settings.name != "local" and not self.asks:
            raise SettingError(
                f"is ray, but its workers have no language model to call: name one by {named('llm')}", option="engine"
            )


PER_CHUNK, EXAMPLES = 5, 5
Stages = Sequence[tuple[str, Stage]]


@brief
@dataclass(frozen=True)
class Plan:
    """The estimate of a dry run.

    Attributes:
        models: the models by role; none where sentences are masked.
        estimates: calls, tokens and cost by role. Those of reviewers are upper bounds.
    """

    models: Mapping[str, str]
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True)
class GenerateResult:
    """The result of a run.

    Attributes:
        written: the set, as it was written.
        generated: every draft with its review.
        chunks: how many chunks were used.
        totals: calls, tokens and cost of this run, by model.
        skipped: what was skipped in the corpus, one line per reason.
    """

    written: WrittenSet
    generated: Generated
    chunks: int
    totals: Mapping[str, Mapping[str, object]]
    skipped: Sequence[str]

    @property
    def golden(self) -> GoldenSet:
        """The set in memory."""
        return self.written.golden


class Choices(NamedTuple):
    """What the options say, checked before any document is read.

    Attributes:
        settings: what decides the set.
        stages: the review stages.
        models: the language models.
        writer: how the writer is asked.
        propose: whether it proposes the personas.
    """

    settings: Settings
    stages: Stages
    models: ModelOptions
    writer: Writer = USUAL
    propose: bool = False


def choose(options: SetOptions) -> Choices:
    """Check the options and build the stages.

    Raises:
        SettingError: an option that cannot be used.
        InputError: the prompt or the personas cannot be read.
    """
    if not options.dry_run:
        _ = options.folder
    with_llm = options.asks
    writer = _writer(options)
    examples = options.examples if options.examples is not None else EXAMPLES
    if not writer.shows_examples:
        if options.examples:
            raise SettingError(f"{given('examples', options.examples)} needs {{examples}} in {options.prompt}")
        examples = 0
    settings = Settings(
        per_chunk=PER_CHUNK if options.per_chunk is None and with_llm else options.per_chunk,
        mix=parse_mix(options.mix) if writer.lists else {"question": 1.0},
        languages=parse_languages(options.languages),
        examples=examples if options.seed_queries is not None and with_llm else 0,
        stages=tuple(options.stages) or (STAGES_WITH_LLM if with_llm else STAGES_WITHOUT),
        wordings=shares_of(options.wordings or dict.fromkeys(WORDINGS, 1.0)),
        seed=options.seed,
    )
    stages = build_stages(settings.stages)
    models = _models(options, stages)
    for name, stage in stages:
        if stage.role is not None and stage.role not in models and options.stages:
            own = stage.role in (JUDGE, RECONSIDER)
            spelled = named(stage.role) if own else f"{named('role')} {stage.role}=MODEL"
            raise SettingError(f"the stage {name!r} needs a language model: name one by {spelled}")
    usable = [(name, stage) for name, stage in stages if stage.role is None or stage.role in models]
    models_of_run = ModelOptions(models, part(options, CallOptions), options.seed)
    return Choices(settings, usable, models_of_run, writer, propose=options.personas == PROPOSE)


def _writer(options: SetOptions) -> Writer:
    """How the writer is asked.

    Raises:
        SettingError: the prompt has no place for an option that is given.
        InputError: the prompt or the personas cannot be read.
    """
    prompt = USUAL.prompt if options.prompt is None else read_prompt(options.prompt)
    named_in_file = options.personas is not None and options.personas != PROPOSE
    personas = read_personas(Path(str(options.personas))) if named_in_file else ()
    writer = Writer(prompt, " ".join((options.about or "").split()), personas)
    if not writer.lists:
        for name in ("mix", "wordings", "personas"):
            if getattr(options, name) is not None:
                raise SettingError(
                    f"{named(name)} needs {{wanted}} in {options.prompt}: the list of what to write for a chunk"
                )
    if writer.own and writer.about and "{about}" not in prompt.template:
        raise SettingError(f"{named('about')} needs {{about}} in {options.prompt}")
    return writer


def _models(options: SetOptions, stages: Stages) -> dict[str, str]:
    """The writer's model, and one for each role of the stages."""
    if not options.asks:
        return {}
    judge = options.judge or options.llm
    given = {JUDGE: options.judge, RECONSIDER: options.reconsider}
    roles = {stage.role: None for _, stage in stages if stage.role is not None}
    for role in options.role or {}:
        if role not in roles:
            known = ", ".join(roles) or "none of the stages asks a model"
            raise SettingError(f"{named('role')}: no stage has the role {role!r}; there are: {known}")
        if given.get(role) is not None:
            raise SettingError(f"{named('role')}: {role} is given by {named(role)} as well; give one of them")
    chosen = {WRITER: options.llm}
    for role in roles:
        chosen[role] = (options.role or {}).get(role) or given.get(role) or judge
    return {role: name for role, name in chosen.items() if name != NONE}


class Prepared(NamedTuple):
    """The job, its review stages, what was skipped in the corpus (one line per reason), and whether the writer proposes
    the personas.
    """

    job: Job
    stages: Stages
    skipped: list[str]
    propose: bool = False


def prepare(options: SetOptions, choices: Choices, context: Context) -> Prepared:
    """Read and chunk the corpus, choose the chunks to use, and report what was skipped.

    Raises:
        InputError: the corpus or the seed queries cannot be used.
    """
    settings, models = choices.settings, choices.models.models
    choose_chunker(options.chunker, passages=False)
    seeds: tuple[str, ...] = ()
    if options.seed_queries is not None:
        seeds = read_seeds(options.seed_queries)
        if len(seeds) < settings.examples:
            wanted = given("examples", settings.examples)
            context.say(f"{options.seed_queries}: {len(seeds)} seed queries, not {wanted}; every prompt shows them all")
            settings = replace(settings, examples=len(seeds))
        if options.mix == SEEDS:
            settings = replace(settings, mix=mix_of_seeds(options.seed_queries, seeds))
            context.say(
                f"mix of the seed queries: {', '.join(f'{n} {share:.2f}' for n, share in settings.mix.items())}"
            )
    loaded = read_corpus(options.corpus, options, context)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    chosen = sample(chunked.chunks, count=options.sample, seed=options.seed, context=context)
    ledger = loaded.corpus.ledger + chunked.ledger + chosen.ledger
    skipped = issue_lines(ledger.entries, items=10)
    context.say(f"corpus: {len(loaded.corpus)} documents, {len(chunked.chunks)} chunks (chunker: {chunked.chunker})")
    for line in skipped:
        context.say(f"skipped: {line}")
    context.say(f"using {len(chosen.chunks)} of {len(chunked.chunks)} chunks")
    if not models:
        context.say(
            f"no language model is named ({named('llm')}): parts of the documents are masked and become the queries"
        )
    if len(seeds) < LEAST_SEEDS and len(settings.wordings) > 1 and choices.writer.lists:
        context.say(f"note: {WITHOUT_SEEDS} ({named('seed_queries')})")
    rows = [chunked.chunks.row[id_] for id_ in chosen.chunks.ids]
    job = Job(loaded.corpus, chunked.chunks, rows, seeds, settings, {}, models, choices.writer)
    return Prepared(job, choices.stages, skipped, choices.propose)


def parts_of(prepared: Prepared, models: Models) -> dict[str, object]:
    """Everything that decides the set. Budgets, limits and paths do not."""
    job = prepared.job
    writer = job.writer
    prompts = (
        writer.prompt,
        *([PERSONAS] if prepared.propose else []),
        *(prompt for _, stage in prepared.stages for prompt in stage.prompts),
    )
    # Only what is given, so that a run without it is the one that an older version began.
    asked = {"about": writer.about, "personas": PROPOSE if prepared.propose else writer.personas}
    return {
        "corpus": job.corpus.fingerprint,
        "chunks": job.chunks.fingerprint,
        "asked": [job.chunks.ids[row] for row in job.rows] if len(job.rows) < len(job.chunks) else "all",
        "seed_queries": list(job.seeds),
        "settings": job.settings,
        "models": {role: {"name": name, "fingerprint": models.clients[role].llm.fingerprint()}
                   for role, name in job.models.items()},
        "prompts": {prompt.label: prompt.fingerprint for prompt in prompts} if job.models else {},
        **{name: value for name, value in asked.items() if value},
    }  # fmt: skip


def run(options: Options, context: Context) -> GenerateResult | Plan:
    """Write a golden set from documents into a folder, or continue an interrupted run.

    An interrupted call continues where it was when you repeat it, and each answer is paid for once.

    Returns:
        The golden set. With ``dry_run``, the estimate of calls, tokens and cost.

    Raises:
        SettingError: an option that cannot be used.
        InputError: the documents cannot be read, the folder holds something else, or no query was accepted.

    Examples:
        >>> golden = rb.generate("datasets/shop/product_catalog.csv", "golden/shop")
        corpus: 166 documents, 166 chunks (chunker: whole)
        ...
        >>> golden.items[0].type
        'masked-sentence'
    """
    choices = choose(options)
    context = context_of(options, context)
    with contextlib.closing(Models(choices.models)) as models:
        prepared = prepare(options, choices, context)
        if options.dry_run:
            return estimated(options, prepared, models, context)
        out = options.folder
        identified = identity("generate", parts_of(prepared, models))
        with claimed(out, identified, RESULTS, resume=options.resume, force=options.force) as again:
            if again and models.clients:
                context.say(f"{out} already holds this run: continuing it")
            _refuse_while_batches_run(options)
            with calls_through(options.engine_settings) as through:
                models.open(out / ANSWERS, context.say, through)
                job = replace(prepared.job, askers=models.clients)
                try:
                    job, generated = run_anywhere(written_by(job, prepared, out, context, models))
                finally:
                    write_spent(out / SPENT, models)
            written = write(options, job, generated, models, identified)
        return GenerateResult(written, generated, len(job.rows), models.totals(), prepared.skipped)


def estimated(options: SetOptions, prepared: Prepared, models: Models, context: Context) -> Plan:
    """Estimate calls, tokens and cost by role. Answers in the folder count as stored."""
    if not models.clients:
        return Plan({}, {})
    if options.out is not None and (options.out / ANSWERS).is_file():
        models.open(options.out / ANSWERS)
    job = replace(prepared.job, askers=models.clients)
    if not prepared.propose:
        return Plan(job.models, plan(job, prepared.stages, models.clients, context))
    proposal = plan_personas(job, models.clients[WRITER])
    personas = run_anywhere(propose_personas(job, context)) if proposal.cached else USUAL_PERSONAS
    job = replace(job, writer=replace(job.writer, personas=personas))
    found = plan(job, prepared.stages, models.clients, context)
    return Plan(job.models, {**found, WRITER: found[WRITER] + proposal})


def context_of(options: SetOptions, context: Context) -> Context:
    """The context of the run."""
    return replace(context, cache=cache_folder(options.cache), seed=options.seed)


def write(
    options: SetOptions, job: Job, generated: Generated, models: Models, identified: Mapping[str, object]
) -> WrittenSet:
    """Write the results of the run into its folder.

    Raises:
        InputError: no query was accepted, or the disk is full.
    """
    document_of = {chunk.id: chunk.document_id for chunk in job.chunks}
    text = card(options.folder.resolve().name, job, generated, models.paid(), options.source)
    chunker = None
    if job.corpus.ready is None:
        chunker = choose_chunker(options.chunker, passages=job.corpus.passages).written
    how = Written(options.format, job.chunks, chunker)
    return write_outputs(options.folder, generated, document_of, identified, text, how)


def _refuse_while_batches_run(options: SetOptions) -> None:
    waiting = sum(batch.lines for batch in Journal.read(options.folder).under_way())
    if waiting and not options.force:
        raise InputError(
            f"{options.out}: {waiting} requests are under way in batches, and would be paid for twice. "
            f"Get their answers first (ragbench batch fetch {options.out}), or use {named('force')} to ask anyway"
        )


async def written_by(
    job: Job, prepared: Prepared, folder: Path, context: Context, models: Models
) -> tuple[Job, Generated]:
    """Have the personas proposed where that is asked for, show them, and generate.

    Returns:
        The job with its personas, and the result.
    """
    try:
        if prepared.propose:
            personas = await propose_personas(job, context)
            job = replace(job, writer=replace(job.writer, personas=personas))
            model = job.models[WRITER]
            write_text(folder / PERSONAS_FILE, personas_yaml(personas, model))
            context.say(f"personas proposed by {model}, also in {folder / PERSONAS_FILE}:")
            for one in personas:
                context.say(f"  {one.name} ({one.share:.0%}): {one.description}")
        return job, await generate(job, prepared.stages, context)
    finally:
        await models.aclose()
