"""Rewriting: a language model turns what was typed into a better query."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.models.llm.prompt import Prompt
from ragbench.retrievers._query_prompts import REWRITE
from ragbench.retrievers._transform import Several


@dataclass(frozen=True)
class Rewrite(Several):
    """The lists of the query and of its rewritten form, fused; with ``original=0`` that of the rewritten form only.

    Source: Ma et al. 2023, "Query rewriting for retrieval-augmented large language models".
    """

    prompt: ClassVar[Prompt] = REWRITE
