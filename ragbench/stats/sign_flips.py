"""Totals of clusters under assignments of signs: all of them, or random ones."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

EXACT_CLUSTERS = 20
"""The most clusters with a difference for which all (up to 2^20) assignments of signs are counted, in about 10 ms."""
BLOCK_ROWS = 1 << 14
"""Resamples at a time, so that their sums stay in the processor's cache."""
BLOCK_CELLS = 1 << 22
"""Totals at a time, to bound their memory if there are many columns."""
SLAB_GROUPS = 1 << 10
"""Groups of eight clusters at a time, to bound the memory of their tables and bytes."""

Array = npt.NDArray[np.float64]


def all_signs(sums: Array) -> Iterator[Array]:
    """Totals of c clusters under every assignment of signs, up to the sign of the total: blocks of 2^(c-1) rows.

    Args:
        sums: (c, m) sum of each cluster and column.
    """
    few = min(len(sums), 13)
    inner = np.zeros((1, sums.shape[1])) if not few else sums[:1]
    for value in sums[1:few]:
        inner = np.concatenate((inner + value, inner - value))
    outer = np.zeros((1, sums.shape[1]))
    for value in sums[few:]:
        outer = np.concatenate((outer + value, outer - value))
    for shift in outer:
        yield inner + shift


def random_signs(sums: Array, rng: np.random.Generator, resamples: int) -> Iterator[Array]:
    """Totals under random signs, in blocks of rows.

    A random byte holds the signs of eight clusters, and a table holds the sum for each byte, so eight clusters take one
    look-up.

    Args:
        sums: (c, m) sum of each cluster and column.
        rng: random generator.
        resamples: number of assignments to draw.
    """
    c, m = sums.shape
    groups = -(-c // 8)
    padded = np.zeros((groups * 8, m))
    padded[:c] = sums
    eights = padded.reshape(groups, 8, m)
    signs = 1.0 - 2.0 * ((np.arange(256)[:, None] >> np.arange(8)) & 1)
    rows = max(1, min(BLOCK_ROWS, BLOCK_CELLS // max(m, 1)))
    for start in range(0, resamples, rows):
        totals = np.zeros((min(rows, resamples - start), m))
        for first in range(0, groups, SLAB_GROUPS):
            tables = signs @ eights[first : first + SLAB_GROUPS]
            for table, drawn in zip(tables, _random_bytes(rng, len(tables), len(totals)), strict=True):
                totals += np.take(table, drawn, axis=0)
        yield totals


def _random_bytes(rng: np.random.Generator, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """(rows, columns) Uniform bytes, in the same order on every machine, so that a seed gives the same draws."""
    words = rng.integers(0, 1 << 64, size=-(-rows * columns // 8), dtype=np.uint64)
    return words.astype("<u8", copy=False).view(np.uint8)[: rows * columns].reshape(rows, columns)
