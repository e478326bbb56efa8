"""Ragas' metrics, judged through ragbench's client."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from ragbench.answers.metrics._cells import column
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.answers.ragas.library import KNOWN, Metric, require_ragas
from ragbench.core.answers import AnswerSet
from ragbench.core.errors import SettingError

OWN: dict[str, tuple[str, ...]] = {
    "answer_relevancy": ("strictness", "embedder"),
    "factual_correctness": ("mode", "beta", "atomicity", "coverage"),
}
"""Settings that only one metric has."""


@dataclass(frozen=True)
class Ragas(AnswerMetric):
    """A metric of Ragas 0.4.3, with its own prompts and arithmetic, judged through ragbench's client.

    Limits, retries, cache and budget apply, and no answer is lost. Ragas gives 0 or NaN if
    the judge finds no statement, accepts any number of verdicts, and counts any verdict
    but 0 as yes. Here the judge is asked again for such an answer; if that fails, there is
    no value and an entry in the issue log. The column is named ``ragas_`` plus the metric. It needs
    the extra ``ragas``. See docs/guides/ragas.md.

    Attributes:
        metric: ``faithfulness``, ``answer_relevancy``, ``context_precision`` (against the reference),
            ``context_recall`` or ``factual_correctness``.
        strictness: for answer relevancy, the number of questions per answer.
        embedder: for answer relevancy, the spec of the embedder.
        mode: for factual correctness: ``f1``, ``precision`` or ``recall``.
        beta: for factual correctness, the weight of recall relative to precision.
        atomicity, coverage: for factual correctness, how finely and how fully texts are split: ``low`` or ``high``.
        max_tokens: the most output tokens of one reply of the judge; fewer if the question needs fewer.
        temperature: temperature of the judge; the default is Ragas' own.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"judge"})

    metric: Metric
    strictness: int = 3
    embedder: str = "minilm"
    mode: Literal["f1", "precision", "recall"] = "f1"
    beta: float = 1.0
    atomicity: Literal["low", "high"] = "low"
    coverage: Literal["low", "high"] = "low"
    max_tokens: int = 4096
    temperature: float = 0.01

    def __post_init__(self) -> None:
        if self.metric not in get_args(Metric):
            raise SettingError(f"ragas: metric must be one of {', '.join(get_args(Metric))}, it is {self.metric!r}")
        low = [f"{name} must be above 0" for name in ("strictness", "beta", "max_tokens") if getattr(self, name) <= 0]
        mine = OWN.get(self.metric, ())
        others = {name: metric for metric, names in OWN.items() for name in names if name not in mine}
        idle = [
            f"{name} is a setting of {metric}, not of {self.metric}"
            for name, metric in others.items()
            if getattr(self, name) != getattr(type(self), name)
        ]
        if low or idle:
            raise SettingError("ragas: " + "; ".join(low + idle))
        require_ragas(f"answer metric 'ragas:metric={self.metric}'")

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``ragas_`` plus the metric's name.

        Raises:
            SettingError: there is no judge.
            RagbenchError: the whole run ends (budget, bad key). The judge's answers so far are stored.
        """
        if context.judge is None:
            raise SettingError("answer metric 'ragas' needs a model that judges")
        # Here, since importing Ragas takes seconds.
        from ragbench.answers.ragas.judge import Asking
        from ragbench.answers.ragas.score import all_cells, scorer

        asking = Asking(context.judge, KNOWN, self.max_tokens, self.temperature, context.context.seed)
        settings = {name: getattr(self, name) for name in OWN.get(self.metric, ()) if name != "embedder"}
        found = scorer(self.metric, asking, settings, self.embedder)
        cells = await all_cells(
            lambda row: found.cell(answers.items[row], context.golden[row]),
            len(answers.items),
            what=f"Ragas {self.metric}",
            progress=context.context.progress,
        )
        return [column(f"ragas_{self.metric}", answers, cells)]
