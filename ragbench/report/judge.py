"""A judge against people: tables, Markdown and JSON."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ragbench.core.fingerprint import plain
from ragbench.harness.judge_check import JudgeCheck
from ragbench.harness.judge_figures import Figures
from ragbench.report.judge_sentences import agreement, judge_notes, opening, threshold_sentence
from ragbench.report.markdown import escaped
from ragbench.report.markdown import table as markdown_table
from ragbench.report.tables import fraction, with_interval

SCHEMA_VERSION = 1
"""Of the JSON object; raised when a key changes its meaning or goes."""
HEAD = ("figure", "value [95% interval]", "answers", "what it is")
PART_HEAD = ("part", "n", "yes", "sens.", "spec.", "accuracy", "ROC AUC [95% interval]")


def judge_tables(check: JudgeCheck) -> RenderableType:
    """Slices first, and last, where the eye ends, the figures of the whole."""
    parts: list[RenderableType] = []
    if check.slices:
        parts += [Text("By part", style="bold"), _table(PART_HEAD, part_rows(check)), Text()]
    if check.people is not None:
        parts += [Text("People", style="bold"), *(Text(line) for line in agreement(check.people)), Text()]
    parts += [Text(f"{check.signal.written} against people's labels", style="bold")]
    parts += [Text(opening(check)), Text(threshold_sentence(check))]
    parts += [Text(note, style="yellow") for note in judge_notes(check)]
    return Group(*parts, _table(HEAD, figure_rows(check.figures)))


def judge_markdown(check: JudgeCheck) -> str:
    """The same for a pull request."""
    parts = [
        f"# {escaped(check.signal.written)} against people's labels",
        f"{escaped(opening(check))} {escaped(threshold_sentence(check))}",
        markdown_table(HEAD, figure_rows(check.figures)),
    ]
    if check.people is not None:
        parts += ["## People", "\n".join(f"- {escaped(line)}" for line in agreement(check.people))]
    if check.slices:
        parts += ["## By part", markdown_table(PART_HEAD, part_rows(check))]
    notes = judge_notes(check)
    if notes:
        parts += ["## To know", "\n".join(f"- {escaped(note)}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def judge_json(check: JudgeCheck) -> dict[str, object]:
    """The whole object (docs/judge-check.md)."""
    threshold, signal = check.threshold, check.signal
    ends = [-end if signal.lower_is_better else end for end in (threshold.lowest, threshold.highest)]
    found = plain(
        {
            "schema_version": SCHEMA_VERSION,
            "sentences": [opening(check), threshold_sentence(check)],
            "notes": judge_notes(check),
            "signal": {
                "metric": signal.written,
                "settings": signal.settings,
                "column": signal.column,
                "judge": signal.judge,
                "lower_is_better": signal.lower_is_better,
            },
            "labels": {
                "name": check.labels.name,
                "fingerprint": check.labels.fingerprint,
                "answers": len(check.labels),
                "clusters": int(check.labels.clusters.max()) + 1,
                "tied": int((check.labels.shares == 0.5).sum()),
            },
            "threshold": {
                "value": check.shown_threshold,
                "how": threshold.how,
                "folds": threshold.folds,
                "lowest": min(ends),
                "highest": max(ends),
            },
            "figures": asdict(check.figures),
            "slices": [{"by": one.by, "part": one.part, "figures": asdict(one.figures)} for one in check.slices],
            "people": None if check.people is None else asdict(check.people),
            "unscored": {"answers": check.unscored, "accuracy_if": list(check.accuracy_bounds)},
            "settings": asdict(check.settings),
            "ledger": {
                "counts": check.ledger.counts(),
                "entries": [entry._asdict() for entry in check.ledger.entries],
            },
        }
    )
    assert isinstance(found, dict)
    return found


def item_rows(check: JudgeCheck) -> list[dict[str, object]]:
    """A row per labelled answer: the votes as they are, their majority, the score and the verdict."""
    verdicts = dict(zip(check.rows.tolist(), check.threshold.verdicts.tolist(), strict=True))
    rows: list[dict[str, object]] = []
    for at, one in enumerate(check.labels):
        score = float(check.signal.values[at])
        rows.append(
            {
                "id": one.item.query_id,
                "query_id": one.query_id,
                "cluster": one.cluster,
                "votes": [{"person": vote.person, "positive": vote.positive} for vote in one.votes],
                "share": one.share,
                "label": None if one.share == 0.5 else one.share > 0.5,
                "score": None if score != score else score,
                "verdict": verdicts.get(at),
            }
        )
    return rows


def figure_rows(figures: Figures) -> list[list[str]]:
    """Name, value, answers and meaning of each figure."""
    yes = figures.true_positive + figures.false_negative
    return [
        ["sensitivity", with_interval(figures.sensitivity), str(yes), "of people's yes, the judge's yes"],
        ["specificity", with_interval(figures.specificity), str(figures.n - yes), "of people's no, the judge's no"],
        ["kappa", with_interval(figures.kappa), str(figures.n), "agreement beyond chance"],
        ["accuracy", with_interval(figures.accuracy), str(figures.n),
         f"always the commoner: {fraction(figures.commoner)}"],
        ["ROC AUC", with_interval(figures.auc), str(figures.n), "of scores, no threshold"],
    ]  # fmt: skip


def part_rows(check: JudgeCheck) -> list[list[str]]:
    """A row per slice; a row without a kind of answers lacks what needs it."""
    rows = []
    for one in check.slices:
        found = one.figures
        rows.append(
            [
                f"{one.by}: {one.part}",
                str(found.n),
                fraction(found.people_rate.mean),
                fraction(found.sensitivity.mean),
                fraction(found.specificity.mean),
                fraction(found.accuracy.mean),
                with_interval(found.auc),
            ]
        )
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for at, name in enumerate(head):
        left = at == 0 or name == HEAD[-1]
        table.add_column(name, justify="left" if left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
