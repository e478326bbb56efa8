"""Timing that survives a busy machine: jobs take turns, and the median counts."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

FEWEST, MOST = 9, 201


def in_turns(jobs: Mapping[str, Callable[[], Any]], budget: float) -> dict[str, list[float]]:
    """Seconds of each job, in turns (A B A B ...), after one round that is not counted.

    Every other round goes backwards, so that no job always runs in the wake of the same other.

    Args:
        jobs: what to time.
        budget: seconds to spend on all of them; there are at least `FEWEST` and at most `MOST` rounds.
    """
    began = time.perf_counter()
    for job in jobs.values():
        job()
    round_seconds = time.perf_counter() - began
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(max(FEWEST, min(MOST, round(budget / round_seconds)))):
        for name in list(jobs) if number % 2 == 0 else reversed(list(jobs)):
            start = time.perf_counter()
            jobs[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def medians(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    """Median seconds by job."""
    return {name: statistics.median(values) for name, values in seconds.items()}
