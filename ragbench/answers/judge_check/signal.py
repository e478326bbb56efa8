"""Score labelled answers with a judge or a signal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge_check.labels import LabelSet
from ragbench.answers.metrics.base import AnswerMetric, Column, ScoringContext
from ragbench.answers.scoring import Judge, named_metrics, with_reference
from ragbench.core.answers import Answered
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.goldens import GoldenItem
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.loop import LoopThread
from ragbench.core.spelling import named
from ragbench.engine import UntilEnded
from ragbench.plugins import Spec

OF_FILE = "column:"


@brief
@dataclass(frozen=True, eq=False)
class Signal:
    """A score per labelled answer.

    Attributes:
        written: the user's name for it: a metric with its settings, or ``column:NAME``.
        column: the column of scores.
        values: (n,) in the order of the labels; NaN for a missing score.
        lower_is_better: whether low scores mean yes.
        settings: the metric with all its settings; empty for a column of the file.
        judge: the model that judged; None without one.
        ledger: the reason of every NaN.
        stopped: why the judge stopped early, or empty.
    """

    written: str
    column: str
    values: npt.NDArray[np.float64]
    lower_is_better: bool = False
    settings: str = ""
    judge: str | None = None
    ledger: Ledger = field(default_factory=Ledger)
    stopped: str = ""

    @property
    def upward(self) -> npt.NDArray[np.float64]:
        """The values, with their sign changed if necessary so that high means yes."""
        return -self.values if self.lower_is_better else self.values


def signal_of(
    labels: LabelSet,
    written: str,
    *,
    column: str | None = None,
    lower_is_better: bool = False,
    judge: Judge | None = None,
    context: Context | None = None,
) -> Signal:
    """Score the labelled answers with a metric, or use the scores of the file.

    Args:
        labels: the answers.
        written: an answer metric (``grounding``, ``faithfulness:...``), or ``column:NAME``.
        column: the column of a metric that gives several; by default the one named like the metric.
        lower_is_better: whether low scores mean yes, if the metric does not say so itself.
        judge: the judge, for metrics that need one.
        context: cache, seed and progress.

    Raises:
        SettingError: the metric or column is unknown, or the judge is missing.
        InputError: a score of the file is not a number.
    """
    if written.startswith(OF_FILE):
        name = written.removeprefix(OF_FILE)
        values, ledger = _of_file(labels, name)
        return Signal(written, name, values, lower_is_better, ledger=ledger)
    ((_, metric),) = named_metrics([written], judge=judge is not None).items()
    asker = UntilEnded(judge.asker) if judge else None
    found = _chosen(_scored(labels, metric, asker, judge, context or Context()), column, written)
    return Signal(
        written,
        found.name,
        found.values,
        lower_is_better or found.direction == "lower",
        repr(metric),
        judge.name if judge and "judge" in metric.needs else None,
        found.ledger,
        str(asker.ended) if asker and asker.ended else "",
    )


def _scored(
    labels: LabelSet, metric: AnswerMetric, asker: UntilEnded | None, judge: Judge | None, context: Context
) -> list[Column]:
    asked = ScoringContext(
        golden=[_expected(one.item) for one in labels],
        judge=asker,
        judge_name=judge.name if judge else "",
        context=context,
    )
    loop = judge.loop if judge and judge.loop else LoopThread("judge-check")
    try:
        return loop.run(metric.score(labels.answers, asked))
    finally:
        if judge is None or loop is not judge.loop:
            loop.close()


def _expected(item: Answered) -> GoldenItem | None:
    """What the file of labels says should be answered (column ``reference``), or None."""
    bare = GoldenItem(item.query_id, item.query or item.query_id)
    found = with_reference(bare, item)
    return None if found is bare else found


def _chosen(columns: list[Column], wanted: str | None, written: str) -> Column:
    by_name = {column.name: column for column in columns}
    if wanted is None and len(columns) == 1:
        return columns[0]
    if wanted is None and (name := Spec.parse(written).name) in by_name:
        return by_name[name]
    if wanted is None:
        raise SettingError(
            f"metric {written!r} gives {', '.join(by_name)}; name the one to check with {named('score')}"
        )
    if wanted not in by_name:
        raise SettingError(f"metric {written!r} gives no {wanted!r}{did_you_mean(wanted, by_name)}")
    return by_name[wanted]


def _of_file(labels: LabelSet, name: str) -> tuple[npt.NDArray[np.float64], Ledger]:
    known = sorted({key for one in labels for key in one.item.metadata})
    if name not in known:
        raise SettingError(f"labels {labels.name!r} have no column {name!r}{did_you_mean(name, known)}")
    values, entries = np.full(len(labels), np.nan), []
    for at, one in enumerate(labels):
        value = _number(labels.name, one.item.query_id, name, one.item.metadata)
        if value is None:
            entries.append(LedgerEntry("score", one.item.query_id, f"{name}: the cell is empty", "no-score"))
        else:
            values[at] = value
    return values, Ledger(tuple(entries))


def _number(where: str, id_: str, name: str, metadata: Mapping[str, object]) -> float | None:
    value = metadata.get(name)
    if value is None or value == "":
        return None
    word = str(value).strip().lower()
    if word in ("true", "false"):
        return float(word == "true")
    try:
        number = float(word)
    except ValueError:
        number = np.inf
    if np.isnan(number):
        return None
    if np.isinf(number):
        raise InputError(f"labels {where!r}: {name!r} of {id_} must be a number, it is {value!r:.60}")
    return number
