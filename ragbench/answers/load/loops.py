"""The two kinds of load: closed loops, whose senders wait for their answers, and open loops, which do not wait."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ragbench.answers.answering import Question
from ragbench.answers.load.service import Reply, Service
from ragbench.core.brief import brief
from ragbench.core.context import Advance

Pause = Callable[[int], float]


@brief
class Exchange(NamedTuple):
    """One request of a level. Times are in seconds from the start of the level, after its load has risen.

    Attributes:
        question: the question.
        due: when it was due; in a closed loop, when it was sent.
        sent: when it was sent; None if no connection was free before its timeout.
        first: when the first piece of a streamed answer arrived, or None.
        ended: when the last byte arrived, or when it was clear that none would.
        failure: the kind of failure, or empty.
        reason: the reason of the failure.
        user: who asked.
        variant: the variant of the service that answered, or empty.
    """

    question: Question
    due: float
    sent: float | None
    first: float | None
    ended: float
    failure: str = ""
    reason: str = ""
    user: str = ""
    variant: str = ""


async def closed_loop(
    service: Service,
    questions: Iterator[Question],
    *,
    concurrency: int,
    requests: int,
    seconds: float,
    timeout: float,
    advance: Advance,
    ramp_up: float = 0.0,
    pause: Pause = lambda sender: 0.0,
) -> list[Exchange]:
    """Run a closed loop: each sender sends its next request when it has its answer. Returns exchanges in that order.

    Each sender is a user. Requests that were sent while the load rose have negative times.

    Args:
        service: the service.
        questions: an endless iterator.
        concurrency: number of senders.
        requests: the most requests of all senders together, after the load has risen.
        seconds: nothing is sent later; requests under way are waited for.
        timeout: seconds for one answer, from sending.
        advance: counts requests.
        ramp_up: seconds in which the senders begin, one after another. They do not count for ``requests``.
        pause: draws seconds between an answer and the next request of a sender, by its number.
    """
    clock = asyncio.get_running_loop().time
    start = clock() + ramp_up
    left = requests
    found: list[Exchange] = []

    def may_send() -> bool:
        nonlocal left
        if clock() < start:
            return True
        left -= 1
        return left >= 0 and clock() - start < seconds

    async def send(sender: int) -> None:
        await asyncio.sleep(ramp_up * sender / concurrency)
        while may_send():
            question, sent = next(questions), clock()
            user = service.user(question, f"user-{sender + 1}")
            reply = await service.ask(question, sent + timeout, user)
            found.append(_exchange(question, sent, sent, reply, start, user))
            if sent >= start:
                advance(1)
            rest = min(pause(sender), start + seconds - clock())
            if rest > 0 < left:
                await asyncio.sleep(rest)

    async with asyncio.TaskGroup() as group:
        for sender in range(concurrency if ramp_up else min(concurrency, requests)):
            group.create_task(send(sender))
    return sorted(found, key=lambda exchange: exchange.due)


async def open_loop(
    service: Service,
    questions: Iterator[Question],
    *,
    due: Sequence[float],
    in_flight: int,
    timeout: float,
    advance: Advance,
    ramp_up: float = 0.0,
) -> list[Exchange]:
    """Run an open loop: requests are sent when they are due. Returns the exchanges in that order.

    The clock of a request starts when it is due, not when it is sent. A service that stalls
    is thus charged for all requests that were due meanwhile (no coordinated omission).

    Args:
        service: the service.
        questions: an endless iterator.
        due: times in seconds from when the load has risen, ascending.
        in_flight: the most requests under way; further ones wait while their clocks run.
        timeout: seconds for one answer, from when it was due.
        advance: counts requests.
        ramp_up: seconds in which the load rises; times of requests that are due then are negative.

    Source: Tene, "How NOT to measure latency"; Schroeder, Wierman, Harchol-Balter 2006, NSDI,
        "Open versus closed: a cautionary tale".
    """
    clock = asyncio.get_running_loop().time
    start = clock() + ramp_up
    places = asyncio.Semaphore(in_flight)
    found: list[Exchange] = []

    async def send(question: Question, at: float, number: int) -> None:
        user = service.user(question, f"user-{number}")
        found.append(await _in_place(service, places, question, at, timeout, start, clock, user))
        if at >= start:
            advance(1)

    async with asyncio.TaskGroup() as group:
        for number, at in enumerate(due, start=1):
            # Also when late: answers that have arrived must be read.
            await asyncio.sleep(max(start + at - clock(), 0.0))
            group.create_task(send(next(questions), start + at, number))
    return sorted(found, key=lambda exchange: exchange.due)


async def _in_place(
    service: Service,
    places: asyncio.Semaphore,
    question: Question,
    at: float,
    timeout: float,
    start: float,
    clock: Callable[[], float],
    user: str,
) -> Exchange:
    try:
        async with asyncio.timeout_at(at + timeout):
            await places.acquire()
    except TimeoutError:
        reason = f"not sent: no place among those under way within {timeout:g} s"
        return _exchange(question, at, None, Reply(None, clock(), "timeout", reason), start, user)
    try:
        sent = clock()
        return _exchange(question, at, sent, await service.ask(question, at + timeout, user), start, user)
    finally:
        places.release()


def _exchange(question: Question, due: float, sent: float | None, reply: Reply, start: float, user: str) -> Exchange:
    return Exchange(
        question,
        due - start,
        None if sent is None else sent - start,
        None if reply.first is None else reply.first - start,
        reply.ended - start,
        reply.failure,
        reply.reason,
        user,
        reply.variant,
    )
