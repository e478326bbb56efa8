"""What a run of answers is asked for, and what that must not be."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ragbench.answers.answering import ANSWER, PLAIN, AnswerSettings, Question, answer, card, requests_of, settle
from ragbench.answers.endpoint import Endpoint, ask_service
from ragbench.answers.retrieve import Retrieved, build, retrieve
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.context import Context, Progress
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import project_labels
from ragbench.core.ledger import Ledger
from ragbench.core.loop import run_anywhere
from ragbench.core.pairs import pairs
from ragbench.core.runs import Query
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import load_corpus
from ragbench.io.answer_files import ANSWERS, LEDGER, MANIFEST, TIMINGS, read_answers, with_timings, write_answers
from ragbench.io.files import write_text
from ragbench.io.golden_files import read_golden
from ragbench.io.journals import AnswerJournal, TimingJournal
from ragbench.io.places import cache_folder
from ragbench.io.question_files import read_questions
from ragbench.io.run_folder import ANSWERS as STORE
from ragbench.io.run_folder import SPENT, claimed, identity
from ragbench.io.tables import columns_by_role
from ragbench.models.llm.base import Answer
from ragbench.models.llm.costs import Estimate
from ragbench.models.llm.roles import ModelOptions, Models, write_spent

ROLE = "answer"


@dataclass(frozen=True)
class Options:
    """The options of ``ragbench answer``."""

    out: Path | None
    corpus: Path | None
    golden: Path | None
    questions: Path | None
    answers: Path | None
    endpoint: str | None
    header_env: str | None
    columns: str | None
    retriever: str
    loader: str | None
    chunker: str
    name: str | None
    dry_run: bool
    resume: bool
    force: bool
    cache: Path | None
    asking: ModelOptions
    settings: AnswerSettings

    @property
    def folder(self) -> Path:
        """The folder of the run.

        Raises:
            SettingError: none is named.
        """
        if self.out is None:
            raise SettingError("--out is not given: name the folder that the answers are to be written to")
        return self.out

    def check(self) -> None:
        """Whether they go together.

        Raises:
            SettingError: one is missing, or two contradict each other.
        """
        if not self.dry_run:
            _ = self.folder
        if self.asking.seed < 0:
            raise SettingError(f"--seed is {self.asking.seed}; it must be 0 or more")
        if self.golden is not None and self.questions is not None:
            raise SettingError("--golden and --questions are both given: ask the queries of one of them")
        if self.columns is not None and self.answers is None:
            raise SettingError("--columns names the columns of --answers FILE, which is not given")
        if self.header_env is not None and self.endpoint is None:
            raise SettingError("--header-env is for --endpoint URL, which is not given")
        if self.endpoint is not None:
            self._check_endpoint()
            return
        if self.answers is None:
            self._check_asking()
            return
        for option, given in (("--llm", self.asking.models), ("--questions", self.questions), ("--corpus", self.corpus),
                              ("--dry-run", self.dry_run), ("--resume", self.resume)):  # fmt: skip
            if given:
                raise SettingError(f"--answers takes in answers made elsewhere and asks nothing: leave {option} out")

    def _check_endpoint(self) -> None:
        for option, given in (("--llm", self.asking.models), ("--corpus", self.corpus), ("--answers", self.answers),
                              ("--dry-run", self.dry_run)):  # fmt: skip
            if given:
                raise SettingError(
                    f"--endpoint asks a service that has its own documents and model: leave {option} out"
                )
        if self.golden is None and self.questions is None:
            raise SettingError("there is nothing to ask: name a golden set by --golden, or questions by --questions")

    def _check_asking(self) -> None:
        if self.golden is None and self.questions is None:
            raise SettingError("there is nothing to ask: name a golden set by --golden, or questions by --questions")
        if self.corpus is None:
            raise SettingError("--corpus is not given: name the documents to answer from")
        if not self.asking.models:
            raise SettingError("--llm is not given: name the model that answers, as in openai:gpt-4o-mini")

    @property
    def named_columns(self) -> Mapping[str, str]:
        """Column by role.

        Raises:
            SettingError: it is not of the form ``role=NAME,...``.
        """
        return columns_by_role(self.columns)

    @property
    def service(self) -> Endpoint:
        """The service behind ``--endpoint``.

        Raises:
            SettingError: the URL, a limit or a header cannot be used.
        """
        headers = pairs("--header-env", self.header_env, "HEADER=VARIABLE")
        return Endpoint(self.endpoint or "", self.asking.calls.timeout, self.asking.calls.concurrency, headers)


CARD = "card.md"
REPLIES = "replies.jsonl"
RESULTS = (ANSWERS, MANIFEST, LEDGER, TIMINGS, CARD, REPLIES)


class _Prepared(NamedTuple):
    questions: list[Question]
    found: Retrieved
    ledger: Ledger
    parts: dict[str, object]


class Made(NamedTuple):
    """What a run made.

    Attributes:
        answers: as they stand in the folder.
        totals: what this run did, by model.
    """

    answers: AnswerSet
    totals: Mapping[str, Mapping[str, object]]


class Planned(NamedTuple):
    """What a run would ask.

    Attributes:
        estimate: calls, tokens and cost.
        settled: questions that need no call: nothing was found, or too little.
    """

    estimate: Estimate
    settled: int


def answer_run(options: Options, *, say: Callable[[str], None], progress: Progress) -> Made:
    """Answer the questions, or take in answers made elsewhere; an interrupted run goes on where it was.

    Args:
        options: what is asked for.
        say: takes lines that tell how it goes.
        progress: of what takes long.

    Raises:
        RagbenchError: wrong input, or a run that cannot go on.
    """
    options.check()
    if options.answers is not None:
        return Made(_take_in(options), {})
    if options.endpoint is not None:
        return Made(_ask_service(options, progress), {})
    context = Context(cache=cache_folder(options.cache), seed=options.asking.seed, progress=progress)
    out = options.folder
    with contextlib.closing(Models(options.asking)) as models:
        prepared = _prepare(options, models, context)
        known = identity("answer", prepared.parts)
        with claimed(out, known, RESULTS, resume=options.resume, force=options.force) as again:
            if again:
                say(f"{out} holds this run already: going on where it was")
            models.open(out / STORE)
            try:
                items, ledger = run_anywhere(_ask(options, prepared, models, context))
            finally:
                write_spent(out / SPENT, models)
            # Read after the journal is closed: what earlier runs of this folder measured is in it.
            timed = with_timings(items, out / TIMINGS)
            answers = AnswerSet(timed, options.name or out.resolve().name, prepared.ledger + ledger, known)
            _write(options, answers)
        return Made(answers, models.totals())


def plan_run(options: Options, *, progress: Progress) -> Planned:
    """What is still to be asked, and what it would cost at most.

    Raises:
        RagbenchError: wrong input.
    """
    options.check()
    context = Context(cache=cache_folder(options.cache), seed=options.asking.seed, progress=progress)
    with contextlib.closing(Models(options.asking)) as models:
        prepared = _prepare(options, models, context)
        if options.out is not None and (options.out / STORE).is_file():
            models.open(options.out / STORE)
        asked, settled = settle(prepared.questions, prepared.found, options.settings)
        requests = requests_of(asked, prepared.found, options.settings)
        return Planned(models.clients[ROLE].plan(requests), len(settled))


async def _ask(
    options: Options, prepared: _Prepared, models: Models, context: Context
) -> tuple[tuple[Answered, ...], Ledger]:
    client = models.clients[ROLE]
    with TimingJournal(options.folder / TIMINGS) as journal:

        def note(query_id: str, came: Answer) -> None:
            if came.seconds is not None:
                journal.note(query_id, came.seconds)

        try:
            return await answer(
                prepared.questions, prepared.found, client, options.settings, context, price=client.price, note=note
            )
        finally:
            await models.aclose()


def _prepare(options: Options, models: Models, context: Context) -> _Prepared:
    retriever = build(options.retriever)
    assert options.corpus is not None
    golden = _questions(options)
    loaded = load_corpus(options.corpus, options.loader, progress=context.progress)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    queries = _queries(golden, chunked.chunks)
    found = retrieve(retriever, queries, loaded.corpus, chunked.chunks, options.settings.k, context)
    prompt = PLAIN if options.settings.plain else ANSWER
    model = models.clients[ROLE].llm
    parts: dict[str, object] = {
        "corpus": loaded.corpus.fingerprint,
        "chunks": chunked.chunks.fingerprint,
        "golden": golden.fingerprint,
        "retriever": {"name": options.retriever, "fingerprint": found.key},
        "model": {"name": model.name, "fingerprint": model.fingerprint()},
        "prompt": {prompt.label: prompt.fingerprint},
        "settings": options.settings,
    }
    return _Prepared(_asked(golden), found, golden.ledger + loaded.corpus.ledger + chunked.ledger, parts)


def _asked(golden: GoldenSet) -> list[Question]:
    return [
        Question(item.id, item.text, {**({"type": item.type} if item.type else {}), **_slices(item.metadata)})
        for item in golden
    ]


def _slices(metadata: Mapping[str, object]) -> dict[str, object]:
    """What reports can slice by; a golden item's whole provenance is in its set."""
    return {key: value for key, value in metadata.items() if isinstance(value, str | int | float | bool)}


def _questions(options: Options) -> GoldenSet:
    if options.questions is not None:
        return read_questions(options.questions)
    assert options.golden is not None
    return read_golden(options.golden)


def _queries(golden: GoldenSet, chunks: Chunks) -> list[Query]:
    """With what must not be shown: text that a query was taken from would give the answer away."""
    if any(item.masked or any(e.grade > 0 for e in item.evidence) for item in golden):
        return list(project_labels(golden, chunks, unit="chunk", allow_missing=True).queries)
    return [Query(item.id, item.text, frozenset(item.exclude)) for item in golden]


def _ask_service(options: Options, progress: Progress) -> AnswerSet:
    out = options.folder
    service, golden = options.service, _questions(options)
    known = identity("answer", {"endpoint": service.url, "golden": golden.fingerprint})
    with claimed(out, known, RESULTS, resume=options.resume, force=options.force):
        with AnswerJournal(out / REPLIES) as journal:
            items, ledger = run_anywhere(
                ask_service(service, _asked(golden), known=journal.known, keep=journal.keep, progress=progress)
            )
        answers = AnswerSet(items, options.name or out.resolve().name, golden.ledger + ledger, known)
        _write(options, answers)
    return answers


def _take_in(options: Options) -> AnswerSet:
    assert options.answers is not None
    golden = read_golden(options.golden) if options.golden is not None else None
    ids = {item.text: item.id for item in golden} if golden is not None else None
    answers = read_answers(options.answers, columns=options.named_columns, name=options.name, ids=ids)
    if golden is not None and not {item.id for item in golden} & {item.query_id for item in answers}:
        raise InputError(
            f"{options.answers}: none of its query ids is in {options.golden}, such as "
            f"{answers.items[0].query_id!r}; is it the right golden set?"
        )
    known = identity("answer", {"answers": answers.fingerprint})
    with claimed(options.folder, known, RESULTS, resume=False, force=options.force):
        _write(options, answers)
    return answers


def _write(options: Options, answers: AnswerSet) -> None:
    write_answers(answers, options.folder)
    write_text(options.folder / CARD, card(answers))
