"""A judge against people: tables, Markdown and JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.answers.judge_check.annotators import Agreement
from ragbench.answers.judge_check.calibration import Calibration
from ragbench.answers.judge_check.check import JudgeCheck
from ragbench.answers.judge_check.figures import Figures
from ragbench.core.errors import SettingError
from ragbench.core.fingerprint import plain
from ragbench.io.answer_files import ANSWERS
from ragbench.io.files import make_out, write_text
from ragbench.io.scored_runs import RESULTS
from ragbench.render.blocks import Block, markdown, notes_block, terminal
from ragbench.render.evaluation import FEW_CLUSTERS
from ragbench.render.numbers import counted, fraction, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType


def opening(check: JudgeCheck) -> str:
    """How many answers, and how often people and the judge say yes."""
    found = check.figures
    by = f" in {found.clusters:,} clusters" if found.clusters < found.n else ""
    judge = f" by {check.signal.judge}" if check.signal.judge else ""
    return (
        f"{check.labels.name}: {counted(found.n, 'answer')}{by}. People say yes to {with_interval(found.people_rate)} "
        f"of them, {check.signal.column}{judge} to {with_interval(found.judge_rate)}."
    )


def threshold_sentence(check: JudgeCheck) -> str:
    """From which score on the verdict is yes, and where that is from."""
    threshold = check.threshold
    way = "up to" if check.signal.lower_is_better else "from"
    start = f"The verdict is yes {way} a score of {_number(check.shown_threshold)}"
    if threshold.how == "given":
        return f"{start}, as given."
    if threshold.how == "binary":
        return f"{start}: scores are 0 or 1."
    ends = sorted(-end if check.signal.lower_is_better else end for end in (threshold.lowest, threshold.highest))
    spread = f"{_number(ends[0])} to {_number(ends[1])}" if ends[0] < ends[1] else _number(ends[0])
    return (
        f"{start}, where sensitivity + specificity is largest on these labels. The verdicts behind the figures come "
        f"from {threshold.folds}-fold cross-validation (thresholds {spread}), so the choice does not flatter them."
    )


def agreement(people: Agreement) -> list[str]:
    """What people agree on, and whether the judge is as good as one of them."""
    who = f" by {counted(people.persons, 'person') if people.persons < 2 else f'{people.persons} people'}"
    lines = [
        f"{people.votes:,} labels of {counted(people.items, 'answer')}{who if people.persons else ''}: all agree on "
        f"{with_interval(people.unanimous)} of the answers. Krippendorff's alpha {with_interval(people.alpha)}.",
        f"Two people agree on an answer in {fraction(people.two_people)} of cases, the judge and one person in "
        f"{with_interval(people.judge_person)}.",
    ]
    if people.person_others.n:
        lines.append(
            f"With the majority of the other people one person agrees in {with_interval(people.person_others)} of "
            f"cases (kappa {with_interval(people.person_others_kappa)}), the judge in "
            f"{with_interval(people.judge_others)} (kappa {with_interval(people.judge_others_kappa)})."
        )
    if people.correlation is not None:
        lines.append(f"Correlation of the score with the share of people who say yes: {fraction(people.correlation)}.")
    if people.soft_error is not None:
        lines.append(
            f"Mean squared difference of score and share: {fraction(people.soft_error)}; of the mean share and the "
            f"share: {fraction(people.soft_error_constant)}."
        )
    return lines


def judge_notes(check: JudgeCheck) -> list[str]:
    """What a reader must know before the figures are believed."""
    found, notes = check.figures, list[str]()
    if check.signal.stopped:
        notes.append(f"warning: the judge could not be asked to the end: {check.signal.stopped}")
    if found.clusters < FEW_CLUSTERS:
        notes.append(f"warning: {found.clusters} clusters are few: intervals are too narrow")
    area = found.auc
    if area.high is not None and area.high < 0.5:
        notes.append(
            "warning: the scores run against people's labels; if low scores mean yes, check again with "
            f"{'no ' if check.signal.lower_is_better else ''}--lower-is-better"
        )
    elif area.low is not None and area.low <= 0.5:
        notes.append("warning: by the interval of the ROC AUC the scores may be no better than chance")
    if found.accuracy.mean is not None and found.accuracy.mean <= found.commoner:
        notes.append(
            f"the accuracy is no higher than that of always giving the commoner label ({fraction(found.commoner)}); "
            "look at sensitivity, specificity and kappa"
        )
    sum_ = (found.sensitivity.mean or 0) + (found.specificity.mean or 0)
    if sum_ <= 1:
        notes.append("warning: sensitivity + specificity is at most 1: no later report can be corrected by this judge")
    tied = int((check.labels.shares == 0.5).sum())
    if tied:
        notes.append(f"{counted(tied, 'answer')} with as many yes as no: without a majority, in no figure above People")
    if check.unscored:
        low, high = check.accuracy_bounds
        notes.append(
            f"warning: {counted(check.unscored, 'answer')} without a score; the accuracy would be {fraction(low)} if "
            f"all of these were judged wrongly, {fraction(high)} if rightly"
        )
    for code, count in check.ledger.counts().items():
        first = check.ledger.of(code)[0]
        notes.append(f"{count} x {code} (first: {first.item}: {first.reason})")
    return notes


def _number(value: float) -> str:
    return fraction(value) if -1 <= value <= 1 else f"{value:g}"


SCHEMA_VERSION = 1
"""Of the JSON object; raised when a key changes its meaning or goes."""
HEAD = ("figure", "value [95% interval]", "answers", "what it is")
PART_HEAD = ("part", "n", "yes", "sens.", "spec.", "accuracy", "ROC AUC [95% interval]")


def judge_tables(check: JudgeCheck) -> "RenderableType":
    """Slices and annotators first, then the figures of the whole."""
    return terminal(judge_blocks(check))


def judge_markdown(check: JudgeCheck) -> str:
    """The same for a pull request."""
    return markdown(f"Judge check: {check.signal.written}", judge_blocks(check))


def judge_blocks(check: JudgeCheck) -> list[Block]:
    """Slices, the agreement of annotators, notes, and the figures of the whole."""
    found = []
    if check.slices:
        found.append(Block("Slices", PART_HEAD, tuple(part_rows(check))))
    if check.people is not None:
        found.append(Block("Annotators", lines=tuple(agreement(check.people))))
    title = f"{check.signal.written} against the labels of annotators"
    above = (opening(check), threshold_sentence(check))
    figures = Block(title, HEAD, tuple(figure_rows(check.figures)), above=above, align="lrrl", main=True)
    return [*found, *notes_block(judge_notes(check)), figures]


def judge_json(check: JudgeCheck) -> dict[str, object]:
    """The whole object (docs/guides/judge-check.md)."""
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
