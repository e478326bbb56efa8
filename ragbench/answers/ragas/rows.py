"""An answer as the arguments of a Ragas metric, or why it cannot be scored."""

from collections.abc import Callable
from typing import Literal

from ragbench.answers.metrics._abstained import abstained
from ragbench.answers.metrics._cells import NO_GOLDEN, NO_REFERENCE, Unscored, failed
from ragbench.answers.metrics._judged import NO_SOURCES, SILENT, reference, texts_of
from ragbench.core.answers import Answered
from ragbench.core.goldens import GoldenItem

Metric = Literal["faithfulness", "answer_relevancy", "context_precision", "context_recall", "factual_correctness"]
ARGUMENTS: dict[Metric, tuple[str, ...]] = {
    "faithfulness": ("user_input", "response", "retrieved_contexts"),
    "answer_relevancy": ("user_input", "response"),
    "context_precision": ("user_input", "reference", "retrieved_contexts"),
    "context_recall": ("user_input", "retrieved_contexts", "reference"),
    "factual_correctness": ("response", "reference"),
}
NO_QUERY = Unscored("no-query", "the query has no text")


def arguments(metric: Metric, answer: Answered, item: GoldenItem | None) -> dict[str, object] | Unscored:
    """What Ragas' ``ascore`` takes.

    Of several references the first is taken, since Ragas knows one.
    """
    found: dict[str, object] = {}
    for name in ARGUMENTS[metric]:
        value = _FROM[name](answer, item)
        if isinstance(value, Unscored):
            return value
        found[name] = value
    return found


def _query(answer: Answered, item: GoldenItem | None) -> str | Unscored:
    text = item.text if item is not None else answer.query
    return text if text.strip() else NO_QUERY


def _response(answer: Answered, item: GoldenItem | None) -> str | Unscored:
    if answer.failure:
        return failed(answer.failure)
    return SILENT if abstained(answer) else answer.answer


def _contexts(answer: Answered, item: GoldenItem | None) -> list[str] | Unscored:
    if answer.failure and not answer.sources:
        return failed(answer.failure)
    return list(texts_of(answer).values()) or NO_SOURCES


def _reference(answer: Answered, item: GoldenItem | None) -> str | Unscored:
    if item is None:
        return NO_GOLDEN
    return reference(item) or NO_REFERENCE


_FROM: dict[str, Callable[[Answered, GoldenItem | None], str | list[str] | Unscored]] = {
    "user_input": _query,
    "response": _response,
    "retrieved_contexts": _contexts,
    "reference": _reference,
}
