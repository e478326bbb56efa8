"""The same two systems in eval, compare and gate, and intervals beside the p-values of their rows."""

import itertools
import sys

from benchmarks.child import ROOT
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.public_collections import Collection, scifact
from ragbench.comparison.compare import CompareSettings, compare_runs
from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.core.evaluations import Evaluation
from ragbench.core.verdicts import Verdict
from ragbench.corpus.chunk import chunk_corpus
from ragbench.corpus.load import Loaded, load_corpus
from ragbench.io.golden_files import read_golden
from ragbench.metrics.settings import EvaluationSettings
from ragbench.workflows.run_systems import evaluate

SHOP = ROOT / "datasets" / "shop"
SYSTEMS = ["bm25", "bm25:stem=false", "bm25:k1=0.9,b=0.4", "dense", "hybrid"]
EQUAL = 1e-9
HOW = (
    "Five systems, all pairs, all metrics at 1 and 10. The first row of a collection takes the difference, both ends "
    "of the interval and the p-value of each pair from `eval`, `compare` and `gate`, and shows the largest deviation. "
    "The second counts rows of `compare`, slices included, whose interval excludes zero while p is .05 or more, or the "
    "other way round, and that the output does not mark. Before they were one comparison, `eval` printed p = .065 and "
    "`compare` .131 for the same pair, and intervals of slices excluded zero beside p = .10."
)


def run(options: Options) -> Section:
    """A minute, most of it for vectors."""
    collections: list[tuple[str, Collection, tuple[str, ...]]] = [
        ("shop", (load_corpus(SHOP / "product_catalog.csv").corpus, read_golden(SHOP)), ("type", "length"))
    ]
    if not options.small:
        collections.append(("SciFact", scifact(options.data / "scifact"), ("length",)))
    figures = [figure for name, data, by in collections for figure in rows(name, data, by, options)]
    return Section("one_comparison", "One comparison", HOW, tuple(figures))


def rows(name: str, data: Collection, by: tuple[str, ...], options: Options) -> list[Figure]:
    """Both rows of a collection."""
    options.say(f"  {name}")
    corpus, golden = data
    found = evaluate(chunk_corpus(Loaded(corpus), "whole").chunks, golden, SYSTEMS, EvaluationSettings(k=(1, 10)))
    apart = deviation(found)
    settings = CompareSettings(metrics=found.scored[0].scores.metrics, by=by)
    shown: list[Verdict] = []
    for pair in itertools.combinations(found.scored, 2):
        compared = compare_runs(list(pair), settings)
        shown += [*compared.verdicts, *(one.verdict for one in compared.slices if one.tested)]
    apart_from_p = [one for one in shown if one.low is not None and one.high is not None and contradicts(one)]
    silent = sum(not one.disagrees for one in apart_from_p)
    return [
        Figure(
            f"{name}, {len(found.scored) - 1} pairs with one system", "largest deviation of eval, compare and gate",
            apart, target=f"at most {EQUAL:g}", met=apart <= EQUAL,
        ),
        Figure(
            f"{name}, all pairs", "rows whose interval and p-value contradict each other without a mark", silent,
            target="0", met=silent == 0, peer=f"{len(apart_from_p)} of {len(shown)} rows are marked",
        ),
    ]  # fmt: skip


def contradicts(verdict: Verdict) -> bool:
    """Whether the interval and the p-value say different things about zero."""
    assert verdict.low is not None
    assert verdict.high is not None
    return (verdict.low > 0 or verdict.high < 0) != (verdict.p < 0.05)


def deviation(found: Evaluation) -> float:
    """The largest difference between the figures of one pair and metric in eval, compare and gate."""
    runs = found.scored
    largest = 0.0
    for metric in runs[0].scores.metrics:
        if metric.startswith("judged"):  # neither more nor less of it is better, so a gate has no margin for it
            continue
        evaluated = {one.candidate: one for one in found.comparisons if one.metric == metric}
        for candidate in runs[1:]:
            (compared,) = compare_runs([runs[0], candidate], CompareSettings(metrics=(metric,))).verdicts
            gate = decide_gate(runs[0], candidate, Rules(rules=(MetricRule(metric=metric, margin=0.02),)))
            decided = gate.decided[0].comparison
            assert decided is not None
            numbers = [
                (one.difference, one.low or 0.0, one.high or 0.0, one.p)
                for one in (evaluated[candidate.name], compared, decided)
            ]
            largest = max(largest, *(abs(a - b) for first in numbers for a, b in zip(first, numbers[0], strict=True)))
    return largest


if __name__ == "__main__":
    sys.exit(main(only="one_comparison"))
