"""A text -> the statements that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragbench.answers.judge.locate import place
from ragbench.answers.judge.prompts import split as prompt
from ragbench.answers.judge.replies import Lost, Session, ask_checked


@dataclass(frozen=True, slots=True)
class Said:
    """A text to take apart, and the question that it answers."""

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        text: in words that stand alone.
        span: start and end (exclusive) of the characters that it rests on; None where they are not found.
    """

    text: str
    span: tuple[int, int] | None


async def split(said: Sequence[Said], session: Session) -> list[tuple[Statement, ...] | Lost]:
    """The statements of each text, in its order; empty where it makes none. One call per text."""
    requests = [
        prompt.SPLIT.request(
            prompt.filled(one.question, one.text),
            seed=session.context.seed,
            max_tokens=prompt.most_tokens(one.text),
        )
        for one in said
    ]
    checks = [_anything] * len(requests)
    values = await ask_checked(session, requests, checks, form=prompt.SCHEMA, what="splitting into statements")
    return [
        value if isinstance(value, Lost) else _located(value["statements"], one.text)
        for value, one in zip(values, said, strict=True)
    ]


def _anything(value: Any) -> None:
    """A list of any length is right."""


def _located(rows: Sequence[dict[str, str]], text: str) -> tuple[Statement, ...]:
    found: list[Statement] = []
    after = 0
    for row in rows:
        words = " ".join(row["statement"].split())
        if not words:
            continue
        span = place(row["quote"], text, after) or place(words, text, after)
        after = span[0] if span else after
        found.append(Statement(words, span))
    return tuple(found)
