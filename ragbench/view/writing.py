"""Stream an answer of the language model."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ragbench.answers.answering import AnswerSettings, Question, answer
from ragbench.answers.retrieve import Retrieved
from ragbench.core.answers import Answered
from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.models.llm.base import Answer, Request, Show
from ragbench.models.llm.client import Client
from ragbench.models.llm.streaming import as_it_comes

Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class _Watched:
    """A client that streams its answers."""

    client: Client
    show: Show

    async def ask(self, request: Request) -> Answer:
        return await self.client.ask(request, self.show)


async def written(question: str, found: Retrieved, client: Client) -> AsyncGenerator[Event]:
    """Yield ``text`` as it comes, then ``done`` with the whole answer and the numbers of the cited sources.

    The model is asked for plain text, so that the stream is the answer and no JSON.

    Raises:
        InputError: there is no answer, or it broke off.
        BudgetSpent, ServiceDown, SettingError: the model cannot be asked.
    """
    name = client.llm.name
    came: list[Answer] = []
    begun = False
    async with aclosing(
        as_it_comes(
            lambda show: answer(
                [Question("question", question)], found, _Watched(client, show), AnswerSettings(plain=True), Context(),
                note=lambda _, one: came.append(one),
            )
        )
    ) as coming:  # fmt: skip
        async for item in coming:
            if isinstance(item, str):
                if not begun:
                    yield "stage", {"text": f"{name} is writing …"}
                begun = True
                yield "text", {"text": item}
                continue
            (one,), ledger = item
            if one.failure:
                raise InputError(f"{name}: {one.failure}")
            notes = [entry.reason for entry in ledger.entries]
            text = f"Written by {name} from these sources{_how(client, came[0])}."
            yield "done", {"kind": "answer", "text": text, "answer": one.answer, "cited": _cited(one), "notes": notes}


def _how(client: Client, came: Answer) -> str:
    if came.seconds is None:
        return ", when this was asked before"
    return "" if client.llm.streams else "; this model's answers come whole"


def _cited(one: Answered) -> list[int]:
    numbers = {source.id: number for number, source in enumerate(one.sources, 1)}
    return [numbers[id_] for id_ in one.cited if id_ in numbers]
