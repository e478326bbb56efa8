"""Requests and tokens per minute."""

import asyncio
import time

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
