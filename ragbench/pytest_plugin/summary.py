"""What the plugin prints after the last test, and the report of a run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ragbench.core.errors import RagbenchError
from ragbench.core.foreign import one_line
from ragbench.pytest_plugin.session import DECISION, Session

MARKUP = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def summarise(session: Session, terminal: Any) -> None:
    """Print the decisions by the names of the tests, and write the report if one is asked for."""
    folder = session.folder
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob(f"*{DECISION}"))]
    found.sort(key=lambda one: one["test"])
    terminal.section("ragbench")
    for one in found:
        terminal.write_line(one_line(one["test"]))
        verdict, systems = one["lines"]
        terminal.write_line(f"    {one_line(verdict)}", **{MARKUP[one["outcome"]]: True})
        terminal.write_line(f"    {one_line(systems)}")
    asked = session.config.getoption("ragbench_report")
    page = Path.cwd() / asked if asked else session.setting("report")
    if page is not None:
        for line in write_reports(page, found, folder):
            terminal.write_line(one_line(line))


def write_reports(out: Path, decisions: Sequence[dict[str, Any]], folder: Path) -> list[str]:
    """Write a page for each golden set, because systems are compared on the same queries.

    Returns:
        A line for each page: where it is, or why it was not written.
    """
    from ragbench.api.calls import report

    groups: dict[str, list[dict[str, Any]]] = {}
    for one in decisions:
        content = json.loads((folder / one["gate"]).read_text(encoding="utf-8"))
        if one["runs"]:
            groups.setdefault(str(content["candidate"]["fingerprints"].get("golden")), []).append(one)
    lines = [] if groups else ["no report was written: every system was given as the object of an evaluation"]
    for number, group in enumerate(groups.values(), start=1):
        page = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
        runs = list(dict.fromkeys(run for one in group for run in one["runs"]))
        try:
            report(*runs, gate=[folder / one["gate"] for one in group], out=page)
        except RagbenchError as error:
            lines.append(f"no report was written to {page}: {error}")
        else:
            lines.append(f"report: {page}")
    return lines
