"""Ragas' metrics by name."""

from collections.abc import Callable, Mapping
from typing import Any

from ragas.metrics.collections import (  # type: ignore[import-not-found, unused-ignore]
    AnswerRelevancy,
    ContextPrecision,
    ContextRecall,
    FactualCorrectness,
    Faithfulness,
)

from ragbench.answers.ragas.embedding import EmbedderForRagas
from ragbench.answers.ragas.llm import Asking, JudgeLLM
from ragbench.answers.ragas.rows import Metric
from ragbench.answers.ragas.score import Scorer
from ragbench.plugins import EMBEDDERS, build

CLASSES: Mapping[Metric, Callable[..., Any]] = {
    "faithfulness": Faithfulness,
    "answer_relevancy": AnswerRelevancy,
    "context_precision": ContextPrecision,
    "context_recall": ContextRecall,
    "factual_correctness": FactualCorrectness,
}


def scorer(name: Metric, asking: Asking, settings: Mapping[str, object], embedder: str) -> Scorer:
    """A metric of Ragas, ready to score; call it in the event loop that will score.

    Args:
        name: which.
        asking: how the judge is asked.
        settings: of Ragas' class.
        embedder: spec, for the metric that embeds.
    """
    more = {"embeddings": EmbedderForRagas(build(EMBEDDERS, embedder))} if name == "answer_relevancy" else {}
    return Scorer(name, CLASSES[name](llm=JudgeLLM(asking), **more, **settings), asking)
