"""The stage that embeds texts: each row gets its vector in one more column."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.core.ledger import Ledger
from ragbench.engines.base import Stage, Table, Work
from ragbench.io.vectors import finite
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.plugins import EMBEDDERS, build


@dataclass(frozen=True)
class EmbedStage(Stage):
    """Embeds the texts of a column. The other columns stay as they are.

    The vector is a list of float32 of a fixed size; it is null where a row has no text.

    Attributes:
        model: spec of an embedder.
        identity: its fingerprint. Every worker must have the same model.
        kind: whether the texts are queries or passages.
        text: the column of texts.
        title: the column of titles, which are put before the texts; None if there is none.
        vector: the column that is added.
    """

    model: str
    identity: str
    kind: TextKind
    text: str
    title: str | None
    vector: str

    def fingerprint(self) -> str:
        """Identity of the model and of the columns."""
        return fingerprint(["embed", self.identity, self.kind, self.text, self.title, self.vector])

    def open(self) -> Work:
        """Load the model.

        Raises:
            InputError: the worker has another version of the model.
            MissingExtra: the model needs a library that is not installed.
        """
        embedder = cast(Embedder, build(EMBEDDERS, self.model))
        if embedder.fingerprint() != self.identity:
            raise InputError(
                f"a worker has another version of the embedder {self.model!r}; install the same packages and files on "
                "every machine of the cluster"
            )
        return lambda table: self._embedded(table, embedder)

    def _embedded(self, table: Table, embedder: Embedder) -> Table:
        texts = self._contents(table)
        found = finite([text for text in texts if text], embedder.encode([text for text in texts if text], self.kind))
        if not found.shape[1]:
            raise InputError(f"{len(texts)} rows that follow each other have no text in the column {self.text!r}")
        return table.append_column(self.vector, _vectors(found, [bool(text) for text in texts]))

    def _contents(self, table: Table) -> list[str]:
        """What is embedded for each row: title and text, joined by a space, as for a chunk. Empty: no text."""
        texts = [text if text and not text.isspace() else "" for text in table[self.text].to_pylist()]
        if self.title is None:
            return texts
        return [f"{title} {text}" if title and text else text
                for title, text in zip(table[self.title].to_pylist(), texts, strict=True)]  # fmt: skip


@brief
@dataclass(frozen=True)
class EmbeddedCorpus:
    """The vectors of a corpus on disk.

    Attributes:
        out: the folder of the parts.
        rows: how many rows they have.
        parts: how many parts there are.
        found: how many of them an earlier run had written.
        dimensions: how many numbers a vector has.
        model: spec of the embedder.
        columns: which column is what: ``text``, ``title`` if there is one, and ``vector``.
        without_text: how many rows have no text; their vector is null.
        array: the file with all vectors, if that was asked for.
        seconds: how long it took.
        ledger: what was skipped.
    """

    out: Path
    rows: int
    parts: int
    found: int
    dimensions: int
    model: str
    columns: Mapping[str, str]
    without_text: int
    array: Path | None
    seconds: float
    ledger: Ledger


def _vectors(found: Any, there: list[bool]) -> Any:
    """An Arrow column of vectors, null where a row has none."""
    import numpy as np
    import pyarrow

    rows = np.zeros((len(there), found.shape[1]), np.float32)
    rows[there] = found
    mask = None if all(there) else pyarrow.array([not one for one in there])
    return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.reshape(-1)), found.shape[1], mask=mask)
