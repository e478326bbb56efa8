"""Written by docs/stubs.py."""

from collections.abc import Mapping
from pathlib import Path

from ragbench.answers.endpoint.check import EndpointCheck

def check(
    endpoint: str | Path,
    question: str = ...,
    values: Mapping[str, str] | None = ...,
    timeout: float = ...,
    dry_run: bool = ...,
    *,
    header_env: Mapping[str, str] | None = ...,
) -> EndpointCheck: ...
