"""Translation: search with the query in the language of the documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ragbench.models.llm.prompt import Prompt
from ragbench.retrievers._query_prompts import TRANSLATE
from ragbench.retrievers._transform import Several


@dataclass(frozen=True)
class Translate(Several):
    """Search for the translated query. ``original=1`` fuses its ranking with the query's own.

    Attributes:
        to: the language of the documents, a code or a name (``de``, ``German``).
        original: weight of the untranslated query's ranking; 0 omits it.
    """

    to: str = field(kw_only=True)
    original: float = 0.0

    prompt: ClassVar[Prompt] = TRANSLATE

    def fields(self) -> Mapping[str, str]:
        """The language."""
        return {"to": repr(self.to)}

    def check(self) -> list[str]:
        """Check the settings of every transformation, and that a language is named."""
        return [*super().check(), *([] if self.to.strip() else ["to names no language; write to=de or to=German"])]
