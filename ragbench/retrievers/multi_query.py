"""Multi-query: search for other wordings of a query beside the query."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ragbench.models.llm.prompt import Prompt
from ragbench.retrievers._query_prompts import MULTI_QUERY
from ragbench.retrievers._transform import Several, some


@dataclass(frozen=True)
class MultiQuery(Several):
    """Fuse the rankings of the query and of other wordings that a language model writes.

    Attributes:
        n: other wordings per query.

    Source: Rackauckas 2024, "RAG-Fusion: a new take on retrieval-augmented generation".
    """

    n: int = 3

    prompt: ClassVar[Prompt] = MULTI_QUERY

    @property
    def texts_asked(self) -> int:
        """One text per wording."""
        return self.n

    def fields(self) -> Mapping[str, str]:
        """The number of wordings."""
        return {"count": some(self.n, "other query", "other queries")}
