"""Multi-query: other wordings of a query are searched beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ragbench.models.llm.prompt import Prompt
from ragbench.retrievers._query_prompts import MULTI_QUERY
from ragbench.retrievers._transform import Several, some


@dataclass(frozen=True)
class MultiQuery(Several):
    """The lists of the query and of a language model's other wordings of it, fused.

    Attributes:
        n: other wordings for each query.

    Source: Rackauckas 2024, "RAG-Fusion: a new take on retrieval-augmented generation".
    """

    n: int = 3

    prompt: ClassVar[Prompt] = MULTI_QUERY

    @property
    def texts_asked(self) -> int:
        """One for each wording."""
        return self.n

    def fields(self) -> Mapping[str, str]:
        """How many wordings."""
        return {"count": some(self.n, "other query", "other queries")}
