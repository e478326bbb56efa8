"""Seconds and memory of one bootstrap: ``python -m benchmarks.resampling QUERIES RESAMPLES``."""

import json
import sys
import time

import numpy as np

from benchmarks.memory import peak_gib
from ragbench.stats.bootstrap import bootstrap_means

METRICS = 10


def main() -> None:
    queries, resamples = int(sys.argv[1]), int(sys.argv[2])
    values = np.random.default_rng(1).random((queries, METRICS))
    start, cpu = time.perf_counter(), time.process_time()
    bootstrap_means(values, np.arange(queries), np.random.default_rng(2), resamples=resamples)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_gib": peak_gib()}))


if __name__ == "__main__":
    main()
