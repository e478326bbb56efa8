"""Run a target on one input and say what went wrong: a foreign exception, too much time, too much memory."""

import gc
import resource
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.target import Target, is_ours

SECONDS = 2.0
"""CPU seconds that an input may take. CPU, since the machine may be busy."""
MOST_SECONDS = 15.0
"""Seconds after which the process of a target is ended."""
MEGABYTES = 256
"""Memory that an input may take."""
ADDRESSES = 1 << 30
"""Bytes of addresses that a worker may take beyond those it has at the start."""


@dataclass(frozen=True)
class Fault:
    """What an input does that it must not.

    Attributes:
        kind: ``traceback``, ``time``, ``memory`` or ``crash``.
        target: name of the target.
        index: number of the input; -1 minus its place for a seed.
        said: the last line of the traceback, or the figure.
        trace: the whole traceback.
        place: the innermost line of ragbench in it, which tells faults apart.
    """

    kind: str
    target: str
    index: int
    said: str
    trace: str = ""
    place: str = ""

    @property
    def same(self) -> tuple[str, ...]:
        """Faults that are equal in this have one cause."""
        kind_of_error = self.said.split(":")[0] if self.kind == "traceback" else self.kind
        return (self.target, kind_of_error, self.place)


def tried(target: Target, data: bytes, index: int = 0) -> Fault | None:
    """Run a target on one input."""
    with suppress(OSError):  # so that the peak is that of this input, not of an earlier one
        Path("/proc/self/clear_refs").write_text("5")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    fault = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(data)
    except MemoryError as error:
        gc.collect()
        return Fault("memory", target.name, index, f"{type(error).__name__}: {error}", *_trace(error))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        if not is_ours(error):
            trace, place = _trace(error)
            fault = Fault("traceback", target.name, index, f"{type(error).__name__}: {error}"[:300], trace, place)
    seconds = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    if fault is None and seconds > SECONDS:
        fault = Fault("time", target.name, index, f"{seconds:.1f} s of CPU")
    if fault is None and grown > MEGABYTES:
        fault = Fault("memory", target.name, index, f"{grown:.0f} MB")
    return fault


def _trace(error: BaseException) -> tuple[str, str]:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/ragbench/" in frame.filename and "/tests/" not in frame.filename]
    last = (own or list(frames) or [None])[-1]
    place = "" if last is None else f"{Path(last.filename).name}:{last.name}:{last.lineno}"
    return "".join(traceback.format_exception(error, limit=-12))[-4000:], place
