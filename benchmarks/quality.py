"""Retrieval quality of the four default retrievers on public collections, beside published figures."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import public_collections
from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from benchmarks.public_collections import Collection
from ragbench.core.context import Context
from ragbench.core.evaluations import Estimate, Evaluation
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.io.places import cache_folder
from ragbench.metrics.settings import EvaluationSettings
from ragbench.workflows.run_systems import DEFAULT_RETRIEVERS, evaluate

CLOSE = 0.004
"""How near BM25 must come to a published figure."""
HOW = (
    "Whole documents (title and text) are indexed with the default settings of each retriever. bm25 is Lucene's "
    "variant with k1 .9 and b .4, dense is all-MiniLM-L6-v2 in int8, hybrid fuses both by RRF, and rerank is the "
    "late-interaction blend over the candidates of hybrid. Each query has 100 results; MAP beside a published figure "
    "is taken at depth 1000, as in the publication. Intervals are 95%, by bootstrap over queries. 'noted with the "
    "data' means a run of bm25s on the same files by whoever prepared them. 'bm25s, this run' means bm25s and "
    "pytrec_eval, called directly on the texts that ragbench indexed."
)


@dataclass(frozen=True)
class Target:
    """What a figure must reach, and what stands beside it.

    Attributes:
        low: the least, or None.
        high: the most, or None.
        peer: the published figure, in words.
    """

    low: float | None = None
    high: float | None = None
    peer: str = ""

    @classmethod
    def noted(cls, value: float) -> "Target":
        """No more than `CLOSE` below a figure noted with the data."""
        return cls(round(value - CLOSE, 4), None, f"{value} (noted with the data)")

    @property
    def words(self) -> str:
        """``.675 to .683``, or ``at least .71``."""
        if self.low is None:
            return ""
        return f"at least {self.low:g}" if self.high is None else f"{self.low:.4g} to {self.high:.4g}"

    def met(self, value: float) -> bool | None:
        """Whether the value, rounded as it is printed, lies inside."""
        if self.low is None:
            return None
        return self.low <= round(value, 4) and (self.high is None or round(value, 4) <= self.high)


DEEP = "map@1000"
TARGETS = {
    ("SciFact", "bm25", "ndcg@10"): Target(0.675, 0.683, ".679 (Pyserini), .676 (bm25s)"),
    ("SciFact", "dense", "ndcg@10"): Target(0.635, 0.655, ".645 (the same model in float32, BEIR)"),
    ("SciFact", "hybrid", "ndcg@10"): Target(0.71),
    ("SciFact", "rerank", "ndcg@10"): Target(0.735, peer=".741 (BGE-base, twenty times the model)"),
    ("SciFact", "bm25", "recall@100"): Target.noted(0.9127),
    ("CACM, ids as file names", "bm25", DEEP): Target.noted(0.321),
    ("Cranfield", "bm25", DEEP): Target.noted(0.2878),
    ("MED", "bm25", DEEP): Target.noted(0.5157),
    ("ADI", "bm25", DEEP): Target.noted(0.3998),
}
METRICS = {"ndcg@10": "nDCG@10", "map": "MAP@100", "recall@100": "Recall@100", DEEP: "MAP@1000"}


@dataclass(frozen=True)
class Named:
    """A collection: its name, its folder, what reads it, and which retrievers run on it."""

    name: str
    folder: str
    read: Callable[[Path], Collection]
    retrievers: tuple[str, ...] = DEFAULT_RETRIEVERS


COLLECTIONS = (
    Named("SciFact", "scifact", public_collections.scifact),
    Named("CACM", "cacm", public_collections.cacm),
    Named("CACM, ids as file names", "cacm", lambda root: public_collections.cacm(root, joined=False), ("bm25",)),
    Named("Cranfield", "classic/cran", public_collections.cranfield),
    Named("MED", "classic/med", public_collections.med),
    Named("ADI", "classic/adi", public_collections.adi),
)


def run(options: Options) -> Section:
    """Every collection that is there; ADI alone where the work is to be small."""
    if not options.data.is_dir():
        sys.exit(f"there is no folder {options.data}; say where the public collections are: --data DIR")
    chosen = COLLECTIONS[-1:] if options.small else COLLECTIONS
    figures: list[Figure] = []
    for collection in chosen:
        if not (options.data / collection.folder).is_dir():
            options.say(f"  {collection.name}: skipped, because {options.data / collection.folder} is not there")
            continue
        options.say(f"  {collection.name}")
        figures += measured(collection, options.data)
    return Section("quality", "Quality on public collections", HOW, tuple(figures))


def measured(collection: Named, data: Path) -> list[Figure]:
    """The figures of one collection."""
    result = evaluated(collection, data, collection.retrievers, 100)
    if result.failed:
        sys.exit(f"{collection.name}: {result.failed[0].name} failed: {result.failed[0].error}")
    found = {(arm.name, metric): arm.metrics[metric] for arm in result.arms for metric in METRICS if metric != DEEP}
    if (collection.name, "bm25", DEEP) in TARGETS:
        found["bm25", DEEP] = evaluated(collection, data, ("bm25",), 1000).arm("bm25").metrics["map"]
    figures = []
    for (arm, metric), estimate in found.items():
        target = TARGETS.get((collection.name, arm, metric), Target())
        if arm == "bm25" and target.low is not None:
            alone = bm25s_alone(collection.read(data / collection.folder), 1000 if metric == DEEP else 100)[metric]
            target = replace(target, peer=f"{target.peer}; {alone:.4f} (bm25s, this run)")
        if (arm, metric) == ("rerank", "ndcg@10"):
            target = never_below(target, found["hybrid", "ndcg@10"])
        figures.append(figure(collection.name, arm, METRICS[metric], estimate, target))
    return figures


def evaluated(collection: Named, data: Path, retrievers: tuple[str, ...], depth: int) -> Evaluation:
    """One evaluation of whole documents; nothing but embeddings comes from the store."""
    corpus, golden = collection.read(data / collection.folder)
    chunks = chunk(corpus, choose_chunker("whole", passages=False).chunker)[0]
    settings = EvaluationSettings(
        k=(10, depth), metrics=("ndcg@10", "map", "recall@100"), fresh=True, allow_missing=True
    )
    return evaluate(chunks, golden, retrievers, settings, context=Context(cache=cache_folder()))


def bm25s_alone(collection: Collection, depth: int) -> dict[str, float]:
    """The same metrics of bm25s by its own documentation, judged by pytrec_eval."""
    import bm25s
    import pytrec_eval
    import Stemmer

    corpus, golden = collection

    def tokens(texts: list[str]) -> Any:
        return bm25s.tokenize(texts, stopwords="en", stemmer=Stemmer.Stemmer("english"), show_progress=False)

    model = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
    model.index(tokens([f"{document.title} {document.text}" for document in corpus]), show_progress=False)
    rows, scores = model.retrieve(
        tokens([item.text for item in golden]),
        k=min(depth, len(corpus)),
        show_progress=False,
        backend_selection="numpy",
    )
    ids = [document.id for document in corpus]
    rankings = {
        item.id: {ids[row]: float(score) for row, score in zip(*pair, strict=True) if score > 0}
        for item, *pair in zip(golden, rows, scores, strict=True)
    }
    labels = {item.id: {e.document_id: e.grade for e in item.evidence} for item in golden}
    judged = pytrec_eval.RelevanceEvaluator(labels, {"ndcg_cut.10", "map", "recall.100"}).evaluate(rankings)
    names = {"ndcg@10": "ndcg_cut_10", DEEP: "map", "recall@100": "recall_100"}
    return {ours: sum(row[theirs] for row in judged.values()) / len(judged) for ours, theirs in names.items()}


def never_below(target: Target, hybrid: Estimate) -> Target:
    """The target of rerank, raised to what hybrid got."""
    assert hybrid.mean is not None
    floor = round(hybrid.mean, 4)
    return Target(max(target.low or 0, floor), None, target.peer or f"{floor} (hybrid)")


def figure(name: str, arm: str, measure: str, estimate: Estimate, target: Target) -> Figure:
    """One line of the table."""
    assert estimate.mean is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return Figure(
        f"{name}, {arm}",
        measure,
        estimate.mean,
        interval=(estimate.low, estimate.high),
        target=target.words,
        met=target.met(estimate.mean),
        peer=target.peer,
    )


if __name__ == "__main__":
    sys.exit(main(only="quality"))
