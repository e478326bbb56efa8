"""The contract of a reranker."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt


class Reranker(ABC):
    """Scores how well each passage matches a query.

    A subclass is a frozen dataclass whose fields are its settings.
    """

    deterministic: ClassVar[bool] = True
    """Whether the same passages always get the same scores."""

    @abstractmethod
    def score(self, query: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score the passages as float32 (n,); higher is better, and no score is NaN.

        Args:
            query: the text of the query.
            passages: the candidates, in the order of the retriever that found
                them; passages with equal scores should keep that order.

        Raises:
            ArmError: a passage got no score; the message says why.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the model and of every setting that decides a score."""
