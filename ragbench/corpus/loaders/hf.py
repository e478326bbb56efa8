"""Hugging Face data sets on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ragbench.core.document import Document
from ragbench.core.errors import InputError
from ragbench.core.ledger import LedgerEntry
from ragbench.corpus.loaders._rows import RowLoader
from ragbench.io.encoding import read_text
from ragbench.io.parsing import parse_json
from ragbench.io.tables import batch_rows


@dataclass(frozen=True)
class HfLoader(RowLoader):
    """A folder that ``datasets`` wrote with ``save_to_disk``; each row is a document.

    Attributes:
        split: which split of a ``DatasetDict``; by default ``corpus``, or the only one.
    """

    folders: ClassVar[bool] = True

    split: str | None = None

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """A folder with the state file of a ``Dataset``, or the split list of a ``DatasetDict``."""
        return path.is_dir() and ((path / "state.json").is_file() or (path / "dataset_dict.json").is_file())

    def load(self, path: Path, name: str) -> Iterator[Document | LedgerEntry]:
        """Yield a document for each row with a text, and an issue for each row without one."""
        where = name or path.name
        folder = self._folder(path, where)
        _check_files(folder, path, where)
        import datasets

        try:
            table: Any = datasets.load_from_disk(str(folder))
        # A damaged data set surfaces as whatever error the library happens to meet.
        except Exception as error:
            raise InputError(f"{where}: not a readable data set ({type(error).__name__}: {error})") from error
        size = table.data.nbytes
        if size > self.max_bytes:
            raise InputError(f"{where}: {size:,} bytes, above max_bytes={self.max_bytes:,}")
        self.columns(table.column_names, where)
        yield from self.documents(batch_rows(table.data.to_batches(), where))

    def _folder(self, path: Path, where: str) -> Path:
        listing = path / "dataset_dict.json"
        if not listing.is_file():
            if self.split is not None:
                raise InputError(f"{where}: one data set without splits; leave out split={self.split}")
            return path
        splits = _json(listing, where).get("splits")
        if not isinstance(splits, list) or not all(isinstance(s, str) and s == Path(s).name for s in splits):
            raise InputError(f"{where}/dataset_dict.json: 'splits' must be a list of names")
        wanted = self.split or ("corpus" if "corpus" in splits else splits[0] if len(splits) == 1 else None)
        if wanted not in splits:
            asked = f"no split {wanted!r}" if wanted else "several splits"
            raise InputError(f"{where}: {asked}; choose one with split=..., it has {', '.join(sorted(splits))}")
        return path / str(wanted)


def _check_files(folder: Path, root: Path, where: str) -> None:
    """Refuse a data set whose state file or links lead out of its folder."""
    files = _json(folder / "state.json", where).get("_data_files")
    if not isinstance(files, list):
        raise InputError(f"{where}: not a data set written by save_to_disk, state.json lists no data files")
    for entry in files:
        file = entry.get("filename") if isinstance(entry, dict) else None
        if not isinstance(file, str) or not (folder / file).resolve().is_relative_to(root.resolve()):
            raise InputError(f"{where}: its state.json names a file outside of the folder: {file!r}")
        if not (folder / file).is_file():
            raise InputError(f"{where}: its data file {file!r} is missing")


def _json(path: Path, where: str) -> dict[str, Any]:
    name = f"{where}/{path.name}"
    value = parse_json(name, read_text(path, name=name)[0])
    if not isinstance(value, dict):
        raise InputError(f"{name}: not a JSON object")
    return value
