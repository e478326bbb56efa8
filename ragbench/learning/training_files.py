"""Files of training data: JSON Lines, Parquet, or a Hugging Face dataset on disk, with a manifest and a card.

The columns follow the conventions of sentence-transformers: ``anchor``, ``positive``, ``negative``; for pairs, a
column ``label``. ``manifest.json`` is removed first and written last, so a folder without one is not complete.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ragbench.core.fingerprint import fingerprint
from ragbench.io.files import replacing, temporary_folder, write_json, write_json_lines, write_text
from ragbench.learning.negatives import ORIGINS
from ragbench.learning.training_data import SPLITS, TrainingData

Format = Literal["jsonl", "parquet", "hf"]
MANIFEST, CARD, DROPPED, SOURCES = "manifest.json", "README.md", "dropped.jsonl", "sources.parquet"
DICTIONARY = "dataset_dict.json"
FORMAT_VERSION = 1
BATCH = 20_000
"""Rows that are held as texts at a time."""


def write_training_data(data: TrainingData, folder: Path, format: Format) -> None:
    """Write the rows of each split, where they come from, what was dropped, a card and a manifest.

    Args:
        data: the rows.
        folder: exists already. What an earlier export left there is removed.
        format: how the rows are written.
    """
    _clear(folder)
    if format == "hf":
        _write_dataset(data, folder)
    else:
        for split in SPLITS:
            if len(data.rows(split)):
                write = _write_lines if format == "jsonl" else _write_parquet
                write(data, split, folder / f"{split}.{format}")
    _write_sources(data, folder / SOURCES)
    write_json_lines(folder / DROPPED, data.ledger.rows())
    write_text(folder / CARD, card(data, format))
    write_json(folder / MANIFEST, manifest(data, format))


def _clear(folder: Path) -> None:
    rows = [f"{split}.{end}" for split in SPLITS for end in ("jsonl", "parquet")]
    for name in (MANIFEST, CARD, DROPPED, SOURCES, DICTIONARY, *rows):
        (folder / name).unlink(missing_ok=True)
    for split in SPLITS:
        if (folder / split / "dataset_info.json").is_file():
            shutil.rmtree(folder / split)


def _chunk_columns(data: TrainingData, rows: Any) -> list[Any]:
    """The rows of the chunks of each text column behind the query."""
    return [data.positive[rows], *data.negative[rows].T]


def _write_lines(data: TrainingData, split: str, path: Path) -> None:
    """Write JSON Lines. The text of a query or chunk is converted once."""
    known: dict[int, str] = {}
    texts = data.chunks.contents

    def chunk(row: int) -> str:
        found = known.get(row)
        if found is None:
            found = known[row] = json.dumps(texts[row], ensure_ascii=False)
        return found

    queries = [json.dumps(text, ensure_ascii=False) for text in data.queries]
    heads = [json.dumps(name) for name in data.columns]
    rows = data.rows(split)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n", errors="replace") as file:
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            columns = [[queries[at] for at in data.query[some].tolist()]]
            columns += [[chunk(at) for at in column.tolist()] for column in _chunk_columns(data, some)]
            if data.label is not None:
                columns.append([json.dumps(value) for value in data.label[some].tolist()])
            for values in zip(*columns, strict=True):
                cells = ", ".join(f"{head}: {value}" for head, value in zip(heads, values, strict=True))
                file.write("{" + cells + "}\n")


def _tables(data: TrainingData, split: str) -> Iterator[Any]:
    """Arrow tables of the rows of a split, of at most `BATCH` rows each."""
    import pyarrow as pa

    texts, queries = pa.array(data.chunks.contents, pa.string()), pa.array(data.queries, pa.string())
    rows = data.rows(split)
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        columns = [queries.take(pa.array(data.query[some]))]
        columns += [texts.take(pa.array(column)) for column in _chunk_columns(data, some)]
        if data.label is not None:
            columns.append(pa.array(data.label[some], pa.float64()))
        yield pa.table(dict(zip(data.columns, columns, strict=True)))


def _write_parquet(data: TrainingData, split: str, path: Path) -> None:
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        writer = None
        for table in _tables(data, split):
            writer = writer or pq.ParquetWriter(temporary, table.schema, compression="zstd")
            writer.write_table(table)
        assert writer is not None
        writer.close()


def _write_dataset(data: TrainingData, folder: Path) -> None:
    import pyarrow as pa

    import datasets
    from ragbench.io.golden_files.hf import quiet

    splits = {}
    for split in SPLITS:
        if len(data.rows(split)):
            splits[split] = datasets.Dataset(pa.concat_tables(_tables(data, split)))
            # The library draws its own fingerprint anew each time; the same rows must give the same bytes.
            splits[split]._fingerprint = fingerprint([split, _rows_fingerprint(data)])[:16]
    with temporary_folder(folder / "dataset") as made, quiet():
        datasets.DatasetDict(splits).save_to_disk(str(made / "dataset"))
        for path in sorted((made / "dataset").iterdir()):
            path.replace(folder / path.name)


def _write_sources(data: TrainingData, path: Path) -> None:
    """Write the ids behind each row: query, positive, negatives with their origin and rank, and the split."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = pa.array(data.chunks.ids, pa.string())
    origins = pa.array([*ORIGINS, "positive"], pa.string())

    def text(values: Any, of: Any) -> Any:
        return of.take(pa.array(values))

    columns = {
        "query_id": text(data.query, pa.array(data.query_ids, pa.string())), "positive": text(data.positive, ids),
    }  # fmt: skip
    if data.label is not None:
        columns = {"query_id": columns["query_id"], "chunk": columns["positive"]}
    ends = [""] if data.origin.shape[1] == 1 else [f"_{at}" for at in range(1, data.origin.shape[1] + 1)]
    for at, end in enumerate(ends):
        if data.negative.shape[1]:
            columns[f"negative{end}"] = text(data.negative[:, at], ids)
        columns[f"origin{end}"] = text(data.origin[:, at].astype(np.int64) % len(origins), origins)
        columns[f"rank{end}"] = pa.array(data.rank[:, at], pa.int32())
    columns["split"] = text(data.validation.astype(np.int64), pa.array(SPLITS, pa.string()))
    with replacing(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")


def _rows_fingerprint(data: TrainingData) -> str:
    numbers = (data.query, data.positive, data.negative, data.validation)
    more = [] if data.label is None else [data.label.tobytes().hex()]
    return fingerprint([data.chunks.fingerprint, list(data.query_ids), [one.tobytes().hex() for one in numbers], more])


def manifest(data: TrainingData, format: str) -> dict[str, Any]:
    """What was exported, from which inputs and settings, and what the leakage guard found."""
    return {
        "format": f"ragbench-{data.kind}",
        "format_version": FORMAT_VERSION,
        "ragbench": version("ragbench"),
        "files": format,
        **summary(data),
    }


def summary(data: TrainingData) -> dict[str, Any]:
    """The part of the manifest that does not depend on the files."""
    return {
        "columns": list(data.columns),
        "rows": {split: len(data.rows(split)) for split in SPLITS},
        "queries": {split: len(np.unique(data.query[data.rows(split)])) for split in SPLITS},
        "fingerprint": _rows_fingerprint(data),
        **data.about,
        "protection": protection(data),
        "dropped": data.ledger.counts(),
    }


def protection(data: TrainingData) -> dict[str, Any]:
    """What was protected, and what was dropped for it; ``sets`` is empty if nothing was."""
    guarded = data.guarded
    kinds = Counter(leak.kind for leak in guarded.leaks.values())
    return {
        "sets": [
            {"name": name, "fingerprint": golden.fingerprint, "queries": len(golden),
             "of_another_corpus": name in guarded.other_corpus}
            for name, golden in guarded.sets.items()
        ],
        "queries_dropped": dict(sorted(kinds.items())),
        "chunks_dropped": int(guarded.chunks.sum()),
        "chunks_with_evidence": int(guarded.evidence.sum()),
    }  # fmt: skip


def card(data: TrainingData, format: str) -> str:
    """The card of the dataset, from which the Hugging Face Hub and ``load_dataset`` read where the splits are."""
    splits = [split for split in SPLITS if len(data.rows(split))]
    lines = ["---"]
    if format != "hf":
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {split}.{format}"]
    counts = ", ".join(f"{len(data.rows(split)):,} rows for {split}" for split in splits)
    held = protection(data)
    sets = [f"`{json.dumps(one['name'])[1:-1]}` ({one['queries']:,} queries)" for one in held["sets"]]
    guard = (
        f"No query, near-duplicate or paraphrase of these golden sets is in the data: {', '.join(sets)}. The guard "
        f"dropped {sum(held['queries_dropped'].values()):,} queries and {held['chunks_dropped']:,} chunks."
        if sets
        else "No golden set was protected (`--protect none`). A model that is trained on this data may know the "
        "answers of any test set."
    )
    lines += [
        "tags:", "- sentence-transformers", "- ragbench", "---", "", f"# Training data: {data.kind}", "",
        f"{counts}. Columns: {', '.join(f'`{name}`' for name in data.columns)}.", "", "## Leakage", "", guard, "",
        f"`{MANIFEST}` has the inputs and settings, `{SOURCES}` the ids behind each row, and `{DROPPED}` what was "
        "dropped.", "",
    ]  # fmt: skip
    return "\n".join(lines)
