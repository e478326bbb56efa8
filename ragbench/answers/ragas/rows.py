"""An answer as the arguments of a Ragas metric, or what is known of it without asking, as the native judge has it."""

from typing import Literal

from ragbench.answers.metrics._abstained import abstained
from ragbench.answers.metrics._cells import NO_GOLDEN, NO_REFERENCE, Cell, Scored, Unscored, failed
from ragbench.answers.metrics._expected import unanswerable
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
RIGHTLY_SILENT = Unscored("not-applicable", "the system rightly abstained: the query has no answer")


def arguments(
    metric: Metric, answer: Answered, item: GoldenItem | None, *, mode: str = "f1"
) -> dict[str, object] | Cell:
    """What Ragas' ``ascore`` takes, or the cell where there is nothing to ask.

    Of several references the first is taken, since Ragas knows one. ``mode`` is
    factual correctness' own: an abstention has a recall of 0 and no precision.
    """
    wanted = ARGUMENTS[metric]
    if "reference" in wanted and (lacking := _without_reference(item)):
        return lacking
    texts = list(texts_of(answer).values())
    cell = _without_answer(metric, answer, item, mode) if "response" in wanted else None
    if cell is None and "retrieved_contexts" in wanted and not texts:
        cell = _without_sources(metric, answer)
    if cell is None and "user_input" in wanted and not answer.query.strip():
        cell = NO_QUERY
    if cell is not None:
        return cell
    given: dict[str, object] = {
        "user_input": answer.query,
        "response": answer.answer,
        "retrieved_contexts": texts,
        "reference": None if item is None else reference(item),
    }
    return {name: given[name] for name in wanted}


def _without_reference(item: GoldenItem | None) -> Unscored | None:
    if item is None:
        return NO_GOLDEN
    return None if reference(item) else NO_REFERENCE


def _without_answer(metric: Metric, answer: Answered, item: GoldenItem | None, mode: str) -> Cell | None:
    """A failure or an abstention; None for an answer."""
    silent = abstained(answer)
    if not (answer.failure or silent):
        return None
    if metric == "factual_correctness" and mode != "precision":
        return Scored(0.0, {"no_answer": answer.failure or "abstained"})
    if answer.failure:
        return failed(answer.failure)
    if metric != "answer_relevancy":
        return SILENT
    if item is not None and unanswerable(item):
        return RIGHTLY_SILENT
    return Scored(0.0, {"noncommittal": True, "questions": []})


def _without_sources(metric: Metric, answer: Answered) -> Cell:
    if not answer.failure:
        return NO_SOURCES
    return Scored(0.0, {"no_answer": answer.failure}) if metric == "context_recall" else failed(answer.failure)
