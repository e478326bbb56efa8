"""Any Haystack retriever that takes a text."""

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.retrievers._python import Call, PythonRetriever, takes_chunks

EMBEDDING = (
    "it takes query_embedding, not a text: give a function instead, {'mine': lambda query, k: "
    "retriever.run(query_embedding=embedder.run(query)['embedding'], top_k=k)}"
)
PIPELINE = (
    "it is a pipeline, whose inputs have names: give a function instead, {'mine': lambda query, k: "
    "pipeline.run({'retriever': {'query': query, 'top_k': k}})['retriever']}"
)


@dataclass(frozen=True)
class Haystack(PythonRetriever):
    """Ask a Haystack retriever: a component whose ``run`` takes ``query`` and returns ``documents``.

    Documents have the id of their metadata, or their own: the first that the corpus has. Haystack is not imported. A
    retriever that takes embeddings, or a pipeline, goes into a function.

    Attributes:
        object: ``module:name`` of a retriever, or of a function that makes one. A function that has a parameter without
            a default is called with the `Chunks`. The current folder is the last place where the module is looked for.
        given: the retriever itself, from Python only.
        returns: whether ids of chunks or of documents count; ``auto`` looks at the first answers.
        concurrency: queries in flight at once; None for one.
    """

    what: ClassVar[str] = "a Haystack retriever (a component with run(query=...))"

    def check(self) -> list[str]:
        """Say how a retriever of embeddings or a pipeline is evaluated."""
        run = getattr(self.given, "run", None)
        if self.given is not None and callable(run) and not self.fits(self.given):
            return [EMBEDDING if "query_embedding" in _parameters(run) else PIPELINE]
        return super().check()

    def made(self, found: Any, chunks: Chunks) -> Any:
        """The retriever, or what a factory makes.

        Raises:
            SettingError: it takes embeddings, or is a pipeline.
        """
        if not hasattr(found, "run") and callable(found):
            found = found(chunks) if takes_chunks(found) else found()
        run = getattr(found, "run", None)
        if callable(run) and not self.fits(found):
            raise SettingError(EMBEDDING if "query_embedding" in _parameters(run) else PIPELINE)
        return found

    def fits(self, found: Any) -> bool:
        """Whether it takes the text of a query."""
        run = getattr(found, "run", None)
        return callable(run) and "query" in _parameters(run)

    def call(self, found: Any, k: int) -> Call:
        """Pass ``top_k``, if it takes it."""
        more = {"top_k": k} if "top_k" in _parameters(found.run) else {}
        return lambda text, _: found.run(query=text, **more)


def _parameters(run: Any) -> list[str]:
    return list(inspect.signature(run).parameters)
