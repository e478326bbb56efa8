"""The systems of one run of ``ragbench answer``: each combination of retriever, model and prompt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from ragbench.core.errors import SettingError
from ragbench.core.ledger import first_ten
from ragbench.core.naming import split_name, split_path
from ragbench.core.options import named

AND = " + "
_UNSAFE = re.compile(r"[^\w.+-]+")
MOST_CHARACTERS = 100
"""The most characters of the name of a folder."""


@dataclass(frozen=True)
class Arm:
    """One system.

    Attributes:
        name: what distinguishes it from the others; empty for the only one.
        retriever: spec of its retriever.
        llm: its model.
        prompt: the file with its prompt; None for ragbench's own.
    """

    name: str
    retriever: str
    llm: str
    prompt: Path | None = None

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return _UNSAFE.sub("-", self.name.replace(AND, "+")).strip("-.")[:MOST_CHARACTERS]

    def row(self) -> dict[str, str]:
        """The row of ``arms.json``."""
        prompt = {} if self.prompt is None else {"prompt": str(self.prompt)}
        return {"name": self.name, "folder": self.folder, "retriever": self.retriever, "llm": self.llm, **prompt}


def arms_of(retrievers: Sequence[str], models: Sequence[str], prompts: Sequence[str]) -> tuple[Arm, ...]:
    """Every combination. A part can have a name of its own, as in ``terse=prompts/terse.txt``.

    The name of a system has the parts that are not the same for all.

    Raises:
        SettingError: two systems would have the same name or folder.
    """
    parts = [
        [(name or rest, rest) for name, rest in map(split_name, retrievers)],
        [(name or rest, rest) for name, rest in map(split_name, models)] or [("", "")],
        [(name or Path(rest).stem, rest) for name, rest in map(split_path, prompts)] or [("", "")],
    ]
    arms = []
    for chosen in product(*parts):
        differ = [name for (name, _), options in zip(chosen, parts, strict=True) if len(options) > 1]
        retriever, llm, prompt = (value for _, value in chosen)
        arms.append(Arm(AND.join(differ), retriever, llm, Path(prompt) if prompt else None))
    folders = [arm.folder.casefold() for arm in arms]
    twice = sorted({arm.name for arm in arms if folders.count(arm.folder.casefold()) > 1})
    if twice:
        raise SettingError(
            f"several systems would have one name: {first_ten(twice)}; give the parts names of their own, as in "
            f"{named('retriever')} base=bm25"
        )
    return tuple(arms)
