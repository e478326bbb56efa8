"""Analyse a frame of events as a file would be analysed."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.ab.settings import TIMES
from ragbench.core.errors import InputError, RagbenchError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "events"
"""The name of the frame in errors and in the result: the argument that holds it."""


@runtime_checkable
class EventFrame(Protocol):
    """A ``pandas.DataFrame``, which need not be imported to recognise one."""

    @property
    def columns(self) -> Any:
        """Names of the columns."""

    def set_axis(self, labels: Any, *, axis: Any = ...) -> Any:
        """Return the frame with other names of columns."""

    def to_parquet(self, path: Any = ..., /) -> Any:
        """Write the frame to a file."""


def analyse_frame(events: EventFrame, time: str, analyse: Callable[[Path], AbResult]) -> AbResult:
    """Write the frame to a temporary file and analyse that. Messages do not name the file.

    Raises:
        InputError: two columns have one name, or what the analysis raises.
    """
    names = [str(name) for name in events.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{SOURCE}: column {twice[0]!r} appears twice")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.parquet"
        _writable(events.set_axis(names, axis=1), time).to_parquet(path, index=False)
        try:
            return replace(analyse(path), source=SOURCE)
        except RagbenchError as error:
            error.args = (str(error).replace(str(path), SOURCE),)
            raise


def _writable(events: "pd.DataFrame", time: str) -> "pd.DataFrame":
    """Return the frame with times as times, and with texts for values of several types, as in a CSV file."""
    import pandas as pd

    mixed = [name for name in events.columns if pd.api.types.infer_dtype(events[name]).startswith("mixed")]
    events = events.assign(**{name: events[name].map(str, na_action="ignore").astype("string") for name in mixed})
    name = time or next((name for name in TIMES if name in events.columns), "")
    if name not in events.columns or not pd.api.types.is_string_dtype(events[name]):
        return events
    read = pd.to_datetime(events[name], format="ISO8601", errors="coerce")
    return events if (read.isna() & events[name].notna()).any() else events.assign(**{name: read})
