"""How metrics vary over queries: the assumptions of `ragbench plan --level`, measured on public collections."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import public_collections
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.gate import SHOP
from benchmarks.public_collections import Collection
from ragbench.comparison.assumed import ICC, SPREAD
from ragbench.comparison.layout import layout_of
from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.corpus.load import load_corpus
from ragbench.golden.validity import drawn
from ragbench.io.golden_files import read_golden
from ragbench.io.places import cache_folder
from ragbench.metrics.settings import EvaluationSettings
from ragbench.stats.clusters import cluster_index
from ragbench.stats.icc import icc
from ragbench.workflows.run_systems import evaluate

QUERIES = 400
SYSTEMS = ("bm25", "bm25:k1=2.5", "dense", "hybrid")
DIFFERENT, SETTINGS = ((0, 2), (2, 3)), ((0, 1),)
"""Pairs of different systems, and of settings of one."""
METRICS = (*(f"{name}@10" for name in SPREAD), "hit@10")
HOW = (
    f"Four systems ({', '.join(SYSTEMS)}) on the sample shop and seven public collections, at most {QUERIES} queries "
    "of each. Share: the standard deviation over queries, divided by the largest that values from 0 to 1 can have at "
    "this mean, sqrt(p (1 - p)); the largest of the four systems. `plan --level` takes the largest share of the first "
    "six collections, for queries with one relevant document and with several; Cranfield and the FAQ came later and "
    "test it. Correlation: of the values of two systems over queries (bm25 and dense, dense and hybrid; two settings "
    "of bm25). ICC: of the differences of queries from one document."
)
Array = npt.NDArray[np.float64]


def shop(folder: Path) -> Collection:
    return load_corpus(folder / "product_catalog.csv").corpus, read_golden(folder)


COLLECTIONS: dict[str, tuple[str, Callable[[Path], Collection]]] = {
    "shop": ("", shop),
    "SciFact": ("scifact", public_collections.scifact),
    "SQuAD 2": ("squad2", public_collections.squad2),
    "CACM": ("cacm", public_collections.cacm),
    "MEDLINE": ("classic/med", public_collections.med),
    "ADI": ("classic/adi", public_collections.adi),
    "Cranfield": ("classic/cran", public_collections.cranfield),
    "course FAQ": ("faq_zoomcamp", public_collections.faq),
}
LATER = ("Cranfield", "course FAQ")


@dataclass(frozen=True)
class Values:
    """What one collection shows.

    Attributes:
        single: share of its queries with one relevant document.
        values: (systems, q, metrics) values.
        clusters: (q,) documents of the queries.
    """

    single: float
    values: Array
    clusters: npt.NDArray[np.int64]

    def share(self, metric: int) -> float:
        """Largest share of the largest standard deviation; 0 if every mean is 0 or 1."""
        found = []
        for values in self.values[:, :, metric]:
            mean = float(values.mean())
            if 0 < mean < 1:
                found.append(float(values.std(ddof=1)) / (mean * (1 - mean)) ** 0.5)
        return max(found, default=0.0)

    def correlations(self, pairs: Sequence[tuple[int, int]], metric: int) -> list[float]:
        """Correlations of pairs of systems whose values vary."""
        both = [(self.values[i, :, metric], self.values[j, :, metric]) for i, j in pairs]
        return [float(np.corrcoef(x, y)[0, 1]) for x, y in both if np.ptp(x) > 0 and np.ptp(y) > 0]

    def alike(self, metric: int) -> float | None:
        """ICC of the differences of bm25 and dense; None if no document has several queries."""
        found = icc(self.values[2, :, metric] - self.values[0, :, metric], self.clusters)
        return None if found is None else found.value


def run(options: Options) -> Section:
    """Some minutes, if the vectors are stored."""
    found: dict[str, Values] = {}
    for name, (folder, read) in COLLECTIONS.items():
        options.say(f"  {name}")
        place = SHOP if name == "shop" else options.data / folder
        if place.is_dir():
            found[name] = values_of(*read(place), 30 if options.small else QUERIES)
    return Section("spreads", "How metrics vary over queries", HOW, tuple(figures(found)))


def values_of(corpus: Corpus, golden: GoldenSet, most: int) -> Values:
    """Evaluate the systems on the queries of a collection that have something relevant."""
    golden = drawn(golden, most, 0)
    chunks, _ = chunk(corpus, choose_chunker("whole", passages=True).chunker)
    settings = EvaluationSettings(metrics=METRICS, level="document", allow_missing=True, resamples=100)
    done = evaluate(chunks, golden, SYSTEMS, settings, context=Context(cache=cache_folder()))
    scores = [arm.scores for arm in done.arms]
    columns = [[one.column(name) for name in METRICS] for one in scores if one is not None]
    values = np.moveaxis(np.array(columns), 1, 2)
    kept = ~np.isnan(values).any(axis=(0, 2))
    units = [unit for unit, keep in zip(done.queries.units, kept.tolist(), strict=True) if keep]
    return Values(layout_of(golden).single, values[:, kept], cluster_index(units))


def figures(found: dict[str, Values]) -> Iterator[Figure]:
    """The table, and whether the later collections agree with it."""
    for at, name in enumerate(METRICS):
        family = name.partition("@")[0]
        for of_single in (True, False):
            shares = {where: one.share(at) for where, one in found.items() if (one.single > 0.5) == of_single}
            if not shares or family not in SPREAD:
                continue
            assumed = SPREAD[family][0 if of_single else 1]
            later = [share for where, share in shares.items() if where in LATER]
            highest = max(shares.values())
            yield Figure(
                f"{name}, queries with {'one relevant document' if of_single else 'several'}",
                "largest share of the largest standard deviation", highest, target=f"at most {assumed:g}, as assumed",
                met=highest <= assumed + 0.005,
                peer=", ".join(f"{where} {share:.2f}" for where, share in shares.items())
                + ("" if later else "; no later collection"),
            )  # fmt: skip
        for what, pairs in (("two different systems", DIFFERENT), ("two settings of one system", SETTINGS)):
            each = {where: one.correlations(pairs, at) for where, one in found.items()}
            middle = [one for row in each.values() for one in row]
            yield Figure(
                f"{name}, {what}", "median correlation", float(np.median(middle)),
                peer=f"{min(middle):.2f} to {max(middle):.2f} on {len(each)} collections",
            )  # fmt: skip
    alike = {where: one.alike(METRICS.index("ndcg@10")) for where, one in found.items()}
    known = {where: value for where, value in alike.items() if value is not None}
    if known:
        yield Figure(
            "ndcg@10, bm25 and dense", "largest intraclass correlation", max(known.values()),
            peer=", ".join(f"{where} {value:.2f}" for where, value in known.items()) + f"; the plan assumes {ICC:g}",
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(only="spreads"))
