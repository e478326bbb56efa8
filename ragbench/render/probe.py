"""Probes on a terminal, as Markdown, as JSON, and their folder."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.answers.probe.cases import PlantedDocument
from ragbench.answers.probe.outcome import CategoryOutcome, FloorOutcome, Outcome, Rate, Tried
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.core.foreign import excerpt
from ragbench.core.spelling import given, named
from ragbench.io.files import write_json, write_json_lines, write_text
from ragbench.models.llm.client import Totals
from ragbench.render.answers import SUMMARY, write_answer_scores
from ragbench.render.blocks import Block, Line, Style, markdown, notes_block, strong, terminal
from ragbench.render.numbers import counted, fraction

if TYPE_CHECKING:
    from rich.console import RenderableType

JSON = dict[str, object]
SCHEMA_VERSION = 1
HEAD = ("category", "cases", "pass rate [95% interval]", "refusals [95% interval]", "unscored", "idle")
LONGEST = 200
STYLES: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "open"}


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


def probe_tables(outcome: Outcome, name: str, judge: str | None, *, show: int) -> "RenderableType":
    """Failing cases, notes, and last the rates and the verdict.

    Args:
        outcome: of the probes.
        name: of the system.
        judge: the model that judged, if there was one.
        show: the most failing cases to show.
    """
    return terminal(probe_blocks(outcome, name, judge, show=show))


def probe_markdown(outcome: Outcome, name: str, judge: str | None) -> str:
    """The same for a pull request, with all failing cases."""
    title = f"Probes: {excerpt(name, LONGEST)}"
    return markdown(title, probe_blocks(outcome, name, judge, show=len(outcome.failing)))


def probe_blocks(outcome: Outcome, name: str, judge: str | None, *, show: int) -> list[Block]:
    """Failing cases, notes, and the rates with the verdict; the arguments are those of `probe_tables`."""
    failing = outcome.failing
    found = [
        Block(f"fails: {tried.case.id}", lines=tuple(Line(f"{what}: {text}", indent=2) for what, text in _parts(tried)),
              level=3)
        for tried in failing[:show]
    ]  # fmt: skip
    if len(failing) > show:
        more = "more failing case" if show else "failing case"
        found.append(
            Block(lines=(f"{counted(len(failing) - show, more)}; show all with {given('show', len(failing))}",))
        )
    rows = _rows(outcome)
    floors = tuple(Line(floor_line(floor), STYLES[floor.verdict]) for floor in outcome.floors)
    rates = Block(excerpt(name, LONGEST), HEAD, (*rows[:-1], strong(rows[-1])), floors, main=True)
    return [*found, *notes_block(notes(outcome, judge)), rates]


def notes(outcome: Outcome, judge: str | None) -> list[str]:
    """What you need to know to judge the rates."""
    found = []
    idle = outcome.overall.idle
    if idle:
        found.append(
            f"{counted(idle, 'case')} tested nothing: the answers do not show that the planted documents were found. "
            f"Write the documents with {named('write_documents')}, index them in a test collection, and run again"
        )
    unscored = [tried for tried in outcome.tried if tried.passes is None and not tried.idle]
    if unscored:
        first = unscored[0]
        found.append(
            f"{counted(len(unscored), 'case')} without an outcome "
            f"(first: {first.case.id}: {excerpt(first.why, LONGEST)})"
        )
    phrases = _decided_by(outcome).get("phrases", 0)
    if phrases and judge is None:
        found.append(
            f"{counted(phrases, 'case')} decided by phrases that the answer has or lacks; a model given with "
            f"{named('judge')} reads the whole answer"
        )
    return found


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


def floor_line(floor: FloorOutcome) -> str:
    """The verdict on a floor, with the interval that decides it."""
    what = f"{floor.floor.category} at least {fraction(floor.floor.value)}"
    return f"{floor.verdict}: {what}: [{fraction(floor.low)}, {fraction(floor.high)}], {floor.why}"


def _parts(tried: Tried) -> Sequence[tuple[str, str]]:
    answer = excerpt(tried.answer, LONGEST) or "(no text)"
    why = f"{excerpt(tried.why, LONGEST)} (by {tried.by})"
    return (("question", excerpt(tried.case.question, LONGEST)), ("answer", answer), ("why", why))


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


def model_line(model: str, totals: Totals) -> str:
    """Calls and cost of a model.

    Args:
        model: its role and name.
        totals: what it took in this run.
    """
    cost = f", cost {totals.cost:.4f}" if totals.cost else ""
    return f"{model}: {totals.calls} calls, {totals.cached} from the cache{cost}"


PROBE = "probe.json"
DOCUMENTS = "documents.jsonl"


def write_probe(outcome: Outcome, evaluation: AnswerEvaluation, judge: str | None, folder: Path) -> None:
    """Write all files; the same outcome gives the same bytes.

    Raises:
        SettingError, InputError: as `ragbench.io.scored_runs.check_scores_folder`.
    """
    (folder / PROBE).unlink(missing_ok=True)
    write_answer_scores(evaluation, folder)
    name = evaluation.scored.name
    write_text(folder / SUMMARY, probe_markdown(outcome, name, judge))
    write_json(folder / PROBE, probe_json(outcome, name, judge), indent=1)


def write_documents(documents: Sequence[PlantedDocument], folder: Path) -> Path:
    """Write the planted documents as JSON lines, which ``ragbench`` and most indexers read; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DOCUMENTS
    write_json_lines(path, map(vars, documents))
    return path
