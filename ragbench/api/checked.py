"""Calls that say in words of Python what is wrong with what they were given."""

import inspect
import re
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, ParamSpec, TypeVar, get_type_hints

from ragbench.core.answers import AnswerSet
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import RagbenchError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.kinds import Kinds, check_kinds, taken
from ragbench.core.runs import Run
from ragbench.metrics.base import Metric

P = ParamSpec("P")
R = TypeVar("R")

KINDS: dict[Any, str] = {
    Corpus: "a corpus, as rb.load_corpus(path) reads one",
    Chunks: "chunks, as rb.chunk(corpus) cuts them",
    GoldenSet: "a golden set, as rb.load_golden(path) reads one",
    AnswerSet: "answers, as rb.load_answers(path) reads them",
    Run: "a run, as rb.read_run(path) reads one, or evaluation.scored[0].run",
    Judgements: "judgements, as in evaluation.scored[0].judgements",
    Metric: "a metric",
}
_OPTION = re.compile(r"(?<![\w'/-])--([a-z][a-z0-9-]*)")


def checked(call_name: str = "", /, **called: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check the kinds of all arguments against the annotations, and name arguments, not options, in errors.

    Args:
        call_name: what the call is known by; its own name if empty.
        called: what an argument must be, in words, where its annotation says too little.
    """

    def decorate(call: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(call)
        words: Kinds = {**KINDS, **called}

        @wraps(call)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            hints = _hints(call)
            try:
                given = signature.bind(*args, **kwargs)
            except TypeError:  # Python says why
                return call(*args, **kwargs)
            for name, value in given.arguments.items():
                several = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
                ones = [taken(one, hints.get(name)) for one in (value if several else (value,))]
                for one in ones:
                    check_kinds(asked.__name__, hints, {name: one}, words)
                given.arguments[name] = tuple(ones) if several else ones[0]
            try:
                return call(*given.args, **given.kwargs)
            except RagbenchError as error:
                error.args = (in_python(str(error), _names(hints)),)
                raise

        asked.__name__ = call_name or call.__name__
        return asked

    return decorate


def in_python(message: str, names: Collection[str]) -> str:
    """The message with arguments in place of options: ``--per-chunk`` becomes ``per_chunk``.

    What is not among the names stays, and so does what stands after ``ragbench`` in a line: that is a command to type.
    """

    def argument(option: re.Match[str]) -> str:
        start = message.rfind("\n", 0, option.start()) + 1
        name = option[1].replace("-", "_")
        if "ragbench " in message[start : option.start()]:
            return option[0]
        return next((one for one in (name, f"{name}s") if one in names), option[0])

    return _OPTION.sub(argument, message)


def saying(call: Callable[..., object]) -> Callable[[str], None]:
    """Prints the lines that a command would print, with arguments of the call in place of options."""
    names = _names(_hints(call))
    return lambda line: print(in_python(line, names))


def _names(hints: dict[str, Any]) -> set[str]:
    return set(hints)


def _hints(call: Callable[..., object]) -> dict[str, Any]:
    try:
        return get_type_hints(call)
    except NameError:  # the one name that is imported for types alone
        import pandas as pd

        return get_type_hints(call, localns={"pd": pd})
