"""Running sums and products within each query."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def running_sum(nth: Ints, values: Floats) -> Floats:
    """(r,) Sum of the values up to each row of its query, the row included.

    Args:
        nth: (r,) number of the row within its query, from 1; the rows of a query are adjacent.
        values: (r,) values.
    """
    return _scan(nth, values, np.add)


def running_product(nth: Ints, values: Floats) -> Floats:
    """(r,) Product of the values up to each row of its query, the row included. See `running_sum`."""
    return _scan(nth, values, np.multiply)


def before(nth: Ints, running: Floats, first: float) -> Floats:
    """(r,) The running value before each row; ``first`` for the first row of a query."""
    shifted = np.concatenate(([first], running[:-1]))
    return np.where(nth == 1, first, shifted)


def _scan(nth: Ints, values: Floats, combine: np.ufunc) -> Floats:
    """Combine each row with the one 1, 2, 4, ... rows above it (Hillis and Steele 1986), within its query."""
    done = values.astype(np.float64)
    step, longest = 1, int(nth.max(initial=0))
    while step < longest:
        rows = np.flatnonzero(nth > step)
        done[rows] = combine(done[rows], done[rows - step])
        step *= 2
    return done
