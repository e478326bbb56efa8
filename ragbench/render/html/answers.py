"""What one system answered to each query, and what the values of its answers rest on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.scored import ScoredRun
from ragbench.render.html.inputs import ReportData

Row = dict[str, object]
SOURCES = 20
"""Sources of an answer that the page shows."""
SHOWN = 800
"""Characters of a source."""


def answers_of(run: ScoredRun, data: ReportData) -> list[Row | None] | None:
    """A row per query: answer, sources and details; None for a system that answers nothing, or not that query.

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
    """Details by query id; none where there is no file."""
    if not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line:
            continue
        try:
            row = json.loads(line)
            found[row["query_id"]] = row["details"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}:{number}: no details of an answer ({error}); score the answers again") from error
    return found
