"""Why Ragas' question to the judge gave nothing that can be counted."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ragbench.answers.ragas.schema import BINARY
from ragbench.engine import NotAsked
from ragbench.models.llm.base import Answer, Request, Response
from ragbench.models.llm.parse import Invalid, read_answer

MOST_CHARACTERS = 300
WITHHELD = "the provider withheld"


class Unjudged(Exception):
    """One answer cannot be scored; Ragas lets it pass through to whoever asked for the score.

    Attributes:
        code: the kind of reason, for the ledger; the words of the native judge (`ragbench.answers.judge.replies.Lost`).
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def unjudged(answer: Answer, request: Request, asked: int | None) -> Unjudged:
    """What to tell of an answer without a usable value.

    Args:
        answer: as the client gave it up.
        request: what it was to answer.
        asked: how many statements were asked about; None where none were.
    """
    if isinstance(answer, NotAsked):
        return Unjudged("judge-stopped", answer.failure)
    if answer.unanswered:
        return Unjudged("judge-unanswered", answer.failure)
    if answer.failure.startswith(WITHHELD):
        return Unjudged("judge-refused", answer.failure)
    said = f"it said {answer.raw[:MOST_CHARACTERS]!r}"
    try:
        value = read_answer(dataclasses.replace(request, schema={}), Response(answer.raw))
    except Invalid:
        return Unjudged("judge-unreadable", f"{answer.failure}; {said}")
    came = len(value["statements"]) if isinstance(value, dict) and isinstance(value.get("statements"), list) else None
    if asked is not None and came is not None and came != asked:
        return Unjudged("judge-count", f"{came} verdicts came for {asked} statements; {said}")
    strange = sorted({repr(one) for one in _verdicts(value) if not (type(one) is int and one in (0, 1))})
    if strange:
        return Unjudged("judge-verdict", f"{', '.join(strange[:5])}: no verdict, which is 0 or 1; {said}")
    return Unjudged("judge-unreadable", f"{answer.failure}; {said}")


def _verdicts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        here = [one for key, one in value.items() if key in BINARY]
        return here + [found for one in value.values() for found in _verdicts(one)]
    return [found for one in value for found in _verdicts(one)] if isinstance(value, list) else []


def judged_twice(asked: Sequence[str], said: Sequence[str]) -> str:
    """What is wrong if one statement was judged in the place of another, or empty.

    A statement that the judge words differently is taken for the one in its place; one that repeats another word
    by word leaves one unjudged.
    """
    wanted, came = Counter(map(_bare, asked)), Counter(map(_bare, said))
    twice = sorted(text for text, count in came.items() if 0 < wanted[text] < count)
    return (
        f"the statement {twice[0]!r:.200} is judged {came[twice[0]]} times, and another one not at all" if twice else ""
    )


def in_order(asked: Sequence[str], verdicts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The verdicts in the order of the statements asked; those worded differently take the places left, in order."""
    by_text: dict[str, list[Mapping[str, Any]]] = {}
    for verdict in verdicts:
        by_text.setdefault(_bare(verdict["statement"]), []).append(verdict)
    named = [found.pop(0) if (found := by_text.get(_bare(text))) else None for text in asked]
    rest = iter([one for one in verdicts if any(one is left for found in by_text.values() for left in found)])
    return [verdict if verdict is not None else next(rest) for verdict in named]


def _bare(statement: str) -> str:
    return " ".join(statement.split()).rstrip(".").casefold()
