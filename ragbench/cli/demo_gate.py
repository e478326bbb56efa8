"""``ragbench demo --gate``: three changes to BM25, and the three outcomes of a gate."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbench.io.parsing import read_json
from ragbench.render.blocks import Block, Cell
from ragbench.render.gate import STYLES
from ragbench.render.numbers import fraction

if TYPE_CHECKING:
    from ragbench.cli.demo import Steps
    from ragbench.cli.demo_report import DemoReport

BASELINE = "bm25"
CHANGES = {
    "bm25:k1=2.5": "repeats count more",
    "bm25:stem=false": "no stemming",
    "bm25:k1=0.5": "repeats count less",
}
"""Each changed system, and what was changed. None needs a model, so that the demo takes seconds."""
RULE = "ndcg@10=.02"
OUTCOMES = (0, 1)
"""Exit codes of a gate. An inconclusive one is 0, because the demo does not ask for another."""


def show_gates(
    corpus: Path, golden: Path, out: Path, steps: "Steps", report: "DemoReport", again: tuple[str, ...]
) -> Any:
    """Evaluate the systems, decide on each change, and print the three decisions.

    Args:
        corpus: documents of the sample shop.
        golden: its golden set.
        out: folder for the results.
        steps: runs the commands.
        report: prints.
        again: further options of the evaluation.

    Returns:
        The decisions as ``ragbench gate --json`` prints them.
    """
    folder = out / "gate"
    retrievers = [word for name in (BASELINE, *CHANGES) for word in ("--retriever", name)]
    report.heading("1. Evaluate the system in use, and three changes to it")
    evaluated = folder / "evaluation"
    # --force replaces what an earlier version of the demo evaluated.
    steps.run(
        "eval", "--corpus", corpus, "--golden", golden, *retrievers, "--out", evaluated, *again, hidden=("--force",)
    )
    report.heading("2. May a change replace it? Each may lose at most .02 in ndcg@10")
    decided = []
    for number, name in enumerate(CHANGES, start=1):
        place = folder / f"change-{number}"
        pair = ("--baseline", f"{evaluated}::{BASELINE}", "--candidate", f"{evaluated}::{name}")
        steps.run("gate", *pair, "--margin", RULE, "--out", place, accepted=OUTCOMES)
        decided.append(read_json(place / "gate.json"))
    report.block(_table(decided))
    report.text(
        "The brackets hold the interval of the difference. A change passes if the whole interval lies above -.020, and "
        "fails if it lies below. Otherwise there are too few queries to decide, and the table says about how many more "
        "are needed. An inconclusive gate prints a notice and exits with 0; with --inconclusive fail, it exits with 3."
    )
    return decided


def _table(decided: list[Mapping[str, Any]]) -> Block:
    rows = []
    for gate, change in zip(decided, CHANGES.values(), strict=True):
        (rule,) = gate["rules"]
        value, low, high = (fraction(rule[key], signed=True) for key in ("value", "low", "high"))
        more = rule["more_queries"]
        rows.append(
            (
                Cell(gate["outcome"], STYLES[gate["outcome"]]), change, f"{value} [{low}, {high}]",
                "-" if more is None else str(more), str(gate["exit_code"]),
            )
        )  # fmt: skip
    head = ("outcome", "change", "difference [interval]", "more queries", "exit code")
    return Block("", head, tuple(rows), align="llrrr")
