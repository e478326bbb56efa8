"""Which sources were useful for an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragbench.answers.judge.prompts import useful as prompt
from ragbench.answers.judge.replies import Check, Lost, Mismatch, Session, ask_checked


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
    """By id of the source, in order. One call per answer, with all of its sources."""
    requests = [
        prompt.USEFUL.request(
            prompt.filled(one.question, one.answer, list(one.sources.values())),
            seed=session.context.seed,
            schema=prompt.schema(len(one.sources)),
            max_tokens=prompt.most_tokens(len(one.sources)),
        )
        for one in shown
    ]
    checks = [_check(len(one.sources)) for one in shown]
    values = await ask_checked(session, requests, checks, form=prompt.ANY, what="judging sources")
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
