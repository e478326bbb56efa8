"""When the requests of an open loop are due."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import SettingError
from ragbench.harness.load.settings import Arrivals


def arrivals(
    rate: float, count: int, seconds: float, kind: Arrivals, draw: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Seconds from the start of a level, ascending, all below ``seconds``, ``count`` at most.

    ``poisson``: independent users, gaps drawn from the exponential distribution
    with mean ``1 / rate``. ``fixed``: every ``1 / rate`` seconds, the first at 0.

    Raises:
        SettingError: none falls into the time.
    """
    times = np.arange(count) / rate if kind == "fixed" else np.cumsum(draw.exponential(1 / rate, count))
    due: npt.NDArray[np.float64] = times[times < seconds]
    if not len(due):
        raise SettingError(f"--rate {rate:g}: no request falls into --seconds {seconds:g}; give more time")
    return due
