"""Written by docs/stubs.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ragbench.core.documents import Corpus
from ragbench.corpus.checks.result import DataCheck
from ragbench.corpus.checks.schema import Schema
from ragbench.workflows.data import Collections, FetchedCollection

def list(*, url_list: Path | str | None = ...) -> Collections: ...
def fetch(
    name: str, out: Path | str | None = ..., again: bool = ..., *, url_list: Path | str | None = ...
) -> FetchedCollection: ...
def check(
    corpus: Path | str | Corpus,
    schema: Path | str | Mapping[str, object] | Schema | None = ...,
    today: str | None = ...,
    write_schema: Path | str | None = ...,
    *,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
) -> DataCheck: ...
