"""Ask many questions, a bounded number of them at a time."""

import asyncio
from collections.abc import Callable, Iterable, Sized

from ragbench.core.progress import Progress
from ragbench.models.llm.base import Answer, Asker, Request
from ragbench.models.llm.errors import AnswerLater

IN_FLIGHT = 512
"""Questions handed to the asker at once; its own limits decide how many of them go out."""
Came = Callable[[int, Answer], None]
"""Called with the place of a request and its answer."""


async def ask_all(
    asker: Asker,
    requests: Iterable[Request],
    *,
    what: str,
    progress: Progress,
    total: int | None = None,
    came: Came = lambda place, answer: None,
    in_flight: int = IN_FLIGHT,
) -> list[Answer]:
    """The answers, in order. Equal requests are asked once.

    Requests are taken one by one as room comes free, so a generator can build
    them while others are under way.

    Where the asker gives up for good (budget, bad key), no further question is
    asked, those under way are waited for, since their answers are paid for, and
    then its error is raised. Where it only notes a question for later, the others are
    put all the same.

    Args:
        asker: the model.
        requests: what is asked.
        what: a name for the progress.
        progress: counts requests.
        total: how many there are, if they have no length.
        came: told of each answer as it comes.
        in_flight: how many are handed to the asker at once.

    Raises:
        AnswerLater: at least one answer is still to come.
    """
    answers: dict[int, Answer] = {}
    places: dict[str, list[int]] = {}
    """Of each request: where its equals stand, the one that is asked first."""
    waiting = enumerate(requests)
    ended: list[Exception] = []
    later: list[AnswerLater] = []

    with progress(what, len(requests) if isinstance(requests, Sized) else total or 0) as advance:

        def settle(place: int, answer: Answer) -> None:
            answers[place] = answer
            came(place, answer)
            advance(1)

        async def work() -> None:
            while not ended:
                try:
                    place, request = next(waiting, (-1, None))
                    if request is None:
                        return
                    known = places.setdefault(request.fingerprint, [])
                    known.append(place)
                    if known[0] in answers:
                        settle(place, answers[known[0]])
                    elif place == known[0]:
                        answer = await asker.ask(request)
                        for row in known:
                            settle(row, answer)
                except AnswerLater as error:
                    later.append(error)
                except Exception as error:
                    ended.append(error)

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(work())
    if ended or later:
        raise (ended or later)[0]
    return [answers[place] for place in sorted(answers)]
