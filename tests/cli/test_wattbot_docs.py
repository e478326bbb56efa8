"""docs/guides/wattbot.md shows what is printed, with a stand-in for the model."""

import csv
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.models.llm_server import Body, LLMServer, serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guides" / "wattbot.md").read_text(encoding="utf-8")
SERVER = "http://localhost:8000/v1"
with (ROOT / "datasets" / "energy_ai" / "train_QA.csv").open(encoding="utf-8", newline="") as table:
    TRUTH = {row["question"]: row for row in csv.DictReader(table)}


def stand_in(body: Body) -> str:
    """Right where an excerpt of every document of the truth is shown; else, and where the truth is blank, blank."""
    said = body["messages"][-1]["content"]
    if "follows the schema: supporting_materials" in said:
        return json.dumps({"supporting_materials": "the excerpt", "explanation": "It stands there."})
    row = next(row for question, row in TRUTH.items() if f"\n{question}\n" in said)
    references = set(re.findall(r"'(\w+)'", row["ref_id"]))
    found = bool(references) and references <= set(re.findall(r"^(\w+), page \d+$", said, flags=re.MULTILINE))
    value, references = (row["answer_value"], sorted(references)) if found else ("is_blank", [])
    return json.dumps({"answer": row["answer"], "answer_value": value, "ref_id": references, "is_blank": not found})


def run_page(ragbench: Any, page: str, url: str) -> int:
    """Run the commands of a page, in order, and compare what they print; how many there were.

    What the page leaves out stands there as ``...`` on a line of its own.
    """
    pairs = re.findall(r"```console\n(.*?)```\n\n```text\n(.*?)```", page, flags=re.DOTALL)
    for command, shown in pairs:
        words = shlex.split(command.replace("\\\n", " ").replace(SERVER, url))
        done = ragbench(*words[1:])
        assert done.code == 0, done.err
        printed = "\n".join(line.rstrip() for line in done.out.rstrip().splitlines())
        parts = [re.escape(part.strip("\n")) for part in re.split(r"^\.\.\.$", shown, flags=re.MULTILINE)]
        assert re.fullmatch(".*".join(parts), printed, re.DOTALL), printed
        # A note is a line of its own, however long it is.
        assert max(len(line) for line in shown.splitlines() if not line.startswith("note: ")) <= 80
    return len(pairs)


@pytest.mark.slow
def test_the_page_shows_what_is_printed(ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    monkeypatch.chdir(tmp_path)
    with serving(LLMServer(reply=stand_in)) as server:
        assert run_page(ragbench, PAGE, server.url) == 7
