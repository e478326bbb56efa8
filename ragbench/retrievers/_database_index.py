"""A collection of a vector database that answers queries, and whose ids come back."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.filters import Clause, Filter
from ragbench.core.runs import Query
from ragbench.models.embed.base import Embedder
from ragbench.retrievers._database import CHUNK, Client, Collection, Hit, Schemaless, Search, refusals
from ragbench.retrievers._external import OwnIdsIndex, ids_by_text, words
from ragbench.retrievers._filters import by_filter
from ragbench.retrievers.base import Ranking

if TYPE_CHECKING:
    from ragbench.retrievers._vector_database import VectorDatabase

QUERIES_PER_CALL = 256
METRICS = ("cosine", "dot", "l2", "l1")
MOST_TEXTS = 10_000
"""The most values of a field in one condition, for a database that does not order texts."""


class DatabaseIndex(OwnIdsIndex):
    """A collection that answers queries."""

    filters = True

    def __init__(
        self,
        settings: "VectorDatabase",
        chunks: Chunks,
        context: Context,
        embedder: Embedder,
        client: Client,
        collection: Collection,
    ) -> None:
        super().__init__(chunks, settings.returns)
        self._settings, self._embedder, self._progress = settings, embedder, context.progress
        self._client, self._collection, self._kind = client, collection, cache(collection.kind)
        with refusals(settings.database):
            self._size = collection.count()
        if self._size == 0:
            raise InputError(
                f"the {settings.database} collection {settings.collection!r} is empty; fill it with ragbench index"
            )
        self.notes["items"] = self._size
        if settings.existing and settings.embeds:
            self._check_space()
        own = "" if settings.existing else CHUNK
        self._field = settings.text_field or settings.id_field or own
        self._by_text = ids_by_text(chunks, settings.returns) if settings.text_field else None

    def _check_space(self) -> None:
        """Compare the vectors of the collection with those of the embedder.

        Raises:
            InputError: they have other dimensions, or are compared by a metric that does not suit embeddings.
        """
        settings = self._settings
        with refusals(settings.database):
            space = self._collection.space()
        which = f"the {settings.database} collection {settings.collection!r}"
        dimensions = self._embedder.encode(["dimensions"], "query").shape[1]
        if space.dimensions != dimensions:
            raise InputError(
                f"{which} has vectors of {space.dimensions:,} dimensions, and the embedder {settings.model!r} makes "
                f"{dimensions:,}; set model= to the embedder that filled the collection"
            )
        if space.metric not in METRICS:
            raise InputError(
                f"{which} compares vectors by {space.metric}, which does not suit those of an embedder; "
                f"use a collection that compares by {', '.join(METRICS[:-1])} or {METRICS[-1]}"
            )
        if space.metric != "cosine":
            self.notes["metric"] = space.metric

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """The best items for each query, among those that its filter lets through."""
        texts = [query.text for query in queries]
        vectors = np.empty((len(texts), 0), dtype=np.float32)
        if self._settings.embeds:
            vectors = self._embedder.encode(texts, "query")
        fields = [self._field] if self._field else []
        answers: list[list[tuple[str, float]]] = [[] for _ in queries]
        name = self._settings.database
        with self._progress(f"asking {name}", len(queries)) as advance, refusals(name):
            for filter_, at in by_filter(queries):
                clauses = [] if filter_ is None else self._clauses(filter_)
                for start in range(0, len(at), QUERIES_PER_CALL):
                    part = at[start : start + QUERIES_PER_CALL]
                    if all(clause.values for clause in clauses):
                        found = self._collection.search(
                            Search(vectors[part], min(k, self._size), fields, clauses, [texts[one] for one in part])
                        )
                        for position, hits in zip(part, found, strict=True):
                            answers[position] = [(self._id(hit), hit.score) for hit in hits]
                    advance(len(part))
        return self.ranking(answers)

    def _clauses(self, filter_: Filter) -> list[Clause]:
        """The conditions of a filter, as the collection can apply them.

        Raises:
            SettingError: the corpus has no such field, or a value is of another kind.
            InputError: the collection has no such field, or it holds another kind of values than the corpus.
        """
        found = []
        for clause in self._chunks.fields.clauses(filter_):
            kind = self._kind(clause.field)
            if kind != clause.kind:
                raise InputError(self._other_kind(clause, kind))
            if isinstance(self._collection, Schemaless) and clause.kind == "text" and clause.operator != "in":
                clause = self._listed(clause, self._collection)
            found.append(clause)
        return found

    def _other_kind(self, clause: Clause, kind: str | None) -> str:
        where = f"the {self._settings.database} collection {self._settings.collection!r}"
        fill = "fill it with ragbench index, which writes the fields of the corpus"
        if kind is None:
            return f"{where} has no field {clause.field!r} to filter by; {fill}"
        return (
            f"{where} has a field {clause.field!r} of kind {kind}, and in the corpus it is of kind {clause.kind}, "
            f"so a filter would not mean the same; {fill}"
        )

    def _listed(self, clause: Clause, collection: Schemaless) -> Clause:
        """The values of the collection that match, for a database that does not order texts."""
        values = sorted(text for text in collection.texts(clause.field) if clause(text))
        if len(values) > MOST_TEXTS:
            raise InputError(
                f"{self._settings.database} cannot compare texts by {clause.operator}, and {len(values):,} values of "
                f"{clause.field!r} match, which is too many to list; use a field of numbers"
            )
        return replace(clause, operator="in", values=tuple(values))

    def _id(self, hit: Hit) -> str:
        if not self._field:
            return hit.id
        value = hit.fields.get(self._field)
        if value is None:
            raise InputError(
                f"item {hit.id!r} of collection {self._settings.collection!r} has no field {self._field!r}"
            )
        if self._by_text is None:
            return str(value)
        return self._by_text.get(words(str(value)), hit.id)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
