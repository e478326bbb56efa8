"""Calls that say in words of Python what is wrong with what they were given."""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, get_args, get_type_hints

from ragbench.core.answers import AnswerSet
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.kinds import Kinds, check_kinds, taken
from ragbench.core.runs import Run
from ragbench.core.urls import urls_in_errors
from ragbench.io.staged import local_copy, names_url
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
                if _takes_path(hints.get(name)):
                    ones = [local_copy(one) if names_url(one) else one for one in ones]
                for one in ones:
                    check_kinds(asked.__name__, hints, {name: one}, words)
                given.arguments[name] = tuple(ones) if several else ones[0]
            with urls_in_errors():
                return call(*given.args, **given.kwargs)

        asked.__name__ = call_name or call.__name__
        return asked

    return decorate


def _takes_path(hint: object) -> bool:
    return hint is Path or Path in get_args(hint)


def _hints(call: Callable[..., object]) -> dict[str, Any]:
    try:
        return get_type_hints(call)
    except NameError:  # the one name that is imported for types alone
        import pandas as pd

        return get_type_hints(call, localns={"pd": pd})
