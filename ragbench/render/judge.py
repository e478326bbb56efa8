"""A judge against the labels of annotators: on a terminal, as Markdown, as JSON, and its folder."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.answers.judge_check.annotators import Agreement
from ragbench.answers.judge_check.calibration import Calibration
from ragbench.answers.judge_check.check import JudgeCheck
from ragbench.answers.judge_check.figures import Figures
from ragbench.core.errors import SettingError
from ragbench.core.fingerprint import plain
from ragbench.core.ledger import issue_lines
from ragbench.core.spelling import given, named
from ragbench.io.answer_files import ANSWERS
from ragbench.io.files import make_out, write_json, write_json_lines, write_text
from ragbench.io.scored_runs import RESULTS
from ragbench.render.answers import model_block
from ragbench.render.blocks import Block, markdown, notes_block, terminal
from ragbench.render.evaluation import FEW_CLUSTERS
from ragbench.render.numbers import counted, fraction, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType


def opening(check: JudgeCheck) -> str:
    """The number of answers, and how often annotators and the judge say yes."""
    found = check.figures
    by = f" in {found.clusters:,} clusters" if found.clusters < found.n else ""
    judge = f" by {check.signal.judge}" if check.signal.judge else ""
    return (
        f"{check.labels.name}: {counted(found.n, 'answer')}{by}. Annotators say yes to "
        f"{with_interval(found.people_rate)} of them, {check.signal.column}{judge} to "
        f"{with_interval(found.judge_rate)}."
    )


def threshold_sentence(check: JudgeCheck) -> str:
    """The score from which the verdict is yes, and how it was chosen."""
    threshold = check.threshold
    way = "up to" if check.signal.lower_is_better else "from"
    start = f"The verdict is yes {way} a score of {_number(check.shown_threshold)}"
    if threshold.how == "given":
        return f"{start}, as given."
    if threshold.how == "binary":
        return f"{start}: scores are 0 or 1."
    low, high = check.shown_thresholds.min(), check.shown_thresholds.max()
    spread = f"{_number(low)} to {_number(high)}" if low < high else _number(low)
    return (
        f"{start}, where sensitivity + specificity is largest on these labels. The verdicts behind the figures come "
        f"from {threshold.folds}-fold cross-validation (thresholds {spread}), so the choice does not flatter them."
    )


def agreement(people: Agreement) -> list[str]:
    """How well annotators agree, and whether the judge agrees with them as well as one of them does."""
    who = f" by {counted(people.persons, 'annotator')}"
    lines = [
        f"{people.votes:,} labels of {counted(people.items, 'answer')}{who if people.persons else ''}: all agree on "
        f"{with_interval(people.unanimous)} of the answers. Krippendorff's alpha {with_interval(people.alpha)}.",
        f"Two annotators agree on an answer in {fraction(people.two_people)} of cases, the judge and one annotator in "
        f"{with_interval(people.judge_person)}.",
    ]
    if people.person_others.n:
        lines.append(
            f"One annotator agrees with the majority of the others in {with_interval(people.person_others)} of "
            f"cases (kappa {with_interval(people.person_others_kappa)}), the judge in "
            f"{with_interval(people.judge_others)} (kappa {with_interval(people.judge_others_kappa)})."
        )
    if people.correlation is not None:
        lines.append(
            f"Correlation of the score with the share of annotators who say yes: {fraction(people.correlation)}."
        )
    if people.soft_error is not None:
        lines.append(
            f"Mean squared difference of score and share: {fraction(people.soft_error)}; of the mean share and the "
            f"share: {fraction(people.soft_error_constant)}."
        )
    return lines


def judge_notes(check: JudgeCheck) -> list[str]:
    """What you need to know to judge the figures."""
    found, notes = check.figures, list[str]()
    if check.signal.stopped:
        notes.append(f"warning: the judge did not rate all answers: {check.signal.stopped}")
    if found.clusters < FEW_CLUSTERS:
        notes.append(f"warning: {found.clusters} clusters are few, so intervals are too narrow")
    area = found.auc
    if area.high is not None and area.high < 0.5:
        notes.append(
            "warning: the scores run against the annotators' labels; if low scores mean yes, check again with "
            f"{'no ' if check.signal.lower_is_better else ''}{named('lower_is_better')}"
        )
    elif area.low is not None and area.low <= 0.5:
        notes.append("warning: the interval of the ROC AUC includes .5, so the scores may be no better than chance")
    if found.accuracy.mean is not None and found.accuracy.mean <= found.commoner:
        notes.append(
            f"the accuracy is no higher than that of the more frequent label alone ({fraction(found.commoner)}); "
            "look at sensitivity, specificity and kappa"
        )
    sum_ = (found.sensitivity.mean or 0) + (found.specificity.mean or 0)
    if sum_ <= 1:
        notes.append("warning: sensitivity + specificity is at most 1: no later report can be corrected by this judge")
    tied = int((check.labels.shares == 0.5).sum())
    if tied:
        notes.append(
            f"{counted(tied, 'answer')} with as many yes as no: they have no majority, and only the section "
            "Annotators counts them"
        )
    if check.unscored:
        low, high = check.accuracy_bounds
        notes.append(
            f"warning: {counted(check.unscored, 'answer')} without a score; the accuracy would be {fraction(low)} if "
            f"all of these were judged wrongly, {fraction(high)} if rightly"
        )
    return notes + issue_lines(check.ledger.entries)


def _number(value: float) -> str:
    return fraction(value) if -1 <= value <= 1 else f"{value:g}"


SCHEMA_VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""
HEAD = ("figure", "value [95% interval]", "answers", "what it is")
PART_HEAD = ("part", "n", "yes", "sens.", "spec.", "accuracy", "ROC AUC [95% interval]")


def judge_tables(check: JudgeCheck, totals: Mapping[str, Mapping[str, object]]) -> "RenderableType":
    """What the judge took, slices and annotators, and then the figures of the whole."""
    return terminal([*model_block(totals, "judge"), *judge_blocks(check)])


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
    """The JSON object of a judge check (docs/guides/judge-check.md)."""
    threshold, signal = check.threshold, check.signal
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
                "lowest": float(check.shown_thresholds.min()),
                "highest": float(check.shown_thresholds.max()),
            },
            "figures": asdict(check.figures),
            "slices": [{"by": one.by, "part": one.part, "figures": asdict(one.figures)} for one in check.slices],
            "people": None if check.people is None else asdict(check.people),
            "unscored": {"answers": check.unscored, "accuracy_if": list(check.accuracy_bounds)},
            "settings": asdict(check.settings),
            "ledger": check.ledger.to_dict(),
        }
    )
    assert isinstance(found, dict)
    return found


def item_rows(check: JudgeCheck) -> list[dict[str, object]]:
    """A row per labelled answer: its votes, their majority, the score and the verdict."""
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
        ["sensitivity", with_interval(figures.sensitivity), str(yes), "share of annotators' yes found"],
        ["specificity", with_interval(figures.specificity), str(figures.n - yes), "share of annotators' no found"],
        ["kappa", with_interval(figures.kappa), str(figures.n), "agreement beyond chance"],
        ["accuracy", with_interval(figures.accuracy), str(figures.n),
         f"more frequent label alone: {fraction(figures.commoner)}"],
        ["ROC AUC", with_interval(figures.auc), str(figures.n), "of the scores, at no threshold"],
    ]  # fmt: skip


def part_rows(check: JudgeCheck) -> list[list[str]]:
    """A row per slice; a figure that needs a kind of answer the slice lacks is missing."""
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
    """Create the folder, and refuse one that holds something else.

    Raises:
        SettingError: the folder holds answers or an evaluation.
        InputError: the folder cannot be created.
    """
    if (folder / ANSWERS).exists() or (folder / RESULTS).exists():
        raise SettingError(f"{given('out', str(folder))}: holds answers or an evaluation; name another folder")
    make_out(folder)


def write_check(check: JudgeCheck, folder: Path) -> None:
    """Write all files; the same check gives the same bytes.

    Raises:
        SettingError, InputError: as `check_folder`.
    """
    check_folder(folder)
    write_json_lines(folder / ITEMS, item_rows(check))
    write_text(folder / SUMMARY, judge_markdown(check))
    Calibration.of(check).write(folder / CALIBRATION)
    write_json(folder / CHECK, judge_json(check), indent=1)
