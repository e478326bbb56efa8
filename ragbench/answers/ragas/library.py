"""Whether the Ragas that is installed is the one the adapter was written for."""

from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from ragbench.core.errors import MissingExtra, SettingError

KNOWN = "0.4.3"
"""The adapter hands Ragas' own prompts and response models on, which change between its releases."""

Metric = Literal["faithfulness", "answer_relevancy", "context_precision", "context_recall", "factual_correctness"]


def require_ragas(what: str) -> None:
    """Import nothing, and check that Ragas could be imported.

    Raises:
        MissingExtra: it is not installed.
        SettingError: it is another version.
    """
    try:
        found = version("ragas")
    except PackageNotFoundError as error:
        raise MissingExtra(what, "ragas") from error
    if found != KNOWN:
        raise SettingError(
            f"{what} is written for ragas {KNOWN}, and {found} is installed: pip install 'ragbench[ragas]'"
        )
