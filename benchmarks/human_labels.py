"""Differences from labels of a model and of annotators: coverage, and how far the model's labels go."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.io.trec import read_qrels
from ragbench.metrics.score import score
from ragbench.stats.powered_difference import powered_difference

RUNS = 400
HUMAN = (20, 50, 100, 200)
ALL = {20: 500, 50: 2_000, 100: 500, 200: 2_000}
LAYOUTS = ("single queries", "5 queries a document", "one document with 30%")
MODELS = {"good model": 0.9, "weak model": 0.35, "useless model": 0.0}
ICC = 0.3
BAND = (0.93, 0.975)
DL23, SYSTEMS = "dl23_labels", 8
HOW = (
    f"Simulated: {RUNS} experiments for each of three models, whose latent difference of two systems has a correlation "
    f"of {', '.join(f'{rho:g}' for rho in MODELS.values())} with that of annotators and a bias of its own. Half of the "
    "differences in nDCG are ties and the rest is skewed; 9% of those in Hit are not 0. With documents, the intraclass "
    f"correlation is {ICC:g}. A figure is the share of experiments whose 95% interval holds the true difference; "
    "beside it is that of the labels of annotators alone. TREC DL 2023: the labels of NIST's annotators and of GPT-4 "
    f"on 22,327 passages of 82 queries. {SYSTEMS} artificial systems rank these passages by mixtures of both labels "
    "and noise, because runs of the track's systems are not part of the data. Queries are drawn with replacement, 500 "
    "with GPT-4's labels and some of them with those of annotators. The truth is the difference by annotators on all "
    "82 queries."
)
Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]


def run(options: Options) -> Section:
    """Some two minutes."""
    runs = 5 if options.small else RUNS
    figures = []
    for layout in LAYOUTS:
        for metric in ("nDCG", "Hit"):
            options.say(f"  {metric}, {layout}")
            figures += [simulated(metric, layout, human, runs) for human in HUMAN]
    options.say("  TREC DL 2023")
    figures += real(options.data / DL23, 1 if options.small else 12)
    return Section("human_labels", "Labels of a model, and of annotators for some queries", HOW, tuple(figures))


def simulated(metric: str, layout: str, human: int, runs: int) -> Figure:
    """Coverage over the three models."""
    rng = np.random.default_rng([human, LAYOUTS.index(layout), metric == "Hit"])
    truth = float(difference(metric, np.random.default_rng(1).normal(size=1_000_000) + 0.1).mean())
    held = []
    for correlation in MODELS.values():
        for _ in range(runs):
            clusters, latent, own = drawn(rng, layout, ALL[human])
            said = correlation * latent + np.sqrt(1 - correlation**2) * own
            values, model = difference(metric, latent + 0.1), difference(metric, said + 0.3)
            seen = np.zeros(len(values), dtype=bool)
            seen[rng.permutation(len(values))[:human]] = True
            held.append(covers(values[seen], model, seen, clusters, truth))
    both, alone = np.mean(held, axis=0).tolist()
    met = BAND[0] <= both <= BAND[1]
    return Figure(
        f"{metric}, {layout}, {human} of {ALL[human]:,} queries labelled by annotators",
        "coverage",
        both,
        target=f"{BAND[0]:g} to {BAND[1]:g}",
        met=met,
        peer=f"{alone:.3f} (annotators alone)",
        reason=""
        if met or both < BAND[0]
        else "the interval is wider than needed, because a few queries may not show how the model errs",
    )


def covers(human: Array, model: Array, seen: npt.NDArray[np.bool_], clusters: Clusters, truth: float) -> list[bool]:
    """Whether the intervals hold the truth: by both kinds of labels, and by annotators alone."""
    found = powered_difference(human, model[seen], model[~seen], clusters[seen], clusters[~seen])
    ends = [estimate.interval(0.95) for estimate in (found.combined, found.alone)]
    return [low <= truth <= high for low, high in ends]


def difference(metric: str, latent: Array) -> Array:
    """Differences of one metric from latent normal ones."""
    if metric == "Hit":
        return (latent > 1.58).astype(np.float64) - (latent < -1.78)
    excess = np.maximum(np.abs(latent) - 0.674, 0)
    return np.sign(latent) * np.minimum(1.0, 0.25 * excess * (1 + excess))


def drawn(rng: np.random.Generator, layout: str, n: int) -> tuple[Clusters, Array, Array]:
    """Clusters, and two independent normal values of each query with correlation within clusters."""
    clusters = np.arange(n) if layout == LAYOUTS[0] else np.arange(n) // 5
    if layout == LAYOUTS[2]:
        clusters = np.maximum(clusters - int(0.3 * n) // 5, 0)
    icc = 0.0 if layout == LAYOUTS[0] else ICC

    def normal() -> Array:
        shared = rng.normal(size=int(clusters.max()) + 1)[clusters]
        found: Array = np.sqrt(icc) * shared + np.sqrt(1 - icc) * rng.normal(size=n)
        return found

    return clusters, normal(), normal()


def real(folder: Path, draws: int) -> Iterator[Figure]:
    """Coverage and precision with real labels, over all pairs of systems."""
    if not folder.is_dir():
        return
    pairs = list(label_pairs(folder))
    rng = np.random.default_rng(7)
    for count in (20, 50, 100):
        held, worth = [], []
        for human, model in pairs:
            for _ in range(draws):
                rows = rng.integers(0, len(human), size=500)
                found = powered_difference(human[rows[:count]], model[rows[:count]], model[rows[count:]])
                low, high = found.combined.interval(0.95)
                held.append(low <= human.mean() <= high)
                worth.append(found.effective / count)
        name = f"TREC DL 2023, nDCG@10, {count} of 500 queries labelled by annotators"
        met = BAND[0] <= np.mean(held) <= BAND[1]
        yield Figure(
            name, "coverage", float(np.mean(held)), target=f"{BAND[0]:g} to {BAND[1]:g}", met=bool(met),
            peer=f"{len(pairs)} pairs of systems",
        )  # fmt: skip
        yield Figure(
            name, "each label of annotators is worth", float(np.median(worth)), "labels without GPT-4",
            peer=f"{np.quantile(worth, 0.1):.2f} to {np.quantile(worth, 0.9):.2f} in 80% of draws",
        )  # fmt: skip


def label_pairs(folder: Path) -> Iterator[tuple[Array, Array]]:
    """Differences of every pair of systems on the 82 queries, by annotators and by GPT-4."""
    human, model = (read_qrels(folder / f"{name}.qrels.gz") for name in ("human", "gpt4"))
    rng = np.random.default_rng(3)
    by_human, by_model = human.to_dict(), model.to_dict()
    values = []
    for system in range(SYSTEMS):
        care, copies = 0.5 + 0.1 * system, 0.2 * (system % 3)
        ranking = {
            query: {
                item: care * label + copies * by_model[query].get(item, 0) + rng.normal(0, 1.2)
                for item, label in row.items()
            }
            for query, row in by_human.items()
        }
        values.append([_ndcg(Run.from_dict(ranking), labels) for labels in (human, model)])
    for i in range(SYSTEMS):
        for j in range(i + 1, SYSTEMS):
            yield values[j][0] - values[i][0], values[j][1] - values[i][1]


def _ndcg(run: Run, labels: Judgements) -> Array:
    found = score(run, labels, "ndcg@10")
    order = {id_: at for at, id_ in enumerate(found.query_ids)}
    rows = [order[id_] for id_ in sorted(order)]
    return np.nan_to_num(found.column("ndcg@10")[rows])


if __name__ == "__main__":
    sys.exit(main(only="human_labels"))
