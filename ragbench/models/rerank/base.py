"""The contract of a reranker."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.errors import ArmError


class NoScores(ArmError):
    """A reranker answered about the passages of one query, and scored none of them."""


class Scorer:
    """Scores the passages of one evaluation. A reranker that calls a service keeps its connections and counts here.

    Args:
        reranker: the reranker, which scores by itself.

    Attributes:
        cost: of the scores so far, whenever they were paid for; None if nothing is paid for or the price is unknown.
    """

    def __init__(self, reranker: "Reranker") -> None:
        self.reranker = reranker
        self.cost: float | None = None

    def score(self, query: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score the passages of a query; see `Reranker.score`."""
        return self.reranker.score(query, passages)

    def notes(self) -> dict[str, object]:
        """Facts to report."""
        return {}

    def close(self) -> None:
        """Release what it holds. A second call does nothing."""


class Reranker(ABC):
    """Scores how well each passage matches a query.

    A subclass is a frozen dataclass whose fields are its settings.
    """

    deterministic: ClassVar[bool] = True
    """Whether the same passages always get the same scores."""

    @abstractmethod
    def score(self, query: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score the passages as float32 (n,); higher is better.

        NaN stands for a passage that the model was asked about and did not score, such as one whose text talks a
        language model out of its task. Such a passage costs no other one its score.

        Args:
            query: the text of the query.
            passages: the candidates, in the order of the retriever that found
                them; passages with equal scores should keep that order.

        Raises:
            NoScores: the model answered, and scored no passage. The query fails; others go on.
            ArmError: the model cannot score; the message says why.
        """

    def check(self) -> list[str]:
        """Describe faults in the settings that are visible before anything is computed."""
        return []

    def scorer(self, context: Context) -> Scorer:
        """What scores in one evaluation, with the cache and the seed of the context."""
        return Scorer(self)

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model and of every setting that decides a score."""
