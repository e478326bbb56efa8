"""Decomposition: search for the simple questions that a query consists of, beside the query."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ragbench.models.llm.prompt import Prompt
from ragbench.retrievers._query_prompts import DECOMPOSE
from ragbench.retrievers._transform import Several, some


@dataclass(frozen=True)
class Decompose(Several):
    """Fuse the rankings of the query and of the questions it consists of.

    All questions are written before the first search, so a question whose wording
    needs the answer to another one cannot be asked.

    Attributes:
        n: the most questions per query. A query that asks for a single fact is searched as it is.

    Source: Press et al. 2022, "Measuring and narrowing the compositionality gap in language models", for
    decomposition; all questions at once as in Khot et al. 2022, "Decomposed prompting".
    """

    n: int = 4

    prompt: ClassVar[Prompt] = DECOMPOSE

    @property
    def texts_asked(self) -> int:
        """One text per question."""
        return self.n

    def fields(self) -> Mapping[str, str]:
        """The number of questions."""
        return {"count": some(self.n, "simple question", "simple questions")}
