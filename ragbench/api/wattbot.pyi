"""Written by docs/stubs.py."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ragbench.answers.wattbot.run import Indexed, Planned, Submission
from ragbench.answers.wattbot.score.parts import Scored
from ragbench.workflows.wattbot import ScoredSubmissions

def run(
    metadata: Path | str,
    documents: Path | str,
    out: Path | str,
    questions: Path | str | None = ...,
    llm: str = ...,
    until: Literal["chunks", "embeddings", "answers"] = ...,
    embedder: str = ...,
    top: int = ...,
    min_score: float = ...,
    answer_tokens: int = ...,
    seed: int = ...,
    *,
    cache: Path | str | None = ...,
    dry_run: bool = ...,
    resume: bool = ...,
    force: bool = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
) -> Submission | Planned | Indexed: ...
def score(
    truth: Path | str,
    predictions: Sequence[Path | str] | Path | str,
    compat: Literal["strict", "lesson"] = ...,
    metadata: Path | str | None = ...,
    worst: int = ...,
    rows: Path | str | None = ...,
    margin: float | None = ...,
    seed: int = ...,
    resamples: int = ...,
    confidence: float = ...,
) -> Scored | ScoredSubmissions: ...
