"""Faithfulness: the share of an answer's statements that its sources support, as judged by a model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ragbench.answers.judge.replies import Lost
from ragbench.answers.judge.statements import Said, Statement, claims, split
from ragbench.answers.judge.verdicts import Held, Ruling, claim, judge
from ragbench.answers.metrics._cells import (
    NO_SOURCES,
    NO_STATEMENT,
    SILENT,
    Cell,
    Scored,
    Unscored,
    column,
    failed,
    session,
    texts_of,
    unscored,
)
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.errors import SettingError
from ragbench.core.ledger import Ledger, LedgerEntry

Judgement = tuple[Ruling, ...] | Lost


@dataclass(frozen=True)
class Faithfulness(AnswerMetric):
    """The share of the answer's statements that its sources support.

    The value is ``|supported| / |statements|``. A judge splits the answer into statements
    (one call) and gives each a verdict per source (one call per judgement; see
    `ragbench.answers.judge.verdicts`). Contradicted and not found both count as not supported.
    An abstention, or an answer without sources or statements, has no value.

    With ``repeats``, the verdicts are asked for several times. The value is the mean over
    the judgements, and the column ``faithfulness_flips`` is the share of statements whose
    verdict differs between them, which is the judge's noise. A lost judgement is in the
    issue log, and the value is the mean of the others.

    Source: Es et al. 2024 (RAGAS), whose judge sees all sources as one text.

    Attributes:
        repeats: judgements per answer.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"sources", "judge"})

    repeats: int = 1

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise SettingError(f"faithfulness: repeats is {self.repeats}; at least one judgement is needed")

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``faithfulness``, and with repeats ``faithfulness_flips``."""
        asked = session(context)
        cells: list[Cell | None] = [_before(answer) for answer in answers]
        rows = [at for at, cell in enumerate(cells) if cell is None]
        said = await split([Said(answers.items[at].query, answers.items[at].answer) for at in rows], asked)
        held: dict[int, Held] = {}
        for at, found in zip(rows, said, strict=True):
            if isinstance(found, Lost):
                cells[at] = unscored(found)
            elif not found:
                cells[at] = NO_STATEMENT
            else:
                held[at] = Held(answers.items[at].query, found, texts_of(answers.items[at]))
        judged = [await judge(list(held.values()), asked, repeat=repeat) for repeat in range(self.repeats)]
        by_row = dict(zip(held, zip(*judged, strict=True), strict=True))
        entries: list[LedgerEntry] = []
        for at, judgements in by_row.items():
            cells[at] = _cell(held[at].statements, judgements)
            entries += _lost(answers.items[at].query_id, judgements)
        return self._columns(answers, [cell for cell in cells if cell is not None], entries)

    def _columns(self, answers: AnswerSet, cells: Sequence[Cell], entries: Sequence[LedgerEntry]) -> list[Column]:
        value = column("faithfulness", answers, cells)
        value = replace(value, ledger=value.ledger + Ledger(tuple(entries)))
        if self.repeats == 1:
            return [value]
        flips = column("faithfulness_flips", answers, [_flips(cell) for cell in cells])
        return [value, replace(flips, direction="lower")]


def _before(answer: Answered) -> Unscored | None:
    """The cell of an answer that is not judged, or None."""
    if answer.failure:
        return failed(answer.failure)
    if abstained(answer):
        return SILENT
    return None if texts_of(answer) else NO_SOURCES


def _cell(statements: Sequence[Statement], judgements: Sequence[Judgement]) -> Cell:
    whole = [one for one in judgements if not isinstance(one, Lost)]
    if not whole:
        return unscored(next(one for one in judgements if isinstance(one, Lost)))
    kept = [claim(statement, rulings) for statement, rulings in zip(statements, zip(*whole, strict=True), strict=True)]
    value = np.mean([[verdict == "supported" for verdict in one["verdicts"]] for one in kept])
    return Scored(float(value), claims(kept, of="answer", against="sources"))


def _lost(query_id: str, judgements: Sequence[Judgement]) -> list[LedgerEntry]:
    """The lost judgements of an answer that has others."""
    lost = [(number, one) for number, one in enumerate(judgements, 1) if isinstance(one, Lost)]
    if len(lost) == len(judgements):
        return []
    return [
        LedgerEntry("score", query_id, f"faithfulness: judgement {number} of {len(judgements)}: {one.reason}", one.code)
        for number, one in lost
    ]


def _flips(cell: Cell) -> Cell:
    if isinstance(cell, Unscored):
        return cell
    detail = cell.detail
    flips = detail.get("flips") if isinstance(detail, dict) else None
    if not isinstance(flips, float):
        return Unscored("judge-repeats", "only one of the judgements gave verdicts")
    return Scored(flips)
