"""Validity: does a synthetic golden set rank retriever settings as human queries do?

A pool of settings is ranked by their means on both sets, and Kendall's tau measures how far the two rankings agree. The
ceiling is the agreement of two random halves of the human queries: no other set can be expected to agree more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ragbench import plugins
from ragbench.core.brief import brief
from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.judgements import project_labels
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.corpus.chunkers.base import Chunker
from ragbench.golden.audit.findings import Finding
from ragbench.golden.claims import Claims, PerQuery, claims_of
from ragbench.golden.masked_corpus import copies_without
from ragbench.metrics.score import score
from ragbench.stats.agreement import Agreement, kendall_interval, split_halves
from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.clusters import cluster_index

POOL = (
    "bm25",
    "bm25:k1=1.5,b=0.75",
    "bm25:k1=0.4,b=0.2",
    "bm25:k1=2.5,b=1",
    "bm25:b=0",
    "bm25:stem=false",
    "bm25:stop=false",
    "bm25:stem=false,stop=false",
    "dense",
    "dense:model='minilm:max_tokens=32'",
    "hybrid",
    "hybrid:fusion=minmax",
    "hybrid:fusion=zscore",
    "hybrid:fusion=minmax,weights=[3,1]",
    "hybrid:fusion=minmax,weights=[1,3]",
    "hybrid:of=['bm25:stem=false','dense']",
)
"""Settings that need no model except the default one: lexical, dense, and hybrids of both."""
RESAMPLES, SPLITS, MOST_QUERIES = 2000, 1000, 1000


@brief
@dataclass(frozen=True)
class Validity:
    """Agreement between a synthetic set and human queries on the ranking of a pool of retriever settings.

    Attributes:
        metric: the metric that ranks the settings.
        settings: the pool of m specs.
        synthetic, human: (m,) mean per setting on each set.
        tau: Kendall's tau-b between the two rankings, with a bootstrap interval over both sets of queries.
        ceiling: mean tau of random halves of the human queries, with the middle 95% of the splits.
        best_synthetic, best_human: the best setting on each set.
        shortfall: the loss on the human queries from choosing the setting that is best on the synthetic set instead of
            the best one, with its paired interval; 0 if they are the same.
        queries: number of synthetic and of human queries with something relevant.
        claims: what the set claims about pairs of settings, and whether the human queries confirm it.
    """

    metric: str
    settings: tuple[str, ...]
    synthetic: tuple[float, ...]
    human: tuple[float, ...]
    tau: Agreement
    ceiling: Agreement
    best_synthetic: str
    best_human: str
    shortfall: Agreement
    queries: tuple[int, int]
    claims: Claims

    @property
    def best_is_right(self) -> bool:
        """Whether the best setting is the same, or the human queries cannot distinguish it from the best one (the
        interval of the shortfall contains 0).
        """
        return self.best_synthetic == self.best_human or self.shortfall.low <= 0.0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """A warning if the set ranks settings unlike human queries, or if another setting is best."""
        tau, ceiling = self.tau, self.ceiling
        if not tau.tau >= ceiling.low:
            message = (
                f"this set ranks {len(self.settings)} settings unlike human queries do: tau {tau.tau:.2f} "
                f"[{tau.low:.2f}, {tau.high:.2f}], while halves of the human queries agree at {ceiling.tau:.2f} "
                f"[{ceiling.low:.2f}, {ceiling.high:.2f}]"
            )
            action = "do not choose between systems by this set; look at how its queries overlap with their documents"
            return (Finding("warning", "not-valid", message, action),)
        if not self.best_is_right:
            message = (
                f"the best setting on this set ({self.best_synthetic}) is not the best on human queries "
                f"({self.best_human}); it stays {self.shortfall.tau:.3f} below"
            )
            return (Finding("warning", "best-differs", message, "rank the best systems by human queries"),)
        return ()


def validity(
    corpus: Corpus,
    synthetic: GoldenSet,
    human: GoldenSet,
    pool: Sequence[str] = POOL,
    *,
    metric: str = "ndcg@10",
    chunker: str = "whole",
    most_queries: int = MOST_QUERIES,
    seed: int = 0,
    context: Context | None = None,
) -> Validity:
    """Rank the pool on both sets and compare.

    Documents are judged. The human queries search the corpus as it is; the synthetic ones search a copy without the
    text that they mask. Each setting needs an index for each of the two. Embeddings come from the cache of ``context``.

    Args:
        corpus: the documents both sets are about.
        synthetic: the set under test.
        human: human queries with their labels.
        pool: specs of retrievers, at least three.
        metric: any metric of ragbench.
        chunker: spec of a chunker; a document takes the rank of its best chunk.
        most_queries: from a larger set, this many queries are drawn.
        seed: seed of the draws, the resampling and the splits.
        context: cache and progress; by default nothing is cached.

    Raises:
        SettingError: there are fewer than three settings, or one is wrong.
        InputError: a set has fewer than two queries with something relevant.
    """
    context = context or Context(seed=seed)
    cutter = choose_chunker(chunker, passages=True).chunker
    ours = measured(corpus, synthetic, pool, metric, cutter, context, most_queries=most_queries, seed=seed)
    theirs = measured(corpus, human, pool, metric, cutter, context, most_queries=most_queries, seed=seed)
    return compare(ours, theirs, tuple(pool), metric, seed)


def measured(
    corpus: Corpus,
    golden: GoldenSet,
    pool: Sequence[str],
    metric: str,
    chunker: Chunker,
    context: Context,
    *,
    most_queries: int = MOST_QUERIES,
    seed: int = 0,
) -> PerQuery:
    """Measure every setting on one set. The queries of each wording search a copy without the text that they mask.

    Raises:
        SettingError: there are fewer than three settings, or one is wrong.
        InputError: fewer than two queries have something relevant, or masked text is not in the corpus.
    """
    # Text is masked for all queries before some are drawn. If only the documents of drawn queries were shortened, their
    # length would give them away.
    copies = copies_without(corpus, golden).copies
    left = GoldenSet(tuple(item for copy in copies.values() for item in copy.golden), golden.name)
    chosen = {item.id for item in drawn(left, most_queries, seed)}
    parts = list[tuple[npt.NDArray[np.float64], list[GoldenItem]]]()
    for copy in copies.values():
        items = tuple(item for item in copy.golden if item.id in chosen)
        if items:
            parts.append(per_query(copy.corpus, GoldenSet(items, golden.name), pool, metric, chunker, context))
    kept = [item for _, its in parts for item in its]
    return PerQuery(
        np.concatenate([values for values, _ in parts]),
        cluster_index([item.unit for item in kept]),
        np.array([item.wording or "" for item in kept]),
    )


def drawn(golden: GoldenSet, most: int, seed: int) -> GoldenSet:
    """Draw at most ``most`` of the queries that have something relevant, and keep their order.

    Raises:
        InputError: there are fewer than two.
    """
    items = [item for item in golden if any(e.grade > 0 for e in item.evidence)]
    if len(items) < 2:
        raise InputError(f"golden set {golden.name!r}: {len(items)} queries have a relevant document; two are needed")
    if len(items) > most:
        rows = generator(seed, "validity", "queries").choice(len(items), size=most, replace=False)
        items = [items[row] for row in sorted(rows.tolist())]
    return GoldenSet(tuple(items), golden.name)


def per_query(
    corpus: Corpus, golden: GoldenSet, pool: Sequence[str], metric: str, chunker: Chunker, context: Context
) -> tuple[npt.NDArray[np.float64], list[GoldenItem]]:
    """(n, m) Measure every setting on every query that has something relevant, and list these queries.

    Raises:
        SettingError: there are fewer than three settings, or one is wrong.
    """
    if len(set(pool)) < 3:
        raise SettingError(
            f"a ranking of {len(set(pool))} settings is too short to compare; name at least three retrievers"
        )
    retrievers = [plugins.build(plugins.RETRIEVERS, spec) for spec in pool]
    faults = [f"{spec}: {fault}" for spec, one in zip(pool, retrievers, strict=True) for fault in one.check()]
    if faults:
        raise SettingError("; ".join(faults))
    chunks, _ = chunk(corpus, chunker)
    task = project_labels(golden, chunks, unit="document", allow_missing=True)
    columns = []
    with context.progress(f"{golden.name}: ranking by {len(pool)} settings", len(pool)) as advance:
        for retriever in retrievers:
            index = retriever.index(chunks, replace(context, stored_queries=True))
            try:
                run = index.search(task.queries, 100)
            finally:
                index.close()
            if run.unit == "chunk":
                run = run.as_documents(chunks.document_ids, _document_of(run.item_ids, chunks))
            columns.append(score(run, task.judgements, metric).values[:, 0])
            advance(1)
    values = np.stack(columns, axis=1)
    kept = np.logical_not(np.isnan(values).any(axis=1))
    return values[kept], [item for item, keep in zip(golden, kept.tolist(), strict=True) if keep]


def _document_of(item_ids: Sequence[str], chunks: Chunks) -> npt.NDArray[np.int32]:
    if item_ids is chunks.ids:
        return chunks.document_index
    return chunks.document_index[[chunks.row[id_] for id_ in item_ids]]


def compare(ours: PerQuery, theirs: PerQuery, pool: tuple[str, ...], metric: str, seed: int) -> Validity:
    """Compare the rankings, from the values per query of the synthetic set and of the human queries.

    Raises:
        InputError: a set gives all settings the same mean.
    """
    synthetic, human = ours.values.mean(axis=0), theirs.values.mean(axis=0)
    for whose, means, queries in (("this set", synthetic, ours.values), ("the human queries", human, theirs.values)):
        if np.ptp(means) == 0:
            raise InputError(
                f"{whose}: all {len(pool)} settings have the same {metric} on {len(queries)} queries, so there is no "
                "ranking to compare; add queries"
            )
    best, truly = int(synthetic.argmax()), int(human.argmax())
    halves = split_halves(theirs.values, theirs.clusters, generator(seed, "validity", "halves"), splits=SPLITS)
    if np.isnan(halves).all():
        raise InputError(
            f"the human queries: no half of the {len(theirs.values)} queries separates the {len(pool)} settings, so "
            "nothing says how far rankings can agree; add queries"
        )
    clusters = (ours.clusters, theirs.clusters)
    tau = kendall_interval(
        ours.values, theirs.values, clusters, generator(seed, "validity", "tau"), resamples=RESAMPLES
    )
    gap = theirs.values[:, [truly]] - theirs.values[:, [best]]
    gaps = resampled_means(gap, theirs.clusters, generator(seed, "validity", "best"), RESAMPLES)
    return Validity(
        metric=metric,
        settings=pool,
        synthetic=tuple(synthetic.tolist()),
        human=tuple(human.tolist()),
        tau=tau,
        ceiling=Agreement(float(np.nanmean(halves)), *np.nanquantile(halves, [0.025, 0.975]).tolist()),
        best_synthetic=pool[best],
        best_human=pool[truly],
        shortfall=Agreement(float(gap.mean()), *np.quantile(gaps, [0.025, 0.975]).tolist()),
        queries=(len(ours.values), len(theirs.values)),
        claims=claims_of(ours, theirs, generator(seed, "validity", "slope")),
    )
