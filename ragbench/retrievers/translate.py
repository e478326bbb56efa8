"""Translation: queries in the language of the documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ragbench.models.llm.prompt import Prompt
from ragbench.retrievers._query_prompts import TRANSLATE
from ragbench.retrievers._transform import Several


@dataclass(frozen=True)
class Translate(Several):
    """What the translated query finds; with ``original=1`` fused with what the query itself finds.

    Attributes:
        to: the language of the documents, a code or a name (``de``, ``German``).
        original: weight of the list that the untranslated query finds; left out unless set.
    """

    to: str = field(kw_only=True)
    original: float = 0.0

    prompt: ClassVar[Prompt] = TRANSLATE

    def fields(self) -> Mapping[str, str]:
        """The language."""
        return {"to": repr(self.to)}

    def check(self) -> list[str]:
        """As for every transformation, and whether a language is named."""
        return [*super().check(), *([] if self.to.strip() else ["to names no language; write to=de or to=German"])]
