"""A function of Python."""

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

from ragbench.retrievers._python import Call, PythonRetriever

K_NAMES = ("k", "top_k", "n", "limit", "n_results", "num_results", "size")


@dataclass(frozen=True)
class Function(PythonRetriever):
    """Call a function for each query: ``search(query, k)`` or ``search(query)``. It may be a coroutine function.

    It returns pairs of id and score, the best first, or ids alone, a mapping from ids to scores, or documents as
    LangChain, LlamaIndex and Haystack have them. In Python, the function itself is a system:
    ``rb.evaluate(corpus, golden, {"mine": search})``.

    Attributes:
        object: import path of the function, ``module:name``. The current folder is the last place where the module is
            looked for.
        given: the function itself, from Python only.
        returns: whether it returns ids of chunks or of documents; ``auto`` looks at the first answers.
        concurrency: queries in flight at once; None for one, and for eight if it is a coroutine function.
    """

    what: ClassVar[str] = "a function that takes a query and k"

    def fits(self, found: Any) -> bool:
        """Whether it can be called."""
        return callable(found) and not isinstance(found, type)

    def call(self, found: Any, k: int) -> Call:
        """Pass k by position, by name, or not at all, as the function takes it."""
        name = _k_of(found)
        if name is None:
            return lambda text, _: found(text)
        return found if name == "" else lambda text, k: found(text, **{name: k})


def _k_of(function: Any) -> str | None:
    """The name of the parameter for the number of items; empty if it is passed by position, None if there is none."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:  # some functions written in C
        return ""
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    others = parameters[1:]  # the first takes the query, whatever its name is
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return ""
    if named := next((p.name for p in others if p.name in K_NAMES and p.kind is not p.POSITIONAL_ONLY), None):
        return named
    return "" if len(positional) > 1 and positional[1].default is inspect.Parameter.empty else None
