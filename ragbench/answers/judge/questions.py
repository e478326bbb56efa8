"""Ask a judge for the questions that a text answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragbench.answers.judge.replies import Lost, Mismatch, Session, ask_checked
from ragbench.models.llm.prompt import DATA_RULE, Filled, Prompt

MOST_QUESTIONS = 10
PER_CALL, PER_QUESTION = 64, 160


def schema(count: int) -> dict[str, object]:
    """JSON schema of an answer with exactly this many questions."""
    return _form({"type": "array", "minItems": count, "maxItems": count, "items": _QUESTION})


def _form(questions: dict[str, object]) -> dict[str, object]:
    return {
        "title": "Questions",
        "type": "object",
        "properties": {"noncommittal": {"type": "boolean"}, "questions": questions},
        "required": ["noncommittal", "questions"],
        "additionalProperties": False,
    }


_QUESTION: dict[str, object] = {"type": "string", "minLength": 1, "maxLength": 1000}
ANY = _form({"type": "array", "items": _QUESTION})
"""The form without a count."""

QUESTIONS = Prompt(
    name="judge-questions",
    version=1,
    system=(
        "You read an answer and write the questions that it answers, without having seen the real one. "
        + DATA_RULE
        + "\n\nRules:\n"
        "- Each question is one that the whole answer replies to, short, as a user would put it, in the language of "
        "the answer. Vary the words, not the meaning.\n"
        "- noncommittal is true if the answer evades: it says that it does not know, cannot tell or needs more "
        "information, and says nothing else of substance. Write the questions all the same."
    ),
    template=(
        "The answer:\n{answer}\n\n"
        "Answer with one JSON object: noncommittal (true or false), and a list 'questions' of exactly {count}."
    ),
    schema=ANY,
    max_tokens=PER_CALL + MOST_QUESTIONS * PER_QUESTION,
)


def filled(answer: str, count: int) -> Filled:
    """The fields and data of one request."""
    return Filled({"count": str(count)}, {"answer": answer})


def most_tokens(count: int) -> int:
    """The most tokens of the answer."""
    return PER_CALL + PER_QUESTION * count


@dataclass(frozen=True, slots=True)
class Regenerated:
    """Questions written from an answer alone, and whether the answer evades."""

    questions: tuple[str, ...]
    noncommittal: bool


async def regenerate(answers: Sequence[str], count: int, session: Session) -> list[Regenerated | Lost]:
    """Write this many questions per answer, in order, with one call per answer."""
    requests = [
        QUESTIONS.request(
            filled(answer, count),
            seed=session.context.seed,
            schema=schema(count),
            max_tokens=most_tokens(count),
        )
        for answer in answers
    ]

    def check(value: Any) -> None:
        told = [" ".join(one.split()) for one in value["questions"]]
        if len(told) != count or not all(told):
            raise Mismatch("judge-count", f"{sum(map(bool, told))} questions came where {count} were asked for")

    values = await ask_checked(session, requests, [check] * len(requests), form=ANY, what="writing questions")
    return [
        value
        if isinstance(value, Lost)
        else Regenerated(tuple(" ".join(one.split()) for one in value["questions"]), value["noncommittal"])
        for value in values
    ]
