"""Make a retriever of what Python code passes: a function, rankings, or an object of another library."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from ragbench.core.given import is_rankings, run_of
from ragbench.retrievers._given import GivenRun
from ragbench.retrievers.base import Retriever
from ragbench.retrievers.function import Function
from ragbench.retrievers.haystack import Haystack
from ragbench.retrievers.llamaindex import LlamaIndex

LANGCHAIN_AT_ONCE = 4


@runtime_checkable
class Invoked(Protocol):
    """A LangChain retriever."""

    def invoke(self, input: str) -> Any:
        """Return documents."""


@runtime_checkable
class Retrieves(Protocol):
    """A LlamaIndex retriever."""

    def retrieve(self, str_or_query_bundle: str) -> Any:
        """Return nodes with scores."""


@runtime_checkable
class Runs(Protocol):
    """A Haystack component."""

    def run(self, query: str) -> Any:
        """Return documents by name."""


@runtime_checkable
class Searched(Protocol):
    """A LangChain vector store."""

    def similarity_search(self, query: str, k: int) -> Any:
        """Return documents."""


@runtime_checkable
class Indexed(Protocol):
    """A LlamaIndex index."""

    def as_retriever(self) -> Any:
        """Return its retriever."""


@runtime_checkable
class Converted(Protocol):
    """Rankings of ranx, or a table of rankings."""

    def to_dict(self) -> Any:
        """Return scores by query and item."""


Foreign = Invoked | Retrieves | Runs | Searched | Indexed | Converted
"""An object of another library that searches. None of these libraries is imported."""


def adapted(system: Any) -> Retriever | None:
    """Return a retriever that searches with an object, or None if the object cannot search.

    Raises:
        InputError: rankings have a wrong form.
    """
    if isinstance(system, Invoked):
        return Function(given=_of_langchain(system), concurrency=LANGCHAIN_AT_ONCE)
    if isinstance(system, Searched):
        return Function(given=lambda query, k: system.similarity_search(query, k=k))
    if isinstance(system, Retrieves | Indexed):
        return LlamaIndex(given=system)
    if isinstance(system, Runs):
        return Haystack(given=system)
    if is_rankings(system):
        return GivenRun(rankings=run_of(system, name="the rankings"))
    return Function(given=system) if callable(system) and not isinstance(system, type) else None


def _of_langchain(retriever: Any) -> Callable[[str, int], Any]:
    """Pass k to the retriever of a vector store. Others return as many documents as they are configured for."""
    if hasattr(retriever, "vectorstore"):
        return lambda query, k: retriever.invoke(query, k=k)
    return lambda query, k: retriever.invoke(query)


def name_of(system: Any) -> str:
    """The name of a system to which the user gave none."""
    if is_rankings(system):
        name = getattr(system, "name", "")
        return name if isinstance(name, str) and name else "run"
    name = getattr(system, "__name__", None) or type(system).__name__
    return "function" if name == "<lambda>" else str(name)
