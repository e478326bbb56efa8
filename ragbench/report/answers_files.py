"""The files of scored answers, under one folder: those that ``ragbench compare``, ``gate`` and ``ab --runs`` read.

results.json      the JSON object of an evaluation, with one arm
summary.md        the table, for a pull request
scores.parquet    one row per query, a column per metric
queries.parquet   one row per query: text, type, resampling unit, metadata
details.jsonl     one line per query: values, and what they rest on
ledger.jsonl      everything without a score, with its reason
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ragbench.core.errors import SettingError
from ragbench.harness.score_answers import AnswerEvaluation
from ragbench.io.answer_files import ANSWERS
from ragbench.io.atomic import replacing, write_text
from ragbench.io.inputs import INPUTS, Input, recorded
from ragbench.io.out_folder import make_out
from ragbench.io.scored_runs import LEDGER, QUERIES, RESULTS, SCORES, write_queries
from ragbench.report.answers import answers_json, answers_markdown, per_query

DETAILS, SUMMARY = "details.jsonl", "summary.md"


def check_folder(folder: Path) -> None:
    """Make the folder, and refuse one that holds answers or another evaluation.

    Raises:
        SettingError: it holds answers, or an evaluation of retrievers.
        InputError: it cannot be made.
    """
    if (folder / ANSWERS).exists():
        raise SettingError(f"--out {folder}: holds the answers themselves; name another folder for their scores")
    if (folder / "runs").exists():
        raise SettingError(f"--out {folder}: holds an evaluation of retrievers; name another folder")
    make_out(folder)


def write_answer_scores(evaluation: AnswerEvaluation, folder: Path, inputs: Mapping[str, Input] | None = None) -> None:
    """Write all files; the same evaluation gives the same bytes.

    Args:
        evaluation: what was scored.
        folder: it is made if it is not there.
        inputs: where ``answers``, ``golden`` and ``corpus`` come from, for reports on the scores.

    Raises:
        SettingError, InputError: as `check_folder`.
    """
    import pandas as pd

    check_folder(folder)
    (folder / RESULTS).unlink(missing_ok=True)
    scores = evaluation.scored.scores
    frame = pd.DataFrame(scores.values, columns=list(scores.metrics))
    frame.insert(0, "query_id", list(scores.query_ids))
    frame.insert(0, "arm", evaluation.scored.name)
    with replacing(folder / SCORES) as path:
        frame.to_parquet(path, index=False)
    write_queries(evaluation.scored.queries, folder / QUERIES)
    write_text(folder / DETAILS, _lines(per_query(evaluation)))
    write_text(folder / LEDGER, _lines(entry._asdict() for entry in evaluation.ledger.entries))
    write_text(folder / SUMMARY, answers_markdown(evaluation))
    # Last: a folder with results is whole.
    held = {INPUTS: recorded(inputs, folder)} if inputs else {}
    content = answers_json(replace(evaluation, manifest={**evaluation.manifest, **held}))
    write_text(folder / RESULTS, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _lines(rows: Iterable[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
