"""One run of answers: check, search, ask, write."""

import contextlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ragbench.answers.card import card
from ragbench.answers.endpoint import ask_service
from ragbench.answers.prompt import ANSWER, PLAIN
from ragbench.answers.retrieve import Retrieved, build, retrieve
from ragbench.answers.run import Question, answer, requests_of, settle
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import lay_over
from ragbench.core.ledger import Ledger
from ragbench.core.loop import run_anywhere
from ragbench.core.progress import Progress
from ragbench.core.queries import Query
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import load_corpus
from ragbench.io.answer_files import ANSWERS, LEDGER, MANIFEST, TIMINGS, read_answers, with_timings, write_answers
from ragbench.io.answer_journal import AnswerJournal
from ragbench.io.atomic import write_text
from ragbench.io.cache import cache_folder
from ragbench.io.golden_files import read_golden
from ragbench.io.question_files import read_questions
from ragbench.io.run_folder import ANSWERS as STORE
from ragbench.io.run_folder import SPENT, claimed, identity
from ragbench.io.timing_journal import TimingJournal
from ragbench.models.llm.base import Answer
from ragbench.models.llm.estimate import Estimate
from ragbench.models.llm.roles import Models, write_spent
from ragbench.tasks.answer.options import ROLE, Options

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
    if any(item.struck or any(e.grade > 0 for e in item.evidence) for item in golden):
        return list(lay_over(golden, chunks, unit="chunk", allow_missing=True).queries)
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
