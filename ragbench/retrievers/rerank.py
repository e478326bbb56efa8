"""Reranking: a model reorders the candidates of any retriever."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, InputError, SettingError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query
from ragbench.models.rerank.base import NoScores, Scorer
from ragbench.plugins import EMBEDDERS, RERANKERS, RETRIEVERS, build
from ragbench.retrievers._fusion import Fusion, fusion_path, load_fusion
from ragbench.retrievers._late import LateBlend
from ragbench.retrievers.base import Index, Ranking, Retriever
from ragbench.retrievers.bm25 import BM25

LATE = "late"
Score = Callable[[Sequence[Query], npt.NDArray[np.int32]], tuple[npt.NDArray[np.float32], dict[int, str]]]
"""From candidate rows (q, k) to their scores (q, k), NaN for those without one, and failed queries by position."""


@dataclass(frozen=True)
class Rerank(Retriever):
    """Retrieve, then reorder the top ``depth``. Deeper items keep their order below them.

    Attributes:
        of: spec of the retriever whose candidates are reordered; it must return chunks.
        model: ``late`` for the late-interaction blend (`ragbench.retrievers._late`), ``fusion:PATH`` for a model of
            ``ragbench train fusion``, or the spec of a reranker (``cross_encoder:model=NAME``, ``llm:model=NAME``).
        depth: number of candidates per query.
        embedder: spec of the embedder for ``late`` and ``fusion``; it must give token vectors.
    """

    of: str = "hybrid"
    model: str = LATE
    depth: int = 50
    embedder: str = "minilm"

    @property
    def parts(self) -> list[Retriever]:
        """The retriever whose candidates are reordered."""
        return [build(RETRIEVERS, self.of)]

    @property
    def deterministic(self) -> bool:
        """Whether the inner retriever and the model are."""
        return super().deterministic and (self._embeds or build(RERANKERS, self.model).deterministic)

    @property
    def _embeds(self) -> bool:
        """Whether it scores with signals of an embedder, and not with a reranker."""
        return self.model == LATE or fusion_path(self.model) is not None

    @property
    def token_embedders(self) -> frozenset[str]:
        """The embedder of the blend, and those of the inner retriever."""
        if not self._embeds:
            return super().token_embedders
        embedder = build(EMBEDDERS, self.embedder)
        return super().token_embedders | ({embedder.fingerprint()} if embedder.gives_tokens else set())

    @property
    def embedders(self) -> frozenset[str]:
        """The embedder of the blend, and those of the inner retriever."""
        return super().embedders | (frozenset((self.embedder,)) if self._embeds else frozenset())

    def check(self) -> list[str]:
        """Check its own settings, the inner retriever's and the model's."""
        faults = [] if self.depth >= 1 else [f"depth is {self.depth}; it must be at least 1"]
        try:
            faults += [f"{self.of}: {fault}" for fault in build(RETRIEVERS, self.of).check()]
        except SettingError as error:
            faults.append(str(error))
        try:
            if not self._embeds:
                faults += build(RERANKERS, self.model).check()
            elif not build(EMBEDDERS, self.embedder).gives_tokens:
                faults.append(f"embedder {self.embedder!r} gives no token vectors: choose one that does (minilm)")
            faults += self._fusion_faults()
        except SettingError as error:
            hint = "" if self._embeds else f"; the default is model={LATE}, which needs no other model"
            faults.append(f"{error}{hint}")
        return faults

    def _fusion_faults(self) -> list[str]:
        path = fusion_path(self.model)
        if path is None:
            return []
        try:
            trained = load_fusion(path).embedder
        except InputError as error:
            return [str(error)]
        if trained == self.embedder:
            return []
        return [f"{path} was trained with embedder={trained}, and embedder is {self.embedder}: use the same embedder"]

    def key(self) -> str:
        """Fingerprint of the settings and of the keys of inner retriever and model."""
        path = fusion_path(self.model)
        # A fusion is known by its weights, wherever its file is.
        own = self if path is None else replace(self, model=load_fusion(path).fingerprint)
        model = build(EMBEDDERS, self.embedder) if self._embeds else build(RERANKERS, self.model)
        return fingerprint([own, build(RETRIEVERS, self.of).key(), model.fingerprint()])

    def index(self, chunks: Chunks, context: Context) -> "RerankIndex":
        """Index with the inner retriever and prepare the model."""
        context = replace(context, token_embedders=context.token_embedders | self.token_embedders)
        inner = build(RETRIEVERS, self.of).index(chunks, context)
        if inner.unit != "chunk":
            raise ArmError(f"rerank needs chunks to read, but {self.of!r} returns {inner.unit}s")
        if self._embeds:
            path = fusion_path(self.model)
            blend: LateBlend | Fusion = (
                LateBlend.build(self.embedder, BM25(), chunks, context)
                if path is None
                else Fusion.build(load_fusion(path), chunks, context)
            )
            return RerankIndex(self, inner, lambda queries, rows: (blend.score(queries, rows), {}), chunks)
        try:
            scorer = build(RERANKERS, self.model).scorer(context)
        except BaseException:
            inner.close()
            raise
        return RerankIndex(self, inner, _PairScorer(scorer, chunks.contents).score, chunks, scorer)


class RerankIndex(Index):
    """The inner index, which applies the exclusions, and the scorer of its candidates."""

    excludes = True

    def __init__(
        self, settings: Rerank, inner: Index, score: Score, chunks: Chunks, scorer: Scorer | None = None
    ) -> None:
        super().__init__(inner.item_ids)
        self._settings, self._inner, self._score, self._chunks = settings, inner, score, chunks
        self._scorer = scorer
        self.parts = (inner,)
        self.notes.update(inner.notes)

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Reordered candidates, then the rest of the inner ranking."""
        depth = self._settings.depth
        run = self._inner.search(queries, max(k, depth))
        self.notes.update(self._inner.notes)
        self.item_ids = run.item_ids
        position = {query.id: i for i, query in enumerate(queries)}
        failures = {position[id_]: reason for id_, reason in run.failures.items()}
        width = int(run.lengths.max(initial=0))
        items = np.full((len(queries), width), -1, dtype=np.int32)
        items[run.query_index, run.ranks - 1] = run.items
        # Ids that the corpus lacks have no text to score, so they keep their order below.
        readable = (items >= 0) & (items < len(self._chunks)) & (np.arange(width) < depth)
        scores = -np.arange(1, width + 1, dtype=np.float32)[None, :].repeat(len(queries), axis=0)
        candidates = np.where(readable, items, -1)[:, :depth]
        fresh, unscored = self._score(queries, candidates)
        if self._scorer is not None:
            self.notes.update(self._scorer.notes())
            self.cost = self._scorer.cost
        failures |= unscored
        fresh = self._last(queries, candidates, fresh, failures)
        lowest = np.where(candidates >= 0, fresh, np.inf).min(axis=1, initial=np.inf)
        scores += np.where(np.isfinite(lowest), lowest, 0)[:, None]
        scores[:, :depth] = np.where(candidates >= 0, fresh, scores[:, :depth])
        return Ranking(items, scores, failures)

    def _last(
        self, queries: Sequence[Query], candidates: npt.NDArray[np.int32], fresh: npt.NDArray[np.float32],
        failures: Mapping[int, str],
    ) -> npt.NDArray[np.float32]:  # fmt: skip
        """Rank candidates without a score after those with one, in their order, and report their queries."""
        missing = (candidates >= 0) & np.isnan(fresh)
        for position in np.nonzero(missing.any(axis=1))[0].tolist():
            if position not in failures:
                row = missing[position]
                self.degraded[queries[position].id] = (
                    f"{row.sum()} of {(candidates[position] >= 0).sum()} candidates have no score of the reranker, and "
                    "rank after the others"
                )
                worst = np.nanmin(np.where(candidates[position] >= 0, fresh[position], np.nan))
                fresh[position, row] = worst - np.arange(1, row.sum() + 1)
        return fresh

    def close(self) -> None:
        """Close the inner index and the scorer."""
        try:
            if self._scorer is not None:
                self._scorer.close()
        finally:
            self._inner.close()


class _PairScorer:
    """Scores candidates with the `Scorer` of a reranker, one query at a time."""

    def __init__(self, scorer: Scorer, texts: Sequence[str]) -> None:
        self._scorer, self._texts = scorer, texts

    def score(
        self, queries: Sequence[Query], rows: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.float32], dict[int, str]]:
        """Raises ArmError if no query has scores: the model cannot do it."""
        out = np.zeros(rows.shape, dtype=np.float32)
        failures: dict[int, str] = {}
        for position, query in enumerate(queries):
            valid = rows[position] >= 0
            if not valid.any():
                continue
            try:
                out[position, valid] = self._scorer.score(
                    query.text, [self._texts[row] for row in rows[position][valid]]
                )
            except NoScores as error:
                failures[position] = str(error)
        if failures and len(failures) == len(queries):
            raise ArmError(next(iter(failures.values())))
        return out, failures
