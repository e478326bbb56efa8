"""Grounding: lexical and embedding support, without a judge."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ragbench.answers.metrics._cells import Cell, Scored, Unscored, column, failed
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.metrics._support import Support, sentences, support
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import AnswerSet
from ragbench.engine import embed
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build

SILENT = Unscored("not-applicable", "the system abstained: there is nothing to support")
NO_SOURCES = Unscored("no-sources", "the answer has no source with text")
NO_WORDS = Unscored("no-sentence", "the answer has no word")


@dataclass(frozen=True)
class Grounding(AnswerMetric):
    """How far an answer's sentences agree with its sources in words and meaning, averaged over sentences.

    Grounding is not faithfulness, since it does not understand the text: a sentence
    that reverses a source with the same words has full support, and a true paraphrase
    has less. The support of a sentence is the mean of two figures, each against its
    best source sentence: the share of its content words, and the cosine of embeddings.
    Numbers and names (words with a capital) that no source has reduce it, by half if
    none of them is in a source. The details have every sentence with its place in the
    answer. docs/guides/answer-metrics.md compares it with annotators' labels.

    Attributes:
        embedder: spec of the embedder. None uses the words alone, which is much faster.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"sources"})

    embedder: str | None = "minilm"

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``grounding``."""
        vectors = self._vectors(answers, context)
        cells: list[Cell] = []
        for answer in answers:
            sources = [source for source in answer.sources if sentences(source.text)]
            if answer.failure:
                cells.append(failed(answer.failure))
            elif abstained(answer):
                cells.append(SILENT)
            elif not sources:
                cells.append(NO_SOURCES)
            elif not (said := sentences(answer.answer)):
                cells.append(NO_WORDS)
            else:
                held = [one for source in sources for one in sentences(source.text)]
                similarity = None
                if vectors is not None:
                    one, two = (np.stack([vectors[text] for text in texts]) for texts in (said, held))
                    similarity = (one @ two.T).astype(np.float64)
                found = support(answer.answer, sources, similarity)
                cells.append(Scored(float(np.mean([each.score for each in found])), [_detail(each) for each in found]))
        return [column("grounding", answers, cells)]

    def _vectors(self, answers: AnswerSet, context: ScoringContext) -> dict[str, npt.NDArray[np.float32]] | None:
        """Embed every distinct sentence once."""
        if self.embedder is None:
            return None
        embedder: Embedder = build(EMBEDDERS, self.embedder)
        texts = sorted(
            {
                sentence
                for answer in answers
                if not answer.failure and not abstained(answer)
                for text in (answer.answer, *(source.text for source in answer.sources))
                for sentence in sentences(text)
            }
        )
        if not texts:
            return {}
        vectors = embed(embedder, texts, "passage", context.context, what="embedding sentences").vectors
        return dict(zip(texts, vectors, strict=True))


def _detail(found: Support) -> dict[str, object]:
    return {
        "start": found.start,
        "end": found.end,
        "score": round(found.score, 6),
        "lexical": round(found.lexical, 6),
        "cosine": None if found.cosine is None else round(found.cosine, 6),
        "missing": list(found.strange),
        "source": found.source,
    }
