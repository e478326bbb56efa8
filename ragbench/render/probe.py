"""What came of probes: tables, Markdown and JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ragbench.answers.probe.cases import PlantedDocument
from ragbench.answers.probe.outcome import CategoryOutcome, FloorOutcome, Outcome, Rate, Tried
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.io.files import write_text
from ragbench.render.answers import SUMMARY, write_answer_scores
from ragbench.render.compare_sentences import counted
from ragbench.render.evaluation import escaped
from ragbench.render.evaluation import table as markdown_table
from ragbench.render.tables import fraction, one_line

JSON = dict[str, object]
SCHEMA_VERSION = 1
HEAD = ("category", "cases", "pass rate [95% interval]", "refusals [95% interval]", "unscored", "idle")
LONGEST = 200
COLOURS = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}


def probe_json(outcome: Outcome, name: str, judge: str | None) -> JSON:
    """The object that ``--json`` prints, and that ``probe.json`` holds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "judge": judge,
        "verdict": outcome.verdict,
        "categories": {category.name: _category_json(category) for category in outcome.categories},
        "all": _category_json(outcome.overall),
        "decided_by": _decided_by(outcome),
        "floors": [
            {"category": f.floor.category, "floor": f.floor.value, "low": f.low, "high": f.high, "verdict": f.verdict,
             "why": f.why}
            for f in outcome.floors
        ],
        "cases": [_case_json(tried) for tried in outcome.tried],
    }  # fmt: skip


def probe_tables(outcome: Outcome, name: str, judge: str | None, *, show: int) -> RenderableType:
    """Failing cases, notes, and last, where the eye ends, the rates and the verdict.

    Args:
        outcome: of the probes.
        name: of the system.
        judge: the model that judged, if there was one.
        show: the most failing cases to show.
    """
    parts: list[RenderableType] = []
    failing = outcome.failing
    for tried in failing[:show]:
        parts += [Text(f"fails: {tried.case.id}", style="red"), _failing(tried)]
    if len(failing) > show:
        more = "more failing case" if show else "failing case"
        parts.append(Text(f"{counted(len(failing) - show, more)}; --show {len(failing)} shows all"))
    parts += [Text(note, style="yellow") for note in notes(outcome, judge)]
    parts += [Text(), Text(name, style="bold"), _table(outcome)]
    for floor in outcome.floors:
        parts.append(Text(_floor_line(floor), style=COLOURS[floor.verdict]))
    return Group(*parts)


def probe_markdown(outcome: Outcome, name: str, judge: str | None) -> str:
    """The same for a pull request, with all failing cases."""
    parts = [f"# Probes: {escaped(one_line(name, LONGEST))}", markdown_table(HEAD, _rows(outcome))]
    if outcome.floors:
        parts.append("\n".join(f"- {escaped(_floor_line(f))}" for f in outcome.floors))
    said = notes(outcome, judge)
    if said:
        parts.append("\n".join(["## To know", "", *(f"- {escaped(note)}" for note in said)]))
    if outcome.failing:
        head = ("case", "question", "answer", "why")
        rows = [[tried.case.id, *(text for _, text in _block(tried))] for tried in outcome.failing]
        parts += ["## Failing cases", markdown_table(head, rows)]
    return "\n\n".join(parts) + "\n"


def notes(outcome: Outcome, judge: str | None) -> list[str]:
    """What a reader must know to read the rates rightly."""
    found = []
    idle = outcome.overall.idle
    if idle:
        found.append(
            f"{counted(idle, 'case')} tried nothing: the answers do not show that their planted documents were found. "
            "Index those of --write-documents in a test collection, and run again"
        )
    unscored = [tried for tried in outcome.tried if tried.passes is None and not tried.idle]
    if unscored:
        first = unscored[0]
        found.append(
            f"{counted(len(unscored), 'case')} without an outcome "
            f"(first: {first.case.id}: {one_line(first.why, LONGEST)})"
        )
    phrases = _decided_by(outcome).get("phrases", 0)
    if phrases and judge is None:
        found.append(
            f"{counted(phrases, 'case')} decided by phrases that the answer has or lacks; --judge MODEL reads all of it"
        )
    return found


def _failing(tried: Tried) -> Table:
    grid = Table.grid(padding=(0, 2))
    for what, text in _block(tried):
        grid.add_row(Text(f"  {what}"), Text(text))
    return grid


def _table(outcome: Outcome) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    names = ("category", "cases", "pass rate", "refusals", "unscored", "idle")
    for name in names:
        table.add_column(name, justify="left" if name == "category" else "right", no_wrap=name != "category")
    rows = _rows(outcome)
    for row in rows[:-1]:
        table.add_row(*row)
    table.add_section()
    table.add_row(*rows[-1], style="bold")
    return table


def _rows(outcome: Outcome) -> list[list[str]]:
    return [
        [
            category.name,
            str(category.cases),
            _rate(category.passed),
            _rate(category.refused),
            str(category.unscored or "-"),
            str(category.idle or "-"),
        ]
        for category in (*outcome.categories, outcome.overall)
    ]


def _rate(rate: Rate) -> str:
    return "-" if rate.mean is None else f"{fraction(rate.mean)} [{fraction(rate.low)}, {fraction(rate.high)}]"


def _floor_line(floor: FloorOutcome) -> str:
    what = f"{floor.floor.category} at least {fraction(floor.floor.value)}"
    return f"{floor.verdict}: {what}: [{fraction(floor.low)}, {fraction(floor.high)}], {floor.why}"


def _block(tried: Tried) -> Sequence[tuple[str, str]]:
    answer = one_line(tried.answer, LONGEST) or "(no text)"
    why = f"{one_line(tried.why, LONGEST)} (by {tried.by})"
    return (("question", one_line(tried.case.question, LONGEST)), ("answer", answer), ("why", why))


def _decided_by(outcome: Outcome) -> dict[str, int]:
    return dict(sorted(Counter(tried.by for tried in outcome.tried if tried.passes is not None).items()))


def _category_json(category: CategoryOutcome) -> JSON:
    return {
        "cases": category.cases,
        "passed": asdict(category.passed),
        "refused": asdict(category.refused),
        "unscored": category.unscored,
        "idle": category.idle,
    }


def _case_json(tried: Tried) -> JSON:
    return {
        "id": tried.case.id,
        "category": tried.case.category,
        "question": tried.case.question,
        "answer": tried.answer,
        "passes": tried.passes,
        "refuses": tried.refuses,
        "idle": tried.idle,
        "by": tried.by,
        "why": tried.why,
    }


PROBE = "probe.json"
DOCUMENTS = "documents.jsonl"


def write_probe(outcome: Outcome, evaluation: AnswerEvaluation, judge: str | None, folder: Path) -> None:
    """Write all files; the same outcome gives the same bytes.

    Raises:
        SettingError, InputError: as `ragbench.render.answers.check_folder`.
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
