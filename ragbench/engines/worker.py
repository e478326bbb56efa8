"""What a worker does with a part, in whatever process it runs."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import xxhash

from ragbench.core.fingerprint import fingerprint
from ragbench.engines.base import BATCH_SIZE, Part, Stage, Table, Work, Written, joined
from ragbench.io.files import replacing
from ragbench.io.tables import open_parquet

FORMAT = 1
KEY = b"ragbench_part"


@dataclass
class PartWorker:
    """Reads parts and calls a stage on them. The stage is opened for the first part that needs it.

    Attributes:
        stage: what is done.
        batch_size: the most rows that the stage gets at once; None for the default.
        folder: where parts are written; None to return them.
    """

    stage: Stage
    batch_size: int | None
    folder: Path | None = None
    _work: Work | None = field(default=None, init=False)

    def table(self, part: Part) -> Table:
        """The table of a part."""
        return self._made(part.read())

    def write(self, number: int, part: Part) -> Written:
        """Write a part, unless it is there."""
        assert self.folder is not None
        path = part_path(self.folder, number)
        given = part.read()
        key = fingerprint([FORMAT, self.stage.fingerprint(), table_hash(given)])
        rows = _rows_if_sound(path, key)
        if rows is not None:
            return Written(number, path, rows, True)
        made = self._made(given)
        _write(made, path, key)
        return Written(number, path, len(made), False)

    def _made(self, given: Table) -> Table:
        if self._work is None:
            self._work = self.stage.open()
        size = max(1, len(given)) if self.stage.whole_parts else self.batch_size or BATCH_SIZE
        return joined([self._work(given.slice(low, size)) for low in range(0, max(1, len(given)), size)])


def part_path(folder: Path, number: int) -> Path:
    """The file of a part."""
    return folder / f"part-{number:05d}.parquet"


def table_hash(table: Table) -> str:
    """A hash of the rows, columns and types of a table, however it is divided into chunks."""
    import pyarrow

    whole = table.replace_schema_metadata(None).combine_chunks()
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, whole.schema) as writer:
        writer.write_table(whole)
    return xxhash.xxh3_128_hexdigest(sink.getvalue())


def _write(table: Table, path: Path, key: str) -> None:
    import pyarrow.parquet

    mark = json.dumps({"format": FORMAT, "key": key}).encode()
    marked = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: mark})
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(
            marked, temporary, compression="zstd", write_page_checksum=True, row_group_size=max(1, len(table))
        )


def _rows_if_sound(path: Path, key: str) -> int | None:
    """The number of rows of a part that has this key and whose pages match their checksums, else None."""
    import pyarrow
    import pyarrow.parquet

    with suppress(OSError, pyarrow.ArrowException, ValueError, KeyError):
        with open_parquet(path) as file:
            mark = json.loads((file.schema_arrow.metadata or {})[KEY])
            if mark != {"format": FORMAT, "key": key}:
                return None
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            for batch in file.iter_batches(use_threads=False):
                batch.validate()
            return int(file.metadata.num_rows)
    return None
