"""Ask a judge, and check its replies beyond their schema."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ragbench.core.context import Context
from ragbench.engine import NotAsked, ask
from ragbench.models.llm.base import Answer, Asker, Request, Response
from ragbench.models.llm.structured import Invalid, again, read_answer

MOST_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Lost:
    """A missing verdict.

    Attributes:
        code: ``judge-stopped`` (not asked: the run had ended), ``judge-unanswered`` (the provider gave no answer),
            ``judge-refused`` (it withheld the answer), ``judge-unreadable`` (no JSON of the expected form),
            ``judge-count`` (verdicts for other statements or sources than asked), ``judge-verdict`` (a verdict
            outside the set), ``judge-score`` (a score that is not on the scale).
        reason: the reason in words.
    """

    code: str
    reason: str


class Mismatch(Exception):
    """An answer of the right form does not match the question. ``code`` is as in `Lost`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Session:
    """The judge, and how to ask it.

    Attributes:
        asker: the model that judges.
        context: seed and progress.
    """

    asker: Asker
    context: Context


Check = Callable[[Any], None]
"""Raises `Mismatch` for a value of the right form that does not match the question."""


async def ask_checked(
    session: Session, requests: Sequence[Request], checks: Sequence[Check], *, form: Mapping[str, object], what: str
) -> list[Any | Lost]:
    """Ask the judge, and return the values in order.

    The client asks again if an answer does not follow its schema. Rules that a schema
    cannot express are checked here, and asked again once.

    Args:
        session: the judge.
        requests: their schemas have the exact counts.
        checks: one per request.
        form: a schema without counts, which distinguishes a wrong count from an unreadable answer.
        what: the label of the progress.
    """
    answers = await ask(session.asker, requests, what=what, progress=session.context.progress)
    found = [_read(*one, form) for one in zip(answers, requests, checks, strict=True)]
    wrong = [at for at, one in enumerate(found) if isinstance(one, Lost) and answers[at].value is not None]
    if not wrong:
        return found
    repeated = [again(requests[at], answers[at].raw, _reason(found[at]), 1) for at in wrong]
    second = await ask(session.asker, repeated, what=f"{what} again", progress=session.context.progress)
    for at, request, answer in zip(wrong, repeated, second, strict=True):
        found[at] = _read(answer, request, checks[at], form)
    return found


def _reason(one: object) -> str:
    return one.reason if isinstance(one, Lost) else ""


def _read(answer: Answer, request: Request, check: Check, form: Mapping[str, object]) -> Any | Lost:
    if answer.value is None:
        return _lost(answer, request, check, form)
    try:
        check(answer.value)
    except Mismatch as fault:
        return Lost(fault.code, f"{fault}; it said {_short(answer.raw)}")
    return answer.value


def _lost(answer: Answer, request: Request, check: Check, form: Mapping[str, object]) -> Lost:
    if isinstance(answer, NotAsked):
        return Lost("judge-stopped", answer.failure)
    if answer.unanswered:
        return Lost("judge-unanswered", answer.failure)
    if answer.failure.startswith("the provider withheld"):
        return Lost("judge-refused", answer.failure)
    said = f"it said {_short(answer.raw)}" if answer.raw.strip() else "it said nothing"
    try:
        check(read_answer(replace(request, schema=form), Response(answer.raw)))
    except Invalid:
        return Lost("judge-unreadable", f"{answer.failure}; {said}")
    except Mismatch as fault:
        return Lost(fault.code, f"{fault}; {said}")
    return Lost("judge-unreadable", f"{answer.failure}; {said}")


def _short(raw: str) -> str:
    said = " ".join(raw.split())
    return repr(said if len(said) <= MOST_CHARACTERS else said[: MOST_CHARACTERS - 3] + "...")
