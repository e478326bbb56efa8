"""The measurements under each load."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ragbench.answers.load.loops import Exchange
from ragbench.answers.load.settings import Level, LoadSettings
from ragbench.core.brief import brief
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.shown import Shown
from ragbench.stats.intervals import Percentile, percentile

SHARES: dict[str, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
STAGE, CODE = "load", "request-failed"
BUSY = 0.9
"""From this share of a core on, this client may be the bottleneck."""
LATE_SHARE, LATE_MS = 0.1, 5.0
"""Requests are sent late if p99 of the lag is above this share of the median latency and above this many ms."""


@brief
@dataclass(frozen=True)
class LevelResult:
    """The measurements of one level.

    Attributes:
        level: the load.
        exchanges: the requests, in the order in which they were due.
        first_id: number of the first request, from 1; requests are numbered over all levels.
        timeout: the timeout of one answer, in seconds.
        busy: share of a core that this process used.
        repeats: how often each question was asked by the end of the level, on average over all levels so far.
        rising: number of requests that were sent while the load rose; they are not among the exchanges.
    """

    level: Level
    exchanges: tuple[Exchange, ...]
    first_id: int
    timeout: float
    busy: float
    repeats: float
    rising: int = 0

    @property
    def name(self) -> str:
        """The name of the arm."""
        return self.level.name

    @property
    def ids(self) -> list[str]:
        """(n,) ids of the requests: ``r000001``."""
        return [f"r{number:06d}" for number in range(self.first_id, self.first_id + len(self.exchanges))]

    @cached_property
    def failures(self) -> Mapping[str, int]:
        """Number of failed requests by kind, sorted."""
        return dict(sorted(Counter(e.failure for e in self.exchanges if e.failure).items()))

    @property
    def failed(self) -> int:
        """Number of failed requests."""
        return sum(self.failures.values())

    @property
    def answered(self) -> int:
        """Number of answered requests."""
        return len(self.exchanges) - self.failed

    @property
    def error(self) -> str | None:
        """Why nothing was measured, or None."""
        if self.answered:
            return None
        return f"every one of {len(self.exchanges)} requests failed; the first: {self.exchanges[0].reason}"

    @property
    def seconds(self) -> float:
        """Seconds from the start to the last answer."""
        return max(e.ended for e in self.exchanges)

    @property
    def per_second(self) -> float:
        """Answers per second, without failures."""
        return self.answered / self.seconds

    @property
    def grew(self) -> float | None:
        """Median latency of the last third divided by that of the first; None with fewer than 30 requests."""
        third = len(self.exchanges) // 3
        if third < 10:
            return None
        ms = [self.timeout if e.failure else e.ended - e.due for e in self.exchanges]
        return float(np.median(ms[-third:]) / np.median(ms[:third]))

    @property
    def offered(self) -> float | None:
        """Requests per second that were due in an open loop: the drawn arrivals, not the nominal rate."""
        return (
            None if self.level.rate is None else len(self.exchanges) / max(self.exchanges[-1].due, 1 / self.level.rate)
        )

    @cached_property
    def latency_ms(self) -> Mapping[str, Percentile]:
        """Latency over all requests. A failed one counts as slower than every answer, with the timeout as its time."""
        failed = np.full(self.failed, self.timeout * 1000)
        return _percentiles(np.append(self._answered_ms, failed), censored=self.failed)

    @cached_property
    def answered_ms(self) -> Mapping[str, Percentile]:
        """Latency over the answers only."""
        return _percentiles(self._answered_ms)

    @cached_property
    def first_token_ms(self) -> Mapping[str, Percentile]:
        """Time to the first piece, over the streamed answers."""
        return _percentiles(_ms([e.first - e.due for e in self.exchanges if e.first is not None and not e.failure]))

    @cached_property
    def by_variant(self) -> Mapping[str, "LevelResult"]:
        """The requests of each variant, in the order of their names; empty if the service names no variant."""
        names = sorted({e.variant for e in self.exchanges if e.variant})
        return {name: replace(self, exchanges=tuple(e for e in self.exchanges if e.variant == name)) for name in names}

    @property
    def streamed(self) -> int:
        """Number of streamed answers."""
        return sum(e.first is not None and not e.failure for e in self.exchanges)

    @cached_property
    def late_ms(self) -> npt.NDArray[np.float64]:
        """How long after it was due each request was sent, sorted."""
        return _ms([e.sent - e.due for e in self.exchanges if e.sent is not None])

    @property
    def ledger(self) -> Ledger:
        """The failed requests."""
        found = zip(self.ids, self.exchanges, strict=True)
        return Ledger(tuple(LedgerEntry(STAGE, f"{self.name}: {id_}", e.reason, CODE) for id_, e in found if e.failure))

    @property
    def _answered_ms(self) -> npt.NDArray[np.float64]:
        return _ms([e.ended - e.due for e in self.exchanges if not e.failure])


@brief
@dataclass(frozen=True)
class LoadResult(Shown):
    """The measurements of all levels.

    Attributes:
        levels: in the order in which they ran.
        settings: the settings of the run.
        manifest: address, questions, settings, versions.
    """

    levels: tuple[LevelResult, ...]
    settings: LoadSettings
    manifest: Mapping[str, object]

    @property
    def ledger(self) -> Ledger:
        """The failed requests of all levels."""
        return Ledger(tuple(entry for level in self.levels for entry in level.ledger.entries))


def _ms(seconds: list[float]) -> npt.NDArray[np.float64]:
    return np.sort(np.array(seconds, dtype=np.float64)) * 1000


def _percentiles(values: npt.NDArray[np.float64], *, censored: int = 0) -> dict[str, Percentile]:
    found = {name: percentile(values, share, censored=censored) for name, share in SHARES.items()}
    return {name: value for name, value in found.items() if value is not None}
