"""Reject a query if an earlier one asks the same."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from ragbench import plugins
from ragbench.core.errors import SettingError
from ragbench.engine import embed
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage, words
from ragbench.models.embed.base import Embedder
from ragbench.stats.jaccard import similar_sets

BLOCK = 1024
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Duplicate(Stage):
    """Keep the first of several queries that ask the same, in the order of the set.

    Two queries ask the same if the Jaccard similarity of their words reaches ``jaccard``, or the cosine of their
    vectors reaches ``cosine``. Vectors do not count for queries with different numbers in them: "5 x 60" and "5 x 80"
    are two products. Masked queries of different wordings are compared on their own, so both are kept.

    Time: only queries whose numbers another query has too are embedded. Comparing the vectors takes n x n x d / 2
    multiplications, in blocks of 1,024 rows.

    Attributes:
        jaccard: shared words over all words of the two queries.
        cosine: cosine of the two vectors.
        embedder: spec of an embedder; None compares words only.
    """

    jaccard: float = 0.9
    cosine: float = 0.95
    embedder: str | None = "minilm"

    def __post_init__(self) -> None:
        if not (0 < self.jaccard <= 1 and 0 < self.cosine <= 1):
            raise SettingError("stage 'duplicate': jaccard and cosine must lie in (0, 1]")
        if self.embedder is not None:
            plugins.load(plugins.EMBEDDERS, plugins.Spec.parse(self.embedder).name)

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """One opinion per draft."""
        groups: dict[object, list[int]] = {}
        asked: list[_Asked] = []
        for row, draft in enumerate(drafts):
            groups.setdefault(draft.provenance.get("wording") if draft.masked else None, []).append(row)
            asked.append(_Asked(draft.id, draft.text))
        passed = Opinion("duplicate", True)
        opinions = [passed] * len(asked)
        for rows in groups.values():
            for row, opinion in zip(rows, self._among([asked[row] for row in rows], passed, context), strict=True):
                opinions[row] = opinion
        return opinions

    def _among(self, drafts: Sequence["_Asked"], passed: Opinion, context: ReviewContext) -> list[Opinion]:
        texts = [draft.text for draft in drafts]
        lexical = similar_sets((frozenset(words(text)) for text in texts), self.jaccard)
        numbers = [tuple(sorted(_NUMBER.findall(text))) for text in texts]
        vectors = self._vectors(texts, numbers, context)
        kept = np.ones(len(drafts), dtype=bool)
        opinions: list[Opinion] = []
        # A query is a duplicate only of a query that is kept. Otherwise a chain of similar queries could empty the set.
        for start in range(0, len(drafts), BLOCK):
            rows = range(start, min(start + BLOCK, len(drafts)))
            near = vectors[start : rows.stop] @ vectors[: rows.stop].T if vectors is not None else None
            for row in rows:
                same, why = self._earlier(row, lexical.get(row, {}), near[row - start] if near is not None else None,
                                          numbers, kept)  # fmt: skip
                kept[row] = same is None
                opinions.append(
                    passed
                    if same is None
                    else Opinion("duplicate", False, f"asks the same as {drafts[same].id}: {texts[same]!r}", why)
                )
        return opinions

    def _earlier(
        self,
        row: int,
        lexical: dict[int, float],
        near: npt.NDArray[np.float32] | None,
        numbers: Sequence[tuple[str, ...]],
        kept: npt.NDArray[np.bool_],
    ) -> tuple[int | None, dict[str, object]]:
        for other in sorted(lexical):
            if kept[other]:
                return other, {"jaccard": round(lexical[other], 4)}
        if near is not None:
            for other in np.flatnonzero((near[:row] >= self.cosine) & kept[:row]).tolist():
                if numbers[other] == numbers[row]:
                    return other, {"cosine": round(float(near[other]), 4)}
        return None, {}

    def _vectors(
        self, texts: Sequence[str], numbers: Sequence[tuple[str, ...]], context: ReviewContext
    ) -> npt.NDArray[np.float32] | None:
        """Embed the queries whose numbers another query has too. The others have no duplicate, so theirs are zeros."""
        counts = Counter(numbers)
        rows = [row for row, found in enumerate(numbers) if counts[found] > 1]
        if self.embedder is None or not rows:
            return None
        embedder = cast(Embedder, plugins.build(plugins.EMBEDDERS, self.embedder))
        some = embed(embedder, [texts[row] for row in rows], "query", context.context, what="comparing queries").vectors
        vectors = np.zeros((len(texts), some.shape[1]), dtype=np.float32)
        vectors[rows] = some
        return vectors


class _Asked(NamedTuple):
    """What is compared of a draft."""

    id: str
    text: str
