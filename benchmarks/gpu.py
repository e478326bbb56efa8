"""Exact search on a GPU beside the CPU: recall and queries per second.

Runs unchanged with and without a GPU. It needs numpy, ragbench, and FAISS or
PyTorch, nothing else; where there is no GPU it says so and prints the CPU's line.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.machine import machine
from ragbench.core.errors import MissingExtra
from ragbench.retrievers._neighbours import Neighbours, exact

Vectors = npt.NDArray[np.float32]
Found = tuple[Vectors, npt.NDArray[np.int64]]
ROWS, WIDTH, QUERIES, ON_CPU, K = 1_000_000, 384, 10_000, 1_000, 100
SAME = 1e-5
"""Scores closer than this are one score: the two sides add up 384 products in another order."""
HOW = (
    f"This is exact inner-product search over {ROWS:,} random unit vectors x {WIDTH} in float32. It finds the top {K} "
    f"of {QUERIES:,} queries on the GPU and of {ON_CPU} queries on the CPU. On the GPU, 'dense' uses FAISS-GPU if it "
    "is installed, otherwise PyTorch. Recall compares the GPU with the CPU over the queries of the CPU. An item "
    f"counts as found if it is among the CPU's {K}, or if its score there differs from the last of them by less than "
    f"{SAME:g}."
)


def run(options: Options) -> Section:
    """The CPU's line, and the GPU's where there is one."""
    rows, queries, on_cpu = (20_000, 200, 50) if options.small else (ROWS, QUERIES, ON_CPU)
    rng = np.random.default_rng(1)
    vectors, asked = unit(rng, rows), unit(rng, queries)
    options.say(f"  CPU, {on_cpu} queries")
    name, search = cpu_search(vectors)
    truth, cpu_qps = timed(search, asked[:on_cpu])
    what = f"{rows:,} x {WIDTH}, k {K}"
    figures = [Figure(what, f"CPU ({name}, {on_cpu} queries)", cpu_qps, "queries/s")]
    try:
        gpu = exact(vectors, "gpu")
    except MissingExtra:
        options.say("  there is no GPU here that FAISS or PyTorch can use: the GPU's lines are skipped")
        reason = "this machine has no GPU; run `python -m benchmarks.gpu` on one that has"
        figures[0] = Figure(what, figures[0].measure, cpu_qps, "queries/s", reason=reason)
        return Section("gpu", "Exact search on a GPU", HOW, tuple(figures))
    options.say(f"  {gpu.name}, {queries:,} queries")
    found, gpu_qps = timed(searching(gpu), asked)
    cpu = f"{cpu_qps:.0f} queries/s on {machine()['cores']} cores of the CPU"
    recall = recall_of(found[1][:on_cpu], truth, vectors, asked)
    strict = float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found[1], truth[1], strict=False)]))
    figures += [
        Figure(what, f"{gpu.name} ({queries:,} queries)", gpu_qps, "queries/s", peer=cpu),
        Figure(
            what,
            f"recall of {gpu.name}",
            recall,
            target="1.0",
            met=recall == 1.0,
            peer=f"{strict:.6f} if near-equal scores must fall on the same side of rank {K}",
        ),
    ]
    return Section("gpu", "Exact search on a GPU", HOW, tuple(figures))


def unit(rng: np.random.Generator, rows: int) -> Vectors:
    """Random vectors of length one."""
    vectors = rng.standard_normal((rows, WIDTH), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def searching(neighbours: Neighbours) -> Callable[[Vectors], Found]:
    """The search of k neighbours as a function of the queries."""
    return lambda queries: neighbours.search(queries, K)


def cpu_search(vectors: Vectors) -> tuple[str, Callable[[Vectors], Found]]:
    """FAISS where it is installed, else numpy's matrix product."""
    try:
        import faiss  # noqa: F401
    except ImportError:
        return "numpy", lambda queries: by_numpy(vectors, queries)
    flat = exact(vectors, "cpu")
    return flat.name, searching(flat)


def by_numpy(vectors: Vectors, queries: Vectors) -> Found:
    """Brute force, 20 queries at a time (20 x 1,000,000 scores are 80 MB)."""
    scores, rows = [], []
    for start in range(0, len(queries), 20):
        every = queries[start : start + 20] @ vectors.T
        top = np.argpartition(-every, K, axis=1)[:, :K]
        values = np.take_along_axis(every, top, axis=1)
        order = np.argsort(-values, axis=1)
        rows.append(np.take_along_axis(top, order, axis=1))
        scores.append(np.take_along_axis(values, order, axis=1))
    return np.concatenate(scores), np.concatenate(rows).astype(np.int64)


def timed(search: Callable[[Vectors], Found], queries: Vectors) -> tuple[Found, float]:
    """What was found, and queries per second, after a few that are not counted."""
    search(queries[:20])
    start = time.perf_counter()
    found = search(queries)
    return found, len(queries) / (time.perf_counter() - start)


def recall_of(found: npt.NDArray[np.int64], truth: Found, vectors: Vectors, queries: Vectors) -> float:
    """Share of the found items that belong in the top k by the CPU's scores."""
    right = 0
    for position, items in enumerate(found):
        own = vectors[items] @ queries[position]
        among = np.isin(items, truth[1][position])
        right += int((among | (own >= truth[0][position, -1] - SAME)).sum())
    return right / found.size


if __name__ == "__main__":
    sys.exit(main(only="gpu"))
