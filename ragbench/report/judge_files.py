"""The files of a check of a judge, under one folder.

check.json         the JSON object
summary.md         the tables, for a pull request
items.jsonl        one line per labelled answer: votes, score, verdict
calibration.json   what ``ragbench score --calibration`` takes
"""

import json
from pathlib import Path

from ragbench.core.errors import SettingError
from ragbench.harness.calibration import Calibration
from ragbench.harness.judge_check import JudgeCheck
from ragbench.io.answer_files import ANSWERS
from ragbench.io.atomic import write_text
from ragbench.io.out_folder import make_out
from ragbench.io.scored_runs import RESULTS
from ragbench.report.judge import item_rows, judge_json, judge_markdown

CHECK, SUMMARY, ITEMS, CALIBRATION = "check.json", "summary.md", "items.jsonl", "calibration.json"


def check_folder(folder: Path) -> None:
    """Make the folder, and refuse one that holds something else.

    Raises:
        SettingError: it holds answers or an evaluation.
        InputError: it cannot be made.
    """
    if (folder / ANSWERS).exists() or (folder / RESULTS).exists():
        raise SettingError(f"--out {folder}: holds answers or an evaluation; name another folder")
    make_out(folder)


def write_check(check: JudgeCheck, folder: Path) -> None:
    """Write all files; the same check gives the same bytes.

    Raises:
        SettingError, InputError: as `check_folder`.
    """
    check_folder(folder)
    items = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in item_rows(check))
    write_text(folder / ITEMS, "".join(items))
    write_text(folder / SUMMARY, judge_markdown(check))
    Calibration.of(check).write(folder / CALIBRATION)
    content = json.dumps(judge_json(check), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / CHECK, content + "\n")
