"""Answer relevancy: whether an answer replies to its question, measured by questions written from the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge.questions import MOST_QUESTIONS, Regenerated, regenerate
from ragbench.answers.judge.replies import Lost
from ragbench.answers.metrics._cells import Cell, Scored, Unscored, column, failed, session, unanswerable, unscored
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem
from ragbench.engine import embed
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build

RIGHTLY_SILENT = Unscored("not-applicable", "the system abstained on a query that has no answer")


@dataclass(frozen=True)
class AnswerRelevancy(AnswerMetric):
    """Mean cosine between the question and questions that a judge writes from the answer alone.

    The value is ``mean_i cos(e(question), e(question_i))``, and 0 for an evasive answer.
    A mean below 0 counts as 0. Abstaining is evasive, except for a query that is known
    to have no answer, which has no value. The metric does not measure whether the
    answer is true.

    Source: Es et al. 2024 (RAGAS). Ragas writes each question in a separate call, and an answer is
    evasive only if every call says so. Here one call writes all of them.

    Attributes:
        questions: number of questions per answer.
        embedder: spec of the embedder.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"judge"})

    questions: int = 3
    embedder: str = "minilm"

    def __post_init__(self) -> None:
        if not 1 <= self.questions <= MOST_QUESTIONS:
            raise SettingError(f"answer_relevancy: questions is {self.questions}; it must be 1 to {MOST_QUESTIONS}")

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``answer_relevancy``."""
        asked = session(context)
        embedder: Embedder = build(EMBEDDERS, self.embedder)
        pairs = list(zip(answers, context.golden, strict=True))
        cells: list[Cell | None] = [_before(answer, item) for answer, item in pairs]
        rows = [at for at, cell in enumerate(cells) if cell is None]
        came = await regenerate([answers.items[at].answer for at in rows], self.questions, asked)
        written: dict[int, Regenerated] = {}
        for at, found in zip(rows, came, strict=True):
            if isinstance(found, Lost):
                cells[at] = unscored(found)
            elif found.noncommittal:
                cells[at] = Scored(0.0, {"noncommittal": True, "questions": list(found.questions), "cosines": []})
            else:
                written[at] = found
        texts = [text for at, one in written.items() for text in (answers.items[at].query, *one.questions)]
        vectors = _vectors(embedder, texts, context)
        for at, one in written.items():
            cells[at] = _cell(vectors[answers.items[at].query], one, [vectors[text] for text in one.questions])
        return [column("answer_relevancy", answers, [cell for cell in cells if cell is not None])]


def _before(answer: Answered, item: GoldenItem | None) -> Cell | None:
    if answer.failure:
        return failed(answer.failure)
    if not abstained(answer):
        return None
    if item is not None and unanswerable(item):
        return RIGHTLY_SILENT
    return Scored(0.0, {"noncommittal": True, "questions": [], "cosines": []})


def _vectors(embedder: Embedder, texts: Sequence[str], context: ScoringContext) -> dict[str, npt.NDArray[np.float32]]:
    """Embed every distinct text once."""
    distinct = sorted(set(texts))
    if not distinct:
        return {}
    vectors = embed(embedder, distinct, "query", context.context, what="embedding questions").vectors
    return dict(zip(distinct, vectors, strict=True))


def _cell(asked: npt.NDArray[np.float32], written: Regenerated, vectors: Sequence[npt.NDArray[np.float32]]) -> Scored:
    cosines = [float(one @ asked) for one in vectors]
    # Rounding may exceed 1.
    value = min(max(float(np.mean(cosines)), 0.0), 1.0)
    detail = {
        "noncommittal": False,
        "questions": list(written.questions),
        "cosines": [round(one, 6) for one in cosines],
    }
    return Scored(value, detail)
