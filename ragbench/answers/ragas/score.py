"""One answer through one of Ragas' metrics."""

import copy
import math
from collections.abc import Sequence
from typing import Any

from ragbench.answers.metrics._cells import Cell, Scored, Unscored
from ragbench.answers.metrics._judged import NO_STATEMENT, NO_STATEMENT_EXPECTED, reference, texts_of
from ragbench.answers.ragas.details import details
from ragbench.answers.ragas.faults import Unjudged
from ragbench.answers.ragas.llm import Asking, JudgeLLM, Judgement
from ragbench.answers.ragas.prompts import keep_prompts
from ragbench.answers.ragas.rows import Metric, arguments
from ragbench.core.answers import Answered
from ragbench.core.errors import RagbenchError
from ragbench.core.goldens import GoldenItem

SPLIT: dict[Metric, tuple[Unscored, ...]] = {
    "faithfulness": (NO_STATEMENT,),
    "context_recall": (NO_STATEMENT_EXPECTED,),
    "factual_correctness": (NO_STATEMENT, NO_STATEMENT_EXPECTED),
}
"""What it means that a text was split into nothing, in the order that Ragas splits."""


class Scorer:
    """One of Ragas' metrics over single answers.

    Args:
        name: which.
        metric: Ragas' own, its settings made; its ``llm`` is replaced answer by answer.
        asking: how its judge is asked.
    """

    def __init__(self, name: Metric, metric: Any, asking: Asking) -> None:
        keep_prompts(metric)
        self._name, self._metric, self._asking = name, metric, asking

    async def cell(self, answer: Answered, item: GoldenItem | None) -> Cell:
        """The value of one answer, or why it has none.

        Raises:
            RagbenchError: what ends the whole run.
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
        # A mean of cosines may be below 0, and by rounding above 1.
        return Scored(min(max(float(value), 0.0), 1.0), detail)

    def _details(self, judgements: Sequence[Judgement], answer: Answered, item: GoldenItem | None) -> object:
        if not judgements:
            return None
        expected = "" if item is None else reference(item) or ""
        return details(self._name, judgements, {"answer": answer.answer, "reference": expected}, list(texts_of(answer)))

    def _split_into_nothing(self, judgements: Sequence[Judgement]) -> Unscored | None:
        """Why a value would mean nothing: Ragas gives 0 or NaN for a text in which the judge found no statement."""
        split = [
            one.said[key]
            for one in judgements
            if one.statements is None
            for key in ("statements", "claims", "classifications")
            if key in one.said
        ]
        empty = (reason for reason, found in zip(SPLIT.get(self._name, ()), split, strict=False) if not found)
        return next(empty, None)
