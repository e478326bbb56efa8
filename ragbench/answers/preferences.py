"""Compare the answers of two systems pair by pair, by what a judge prefers.

The judge sees each pair in both orders. An answer is preferred if the judge says so both times; everything else is a
tie (Zheng et al. 2023, "Judging LLM-as-a-judge with MT-bench and Chatbot Arena"). In a column of scores, the preferred
answer has 1, the other 0, and both have .5 in a tie.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge.prefer import SWAPPED, Compared, Preferred, Said, Side, prefer
from ragbench.answers.judge.replies import Lost, Session
from ragbench.answers.judge.rubric import Rubric
from ragbench.answers.judge_check.figures import rate
from ragbench.answers.metrics._cells import reference, texts_of
from ragbench.answers.scoring import Judge, align_answers, circular, with_reference
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.evaluations import Estimate
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.loop import LoopThread
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.core.turns import in_conversation
from ragbench.engine import UntilEnded
from ragbench.stats.clusters import cluster_index

STAGE = "prefer"


@brief
@dataclass(frozen=True)
class Choice:
    """What is known of one pair of answers.

    Attributes:
        query_id: the query.
        value: 1 if the candidate's answer is preferred, -1 if the baseline's is, 0 for a tie; None without a verdict.
        why: ``judged``, ``identical`` (the same text: a tie), ``failed`` (one of them has no answer, and loses), or
            the code of the issue log for a pair without a verdict.
        said: what the judge said with the baseline's answer first, and with the candidate's first; empty if it was not
            asked, or gave no verdict.
        reasons: its reasons, in the same order.
        longer: 1 if the candidate's answer has more words, -1 if the baseline's has, 0 for as many.
    """

    query_id: str
    value: int | None
    why: str
    said: tuple[Said, ...] = ()
    reasons: tuple[str, ...] = ()
    longer: int = 0

    @property
    def consistent(self) -> bool:
        """Whether the judge said the same in both orders."""
        return bool(self.said) and self.said[0] == SWAPPED[self.said[1]]


@brief
@dataclass(frozen=True)
class Preference:
    """The preferences by one rubric.

    Attributes:
        rubric: the rubric.
        choices: one per query, in their order.
        consistent: share of the judged pairs on which the judge said the same in both orders.
        first: share of the judge's decided verdicts that chose the answer it saw first. Every pair is seen in both
            orders, so a judge without a position bias has .5, whichever answers are better.
        longer: share of the decided pairs in which the longer answer is preferred.
    """

    rubric: Rubric
    choices: tuple[Choice, ...]
    consistent: Estimate
    first: Estimate
    longer: Estimate

    def count(self, value: int) -> int:
        """Number of pairs with this value."""
        return sum(choice.value == value for choice in self.choices)


@brief
@dataclass(frozen=True, eq=False)
class Preferences:
    """The preferences of a judge between the answers of two systems.

    Attributes:
        baseline, candidate: the two systems, with a column for each rubric: 1, .5 or 0 for each query.
        by_rubric: the preferences by each rubric.
        ledger: what failed, and why a pair has no verdict.
        stopped: why the judge stopped early, or empty.
        warnings: reasons to doubt the judge.
        notes: what a reader must know.
    """

    baseline: ScoredRun
    candidate: ScoredRun
    by_rubric: tuple[Preference, ...]
    ledger: Ledger = field(default_factory=Ledger)
    stopped: str = ""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def preferences(
    baseline: AnswerSet,
    candidate: AnswerSet,
    golden: GoldenSet,
    rubrics: Sequence[Rubric],
    judge: Judge,
    context: Context,
) -> Preferences:
    """Ask the judge which answer is better, for each query of the golden set and each rubric.

    The same text twice is a tie, and is not judged. An answer that failed loses against one that did not; if both
    failed, the pair has no value. Of systems that ran several times, the first run counts.

    Args:
        baseline: the answers of one system.
        candidate: the answers of the other.
        golden: the queries, with their documents for the intervals.
        rubrics: what to compare by.
        judge: the judge.
        context: progress.

    Raises:
        InputError: no answer belongs to a query of the golden set.
    """
    entries: list[LedgerEntry] = []
    sides: list[AnswerSet] = []
    failures: list[int] = []
    for answers in (baseline, candidate):
        aligned, own, counts = align_answers(answers, golden)
        entries += [entry._replace(stage=STAGE, item=f"{answers.name}: {entry.item}") for entry in own]
        sides.append(aligned)
        failures.append(counts["failed"] + counts["missing"])
    pairs = list(zip(sides[0], sides[1], golden, strict=True))
    asker = UntilEnded(judge.asker)
    session = Session(asker, context)
    queries = QueryTable.of(golden)
    clusters = cluster_index(queries.units)
    found = list[Preference]()
    loop = judge.loop or LoopThread("prefer")
    try:
        for rubric in rubrics:
            choices, own = loop.run(_choices(pairs, rubric, session))
            entries += own
            found.append(_measured(rubric, choices, clusters))
    finally:
        if judge.loop is None:
            loop.close()
    ledger = Ledger(tuple(entries))
    several = [answers.name for answers in (baseline, candidate) if answers.repeats]
    runs = [
        _scored(side, found, queries, sign, ledger, failed, _manifest(golden, (baseline, candidate), rubrics, judge))
        for side, sign, failed in zip(sides, (-1, 1), failures, strict=True)
    ]
    return Preferences(
        runs[0],
        runs[1],
        tuple(found),
        baseline.ledger + candidate.ledger + golden.ledger + ledger,
        str(asker.ended) if asker.ended else "",
        tuple(dict.fromkeys((*circular(sides[0], judge.name), *circular(sides[1], judge.name)))),
        tuple(f"{name} ran several times; the answers of its first run are compared" for name in several),
    )


Pair = tuple[Answered, Answered, GoldenItem]


async def _choices(
    pairs: Sequence[Pair], rubric: Rubric, session: Session
) -> tuple[tuple[Choice, ...], list[LedgerEntry]]:
    before = [_before(pair, rubric) for pair in pairs]
    came = iter(await prefer([one for one in before if isinstance(one, Compared)], rubric, session))
    choices, entries = list[Choice](), list[LedgerEntry]()
    for one, (baseline, candidate, _) in zip(before, pairs, strict=True):
        if isinstance(one, Compared):
            choice, reason = _judged(baseline, candidate, *next(came))
        else:
            choice, reason = one
        choices.append(choice)
        if reason:
            entries.append(LedgerEntry("score", choice.query_id, f"{rubric.name}: {reason}", choice.why))
    return tuple(choices), entries


def _before(pair: Pair, rubric: Rubric) -> Compared | tuple[Choice, str]:
    """What the judge is asked, or the choice that is known without it, and why it has no value."""
    baseline, candidate, item = pair
    id_ = item.id
    if baseline.failure and candidate.failure:
        return Choice(id_, None, "answer-failed"), "neither system has an answer"
    if baseline.failure or candidate.failure:
        return Choice(id_, 1 if baseline.failure else -1, "failed"), ""
    if baseline.answer.split() == candidate.answer.split():
        return Choice(id_, 0, "identical"), ""
    expected = ""
    if "reference" in rubric.shows:
        expected = reference(with_reference(with_reference(item, baseline), candidate)) or ""
        if not expected:
            return Choice(id_, None, "no-reference"), "there is no reference answer for this query"
    one, other = (Side(side.answer, list(texts_of(side).values())) for side in (baseline, candidate))
    return Compared(in_conversation(item.text, item.history), one, other, expected)


def _judged(
    baseline: Answered, candidate: Answered, ours: Preferred | Lost, theirs: Preferred | Lost
) -> tuple[Choice, str]:
    for one in (ours, theirs):
        if isinstance(one, Lost):
            return Choice(baseline.query_id, None, one.code), one.reason
    assert isinstance(ours, Preferred)
    assert isinstance(theirs, Preferred)
    said, values = (ours.better, theirs.better), {"first": -1, "second": 1, "tie": 0}
    value = values[ours.better] if ours.better == SWAPPED[theirs.better] else 0
    longer = int(np.sign(len(candidate.answer.split()) - len(baseline.answer.split())))
    return Choice(baseline.query_id, value, "judged", said, (ours.reasons, theirs.reasons), longer), ""


def _measured(rubric: Rubric, choices: tuple[Choice, ...], clusters: npt.NDArray[np.int64]) -> Preference:
    judged = np.array([bool(choice.said) for choice in choices])
    consistent = np.array([choice.consistent for choice in choices])
    said = np.array([(one.said if one.said else ("tie", "tie")) for one in choices]).T.ravel()
    length = np.array([choice.longer for choice in choices])
    value = np.array([choice.value or 0 for choice in choices])
    return Preference(
        rubric,
        choices,
        consistent=rate(consistent, clusters, judged),
        first=rate(said == "first", np.tile(clusters, 2), said != "tie"),
        longer=rate(length == value, clusters, judged & (value != 0) & (length != 0)),
    )


def _scored(
    answers: AnswerSet,
    found: Sequence[Preference],
    queries: QueryTable,
    sign: int,
    ledger: Ledger,
    failed: int,
    manifest: Mapping[str, object],
) -> ScoredRun:
    """One system, with a column for each rubric. ``sign`` is 1 for the candidate and -1 for the baseline."""
    values = np.array(
        [[np.nan if one.value is None else (1 + sign * one.value) / 2 for one in each.choices] for each in found]
    ).T
    names = tuple(each.rubric.name for each in found)
    reasons = Ledger(tuple(entry for entry in ledger.entries if entry.stage == "score"))
    return ScoredRun(
        answers.name, Scores(queries.ids, names, values, reasons), queries, failed=failed, manifest=manifest
    )


def _manifest(
    golden: GoldenSet, systems: Sequence[AnswerSet], rubrics: Sequence[Rubric], judge: Judge
) -> dict[str, object]:
    return {
        "kind": "answers",
        "golden": {"name": golden.name, "fingerprint": golden.fingerprint, "queries": len(golden)},
        "answers": {"name": " and ".join(one.name for one in systems)},
        "preference": {
            "systems": [{"name": one.name, "fingerprint": one.fingerprint} for one in systems],
            "rubrics": {one.name: one.fingerprint for one in rubrics},
        },
        "metrics": {one.name: f"preference by {one.name} {one.fingerprint}" for one in rubrics},
        "judge": judge.name,
        "versions": {"ragbench": version("ragbench")},
    }
