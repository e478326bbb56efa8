"""A LangChain vector store by the name of its class, with an embedder of ragbench."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragbench.core.errors import SettingError
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers._external import one_line

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

EMBEDDING = ("embedding_function", "embedding", "embeddings")
"""The names that stores give to the parameter for the embedder."""


def makes_store(found: object) -> bool:
    """Whether this is a class of vector stores, or a class method that opens one."""
    from langchain_core.vectorstores import VectorStore

    of = getattr(found, "__self__", None) if inspect.ismethod(found) else found
    return isinstance(of, type) and issubclass(of, VectorStore)


def open_store(found: Any, name: str, arguments: Mapping[str, object], model: str) -> Any:
    """Open a vector store.

    Args:
        found: its class, or a class method.
        name: its import path, for messages.
        arguments: the other arguments of the call.
        model: spec of the embedder.

    Raises:
        SettingError: it takes no embedder, or the call fails.
    """
    takes = next((one for one in EMBEDDING if one in inspect.signature(found).parameters), None)
    if takes is None:
        raise SettingError(
            f"langchain: {name} has no parameter for an embedder ({', '.join(EMBEDDING)}); "
            "write a function that makes the store, and name that"
        )
    try:
        return found(**{takes: as_embeddings(build(EMBEDDERS, model)), **arguments})
    except Exception as error:  # of whatever is behind the store
        raise SettingError(
            f"langchain: {name} cannot be opened with arguments={dict(arguments)!r}: "
            f"{one_line(str(error) or type(error).__name__)}"
        ) from error


def as_embeddings(embedder: Embedder) -> "Embeddings":
    """An embedder of ragbench, as LangChain calls one."""
    from langchain_core.embeddings import Embeddings

    class Ragbench(Embeddings):
        def embed_query(self, text: str) -> list[float]:
            vector: list[float] = embedder.encode([text], "query")[0].tolist()
            return vector

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            vectors: list[list[float]] = embedder.encode(texts, "passage").tolist()
            return vectors

    return Ragbench()
