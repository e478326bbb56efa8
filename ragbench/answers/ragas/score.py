"""Score one answer with one of Ragas' metrics, in the form of the native judge."""

import copy
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ragas.metrics.collections import (  # type: ignore[import-not-found, unused-ignore]
    AnswerRelevancy,
    ContextPrecision,
    ContextRecall,
    FactualCorrectness,
    Faithfulness,
)

from ragbench.answers.judge.statements import Claim, Claims, Text, Verdict, claims, place
from ragbench.answers.metrics._cells import (
    NO_GOLDEN,
    NO_REFERENCE,
    NO_SOURCES,
    NO_STATEMENT,
    NO_STATEMENT_EXPECTED,
    SILENT,
    Cell,
    Scored,
    Unscored,
    failed,
    reference,
    texts_of,
    unanswerable,
)
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.ragas.judge import Asking, EmbedderForRagas, JudgeLLM, Judgement, Unjudged, in_order, keep_prompts
from ragbench.answers.ragas.library import Metric
from ragbench.core.answers import Answered
from ragbench.core.context import Progress
from ragbench.core.errors import RagbenchError
from ragbench.core.goldens import GoldenItem
from ragbench.engine import each
from ragbench.plugins import EMBEDDERS, build

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
    """Build the arguments of Ragas' ``ascore``, or the cell if there is nothing to ask.

    Of several references, the first counts, since Ragas accepts one. ``mode`` is for
    factual correctness: an abstention has a recall of 0 and no precision.
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
    """The cell of a failure or an abstention; None for an answer."""
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


Texts = Mapping[Text, str]


def details(metric: Metric, judgements: Sequence[Judgement], texts: Texts, sources: Sequence[str]) -> object:
    """Build JSON values for ``Column.details``, as far as the judgements go.

    Args:
        metric: name of the metric.
        judgements: at least one, in the order they were made.
        texts: the answer and the reference, to find statements in.
        sources: ids of the sources that were shown.
    """
    if metric == "answer_relevancy":
        return {
            "questions": [one.said["question"] for one in judgements],
            "noncommittal": all(one.said["noncommittal"] == 1 for one in judgements),
        }
    if metric == "context_precision":
        judged = zip(sources, (one.said for one in judgements), strict=False)
        return {"sources": [{"source": id_, "useful": said["verdict"] == 1, "reason": said["reason"]}
                            for id_, said in judged]}  # fmt: skip
    if metric == "context_recall":
        rows = judgements[0].said["classifications"]
        return _claims(
            [(row["statement"], row, row["attributed"]) for row in rows], texts, "reference", "sources", sources
        )
    verdicts = [one for one in judgements if one.statements is not None]
    if metric == "faithfulness":
        return _claims(_rows(verdicts[0]), texts, "answer", "sources", sources) if verdicts else None
    # Ragas splits the answer first, then the reference. Either may have no statements, and then has no verdicts.
    split = [one for one in judgements if one.statements is None]
    found: dict[str, Claims] = {}
    for (name, of, against), one in zip(_BOTH, split, strict=False):
        held = verdicts.pop(0) if one.said["claims"] and verdicts else None
        found[name] = _claims(_rows(held) if held else [], texts, of, against, [against])
    return found


_BOTH: tuple[tuple[str, Text, Text], ...] = (("precision", "answer", "reference"), ("recall", "reference", "answer"))
_Row = tuple[str, Mapping[str, Any], int]


def _rows(judgement: Judgement) -> list[_Row]:
    asked = judgement.statements or ()
    verdicts = in_order(asked, judgement.said["statements"])
    return [(text, said, said["verdict"]) for text, said in zip(asked, verdicts, strict=True)]


def _claims(rows: Sequence[_Row], texts: Texts, of: Text, against: Text, held: Sequence[str]) -> Claims:
    """``of`` and ``against`` are as in `Claims`; ``held`` are the ids that may support a statement."""
    found: list[Claim] = []
    after = 0
    for text, said, verdict in rows:
        whole = texts.get(of, "")
        span = place(text, whole, after) or place(text.rstrip(".\n "), whole, after)
        after = span[0] if span else after
        found.append(_claim(text, span, said, verdict == 1, held))
    return claims(found, of=of, against=against)


def _claim(
    text: str, span: tuple[int, int] | None, said: Mapping[str, Any], supported: bool, held: Sequence[str]
) -> Claim:
    # Ragas' 0 says that the statement cannot be inferred, not that it is contradicted. It judges against all
    # sources at once, so it is unknown which of several supports a statement.
    verdict: Verdict = "supported" if supported else "not found"
    start, end = span or (None, None)
    return Claim(
        text=text,
        start=start,
        end=end,
        verdict=verdict,
        supported_by=list(held) if supported and len(held) == 1 else [],
        contradicted_by=[],
        reason=str(said["reason"]),
        verdicts=[verdict],
    )


SPLIT: dict[Metric, tuple[Unscored, ...]] = {
    "faithfulness": (NO_STATEMENT,),
    "context_recall": (NO_STATEMENT_EXPECTED,),
    "factual_correctness": (NO_STATEMENT, NO_STATEMENT_EXPECTED),
}
"""The cells of texts that were split into no statements, in the order in which Ragas splits them."""


class Scorer:
    """One of Ragas' metrics, applied to single answers.

    Args:
        name: name of the metric.
        metric: Ragas' metric with its settings. Its ``llm`` is replaced for each answer.
        asking: how to ask the judge.
    """

    def __init__(self, name: Metric, metric: Any, asking: Asking) -> None:
        keep_prompts(metric)
        self._name, self._metric, self._asking = name, metric, asking

    async def cell(self, answer: Answered, item: GoldenItem | None) -> Cell:
        """Score one answer, or say why it has no value.

        Raises:
            RagbenchError: the whole run ends.
        """
        given = arguments(self._name, answer, item, mode=getattr(self._metric, "mode", ""))
        if not isinstance(given, dict):
            return given
        metric = copy.copy(self._metric)
        metric.llm = judge = JudgeLLM(self._asking)
        try:
            value = (await metric.ascore(**given)).value
        except Unjudged as fault:
            return Unscored(fault.code, str(fault), self._details(judge.judgements, answer, item))
        except RagbenchError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            return Unscored("ragas-failed", f"Ragas failed with {type(error).__name__}: {reason[:500]}")
        detail = self._details(judge.judgements, answer, item)
        if empty := self._split_into_nothing(judge.judgements):
            return Unscored(empty.code, empty.reason, detail)
        if value is None or math.isnan(value):
            return Unscored("ragas-nan", "Ragas gave no number", detail)
        # A mean of cosines may be below 0 and, by rounding, above 1.
        return Scored(min(max(float(value), 0.0), 1.0), detail)

    def _details(self, judgements: Sequence[Judgement], answer: Answered, item: GoldenItem | None) -> object:
        if not judgements:
            return None
        expected = "" if item is None else reference(item) or ""
        return details(self._name, judgements, {"answer": answer.answer, "reference": expected}, list(texts_of(answer)))

    def _split_into_nothing(self, judgements: Sequence[Judgement]) -> Unscored | None:
        """The cell for a text without statements, for which Ragas' 0 or NaN has no meaning; None otherwise."""
        split = [
            one.said[key]
            for one in judgements
            if one.statements is None
            for key in ("statements", "claims", "classifications")
            if key in one.said
        ]
        empty = (reason for reason, found in zip(SPLIT.get(self._name, ()), split, strict=False) if not found)
        return next(empty, None)


CLASSES: Mapping[Metric, Callable[..., Any]] = {
    "faithfulness": Faithfulness,
    "answer_relevancy": AnswerRelevancy,
    "context_precision": ContextPrecision,
    "context_recall": ContextRecall,
    "factual_correctness": FactualCorrectness,
}


def scorer(name: Metric, asking: Asking, settings: Mapping[str, object], embedder: str) -> Scorer:
    """Make a scorer for a metric of Ragas. Call this in the event loop that scores.

    Args:
        name: name of the metric.
        asking: how to ask the judge.
        settings: settings of Ragas' class.
        embedder: spec of the embedder, for the metric that embeds.
    """
    more = {"embeddings": EmbedderForRagas(build(EMBEDDERS, embedder))} if name == "answer_relevancy" else {}
    return Scorer(name, CLASSES[name](llm=JudgeLLM(asking), **more, **settings), asking)


async def all_cells(work: Callable[[int], Awaitable[Cell]], count: int, *, what: str, progress: Progress) -> list[Cell]:
    """Compute the cells of rows 0 to ``count - 1``, in order.

    See `ragbench.engine.each` for what happens when a row ends the run (budget, bad key).

    Raises:
        AnswerLater: at least one answer of the judge is still to come.
    """
    cells: dict[int, Cell] = {}

    with progress(what, count) as advance:

        async def one(row: int) -> None:
            cells[row] = await work(row)
            advance(1)

        await each(one, range(count))
    return [cells[row] for row in range(count)]
