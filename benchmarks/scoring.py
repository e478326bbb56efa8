"""Scoring speed: ragbench beside pytrec_eval and ranx, all in one process.

    python benchmarks/scoring.py [--json FILE] [--repeat 7] [--small]

Two jobs. The first scores 10,000 queries x 100 results with 8 metrics from
what each tool holds in memory: a `Run`, dicts, and ranx's objects. The second
reads a TREC run file of 1,000,000 lines and scores it. The tools take turns,
so that whatever else the machine does hits all of them alike; the figure is
the median. Before anything is timed, all values are compared.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.io.files import write_text
from ragbench.io.trec import read_trec_run, write_trec_run
from ragbench.metrics.score import score

try:
    import pytrec_eval
except ImportError:
    sys.exit("this benchmark needs the peers: pip install 'ragbench[bench]'")

# The same eight measures by each tool's names.
OURS = ["hit@10", "mrr", "ndcg@10", "recall@10", "recall@100", "p@10", "map", "rprec"]
TREC = ["success_10", "recip_rank", "ndcg_cut_10", "recall_10", "recall_100", "P_10", "map", "Rprec"]
TREC_ASKED = {"success.10", "recip_rank", "ndcg_cut.10", "recall.10,100", "P.10", "map", "Rprec"}
RANX = ["hit_rate@10", "mrr", "ndcg@10", "recall@10", "recall@100", "precision@10", "map", "r-precision"]


def sample(queries: int, depth: int, vocabulary: int = 100_000, judged: int = 20) -> tuple[Run, Judgements]:
    """Random rankings and labels 0 to 3; half of the judged items are retrieved."""
    rng = np.random.default_rng(1)
    item_ids = [f"doc{i:07d}" for i in range(vocabulary)]
    query_ids = [f"q{i}" for i in range(queries)]
    items = rng.integers(0, vocabulary, (queries, depth), dtype=np.int32)
    rows = [np.unique(rng.integers(0, vocabulary, judged, dtype=np.int32)) for _ in range(queries)]
    for row, ranking in zip(rows, items, strict=True):
        known = rng.permutation(row)[: judged // 2]
        ranking[rng.permutation(depth)[: len(known)]] = known
    scores = rng.random((queries, depth)) * 30
    run = Run.of(query_ids, np.repeat(np.arange(queries), depth), items.ravel(), scores.ravel(), item_ids)
    offsets = np.concatenate(([0], np.cumsum([len(row) for row in rows])))
    labels = rng.integers(0, 4, int(offsets[-1]), dtype=np.int32)
    labels[offsets[:-1]] = 1  # every query has something relevant, as ranx wants
    return run, Judgements(query_ids, offsets, np.concatenate(rows), labels, item_ids)


def timed(jobs: dict[str, Callable[[], Any]], repeat: int) -> dict[str, list[float]]:
    """Seconds of each job, run in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeat):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def check_equal(run: Run, judgements: Judgements, labels: dict[str, dict[str, int]]) -> float:
    """The largest difference between our values and pytrec_eval's.

    Raises:
        SystemExit: it is above 1e-9.
    """
    ours = score(run, judgements, OURS)
    theirs = pytrec_eval.RelevanceEvaluator(labels, TREC_ASKED).evaluate(run.to_dict())
    matrix = np.array([[theirs[query][name] for name in TREC] for query in ours.query_ids])
    largest = float(np.abs(ours.values - matrix).max())
    if not largest <= 1e-9:
        sys.exit(f"values differ from pytrec_eval's by up to {largest}")
    return largest


def in_memory(queries: int, depth: int, repeat: int) -> dict[str, list[float]]:
    """Seconds by tool for scoring what is in memory."""
    run, judgements = sample(queries, depth)
    labels, rankings = judgements.to_dict(), run.to_dict()
    print(f"largest difference from pytrec_eval: {check_equal(run, judgements, labels):.1e}")
    # ranx takes every judged item as relevant, so it gets the positive ones.
    positive = {q: {i: label for i, label in row.items() if label > 0} for q, row in labels.items()}
    ready = pytrec_eval.RelevanceEvaluator(labels, TREC_ASKED)
    jobs: dict[str, Callable[[], Any]] = {
        "ragbench": lambda: score(run, judgements, OURS),
        "pytrec_eval, evaluator ready": lambda: ready.evaluate(rankings),
        "pytrec_eval": lambda: pytrec_eval.RelevanceEvaluator(labels, TREC_ASKED).evaluate(rankings),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ranx

        def ranx_all() -> Any:
            return ranx.evaluate(ranx.Qrels(positive), ranx.Run(rankings), RANX, return_mean=False)

        start = time.perf_counter()
        ranx_all()
        print(f"first call of ranx, compilation included: {time.perf_counter() - start:.1f} s")
        jobs["ranx, objects ready"] = _ranx_ready(positive, rankings)
        jobs["ranx"] = ranx_all
        return timed(jobs, repeat)


def _ranx_ready(labels: dict[str, dict[str, int]], rankings: dict[str, dict[str, float]]) -> Callable[[], Any]:
    import ranx

    qrels, run = ranx.Qrels(labels), ranx.Run(rankings)
    return lambda: ranx.evaluate(qrels, run, RANX, return_mean=False)


def from_file(queries: int, depth: int, repeat: int) -> dict[str, list[float]]:
    """Seconds by tool for reading a TREC run file and scoring it."""
    run, judgements = sample(queries, depth)
    labels = judgements.to_dict()
    positive = {q: {i: label for i, label in row.items() if label > 0} for q, row in labels.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.trec"
        write_trec_run(run, path)
        print(f"run file: {path.stat().st_size / 1e6:.0f} MB")

        def trec() -> Any:
            with path.open() as handle:
                rankings = pytrec_eval.parse_run(handle)
            return pytrec_eval.RelevanceEvaluator(labels, TREC_ASKED).evaluate(rankings)

        def ranx_file() -> Any:
            import ranx

            return ranx.evaluate(
                ranx.Qrels(positive), ranx.Run.from_file(str(path), kind="trec"), RANX, return_mean=False
            )

        jobs: dict[str, Callable[[], Any]] = {
            "ragbench": lambda: score(read_trec_run(path), judgements, OURS),
            "ragbench, reading only": lambda: read_trec_run(path),
            "pytrec_eval": trec,
            "ranx": ranx_file,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return timed(jobs, repeat)


def show(title: str, seconds: dict[str, list[float]]) -> list[dict[str, object]]:
    """Print a table and return its rows."""
    ours = statistics.median(seconds["ragbench"])
    print(f"\n{title}\n{'':32}{'median':>10}{'fastest':>10}{'x ragbench':>12}")
    rows: list[dict[str, object]] = []
    for name, values in seconds.items():
        median, fastest = statistics.median(values), min(values)
        print(f"{name:32}{median * 1e3:>7.1f} ms{fastest * 1e3:>7.1f} ms{median / ours:>12.1f}")
        rows.append({"job": title, "tool": name, "median_s": median, "fastest_s": fastest, "ratio": median / ours})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Time scoring beside pytrec_eval and ranx.")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--repeat", type=int, default=7, help="timed runs of each tool (default 7)")
    parser.add_argument("--small", action="store_true", help="a hundredth of the work, to see that it runs")
    options = parser.parse_args()
    queries, depth = (100, 100) if options.small else (10_000, 100)
    tools = {name: version(name) for name in ("numpy", "pytrec-eval-terrier", "ranx", "pyarrow")}
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {tools}")
    rows = show(
        f"{queries:,} queries x {depth} results, 8 metrics, in memory", in_memory(queries, depth, options.repeat)
    )
    rows += show(
        f"a TREC run file of {queries * depth:,} lines, read and scored",
        from_file(queries, depth, max(3, options.repeat // 2)),
    )
    if options.json:
        write_text(
            options.json,
            json.dumps(
                {"machine": platform.machine(), "cores": os.cpu_count(), "versions": tools, "rows": rows}, indent=1
            )
            + "\n",
        )


if __name__ == "__main__":
    main()
