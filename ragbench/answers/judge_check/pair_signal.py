"""What a judge prefers in pairs of answers that annotators compared, as a score of -1, 0 or 1."""

from collections.abc import Sequence

import numpy as np

from ragbench.answers.judge.prefer import SWAPPED, Compared, Side, prefer
from ragbench.answers.judge.replies import Lost, Session
from ragbench.answers.judge.rubric import Rubric
from ragbench.answers.judge_check.labels import LabelSet
from ragbench.answers.judge_check.signal import Signal
from ragbench.answers.metrics._cells import references, texts_of
from ragbench.answers.scoring import Judge, with_reference
from ragbench.core.context import Context
from ragbench.core.goldens import GoldenItem
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.loop import LoopThread
from ragbench.engine import UntilEnded

SCALE = (-1, 0, 1)


def preference_signal(
    labels: LabelSet, second: Sequence[str], rubric: Rubric, judge: Judge, context: Context
) -> Signal:
    """Ask the judge about each pair in both orders: -1 for the first answer, 1 for the second, 0 for a tie.

    Args:
        labels: the first answers, with the labels of annotators.
        second: the second answers.
        rubric: what to compare by.
        judge: the judge.
        context: progress.
    """
    asker = UntilEnded(judge.asker)
    pairs = []
    for one, other in zip(labels, second, strict=True):
        item = with_reference(GoldenItem(one.item.query_id, one.item.query or "-"), one.item)
        expected = next(iter(references(item)), "(none)")
        sources = list(texts_of(one.item).values())
        pairs.append(Compared(one.item.query, Side(one.item.answer, sources), Side(other, sources), expected))
    loop = judge.loop or LoopThread("judge-check")
    try:
        found = loop.run(prefer(pairs, rubric, Session(asker, context)))
    finally:
        if judge.loop is None:
            loop.close()
    values, entries = np.full(len(labels), np.nan), list[LedgerEntry]()
    for at, (one, both) in enumerate(zip(labels, found, strict=True)):
        lost = [said for said in both if isinstance(said, Lost)]
        said = [answer.better for answer in both if not isinstance(answer, Lost)]
        if lost:
            entries.append(LedgerEntry("score", one.item.query_id, f"{rubric.name}: {lost[0].reason}", lost[0].code))
        else:
            values[at] = {"first": -1, "second": 1, "tie": 0}[said[0]] if said[0] == SWAPPED[said[1]] else 0
    return Signal(
        f"preference by {rubric.name}", rubric.name, values, settings=f"preference {rubric.fingerprint}",
        judge=judge.name, ledger=Ledger(tuple(entries)), stopped=str(asker.ended) if asker.ended else "",
    )  # fmt: skip
