"""Summarise a scored submission: means with intervals, counts, kinds of questions, and the worst rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ragbench.answers.wattbot.score.parts import METRICS, Rows, Scored, taken
from ragbench.answers.wattbot.score.references import reference_set
from ragbench.answers.wattbot.score.strict import kinds_of
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import SettingError
from ragbench.core.fingerprint import fingerprint_texts
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.scores import Scores
from ragbench.core.spelling import named
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import mean_interval


class Mean(NamedTuple):
    """A mean with its interval. The ends are None if the questions are about fewer than two documents."""

    mean: float
    low: float | None
    high: float | None


@brief
class Kind(NamedTuple):
    """Questions of one kind: their number, and the mean of each of `METRICS`."""

    name: str
    rows: int
    means: tuple[float, ...]


@brief
class Row(NamedTuple):
    """One row: the question, the truth, the prediction, and the score."""

    id: str
    question: str
    kind: str
    true_value: str
    given_value: str
    true_references: str
    given_references: str
    parts: tuple[float, ...]


@brief
@dataclass(frozen=True)
class Summary:
    """The summary of a submission.

    Attributes:
        name: name of the submission.
        rules: ``strict`` or ``lesson``.
        rows: number of scored rows.
        missing: rows without a prediction, which count as 0 (strict) or not at all (lesson).
        units: number of independent units: the documents that questions are about.
        confidence: confidence level of the intervals.
        means: by metric, in the order of `METRICS`.
        kinds: by kind of question.
        worst: the lowest rows that are not perfect, lowest first, then in the order of the truth.
        imperfect: number of rows that are not perfect.
        counts: number of issues by code.
    """

    name: str
    rules: str
    rows: int
    missing: int
    units: int
    confidence: float
    means: dict[str, Mean]
    kinds: tuple[Kind, ...]
    worst: tuple[Row, ...]
    imperfect: int
    counts: dict[str, int]


def summarise(
    scored: Scored, *, rules: str, worst: int = 5, seed: int = 0, resamples: int = 10_000, confidence: float = 0.95
) -> Summary:
    """Summarise a scored submission.

    Args:
        scored: the rows.
        rules: the rules of the score, for the record.
        worst: number of lowest rows to show.
        seed: seed of the resampling.
        resamples: number of resamples for resampled intervals.
        confidence: confidence level of the intervals.

    Raises:
        SettingError: a setting is out of its range.
    """
    if worst < 0 or seed < 0:
        raise SettingError(f"{named('worst')} is {worst} and {named('seed')} is {seed}; both must be 0 or more")
    table = question_table(scored)
    clusters = cluster_index(table.units)
    rng = generator(seed, "wattbot", "intervals")
    low, high, _ = mean_interval(scored.parts, clusters, rng, resamples=resamples, confidence=confidence, levels=True)
    ends = [[None if np.isnan(end) else float(end) for end in side] for side in (low, high)]
    means = scored.parts.mean(axis=0).tolist()
    kinds = np.array(table.types)
    order = np.argsort(scored.parts[:, 0], kind="stable")
    lacking = np.flatnonzero((scored.parts < 1.0).any(axis=1))
    imperfect = order[np.isin(order, lacking)]
    return Summary(
        name=scored.predictions.name,
        rules=rules,
        rows=len(scored),
        missing=len(scored.truth) - int((np.bincount(scored.truth_rows[scored.prediction_rows >= 0]) > 0).sum()),
        units=int(clusters.max()) + 1,
        confidence=confidence,
        means={name: Mean(*cells) for name, *cells in zip(METRICS, means, *ends, strict=True)},
        kinds=tuple(
            Kind(str(kind), int((kinds == kind).sum()), tuple(scored.parts[kinds == kind].mean(axis=0).tolist()))
            for kind in sorted(set(table.types))
        ),
        worst=tuple(rows_of(scored, imperfect[:worst])),
        imperfect=len(imperfect),
        counts=scored.ledger.counts(),
    )


def rows_of(scored: Scored, at: Rows) -> list[Row]:
    """These rows, in this order.

    Args:
        scored: all rows.
        at: the rows to select.
    """
    mine, theirs = scored.truth_rows[at], scored.prediction_rows[at]
    truth, given = scored.truth, scored.predictions
    kinds = kinds_of(truth)
    columns = (
        taken(truth.ids, mine),
        taken(truth.questions, mine),
        [kinds[row] for row in mine.tolist()],
        taken(truth.values, mine),
        taken(given.values, theirs),
        taken(truth.references, mine),
        taken(given.references, theirs),
        [tuple(parts) for parts in scored.parts[at].tolist()],
    )
    return [Row(*cells) for cells in zip(*columns, strict=True)]


def question_table(scored: Scored) -> QueryTable:
    """The questions with their kind. Questions about the same document are resampled together."""
    kinds = kinds_of(scored.truth)
    ids, written = scored.ids, taken(scored.truth.references, scored.truth_rows)
    sets = {text: sorted(reference_set(text)) for text in set(written)}
    units = [
        f"document:{sets[text][0]}" if len(sets[text]) == 1 else f"query:{id_}"
        for id_, text in zip(ids, written, strict=True)
    ]
    questions = taken(scored.truth.questions, scored.truth_rows)
    return QueryTable(ids, questions, [kinds[row] for row in scored.truth_rows.tolist()], units)


def scored_run(scored: Scored) -> ScoredRun:
    """The submission as input of a comparison, with the metrics of `METRICS`."""
    table = question_table(scored)
    truth = scored.truth
    golden = fingerprint_texts(truth.ids.to_pylist(), truth.values.to_pylist(), truth.references.to_pylist())
    return ScoredRun(
        scored.predictions.name,
        Scores(table.ids, METRICS, scored.parts, scored.ledger),
        table,
        failed=int((scored.prediction_rows < 0).sum()),
        manifest={"golden": {"fingerprint": golden}},
    )
