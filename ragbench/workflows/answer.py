"""Answer the questions of a golden set from documents, ask a running service, or import answers made elsewhere."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ragbench.answers.answering import (
    ANSWER,
    PLAIN,
    AnswerSettings,
    Question,
    answer,
    card,
    questions_of,
    requests_of,
    settle,
)
from ragbench.answers.endpoint.ask import ask_service
from ragbench.answers.endpoint.description import read_endpoint
from ragbench.answers.endpoint.settings import Endpoint
from ragbench.answers.own_prompt import read_prompt
from ragbench.answers.retrieve import Retrieved, build, retrieve
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import project_labels
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.loop import run_anywhere
from ragbench.core.naming import split_name
from ragbench.core.options import named, option, options, part
from ragbench.core.runs import Query
from ragbench.corpus.chunk import chunk_corpus
from ragbench.engine import OfRepeat
from ragbench.engines.model_workers import calls_through
from ragbench.io.answer_files import ANSWERS, LEDGER, MANIFEST, TIMINGS, read_answers, with_timings, write_answers
from ragbench.io.arm_folders import ARMS, write_arms
from ragbench.io.files import write_text
from ragbench.io.journals import AnswerJournal, TimingJournal
from ragbench.io.places import cache_folder
from ragbench.io.question_files import read_questions
from ragbench.io.run_folder import ANSWERS as STORE
from ragbench.io.run_folder import SPENT, check_empty, claimed, identity, working_in
from ragbench.io.tables import columns_by_role
from ragbench.models.llm.base import Answer, Request
from ragbench.models.llm.connect import Through
from ragbench.models.llm.costs import Estimate
from ragbench.models.llm.prompt import Prompt
from ragbench.models.llm.roles import CallOptions, ModelOptions, Models, write_spent
from ragbench.workflows.answer_arms import Arm, arms_of
from ragbench.workflows.groups import (
    CacheFolder,
    CorpusReading,
    DryRun,
    GoldenReading,
    RunFolder,
    ServiceHeaders,
    WorkerChoice,
)
from ragbench.workflows.languages import language_lines
from ragbench.workflows.reading import read_corpus, read_set

ROLE = "answer"


@options
class Options(
    CorpusReading, GoldenReading, AnswerSettings, CallOptions, WorkerChoice, RunFolder, DryRun, CacheFolder,
    ServiceHeaders,
):  # fmt: skip
    """The options of ``ragbench answer`` and `ragbench.answer`."""

    corpus: Path | Corpus | None = option(
        "File or folder of documents, or a file of chunks.", default=None, section="Input"
    )
    golden: Path | GoldenSet | None = option("Golden set whose queries are asked.", default=None, section="Input")
    out: Path | None = option("Folder for the answers.", default=None, section="Output", writes="folder")
    questions: Path | None = option(
        "Questions instead of a golden set: a text file with one per line, or a table.", default=None, section="Input"
    )
    answers: Path | None = option(
        "Answers made elsewhere, to import: a JSON Lines, CSV or Parquet file. No model is asked.", default=None,
        section="Input",
    )  # fmt: skip
    endpoint: str | Path | None = option(
        "RAG service to ask instead of a model: its address, or a YAML file that describes it.",
        default=None,
        section="Input",
        metavar="URL|FILE",
    )
    columns: Mapping[str, str] | None = option(
        "Columns of the imported answers, query=NAME,answer=NAME,...", default=None, section="Input",
        unset="recognised by name", metavar="ROLE=NAME,...", parse=columns_by_role,
    )  # fmt: skip
    retriever: Sequence[str] = option(
        "Retriever that finds the passages, NAME or NAME:key=value,...; several make several systems.",
        default=("hybrid",), section="Retrieval",
    )  # fmt: skip
    llm: Sequence[str] = option(
        "Model that answers, PROVIDER:MODEL; several make several systems.", default=(), section="Model", unset="none"
    )
    prompt: Sequence[str] = option(
        "File with a prompt of your own, which has {question} and {passages}; several make several systems.",
        default=(), section="Model", metavar="FILE", unset="ragbench's own",
    )  # fmt: skip
    name: str | None = option("Name of the system.", default=None, section="Output", unset="the folder's name")
    repeats: int = option(
        "Number of answers to each question, to measure how they vary from run to run.", default=1, section="Run"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.dry_run:
            _ = self.folder
        if self.engine_settings.name != "local" and not self.llm:
            raise SettingError(
                f"is ray, but its workers have no language model to call: name one by {named('llm')}",
                option="engine",
            )
        if self.repeats < 1:
            raise SettingError(f"is {self.repeats}; it must be at least 1", option="repeats")
        if self.golden is not None and self.questions is not None:
            raise SettingError(f"{named('golden')} and {named('questions')} are both given; give one of them")
        for name, of in (("columns", "answers"), ("header_env", "endpoint")):
            if getattr(self, name) is not None and getattr(self, of) is None:
                raise SettingError(f"{named(name)} applies to {named(of)} only, which is not given")
        if self.endpoint is not None:
            self._refuse("endpoint", "asks a service that has its own documents and model",
                         ("llm", "prompt", "corpus", "answers", "dry_run"))  # fmt: skip
        elif self.answers is not None:
            self._refuse("answers", "imports answers and asks no model",
                         ("llm", "prompt", "questions", "corpus", "dry_run", "resume"))  # fmt: skip
            if self.repeats > 1:
                raise SettingError(
                    "asks a model, and imported answers are complete: name the run of each in a column 'run'",
                    option="repeats",
                )
            return
        if self.golden is None and self.questions is None:
            raise SettingError(
                f"there is nothing to ask: name a golden set by {named('golden')}, or questions by {named('questions')}"
            )
        if self.endpoint is None:
            if self.corpus is None:
                raise SettingError(f"{named('corpus')} is not given: name the documents to answer from")
            if not self.llm:
                raise SettingError(f"{named('llm')} is not given: name a model, as in openai:gpt-4o-mini")
        elif len(self.retriever) > 1:
            raise SettingError(f"{named('endpoint')} asks one service, which searches itself")
        if self.name is not None and len(arms_of(self.retriever, self.llm, self.prompt)) > 1:
            raise SettingError("is for one system, and several are given", option="name")

    def _refuse(self, option: str, why: str, others: tuple[str, ...]) -> None:
        for other in others:
            if getattr(self, other):
                raise SettingError(f"{named(option)} {why}: leave {named(other)} out")

    @property
    def folder(self) -> Path:
        """The folder of the run.

        Raises:
            SettingError: no folder is given.
        """
        if self.out is None:
            raise SettingError(f"{named('out')} is not given: name the folder for the answers")
        return self.out

    @property
    def settings(self) -> AnswerSettings:
        """The settings that decide the answers."""
        return part(self, AnswerSettings)

    def models(self, arm: Arm) -> ModelOptions:
        """The model of a system, and how it is called. The other models share its budget."""
        others = {f"{ROLE} {model}": model for model in (split_name(one)[1] for one in self.llm) if model != arm.llm}
        return ModelOptions({ROLE: arm.llm, **others}, part(self, CallOptions), self.seed)

    @property
    def service(self) -> Endpoint:
        """The service to ask.

        Raises:
            SettingError: the address, a limit or a header cannot be used.
            InputError: the description of the service cannot be read.
        """
        return read_endpoint(
            self.endpoint or "", timeout=self.timeout, concurrency=self.concurrency, header_env=self.header_env
        )


CARD = "card.md"
REPLIES = "replies.jsonl"
RESULTS = (ANSWERS, MANIFEST, LEDGER, TIMINGS, CARD, REPLIES)


class _Searched(NamedTuple):
    """What a retriever found; ``found`` are the passages of each run."""

    golden: GoldenSet
    found: list[Retrieved]
    ledger: Ledger
    fingerprints: Mapping[str, str]


class _Prepared(NamedTuple):
    """What is asked; ``found`` are the passages of each run."""

    questions: list[Question]
    found: list[Retrieved]
    ledger: Ledger
    parts: dict[str, object]
    own: Prompt | None


@dataclass(frozen=True)
class AnswerResult:
    """The result of a run.

    Attributes:
        answers: the answers, as they were written.
        totals: calls, tokens and cost of this run, by model.
    """

    answers: AnswerSet
    totals: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class AnswerPlan:
    """The estimate of a dry run.

    Attributes:
        estimate: calls, tokens and cost of what is still to be asked.
        settled: how many questions need no call: the search found nothing, or too little.
    """

    estimate: Estimate
    settled: int


@dataclass(frozen=True)
class AnsweredArms:
    """The results of several systems, each in a folder of its own below the folder of the run.

    Attributes:
        results: the result of each system.
    """

    results: tuple[AnswerResult, ...]


def run(options: Options, context: Context) -> AnswerResult | AnsweredArms | AnswerPlan:
    """Answer the queries of a golden set from documents, ask a running service, or import answers made elsewhere.

    An interrupted call continues where it was when you repeat it, and each answer is paid for once. Several retrievers,
    models or prompts make a system of each combination, and a folder for each below ``out``.

    Returns:
        The answers, or those of each system. With ``dry_run``, the estimate of calls, tokens and cost.

    Raises:
        SettingError: an option that cannot be used, or two that contradict each other.
        InputError: an input cannot be read, or the folder holds something else.

    Examples:
        >>> from pathlib import Path
        >>> lines = '{"query": "which tent for winter?", "answer": "The Tarnfell 2 Winter."}'
        >>> _ = Path("made.jsonl").write_text(lines)
        >>> rb.answer(answers="made.jsonl", out="answers/made").items[0].answer
        'The Tarnfell 2 Winter.'
    """
    context = replace(context, cache=cache_folder(options.cache), seed=options.seed)
    if options.answers is not None:
        return AnswerResult(_import(options), {})
    if options.endpoint is not None:
        return AnswerResult(_ask_service(options, context), {})
    arms = arms_of(options.retriever, options.llm, options.prompt)
    _check_parts(options, arms)
    if options.dry_run:
        searches: dict[str, _Searched] = {}
        plans = [_run_one(options, arm, None, context, searches) for arm in arms]
        estimates = [plan for plan in plans if isinstance(plan, AnswerPlan)]
        return AnswerPlan(sum((plan.estimate for plan in estimates), Estimate()), sum(p.settled for p in estimates))
    with calls_through(options.engine_settings) as through:
        if len(arms) == 1:
            return _run_one(options, arms[0], options.out, context, {}, through)
        return _run_arms(options, arms, context, through)


def _check_parts(options: Options, arms: Sequence[Arm]) -> None:
    """Refuse retrievers and prompts that cannot work before anything is searched or paid for, every fault at once.

    Raises:
        SettingError, InputError: as `build` and `read_prompt`.
    """
    faults = list[RagbenchError]()
    for retriever in dict.fromkeys(arm.retriever for arm in arms):
        try:
            build(retriever)
        except RagbenchError as error:
            faults.append(error)
    for prompt in dict.fromkeys(arm.prompt for arm in arms if arm.prompt is not None):
        try:
            read_prompt(prompt, plain=options.settings.plain)
        except RagbenchError as error:
            faults.append(error)
    if faults:
        raise type(faults[0])("\n".join(map(str, faults)))


def _run_arms(
    options: Options, arms: Sequence[Arm], context: Context, through: Through | None
) -> AnsweredArms:  # fmt: skip
    """Run each system in a folder of its own. They share the store of paid answers, and so the budget."""
    out, results, searches = options.folder, list[AnswerResult](), dict[str, _Searched]()
    if not options.force and not (out / ARMS).exists():
        check_empty(out)
    with working_in(out):
        write_arms([arm.row() for arm in arms], out)
        for arm in arms:
            context.say(f"{arm.name}:")
            result = _run_one(options, arm, out / arm.folder, context, searches, through)
            assert isinstance(result, AnswerResult)
            results.append(result)
    return AnsweredArms(tuple(results))


def _run_one(
    options: Options, arm: Arm, out: Path | None, context: Context, searches: dict[str, _Searched],
    through: Through | None = None,
) -> AnswerResult | AnswerPlan:  # fmt: skip
    """Run one system.

    Args:
        options: the options of the run.
        arm: the system.
        out: its own folder, which is that of the options or below it; None for a dry run.
        context: cache, seed and progress.
        searches: what was found by the retrievers so far; several systems may share one.
        through: has workers call the model.
    """
    store = options.out or Path()
    with contextlib.closing(Models(options.models(arm))) as models:
        prepared = _prepare(options, arm, models, context, searches)
        if options.dry_run:
            return _estimated(options, prepared, models)
        assert out is not None
        identified = identity("answer", prepared.parts)
        with claimed(out, identified, RESULTS, resume=options.resume, force=options.force) as again:
            if again:
                context.say(f"{out} already holds this run: continuing it")
            models.open(store / STORE, context.say, through)
            try:
                runs, ledger = run_anywhere(_ask(out, options, prepared, models, context))
            finally:
                write_spent(store / SPENT, models)
            # Read after the journal is closed: it has the times that earlier runs of this folder measured.
            first, *others = (with_timings(items, out / TIMINGS, run) for run, items in enumerate(runs, start=1))
            name = options.name or (out.resolve().name if out == options.out else arm.name)
            answers = AnswerSet(first, name, prepared.ledger + ledger, identified, tuple(others))
            _write(out, answers)
        own = models.clients[ROLE].llm.name
        return AnswerResult(answers, {name: total for name, total in models.totals().items() if name == own})


def _estimated(options: Options, prepared: _Prepared, models: Models) -> AnswerPlan:
    if options.out is not None and (options.out / STORE).is_file():
        models.open(options.out / STORE)
    requests, settled = list[Request](), 0
    for repeat, found in enumerate(prepared.found):
        asked, others = settle(prepared.questions, found, options.settings)
        made = requests_of(asked, found, options.settings, prepared.own)
        requests += [one.of_repeat(repeat) for one in made]
        settled += len(others)
    return AnswerPlan(models.clients[ROLE].plan(requests), settled)


async def _ask(
    out: Path, options: Options, prepared: _Prepared, models: Models, context: Context
) -> tuple[list[tuple[Answered, ...]], Ledger]:
    """The answers of each run, and what failed; an entry of a later run names the run."""
    client = models.clients[ROLE]
    runs, entries = list[tuple[Answered, ...]](), list[LedgerEntry]()
    with TimingJournal(out / TIMINGS) as journal:
        try:
            for repeat, found in enumerate(prepared.found):

                def note(query_id: str, came: Answer, run: int = repeat + 1) -> None:
                    if came.seconds is not None:
                        journal.note(query_id, came.seconds, run=run)

                items, ledger = await answer(
                    prepared.questions, found, OfRepeat(client, repeat), options.settings, context,
                    price=client.price, note=note, own=prepared.own,
                )  # fmt: skip
                runs.append(items)
                entries += _of_run(ledger, repeat)
        finally:
            await models.aclose()
    return runs, Ledger(tuple(entries))


def _of_run(ledger: Ledger, repeat: int) -> list[LedgerEntry]:
    if not repeat:
        return list(ledger.entries)
    return [entry._replace(item=f"{entry.item}, run {repeat + 1}") for entry in ledger.entries]


def _prepare(options: Options, arm: Arm, models: Models, context: Context, searches: dict[str, _Searched]) -> _Prepared:
    own = None if arm.prompt is None else read_prompt(arm.prompt, plain=options.settings.plain)
    if arm.retriever not in searches:
        searches[arm.retriever] = _search(options, arm.retriever, context)
    searched = searches[arm.retriever]
    prompt = own or (PLAIN if options.settings.plain else ANSWER)
    model = models.clients[ROLE].llm
    parts: dict[str, object] = {
        **searched.fingerprints,
        "retriever": {"name": arm.retriever, "fingerprint": searched.found[0].key},
        "model": {"name": model.name, "fingerprint": model.fingerprint()},
        "prompt": {prompt.label: prompt.fingerprint},
        "settings": options.settings,
    }
    return _Prepared(questions_of(searched.golden), searched.found, searched.ledger, parts, own)


def _search(options: Options, written: str, context: Context) -> _Searched:
    """The passages of every question, for each run."""
    retriever = build(written)
    assert options.corpus is not None
    golden = _questions(options)
    loaded = read_corpus(options.corpus, options, context)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    queries = _queries(golden, chunked.chunks)
    for line in language_lines([retriever], chunked.chunks, [query.text for query in queries]):
        context.say(line)
    found = [retrieve(retriever, queries, loaded.corpus, chunked.chunks, options.settings.k, context)]
    for repeat in range(1, options.repeats):
        again = replace(context, repeat=repeat)
        found.append(
            found[0]
            if retriever.deterministic
            else retrieve(retriever, queries, loaded.corpus, chunked.chunks, options.settings.k, again)
        )
    fingerprints = {
        "corpus": loaded.corpus.fingerprint,
        "chunks": chunked.chunks.fingerprint,
        "golden": golden.fingerprint,
    }
    return _Searched(golden, found, golden.ledger + loaded.corpus.ledger + chunked.ledger, fingerprints)


def _questions(options: Options) -> GoldenSet:
    if options.questions is not None:
        return read_questions(options.questions)
    assert options.golden is not None
    return read_set(options.golden, options)


def _queries(golden: GoldenSet, chunks: Chunks) -> list[Query]:
    """The queries, with the text that must not be shown: a query taken from a text would find its answer there."""
    if any(item.masked or any(e.grade > 0 for e in item.evidence) for item in golden):
        return list(project_labels(golden, chunks, unit="chunk", allow_missing=True).queries)
    return [Query(item.id, item.text, frozenset(item.exclude), item.history) for item in golden]


def _ask_service(options: Options, context: Context) -> AnswerSet:
    out = options.folder
    service, golden = options.service, _questions(options)
    known = identity("answer", {"endpoint": service.identity, "golden": golden.fingerprint})
    with claimed(out, known, RESULTS, resume=options.resume, force=options.force):
        with AnswerJournal(out / REPLIES) as journal:
            if journal.damaged:
                context.say(f"{out / REPLIES}: {journal.damaged} stored answers are damaged; they are asked again")
            runs, entries = list[tuple[Answered, ...]](), list[LedgerEntry]()
            for repeat in range(options.repeats):
                before, keep = journal.known.get(repeat + 1, {}), partial(journal.keep, run=repeat + 1)
                asking = ask_service(
                    service, questions_of(golden), known=before, keep=keep, progress=context.progress, say=context.say
                )
                items, ledger = run_anywhere(asking)
                runs.append(items)
                entries += _of_run(ledger, repeat)
        name = options.name or out.resolve().name
        answers = AnswerSet(runs[0], name, golden.ledger + Ledger(tuple(entries)), known, tuple(runs[1:]))
        _write(out, answers)
    return answers


def _import(options: Options) -> AnswerSet:
    assert options.answers is not None
    golden = read_set(options.golden, options) if options.golden is not None else None
    ids = {item.text: item.id for item in golden} if golden is not None else None
    answers = read_answers(options.answers, columns=options.columns, name=options.name, ids=ids)
    if golden is not None and not {item.id for item in golden} & {item.query_id for item in answers}:
        where = options.golden if isinstance(options.golden, Path) else "the golden set"
        raise InputError(
            f"{options.answers}: none of its query ids is in {where}, such as "
            f"{answers.items[0].query_id!r}; is it the right golden set?"
        )
    known = identity("answer", {"answers": answers.fingerprint})
    with claimed(options.folder, known, RESULTS, resume=False, force=options.force):
        _write(options.folder, answers)
    return answers


def _write(folder: Path, answers: AnswerSet) -> None:
    write_answers(answers, folder)
    write_text(folder / CARD, card(answers))
