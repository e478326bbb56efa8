"""Written by docs/stubs.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ragbench.core.documents import Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.golden.annotators.review import AppliedReview, ReviewSample

SETS: dict[str, str]

def export(
    golden: Path | str | GoldenSet,
    corpus: Path | str | Corpus,
    out: Path | str,
    sample: int = ...,
    seed: int = ...,
    *,
    rejected: Path | str | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
) -> ReviewSample: ...
def apply(
    decisions: Path | str,
    golden: Path | str | GoldenSet,
    out: Path | str | None = ...,
    reviewer: str | None = ...,
    *,
    rejected: Path | str | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
) -> AppliedReview: ...
