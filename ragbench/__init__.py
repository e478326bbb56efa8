"""Evaluate and benchmark retrieval and RAG systems: better, worse, or noise?

``import ragbench as rb`` is light: each public name is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragbench.api import (
        Chunk,
        Chunks,
        Corpus,
        Document,
        Evaluation,
        Evidence,
        GoldenItem,
        GoldenSet,
        InputError,
        Judgements,
        RagbenchError,
        Run,
        Scores,
        SettingError,
        Settings,
        Span,
        chunk,
        evaluate,
        load_corpus,
        load_golden,
        read_run,
        save_golden,
        score,
    )

__all__ = [
    "Chunk",
    "Chunks",
    "Corpus",
    "Document",
    "Evaluation",
    "Evidence",
    "GoldenItem",
    "GoldenSet",
    "InputError",
    "Judgements",
    "RagbenchError",
    "Run",
    "Scores",
    "SettingError",
    "Settings",
    "Span",
    "chunk",
    "evaluate",
    "load_corpus",
    "load_golden",
    "read_run",
    "save_golden",
    "score",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("ragbench.api"), name)
    raise AttributeError(f"module 'ragbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
