"""Written by docs/stubs.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from ragbench.core.documents import Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.workflows.batch import BatchState, Fetched, Submitted
from ragbench.workflows.generate import Plan

def submit(
    corpus: Path | str | Corpus,
    out: Path | str | None = ...,
    format: Literal["native", "simple"] = ...,
    seed_queries: Path | str | None = ...,
    llm: str = ...,
    judge: str | None = ...,
    reconsider: str | None = ...,
    role: Mapping[str, str] | None = ...,
    about: str | None = ...,
    prompt: Path | str | None = ...,
    personas: str | None = ...,
    per_chunk: int | None = ...,
    wordings: Mapping[str, float] | None = ...,
    sample: int | None = ...,
    mix: str | None = ...,
    languages: str | None = ...,
    examples: int | None = ...,
    stages: Sequence[str] | str = ...,
    seed: int = ...,
    s3_uri: str | None = ...,
    role_arn: str | None = ...,
    most_lines: int = ...,
    least_lines: int | None = ...,
    tries: int = ...,
    *,
    cache: Path | str | None = ...,
    dry_run: bool = ...,
    resume: bool = ...,
    force: bool = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
) -> Submitted | GoldenSet | Plan: ...
def status(folder: Path | str, offline: bool = ...) -> list[BatchState]: ...
def fetch(folder: Path | str, wait: bool = ..., every: float = ...) -> Fetched: ...
