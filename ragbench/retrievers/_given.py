"""Rankings that are at hand in Python."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.fingerprint import fingerprint
from ragbench.core.given import run_of
from ragbench.core.runs import Run as Rankings
from ragbench.core.runs import Unit
from ragbench.retrievers.run import Run, RunIndex


@dataclass(frozen=True)
class GivenRun(Run):
    """Rankings by query id, as `ragbench.core.given.run_of` takes them, in place of a run file.

    Attributes:
        rankings: the rankings.
    """

    path: Path = Path("the rankings")
    rankings: Any = field(default=None, repr=False)

    def check(self) -> list[str]:
        """Nothing to check: rankings are read when they are given."""
        return []

    def key(self) -> str:
        """Fingerprint of the rankings."""
        run = self.read()
        return fingerprint(["given", list(run.query_ids), [run.ranking(at) for at in range(len(run))]])

    def read(self) -> Rankings:
        """Read the rankings.

        Raises:
            InputError: they have another form.
        """
        return run_of(self.rankings, unit=self.returns)

    def index(self, chunks: Chunks, context: Context) -> RunIndex:
        """Find out whether the ids are of chunks or of documents.

        Raises:
            InputError: none of the ids is known.
        """
        run = self.read()
        used = {run.item_ids[item] for item in run.items.tolist()}
        of_chunks, of_documents = (len(used & known.keys()) for known in (chunks.row, chunks.document_row))
        unit: Unit = "document" if of_documents > of_chunks else "chunk"
        index = RunIndex(GivenRun(returns=unit, rankings=run), chunks, run)
        index.must_fit(self.path)
        return index
