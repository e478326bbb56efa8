"""Rows through one of Ragas' metrics, many at a time, none lost."""

import copy
import math
from typing import Any

from ragbench.answers.metrics._cells import Cell, Scored, Unscored
from ragbench.answers.ragas.details import details
from ragbench.answers.ragas.faults import Unjudged
from ragbench.answers.ragas.llm import Asking, JudgeLLM
from ragbench.answers.ragas.prompts import keep_prompts
from ragbench.answers.ragas.rows import Metric, arguments
from ragbench.core.answers import Answered
from ragbench.core.errors import RagbenchError
from ragbench.core.goldens import GoldenItem


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
        given = arguments(self._name, answer, item)
        if isinstance(given, Unscored):
            return given
        metric = copy.copy(self._metric)
        metric.llm = judge = JudgeLLM(self._asking)
        try:
            value = (await metric.ascore(**given)).value
        except Unjudged as fault:
            return Unscored(fault.code, str(fault), self._details(judge, answer))
        except RagbenchError:
            raise
        except Exception as error:
            return Unscored("ragas-failed", f"Ragas failed: {type(error).__name__}: {error}")
        detail = self._details(judge, answer)
        if empty := _without_statements(judge):
            return Unscored("no-statements", empty, detail)
        if value is None or math.isnan(value):
            return Unscored("ragas-nan", "Ragas gave no number", detail)
        return Scored(float(value), detail)

    def _details(self, judge: JudgeLLM, answer: Answered) -> object:
        return details(self._name, judge.judgements, answer) if judge.judgements else None


def _without_statements(judge: JudgeLLM) -> str:
    """Why the value means nothing, though Ragas may give one: it scores a text without statements 0, or NaN."""
    for judgement in judge.judgements:
        for key in ("statements", "claims", "classifications"):
            if judgement.said.get(key) == []:
                return f"the judge found no statement ({key}) in the text it was to split"
    return ""
