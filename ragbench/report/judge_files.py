"""The files of a check of a judge, under one folder.

check.json         the JSON object
summary.md         the tables, for a pull request
items.jsonl        one line per labelled answer: votes, score, verdict
calibration.json   what ``ragbench score --calibration`` takes
"""

import json
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.harness.calibration import Calibration
from ragbench.harness.judge_check import JudgeCheck
from ragbench.io.atomic import write_text
from ragbench.report.judge import item_rows, judge_json, judge_markdown

CHECK, SUMMARY, ITEMS, CALIBRATION = "check.json", "summary.md", "items.jsonl", "calibration.json"


def write_check(check: JudgeCheck, folder: Path) -> None:
    """Write all files; the same check gives the same bytes.

    Raises:
        InputError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(
            folder / ITEMS,
            "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in item_rows(check)),
        )
        write_text(folder / SUMMARY, judge_markdown(check))
        Calibration.of(check).write(folder / CALIBRATION)
        content = json.dumps(judge_json(check), indent=1, ensure_ascii=False, allow_nan=False)
        write_text(folder / CHECK, content + "\n")
    except OSError as error:
        raise InputError(f"--out {folder}: cannot be written to ({error.strerror or error})") from error
