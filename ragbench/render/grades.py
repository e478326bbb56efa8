"""A judge's scores against those of annotators: on a terminal, as Markdown, as JSON, and their folder."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.answers.judge_check.grade_calibration import GradeCalibration
from ragbench.answers.judge_check.graded import GradedCheck
from ragbench.core.fingerprint import plain
from ragbench.core.ledger import issue_lines
from ragbench.io.files import write_json, write_json_lines, write_text
from ragbench.render.answers import model_block
from ragbench.render.blocks import Block, markdown, notes_block, terminal
from ragbench.render.evaluation import FEW_CLUSTERS
from ragbench.render.judge import CALIBRATION, CHECK, ITEMS, SCHEMA_VERSION, SUMMARY, check_folder
from ragbench.render.numbers import counted, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType

HEAD = ("figure", "value [95% interval]", "what it is")
PREFERRED = {-1: "first", 0: "tie", 1: "second"}


def grade_tables(check: GradedCheck, totals: Mapping[str, Mapping[str, object]]) -> "RenderableType":
    """What the judge took, the table of both scores, and the figures."""
    return terminal([*model_block(totals, "judge"), *grade_blocks(check)])


def grade_blocks(check: GradedCheck) -> list[Block]:
    """The counts of both scores, the agreement of annotators, notes, and the figures of the whole."""
    names = [PREFERRED[score] if check.pairs else str(score) for score in check.scale]
    rows = tuple((name, *map(str, counts)) for name, counts in zip(names, check.table.tolist(), strict=True))
    table = Block("Annotators (rows) and judge (columns)", ("", *names), rows)
    what = "pairs" if check.pairs else "answers"
    by = f" in {check.clusters:,} clusters" if check.clusters < len(check.rows) else ""
    above = [f"{check.labels.name}: {len(check.rows):,} {what}{by}, judged by {check.signal.judge}."]
    figures = [
        ("weighted kappa", check.kappa, "agreement beyond chance; a distance counts by its square"),
        ("equal", check.exact, "share of equal scores"),
    ]
    if len(check.scale) > 2:
        figures.append(("at most one apart", check.near, "share of scores at most one step apart"))
    if not check.pairs:
        figures += [
            ("mean distance", check.error, "between the scores"),
            ("mean of annotators", check.people_mean, ""),
            ("mean of the judge", check.judge_mean, ""),
        ]
    shown = tuple((name, with_interval(value), meaning) for name, value, meaning in figures)
    shift = ("shift", with_interval(check.shift, signed=True), "mean of judge less annotators")
    who = f"{'preferences' if check.pairs else 'scores'} of annotators"
    title = f"{check.signal.column} against the {who}"
    main = Block(title, HEAD, (*shown, shift), tuple(above), align="lrl", main=True)
    return [table, *_annotators(check), *notes_block(grade_notes(check)), main]


def _annotators(check: GradedCheck) -> list[Block]:
    if check.person is None or check.judge is None:
        return []
    rows = tuple(
        (name, with_interval(one.exact), with_interval(one.kappa))
        for name, one in (("one annotator", check.person), ("the judge", check.judge))
    )
    return [Block("Against the mean of the other annotators", ("who", "equal", "weighted kappa"), rows)]


def grade_notes(check: GradedCheck) -> list[str]:
    """What you need to know to judge the figures."""
    notes = []
    if check.signal.stopped:
        notes.append(f"warning: the judge did not rate all answers: {check.signal.stopped}")
    if check.clusters < FEW_CLUSTERS:
        notes.append(f"warning: {check.clusters} clusters are few, so intervals are too narrow")
    if check.kappa.low is not None and check.kappa.low <= 0:
        notes.append(
            "warning: the interval of the weighted kappa includes 0, so the judge may be no better than chance"
        )
    if check.unscored:
        notes.append(f"{counted(check.unscored, 'answer')} without a score of the judge, not part of these figures")
    return [*notes, *issue_lines(check.ledger.entries)]


def grade_json(check: GradedCheck) -> dict[str, object]:
    """The JSON object of the check (docs/guides/judge-check.md)."""
    figures = ("exact", "near", "kappa", "error", "shift", "people_mean", "judge_mean")
    found = plain(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": "preferences" if check.pairs else "scores",
            "signal": {"metric": check.signal.written, "column": check.signal.column, "judge": check.signal.judge,
                       "settings": check.signal.settings},
            "labels": {"name": check.labels.name, "fingerprint": check.labels.fingerprint,
                       "answers": len(check.labels), "clusters": check.clusters},
            "scale": list(check.scale),
            "table": check.table.tolist(),
            "figures": {name: asdict(getattr(check, name)) for name in figures},
            "person": None if check.person is None else asdict(check.person),
            "judge": None if check.judge is None else asdict(check.judge),
            "unscored": check.unscored,
            "notes": grade_notes(check),
            "ledger": {"counts": check.ledger.counts()},
        }
    )  # fmt: skip
    assert isinstance(found, dict)
    return found


def write_grades(check: GradedCheck, folder: Path) -> None:
    """Write all files; the same check gives the same bytes. Preferences have no calibration."""
    check_folder(folder)
    write_json_lines(folder / ITEMS, _items(check))
    write_text(folder / SUMMARY, markdown(f"Judge check: {check.signal.written}", grade_blocks(check)))
    if not check.pairs:
        GradeCalibration.of(check).write(folder / CALIBRATION)
    write_json(folder / CHECK, grade_json(check), indent=1)


def _items(check: GradedCheck) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for one, people, judged in zip(
        check.labels, check.labels.scores.tolist(), check.signal.values.tolist(), strict=True
    ):
        votes = [{"person": vote.person, "score": vote.score} for vote in one.votes]
        score = None if judged != judged else judged
        rows.append({"id": one.item.query_id, "query_id": one.query_id, "cluster": one.cluster, "votes": votes,
                     "label": people, "score": score})  # fmt: skip
    return rows
