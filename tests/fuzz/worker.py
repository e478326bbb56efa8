"""The process that runs a target within limits. It notes each input before it runs it: a death names its input."""

import faulthandler
import gc
import json
import os
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fuzz.limits import ADDRESSES, MOST_SECONDS, tried
from tests.fuzz.mutate import Mutations
from tests.fuzz.target import targets

PRELOADED = [
    "tests.fuzz.worker", "pandas", "pyarrow.parquet", "pyarrow.csv", "docx", "pptx", "pypdf", "jsonschema",
    "json_repair", "pydantic", "charset_normalizer", "yaml", "httpx", "lxml.etree", "scipy.stats",
]  # fmt: skip
"""Imported once, by the server that the workers are forks of."""


@dataclass(frozen=True)
class Work:
    """What a worker does.

    Attributes:
        target: name of the target.
        seed: of the mutations.
        first, last: the inputs; those below 0 are the seeds.
        seconds: after which it stops.
        folder: where it writes its notes.
    """

    target: str
    seed: int
    first: int
    last: int
    seconds: float
    folder: str

    @property
    def faults(self) -> Path:
        """A line of JSON for each fault."""
        return Path(self.folder) / "faults"

    @property
    def reached(self) -> Path:
        """The input that runs now; at the end, the number after the last one."""
        return Path(self.folder) / "reached"

    @property
    def words(self) -> Path:
        """What the process writes to standard error, with the stack where it hung."""
        return Path(self.folder) / "words"


def main(work: Work) -> None:
    """Run the inputs of a target, or as many as fit into the time."""
    words = os.open(work.words, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(words, 2)
    os.dup2(words, 1)
    target = targets()[work.target]
    mutations = Mutations(target, work.seed)
    with work.reached.open("wb", buffering=0) as reached, work.faults.open("a", encoding="utf-8") as faults:
        if work.first >= 0:
            for data in target.seeds:  # imports are no part of the time of the first input
                tried(target, data)
        _limit_addresses()
        index, ends, parent = work.first, time.monotonic() + work.seconds, os.getppid()
        while index < work.last and time.monotonic() < ends and os.getppid() == parent:
            reached.seek(0)
            reached.write(b"%20d" % index)
            data = mutations.input(index)
            faulthandler.dump_traceback_later(MOST_SECONDS, exit=True, file=words)
            if index < 0:  # imports are no part of the time of a seed
                tried(target, data)
            fault = tried(target, data, index)
            faulthandler.cancel_dump_traceback_later()
            if fault is not None:
                faults.write(json.dumps(asdict(fault)) + "\n")
                faults.flush()
                gc.collect()
            index += 1
        reached.seek(0)
        reached.write(b"%20d" % index)


def _limit_addresses() -> None:
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        most = int(sizes.read_text().split()[0]) * resource.getpagesize() + ADDRESSES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


targets()
