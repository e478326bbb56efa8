"""The files of a load, under one folder: those that ``ragbench gate`` and ``baseline`` read, and every request.

results.json      the JSON object, an arm for each level
summary.md        the tables, for a pull request
requests.parquet  one row per request: when it was due and sent, its times, how it failed
queries.parquet   one row per request: its id and question
scores.parquet    which requests belong to which level
ledger.jsonl      every request that failed, with its reason
"""

import json
from pathlib import Path

from ragbench.core.errors import SettingError
from ragbench.core.scored import QueryTable
from ragbench.harness.load.result import LoadResult
from ragbench.io.answer_files import ANSWERS
from ragbench.io.atomic import replacing, write_text
from ragbench.io.out_folder import make_out
from ragbench.io.scored_runs import LEDGER, LOAD_KIND, QUERIES, RESULTS, SCORES, write_queries
from ragbench.report.load import load_markdown
from ragbench.report.load_json import load_json

REQUESTS, SUMMARY = "requests.parquet", "summary.md"


def check_load_folder(folder: Path) -> None:
    """Make the folder, and refuse one that holds something else; an earlier load gives way.

    Raises:
        SettingError: it holds answers or an evaluation.
        InputError: it cannot be made.
    """
    try:
        kind = json.loads((folder / RESULTS).read_text(encoding="utf-8"))["manifest"].get("kind")
    except FileNotFoundError:
        kind = LOAD_KIND
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        kind = None
    if kind != LOAD_KIND or (folder / ANSWERS).exists():
        raise SettingError(f"--out {folder}: holds something else; name another folder for the load")
    make_out(folder)


def write_load(result: LoadResult, folder: Path) -> None:
    """Write all files."""
    import pandas as pd

    (folder / RESULTS).unlink(missing_ok=True)
    rows = [(level, id_, e) for level in result.levels for id_, e in zip(level.ids, level.exchanges, strict=True)]
    requests = pd.DataFrame(
        {
            "arm": [level.name for level, _, _ in rows],
            "query_id": [id_ for _, id_, _ in rows],
            "question_id": [e.question.id for _, _, e in rows],
            "due_s": [e.due for _, _, e in rows],
            "sent_s": [e.sent for _, _, e in rows],
            "first_token_ms": [None if e.first is None else (e.first - e.due) * 1000 for _, _, e in rows],
            "ended_ms": [(e.ended - e.due) * 1000 for _, _, e in rows],
            "failure": [e.failure for _, _, e in rows],
            "reason": [e.reason for _, _, e in rows],
        }
    ).astype({"sent_s": "float64", "first_token_ms": "float64"})
    for name, frame in ((REQUESTS, requests), (SCORES, requests[["arm", "query_id"]])):
        with replacing(folder / name) as path:
            frame.to_parquet(path, index=False)
    ids = [id_ for _, id_, _ in rows]
    asked = [e.question for _, _, e in rows]
    units = [f"query:{id_}" for id_ in ids]
    columns = {"question": [question.id for question in asked]}
    table = QueryTable(ids, [question.text for question in asked], [""] * len(ids), units, columns)
    write_queries(table, folder / QUERIES)
    write_text(
        folder / LEDGER, "".join(json.dumps(e._asdict(), ensure_ascii=False) + "\n" for e in result.ledger.entries)
    )
    write_text(folder / SUMMARY, load_markdown(result))
    # Last: a folder with results is whole.
    content = json.dumps(load_json(result), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / RESULTS, content + "\n")
