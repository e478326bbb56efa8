"""The two sets of queries that are compared, as columns over their distinct texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ragbench.core.search_log import SearchLog
from ragbench.golden.seeds import key_of, tidy
from ragbench.stats.clusters import cluster_index

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Both:
    """Two sets of queries.

    A search is a query of a session; the same text again in the session does not count. Spellings that differ in letter
    case or in punctuation at their ends are one text.

    Attributes:
        texts: the t distinct texts of both sets.
        text: (n,) the text of each search.
        session: (n,) the session of each search, 0 to c - 1. The queries of a document of a golden set are a session.
        reference: (c,) whether each session is of the reference.
        repeated: searches that repeat a text of their session.
        has_sessions: whether the current queries have sessions; otherwise each search is a session.
    """

    texts: Sequence[str]
    text: Rows
    session: Rows
    reference: npt.NDArray[np.bool_]
    repeated: int
    has_sessions: bool

    @classmethod
    def of(cls, reference: SearchLog, current: SearchLog) -> "Both":
        """Join the two sets. The sessions of the two never mix."""
        texts: dict[str, int] = {}
        shown: list[str] = []
        rows: dict[tuple[str, int], None] = {}
        total = 0
        for side, log in (("reference", reference), ("current", current)):
            for number, search in enumerate(log):
                text = tidy(search.query)
                at = texts.setdefault(key_of(text), len(texts))
                if at == len(shown):
                    shown.append(text)
                visit = search.session or f"\0{number}"
                rows.setdefault((f"{side}\0{visit}", at))
                total += 1
        names = [name for name, _ in rows]
        session = cluster_index(names)
        sides = np.zeros(int(session.max()) + 1, dtype=bool)
        sides[session] = [name.startswith("reference\0") for name in names]
        with_session = any(search.session for search in current)
        text_of = np.array([at for _, at in rows], dtype=np.int64)
        return cls(shown, text_of, session, sides, total - len(rows), with_session)

    @cached_property
    def sizes(self) -> npt.NDArray[np.float64]:
        """(c,) Searches of each session."""
        return np.bincount(self.session, minlength=len(self.reference)).astype(np.float64)

    @cached_property
    def of_reference(self) -> npt.NDArray[np.bool_]:
        """(n,) Whether each search is of the reference."""
        return self.reference[self.session]

    @cached_property
    def in_reference(self) -> Rows:
        """(t,) Searches of the reference with each text."""
        return np.bincount(self.text[self.of_reference], minlength=len(self.texts))

    @cached_property
    def in_current(self) -> Rows:
        """(t,) Current searches with each text."""
        return np.bincount(self.text[~self.of_reference], minlength=len(self.texts))

    def sums(self, columns: Rows, width: int) -> npt.NDArray[np.float64]:
        """(c, width) Searches of each session by the column of their text, such as its type.

        Args:
            columns: (t,) column of each text.
            width: number of columns.
        """
        key = self.session * width + columns[self.text]
        found = np.bincount(key, minlength=len(self.reference) * width).astype(np.float64)
        return found.reshape(len(self.reference), width)
