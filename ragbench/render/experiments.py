"""The systems of many evaluations as a table and as JSON (docs/guides/evaluate.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ragbench.core.evaluations import Estimate
from ragbench.core.experiments import Experiments, Tried
from ragbench.core.ledger import issue_lines
from ragbench.core.options import named
from ragbench.render.blocks import Block, Cell, Line, Row, notes_block, terminal
from ragbench.render.numbers import counted, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA_VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""
SHORT, MOST = 8, 5
"""Characters of a fingerprint, and folders of a note, that are shown."""


def experiments_table(experiments: Experiments) -> "RenderableType":
    """A row per system, oldest first, and what could not be read."""
    return terminal(experiments_blocks(experiments))


def experiments_blocks(experiments: Experiments) -> list[Block]:
    """The notes, and the table."""
    return [*notes_block(experiments_notes(experiments)), _table(experiments)]


def experiments_notes(experiments: Experiments) -> list[str]:
    """What you need to know to read the table."""
    notes = []
    if experiments.left_out:
        notes.append(f"{counted(experiments.left_out, 'system')} of other evaluations do not pass the filters")
    if without := experiments.without_metric:
        folders = sorted({one.folder for one in without})
        shown = ", ".join(folders[:MOST]) + (f" and {len(folders) - MOST} more" if len(folders) > MOST else "")
        notes.append(
            f"{counted(len(without), 'system')} without {experiments.metric} in {shown}: {named('metric')} chooses "
            "another metric"
        )
    golden = {one.golden_fingerprint: one.golden for one in experiments.tried}
    if len(golden) > 1:
        listed = ", ".join(f"{name or 'unknown'} ({key[:SHORT]})" for key, name in golden.items())
        notes.append(
            f"the systems were evaluated on {len(golden)} golden sets, whose scores do not compare: {listed}. Choose "
            f"one with {named('golden')}"
        )
    elif len(corpora := {one.corpus for one in experiments.tried} - {""}) > 1:
        notes.append(
            f"the systems searched {len(corpora)} states of the corpus, so a change of the score may be one of the "
            "documents"
        )
    if any(one.by_file for one in experiments.tried):
        count = len({one.folder for one in experiments.tried if one.by_file})
        notes.append(f"{counted(count, 'evaluation')} recorded no time; the time of the file is shown")
    for reason in dict.fromkeys(entry.reason for entry in experiments.ledger.entries):
        alike = (entry for entry in experiments.ledger.entries if entry.reason == reason)
        notes += [f"warning: {line}" for line in issue_lines(alike, items=10)]
    return notes


def _table(experiments: Experiments) -> Block:
    tried, metric = experiments.tried, experiments.metric
    golden = {one.golden_fingerprint: one.golden for one in tried}
    several, clear = len(golden) > 1, len(set(golden.values())) == len(golden)
    moved = len({one.corpus for one in tried} - {""}) > 1
    timed = any(one.p50 is not None for one in tried)
    paid = any(one.cost_per_query is not None for one in tried)
    noted = any(one.notes for one in tried)
    head = ["finished (UTC)", "evaluation", "system", metric or "score"]
    head += ["golden set"] if several else []
    head += ["corpus"] if moved else []
    head += ["p50 ms"] if timed else []
    head += ["cost per query"] if paid else []
    head += ["notes"] if noted else []
    rows: list[Row] = []
    for one in tried:
        cells: list[str | Cell] = [one.finished[:16].replace("T", " "), one.folder, one.system, _value(one, metric)]
        cells += [one.golden if clear else f"{one.golden} {one.golden_fingerprint[:SHORT]}"] if several else []
        cells += [one.corpus[:SHORT] or "-"] if moved else []
        cells += ["-" if one.p50 is None else f"{one.p50:,.1f}"] if timed else []
        cells += ["-" if one.cost_per_query is None else f"{one.cost_per_query:.3g}"] if paid else []
        cells += [one.notes] if noted else []
        rows.append(cells)
    unread = f"; {len(experiments.ledger)} could not be read" if len(experiments.ledger) else ""
    names = set(golden.values())
    on = f" on {names.pop()}" if len(names) == 1 and names != {""} else ""
    line = (
        f"{counted(len(tried), 'system')} of {counted(experiments.evaluations, 'evaluation')} in {experiments.folder}"
    )
    title = f"{metric}{on}, mean [95% interval], oldest first" if metric else "No system has a score"
    align = "lllr" + "l" * several + "l" * moved + "r" * timed + "r" * paid + "l" * noted
    return Block(title, tuple(head), tuple(rows), above=(Line(f"{line}{unread}."),), align=align, main=True)


def _value(one: Tried, metric: str) -> str | Cell:
    if one.error is not None:
        return Cell("did not run", "bad")
    found = one.metrics.get(metric)
    return "-" if found is None else with_interval(estimate(found))


def estimate(found: Mapping[str, float | None]) -> Estimate:
    """The mean of a card with its interval."""
    return Estimate(found["mean"], found["low"], found["high"], int(found["n"] or 0))


def experiments_json(experiments: Experiments) -> dict[str, object]:
    """The JSON object."""
    systems: Sequence[dict[str, object]] = [asdict(one) for one in experiments.tried]
    return {
        "schema_version": SCHEMA_VERSION,
        "folder": experiments.folder,
        "metric": experiments.metric,
        "evaluations": experiments.evaluations,
        "left_out": experiments.left_out,
        "systems": systems,
        "without_metric": [asdict(one) for one in experiments.without_metric],
        "ledger": experiments.ledger.to_dict(),
    }
