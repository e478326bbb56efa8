"""What comes before a model is asked: check, read, chunk, sample."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.ledger import first_ten
from ragbench.corpus.chunk import choose_chunker, chunk_corpus
from ragbench.corpus.load import load_corpus
from ragbench.golden.generate import STAGES_WITH_LLM, STAGES_WITHOUT, Job, Settings, build_stages
from ragbench.golden.mix import parse_languages, parse_mix
from ragbench.golden.prompts.draft import DRAFT
from ragbench.golden.prompts.judge import JUDGE
from ragbench.golden.prompts.reconsider import RECONSIDER
from ragbench.golden.sampling import sample
from ragbench.golden.seeds_file import check_seeds, read_seeds
from ragbench.golden.stages.base import Stage
from ragbench.golden.struck import WITHOUT_SEEDS
from ragbench.golden.struck_seeds import LEAST_SEEDS
from ragbench.models.llm.roles import Models
from ragbench.tasks.generate.options import Options

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
        say("no language model is named: sentences are struck from the documents instead of writing queries (--llm)")
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
