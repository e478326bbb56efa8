"""How fast to ask, how long to wait and how often to try: limits, request rates and the circuit breaker."""

import asyncio
import time
from dataclasses import dataclass

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import ServiceDown


@dataclass(frozen=True)
class Limits:
    """Limits of one client.

    Attributes:
        concurrency: calls in flight at once.
        requests_per_minute: calls started per minute; None for no limit.
        tokens_per_minute: tokens per minute, of input and output together; None for no limit.
        timeout: seconds one call may take.
        retries: how often a call that failed is tried again. Being told to slow down (429) does not count.
        reasks: how often an answer that breaks the schema is asked for again.
        patience: seconds without one answered call after which the run ends; it can be resumed.
    """

    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 60.0
    retries: int = 8
    reasks: int = 2
    patience: float = 600.0

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be {least}, it is {value!r}"
            for name, value, least, good in (
                ("concurrency", self.concurrency, "at least 1", self.concurrency >= 1),
                ("requests_per_minute", self.requests_per_minute, "above 0", (self.requests_per_minute or 1) > 0),
                ("tokens_per_minute", self.tokens_per_minute, "above 0", (self.tokens_per_minute or 1) > 0),
                ("timeout", self.timeout, "above 0", self.timeout > 0),
                ("retries", self.retries, "at least 0", self.retries >= 0),
                ("reasks", self.reasks, "at least 0", self.reasks >= 0),
                ("patience", self.patience, "above 0", self.patience > 0),
            )
            if not good
        ]
        if faults:
            raise SettingError("limits of the language model: " + "; ".join(faults))


BURST_SECONDS = 1.0
"""What was not used in the last second may be used at once."""


class Rate:
    """So much per minute, in order of asking; None lets everything through.

    The generic cell rate algorithm: the time at which the next unit is free moves
    on with every unit taken. An amount larger than the burst is let through once
    its turn comes and holds up those behind it.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._seconds = 60.0 / per_minute if per_minute else 0.0
        self._free_at = 0.0

    async def take(self, amount: float = 1.0) -> None:
        """Wait for the turn of so much."""
        if not self._seconds:
            return
        now = time.monotonic()
        start = max(self._free_at, now - BURST_SECONDS)
        self._free_at = start + amount * self._seconds
        if start > now:
            await asyncio.sleep(start - now)

    def correct(self, more: float) -> None:
        """It was more than was taken (or less, if negative)."""
        self._free_at += more * self._seconds


FIRST_REST, LONGEST_REST = 1.0, 30.0
"""Seconds between two calls that try whether the service is back; doubled each time."""


class Breaker:
    """Opens when so many different requests failed with no answer between them.

    Different requests, not calls: one request that always fails is that request's
    fault. While it is open everybody waits but one, the probe.

    Args:
        threshold: how many.
        patience: seconds without an answer after which waiting ends in `ServiceDown`.
    """

    def __init__(self, threshold: int, patience: float) -> None:
        self._threshold, self._patience = threshold, patience
        self._failed: set[str] = set()
        self._rest = FIRST_REST
        self._try_at = 0.0
        self._silent_since: float | None = None
        self._turn = asyncio.Lock()

    def is_open(self) -> bool:
        """Whether calls are held up."""
        return len(self._failed) >= self._threshold

    async def enter(self) -> bool:
        """Wait until a call may be made. True: it is the probe, and `leave` must follow it."""
        if not self.is_open():
            return False
        await self._turn.acquire()
        try:
            if not self.is_open():
                self._turn.release()
                return False
            await asyncio.sleep(max(0.0, self._try_at - time.monotonic()))
        except BaseException:
            self._turn.release()
            raise
        return True

    def leave(self) -> None:
        """The probe is over; the next one waiting takes its turn."""
        self._turn.release()

    def answered(self) -> None:
        """A call was answered: the service is there."""
        self._failed.clear()
        self._rest, self._silent_since = FIRST_REST, None

    def failed(self, request: str, reason: str, *, probe: bool) -> None:
        """A call failed for a reason that may be the service's.

        Args:
            request: fingerprint of the request.
            reason: for the message of `ServiceDown`.
            probe: whether it was the probe.

        Raises:
            ServiceDown: nothing was answered for longer than the patience.
        """
        self.held_up(reason)
        if probe:
            self._rest = min(2 * self._rest, LONGEST_REST)
        if not self.is_open():
            self._failed.add(request)
        if self.is_open():
            self._try_at = time.monotonic() + self._rest

    def given_up(self, request: str) -> None:
        """One request is given up; unless others fail too, that is no sign of the service being down."""
        if not self.is_open():
            self._failed.discard(request)
            self._silent_since = None

    def held_up(self, reason: str, wait: float = 0.0) -> None:
        """A call was not answered, or is asked to wait; the patience runs.

        Raises:
            ServiceDown: for too long already, or the wait would be too long.
        """
        now = time.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        if now - self._silent_since > self._patience or wait > self._patience:
            asked = f" and asks to wait {wait:.0f} s" if wait > self._patience else ""
            raise ServiceDown(
                f"no call was answered for {now - self._silent_since:.0f} s{asked}; the last reason: {reason}. "
                "Every answer so far is kept: run the same command again later"
            )
