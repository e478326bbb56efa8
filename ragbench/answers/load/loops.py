"""The two kinds of load: closed loops, whose senders wait for their answers, and open loops, which do not wait."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ragbench.answers.answering import Question
from ragbench.answers.load.service import Reply, Service
from ragbench.core.context import Advance


class Exchange(NamedTuple):
    """One request of a level. Times are in seconds from the start of the level.

    Attributes:
        question: the question.
        due: when it was due; in a closed loop, when it was sent.
        sent: when it was sent; None if no connection was free before its timeout.
        first: when the first piece of a streamed answer arrived, or None.
        ended: when the last byte arrived, or when it was clear that none would.
        failure: the kind of failure, or empty.
        reason: the reason of the failure.
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
    """Run a closed loop: each sender sends its next request when it has its answer. Returns exchanges in that order.

    Args:
        service: the service.
        questions: an endless iterator.
        concurrency: number of senders.
        requests: the most requests of all senders together.
        seconds: nothing is sent later; requests under way are waited for.
        timeout: seconds for one answer, from sending.
        advance: counts requests.
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
    """Run an open loop: requests are sent when they are due. Returns the exchanges in that order.

    The clock of a request starts when it is due, not when it is sent. A service that stalls
    is thus charged for all requests that were due meanwhile (no coordinated omission).

    Args:
        service: the service.
        questions: an endless iterator.
        due: times in seconds from now, ascending.
        in_flight: the most requests under way; further ones wait while their clocks run.
        timeout: seconds for one answer, from when it was due.
        advance: counts requests.

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
            # Also when late: answers that have arrived must be read.
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
