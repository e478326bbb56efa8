"""Evaluate and benchmark retrieval and RAG systems: better, worse, or noise?

``import ragbench as rb`` is light: each public name is imported when it is first used, and so is ``__version__``. It
switches off the telemetry of every library that ragbench may import (`ragbench.core.telemetry`).
"""

import importlib
from typing import TYPE_CHECKING, Any

from ragbench.core.telemetry import switch_off

switch_off()

if TYPE_CHECKING:
    __version__: str
    from ragbench.api import (
        AnswerSet,
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
        ScoredRun,
        Scores,
        SettingError,
        Span,
        ab,
        answer,
        audit,
        baseline,
        batch,
        check_judge,
        chunk,
        compare,
        data,
        doctor,
        drift,
        embed,
        endpoint,
        evaluate,
        experiments,
        export,
        export_labels,
        export_pairs,
        export_triplets,
        gate,
        generate,
        index,
        ingest_traces,
        jobs,
        judge_sheet,
        load_answers,
        load_corpus,
        load_evaluation,
        load_golden,
        load_run,
        load_test,
        plan,
        prefer,
        probe,
        read_run,
        read_search_log,
        report,
        review,
        save_golden,
        score,
        score_answers,
        score_runs,
        seeds,
        shadow,
        train_fusion,
        wattbot,
        without_masked,
    )

__all__ = [
    "AnswerSet",
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
    "ScoredRun",
    "Scores",
    "SettingError",
    "Span",
    "ab",
    "answer",
    "audit",
    "baseline",
    "batch",
    "check_judge",
    "chunk",
    "compare",
    "data",
    "doctor",
    "drift",
    "embed",
    "endpoint",
    "evaluate",
    "experiments",
    "export",
    "export_labels",
    "export_pairs",
    "export_triplets",
    "gate",
    "generate",
    "index",
    "ingest_traces",
    "jobs",
    "judge_sheet",
    "load_answers",
    "load_corpus",
    "load_evaluation",
    "load_golden",
    "load_run",
    "load_test",
    "plan",
    "prefer",
    "probe",
    "read_run",
    "read_search_log",
    "report",
    "review",
    "save_golden",
    "score",
    "score_answers",
    "score_runs",
    "seeds",
    "shadow",
    "train_fusion",
    "wattbot",
    "without_masked",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ragbench")
    if name in __all__:
        return getattr(importlib.import_module("ragbench.api"), name)
    raise AttributeError(f"module 'ragbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
