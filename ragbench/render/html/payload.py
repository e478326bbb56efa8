"""The data of the page's scripts: a block of figures, and a block of texts that the first query opens."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem
from ragbench.core.scored import ScoredRun
from ragbench.io.parsing import NOT_JSON
from ragbench.render.html.block import block
from ragbench.render.html.excerpts import Excerpts, excerpts, quote
from ragbench.render.html.inputs import ReportData
from ragbench.render.html.rankings import DEPTH, Packed
from ragbench.render.html.sections import ranked
from ragbench.render.html.texts import Indexed

Row = dict[str, object]
SOURCES = 20
"""Most sources of an answer that the page shows."""
SHOWN = 800
"""Most characters of a source."""


def answers_of(run: ScoredRun, data: ReportData) -> list[Row | None] | None:
    """Return a row per query: answer, sources and details; None for a system without answers, or without this one.

    Raises:
        InputError: the file of details is broken.
    """
    if run.manifest.get("kind") != "answers":
        return None
    from ragbench.render.answers import DETAILS

    details = _details(data.folder_of(run.name).folder / DETAILS)
    said = {answer.query_id: answer for answer in data.answers[run.name]} if run.name in data.answers else {}
    rows: list[Row | None] = []
    for id_ in run.queries.ids:
        answer = said.get(id_)
        row: Row = {"details": details.get(id_, {})}
        if answer is not None:
            row |= {
                "answer": answer.answer,
                "abstained": answer.abstained,
                "failure": answer.failure,
                "cited": list(answer.cited),
                "sources": [[s.id, s.document_id, s.text[:SHOWN], len(s.text)] for s in answer.sources[:SOURCES]],
            }
        rows.append(row if answer is not None or row["details"] else None)
    return rows


def _details(path: Path) -> Mapping[str, Any]:
    """Read details by query id; none if there is no file."""
    if not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line:
            continue
        try:
            row = json.loads(line)
            found[row["query_id"]] = row["details"]
        except (*NOT_JSON, KeyError, TypeError) as error:
            raise InputError(f"{path}:{number}: no details of an answer ({error}); score the answers again") from error
    return found


SCALE = 10_000
"""Values between -3 and 3 are stored as whole ten-thousandths."""
MISSING = -32768
EVIDENCE, MASKED = 0, 1


def payload(data: ReportData, packed: Packed) -> tuple[str, str, Excerpts]:
    """Return the block of figures, the block of texts, and its excerpts."""
    texts = excerpts(packed.items, data.runs, data.texts, len(data.runs[0].queries))
    return _figures(data, packed), _texts(data, texts), texts


def _figures(data: ReportData, packed: Packed) -> str:
    queries = data.runs[0].queries
    metrics = common_metrics(data.runs)
    arrays: dict[str, npt.NDArray[np.generic]] = dict(packed.arrays)
    for place, run in enumerate(data.runs):
        for number, metric in enumerate(metrics):
            arrays[f"value:{place}:{number}"] = stored(run.scores.column(metric))
    head = {
        "arms": [run.name for run in data.runs],
        "metrics": metrics,
        "directions": [data.runs[0].scores.direction(metric) for metric in metrics],
        "metric": metrics.index(data.metric),
        "pair": _pair(data),
        "slices": list(data.settings.by),
        "depth": DEPTH,
        "ids": list(queries.ids),
        "texts": list(queries.texts),
        "types": list(queries.types),
        "meta": {name: [_cell(value) for value in column] for name, column in queries.columns.items()},
        "items": packed.items.ids,
        "group": packed.group,
        "failures": [_failures(run) for run in data.runs],
    }
    return block(head, arrays)


def _pair(data: ReportData) -> list[int]:
    """Return the places of the systems that the grid compares first: the runner-up, and the one with the best mean."""
    names = [run.name for run in data.runs]
    best, second = (*ranked(data), names[0])[:2]
    return [names.index(second), names.index(best)]


def common_metrics(runs: Sequence[ScoredRun]) -> list[str]:
    """Return the metrics that every system has, in the order of the first."""
    return [name for name in runs[0].scores.metrics if all(name in run.scores.metrics for run in runs)]


def stored(values: npt.NDArray[np.float64]) -> npt.NDArray[np.generic]:
    """Encode values as whole ten-thousandths in 16 bits if they fit, else in single precision.

    A missing value is `MISSING` or NaN.
    """
    known = values[~np.isnan(values)]
    if len(known) and np.abs(known).max() * SCALE >= -MISSING:
        return values.astype(np.float32)
    return np.where(np.isnan(values), MISSING, np.round(np.nan_to_num(values) * SCALE)).astype(np.int16)


def _cell(value: object) -> object:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _failures(run: ScoredRun) -> dict[str, str]:
    """Return the reasons by row of the query."""
    failures = run.run.failures if run.run is not None else {}
    return {str(row): failures[id_] for row, id_ in enumerate(run.queries.ids) if id_ in failures}


def _texts(data: ReportData, texts: Excerpts) -> str:
    indexed = list({id(one): one for one in data.texts.indexed.values()}.values())
    ids = data.runs[0].queries.ids
    items = data.texts.items
    evidence = [_evidence(items[id_], texts.document_ids, indexed) if id_ in items else [] for id_ in ids]
    head = {
        "titles": texts.titles,
        "documents": texts.documents,
        "starts": texts.starts,
        "lengths": texts.lengths,
        "pieces": texts.pieces,
        "evidence": evidence,
        "references": [items[id_].answer if id_ in items else None for id_ in ids],
        "answers": [answers_of(run, data) for run in data.runs],
        "document_ids": list(texts.document_ids),
    }
    return block(head, {})


def _evidence(item: GoldenItem, documents: dict[str, int], indexed: Sequence[Indexed]) -> list[list[object]]:
    """Return document, first and last character (-1 for its end), grade, kind and text of each piece of evidence."""
    found: list[list[object]] = []
    for one in item.evidence[:50]:
        row = documents.setdefault(one.document_id, len(documents))
        said = quote(one.document_id, one.start, one.end, indexed)
        found.append([row, one.start, -1 if one.end is None else one.end, one.grade, EVIDENCE, said])
    for span in item.masked[:50]:
        row = documents.setdefault(span.document_id, len(documents))
        said = quote(span.document_id, span.start, span.end, indexed)
        found.append([row, span.start, -1 if span.end is None else span.end, 0, MASKED, said])
    return found


def counts(texts: Excerpts) -> Mapping[str, int]:
    """Count the items that the page names, the texts that it has, and the shortened texts."""
    return {
        "named": len(texts.pieces),
        "texts": sum(bool(pieces) for pieces in texts.pieces),
        "shortened": texts.shortened,
    }
