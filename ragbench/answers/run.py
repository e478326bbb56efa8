"""Questions and what was found for them -> answers.

Everything here is a function of the inputs, the seed and the models' answers. The client
keeps each answer on disk before it hands it on, so the same run again finds what was paid
for and ends with the same answers.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragbench.answers.citations import numbers_in, resolve
from ragbench.answers.prompt import UNKNOWN, request
from ragbench.answers.retrieve import Retrieved
from ragbench.core.answers import Answered, Source
from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.engine import ask
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.prices import Price

STAGE = "answer"
Note = Callable[[str, Answer], None]
"""Called with a query id and its answer as soon as that is there."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        id: unique within the run.
        text: as the user put it.
        metadata: to slice by.
    """

    id: str
    text: str
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """What decides the answers, next to questions, documents, retriever and model.

    Attributes:
        k: passages shown.
        min_score: with a best score below it the system abstains and the model is not asked; None asks always.
        plain: free text instead of a JSON object.
        max_answer_tokens: the most the model may write.
        seed: passed on to the model.
    """

    k: int = 5
    min_score: float | None = None
    plain: bool = False
    max_answer_tokens: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in (("--k", self.k), ("--max-answer-tokens", self.max_answer_tokens)):
            if value < 1:
                raise SettingError(f"{name} is {value}; it must be 1 or more")
        if self.min_score is not None and not math.isfinite(self.min_score):
            raise SettingError(f"--min-score is {self.min_score}; it must be a number")


def settle(
    questions: Sequence[Question], found: Retrieved, settings: Settings
) -> tuple[list[Question], dict[str, Answered]]:
    """The questions that are put to the model, and the outcome of each that is not, by query id.

    Nothing is asked where the search failed, found nothing, or found nothing good enough.
    """
    asked: list[Question] = []
    settled: dict[str, Answered] = {}
    for question in questions:
        sources = found.sources.get(question.id, ())
        if question.id in found.failures:
            reason = f"the search failed: {found.failures[question.id]}"
            settled[question.id] = Answered(question.id, question.text, "", failure=reason, metadata=question.metadata)
        elif not sources:
            settled[question.id] = _abstained(question, sources, "no-source")
        elif settings.min_score is not None and (sources[0].score or 0.0) < settings.min_score:
            settled[question.id] = _abstained(question, sources, "low-score")
        else:
            asked.append(question)
    return asked, settled


def requests_of(asked: Sequence[Question], found: Retrieved, settings: Settings) -> Iterator[Request]:
    """The request of each question, built when it is taken."""
    for question in asked:
        yield request(
            question.text, found.sources[question.id], plain=settings.plain, max_tokens=settings.max_answer_tokens,
            seed=settings.seed,
        )  # fmt: skip


async def answer(
    questions: Sequence[Question],
    found: Retrieved,
    asker: Asker,
    settings: Settings,
    context: Context,
    *,
    price: Price | None = None,
    note: Note = lambda query_id, answer: None,
) -> tuple[tuple[Answered, ...], Ledger]:
    """The answers in the order of the questions, and what went wrong or was left out.

    Args:
        questions: what is asked.
        found: what the model is shown.
        asker: the model.
        settings: see `Settings`.
        context: for its progress.
        price: of the model, for the cost of each answer; None where it is not known.
        note: told of each answer that was paid for now.

    Raises:
        BudgetSpent, ServiceDown, SettingError: the model ends the run; its answers so far are kept.
    """
    asked, items = settle(questions, found, settings)

    def keep(position: int, answer: Answer) -> None:
        question = asked[position]
        note(question.id, answer)
        items[question.id] = _read(question, found.sources[question.id], answer, price, plain=settings.plain)

    await ask(
        asker, requests_of(asked, found, settings), what="answering", progress=context.progress, total=len(asked),
        on_answer=keep,
    )  # fmt: skip
    entries = [entry for one in questions for entry in _entries(items[one.id], found.unknown.get(one.id, ()))]
    return tuple(items[question.id] for question in questions), Ledger(tuple(entries))


def _abstained(question: Question, sources: tuple[Source, ...], why: str) -> Answered:
    metadata = {**question.metadata, "abstained_because": why}
    return Answered(question.id, question.text, UNKNOWN, sources, abstained=True, metadata=metadata)


def _read(
    question: Question, sources: tuple[Source, ...], answer: Answer, price: Price | None, *, plain: bool
) -> Answered:
    took = answer.took
    measured: dict[str, Any] = {}
    if took.tokens:
        measured = {"input_tokens": took.input_tokens, "output_tokens": took.output_tokens}
        measured["cost"] = price.cost(took) if price else None
    if answer.value is None:
        raw = {"raw": answer.raw} if answer.raw else {}
        return Answered(
            question.id, question.text, "", sources, failure=answer.failure or "there is no answer",
            metadata={**question.metadata, **raw}, **measured,
        )  # fmt: skip
    text, listed, unknown = _said(answer.value, plain=plain)
    cited, missing = resolve([*numbers_in(text), *listed], [source.id for source in sources])
    metadata = dict(question.metadata)
    if unknown:
        metadata["abstained_because"] = "model"
    if missing:
        metadata["unknown_citations"] = list(missing)
    return Answered(
        question.id, question.text, text, sources, () if unknown else cited, unknown, metadata=metadata, **measured
    )


def _said(value: object, *, plain: bool) -> tuple[str, list[int], bool]:
    """Text, numbers of the sources that are listed beside it, and whether it says that it does not know."""
    if plain:
        text = str(value).strip()
        return text, [], _is_unknown(text)
    assert isinstance(value, Mapping)  # held to the schema
    text = str(value["answer"]).strip()
    unknown = bool(value["is_unknown"]) or _is_unknown(text) or not text
    return text or UNKNOWN, [int(number) for number in value["citations"]], unknown


def _is_unknown(text: str) -> bool:
    return text.strip(" \t\n.\"'").casefold() == UNKNOWN.rstrip(".").casefold()


def _entries(item: Answered, unknown_ids: Sequence[str]) -> list[LedgerEntry]:
    entries = []
    if unknown_ids:
        reason = f"the retriever gave ids that the corpus lacks, so there is no text to show: {first_ten(unknown_ids)}"
        entries.append(LedgerEntry(STAGE, item.query_id, reason, "unknown-source"))
    if item.failure:
        entries.append(LedgerEntry(STAGE, item.query_id, item.failure, "no-answer"))
    missing = item.metadata.get("unknown_citations")
    if isinstance(missing, list):
        reason = f"cites {first_ten(f'[{n}]' for n in missing)} of {len(item.sources)} sources"
        entries.append(LedgerEntry(STAGE, item.query_id, reason, "unknown-citation"))
    if item.metadata.get("abstained_because") == "no-source":
        entries.append(LedgerEntry(STAGE, item.query_id, "the search found nothing; abstained", "no-source"))
    return entries
