"""Answer questions from retrieved sources: the prompt, the citations, abstention, and the card of the result."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragbench.answers.retrieve import Retrieved
from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.foreign import in_code
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.core.options import named, option, option_group
from ragbench.core.turns import History, as_text
from ragbench.engine import ask
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.costs import Price
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

UNKNOWN = "I do not know."
"""The reply of a model when the sources lack the answer."""

SCHEMA: dict[str, object] = {
    "title": "Answer",
    "type": "object",
    "properties": {
        "answer": {"type": "string", "maxLength": 8000, "description": "from the sources only, with [n] citations"},
        "citations": {
            "type": "array",
            "maxItems": 50,
            "items": {"type": "integer"},
            "description": "numbers of the sources that the answer rests on",
        },
        "is_unknown": {"type": "boolean", "description": "whether the sources lack the answer"},
    },
    "required": ["answer", "citations", "is_unknown"],
    "additionalProperties": False,
}
_SYSTEM = (
    "You answer questions from numbered sources and from nothing else. " + DATA_RULE + "\n\n"
    "Rules:\n"
    "- Use only what the sources say, and answer in the language of the question.\n"
    "- Name the source of each statement by its number in square brackets, as in [1] or [2, 3].\n"
    f"- If the sources do not hold the answer, say exactly: {UNKNOWN}\n"
)
_TEMPLATE = "Sources:\n\n{sources}Question:\n{question}\n\n"

REPLY = "Answer with one JSON object: answer, citations (the numbers used), is_unknown (true or false)."

ANSWER = Prompt(
    name="answer",
    version=1,
    system=_SYSTEM + "- " + REPLY,
    template=_TEMPLATE + "Answer the question with one JSON object that follows the schema.",
    schema=SCHEMA,
)
PLAIN = Prompt(
    name="answer-plain",
    version=1,
    system=_SYSTEM + "- Answer in plain text, as short as the question allows.",
    template=_TEMPLATE + "Answer the question.",
    schema=None,
)


def request(
    question: str,
    sources: Sequence[Source],
    *,
    plain: bool,
    max_tokens: int,
    seed: int,
    history: History = (),
    own: Prompt | None = None,
) -> Request:
    """Build the request for one question.

    Args:
        question: the user's words, fenced like the sources, since anybody may have written them.
        sources: the passages that the model sees, numbered from 1 in this order.
        plain: free text instead of a JSON object.
        max_tokens: the most the model may write.
        seed: of the run.
        history: the conversation before the question, fenced too.
        own: a prompt of the user's own, as `ragbench.answers.own_prompt.read_prompt` reads it.
    """
    listed = "".join(f"[{number}]\n{{source_{number}}}\n\n" for number in range(1, len(sources) + 1))
    data = {f"source_{number}": source.text for number, source in enumerate(sources, 1)}
    prompt = own or (PLAIN if plain else ANSWER)
    has_place = "{history}" in prompt.template
    if history and not has_place:
        listed += "The conversation before the question:\n{history}\n\n"
    if history or has_place:
        data["history"] = as_text(history) or "(none)"
    fields = {"sources": listed, "passages": listed}
    return prompt.request(Filled(fields, {**data, "question": question}), seed=seed, max_tokens=max_tokens)


_MARK = re.compile(r"\[\s*(\d{1,4}(?:\s*[-–]\s*\d{1,4})?(?:\s*[,;]\s*\d{1,4}(?:\s*[-–]\s*\d{1,4})?)*)\s*\]")
_RANGE = re.compile(r"(\d+)(?:\s*[-–]\s*(\d+))?")
LONGEST_RANGE = 100


def numbers_in(text: str) -> list[int]:
    """Find numbers in square brackets, each once, in order: ``[2]``, ``[1, 3]``, ``[1-3]``."""
    found: dict[int, None] = {}
    for mark in _MARK.finditer(text):
        for first, last in _RANGE.findall(mark[1]):
            start, end = int(first), int(last or first)
            # Descending numbers, or a span of years, are not a range of sources.
            within = range(start, end + 1) if 0 <= end - start <= LONGEST_RANGE else (start, end)
            found.update(dict.fromkeys(within))
    return list(found)


def resolve(numbers: Iterable[int], ids: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the cited ids, each once and in order, and the numbers that no source has.

    Args:
        numbers: as cited, from 1.
        ids: of the sources, in the order they were numbered.
    """
    every = list(dict.fromkeys(numbers))
    known = tuple(ids[number - 1] for number in every if 1 <= number <= len(ids))
    return known, tuple(number for number in every if not 1 <= number <= len(ids))


STAGE = "answer"
Note = Callable[[str, Answer], None]
"""Called with a query id and its answer as soon as it arrives."""


@brief
@dataclass(frozen=True)
class Question:
    """A question to a RAG system.

    Attributes:
        id: unique within the run.
        text: the user's words.
        metadata: values to slice by.
        history: the conversation before it, oldest turn first.
    """

    id: str
    text: str
    metadata: Mapping[str, object] = field(default_factory=dict)
    history: History = ()


def questions_of(golden: GoldenSet) -> list[Question]:
    """The queries of a golden set. The type and the properties that reports can slice by are their metadata, without
    the provenance of the items.
    """
    plain = [
        {key: value for key, value in item.metadata.items() if isinstance(value, str | int | float | bool)}
        for item in golden
    ]
    return [
        Question(item.id, item.text, {**({"type": item.type} if item.type else {}), **metadata}, item.history)
        for item, metadata in zip(golden, plain, strict=True)
    ]


@option_group
class AnswerSettings:
    """The settings that decide the answers, beside questions, documents, retriever and model.

    Raises:
        SettingError: a value out of its range.
    """

    k: int = option("Passages shown to the model.", default=5, section="Retrieval")
    min_score: float | None = option(
        "Abstain, and ask no model, if the best score is below this.", default=None, section="Retrieval",
        unset="always ask",
    )  # fmt: skip
    plain: bool = option("Ask for free text instead of a JSON object.", default=False, section="Model")
    max_answer_tokens: int = option("The most tokens of one answer.", default=512, section="Model")
    seed: int = option("Seed, passed on to the model.", default=0, section="Run")

    def __post_init__(self) -> None:
        for name in ("k", "max_answer_tokens"):
            if getattr(self, name) < 1:
                raise SettingError(f"{named(name)} is {getattr(self, name)}; it must be 1 or more")
        if self.seed < 0:
            raise SettingError(f"{named('seed')} is {self.seed}; it must be 0 or more")
        if self.min_score is not None and not math.isfinite(self.min_score):
            raise SettingError(f"{named('min_score')} is {self.min_score}; it must be a number")


def settle(
    questions: Sequence[Question], found: Retrieved, settings: AnswerSettings
) -> tuple[list[Question], dict[str, Answered]]:
    """Return the questions to ask the model, and the answer to each of the others, by query id.

    A question is not asked if the search failed, found nothing, or found nothing above the least score.
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


def requests_of(
    asked: Sequence[Question], found: Retrieved, settings: AnswerSettings, own: Prompt | None = None
) -> Iterator[Request]:
    """Build the request of each question when it is needed."""
    for question in asked:
        yield request(
            question.text, found.sources[question.id], plain=settings.plain, max_tokens=settings.max_answer_tokens,
            seed=settings.seed, history=question.history, own=own,
        )  # fmt: skip


async def answer(
    questions: Sequence[Question],
    found: Retrieved,
    asker: Asker,
    settings: AnswerSettings,
    context: Context,
    *,
    price: Price | None = None,
    note: Note = lambda query_id, answer: None,
    own: Prompt | None = None,
) -> tuple[tuple[Answered, ...], Ledger]:
    """Answer the questions. Returns the answers in their order, and an issue log of what failed or was skipped.

    Args:
        questions: the questions.
        found: the sources of each question.
        asker: the model.
        settings: see `AnswerSettings`.
        context: gives the progress.
        price: price of the model, for the cost of each answer; None if it is unknown.
        note: called for each answer that was paid for now.
        own: a prompt of the user's own.

    Raises:
        BudgetSpent, ServiceDown, SettingError: the model ends the run. Its answers so far are stored.
        ArmError: the model gave no answer to any question.
    """
    asked, items = settle(questions, found, settings)
    unanswered: list[str] = []

    def keep(position: int, answer: Answer) -> None:
        question = asked[position]
        note(question.id, answer)
        if answer.unanswered:
            unanswered.append(answer.failure)
        items[question.id] = _read(question, found.sources[question.id], answer, price, plain=settings.plain)

    await ask(
        asker, requests_of(asked, found, settings, own), what="answering", progress=context.progress,
        total=len(asked), on_answer=keep,
    )  # fmt: skip
    if len(unanswered) == len(questions):
        raise ArmError(f"the model answered none of {len(questions)} questions; the first: {unanswered[0]}")
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
    """The text, the numbers of the listed sources, and whether the model says that it does not know."""
    if plain:
        text = str(value).strip()
        return text, [], _is_unknown(text)
    assert isinstance(value, Mapping)  # the schema was enforced
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


EXAMPLE = 80
"""Characters of an answer in a warning."""


def unsteady(answers: AnswerSet) -> tuple[str, ...]:
    """Warn if answers that a model gave at temperature 0 are not the same in every run, with an example.

    ``ragbench answer`` asks at temperature 0. How other answers were made is unknown.
    """
    if not answers.changed or "prompt" not in answers.manifest:
        return ()
    first = answers.changed[0]
    said = dict.fromkeys(
        item.answer or item.failure for items in answers.runs for item in items if item.query_id == first
    )
    example = " and then ".join(f"{text[:EXAMPLE]!r}" for text in list(said)[:2])
    return (
        f"the model was asked at temperature 0, but the answers to {len(answers.changed)} of {len(answers)} queries "
        f"changed over {len(answers.runs)} runs: {first_ten(answers.changed)}. For {first} it said {example}",
    )


def counts(answers: AnswerSet) -> dict[str, int]:
    """Count answers, abstentions, failures, and answers without a citation, in the first run."""
    said = [item for item in answers if not (item.failure or item.abstained)]
    return {
        "queries": len(answers),
        "answered": len(said),
        "abstained": sum(item.abstained for item in answers),
        "failed": sum(bool(item.failure) for item in answers),
        "without_citation": sum(not item.cited for item in said),
        **({"runs": len(answers.runs), "changed": len(answers.changed)} if answers.repeats else {}),
    }


def card(answers: AnswerSet) -> str:
    """Write the card in Markdown. It holds no measured values, so a resumed run gives the same bytes."""
    rows = [f"| {what.replace('_', ' ')} | {count} |" for what, count in counts(answers).items()]
    parts = [
        f"# Answers {_plain(answers.name)}",
        _how(answers.manifest),
        "| | queries |\n|---|---|\n" + "\n".join(rows),
    ]
    left_out = answers.ledger.counts()
    if left_out:
        lines = [
            f"| {code} | {count} | {_plain(answers.ledger.of(code)[0].reason)} |" for code, count in left_out.items()
        ]
        parts += ["## Issue log", "| code | entries | first reason |\n|---|---|---|\n" + "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _how(made: Mapping[str, object]) -> str:
    if "endpoint" in made:
        return f"Made by `ragbench answer --endpoint`, asking {in_code(str(made['endpoint']))}."
    retriever, model, settings = (made.get(key) for key in ("retriever", "model", "settings"))
    if not (isinstance(retriever, Mapping) and isinstance(model, Mapping) and isinstance(settings, Mapping)):
        return "Answers made elsewhere, taken in by `ragbench answer --answers`."
    prompt = made.get("prompt")
    label = ", ".join(prompt) if isinstance(prompt, Mapping) else ""
    threshold = settings.get("min_score")
    return (
        f"Made by `ragbench answer`: retriever {in_code(str(retriever.get('name')))}, model "
        f"{in_code(str(model.get('name')))}, prompt {label}, {settings.get('k')} passages shown"
        + ("" if threshold is None else f", abstaining below a best score of {threshold}")
        + f", seed {settings.get('seed')}."
    )


def _plain(text: str) -> str:
    """Escape text of others for Markdown."""
    flat = " ".join(text.split())[:160]
    return "".join(f"\\{char}" if char in "|<>[]`*\\" else char for char in flat)
