"""Read the folder of ``ragbench eval --out FOLDER``: every system with its scores, queries and rankings.

``ragbench score --out FOLDER`` and ``ragbench load --out FOLDER`` write the same files without rankings and labels.

A reference names the systems: ``FOLDER`` for all of them, ``FOLDER::ARM`` for one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.core.attributes import Attributes, Value
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.runs import Run
from ragbench.core.scored import COST, MEDIAN, QueryTable, ScoredRun, known_intervals
from ragbench.core.scores import NO_SCORES, Scores
from ragbench.core.spelling import given
from ragbench.io.answer_files import ANSWERS
from ragbench.io.checksums import FILES, check_results, sound
from ragbench.io.files import make_out, replacing
from ragbench.io.parsing import DAMAGED, as_written
from ragbench.io.tables import column_values, read_parquet
from ragbench.io.trec import read_qrels, read_trec_run

RESULTS, SCORES, REPEATS, QUERIES, QRELS, LEDGER, LATENCY = (
    "results.json",
    "scores.parquet",
    "repeats.parquet",
    "queries.parquet",
    "qrels.trec",
    "ledger.jsonl",
    "latency.parquet",
)
OWN = ("query_id", "text", "type", "unit")
"""Columns of the file of queries that are not metadata; columns of metadata are called ``meta.NAME``."""
ATTRIBUTES = "attributes.parquet"
"""Attributes of the items that rankings and labels name, a column for each."""
ITEM = "item_id"
"""Column of that file with the ids of the items; columns of attributes are called ``meta.NAME``."""
KEYS = ("arm", "query_id")
"""Columns of the file of scores that are not metrics."""
NUMBERS = ("run", "judgement")
"""Columns of the file of repeats beside those of `KEYS` and the metrics: both count from 1."""
MS = "ms"
"""Column of milliseconds in the file of latencies."""
META = "meta."
ARM_AFTER = "::"
ANSWERS_KIND = "answers"
"""``kind`` in the manifest of scored answers, which have no rankings."""
LOAD_KIND = "load"
"""``kind`` in the manifest of a load test. Its systems are levels, each with its own requests, and it has no
rankings."""
WITHOUT_RANKINGS = (ANSWERS_KIND, LOAD_KIND)
Columns = dict[str, Any]
"""A float64 array or a list by column."""


def check_scores_folder(folder: Path) -> None:
    """Create a folder for scores of answers, and refuse one that holds answers or an evaluation of retrievers.

    Raises:
        SettingError: the folder holds something else.
        InputError: the folder cannot be created.
    """
    shown = given("out", str(folder))
    if (folder / ANSWERS).exists():
        raise SettingError(f"{shown}: holds the answers themselves; name another folder for their scores")
    if (folder / "runs").exists():
        raise SettingError(f"{shown}: holds an evaluation of retrievers; name another folder")
    make_out(folder)


def read_scored(reference: Path | str, *, rankings: bool = True) -> tuple[ScoredRun, ...]:
    """Read the systems of an evaluation, in its order.

    Systems that did not run are included, with ``error`` and without scores.

    Args:
        reference: ``FOLDER`` or ``FOLDER::ARM``.
        rankings: whether to read runs and judgements too.

    Raises:
        InputError: the folder has no finished evaluation, a file is missing or broken, or there is no system with that
            name.
    """
    written, _, wanted = str(reference).partition(ARM_AFTER)
    folder = Path(written)
    results = _results(folder)
    with as_written(folder, f"evaluate again with --out {folder}"):
        return _read(folder, wanted, results, rankings)


def _read(folder: Path, wanted: str, results: Mapping[str, Any], rankings: bool) -> tuple[ScoredRun, ...]:
    manifest = results["manifest"]
    arms = {arm["name"]: arm for arm in results["arms"]}
    if wanted and wanted not in arms:
        raise InputError(f"{folder}: the evaluation has no system {wanted!r}{did_you_mean(wanted, arms)}")
    queries = _queries(sound(folder, QUERIES, manifest))
    columns = (
        read_columns(sound(folder, SCORES, manifest), KEYS)
        if any(arm["status"] == "ok" for arm in arms.values())
        else {}
    )
    rankings = rankings and manifest.get("kind") not in WITHOUT_RANKINGS
    judgements = _judgements(sound(folder, QRELS, manifest), queries) if rankings else None
    entries = _entries(sound(folder, LEDGER, manifest))
    repeated = sound(folder, REPEATS, manifest)
    repeats = read_columns(repeated, (*KEYS, *NUMBERS)) if repeated.exists() else None
    sound(folder, LATENCY, manifest)
    attributes = _attributes(sound(folder, ATTRIBUTES, manifest)) if rankings else {}
    nothing = queries.select(np.zeros(0, dtype=np.int64))
    found = []
    for name, arm in arms.items():
        if wanted and name != wanted:
            continue
        if arm["status"] != "ok":
            found.append(ScoredRun(name, NO_SCORES, nothing, error=arm["error"], manifest=manifest))
            continue
        own = _sent(queries, columns, name) if manifest.get("kind") == LOAD_KIND else queries
        found.append(
            ScoredRun(
                name,
                _with_repeats(_scores(columns, name, arm, own, folder, entries), repeats, name, folder),
                own,
                _run(folder, name, manifest, own, entries) if rankings else None,
                judgements,
                _percentiles(arm, "latency_ms"),
                arm.get("cost_per_query"),
                int(arm["failed_queries"]),
                manifest=manifest,
                intervals=_intervals(arm),
                query_ms=query_ms(folder, name),
                parts_ms=_parts(arm, manifest.get("kind")),
                attributes=attributes,
            )
        )
    return tuple(found)


PARTS = {"total": "latency_ms", "ttft": "first_token_ms", "retrieval": "retrieval_ms"}
"""The keys of a system of answers or of a load test that have the percentiles of a part of the time."""


def _parts(arm: Mapping[str, Any], kind: object) -> dict[str, dict[str, float]]:
    if kind not in WITHOUT_RANKINGS:
        return {"retrieval": _percentiles(arm, "latency_ms")}
    return {part: _percentiles(arm, key) for part, key in PARTS.items()}


def _percentiles(arm: Mapping[str, Any], key: str) -> dict[str, float]:
    found = arm.get(key) or {}
    return {name: float(found[name]) for name in ("p50", "p95", "p99") if name in found}


def data_files(folder: Path) -> list[str]:
    """Names of the files beside the results that readers of an evaluation use."""
    rankings = sorted(path.relative_to(folder).as_posix() for path in folder.glob("runs/**/*.trec"))
    return [SCORES, REPEATS, QUERIES, LATENCY, ATTRIBUTES, QRELS, LEDGER, *rankings]


def check_evaluation(folder: Path) -> None:
    """Compare the results of an evaluation and all its files with their checksums.

    Raises:
        InputError: a file was altered or is gone, or the folder has no finished evaluation.
    """
    manifest = _results(folder)["manifest"]
    for name in manifest.get(FILES, {}):
        sound(folder, name, manifest)


def write_latency(by_arm: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    """Write the milliseconds of every timed query of every system; nothing if none was timed."""
    import pandas as pd

    (folder / LATENCY).unlink(missing_ok=True)
    rows = [(arm, id_, ms) for arm, times in by_arm.items() for id_, ms in times.items()]
    if rows:
        with replacing(folder / LATENCY) as temporary:
            pd.DataFrame(rows, columns=[*KEYS, MS]).to_parquet(temporary, index=False)


def query_ms(folder: Path, name: str) -> dict[str, float]:
    """Read the milliseconds by query; empty in a folder that an earlier version wrote."""
    if not (folder / LATENCY).exists():
        return {}
    columns = read_columns(folder / LATENCY, (*KEYS, MS))
    rows = zip(columns["arm"], columns["query_id"], columns[MS].tolist(), strict=True)
    return {id_: ms for arm, id_, ms in rows if arm == name}


def write_attributes(attributes: Attributes, folder: Path) -> None:
    """Write the attributes of the items; nothing if there are none. Texts that recur take little space."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / ATTRIBUTES).unlink(missing_ok=True)
    ids = sorted({id_ for values in attributes.values() for id_ in values})
    if not attributes:
        return
    columns = {META + name: pa.array([values.get(id_) for id_ in ids]) for name, values in attributes.items()}
    with replacing(folder / ATTRIBUTES) as path:
        pq.write_table(pa.table({ITEM: pa.array(ids, pa.string()), **columns}), path)


def _attributes(path: Path) -> dict[str, dict[str, Value]]:
    if not path.exists():
        return {}
    columns = read_columns(path, [ITEM])
    ids = columns.pop(ITEM)
    found: dict[str, dict[str, Value]] = {}
    for name, values in columns.items():
        plain = values.tolist() if isinstance(values, np.ndarray) else values
        known = zip(ids, plain, strict=True)
        found[name.removeprefix(META)] = {id_: value for id_, value in known if value is not None and value == value}
    return found


def write_repeats(by_arm: Mapping[str, Scores], folder: Path) -> None:
    """Write the values of every run of every system that ran several times; nothing if none did."""
    (folder / REPEATS).unlink(missing_ok=True)
    several = {arm: (scores, scores.repeats) for arm, scores in by_arm.items() if scores.repeats is not None}
    if not several:
        return
    import pandas as pd

    frames = []
    for arm, (scores, repeats) in several.items():
        for run, judged in enumerate(repeats, start=1):
            for judgement, values in enumerate(judged, start=1):
                frame = pd.DataFrame(values, columns=list(scores.metrics))
                frame.insert(0, "query_id", list(scores.query_ids))
                for column, value in (("judgement", judgement), ("run", run), ("arm", arm)):
                    frame.insert(0, column, value)
                frames.append(frame)
    with replacing(folder / REPEATS) as path:
        pd.concat(frames, ignore_index=True).to_parquet(path, index=False)


def write_queries(queries: QueryTable, path: Path) -> None:
    """Write the table of the queries atomically."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = dict(zip(OWN, (queries.ids, queries.texts, queries.types, queries.units), strict=True))
    for name, column in queries.columns.items():
        numbers = all(value is None or not isinstance(value, str) for value in column)
        columns[META + name] = column if numbers else [None if v is None else str(v) for v in column]
    with replacing(path) as temporary:
        pq.write_table(
            pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()}), temporary
        )


def _results(folder: Path) -> dict[str, Any]:
    path = folder / RESULTS
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder; name a folder that 'ragbench eval --out' wrote")
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        complete = content["manifest"]["complete"]
        # A truncated file, or one of another tool, lacks one of these keys.
        _ = [(arm["name"], arm["status"]) for arm in content["arms"]], content["ledger"]["counts"]
    except FileNotFoundError:
        inside = evaluations_in(folder)
        raise InputError(
            f"{folder}: is no evaluation, but contains some; name one of them: {', '.join(map(str, inside))}"
            if inside
            else f"{folder}: is no evaluation; name a folder that 'ragbench eval --out' wrote"
        ) from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); name a folder that 'ragbench eval --out' wrote"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: is no result of 'ragbench eval'; evaluate again with --out {folder}") from error
    if not complete:
        raise InputError(f"{folder}: the evaluation was interrupted; run it again, what is stored is not repeated")
    check_results(content, path)
    return content


LISTED = 5
"""Evaluations that a message lists."""


def evaluations_in(folder: Path) -> list[Path]:
    """List the first evaluations that are one or two levels below a folder, by name."""
    found = (path.parent for pattern in ("*", "*/*") for path in folder.glob(f"{pattern}/{RESULTS}"))
    return sorted(found)[:LISTED]


def read_columns(path: Path, needs: Sequence[str] = ()) -> Columns:
    """Read a Parquet file of an evaluation: float64 arrays, in which missing values are NaN, and lists of the rest.

    The import of pandas takes longer than everything else that a gate does, so this does without.

    Raises:
        InputError: the file is missing or broken, or lacks a column of ``needs``.
    """
    try:
        table = read_parquet(path)
        columns = {name: column_values(table[name]) for name in table.column_names}
    except DAMAGED as error:
        why = str(error) if path.exists() else "no such file"
        raise InputError(f"{path}: cannot be read ({why}); evaluate again with --out {path.parent}") from error
    missing = [name for name in needs if name not in columns]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]!r}; evaluate again with --out {path.parent}")
    return columns


def _intervals(arm: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    nothing = (None, None)
    median = arm.get("latency_ms_intervals", {}).get(MEDIAN) or nothing
    return known_intervals({MEDIAN: median, COST: arm.get("cost_per_query_interval") or nothing})


def _queries(path: Path) -> QueryTable:
    found = read_columns(path, OWN)
    columns = {}
    for name, values in found.items():
        if name.startswith(META):
            plain = values.tolist() if isinstance(values, np.ndarray) else values
            columns[name.removeprefix(META)] = [None if value != value else value for value in plain]
    ids, texts, types, units = (found[name] for name in OWN)
    return QueryTable(ids, texts, types, units, columns)


def _sent(queries: QueryTable, columns: Columns, name: str) -> QueryTable:
    """Select the requests of one level of a load test."""
    ids = {id_ for id_, arm in zip(columns["query_id"], columns["arm"], strict=True) if arm == name}
    return queries.select(np.array([row for row, id_ in enumerate(queries.ids) if id_ in ids], dtype=np.int64))


def _scores(
    columns: Columns, name: str, arm: Mapping[str, Any], queries: QueryTable, folder: Path, entries: list[LedgerEntry]
) -> Scores:
    rows = _rows(columns, name)
    if [columns["query_id"][row] for row in rows.tolist()] != list(queries.ids):
        raise InputError(
            f"{folder / SCORES}: its queries are not those of {QUERIES}; evaluate again with --out {folder}"
        )
    metrics = tuple(arm["metrics"])
    missing = [metric for metric in metrics if metric not in columns]
    if missing:
        raise InputError(f"{folder / SCORES}: has no column {missing[0]!r}; evaluate again with --out {folder}")
    values = _table(columns, rows, metrics)
    of_scores = tuple(e for e in entries if e.code == "no-relevant" or e.stage == "score")
    return Scores(
        queries.ids,
        metrics,
        values,
        Ledger(of_scores),
        arm.get("directions", {}),
        arm.get("averages", {}),
        cuts=arm.get("cuts", {}),
    )


def _rows(columns: Columns, name: str) -> npt.NDArray[np.int64]:
    """The rows of one system."""
    return np.flatnonzero([arm == name for arm in columns["arm"]])


def _table(columns: Columns, rows: npt.NDArray[np.int64], metrics: Sequence[str]) -> npt.NDArray[np.float64]:
    """(rows, metrics) values."""
    out = np.empty((len(rows), len(metrics)))
    for at, metric in enumerate(metrics):
        out[:, at] = np.asarray(columns[metric], dtype=np.float64)[rows]
    return out


def _with_repeats(scores: Scores, columns: Columns | None, name: str, folder: Path) -> Scores:
    """Add the values of each run, if the system ran several times."""
    rows = np.zeros(0, dtype=np.int64) if columns is None else _rows(columns, name)
    if columns is None or not len(rows):
        return scores
    runs, judged = (max(columns[number][row] for row in rows.tolist()) for number in NUMBERS)
    ids = list(scores.query_ids)
    whole = [columns["query_id"][row] for row in rows.tolist()] == ids * (runs * judged) and set(
        scores.metrics
    ) <= columns.keys()
    if not whole:
        raise InputError(
            f"{folder / REPEATS}: its runs of {name} are not those of {SCORES}; evaluate again with --out {folder}"
        )
    values = _table(columns, rows, scores.metrics)
    return replace(scores, repeats=values.reshape(runs, judged, len(ids), len(scores.metrics)))


def _judgements(path: Path, queries: QueryTable) -> Judgements:
    from urllib.parse import unquote

    read = read_qrels(path).to_dict()
    labels = {unquote(id_): {unquote(item): label for item, label in row.items()} for id_, row in read.items()}
    return Judgements.from_dict({id_: labels.get(id_, {}) for id_ in queries.ids})


def _run(folder: Path, name: str, manifest: Mapping[str, Any], queries: QueryTable, entries: list[LedgerEntry]) -> Run:
    path = sound(folder, f"runs/{manifest['runs'][name]}.trec", manifest)
    start = f"{name}: "
    failures = {
        entry.item.removeprefix(start): entry.reason
        for entry in entries
        if entry.code == "query-failed" and entry.item.startswith(start)
    }
    run = read_trec_run(path, unit=manifest["judgements"]["unit"], unescape=True).select(queries.ids)
    return Run(run.query_ids, run.offsets, run.items, run.scores, run.item_ids, run.unit, failures, run.repeated)


def _entries(path: Path) -> list[LedgerEntry]:
    try:
        return [LedgerEntry(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except DAMAGED as error:
        raise InputError(f"{path}: cannot be read ({error}); evaluate again with --out {path.parent}") from error
