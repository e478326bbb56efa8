"""Any Haystack retriever that takes a text."""

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.retrievers._python import Call, PythonRetriever, made_by

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

    The id of a document is that in its metadata or its own: the first of them that the corpus has. Haystack is not
    imported. To evaluate a pipeline, or a retriever that takes embeddings, call it in a function.

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
        refusal = _refusal(self.given)
        return [refusal] if refusal else super().check()

    def made(self, found: Any, chunks: Chunks) -> Any:
        """The retriever, or what a factory makes.

        Raises:
            SettingError: it takes embeddings, or is a pipeline.
        """
        if not hasattr(found, "run") and callable(found):
            found = made_by(found, chunks)
        if refusal := _refusal(found):
            raise SettingError(refusal)
        return found

    def fits(self, found: Any) -> bool:
        """Whether it takes the text of a query."""
        return "query" in _parameters(found)

    def call(self, found: Any, k: int) -> Call:
        """Pass ``top_k``, if it takes it."""
        more = {"top_k": k} if "top_k" in _parameters(found) else {}
        return lambda text, _: found.run(query=text, **more)


def _parameters(component: Any) -> list[str]:
    """The parameters of its method ``run``; none for an object without one."""
    run = getattr(component, "run", None)
    return list(inspect.signature(run).parameters) if callable(run) else []


def _refusal(component: Any) -> str:
    """How an object with ``run`` that takes no text is evaluated; empty for any other."""
    parameters = _parameters(component)
    if not parameters or "query" in parameters:
        return ""
    return EMBEDDING if "query_embedding" in parameters else PIPELINE
