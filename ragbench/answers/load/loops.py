"""The two kinds of load: senders that wait for their answers, and requests that arrive when they arrive."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ragbench.answers.answering import Question
from ragbench.answers.load.service import Reply, Service
from ragbench.core.context import Advance


class Exchange(NamedTuple):
    """One request of a level; times in seconds from the start of the level.

    Attributes:
        question: what was asked.
        due: when it was to be sent; of a closed loop, when it was sent.
        sent: when it was sent; None if no connection was free before its time was over.
        first: when the first piece of a streamed answer was there, or None.
        ended: when the last byte was there, or it was clear that none would come.
        failure: kind of failure, or empty.
        reason: of the failure.
    """

    question: Question
    due: float
    sent: float | None
    first: float | None
    ended: float
    failure: str = ""
    reason: str = ""


async def closed_loop(
    service: Service,
    questions: Iterator[Question],
    *,
    concurrency: int,
    requests: int,
    seconds: float,
    timeout: float,
    advance: Advance,
) -> list[Exchange]:
    """So many senders; each sends its next request when it has its answer. In the order of sending.

    Args:
        service: who is asked.
        questions: never ends.
        concurrency: senders.
        requests: the most, all senders together.
        seconds: nothing is sent later; what is under way is waited for.
        timeout: seconds for one answer, from sending.
        advance: told of each request.
    """
    clock = asyncio.get_running_loop().time
    start = clock()
    numbers = iter(range(requests))
    found: list[Exchange] = []

    async def send() -> None:
        while clock() - start < seconds and next(numbers, None) is not None:
            question, sent = next(questions), clock()
            reply = await service.ask(question, sent + timeout)
            found.append(_exchange(question, sent, sent, reply, start))
            advance(1)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, requests)):
            group.create_task(send())
    return sorted(found, key=lambda exchange: exchange.due)


async def open_loop(
    service: Service,
    questions: Iterator[Question],
    *,
    due: Sequence[float],
    in_flight: int,
    timeout: float,
    advance: Advance,
) -> list[Exchange]:
    """Requests that are sent when they are due, answered or not. In the order in which they were due.

    The clock of a request starts when it is due, not when it is sent. So a service that
    stalls is charged with all that would have been asked meanwhile (no coordinated omission).

    Args:
        service: who is asked.
        questions: never ends.
        due: seconds from now, ascending.
        in_flight: the most under way; further ones wait for a place, their clocks run.
        timeout: seconds for one answer, from when it was due.
        advance: told of each request.

    Source: Tene, "How NOT to measure latency"; Schroeder, Wierman, Harchol-Balter 2006, NSDI,
        "Open versus closed: a cautionary tale".
    """
    clock = asyncio.get_running_loop().time
    start = clock()
    places = asyncio.Semaphore(in_flight)
    found: list[Exchange] = []

    async def send(question: Question, at: float) -> None:
        found.append(await _in_place(service, places, question, at, timeout, start, clock))
        advance(1)

    async with asyncio.TaskGroup() as group:
        for at in due:
            # Also when late: the answers that have come must be taken in.
            await asyncio.sleep(max(start + at - clock(), 0.0))
            group.create_task(send(next(questions), start + at))
    return sorted(found, key=lambda exchange: exchange.due)


async def _in_place(
    service: Service,
    places: asyncio.Semaphore,
    question: Question,
    at: float,
    timeout: float,
    start: float,
    clock: Callable[[], float],
) -> Exchange:
    try:
        async with asyncio.timeout_at(at + timeout):
            await places.acquire()
    except TimeoutError:
        reason = f"not sent: no place among those under way within {timeout:g} s"
        return _exchange(question, at, None, Reply(None, clock(), "timeout", reason), start)
    try:
        sent = clock()
        return _exchange(question, at, sent, await service.ask(question, at + timeout), start)
    finally:
        places.release()


def _exchange(question: Question, due: float, sent: float | None, reply: Reply, start: float) -> Exchange:
    return Exchange(
        question,
        due - start,
        None if sent is None else sent - start,
        None if reply.first is None else reply.first - start,
        reply.ended - start,
        reply.failure,
        reply.reason,
    )
