"""HyDE: what a query means is searched by passages that a language model makes up for it."""

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
    """Nearest chunks to the mean of the vectors of made-up passages and of the query.

    Attributes:
        of: spec of a dense retriever.
        n: passages for each query, asked for in one call at temperature 0 (the paper draws eight, at .7).
        original: weight of the query's own vector, where each passage has 1; 0 leaves it out.

    Source: Gao et al. 2022, "Precise zero-shot dense retrieval without relevance labels".
    """

    of: str = "dense"
    n: int = 1
    original: float = 1.0

    prompt: ClassVar[Prompt] = HYDE

    @property
    def texts_asked(self) -> int:
        """One for each passage."""
        return self.n

    def fields(self) -> Mapping[str, str]:
        """How many passages."""
        return {"count": some(self.n, "passage", "passages that differ in their wording")}

    def check(self) -> list[str]:
        """As for every transformation, and whether the inner retriever is a dense one."""
        faults = super().check()
        if self.original < 0:
            faults.append(f"original is {self.original}; it must be 0 or more")
        try:
            inner = build(RETRIEVERS, self.of)
        except SettingError:
            return faults  # told above
        if not isinstance(inner, Dense):
            faults.append(
                f"of={self.of!r} is no dense retriever, and passages are searched by their vectors: "
                "put hyde inside a hybrid instead, 'hybrid:of=[bm25, \"hyde:...\"]'"
            )
        return faults

    def around(self, inner: Index, writer: Writer) -> "HydeIndex":
        """The index that searches by vectors.

        Raises:
            ArmError: the inner index is no dense one.
        """
        if not isinstance(inner, DenseIndex):
            writer.close()
            inner.close()
            raise ArmError(f"of={self.of!r} is no dense retriever, and passages are searched by their vectors")
        return HydeIndex(self, inner, writer)


class HydeIndex(TransformedIndex):
    """The inner index, searched by vectors."""

    def __init__(self, settings: Hyde, inner: DenseIndex, writer: Writer) -> None:
        super().__init__(settings.of, inner, writer)
        self._settings, self._dense = settings, inner

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """The k nearest chunks of the mean vector of each query; of its own where no passage came."""
        written = self._writer.write(queries)
        self.tell()
        embedder, original = self._dense.embedder, self._settings.original
        weights = np.array([original if texts else 1.0 for texts in written], dtype=np.float32)
        vectors = embedder.encode([query.text for query in queries], "query") * weights[:, None]
        passages = [text for texts in written for text in texts]
        if passages:
            owners = np.repeat(np.arange(len(queries)), [len(texts) for texts in written])
            np.add.at(vectors, owners, embedder.encode(passages, "passage"))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return self._dense.nearest(np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1)), k)
