"""Decisions of annotators on queries, in the table that ``ragbench golden review import`` reads."""

import csv
import io
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem
from ragbench.core.scored import QueryTable
from ragbench.core.scores import headline
from ragbench.golden.annotators.labels import LABELS, changed_labels, read_labels, write_labels
from ragbench.golden.annotators.sheet import COLUMNS, FILLED, evidence_text, read_decisions
from ragbench.io.encoding import read_text
from ragbench.io.files import replacing
from ragbench.io.scored_runs import read_scored
from ragbench.io.spreadsheet import original, sheet_bytes
from ragbench.view.library import Library
from ragbench.view.ranked import places, query_view, unit_of
from ragbench.view.requests import Decided
from ragbench.view.runs import FoundRun, naming

NAME = "review.csv"
MARKED = "marked"
Row = dict[str, str]


class Reviews:
    """The queries of an evaluation, and the decisions on them.

    Where the golden set is at hand the table lies beside it, as ``NAME.review.csv``, so that all evaluations on
    the set share it; else in the folder of the evaluation, as ``review.csv``.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        # A decision is read, changed and written back as one step.
        self._lock = threading.Lock()
        self._kept: dict[bool, tuple[tuple[str, int], Any]] = {}

    def file(self, run: FoundRun) -> Path:
        """Return the file of the decisions on its queries."""
        known = self._library.golden_of(run)
        if known is None:
            return run.folder / NAME
        path = known[0].resolve()
        return path.with_name((path.name if path.is_dir() else path.stem) + f".{NAME}")

    def queries(self, run: FoundRun) -> dict[str, Any]:
        """Return all queries with the values of each system, and the decisions, as JSON values.

        Raises:
            InputError: the evaluation or the table of decisions is broken.
        """
        scored = self._scored(run)
        with naming([run]):
            shown = _shown_queries(scored)
        return {**shown, "decisions": self.decisions(run), "file": str(self.file(run))}

    def decisions(self, run: FoundRun) -> dict[str, Row]:
        """Return the rows of the table by query id.

        Raises:
            InputError: it cannot be read.
        """
        rows = read_rows(self.file(run))
        return {id_: _filled_cells(row) for id_, row in rows.items()}

    def query(self, run: FoundRun, id_: str) -> dict[str, Any]:
        """Return the basis of a decision on a query, as JSON values (`ragbench.view.ranked`).

        Raises:
            InputError: the evaluation or the table of decisions is broken, or there is no such query.
        """
        scored = self._scored(run, rankings=True)
        if id_ not in scored[0].queries.ids:
            raise InputError(f"{run.name} has no query {id_!r}")
        labels = read_labels(read_rows(self.file(run)).get(id_, {}).get(LABELS, ""))
        with naming([run]):
            return query_view(id_, scored, self._library.texts_of(run), run.key, labels)

    def decide(self, run: FoundRun, decided: Decided) -> Row | None:
        """Write a decision; the table is complete at every moment.

        Returns:
            The row as it stands in the table now; None where there is none any more.

        Raises:
            InputError: the query is none of the evaluation's, or the table would not be one that can be imported.
        """
        path = self.file(run)
        with self._lock:
            items = self._items(run)
            if decided.id not in items:
                raise InputError(f"{run.name} has no query {decided.id!r}")
            # A table from elsewhere may lack what we show, and the import holds what is shown against the set.
            rows = {
                id_: {**self._shown(run, items[id_]), **row} if "query" not in row and id_ in items else row
                for id_, row in read_rows(path).items()
            }
            before = rows.pop(decided.id, None) if not decided.decision else rows.get(decided.id)
            if decided.decision:
                shown = before or self._shown(run, items[decided.id])
                rows[decided.id] = {**shown, **_filled(decided), **self._labels(run, shown, decided)}
            if rows:
                _write(path, rows, items)
            else:
                path.unlink(missing_ok=True)
        row = rows.get(decided.id)
        return None if row is None else _filled_cells(row)

    def _scored(self, run: FoundRun, *, rankings: bool = False) -> Any:
        key = (run.key, run.stamp)
        kept = self._kept.get(rankings)
        if kept is None or kept[0] != key:
            with naming([run]):
                kept = self._kept[rankings] = (key, read_scored(run.folder, rankings=rankings))
        return kept[1]

    def _items(self, run: FoundRun) -> Mapping[str, GoldenItem]:
        """Return the queries, with their evidence if the golden set is available."""
        known = self._library.golden_of(run)
        if known is not None:
            return {item.id: item for item in known[1]}
        scored = self._scored(run)
        with naming([run]):
            table: QueryTable = scored[0].queries
            return {
                id_: GoldenItem(id_, text, type_)
                for id_, text, type_ in zip(table.ids, table.texts, table.types, strict=True)
            }

    def _labels(self, run: FoundRun, row: Row, decided: Decided) -> Row:
        """Return the cell of the labels of items, with the changes of a decision."""
        if not decided.labels:
            return {}
        place = places(
            (one.item for one in decided.labels),
            unit_of(self._scored(run, rankings=True)),
            self._library.texts_of(run).indexed.get(run.key),
        )
        changes = {place[one.item]: one.grade for one in decided.labels}
        return {LABELS: write_labels(changed_labels(read_labels(row.get(LABELS, "")), changes))}

    def _shown(self, run: FoundRun, item: GoldenItem) -> Row:
        corpus = self._library.corpus_of(run)
        evidence = evidence_text(item, corpus) if corpus is not None else ""
        shown = (item.id, item.type, item.text, item.answer or "", evidence, "")
        return dict(zip(COLUMNS, (*shown, *("" for _ in FILLED)), strict=True))


def _shown_queries(scored: Any) -> dict[str, Any]:
    table: QueryTable = scored[0].queries
    ran = [one for one in scored if one.error is None]
    metric = headline(ran[0].scores.metrics) if ran else ""
    columns = [one.scores.column(metric) if metric in one.scores.metrics else None for one in ran]
    return {
        "metric": metric,
        "systems": [one.name for one in ran],
        "queries": [
            {"id": id_, "text": text, "type": type_, "values": [_value(column, at) for column in columns]}
            for at, (id_, text, type_) in enumerate(zip(table.ids, table.texts, table.types, strict=True))
        ],
    }


def _filled(decided: Decided) -> Row:
    word = "" if decided.decision == MARKED else decided.decision
    text = decided.edited_text if word == "edit" else ""
    grade = decided.grade if word else ""
    return {"decision": word, "edited_text": " ".join(text.split()), "grade": grade, "comment": decided.comment.strip()}


def _filled_cells(row: Mapping[str, str]) -> Row:
    """Return what annotators filled in; the labels only if there are any."""
    labels = {LABELS: row[LABELS]} if row.get(LABELS) else {}
    return {**{name: row.get(name, "") for name in FILLED}, **labels}


def _value(column: Any, at: int) -> float | None:
    if column is None or column[at] != column[at]:
        return None
    return round(float(column[at]), 4)


def read_rows(path: Path) -> dict[str, Row]:
    """Read the rows of a table of decisions by query id; none if there is no file.

    Raises:
        InputError: it is none.
    """
    if not path.is_file():
        return {}
    text = read_text(path)[0]
    header = text.split("\n", 1)[0]
    # As a spreadsheet may have written it back.
    separator = max(("\t", ";", ","), key=header.count)
    try:
        read = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: no CSV ({error})") from error
    names = [name.strip().lower() for name in read[0]] if read else []
    if not {"id", *FILLED} <= set(names):
        raise InputError(f"{path}: is no table of decisions; take it away, or give it back its columns")
    cells = (dict(zip(names, map(original, row), strict=False)) for row in read[1:] if any(map(str.strip, row)))
    return {row["id"].strip(): {**dict.fromkeys(names, ""), **row} for row in cells}


def _write(path: Path, rows: Mapping[str, Row], items: Mapping[str, GoldenItem]) -> None:
    names = list(dict.fromkeys([*COLUMNS, *(name for row in rows.values() for name in row)]))
    written = sheet_bytes(names, ([row.get(name, "") for name in names] for row in rows.values()))
    with replacing(path) as temporary:
        temporary.write_bytes(written)
        if any(row["decision"].strip() or row.get(LABELS, "").strip() for row in rows.values()):
            # Held to the rules of the import before it takes the place of what was there.
            try:
                read_decisions(temporary, items)
            except InputError as error:
                raise InputError(str(error).replace(str(temporary), path.name)) from error
