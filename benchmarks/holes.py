"""A difference with holes filled by GPT-4's labels: how often the interval covers the difference by annotators."""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.human_labels import DL23
from ragbench.comparison.holes import fill_holes
from ragbench.comparison.pairing import Pair
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.io.trec import read_qrels
from ragbench.metrics.score import score

SAMPLES, QUERIES, POOL, METRIC = 200, 60, 80, "ndcg@10"
BAND = (0.93, 0.97)
SYSTEMS = {
    "like annotators": ((0.5, 0.0), (1.0, 0.0)),
    "the new one copies GPT-4's labels": ((0.7, 0.0), (0.7, 0.5)),
}
"""How much the scores of the old and the new system depend on the labels of annotators, and on those of GPT-4."""
LAYOUTS = (
    "20% at random",
    "50% at random",
    "half of what only the new system finds",
    "all that only the new one finds",
)
HOW = (
    f"TREC DL 2023: labels of NIST's annotators and of GPT-4 on passages of 82 queries. {SAMPLES} samples of {QUERIES} "
    f"queries, drawn with replacement, with {POOL} passages of each. Two artificial systems rank the passages by "
    "mixtures of labels and noise. Some of the annotators' labels are removed and filled by GPT-4's. The truth is the "
    f"difference in {METRIC} by all labels of annotators on all 82 queries. A figure is the share of samples whose 95% "
    "interval holds it. Beside it: the difference if every hole counts as not relevant, and GPT-4's labels taken as "
    "they are, each with its t interval."
)
Labels = dict[str, dict[str, int]]


def run(options: Options) -> Section:
    """Some four minutes."""
    figures: list[Figure] = []
    folder = options.data / DL23
    if folder.is_dir():
        for systems in SYSTEMS:
            for layout in LAYOUTS:
                options.say(f"  {systems}: {layout}")
                figures.append(coverage(folder, systems, layout, 4 if options.small else SAMPLES))
    return Section("holes", "Items without a label, filled by a model", HOW, tuple(figures))


def coverage(folder: Path, systems: str, layout: str, samples: int) -> Figure:
    """How often the interval holds the difference by annotators."""
    human, model = (read_qrels(folder / f"{name}.qrels.gz").to_dict() for name in ("human", "gpt4"))
    rng = np.random.default_rng([3, *map(ord, layout)])
    pools = {query: rng.permutation(list(row))[:POOL].tolist() for query, row in human.items()}
    human, model = (
        {query: {i: one[query][i] for i in pool} for query, pool in pools.items()} for one in (human, model)
    )
    runs = [rankings(human, model, *care, rng) for care in SYSTEMS[systems]]
    truth = float(difference(runs, human).mean())
    held = []
    for _ in range(samples):
        # A query that is drawn twice is two queries.
        names = {f"{i}": list(human)[at] for i, at in enumerate(rng.integers(0, len(human), QUERIES).tolist())}
        own, said, *both = ({id_: one[name] for id_, name in names.items()} for one in (human, model, *runs))
        known = without(own, both, layout, rng)
        filled = {id_: {item: known[id_].get(item, said[id_][item]) for item in row} for id_, row in own.items()}
        pair = Pair(*(scored(f"system {i}", run, known) for i, run in enumerate(both)))
        found = fill_holes(pair, METRIC, Judgements.from_dict(said), seed=int(rng.integers(1 << 30))).difference
        ends = [(found.low, found.high), t_ends(difference(both, known)), t_ends(difference(both, filled))]
        held.append([low <= truth <= high for low, high in ends])
    share, none, raw = np.mean(held, axis=0).tolist()
    return Figure(
        f"{systems}; without a label: {layout}", "coverage of 95% intervals of the difference", share,
        target=f"{BAND[0]:g} to {BAND[1]:g}", met=BAND[0] <= share <= BAND[1],
        peer=f"{none:.3f} if no hole is relevant; {raw:.3f} by GPT-4's labels as they are",
    )  # fmt: skip


def rankings(human: Labels, model: Labels, care: float, copies: float, rng: np.random.Generator) -> Labels:
    """Scores of the first 30 items of every query."""
    found = {}
    for query, row in human.items():
        scores = {i: care * n + copies * model[query].get(i, 0) + rng.normal(0, 1.2) for i, n in row.items()}
        found[query] = dict(sorted(scores.items(), key=lambda pair: -pair[1])[:30])
    return found  # type: ignore[return-value]


def without(labels: Labels, runs: list[Labels], layout: str, rng: np.random.Generator) -> Labels:
    """Remove labels of annotators."""
    found = {}
    for query, row in labels.items():
        old, new = (set(list(run[query])[:10]) for run in runs)
        share = 0.2 if layout.startswith("20%") else 0.0 if layout.startswith("all") else 0.5
        only = "only" not in layout
        found[query] = {i: n for i, n in row.items() if not (only or i in new - old) or rng.random() >= (share or 1.0)}
    return found


def scored(name: str, ranking: Labels, labels: Labels) -> ScoredRun:
    run, judgements = Run.from_dict(ranking), Judgements.from_dict(labels)
    ids = list(labels)
    return ScoredRun(name, score(run, judgements, METRIC), QueryTable(ids, ids, [""] * len(ids), ids), run, judgements)


def difference(runs: list[Labels], labels: Labels) -> npt.NDArray[np.float64]:
    judgements = Judgements.from_dict(labels)
    old, new = (np.nan_to_num(score(Run.from_dict(run), judgements, METRIC).column(METRIC)) for run in runs)
    return new - old


def t_ends(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    from ragbench.stats.intervals import t_interval

    low, high = t_interval(values[:, None], np.arange(len(values)))
    return float(low[0]), float(high[0])


if __name__ == "__main__":
    sys.exit(main(only="holes"))
