"""Ask a judge which sources help to arrive at an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragbench.answers.judge.replies import Check, Lost, Mismatch, Session, ask_checked
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

PER_CALL, PER_SOURCE = 64, 160


def schema(sources: int) -> dict[str, object]:
    """JSON schema of an answer with exactly one row per source."""
    row = _row({"type": "integer", "minimum": 1, "maximum": sources})
    return _rows({"type": "array", "minItems": sources, "maxItems": sources, "items": row})


def _row(number: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {
            "source": number,
            "reason": {"type": "string", "maxLength": 600, "description": "one short sentence"},
            "useful": {"type": "boolean"},
        },
        "required": ["source", "reason", "useful"],
        "additionalProperties": False,
    }


def _rows(rows: dict[str, object]) -> dict[str, object]:
    return {
        "title": "Usefulness",
        "type": "object",
        "properties": {"sources": rows},
        "required": ["sources"],
        "additionalProperties": False,
    }


ANY = _rows({"type": "array", "items": _row({"type": "integer"})})
"""The form without counts."""

USEFUL = Prompt(
    name="judge-useful",
    version=1,
    system=(
        "You decide for each source by itself whether it was useful in arriving at the given answer to a "
        "question. " + DATA_RULE + "\n\n"
        "A source is useful if it holds at least a part of what the answer says in reply to the question. A source "
        "on the same subject that holds nothing of the answer is not useful. Judge by the texts alone, never "
        "by what you know."
    ),
    template=(
        "The question:\n{question}\n\nThe answer:\n{answer}\n\n{sources}"
        "Answer with one JSON object: a list 'sources' with one entry per source ({count} in all), each with source "
        "(its number), reason, and useful (true or false)."
    ),
    schema=ANY,
    max_tokens=4096,
)


def filled(question: str, answer: str, sources: Sequence[str]) -> Filled:
    """The fields and data of one request."""
    fields = {
        "sources": "".join(f"Source {n}:\n{{source_{n}}}\n\n" for n in range(1, len(sources) + 1)),
        "count": str(len(sources)),
    }
    data = {"question": question or "(none)", "answer": answer}
    return Filled(fields, data | {f"source_{n}": text for n, text in enumerate(sources, 1)})


def most_tokens(sources: int) -> int:
    """The most tokens of the answer."""
    return PER_CALL + PER_SOURCE * sources


@dataclass(frozen=True, slots=True)
class Shown:
    """A question, an answer to it, and the sources (text by id, best first)."""

    question: str
    answer: str
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Usefulness:
    """Whether one source was useful, and the judge's reason."""

    useful: bool
    reason: str


async def usefulness(shown: Sequence[Shown], session: Session) -> list[dict[str, Usefulness] | Lost]:
    """Judge the sources of each answer, by source id, with one call per answer."""
    requests = [
        USEFUL.request(
            filled(one.question, one.answer, list(one.sources.values())),
            seed=session.context.seed,
            schema=schema(len(one.sources)),
            max_tokens=most_tokens(len(one.sources)),
        )
        for one in shown
    ]
    checks = [_check(len(one.sources)) for one in shown]
    values = await ask_checked(session, requests, checks, form=ANY, what="judging sources")
    return [
        value if isinstance(value, Lost) else _by_id(value["sources"], list(one.sources))
        for value, one in zip(values, shown, strict=True)
    ]


def _check(sources: int) -> Check:
    numbers = list(range(1, sources + 1))

    def check(value: Any) -> None:
        told = sorted(row["source"] for row in value["sources"])
        if told != numbers:
            raise Mismatch("judge-count", f"{len(told)} verdicts came for {sources} sources: numbers {told[:20]}")

    return check


def _by_id(rows: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> dict[str, Usefulness]:
    by_number = {row["source"]: Usefulness(row["useful"], " ".join(row["reason"].split())) for row in rows}
    return {id_: by_number[number] for number, id_ in enumerate(ids, 1)}
