"""Timing that survives a busy machine: jobs take turns, and the median counts."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

FEWEST, MOST = 9, 201


def in_turns(
    jobs: Mapping[str, Callable[[], Any]], budget: float, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each job, in turns (A B A B ...), after one round that is not counted.

    Every other round goes backwards, so that no job always runs in the wake of the same other.

    Args:
        jobs: what to time.
        budget: seconds to spend on all of them; there are at least `FEWEST` and at most `MOST` rounds.
        clock: tells the seconds; `time.process_time` counts the work of all threads, whoever else uses the machine.
    """
    began = time.perf_counter()
    for job in jobs.values():
        job()
    round_seconds = time.perf_counter() - began
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(max(FEWEST, min(MOST, round(budget / round_seconds)))):
        for name in list(jobs) if number % 2 == 0 else reversed(list(jobs)):
            start = clock()
            jobs[name]()
            seconds[name].append(clock() - start)
    return seconds


def medians(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    """Median seconds by job."""
    return {name: statistics.median(values) for name, values in seconds.items()}
