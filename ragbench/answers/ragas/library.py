"""Check that the installed Ragas is the version that the adapter was written for."""

from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from ragbench.core.errors import MissingExtra, SettingError

KNOWN = "0.4.3"
"""The adapter uses Ragas' own prompts and response models, which change between releases."""

Metric = Literal["faithfulness", "answer_relevancy", "context_precision", "context_recall", "factual_correctness"]


def require_ragas(what: str) -> None:
    """Check that Ragas is installed in the right version, without importing it.

    Raises:
        MissingExtra: it is not installed.
        SettingError: another version is installed.
    """
    try:
        found = version("ragas")
    except PackageNotFoundError as error:
        raise MissingExtra(what, "ragas") from error
    if found != KNOWN:
        raise SettingError(
            f"{what} is written for ragas {KNOWN}, and {found} is installed: pip install 'ragbench[ragas]'"
        )
