"""Run targets in worker processes, start them again after a death, and collect faults."""

import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.context import BaseContext
from typing import Any

from tests.fuzz.limits import MOST_SECONDS, Fault
from tests.fuzz.target import Target
from tests.fuzz.worker import PRELOADED, Work, main

MOST_INPUTS = 10**9
"""Where the time is the limit."""
STATUS_LOST = 255
"""What `multiprocessing` says of a worker whose exit status got lost. After the last input, that is no fault."""
MOST_DEATHS = 20
"""Deaths after which a target is given up: each costs up to `MOST_SECONDS`."""


@dataclass
class Outcome:
    """What the inputs of a target did.

    Attributes:
        target: name of the target.
        inputs: how many mutated inputs ran.
        faults: what went wrong, in order.
    """

    target: str
    inputs: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, Any]:
        """Inputs, tracebacks and inputs over the limits."""
        tracebacks, over = self.count("traceback", "crash"), self.count("time", "memory")
        return {"target": self.target, "inputs": self.inputs, "tracebacks": tracebacks, "over_limits": over}

    def count(self, *kinds: str) -> int:
        """How many inputs had faults of these kinds."""
        return sum(fault.kind in kinds for fault in self.faults)


def fuzz(
    targets: list[Target], seed: int, *, inputs: int, seconds: float, jobs: int,
    done: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:  # fmt: skip
    """Run the seeds of each target, then ``inputs`` mutated inputs, or as many as fit into ``seconds``."""
    with ThreadPoolExecutor(jobs) as pool:

        def one(target: Target) -> Outcome:
            outcome = ran(target, seed, inputs, seconds)
            done(outcome)
            return outcome

        return list(pool.map(one, targets))


def ran(target: Target, seed: int, inputs: int, seconds: float, first: int | None = None) -> Outcome:
    """Run the inputs of one target, from ``first`` on; the seeds come first by default."""
    outcome = Outcome(target.name)
    at = -len(target.seeds) if first is None else first
    for _ in range(MOST_DEATHS):
        with tempfile.TemporaryDirectory(prefix="ragbench-fuzz-run-") as folder:
            work = Work(target.name, seed, at, inputs, seconds, folder)
            worker = _server().Process(target=main, args=(work,))  # type: ignore[attr-defined]
            worker.start()
            worker.join()
            lines = work.faults.read_text(encoding="utf-8").splitlines() if work.faults.exists() else []
            outcome.faults += [Fault(**json.loads(line)) for line in lines]
            at = int(work.reached.read_bytes() or at) if work.reached.exists() else at
            if worker.exitcode == 0 or (worker.exitcode == STATUS_LOST and at >= inputs):
                break
            outcome.faults.append(_death(target.name, at, worker.exitcode, work))
            at += 1
    outcome.inputs = max(0, at)
    return outcome


def _death(target: str, index: int, code: int | None, work: Work) -> Fault:
    words = work.words.read_text(encoding="utf-8", errors="replace") if work.words.exists() else ""
    if "Timeout (" in words:
        own = [line for line in words.splitlines() if "/ragbench/" in line and "/tests/" not in line]
        return Fault("time", target, index, f"over {MOST_SECONDS:g} s", words[-4000:], own[0].strip() if own else "")
    kind = "memory" if "MemoryError" in words or code == -9 else "crash"
    return Fault(kind, target, index, f"exit code {code}", words[-4000:])


@cache
def _server() -> BaseContext:
    """Workers are forks of a process that has imported everything: starting one takes no time."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system",
                  "MALLOC_ARENA_MAX": "2"}  # fmt: skip
    os.environ.update(one_thread)
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(PRELOADED)
    return server


def distinct(faults: list[Fault]) -> Iterator[tuple[Fault, int]]:
    """The first fault of each cause, with how many there are."""
    found: dict[tuple[str, ...], list[Fault]] = {}
    for fault in faults:
        found.setdefault(fault.same, []).append(fault)
    for same in found.values():
        yield same[0], len(same)
