"""Hugging Face datasets on disk (``Dataset.save_to_disk``).

The columns of the native format are read back exactly; others are recognised by
name or named (`rows`).
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.io.files import temporary_folder
from ragbench.io.golden_files.common import ReadOptions, WriteOptions, golden_of, roles
from ragbench.io.golden_files.native import KEYS, OLD_KEY, item_of, old_keys, row_of
from ragbench.io.parsing import NOT_JSON

TAKES = frozenset({"split", "exclude_source", "columns"})


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read a dataset, or one split of a dataset dictionary.

    Raises:
        InputError: no readable dataset, a split it lacks, or a row that is wrong.
    """
    table = _load(path, options.split)
    rows = [(f"{path}, row {number}", dict(row)) for number, row in enumerate(table)]
    if not rows:
        raise InputError(f"{path}: the dataset has no row")
    name = options.name or path.resolve().name
    if not options.columns and {"id", "text", "evidence"} <= set(table.column_names) <= {*KEYS, OLD_KEY}:
        found = tuple(item_of(where, _native(where, row)) for where, row in rows)
        return GoldenSet(found, name, old_keys(path, ({k: v for k, v in row.items() if v} for _, row in rows)))
    role = roles(table.column_names, options.columns, str(path))
    return golden_of(rows, role, name, exclude_source=options.exclude_source)


def _load(path: Path, split: str | None) -> Any:
    import datasets

    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no dataset that can be read ({error})") from error
    if not isinstance(loaded, datasets.DatasetDict):
        if split is not None:
            raise InputError(f"{path}: the dataset has no splits; leave the split out")
        return loaded
    chosen = split or ("test" if "test" in loaded or len(loaded) > 1 else next(iter(loaded)))
    if chosen not in loaded:
        raise InputError(f"{path}: no split {chosen!r}{did_you_mean(chosen, loaded)}")
    return loaded[chosen]


def _native(where: str, row: dict[str, object]) -> dict[str, object]:
    try:
        return {**row, "metadata": json.loads(str(row["metadata"])) if row.get("metadata") else {}}
    except NOT_JSON as error:
        raise InputError(f"{where}: 'metadata' is no JSON ({error})") from error


def write(golden: GoldenSet, path: Path, options: WriteOptions) -> Ledger:
    """Write a dataset folder; metadata becomes one column of JSON. Nothing is lost.

    Raises:
        InputError: ``path`` exists and is no dataset, or a value cannot be written.
    """
    import datasets

    if path.exists() and not (path / "dataset_info.json").exists() and (path.is_file() or any(path.iterdir())):
        raise InputError(f"{path} exists and is no dataset; name a new folder")
    text = datasets.Value("string")
    place = {"document_id": text, "start": datasets.Value("int64"), "end": datasets.Value("int64")}
    keys = [key for key in KEYS if key != "history" or any(item.history for item in golden)]
    kinds: dict[str, Any] = dict.fromkeys(keys, text)
    labelled = any(e.chunk for item in golden for e in item.evidence)
    chunk = {"chunk": datasets.Value("bool")} if labelled else {}
    kinds["evidence"] = [{**place, "grade": datasets.Value("int32"), **chunk}]
    absent: dict[str, dict[str, object]] = {"masked": dict.fromkeys(place)}
    absent["evidence"] = {**absent["masked"], **dict.fromkeys(chunk, False)}
    kinds["masked"], kinds["exclude"] = [place], [text]
    if "history" in keys:
        kinds["history"] = [{"role": text, "content": text}]
    rows = [row_of(item) for item in golden]
    try:
        columns = {key: [_cell(key, row.get(key), absent.get(key)) for row in rows] for key in keys}
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: metadata that cannot be written as JSON ({error})") from error
    with temporary_folder(path) as folder:
        made = folder / "dataset"
        try:
            table = datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))
        except UnicodeEncodeError as error:
            raise InputError(f"{path}: a text holds half a surrogate pair and cannot be written ({error})") from error
        # The library's own fingerprint is drawn anew each time; the same set must give the same bytes.
        table._fingerprint = golden.fingerprint[:16]
        with quiet():
            table.save_to_disk(str(made))
        if path.exists():
            shutil.rmtree(path)
        made.replace(path)
    return Ledger()


def _cell(key: str, value: Any, absent: dict[str, object] | None) -> object:
    if key == "metadata":
        return json.dumps(value, allow_nan=False) if value else None
    if absent is not None:
        return [{**absent, **row} for row in value or []]
    return value if value is not None or key not in ("exclude", "history") else []


@contextmanager
def quiet() -> Iterator[None]:
    """Without the library's own progress bar, whatever the caller had set."""
    from datasets.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

    shown = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            enable_progress_bar()
