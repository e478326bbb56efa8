"""The contract of a reranker."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import ArmError


class NoScores(ArmError):
    """A reranker answered about the passages of one query, and scored none of them."""


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

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model and of every setting that decides a score."""
