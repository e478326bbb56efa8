"""Audit a golden set: look for what makes it misleading, and say what to do about it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.loop import run_anywhere
from ragbench.core.options import named, option, options, part
from ragbench.corpus.chunk import AUTO, choose_chunker, chunk_corpus
from ragbench.golden.audit.audit import Audit, AuditSettings, audit
from ragbench.golden.audit.retrieval import Retrieved, check_retrievers
from ragbench.golden.audit.siblings import (
    Candidate,
    GradingPlan,
    SiblingGrades,
    grade_requests,
    grade_siblings,
    with_grades,
)
from ragbench.golden.validity import validity
from ragbench.io.files import write_json
from ragbench.io.golden_files import write_golden
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import working_in
from ragbench.models.llm.client import Client
from ragbench.models.llm.roles import CallOptions
from ragbench.workflows.groups import CacheFolder, CorpusReading, DryRun, GoldenReading
from ragbench.workflows.reading import read_corpus, read_set

AUDIT, GRADED = "audit.json", "golden"
ANSWERS = "audit-answers.sqlite"
NO_MODEL = "none"


@options
class Options(DryRun, CacheFolder, CallOptions, AuditSettings, GoldenReading, CorpusReading):
    """The options of ``ragbench golden audit`` and `ragbench.audit`."""

    golden: Path | GoldenSet = option("Golden set: a file or a folder.", section="Input")
    corpus: Path | Corpus = option(
        "File or folder of documents, or a file of chunks. It must still have the text that queries mask.",
        section="Input",
    )
    other: Path | GoldenSet | None = option(
        "Another golden set, to look for near-duplicates of the queries.", default=None, section="Input"
    )
    human: Path | GoldenSet | None = option(
        "Human queries with labels, which measure the validity of the set.", default=None, section="Input"
    )
    llm: str | None = option(
        "Model that grades unjudged items, provider:model.", default=None, section="Model", unset="none"
    )
    out: Path | None = option(
        "Folder for audit.json and the set with graded labels.", default=None, section="Output", writes="folder",
        unset="nothing is written",
    )  # fmt: skip
    seed: int = option("Seed of every random draw.", default=0, section="Run")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dry_run and self.llm is None:
            raise SettingError(f"estimates what a language model takes; name one with {named('llm')}", option="dry_run")
        if self.asks_model and self.out is None and not self.dry_run:
            raise SettingError(f"writes graded labels; name a folder for them with {named('out')}", option="llm")

    @property
    def asks_model(self) -> bool:
        """Whether a language model grades items."""
        return self.llm is not None and self.llm != NO_MODEL


def run(options: Options, context: Context) -> Audit:
    """Audit a golden set: its mix, integrity, diversity, lexical overlap, unjudged items and models.

    A language model can grade the unjudged items that retrievers agree on.
    Human queries measure whether the set ranks retriever settings as they do.
    With a folder to write, ``audit.json`` has every number and list in full,
    and ``golden`` is the set with the graded labels.

    Returns:
        The results. ``findings`` lists what to do, the worst first. After a dry run, ``grading_plan`` has calls, tokens
        and cost.

    Raises:
        InputError: the sets or the documents cannot be read.
        SettingError: a retriever, chunker, embedder or model is unknown, or has a wrong setting.

    Examples:
        >>> corpus, golden = rb.load_corpus("datasets/shop/product_catalog.csv"), rb.load_golden("datasets/shop")
        >>> audit = rb.audit(golden, corpus, retrievers=["bm25"])
        >>> audit.mix.queries, {finding.severity for finding in audit.findings}
        (198, {'note'})
    """
    settings = part(options, AuditSettings)
    # Wrong settings show before anything is read.
    choose_chunker(options.chunker, passages=False)
    check_retrievers(settings.retrievers)
    context = replace(context, cache=cache_folder(options.cache), seed=options.seed)
    client = None
    if options.asks_model:
        kept = context.cache / ANSWERS if context.cache else None
        client = part(options, CallOptions).connect(str(options.llm), answers=kept, seed=options.seed)
    golden = read_set(options.golden, options)
    other = None if options.other is None else read_set(options.other)
    human = None if options.human is None else read_set(options.human)
    loaded = read_corpus(options.corpus, options, context)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    done, retrieved = audit(golden, loaded, chunked, settings, other=other, context=context)
    if client is not None and options.dry_run:
        return replace(done, grading_plan=_plan(client, done, retrieved, options.seed))
    with working_in(options.out):
        if client is not None and done.siblings is not None and retrieved is not None:
            pool = done.siblings.pool
            done = replace(
                done, sibling_grades=run_anywhere(_grade(client, pool, retrieved, str(options.llm), context))
            )
        if human is not None:
            chunker = "whole" if options.chunker == AUTO else options.chunker
            measured = validity(loaded.corpus, golden, human, chunker=chunker, seed=options.seed, context=context)
            done = replace(done, validity=measured)
        if options.out is not None:
            write_json(options.out / AUDIT, done.record())
            if done.sibling_grades is not None and done.sibling_grades.grades and retrieved is not None:
                write_golden(with_grades(golden, done.sibling_grades, retrieved), options.out / GRADED)
    return done


def _plan(client: Client, done: Audit, retrieved: Retrieved | None, seed: int) -> GradingPlan:
    if retrieved is None or done.siblings is None:
        return GradingPlan(0, None)
    pool = done.siblings.pool
    return GradingPlan(len(pool), client.plan(grade_requests(pool, retrieved, seed)))


async def _grade(
    client: Client, pool: Sequence[Candidate], retrieved: Retrieved, model: str, context: Context
) -> SiblingGrades:
    try:
        return await grade_siblings(pool, retrieved, client, model, seed=context.seed, progress=context.progress)
    finally:
        await client.aclose()
