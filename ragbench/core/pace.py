"""How many calls may be in flight: a fixed number, or one that rises until the service pushes back."""

import asyncio
import contextlib
import statistics
import time
from collections import deque
from typing import Literal

from ragbench.core.errors import SettingError
from ragbench.core.options import named

Auto = Literal["auto"]
Concurrency = int | Auto
START, MOST = 8, 64
"""Calls in flight with ``auto``: at first, and at most."""
SLOWER = 2.0
"""A level is too high if its median latency is this many times that of the fastest level."""
REST = 4
"""How many levels long the number stays as it is after it fell."""


def parse_concurrency(text: str) -> Concurrency:
    """Parse ``8`` or ``auto``.

    Raises:
        SettingError: it is neither.
    """
    if text.strip().lower() == "auto":
        return "auto"
    try:
        return int(text)
    except ValueError:
        raise SettingError(f"is {text!r}; it must be a whole number or auto", option="concurrency") from None


def check_concurrency(concurrency: Concurrency) -> None:
    """Refuse a number below 1.

    Raises:
        SettingError: it cannot be used.
    """
    if concurrency != "auto" and (not isinstance(concurrency, int) or concurrency < 1):
        raise SettingError(f"{named('concurrency')} is {concurrency!r}; it must be at least 1, or auto")


def most_at_once(concurrency: Concurrency) -> int:
    """The most calls in flight.

    Example:
        >>> most_at_once(8), most_at_once("auto")
        (8, 64)
    """
    return concurrency if isinstance(concurrency, int) else MOST


class Pace:
    """Slots for calls. Each call takes one by `acquire`, and returns it by `release`.

    With ``auto`` there are 8 slots at first. A level ends after as many answers as there are slots, and their number
    doubles then. It halves when the service pushes back (status 429 or 503, a time-out). It falls back when the median
    latency of a level is twice that of the fastest level, since more calls in flight then only wait for each other.
    After it fell once, it rises by an eighth at a time. It never exceeds 64.

    The number falls once for all calls that were in flight together. A `Pace` belongs to one event loop.

    Args:
        concurrency: number of slots, or ``auto``.

    Attributes:
        limit: number of slots now.
        peak: the most slots there were.
        pushes: how often the number fell because the service pushed back.
    """

    def __init__(self, concurrency: Concurrency) -> None:
        self._adapts = concurrency == "auto"
        self.limit = self.peak = START if self._adapts else most_at_once(concurrency)
        self.pushes = 0
        self._held = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._level: list[float] = []
        self._since = time.monotonic()
        self._fastest: float | None = None
        self._before = self.limit
        self._doubles = True
        self._rest = 0

    async def acquire(self) -> None:
        """Wait for a slot. Slots are given in the order of asking."""
        if self._held < self.limit and not self._waiting:
            self._held += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            else:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def release(self) -> None:
        """Return a slot."""
        self._held -= 1
        self._wake()

    def answered(self, began: float) -> None:
        """Record an answered call.

        Args:
            began: when it was sent, by `time.monotonic`.
        """
        if not self._adapts or began < self._since:
            return
        self._level.append(time.monotonic() - began)
        if len(self._level) >= self.limit:
            self._next_level(statistics.median(self._level))

    def pushed_back(self, began: float) -> None:
        """Record a call that the service refused because there are too many, or did not answer in time.

        Args:
            began: when it was sent, by `time.monotonic`.
        """
        if self._adapts and began >= self._since:
            self._doubles, self._rest = False, REST
            self.pushes += 1
            self._set(max(1, self.limit // 2))

    def _next_level(self, median: float) -> None:
        self._fastest = median if self._fastest is None else min(self._fastest, median)
        if self.limit > START and median > SLOWER * self._fastest:
            self._doubles, self._rest = False, REST
            self._set(max(START, min(self._before, self.limit * 3 // 4)))
        elif self._rest:
            self._rest -= 1
            self._set(self.limit)
        else:
            self._before = self.limit
            self._set(min(MOST, self.limit * 2 if self._doubles else self.limit + max(1, self.limit // 8)))

    def _set(self, limit: int) -> None:
        self.limit, self.peak = limit, max(self.peak, limit)
        self._since, self._level = time.monotonic(), []
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._held < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._held += 1
                turn.set_result(None)
