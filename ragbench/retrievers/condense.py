"""Conversations: a language model turns the last message and the turns before it into one query."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.runs import Query
from ragbench.core.turns import as_text
from ragbench.models.llm.prompt import Prompt
from ragbench.retrievers._query_prompts import CONDENSE
from ragbench.retrievers._transform import Several


@dataclass(frozen=True)
class Condense(Several):
    """Search for a query that can be understood without the conversation before it.

    A query without a history is searched as it is, and no model is asked. ``original`` above 0 also searches for the
    query's own words, and fuses both rankings. `ragbench.retrievers.last_turns` does without a model.

    Source: conversational query rewriting, Vakulenko et al. 2021, "Question rewriting for conversational question
    answering"; Elgohary et al. 2019 (CANARD).
    """

    prompt: ClassVar[Prompt] = CONDENSE

    original: float = 0.0

    def needed(self, query: Query) -> bool:
        """Whether there is a conversation before the query."""
        return bool(query.history)

    def data(self, query: Query) -> Mapping[str, str]:
        """The query, and the conversation before it."""
        return {"query": query.text, "history": as_text(query.history)}
