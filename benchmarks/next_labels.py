"""Labels drawn by `compare --label-next` beside those of random queries: width and coverage of the difference."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import public_collections
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.human_labels import DL23
from benchmarks.public_collections import Collection
from ragbench.comparison.human import HumanLabels, powered
from ragbench.comparison.next_labels import next_labels
from ragbench.comparison.pairing import Pair
from ragbench.core.annotations import AnnotatorLabels
from ragbench.core.context import Context
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.validity import drawn
from ragbench.io.places import cache_folder
from ragbench.io.trec import read_qrels
from ragbench.metrics.score import score
from ragbench.metrics.settings import EvaluationSettings
from ragbench.workflows.run_systems import evaluate

METRIC, DEPTH = "ndcg@10", 10
SYSTEMS = ("bm25:stem=false", "bm25")
QUERIES, SAMPLES, POOL = 200, 120, 80
LABELS = (20, 60)
MISSED, ADDED = (0.1, 0.5), (0.02, 0.15)
"""Share of relevant items that the made-up model misses, and of others that it takes for relevant: on an easy query,
and on a hard one."""
BAND = (0.93, 0.97)
HOW = (
    f"Two systems ({' and '.join(SYSTEMS)}) on each collection, and the labels of annotators that belong to it. A "
    f"made-up model misses {MISSED[0]:.0%} of the relevant items and adds {ADDED[0]:.0%} of the others on one half of "
    f"the queries, and {MISSED[1]:.0%} and {ADDED[1]:.0%} on the other half. TREC DL 2023 has the labels of GPT-4 on "
    f"{POOL} passages of each query, and two artificial systems that rank by labels and noise. {SAMPLES} samples of "
    f"{QUERIES} queries, drawn with replacement, have the model's labels. Annotators label 20 or 60 queries: those "
    "that --label-next draws, and of these the items of the sheet alone; or random queries with all of their items. "
    "Both estimates use the labels "
    f"of the model too. The truth is the difference in {METRIC} by all labels of annotators on all queries."
)
WHY = (
    "It is lowest on SciFact and TREC DL 2023. A likely reason is that items that the sheet does not list keep the "
    "labels of the model in the ideal ranking of nDCG."
)
Array = npt.NDArray[np.float64]
Labels = dict[str, dict[str, int]]
Scores = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Known:
    """One collection.

    Attributes:
        old, new: scores of both systems, by query and item.
        human: labels of annotators for every item that is relevant or ranked.
        says: the labels of a model for a query.
    """

    old: Scores
    new: Scores
    human: Labels
    says: Callable[[str, np.random.Generator], dict[str, int]]


def run(options: Options) -> Section:
    """Some three minutes."""
    found: dict[str, dict[int, Array]] = {}
    for name, read in COLLECTIONS.items():
        options.say(f"  {name}")
        found[name] = measured(name, read(options.data), 2 if options.small else SAMPLES)
    figures = (
        *coverages(found),
        *(worth(name, count, rows) for name, one in found.items() for count, rows in one.items()),
    )
    return Section("next_labels", "Labels drawn by --label-next", HOW, figures)


def measured(name: str, known: Known, samples: int) -> dict[int, Array]:
    """(samples, 9) by number of labelled queries.

    Whether the interval holds the truth, its width and the error of the estimate, for drawn and for random queries;
    then the labels that each took, and what the sheet promised.
    """
    truth = float(difference(known.old, known.new, known.human).mean())
    rng = np.random.default_rng([7, *map(ord, name)])
    found: dict[int, list[list[float]]] = {count: [] for count in LABELS}
    for _ in range(samples):
        base = rng.choice(list(known.human), QUERIES).tolist()
        names = {f"{at}": query for at, query in enumerate(base)}
        human = {id_: known.human[query] for id_, query in names.items()}
        says = {id_: known.says(query, rng) for id_, query in names.items()}
        pair = Pair(*(scored(i, {id_: one[q] for id_, q in names.items()}, says)
                      for i, one in enumerate((known.old, known.new))))  # fmt: skip
        for count in LABELS:
            sheet = next_labels([pair], METRIC, count, seed=int(rng.integers(1 << 30)))
            asked: Labels = {}
            for row in sheet.rows:
                asked.setdefault(row.query_id, {})[row.item_id] = human[row.query_id].get(row.item_id, 0)
            chances = {row.query_id: row.chance for row in sheet.rows}
            others = {id_: human[id_] for id_ in rng.permutation(list(human))[:count]}
            values: list[float] = []
            for labels in (AnnotatorLabels(Judgements.from_dict(asked), chances), Judgements.from_dict(others)):
                both = powered(pair, METRIC, HumanLabels.of(labels, pair.baseline)).found.combined
                low, high = both.interval(0.95)
                values += [low <= truth <= high, high - low, both.value - truth]
            items = [sum(map(len, one.values())) for one in (asked, others)]
            found[count].append([*values, *items, sheet.worth])
    return {count: np.array(rows) for count, rows in found.items()}


def coverages(found: Mapping[str, Mapping[int, Array]]) -> Iterator[Figure]:
    """Coverage over all collections."""
    for count in LABELS:
        held = {name: one[count][:, [0, 3]].mean(axis=0) for name, one in found.items()}
        active, plain = np.mean(list(held.values()), axis=0).tolist()
        yield Figure(
            f"all collections, {count} of {QUERIES} queries", "coverage of 95% intervals", active,
            target=f"{BAND[0]:g} to {BAND[1]:g}", met=BAND[0] <= active <= BAND[1],
            reason="" if active >= BAND[0] else WHY,
            peer=f"{plain:.3f} (random queries); " + ", ".join(f"{name} {one[0]:.3f}" for name, one in held.items()),
        )  # fmt: skip


def worth(name: str, count: int, rows: Array) -> Figure:
    """How many random queries give an interval as narrow."""
    width, other = np.median(rows[:, [1, 4]], axis=0).tolist()
    error, random_error = np.sqrt((rows[:, [2, 5]] ** 2).mean(axis=0)).tolist()
    return Figure(
        f"{name}, {count} of {QUERIES} queries", "worth", count * (other / width) ** 2, "random queries",
        peer=f"interval {width:.3f} wide, {other:.3f} from random queries; root mean squared error {error:.4f} and "
        f"{random_error:.4f}; {rows[:, 6].mean():,.0f} and {rows[:, 7].mean():,.0f} labels; the sheet promises "
        f"{np.median(rows[:, 8]):.0f}",
    )  # fmt: skip


def collection(folder: str, read: Callable[[Path], Collection]) -> Callable[[Path], Known]:
    """Rank the queries of a collection, at most 1,000 of them, and make up a model that labels."""

    def known(data: Path) -> Known:
        corpus, golden = read(data / folder)
        golden = drawn(golden, 1000, 0)
        chunks, _ = chunk(corpus, choose_chunker("whole", passages=True).chunker)
        settings = EvaluationSettings(metrics=(METRIC,), level="document", allow_missing=True)
        found = evaluate(chunks, golden, SYSTEMS, settings, context=Context(cache=cache_folder()))
        old, new = (rankings_of(arm.run.top(DEPTH)) for arm in found.arms)
        human: Labels = {}
        for query, labels in found.task.judgements.to_dict().items():
            if max(labels.values(), default=0) > 0:
                human[query] = {item: max(labels.get(item, 0), 0) for item in {**labels, **old[query], **new[query]}}
        hard = dict(zip(human, np.random.default_rng(1).permutation(len(human)) % 2, strict=True))

        def says(query: str, rng: np.random.Generator) -> dict[str, int]:
            missed, added = (ends[hard[query]] for ends in (MISSED, ADDED))
            turned = rng.random(len(human[query])).tolist()
            return {
                item: label if chance >= (missed if label else added) else int(not label)
                for (item, label), chance in zip(human[query].items(), turned, strict=True)
            }

        return Known(*({query: one[query] for query in human} for one in (old, new)), human, says)

    return known


def dl23(data: Path) -> Known:
    """NIST's labels and GPT-4's, and two systems that rank by mixtures of both and noise."""
    human, model = (read_qrels(data / DL23 / f"{name}.qrels.gz").to_dict() for name in ("human", "gpt4"))
    rng = np.random.default_rng(3)
    human, model = (
        {query: {item: max(row[item], 0) for item in sorted(human[query])[:POOL]} for query, row in one.items()}
        for one in (human, model)
    )
    old, new = (
        {
            query: tops({i: care * n + 0.3 * model[query].get(i, 0) + rng.normal(0, 1.2) for i, n in row.items()})
            for query, row in human.items()
        }
        for care in (0.5, 0.8)
    )
    return Known(old, new, human, lambda query, _: model[query])


def rankings_of(run: Run) -> Scores:
    return {query: dict(run.ranking(at)) for at, query in enumerate(run.query_ids)}


def tops(ranking: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(ranking.items(), key=lambda pair: -pair[1])[:DEPTH])


def difference(old: Scores, new: Scores, labels: Labels) -> Array:
    judgements = Judgements.from_dict(labels)
    before, after = (np.nan_to_num(score(Run.from_dict(one), judgements, METRIC).column(METRIC)) for one in (old, new))
    return after - before


def scored(at: int, ranking: Scores, labels: Labels) -> ScoredRun:
    run, judgements, ids = Run.from_dict(ranking), Judgements.from_dict(labels), list(labels)
    table = QueryTable(ids, ids, [""] * len(ids), ids)
    return ScoredRun(f"system {at}", score(run, judgements, METRIC), table, run, judgements)


COLLECTIONS: dict[str, Callable[[Path], Known]] = {
    "Cranfield": collection("classic/cran", public_collections.cranfield),
    "SciFact": collection("scifact", public_collections.scifact),
    "course FAQ": collection("faq_zoomcamp", public_collections.faq),
    "TREC DL 2023": dl23,
}

if __name__ == "__main__":
    sys.exit(main(only="next_labels"))
