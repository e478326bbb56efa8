"""Read run files: TREC, JSON ``{query id: {item id: score}}``, and Parquet.

Parquet columns have the names of this package (query_id, item_id, score), of ranx (q_id, doc_id, score) or of PyTerrier
(qid, docno, score).
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.runs import Precision, Run, Unit
from ragbench.io.encoding import decode
from ragbench.io.parsing import parse_json
from ragbench.io.tables import open_parquet
from ragbench.io.trec import STANDARD_INPUT, TaggedRun, read_content, read_tagged_run

SUFFIXES = {
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".trec": "trec",
    ".run": "trec",
    ".txt": "trec",
    ".tsv": "trec",
    ".gz": "trec",
    ".res": "trec",
}
COLUMNS = (("query_id", "q_id", "qid"), ("item_id", "doc_id", "docno"), ("score",))
MOST_BITS = 1000
"""Whole numbers of more bits are no scores: a float does not hold them."""
Triples = tuple[list[str], npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float64], list[str]]


def read_run(
    path: Path | str, format: str | None = None, *, unit: Unit = "document", precision: Precision = "double"
) -> Run:
    """Read a run that another tool computed.

    Args:
        path: the run file; ``-`` is standard input.
        format: ``trec``, ``json`` or ``parquet``. None chooses by the ending of the file's name, and TREC if the ending
            is unknown.
        unit: whether its ids are of chunks or of documents.
        precision: how scores compare: ``double`` as in trec_eval 10, ``single`` as in trec_eval 9.

    Raises:
        InputError: the file does not exist or is not a run; the message names the line or key.
        SettingError: an unknown format.

    Examples:
        >>> run = rb.read_run("reports/example/runs/bm25.trec")
        >>> len(run), run.unit
        (198, 'document')
    """
    return read_tagged(path, format, unit=unit, precision=precision).run


def read_tagged(
    path: Path | str, format: str | None = None, *, unit: Unit = "document", precision: Precision = "double"
) -> TaggedRun:
    """Read a run with the name of its system, which is that of the file unless the format is TREC; see `read_run`."""
    path = Path(path)
    if path != STANDARD_INPUT and not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the run file in it")
    chosen = format_of(path, format)
    if chosen == "trec":
        return read_tagged_run(path, unit=unit, precision=precision)
    run = _read_json(path, unit) if chosen == "json" else _read_parquet(path, unit)
    return TaggedRun(run.at_precision(precision), path.stem)


def format_of(path: Path, given: str | None) -> str:
    """Return the format of a file, by its ending if none is given.

    Raises:
        SettingError: an unknown format.
    """
    if given is None:
        return "json" if path.name.endswith(".json.gz") else SUFFIXES.get(path.suffix.lower(), "trec")
    known = set(SUFFIXES.values())
    if given not in known:
        raise SettingError(f"no run file format {given!r}{did_you_mean(given, known)}")
    return given


def _read_json(path: Path, unit: Unit) -> Run:
    try:
        return Run.from_dict(read_nested(path, "score"), unit=unit)
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def read_nested(path: Path, what: str) -> dict[str, dict[str, float]]:
    """Read a JSON object ``{query id: {item id: number}}``.

    Args:
        path: the file, plain or gzipped.
        what: what the numbers are, for messages.

    Raises:
        InputError: it is no such object; the message names the line or key.
    """

    def unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise InputError(f"{path}: the key {twice!r} stands twice in one object")
        return found

    rankings = parse_json(str(path), decode(read_content(path), str(path))[0], pairs=unrepeated)
    if not isinstance(rankings, dict) or not rankings:
        kind = "run" if what == "score" else "file of labels"
        raise InputError(f"{path}: a JSON {kind} is an object {{query id: {{item id: {what}}}}} with one query or more")
    for query, ranking in rankings.items():
        if not isinstance(ranking, dict):
            raise InputError(f"{path}: query {query!r} holds no object {{item id: {what}}}, but {ranking!r:.60}")
        for item, number in ranking.items():
            huge = isinstance(number, int) and number.bit_length() > MOST_BITS
            if huge or isinstance(number, bool) or not isinstance(number, int | float):
                raise InputError(f"{path}: query {query!r}, item {item!r}: the {what} {number!r:.60} is no number")
    return rankings


def _read_parquet(path: Path, unit: Unit) -> Run:
    query_ids, queries, items, scores, item_ids = read_triples(path, COLUMNS)
    try:
        return Run.of(query_ids, queries, items, scores, item_ids, unit=unit)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_triples(path: Path, columns: Sequence[Sequence[str]]) -> Triples:
    """Read the columns of query, item and number of a Parquet file.

    Args:
        path: the file.
        columns: for each of the three, the names that it may have.

    Returns:
        Query ids, and for each row the query, the item and the number, and item ids.

    Raises:
        InputError: the file cannot be read, lacks a column, is empty or has an empty cell.
    """
    import pyarrow as pa

    try:
        with open_parquet(path) as file:
            names = file.schema_arrow.names
            chosen = [next((name for name in known if name in names), "") for known in columns]
            missing = [known[0] for known, name in zip(columns, chosen, strict=True) if not name]
            if missing:
                raise InputError(f"{path}: no column {', '.join(missing)}; it has {', '.join(names)}")
            table = file.read(columns=chosen, use_threads=False)
            table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: no readable Parquet file ({error})") from error
    for name in chosen:
        empty = table[name].null_count
        if empty:
            raise InputError(f"{path}: {empty} rows have no {name}")
    kind = table[chosen[2]].type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise InputError(f"{path}: the column {chosen[2]} holds {kind}, no numbers")
    if len(table) == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        query, item = (table[name].cast(pa.string()).dictionary_encode() for name in chosen[:2])
    except pa.ArrowException as error:
        raise InputError(f"{path}: the columns {' and '.join(chosen[:2])} hold no ids ({error})") from error
    return (
        query.chunk(0).dictionary.to_pylist(),
        np.concatenate([chunk.indices.to_numpy() for chunk in query.chunks]),
        np.concatenate([chunk.indices.to_numpy() for chunk in item.chunks]),
        table[chosen[2]].cast(pa.float64(), safe=False).to_numpy(),
        item.chunk(0).dictionary.to_pylist(),
    )
