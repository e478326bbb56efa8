"""``ragbench gate``: may this run replace the baseline?"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.comparison.gate.result import Gate
    from ragbench.workflows.gate import Options

HELP = """Decide whether a run may pass: 0 pass, 1 fail, 3 inconclusive and blocked, 2 an error of usage or input.

Example:
  ragbench gate --baseline main --candidate reports/shop::hybrid --rules gate.yaml

A baseline is a name of 'ragbench baseline set', a folder of 'ragbench eval
--out', or FOLDER::ARM. Without --rules, ndcg@10 may lose at most .02 against the
baseline. If the queries cannot decide, the change is let through with a notice;
--inconclusive fail blocks it. docs/guides/ci.md describes the rules."""

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
STEP_OUTPUT = "GITHUB_OUTPUT"


def show(options: "Options", decided: "Gate", output: Output) -> int:
    """Print and write the decision."""
    from ragbench.render.gate import gate_json, gate_table

    _write(decided, options.out, options.junit, options.summary)
    if output.as_json:
        output.object(gate_json(decided))
    else:
        output.table(gate_table(decided), highlight=True)
    if decided.notice and os.environ.get("GITHUB_ACTIONS") == "true":
        output.error(f"::warning title=ragbench gate::{_escaped(decided.notice)}")
    return decided.exit_code


def _write(decided: "Gate", out: Path | None, junit: Path | None, summary: Path | None) -> None:
    from ragbench.io.files import write_bytes, write_text
    from ragbench.render.gate import gate_json, gate_junit, gate_markdown

    if out is not None:
        written = json.dumps(gate_json(decided), indent=1, ensure_ascii=False, allow_nan=False)
        write_text(out / "gate.json", written + "\n")
    for path in (junit, out / "gate.xml" if out else None):
        if path is not None:
            write_bytes(path, gate_junit(decided))
    page = gate_markdown(decided)
    for path in (summary, out / "gate.md" if out else None):
        if path is not None:
            write_text(path, page)
    # Other steps write to both files too.
    for variable, text in ((STEP_SUMMARY, page + "\n"), (STEP_OUTPUT, f"outcome={decided.outcome}\n")):
        step = os.environ.get(variable)
        if step:
            with Path(step).open("a", encoding="utf-8") as handle:
                handle.write(text)


def _escaped(text: str) -> str:
    """Escape a message of a workflow command of GitHub."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
