"""The contracts: a `Stage` is what is done, a `Part` is what it is done to, and an `Engine` does it.

A stage is written once and runs anywhere:

    @dataclass(frozen=True)
    class Upper(Stage):
        column: str = "text"

        def fingerprint(self) -> str:
            return fingerprint(["upper", self.column])

        def open(self) -> Work:
            import pyarrow.compute as pc   # what is heavy is imported and loaded here, once per worker

            return lambda table: table.set_column(0, self.column, pc.utf8_upper(table[self.column]))

An engine gives each part to one worker, which reads it, calls the stage on it, and returns the table (`Engine.map`)
or writes it to a file (`Engine.write`). The process that drives the engine holds descriptions of parts only, so that
its memory does not grow with the corpus. The tables of a part are the same whichever engine runs the stage.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from ragbench.core.context import Progress

Table = Any
"""A `pyarrow.Table`."""
Work = Callable[[Table], Table]
"""What a worker does with a batch of rows."""
EngineName = Literal["local", "ray"]
BATCH_SIZE = 1024


@dataclass(frozen=True)
class EngineSettings:
    """Where a stage runs.

    Attributes:
        name: ``local`` is this process; ``ray`` is a Ray cluster.
        ray_address: HOST:PORT of a cluster. None: the one that ``RAY_ADDRESS`` names, else a session on this machine
            that ends with the engine.
        workers: how many workers there are. None: one for each processor core of the cluster, or for each share of a
            GPU if workers need one.
        gpus_per_worker: GPUs that each worker needs; a fraction shares one.
        batch_size: the most rows that a stage gets at once. None: `BATCH_SIZE`.
    """

    name: EngineName = "local"
    ray_address: str | None = None
    workers: int | None = None
    gpus_per_worker: float = 0.0
    batch_size: int | None = None


class Stage(ABC):
    """What is done to each part: a frozen dataclass of settings, which is sent to the workers.

    It has to be importable there: write it at the top of a module, not inside of a function. Large settings, such as
    the vectors of a thousand queries, are sent once to each worker.
    """

    whole_parts: ClassVar[bool] = False
    """Whether a part is one batch, such as a shard that is indexed as a whole. Otherwise a batch is ``batch_size``
    rows at most."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the settings, and of the model: with the rows of a part it decides whether a finished part
        is still right.
        """

    @abstractmethod
    def open(self) -> Work:
        """Load what the stage needs. It is called once in each worker, before its first batch.

        The result takes a `pyarrow.Table` and returns one; the number of rows may differ. Tables of a part are
        joined, so that all must have the same schema. A part without rows is given as a table without rows. Equal
        tables must give equal tables, in any worker and in any order.

        Raises:
            RagbenchError: it cannot be loaded. The engine raises the error in the process that drives it.
        """


class Part(ABC):
    """Some rows that a worker reads: a frozen dataclass that says where they are, which is sent to the worker."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many rows it counts for in the progress. They may be an estimate."""

    @abstractmethod
    def read(self) -> Table:
        """The rows, as a `pyarrow.Table` that fits into memory.

        Raises:
            InputError: they cannot be read.
        """


@dataclass(frozen=True)
class Written:
    """A part that is on disk.

    Attributes:
        number: of the part, from 0.
        path: its Parquet file.
        rows: how many rows it has.
        found: whether an earlier run had written it.
    """

    number: int
    path: Path
    rows: int
    found: bool


class Engine(Protocol):
    """Maps stages over parts."""

    @property
    def name(self) -> EngineName:
        """How the user calls it."""
        ...

    @property
    def workers(self) -> int:
        """How many parts are worked on at once."""
        ...

    def map(self, stage: Stage, parts: Sequence[Part], *, what: str, progress: Progress) -> Iterator[Table]:
        """The table of each part, in the order of the parts. The next ones are made while one is used.

        Args:
            stage: what is done.
            parts: what it is done to.
            what: the label of the progress.
            progress: counts the rows of parts.

        Raises:
            RagbenchError: a part cannot be read, the stage raised it, or a worker ended again and again.
        """
        ...

    def write(
        self, stage: Stage, parts: Sequence[Part], folder: Path, *, what: str, progress: Progress
    ) -> list[Written]:  # fmt: skip
        """Write the table of each part to ``folder/part-00000.parquet``, ``part-00001.parquet`` and so on.

        A part is written whole or not at all. One that is there already, undamaged, and made by the same stage from
        the same rows, is not made again. The files are the same bytes whichever engine writes them. On a cluster of
        several machines, all must see the folder under the same path.

        Raises:
            RagbenchError: as in `map`. Parts that were finished stay.
        """
        ...


def joined(tables: Sequence[Table]) -> Table:
    """One table of several with the same schema; the metadata of the first one stays."""
    import pyarrow

    return tables[0] if len(tables) == 1 else pyarrow.concat_tables(tables)
