"""Any LlamaIndex retriever."""

import copy
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from ragbench.core.documents import Chunks
from ragbench.retrievers._python import Call, PythonRetriever, made_by

TOP_K = "similarity_top_k"


@dataclass(frozen=True)
class LlamaIndex(PythonRetriever):
    """Ask a LlamaIndex retriever, or the retriever of an index.

    The id of a node is that in its metadata, its own, or that of its document: the first of them that the corpus has.
    A retriever with ``similarity_top_k`` is asked for as many nodes as the evaluation needs; others return as many as
    they are configured for. LlamaIndex is not imported: an object with ``retrieve`` is enough.

    Attributes:
        object: ``module:name`` of a retriever, an index, or a function that makes one. A function that has a parameter
            without a default is called with the `Chunks`. The current folder is the last place where the module is
            looked for.
        given: the retriever or index itself, from Python only.
        returns: whether ids of chunks or of documents count; ``auto`` looks at the first answers.
        concurrency: queries in flight at once; None for one.
    """

    what: ClassVar[str] = "a LlamaIndex retriever (an object with retrieve)"

    def made(self, found: Any, chunks: Chunks) -> Any:
        """The retriever of an index, or what a factory makes."""
        if callable(found) and not self.fits(found):
            found = made_by(found, chunks)
        return found.as_retriever() if not hasattr(found, "retrieve") and hasattr(found, "as_retriever") else found

    def fits(self, found: Any) -> bool:
        """Whether it is a retriever, or an index that has one."""
        return any(callable(getattr(found, name, None)) for name in ("retrieve", "as_retriever"))

    def call(self, found: Any, k: int) -> Call:
        """Ask a copy of the retriever that is set to return k nodes, if it has that setting."""
        asked = found
        if isinstance(getattr(found, TOP_K, None), int):
            asked = copy.copy(found)
            with suppress(Exception):  # the setting cannot be changed
                setattr(asked, TOP_K, k)
        return lambda text, _: asked.retrieve(text)
