"""Precomputed embeddings: an array on disk, and the texts of its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Advance
from ragbench.core.errors import InputError, SettingError
from ragbench.core.fingerprint import fingerprint, text_hash
from ragbench.io.parsing import DAMAGED
from ragbench.io.tables import json_object, read_parquet
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.models.weights import file_fingerprint
from ragbench.plugins import EMBEDDERS, build

ROWS_PER_STEP = 65536


@dataclass(frozen=True)
class Npy(Embedder):
    """Look vectors up by text. A text that the files lack is an error.

    An embedder receives texts, so rows are matched by text and not by id. A chunk
    has a vector if its content (title and text, joined by a space) is exactly in
    ``texts``. Vectors of another chunking therefore cannot be used by mistake. The BEIR ``corpus.jsonl`` that the array
    was computed from is a suitable
    ``texts`` file.

    Attributes:
        path: a ``.npy`` file of numbers (n, d), as ``numpy.save`` writes it; it is
            memory-mapped, and rows are normalised as they are read.
        texts: the text of every row, in order: JSONL or Parquet with ``text`` and
            optionally ``title``; or plain text, one per line.
        ids: needed only if the rows are in another order than ``texts``: the id of
            every row, one per line or JSONL with ``id``. ``texts`` then needs ids too.
        queries: a ``.npy`` file of query vectors (m, d).
        query_texts: their texts, in the forms of ``texts``.
        query_model: spec of an embedder for queries that are not in ``queries``.
    """

    path: Path
    texts: Path
    ids: Path | None = None
    queries: Path | None = None
    query_texts: Path | None = None
    query_model: str = ""

    def __post_init__(self) -> None:
        if (self.queries is None) != (self.query_texts is None):
            raise SettingError("embedder 'npy': queries (the vectors) and query_texts (their texts) belong together")
        if self.queries is None and not self.query_model:
            raise SettingError(
                "embedder 'npy': say where query vectors come from: queries= and query_texts=, or query_model="
            )

    def fingerprint(self) -> str:
        """Fingerprint of the content of every file and of the embedder of other queries."""
        files = [self.path, self.texts, self.ids, self.queries, self.query_texts]
        for file in files:
            if file is not None and not file.is_file():
                raise InputError(f"embedder 'npy': there is no file {file}")
        contents = [None if file is None else file_fingerprint(file) for file in files]
        other = build(EMBEDDERS, self.query_model).fingerprint() if self.query_model else ""
        return fingerprint(["npy", contents, other])

    def encode(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> npt.NDArray[np.float32]:
        """Embed as float32 (n, d), unit length. A row of zeros stays zeros.

        Raises:
            InputError: a file is missing or wrong, or a text is not in it.
        """
        if kind == "passage":
            return self._passages().gather(texts, advance)
        if self.queries is None or self.query_texts is None:
            return self._other(texts, advance)
        table = _table(self.queries, self.query_texts, None, *_stamps(self.queries, self.query_texts))
        known = np.array([text_hash(text) in table.row for text in texts], dtype=bool)
        if known.all() or not self.query_model:
            return table.gather(texts, advance)
        out = np.empty((len(texts), table.vectors.shape[1]), dtype=np.float32)
        out[known] = table.gather([text for text, there in zip(texts, known, strict=True) if there], advance)
        out[~known] = self._other([text for text, there in zip(texts, known, strict=True) if not there], advance)
        return out

    def _passages(self) -> "Table":
        files = [self.path, self.texts, *([self.ids] if self.ids else [])]
        return _table(self.path, self.texts, self.ids, *_stamps(*files))

    def _other(self, texts: Sequence[str], advance: Advance | None) -> npt.NDArray[np.float32]:
        """Embed queries with ``query_model``, whose vectors must have the passages' dimension."""
        vectors: npt.NDArray[np.float32] = build(EMBEDDERS, self.query_model).encode(texts, "query", advance)
        width = self._passages().vectors.shape[1]
        if vectors.shape[1] != width:
            raise InputError(
                f"embedder 'npy': {self.path} has vectors of {width} numbers, but query_model "
                f"{self.query_model!r} gives {vectors.shape[1]}. It must be the model that made the file"
            )
        return vectors


@dataclass(frozen=True, eq=False)
class Table:
    """Vectors and the texts they belong to.

    Attributes:
        path: the array's file.
        texts: the file of the texts.
        vectors: (n, d), memory-mapped.
        row: row by hash of the text; the first one of a repeated text.
    """

    path: Path
    texts: Path
    vectors: npt.NDArray[np.floating]
    row: dict[str, int]

    def gather(self, texts: Sequence[str], advance: Advance | None) -> npt.NDArray[np.float32]:
        """The vectors of the texts, float32 (n, d), rows of unit length."""
        rows = np.array([self.row.get(text_hash(text), -1) for text in texts], dtype=np.int64)
        if (rows < 0).any():
            first = texts[int(np.flatnonzero(rows < 0)[0])]
            raise InputError(
                f"{self.texts}: {int((rows < 0).sum())} of {len(texts)} texts are not in it, so {self.path} has no "
                f"vector for them; the first begins {first[:60]!r}. Were the vectors made of the same chunks?"
            )
        out = np.empty((len(texts), self.vectors.shape[1]), dtype=np.float32)
        for start in range(0, len(rows), ROWS_PER_STEP):
            step = slice(start, start + ROWS_PER_STEP)
            values = self.vectors[rows[step]].astype(np.float64)
            if not np.isfinite(values).all():
                bad = int(rows[step][np.flatnonzero(~np.isfinite(values).all(axis=1))[0]])
                raise InputError(f"{self.path}: row {bad} has a value that is not finite")
            out[step] = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
            if advance is not None:
                advance(len(values))
        return out


def _stamps(*files: Path) -> list[tuple[int, int]]:
    """Sizes and times, so that a changed file is read again."""
    found = []
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise InputError(f"embedder 'npy': {file} cannot be read: {error.strerror}") from error
        found.append((stat.st_size, stat.st_mtime_ns))
    return found


@lru_cache(maxsize=4)
def _table(path: Path, texts: Path, ids: Path | None, *stamps: tuple[int, int]) -> Table:
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGED as error:
        raise InputError(f"{path} is not an array of numbers in NumPy's .npy format: {error}") from error
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating):
        shape = getattr(vectors, "shape", "?")
        raise InputError(
            f"{path} has shape {shape} of {getattr(vectors, 'dtype', '?')}; it must be floats (rows, width)"
        )
    rows = list(_rows(texts))
    if ids is not None:
        rows = _reordered(rows, texts, ids)
    if len(rows) != len(vectors):
        named = ids or texts
        raise InputError(
            f"{path} has {len(vectors)} rows, but {named} names {len(rows)}; they must be the same in number"
        )
    row: dict[str, int] = {}
    for at, (_, text) in enumerate(rows):
        row.setdefault(text_hash(text), at)
    return Table(path, texts, vectors, row)


def _reordered(rows: list[tuple[str, str]], texts: Path, ids: Path) -> list[tuple[str, str]]:
    by_id = {id_: (id_, text) for id_, text in rows if id_}
    wanted = [id_ or text for id_, text in _rows(ids)]
    missing = [id_ for id_ in wanted if id_ not in by_id]
    if missing:
        raise InputError(f"{ids}: {len(missing)} ids are not in {texts}; the first is {missing[0]!r}")
    return [by_id[id_] for id_ in wanted]


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """Read id ("" if there is none) and content of every row of a texts or ids file."""
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text: {error}") from error
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        if path.suffix in (".jsonl", ".ndjson"):
            yield _json_row(line, f"{path}:{number}")
        else:
            yield "", line.removesuffix("\r")


def _json_row(line: str, where: str) -> tuple[str, str]:
    found = json_object(line, where)
    id_ = found.get("id", found.get("_id", ""))
    title, text = found.get("title") or "", found.get("text")
    if text is None and id_ == "":
        raise InputError(f"{where}: neither text nor id in it; its keys are {', '.join(sorted(found)) or 'none'}")
    return str(id_), f"{title} {text}" if title else str(text or "")


def _parquet_rows(path: Path) -> Iterator[tuple[str, str]]:
    import pyarrow

    try:
        table = read_parquet(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{path} is no Parquet file: {error}") from error
    if "text" not in table.column_names:
        raise InputError(f"{path} has no column text; its columns are {', '.join(table.column_names)}")
    empty = [""] * len(table)
    columns = [table[name].to_pylist() if name in table.column_names else empty for name in ("id", "title", "text")]
    for id_, title, text in zip(*columns, strict=True):
        yield str(id_ or ""), f"{title} {text}" if title else str(text or "")
