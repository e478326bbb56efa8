"""Rewriting: a language model turns the query into a better one."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.models.llm.prompt import Prompt
from ragbench.retrievers._query_prompts import REWRITE
from ragbench.retrievers._transform import Several


@dataclass(frozen=True)
class Rewrite(Several):
    """Fuse the rankings of the query and of its rewritten form. ``original=0`` uses the rewritten form only.

    Source: Ma et al. 2023, "Query rewriting for retrieval-augmented large language models".
    """

    prompt: ClassVar[Prompt] = REWRITE
