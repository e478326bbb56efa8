"""The files of probes, under one folder: those of ``ragbench score``, and the outcome by category.

results.json, scores.parquet, queries.parquet, details.jsonl, ledger.jsonl   as `ragbench.report.answers_files`
probe.json      rates by category, floors, every case
summary.md      the same for a pull request
"""

import json
from collections.abc import Sequence
from pathlib import Path

from ragbench.answers.probe.cases import PlantedDocument
from ragbench.answers.probe.outcome import Outcome
from ragbench.harness.score_answers import AnswerEvaluation
from ragbench.io.atomic import write_text
from ragbench.report.answers_files import SUMMARY, write_answer_scores
from ragbench.report.probe import probe_json, probe_markdown

PROBE = "probe.json"
DOCUMENTS = "documents.jsonl"


def write_probe(outcome: Outcome, evaluation: AnswerEvaluation, judge: str | None, folder: Path) -> None:
    """Write all files; the same outcome gives the same bytes.

    Raises:
        SettingError, InputError: as `ragbench.report.answers_files.check_folder`.
    """
    (folder / PROBE).unlink(missing_ok=True)
    write_answer_scores(evaluation, folder)
    name = evaluation.scored.name
    write_text(folder / SUMMARY, probe_markdown(outcome, name, judge))
    content = json.dumps(probe_json(outcome, name, judge), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / PROBE, content + "\n")


def write_documents(documents: Sequence[PlantedDocument], folder: Path) -> Path:
    """Write the planted documents as lines that ``ragbench`` and most indexers read; the file is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DOCUMENTS
    write_text(path, "".join(json.dumps(vars(document), ensure_ascii=False) + "\n" for document in documents))
    return path
