"""How much memory this process has ever held."""

import resource
import sys
from pathlib import Path


def peak_gib() -> float:
    """Highest resident size so far, GiB, memory-mapped files included.

    Linux keeps it per program (``VmHWM``); ``getrusage`` would also count what
    the parent held when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
