"""The number of calls in flight, on simulated services whose capacity is known."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from ragbench.core.errors import SettingError
from ragbench.core.pace import Pace, check_concurrency, parse_concurrency

Service = Callable[[], Awaitable[bool]]


class Simulated:
    """A service that works on some calls at once; others wait, or are refused."""

    def __init__(self, workers: int, seconds: float, *, refuses: bool = False) -> None:
        self.workers, self.seconds, self.refuses = asyncio.Semaphore(workers), seconds, refuses
        self.room, self.under_way, self.peak = workers, 0, 0

    async def call(self) -> bool:
        """Whether the call was answered."""
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            if self.refuses and self.under_way > self.room:
                await asyncio.sleep(0.001)
                return False
            async with self.workers:
                await asyncio.sleep(self.seconds)
            return True
        finally:
            self.under_way -= 1


async def run(pace: Pace, service: Simulated, calls: int) -> list[int]:
    """Make calls until so many are answered; the limit after each."""
    limits: list[int] = []
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            while True:
                await pace.acquire()
                began = time.monotonic()
                answered = await service.call()
                (pace.answered if answered else pace.pushed_back)(began)
                pace.release()
                limits.append(pace.limit)
                if answered:
                    break

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(work())
    return limits


def simulate(workers: int, calls: int, *, refuses: bool = False, seconds: float = 0.01) -> tuple[Pace, list[int], int]:
    async def both() -> tuple[Pace, list[int], int]:
        pace, service = Pace("auto"), Simulated(workers, seconds, refuses=refuses)
        return pace, await run(pace, service, calls), service.peak

    return asyncio.run(both())


def test_a_wide_service_gets_64_calls_and_never_more() -> None:
    pace, limits, peak = simulate(1000, 800, seconds=0.05)
    assert (pace.limit, pace.peak, peak) == (64, 64, 64)
    # 8, 16 and 32 answers: then 64 are in flight.
    assert limits.index(64) >= 55
    assert limits.index(8) < limits.index(16) < limits.index(32)


def test_a_service_of_ten_workers_is_not_flooded() -> None:
    _, limits, peak = simulate(10, 1500)
    # At 20 calls in flight, each takes twice as long as alone.
    assert peak <= 64
    tail = limits[len(limits) // 2 :]
    assert 8 <= sum(tail) / len(tail) <= 26


def test_refusals_halve_it() -> None:
    pace, limits, _ = simulate(20, 1500, refuses=True)
    assert pace.peak <= 64
    tail = limits[len(limits) // 2 :]
    assert 8 <= sum(tail) / len(tail) <= 24


def test_calls_that_were_in_flight_together_count_once() -> None:
    pace = Pace("auto")
    began = time.monotonic()
    for _ in range(8):
        pace.pushed_back(began)
    assert pace.limit == 4
    for _ in range(5):
        pace.pushed_back(time.monotonic())
    assert pace.limit == 1


def test_a_fixed_number_stays() -> None:
    async def both() -> tuple[Pace, int]:
        pace, service = Pace(3), Simulated(2, 0.001, refuses=True)
        await run(pace, service, 50)
        return pace, service.peak

    pace, peak = asyncio.run(both())
    assert (pace.limit, peak) == (3, 3)


def test_a_call_that_is_cancelled_leaves_its_place() -> None:
    async def scenario() -> None:
        pace = Pace(1)
        await pace.acquire()
        waiting = [asyncio.create_task(pace.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pace.release()  # the second gets it
        await asyncio.sleep(0)
        assert [task.done() for task in waiting] == [True, True, False]
        pace.release()
        waiting[2].cancel()  # it was given the place, and leaves before it knows
        await asyncio.gather(waiting[2], return_exceptions=True)
        async with asyncio.timeout(1):
            await pace.acquire()

    asyncio.run(scenario())


def test_what_a_user_may_write() -> None:
    assert (parse_concurrency("12"), parse_concurrency(" Auto")) == (12, "auto")
    with pytest.raises(SettingError, match="a whole number or auto"):
        parse_concurrency("many")
    for wrong in (0, -1):
        with pytest.raises(SettingError, match="at least 1"):
            check_concurrency(wrong)
