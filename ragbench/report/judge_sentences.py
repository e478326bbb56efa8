"""A judge against people, in plain words."""

from ragbench.harness.judge_check import JudgeCheck
from ragbench.harness.judge_people import People
from ragbench.report.compare_sentences import counted
from ragbench.report.tables import FEW_CLUSTERS, fraction, with_interval


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


def agreement(people: People) -> list[str]:
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
