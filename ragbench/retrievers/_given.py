"""Rankings that Python code passes."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.runs import Run as Rankings
from ragbench.core.runs import Unit
from ragbench.retrievers.run import Run, RunIndex


@dataclass(frozen=True)
class GivenRun(Run):
    """Rankings by query id, in place of a run file.

    Attributes:
        rankings: the rankings.
    """

    path: Path = Path("the rankings")
    rankings: Rankings = field(repr=False, kw_only=True)

    def check(self) -> list[str]:
        """Check nothing: a `Run` is sound."""
        return []

    def key(self) -> str:
        """Fingerprint of the rankings."""
        return self.rankings.fingerprint

    def read(self) -> Rankings:
        """Return the rankings."""
        return self.rankings

    def index(self, chunks: Chunks, context: Context) -> RunIndex:
        """Find out whether the ids are of chunks or of documents.

        Raises:
            InputError: none of the ids is known.
        """
        run = self.rankings
        used = {run.item_ids[item] for item in run.items.tolist()}
        of_chunks, of_documents = (len(used & known.keys()) for known in (chunks.row, chunks.document_row))
        unit: Unit = "document" if of_documents > of_chunks else "chunk"
        index = RunIndex(replace(self, returns=unit), chunks, run)
        index.must_fit(self.path)
        return index
