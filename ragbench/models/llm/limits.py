"""How fast to ask, how long to wait and how often to try: limits, request rates and the circuit breaker."""

import asyncio
import time
from dataclasses import dataclass

from ragbench.core.errors import SettingError
from ragbench.core.pace import Concurrency, most_at_once
from ragbench.models.llm.base import ServiceDown


@dataclass(frozen=True)
class Limits:
    """The limits of one client.

    Attributes:
        concurrency: calls in flight at once, or ``auto`` (see `ragbench.core.pace.Pace`).
        requests_per_minute: calls started per minute; None for no limit.
        tokens_per_minute: tokens per minute, of input and output together; None for no limit.
        timeout: the most seconds of one call.
        retries: how often a failed call is tried again, at most three times after status 500. Requests to slow down
            (429) do not count.
        reasks: how often an answer that breaks the schema is asked for again.
        patience: seconds without one answered call after which the run ends; it can be resumed.
    """

    concurrency: Concurrency = 8
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
                ("concurrency", self.concurrency, "at least 1", most_at_once(self.concurrency) >= 1),
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
"""Capacity that was not used in the last second may be used at once."""


class Rate:
    """A rate per minute, granted in the order of asking; None lets everything through.

    This is the generic cell rate algorithm: every unit taken moves on the time at
    which the next unit is free. An amount larger than the burst passes when its
    turn comes, and delays those behind it.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._seconds = 60.0 / per_minute if per_minute else 0.0
        self._free_at = 0.0

    async def take(self, amount: float = 1.0) -> None:
        """Wait until this amount may be used."""
        if not self._seconds:
            return
        now = time.monotonic()
        start = max(self._free_at, now - BURST_SECONDS)
        self._free_at = start + amount * self._seconds
        if start > now:
            await asyncio.sleep(start - now)

    def correct(self, more: float) -> None:
        """Correct the amount taken: it was more by this much (or less, if negative)."""
        self._free_at += more * self._seconds


FIRST_REST, LONGEST_REST = 1.0, 30.0
"""Seconds between two probes of whether the service is back; doubled each time."""


class Breaker:
    """The circuit breaker. It opens when many different requests failed with no answer between them.

    Requests count, not calls: a single request that always fails is itself at fault.
    While the breaker is open, all calls but one wait: the probe.

    Args:
        threshold: the number of failed requests that opens it.
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
        """Whether calls must wait."""
        return len(self._failed) >= self._threshold

    async def enter(self) -> bool:
        """Wait until a call may be made. If it returns True, the call is the probe, and `leave` must follow it."""
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
        """End the probe. The next waiting call becomes the probe."""
        self._turn.release()

    def answered(self) -> None:
        """Record an answered call: the service is up."""
        self._failed.clear()
        self._rest, self._silent_since = FIRST_REST, None

    def failed(self, request: str, reason: str, *, probe: bool) -> None:
        """Record a call that failed for a reason that may be the service's.

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
        """Record a request that is given up. Unless others fail too, the service is not down."""
        if not self.is_open():
            self._failed.discard(request)
            self._silent_since = None

    def held_up(self, reason: str, wait: float = 0.0) -> None:
        """Record a call that was not answered or must wait. The patience runs.

        Raises:
            ServiceDown: it has lasted too long, or the wait would be too long.
        """
        now = time.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        if now - self._silent_since > self._patience or wait > self._patience:
            asked = f" and asks to wait {wait:.0f} s" if wait > self._patience else ""
            raise ServiceDown(
                f"no call was answered for {now - self._silent_since:.0f} s{asked}; the last reason: {reason}. "
                "Every answer so far is kept: run the same command again later"
            )
