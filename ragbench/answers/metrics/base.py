"""The contract of an answer metric."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.answers import AnswerSet
from ragbench.core.context import Context
from ragbench.core.goldens import GoldenItem
from ragbench.core.ledger import Ledger
from ragbench.core.scores import Direction
from ragbench.models.llm.base import Asker

Need = Literal["golden", "reference", "evidence", "sources", "judge"]


@dataclass(frozen=True)
class ScoringContext:
    """The inputs of a metric beside the answers.

    Attributes:
        golden: the golden item of each answer, in the order of the answers, or None.
        judge: the language model that judges, or None.
        judge_name: its name as the user wrote it, for manifests and circularity warnings; empty without a judge.
        context: cache, seed and progress.
        documents: text by document id, in which sources are looked up; empty without a corpus.
    """

    golden: Sequence[GoldenItem | None]
    judge: Asker | None = None
    judge_name: str = ""
    context: Context = field(default_factory=Context)
    documents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Column:
    """One metric over all answers.

    Attributes:
        name: the printed name. A metric may give several columns (``citation_precision``, ``citation_recall``).
        values: float64 (n,); NaN where a value cannot be computed.
        ledger: the reason of every NaN; the entry's item is the query id.
        details: by query id, the basis of the value (statements, verdicts, matched spans), JSON values only.
        direction: which values are better.
        scale: the lowest and the highest possible value.
    """

    name: str
    values: npt.NDArray[np.float64]
    ledger: Ledger = field(default_factory=Ledger)
    details: Mapping[str, object] = field(default_factory=dict)
    direction: Direction = "higher"
    scale: tuple[float, float] = (0.0, 1.0)


class AnswerMetric(ABC):
    """Scores answers. A subclass is a frozen dataclass whose fields are its settings."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    """Required inputs. An answer that lacks one gets NaN with the reason. A missing ``judge`` is a SettingError."""

    @abstractmethod
    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """Compute one or more columns, each with one value per answer, in order.

        Raises:
            SettingError: the metric needs a judge, and there is none.
        """
