"""The circuit breaker: when a service is down, one call at a time finds out when it is back."""

import asyncio
import time

from ragbench.models.llm.errors import ServiceDown

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
