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
    """What a metric may look at beside the answers.

    Attributes:
        golden: the golden item of each answer, in the order of the answers; None where there is none.
        judge: the language model that judges; None where none was named.
        judge_name: as the user wrote it, for manifests and circularity warnings; empty without one.
        context: cache, seed and progress.
        documents: text by document id, to find sources in; empty without a corpus.
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
        name: as printed; a metric may give several columns (``citation_precision``, ``citation_recall``).
        values: float64 (n,); NaN where it cannot be computed.
        ledger: the reason of every NaN; the entry's item is the query id.
        details: by query id, what the value rests on (statements, verdicts, matched spans), JSON values only.
        direction: which values are better.
    """

    name: str
    values: npt.NDArray[np.float64]
    ledger: Ledger = field(default_factory=Ledger)
    details: Mapping[str, object] = field(default_factory=dict)
    direction: Direction = "higher"


class AnswerMetric(ABC):
    """Scores answers. A subclass is a frozen dataclass whose fields are its settings."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    """What must be there: an answer without it gets NaN with the reason; ``judge`` missing is a SettingError."""

    @abstractmethod
    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """One column or several, each with a value per answer, in order.

        Raises:
            SettingError: a judge is needed and none was named.
        """
