"""Ask many questions, a bounded number of them at a time."""

import asyncio
from collections.abc import Sequence

from ragbench.core.progress import Progress
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.errors import AnswerLater

IN_FLIGHT = 512
"""Questions handed to the asker at once; its own limits decide how many of them go out."""


async def ask_all(
    asker: Asker, requests: Sequence[Request], *, what: str, progress: Progress, in_flight: int = IN_FLIGHT
) -> list[Answer]:
    """The answers, in order. Equal requests are asked once.

    Where the asker gives up for good (budget, bad key), no further question is
    asked, those under way are waited for, since their answers are paid for, and
    then its error is raised. Where it only notes a question for later, the others are
    put all the same.

    Raises:
        AnswerLater: at least one answer is still to come.
    """
    places: dict[str, list[int]] = {}
    for at, request in enumerate(requests):
        places.setdefault(request.fingerprint, []).append(at)
    answers: list[Answer | None] = [None] * len(requests)
    waiting = iter(places.values())
    ended: list[Exception] = []
    later: list[AnswerLater] = []

    with progress(what, len(requests)) as advance:

        async def work() -> None:
            for rows in waiting:
                if ended:
                    return
                try:
                    answer = await asker.ask(requests[rows[0]])
                except AnswerLater as error:
                    later.append(error)
                    continue
                except Exception as error:
                    ended.append(error)
                    return
                for row in rows:
                    answers[row] = answer
                advance(len(rows))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(in_flight, len(places))):
                group.create_task(work())
    if ended or later:
        raise (ended or later)[0]
    return [answer for answer in answers if answer is not None]
