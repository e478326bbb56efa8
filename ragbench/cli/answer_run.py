"""The work behind ``ragbench answer``: check, search, ask, write, tell."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import NamedTuple

from ragbench.answers.card import card
from ragbench.answers.endpoint import ask_service
from ragbench.answers.prompt import ANSWER, PLAIN
from ragbench.answers.retrieve import Retrieved, build, retrieve
from ragbench.answers.run import Question, answer, requests_of
from ragbench.cli.answer_options import ROLE, Options
from ragbench.cli.answer_tell import tell, tell_plan
from ragbench.cli.generate_tell import say_to
from ragbench.cli.language_models import Models, write_spent
from ragbench.cli.progress import Progress
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import lay_over
from ragbench.core.ledger import Ledger
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

CARD = "card.md"
REPLIES = "replies.jsonl"
RESULTS = (ANSWERS, MANIFEST, LEDGER, TIMINGS, CARD, REPLIES)


class _Prepared(NamedTuple):
    questions: list[Question]
    found: Retrieved
    ledger: Ledger
    parts: dict[str, object]


def run(options: Options) -> None:
    """Do what the command says.

    Raises:
        RagbenchError: wrong input, or a run that cannot go on.
    """
    options.check()
    if options.answers is not None:
        _take_in(options)
        return
    if options.endpoint is not None:
        _ask_service(options)
        return
    say = say_to(options.as_json)
    context = Context(cache=cache_folder(options.cache), seed=options.asking.seed, progress=Progress())
    with contextlib.closing(Models(options.asking)) as models:
        prepared = _prepare(options, models, context)
        if options.dry_run:
            if options.out is not None and (options.out / STORE).is_file():
                models.open(options.out / STORE)
            asked, settled = requests_of(prepared.questions, prepared.found, options.settings)
            tell_plan(options, models.clients[ROLE].plan(asked.values()), len(settled))
            return
        assert options.out is not None
        known = identity("answer", prepared.parts)
        with claimed(options.out, known, RESULTS, resume=options.resume, force=options.force) as again:
            if again:
                say(f"{options.out} holds this run already: going on where it was")
            models.open(options.out / STORE)
            try:
                items, ledger = asyncio.run(_ask(options, prepared, models, context))
            finally:
                write_spent(options.out / SPENT, models)
            # Read after the journal is closed: what earlier runs of this folder measured is in it.
            timed = with_timings(items, options.out / TIMINGS)
            answers = AnswerSet(timed, options.name or options.out.resolve().name, prepared.ledger + ledger, known)
            _write(options, answers)
    tell(options, answers, models.totals())


async def _ask(
    options: Options, prepared: _Prepared, models: Models, context: Context
) -> tuple[tuple[Answered, ...], Ledger]:
    assert options.out is not None
    client = models.clients[ROLE]
    with TimingJournal(options.out / TIMINGS) as journal:

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


def _ask_service(options: Options) -> None:
    assert options.out is not None
    service, golden = options.service, _questions(options)
    known = identity("answer", {"endpoint": service.url, "golden": golden.fingerprint})
    with claimed(options.out, known, RESULTS, resume=options.resume, force=options.force):
        with AnswerJournal(options.out / REPLIES) as journal:
            items, ledger = asyncio.run(
                ask_service(service, _asked(golden), known=journal.known, keep=journal.keep, progress=Progress())
            )
        answers = AnswerSet(items, options.name or options.out.resolve().name, golden.ledger + ledger, known)
        _write(options, answers)
    tell(options, answers, {})


def _take_in(options: Options) -> None:
    assert options.answers is not None
    assert options.out is not None
    golden = read_golden(options.golden) if options.golden is not None else None
    ids = {item.text: item.id for item in golden} if golden is not None else None
    answers = read_answers(options.answers, columns=options.named_columns, name=options.name, ids=ids)
    if golden is not None and not {item.id for item in golden} & {item.query_id for item in answers}:
        raise InputError(
            f"{options.answers}: none of its query ids is in {options.golden}, such as "
            f"{answers.items[0].query_id!r}; is it the right golden set?"
        )
    known = identity("answer", {"answers": answers.fingerprint})
    with claimed(options.out, known, RESULTS, resume=False, force=options.force):
        _write(options, answers)
    tell(options, answers, {})


def _write(options: Options, answers: AnswerSet) -> None:
    assert options.out is not None
    write_answers(answers, options.out)
    write_text(options.out / CARD, card(answers))
