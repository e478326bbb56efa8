"""The questions that an answer replies to, written anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragbench.answers.judge.prompts import questions as prompt
from ragbench.answers.judge.replies import Lost, Mismatch, Session, ask_checked


@dataclass(frozen=True, slots=True)
class Regenerated:
    """Questions written from an answer alone, and whether the answer evades."""

    questions: tuple[str, ...]
    noncommittal: bool


async def regenerate(answers: Sequence[str], count: int, session: Session) -> list[Regenerated | Lost]:
    """So many questions per answer, in order. One call per answer."""
    requests = [
        prompt.QUESTIONS.request(
            prompt.filled(answer, count),
            seed=session.context.seed,
            schema=prompt.schema(count),
            max_tokens=prompt.most_tokens(count),
        )
        for answer in answers
    ]

    def check(value: Any) -> None:
        told = [" ".join(one.split()) for one in value["questions"]]
        if len(told) != count or not all(told):
            raise Mismatch("judge-count", f"{sum(map(bool, told))} questions came where {count} were asked for")

    values = await ask_checked(session, requests, [check] * len(requests), form=prompt.ANY, what="writing questions")
    return [
        value
        if isinstance(value, Lost)
        else Regenerated(tuple(" ".join(one.split()) for one in value["questions"]), value["noncommittal"])
        for value in values
    ]
