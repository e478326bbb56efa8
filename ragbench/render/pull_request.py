"""Evaluations as a comment on a pull request: verdict, table, worst slices."""

from collections.abc import Callable, Sequence

from ragbench.comparison.compare import SliceVerdict
from ragbench.core.foreign import in_markdown, one_line
from ragbench.core.ledger import LedgerEntry, issue_lines
from ragbench.render.blocks import MARKS, Row, markdown_table
from ragbench.render.compare import slice_p
from ragbench.render.html.inputs import ReportData
from ragbench.render.html.sections import failed, leaderboard, made, verdict
from ragbench.render.leaderboard import group_key
from ragbench.render.numbers import CLOSE, CLOSE_KEY, PColumns, interval

MOST_BYTES = 60_000
"""GitHub accepts 65,536 characters; this leaves room for a line above."""
WORST = 5
LONGEST = 400
KINDS = {"better": "good", "worse": "bad", "open": "open"}
"""Styles of the kinds of verdicts; a single system has no verdict."""


def pull_request(data: ReportData) -> str:
    """Markdown of less than `MOST_BYTES` bytes; what does not fit is counted."""
    said = verdict(data)
    board = leaderboard(data)
    mark = f"{MARKS[KINDS[said.kind]]} " if said.kind in KINDS else ""
    parts = [f"## {in_markdown(data.title)}", f"{mark}**{_short(said.sentence)}**"]
    did_not = failed(data)
    rows = board.rows[: len(board.rows) - len(did_not)]
    errors = [f"- **{_short(name)} did not run**: {_short(error)}" for name, error in did_not.items()]
    ranked = None if data.compared is None else data.compared.leaderboard
    parts += [
        _within(rows, 8_000, lambda some: markdown_table(board.head, some), "systems"),
        *([] if ranked is None else [_short(_sentence(group_key(ranked)))]),
        *_list(errors, 4_000),
    ]
    parts += _list([f"- {_short(text)}" for text in said.others], 8_000)
    worst = [
        row for name in dict.fromkeys(one.verdict.candidate for one in _slices(data)) for row in _worst(data, name)
    ]
    if worst and data.compared:
        p = slice_p(data.compared)
        title = ["slice", "system", "queries", f"difference in {data.metric}", *p.head]
        key = [p.title.removeprefix("; "), CLOSE_KEY if CLOSE in str(worst) else ""]
        parts += [
            "### Worst slices",
            *(_short(_sentence(line)) for line in key),
            _within(worst, 12_000, lambda some: markdown_table(title, some), "slices"),
        ]
    notes = [f"- {_short(note)}" for note in said.notes]
    for one in data.folders:
        entries = (LedgerEntry(**entry) for entry in one.content["ledger"]["entries"])
        notes += [f"- {_short(line)}" for line in issue_lines(entries)]
    if notes:
        parts += ["### Notes", *_list(notes, 8_000)]
    if said.test:
        parts.append(f"Test: {_short(said.test)}")
    commands = [one.command for one in made(data) if "```" not in one.command]
    parts.append(_within([[line] for line in commands], 8_000, _commands, "commands"))
    return "\n\n".join(part for part in parts if part) + "\n"


def _slices(data: ReportData) -> Sequence[SliceVerdict]:
    return data.compared.slices if data.compared else ()


def _worst(data: ReportData, name: str) -> list[list[str]]:
    """The tested slices on which the system is furthest behind the baseline, the worst first."""
    sign = -1.0 if data.runs[0].scores.direction(data.metric) == "lower" else 1.0
    own = [one for one in _slices(data) if one.tested and one.verdict.candidate == name]
    behind = [one for one in own if sign * (one.verdict.difference or 0.0) < 0]
    p = slice_p(data.compared) if data.compared else PColumns("none", 0)
    behind.sort(key=lambda one: (sign * (one.verdict.difference or 0.0), one.verdict.slice))
    return [
        [one.verdict.slice, name, str(one.verdict.n), interval(one.verdict), *p.cells(one.verdict)]
        for one in behind[:WORST]
    ]


def _list(lines: Sequence[str], most: int) -> list[str]:
    return [_within([[line] for line in lines], most, lambda some: "\n".join(str(row[0]) for row in some), "lines")]


def _commands(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = "\n".join(one_line(str(row[0])) for row in rows)
    return f"<details><summary>How to repeat it</summary>\n\n```console\n{lines}\n```\n\n</details>"


def _within(rows: Sequence[Row], most: int, drawn: Callable[[Sequence[Row]], str], what: str) -> str:
    """The rows that fit into ``most`` bytes, and how many more there are."""
    if not rows:
        return ""
    for kept in range(len(rows), -1, -1):
        text = drawn(rows[:kept])
        if len(text.encode()) <= most:
            more = len(rows) - kept
            return "\n\n".join(filter(None, [text, f"and {more} more {what}" if more else ""]))
    return f"{len(rows)} {what}, too long to show"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return in_markdown(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
