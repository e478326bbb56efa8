"""The WattBot task: answer questions about reports, and score submissions."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ragbench import plugins
from ragbench.answers.wattbot.estimate import estimate_phases
from ragbench.answers.wattbot.inputs import Metadata, Question, read_metadata, read_questions
from ragbench.answers.wattbot.run import (
    LEDGER,
    RESULTS,
    SOLUTIONS,
    Indexed,
    Planned,
    Sources,
    Submission,
    answer_requests,
    answer_stages,
    chunk_stage,
    embedding_stage,
    search_stage,
    write_ledger,
)
from ragbench.answers.wattbot.score.lesson import read_lesson_frame, score_lesson
from ragbench.answers.wattbot.score.parts import METRICS, Scored
from ragbench.answers.wattbot.score.sheet import read_sheet
from ragbench.answers.wattbot.score.strict import score_strict
from ragbench.answers.wattbot.score.summary import Summary, summarise
from ragbench.answers.wattbot.search import LEAST, TOP, Found
from ragbench.answers.wattbot.solutions import Solution, write_solutions
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.ledger import Ledger
from ragbench.core.loop import run_anywhere
from ragbench.core.options import named, option, options, part
from ragbench.core.spelling import given
from ragbench.io.files import write_bytes
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import ANSWERS, SPENT, claimed, identity
from ragbench.models.embed.base import Embedder
from ragbench.models.llm.base import Request
from ragbench.models.llm.roles import CallOptions, ModelOptions, Models, write_spent
from ragbench.render.wattbot import rows_csv
from ragbench.workflows.groups import CacheFolder, DryRun, FileReading, RunFolder

NONE = "none"
ROLE = "answer"
EXAMPLES = 3
"""Gains and losses that a comparison of submissions shows."""


@options
class RunOptions(CallOptions, FileReading, RunFolder, DryRun, CacheFolder):
    """The options of ``ragbench wattbot run`` and `ragbench.wattbot.run`."""

    metadata: Path = option("CSV file with id, url and title of each document.", section="Input")
    documents: Path = option(
        "Folder or zip file of ID.pdf files, or of extracted text in ID_chunks.json.", section="Input"
    )
    out: Path = option("Folder of the run.", section="Output", writes="folder")
    questions: Path | None = option("CSV file with id and question.", default=None, section="Input")
    llm: str = option("Model that answers, provider:model, or none.", default=NONE, section="Model")
    until: Literal["chunks", "embeddings", "answers"] = option(
        "Last stage of the run. Chunks and embeddings need no model.", default="answers", section="Run"
    )
    embedder: str = option("Embedder, NAME or NAME:key=value,...", default="minilm", section="Retrieval")
    top: int = option("Number of chunks to show to the model.", default=TOP, section="Retrieval")
    min_score: float = option(
        "Leave a question blank if the cosine of its best chunk is below this.", default=LEAST, section="Retrieval"
    )
    answer_tokens: int = option("The most tokens of one reply.", default=512, section="Model")
    seed: int = option("Seed, passed on to the model.", default=0, section="Run")

    def __post_init__(self) -> None:
        if min(self.top, self.answer_tokens) < 1:
            raise SettingError(
                f"{named('top')} is {self.top} and {named('answer_tokens')} is {self.answer_tokens}; both must be at "
                "least 1"
            )
        if not self.answers:
            return
        if self.questions is None:
            raise SettingError(
                f"{named('questions')} is not given: name the file of questions, or end with "
                f"{given('until', 'embeddings')}"
            )
        if self.llm == NONE:
            raise SettingError(
                f"answers need a language model: name one by {named('llm')}, or end with "
                f"{given('until', 'embeddings')} (the score of a submission needs none)"
            )

    @property
    def answers(self) -> bool:
        """Whether the run answers questions."""
        return self.until == "answers"

    @property
    def models(self) -> ModelOptions:
        """The model, if the run needs one, and how it is called."""
        return ModelOptions({ROLE: self.llm} if self.answers else {}, part(self, CallOptions), self.seed)


def run_task(options: RunOptions, context: Context) -> Submission | Planned | Indexed:
    """Answer WattBot questions from reports, with a language model.

    The stages are chunks, embeddings and answers. A finished stage is not repeated, and an answer of the model is paid
    for once: if a run was interrupted, run the same again with the same folder.

    Returns:
        The submission. After a dry run, what the model would take. If the run ends with an earlier stage, the numbers
        of documents and chunks.

    Raises:
        SettingError: an option is out of its range, or the answers have no questions or no model.
        InputError: the metadata, documents or questions cannot be read, or the folder holds something else.
        BudgetSpent: the budget is spent. Answers so far are stored.

    Examples:
        >>> data = "datasets/energy_ai"
        >>> indexed = rb.wattbot.run(f"{data}/metadata.csv", f"{data}/pdf", "runs/energy", until="chunks")
        >>> indexed.documents, indexed.chunks
        (8, 25)
    """
    questions = read_questions(options.questions) if options.questions is not None and options.answers else []
    metadata = read_metadata(options.metadata)
    embedder = plugins.build(plugins.EMBEDDERS, options.embedder)
    context = replace(context, cache=cache_folder(options.cache), seed=options.seed)
    with Sources.of(options.documents, metadata) as sources:
        return _run(sources, questions, metadata, embedder, options, context)


def _run(
    sources: Sources,
    questions: Sequence[Question],
    metadata: Metadata,
    embedder: Embedder,
    options: RunOptions,
    context: Context,
) -> Submission | Planned | Indexed:
    parts = {"documents": sources.hashes(), "metadata": metadata.ids, "embedder": embedder.fingerprint()}
    out = options.out
    with (
        contextlib.closing(Models(options.models)) as models,
        claimed(out, identity("wattbot", parts), RESULTS, resume=options.resume, force=options.force),
    ):
        chunks, skipped = chunk_stage(sources, out, options.file_limits)
        indexed = Indexed(len(sources.files), len(chunks), None, skipped)
        if options.until == "chunks":
            return indexed
        vectors = embedding_stage(chunks, embedder, out, context)
        indexed = replace(indexed, dimensions=int(vectors.shape[1]))
        if not options.answers:
            return indexed
        found = search_stage(questions, chunks, vectors, embedder, options.top)
        requests = answer_requests(
            questions, found, least=options.min_score, seed=options.seed, max_tokens=options.answer_tokens
        )
        if not options.dry_run or (out / ANSWERS).is_file():
            models.open(out / ANSWERS, context.say)
        if options.dry_run:
            return _plan(indexed, questions, found, requests, models, options)
        solutions, faults = _answer(questions, found, requests, models, options, context)
        write_solutions(solutions, metadata.urls, out / SOLUTIONS)
        write_ledger(skipped + faults, out / LEDGER)
        return Submission(indexed, solutions, faults, models.totals(), out / SOLUTIONS)


def _plan(
    indexed: Indexed,
    questions: Sequence[Question],
    found: Sequence[Found],
    requests: Mapping[int, Request],
    models: Models,
    options: RunOptions,
) -> Planned:
    phases = estimate_phases(
        questions, found, requests, models.clients[ROLE], models.store, max_tokens=options.answer_tokens
    )
    return Planned(indexed, len(questions), run_anywhere(phases))


def _answer(
    questions: Sequence[Question],
    found: Sequence[Found],
    requests: dict[int, Request],
    models: Models,
    options: RunOptions,
    context: Context,
) -> tuple[list[Solution], Ledger]:
    """Ask the model, and write what it took even if that fails."""

    async def ask() -> tuple[list[Solution], Ledger]:
        try:
            return await answer_stages(
                questions, found, requests, models.clients[ROLE], context, max_tokens=options.answer_tokens
            )
        finally:
            await models.aclose()

    try:
        return run_anywhere(ask())
    finally:
        write_spent(options.out / SPENT, models)


@options
class ScoreOptions:
    """The options of ``ragbench wattbot score`` and `ragbench.wattbot.score`."""

    truth: Path = option("CSV file of questions with their answers.", section="Input")
    predictions: Sequence[Path] = option(
        "CSV file of answers to score. Later ones are compared with the first.", section="Input", flag="--pred",
        metavar="FILE",
    )  # fmt: skip
    compat: Literal["strict", "lesson"] = option(
        "Rules of the score; lesson gives the arithmetic of the published lesson.", default="strict",
        section="Evaluation",
    )  # fmt: skip
    metadata: Path | None = option(
        "CSV file with the ids of the documents, to find references to unknown ones. Only with the strict rules.",
        default=None, section="Input",
    )  # fmt: skip
    worst: int = option("Number of the worst rows to show.", default=5, section="Evaluation")
    rows: Path | None = option(
        "CSV file for the score of every row.", default=None, section="Output", writes="CSV", unset="nothing is written"
    )
    margin: float | None = option(
        "Largest difference that does not matter, for the comparison.", default=None, section="Statistics"
    )
    seed: int = option("Seed of intervals and tests.", default=0, section="Statistics")
    resamples: int = option("Number of resamples for intervals and tests.", default=10_000, section="Statistics")
    confidence: float = option(
        "Confidence of intervals. Tests use the level 1 - confidence.", default=0.95, section="Statistics"
    )

    def __post_init__(self) -> None:
        if not self.predictions:
            raise SettingError("is empty; name at least one file of answers", option="predictions")


@brief
@dataclass(frozen=True)
class ScoredSubmissions:
    """Scored submissions.

    Attributes:
        scored: the rows of each submission.
        summaries: means with intervals, kinds of questions and the worst rows of each.
        comparison: the later submissions compared with the first; None if there is only one.
    """

    scored: Sequence[Scored]
    summaries: Sequence[Summary]
    comparison: Compared | None


def run_score(options: ScoreOptions, context: Context) -> ScoredSubmissions:
    """Score WattBot submissions, row by row: .75 value, .15 references, .10 blank or not.

    Returns:
        The rows of the submission with their scores. If several files are given, the rows and the summary of each, and
        ``.comparison`` with the first.

    Raises:
        SettingError: an option is out of its range, or a file is named twice.
        InputError: a file cannot be read, or ids are duplicated or unknown.

    Examples:
        >>> truth = "datasets/energy_ai/train_QA.csv"
        >>> scored = rb.wattbot.score(truth, truth)
        >>> len(scored), float(scored.parts.mean())
        (46, 1.0)
    """
    scored = _scored(options)
    summaries = [
        summarise(
            one, rules=options.compat, worst=options.worst, seed=options.seed, resamples=options.resamples,
            confidence=options.confidence,
        )
        for one in scored
    ]  # fmt: skip
    comparison = _compared(scored, options) if len(scored) > 1 else None
    if options.rows is not None:
        # The byte order mark makes spreadsheets read the file as UTF-8.
        write_bytes(options.rows, rows_csv(scored).encode("utf-8-sig"))
    return ScoredSubmissions(scored, summaries, comparison)


def _scored(options: ScoreOptions) -> list[Scored]:
    truth, files = options.truth, list(zip(options.predictions, _names(options.predictions), strict=True))
    if options.compat == "lesson":
        frame = read_lesson_frame(truth)
        return [score_lesson(frame, read_lesson_frame(path), (str(truth), name)) for path, name in files]
    documents = None if options.metadata is None else read_metadata(options.metadata).urls
    sheet = read_sheet(truth)
    return [score_strict(sheet, read_sheet(path, name), documents=documents) for path, name in files]


def _names(files: Sequence[Path]) -> list[str]:
    """The names of the files if they differ, else those of their folders, else the whole paths."""
    paths = [str(path) for path in files]
    if len(set(paths)) < len(paths):
        raise SettingError(f"{named('predictions')} names one file twice; name different submissions to compare")
    # Path.resolve would fail on a link to itself, before the reader can report the file.
    whole = [Path(os.path.normpath(path.absolute())) for path in files]
    for names in ([path.name for path in files], [path.parent.name for path in whole]):
        if len(set(names)) == len(names):
            return names
    return paths


def _compared(scored: Sequence[Scored], options: ScoreOptions) -> Compared:
    """Compare the submissions. The lesson's rules drop rows without a prediction, so only common rows count there."""
    settings = CompareSettings(
        metrics=METRICS, by=("type",), examples=EXAMPLES, intersect=options.compat == "lesson", margin=options.margin,
        seed=options.seed, resamples=options.resamples, confidence=options.confidence,
    )  # fmt: skip
    return compare_runs([one.scored for one in scored], settings)
