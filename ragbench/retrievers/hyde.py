"""HyDE: search with hypothetical passages that a language model writes for the query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ragbench.core.errors import ArmError, SettingError
from ragbench.core.runs import Query
from ragbench.models.llm.prompt import Prompt
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._query_prompts import HYDE
from ragbench.retrievers._transform import Transformed, TransformedIndex, Writer, some
from ragbench.retrievers.base import Index, Ranking
from ragbench.retrievers.dense import Dense, DenseIndex


@dataclass(frozen=True)
class Hyde(Transformed):
    """Rank chunks by their distance to the mean vector of the query and its hypothetical passages.

    Attributes:
        of: spec of a dense retriever.
        n: passages per query, written in one call at temperature 0 (the paper draws eight, at .7).
        original: weight of the query's own vector, relative to 1 for each passage; 0 omits it.

    Source: Gao et al. 2022, "Precise zero-shot dense retrieval without relevance labels".
    """

    of: str = "dense"
    n: int = 1
    original: float = 1.0

    prompt: ClassVar[Prompt] = HYDE

    @property
    def texts_asked(self) -> int:
        """One text per passage."""
        return self.n

    def fields(self) -> Mapping[str, str]:
        """The number of passages."""
        return {"count": some(self.n, "passage", "passages that differ in their wording")}

    def check(self) -> list[str]:
        """Check the settings of every transformation, and that the inner retriever is dense."""
        faults = super().check()
        if self.original < 0:
            faults.append(f"original is {self.original}; it must be 0 or more")
        try:
            inner = build(RETRIEVERS, self.of)
        except SettingError:
            return faults  # reported above
        if not isinstance(inner, Dense):
            faults.append(
                f"of={self.of!r} is not a dense retriever, and passages are searched by their vectors: "
                "put hyde inside a hybrid instead, 'hybrid:of=[bm25, \"hyde:...\"]'"
            )
        return faults

    def around(self, inner: Index, writer: Writer) -> "HydeIndex":
        """The index that searches by vectors.

        Raises:
            ArmError: the inner index is not dense.
        """
        if not isinstance(inner, DenseIndex):
            writer.close()
            inner.close()
            raise ArmError(f"of={self.of!r} is not a dense retriever, and passages are searched by their vectors")
        return HydeIndex(self, inner, writer)


class HydeIndex(TransformedIndex):
    """The inner index, searched with mean vectors."""

    def __init__(self, settings: Hyde, inner: DenseIndex, writer: Writer) -> None:
        super().__init__(settings.of, inner, writer)
        self._settings, self._dense = settings, inner

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """The k nearest chunks of each query's mean vector, or of its own vector if it has no passage."""
        written = self._writer.write(queries)
        self.update_notes()
        embedder, original = self._dense.embedder, self._settings.original
        weights = np.array([original if texts else 1.0 for texts in written], dtype=np.float32)
        vectors = embedder.encode([query.text for query in queries], "query") * weights[:, None]
        passages = [text for texts in written for text in texts]
        if passages:
            owners = np.repeat(np.arange(len(queries)), [len(texts) for texts in written])
            np.add.at(vectors, owners, embedder.encode(passages, "passage"))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return self._dense.nearest(np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1)), k, queries)
