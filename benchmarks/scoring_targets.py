"""The figures of ``scoring.py``, beside what they must reach."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.child import ROOT
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section

TARGETS = {
    ("in memory", "pytrec_eval"): 20.0,
    ("in memory", "ranx"): 80.0,
    ("TREC run file", "pytrec_eval"): 3.0,
    ("TREC run file", "ranx"): 8.0,
}
"""How many times faster, by job and peer."""
HOW = (
    "The first test has 10,000 queries x 100 results and eight metrics. Before timing, all values are compared and "
    "equal those of pytrec_eval to 1e-9. The second test reads and scores a TREC run file of 1,000,000 lines. The "
    "tools take turns in one process, and the times are medians. pytrec_eval starts from its dicts with a new "
    "evaluator. ranx starts after its compilation with new objects. A figure says how many times as long the peer "
    "takes."
)


def run(options: Options) -> Section:
    """Run ``scoring.py`` in a process of its own and read what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scoring.json"
        command = [sys.executable, str(Path("benchmarks") / "scoring.py"), "--json", str(path)]
        done = subprocess.run(
            command + ["--small"] * options.small, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"benchmarks/scoring.py failed:\n{done.stderr.strip()}")
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    ours = {row["job"]: row["median_s"] for row in rows if row["tool"] == "ragbench"}
    figures = []
    for row in rows:
        if row["tool"].startswith("ragbench"):
            continue
        least = next((n for (job, tool), n in TARGETS.items() if job in row["job"] and tool == row["tool"]), None)
        figures.append(
            Figure(
                row["job"],
                f"{row['tool']} / ragbench",
                row["ratio"],
                "x",
                target=f"at least {least:g} x" if least else "",
                met=row["ratio"] >= least if least else None,
                peer=f"{row['median_s'] * 1e3:.1f} ms, here {ours[row['job']] * 1e3:.1f} ms",
            )
        )
    return Section("scoring", "Scoring", HOW, tuple(figures))


if __name__ == "__main__":
    sys.exit(main(only="scoring"))
