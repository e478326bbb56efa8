"""A run that was computed elsewhere, read from a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import file_sha256, fingerprint
from ragbench.core.ledger import first_ten
from ragbench.core.runs import Query, Unit
from ragbench.core.runs import Run as Rankings
from ragbench.retrievers._external import Answer, Failed, OwnIdsIndex
from ragbench.retrievers._filters import rows_of
from ragbench.retrievers.base import Ranking, Retriever

UNASKED = "unasked_queries"
"""The note with the queries of the file that are not asked."""
LONGEST = "longest_ranking"
"""The note with the items of the longest ranking of the file."""
ABSENT = "not in the run file"
"""Why a query fails."""


@dataclass(frozen=True)
class Run(Retriever):
    """Read each query's ranking from a run file, by the query's id.

    A query that the file lacks fails. Queries of the file that are not asked are reported. No latency is measured,
    because it would be that of a look-up and not of a search.

    Attributes:
        path: a run file as `ragbench.io.run_files` reads it (TREC, JSON, Parquet).
        returns: whether the file has ids of chunks or of documents.
        format: the file format; None chooses it by the file's name.
        depth: how many items of each query to use; None for all.
    """

    path: Path
    returns: Unit = "chunk"
    format: Literal["trec", "json", "parquet"] | None = None
    depth: int | None = None

    def check(self) -> list[str]:
        """Check that the file exists, and the depth."""
        faults = [] if self._is_there() else [f"there is no run file {self.path}"]
        if self.depth is not None and self.depth < 1:
            faults.append(f"depth is {self.depth}; it must be at least 1")
        return faults

    def key(self) -> str:
        """Fingerprint of the file's content and of the other settings; its name does not count."""
        content = file_sha256(self.path) if self._is_there() else str(self.path)
        decides = ["run", content, self.returns, self.format]
        return fingerprint(decides if self.depth is None else [*decides, self.depth])

    def _is_there(self) -> bool:
        try:
            return self.path.is_file()
        except OSError:  # its name is longer than names of files can be
            return False

    def read(self) -> Rankings:
        """Read the file.

        Raises:
            InputError: it cannot be read.
        """
        from ragbench.io.run_files import read_run

        run = read_run(self.path, self.format, unit=self.returns)
        return run if self.depth is None else run.top(self.depth)

    def index(self, chunks: Chunks, context: Context) -> "RunIndex":
        """Read the file.

        Raises:
            InputError: the file cannot be read, or none of its ids is known.
        """
        index = RunIndex(self, chunks, self.read())
        index.must_fit(self.path)
        return index


class RunIndex(OwnIdsIndex):
    """Rankings by query id."""

    replays = True
    filters = True

    def __init__(self, settings: Run, chunks: Chunks, rankings: Rankings) -> None:
        super().__init__(chunks, settings.returns)
        self._rankings = rankings
        self._position = {id_: at for at, id_ in enumerate(rankings.query_ids)}
        self._unasked = dict.fromkeys(rankings.query_ids)
        self.longest = int(rankings.lengths.max(initial=0))
        self.notes[LONGEST] = self.longest

    def must_fit(self, path: Path) -> None:
        """Refuse a file if the corpus has none of its ids.

        Raises:
            InputError: the corpus has none; the message says whether the ids are of the other unit.
        """
        chunks = self._chunks
        known, other = (chunks.row, chunks.document_row) if self.unit == "chunk" else (chunks.document_row, chunks.row)
        used = {self._rankings.item_ids[item] for item in self._rankings.items.tolist()}
        if not used or any(id_ in known for id_ in used):
            return
        if any(id_ in other for id_ in used):
            right = "document" if self.unit == "chunk" else "chunk"
            raise InputError(f"{path}: its ids are of {right}s, not of {self.unit}s: set returns={right}")
        raise InputError(
            f"{path}: none of its {len(used)} item ids is the id of a {self.unit} of the corpus "
            f"({first_ten(sorted(used)[:3])}...). Is it the run of another corpus?"
        )

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """Return the first k of each query's ranking that its filter lets through. Ids that the corpus lacks stay."""
        for query in queries:
            self._unasked.pop(query.id, None)
        self.notes[UNASKED] = list(self._unasked)
        return self.ranking(self._look_up(query, k) for query in queries)

    def _look_up(self, query: Query, k: int) -> Answer:
        found = self._found(query.id)
        if isinstance(found, Failed):
            return found
        if query.filter is not None:
            allowed, known = self._chunks.fields.mask(query.filter), self._chunks.document_row
            if self.unit == "chunk":
                allowed, known = rows_of(self._chunks, query.filter), self._chunks.row
            found = [one for one in found if one[0] not in known or allowed[known[one[0]]]]
        return found[:k]

    def _found(self, query_id: str) -> Answer:
        at = self._position.get(query_id)
        if at is None:
            return Failed(ABSENT)
        if query_id in self._rankings.failures:
            return Failed(self._rankings.failures[query_id])
        return self._rankings.ranking(at)
