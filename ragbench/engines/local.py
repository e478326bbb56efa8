"""The engine of this process: one part after another."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ragbench.core.context import Progress
from ragbench.engines.base import EngineName, EngineSettings, Part, Stage, Table, Written
from ragbench.engines.worker import PartWorker


class LocalEngine:
    """Runs stages in this process. A stage may use several threads of its own, as embedders do."""

    name: EngineName = "local"
    workers = 1

    def __init__(self, settings: EngineSettings) -> None:
        self._batch_size = settings.batch_size

    def map(self, stage: Stage, parts: Sequence[Part], *, what: str, progress: Progress) -> Iterator[Table]:
        """See `Engine.map`."""
        worker = PartWorker(stage, self._batch_size)
        with progress(what, sum(part.rows for part in parts)) as advance:
            for part in parts:
                yield worker.table(part)
                advance(part.rows)

    def write(
        self, stage: Stage, parts: Sequence[Part], folder: Path, *, what: str, progress: Progress
    ) -> list[Written]:  # fmt: skip
        """See `Engine.write`."""
        worker = PartWorker(stage, self._batch_size, folder)
        written = []
        with progress(what, sum(part.rows for part in parts)) as advance:
            for number, part in enumerate(parts):
                written.append(worker.write(number, part))
                advance(part.rows)
        return written
