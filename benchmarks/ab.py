"""An A/B analysis of ten million events in Parquet: time and peak memory, beside pandas and scipy."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.child import run_module
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.memory import peak_gib

ROWS, USERS = 10_000_000, 4_000_000
MOST_SECONDS, MOST_GIB = 30.0, 4.0
HOW = (
    f"The log has {ROWS:,} events of some {USERS:,} users in random order, with two variants, user ids as text, "
    "columns of 0/1, order values and latency. Each tool runs in a new process that reads the file, aggregates users "
    "and tests. ragbench makes the sample-ratio check, chi-squared, Welch and Mann-Whitney tests, confidence "
    "sequences and a guardrail by the delta method. The peer uses pandas.read_parquet, groupby and the same four "
    "tests of scipy, without intervals, sequences and guardrail."
)


def run(options: Options) -> Section:
    """Both analyses of one file."""
    rows = ROWS // 100 if options.small else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        write_events(path, rows)
        options.say(f"{rows:,} events, {path.stat().st_size / 2**20:,.0f} MiB")
        ours = run_module("benchmarks.ab", "--analyse", str(path))
        peer = run_module("benchmarks.ab", "--pandas", str(path))
    assert abs(ours["p"] - peer["p"]) < 1e-9, "the two analyses disagree"
    what = f"ab, {rows:,} rows of Parquet"
    return Section(
        "ab",
        "Online experiments",
        HOW,
        (
            Figure(
                what, "time", ours["seconds"], "s", target=f"under {MOST_SECONDS:g} s",
                met=ours["seconds"] < MOST_SECONDS, peer=f"pandas and scipy: {peer['seconds']:.1f} s",
            ),
            Figure(
                what, "peak memory", ours["gib"], "GiB", target=f"under {MOST_GIB:g} GiB",
                met=ours["gib"] < MOST_GIB, peer=f"pandas and scipy: {peer['gib']:.1f} GiB",
            ),
        ),
    )  # fmt: skip


def write_events(path: Path, rows: int) -> None:
    """A file of random events; each user stays in one variant."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(1)
    with pq.ParquetWriter(path, events_schema()) as writer:
        for start in range(0, rows, 1_000_000):
            n = min(1_000_000, rows - start)
            user = rng.integers(0, max(rows * USERS // ROWS, 2), n)
            treated = (user * 2_654_435_761 >> 7) & 1
            converted = rng.random(n) < 0.03 + 0.001 * treated
            columns = [
                pa.array(np.char.add("user-", user.astype(str))),
                pa.array(np.array(["control", "treatment"])[treated]),
                pa.array(converted.astype(np.int64)),
                pa.array(np.where(converted, rng.lognormal(3, 1, n), 0.0)),
                pa.array(rng.lognormal(5, 0.4, n)),
            ]
            writer.write_table(pa.table(columns, schema=events_schema()))


def events_schema() -> Any:
    import pyarrow as pa

    return pa.schema(
        {
            "user_id": pa.string(), "variant_id": pa.string(), "converted": pa.int64(),
            "order_value": pa.float64(), "latency_ms": pa.float64(),
        }
    )  # fmt: skip


def analysed(path: Path) -> float:
    """The p-value of the first outcome, by ragbench."""
    from ragbench.comparison.ab.analyse import analyse
    from ragbench.comparison.ab.outcomes import parse_guardrail
    from ragbench.comparison.ab.settings import AbSettings

    found = analyse(path, AbSettings(guardrails=(parse_guardrail("latency_ms:max_increase=5%"),)))
    return found.outcomes[0].contrasts[0].p


def by_pandas(path: Path) -> float:
    """The same by hand."""
    import pandas as pd
    from scipy import stats

    events = pd.read_parquet(path)
    users = events.groupby("user_id", sort=False).agg(
        variant=("variant_id", "first"), converted=("converted", "max"), value=("order_value", "sum")
    )
    a, b = (users[users["variant"] == name] for name in ("control", "treatment"))
    stats.chisquare([len(a), len(b)])
    stats.ttest_ind(b["value"], a["value"], equal_var=False)
    stats.mannwhitneyu(b["value"], a["value"])
    table = [[part["converted"].sum(), len(part) - part["converted"].sum()] for part in (a, b)]
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def child() -> None:
    """One analysis in this process, timed from before the imports of what it uses."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--analyse", type=Path)
    parser.add_argument("--pandas", type=Path)
    given = parser.parse_args()
    start = time.perf_counter()
    p = analysed(given.analyse) if given.analyse else by_pandas(given.pandas)
    print(json.dumps({"p": p, "seconds": time.perf_counter() - start, "gib": peak_gib()}))


if __name__ == "__main__":
    if any(word in sys.argv for word in ("--analyse", "--pandas")):
        child()
    else:
        sys.exit(main(only="ab"))
