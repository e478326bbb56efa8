"""Align systems on the same queries in the same order, or say why they cannot be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import ArmError, InputError, did_you_mean
from ragbench.core.ledger import first_ten
from ragbench.core.scored import QueryTable, ScoredRun
from ragbench.core.spelling import given, named

SETTINGS_OF_SCORES = ("ties", "overlap", "drop_self", "allow_missing")
"""Settings of an evaluation that change the meaning of a score."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two systems over the same queries in the same order.

    Attributes:
        baseline, candidate: the systems; row i of both is the same query.
        notes: notes for the reader: skipped queries and different settings.
    """

    baseline: ScoredRun
    candidate: ScoredRun
    notes: tuple[str, ...] = ()

    @property
    def queries(self) -> QueryTable:
        """The queries, as in the evaluation of the baseline."""
        return self.baseline.queries

    def values(self, metric: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(n,) Values of the baseline and of the candidate; NaN where undefined.

        Raises:
            InputError: a system lacks the metric, or a value is infinite.
        """
        return column(self.baseline, metric), column(self.candidate, metric)

    @cached_property
    def same_run(self) -> bool:
        """Whether the two have the same values, in every run that varies, and the same rankings if both have rankings.

        Equal rankings are not enough, because other labels or another tie rule give them other scores.
        """
        shared = [name for name in self.baseline.scores.metrics if name in self.candidate.scores.metrics]
        mine, other = self.baseline.scores, self.candidate.scores
        if not shared or not all(
            np.array_equal(mine.column(name), other.column(name), equal_nan=True) for name in shared
        ):
            return False
        first, second = mine.repeats, other.repeats
        alike = first is not None and second is not None and np.array_equal(first, second, equal_nan=True)
        if not alike and (_varied(first) or _varied(second)):
            return False
        return self.baseline.run is None or self.candidate.run is None or self.same_rankings

    @cached_property
    def same_rankings(self) -> bool:
        """Whether the two have the same rankings; False if one has none."""
        mine, other = self.baseline.run, self.candidate.run
        if mine is None or other is None or not np.array_equal(mine.offsets, other.offsets):
            return False
        return all(
            mine.item_ids[a] == other.item_ids[b]
            for low, high in pairwise(mine.offsets.tolist())
            for a, b in zip(mine.items[low:high].tolist(), other.items[low:high].tolist(), strict=True)
        )


def _varied(repeats: npt.NDArray[np.float64] | None) -> bool:
    """Whether the values are not the same in every run and judgement."""
    return repeats is not None and not np.array_equal(
        repeats, np.broadcast_to(repeats[:1, :1], repeats.shape), equal_nan=True
    )


def pair(baseline: ScoredRun, candidate: ScoredRun, *, intersect: bool = False) -> Pair:
    """Align two systems for a comparison.

    Args:
        baseline: the system to compare with.
        candidate: the other system.
        intersect: use only the queries that both have (same id and text), whatever else differs.

    Raises:
        ArmError: a system did not run.
        InputError: the golden sets or queries differ and ``intersect`` is False, no query is left, or one system judges
            chunks and the other documents.
    """
    aligned, notes = align([baseline, candidate], intersect=intersect)
    return Pair(aligned[0], aligned[1], notes)


def align(runs: Sequence[ScoredRun], *, intersect: bool = False) -> tuple[tuple[ScoredRun, ...], tuple[str, ...]]:
    """Align any number of systems on the queries of the first, in its order, and collect notes on them.

    Raises:
        ArmError: a system did not run.
        InputError: as in `pair`.
    """
    for run in runs:
        if run.error is not None:
            raise ArmError(f"{run.name} did not run and has no score: {run.error}")
        _unique(run)
    first, notes = runs[0], list[str]()
    for other in runs[1:]:
        notes += _checked(first, other, intersect)
    texts = [_texts(run) for run in runs]
    kept = [id_ for id_ in first.queries.ids if _asked_alike(id_, texts)]
    if not kept:
        raise InputError(f"{_names(runs)} have no query in common: there is nothing to compare")
    aligned = tuple(_on(run, kept) for run in runs)
    left_out = {run.name: len(run.queries) - len(kept) for run in runs if len(run.queries) > len(kept)}
    if left_out:
        listed = ", ".join(f"{count} of {name}" for name, count in left_out.items())
        notes.append(f"only the {len(kept)} queries in common are compared; skipped: {listed}")
    return aligned, tuple(dict.fromkeys(notes))


def column(run: ScoredRun, metric: str) -> npt.NDArray[np.float64]:
    """(n,) Values of one metric.

    Raises:
        InputError: the run lacks the metric, or a value is infinite.
    """
    if metric not in run.scores.metrics:
        raise InputError(f"{run.name} has no metric {metric!r}{did_you_mean(metric, run.scores.metrics)}")
    values = run.scores.column(metric)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise InputError(
            f"{run.name}: {metric} of query {run.queries.ids[infinite[0]]!r} is infinite; no mean can be taken"
        )
    return values


def _unique(run: ScoredRun) -> None:
    seen = set[str]()
    for id_ in run.queries.ids:
        if id_ in seen:
            raise InputError(f"{run.name} has the query {id_!r} twice; evaluate again on a golden set without repeats")
        seen.add(id_)
    if list(run.scores.query_ids) != list(run.queries.ids):
        raise InputError(f"{run.name}: its scores are not of the queries it lists; evaluate it again")


def _checked(first: ScoredRun, other: ScoredRun, intersect: bool) -> list[str]:
    """Note how the scoring of two systems differs, and refuse systems that cannot be compared."""
    units = [_part(run, "judgements").get("unit") for run in (first, other)]
    if None not in units and units[0] != units[1]:
        raise InputError(
            f"{first.name} was judged by {units[0]} and {other.name} by {units[1]}: their scores are not on one "
            f"scale. Evaluate both with the same {named('level')}"
        )
    notes = list[str]()
    golden = [_part(run, "golden").get("fingerprint") for run in (first, other)]
    other_golden = None not in golden and golden[0] != golden[1]
    _same_queries(first, other, intersect, other_golden)
    if other_golden:
        text = f"the golden sets of {first.name} ({golden[0]}) and {other.name} ({golden[1]}) differ"
        if not intersect:
            raise InputError(
                f"{text}, though their queries have the same ids: other texts, evidence or grades. "
                f"{named('intersect')} compares them anyway, on the queries with the same id and text"
            )
        notes.append(f"{text}: the same query may be judged differently")
    chunks = [_part(run, "chunks") for run in (first, other)]
    prints = [part.get("fingerprint") for part in chunks]
    if "chunk" in units and None not in prints and prints[0] != prints[1]:
        notes.append(
            f"{first.name} ({chunks[0].get('chunks')} chunks) and {other.name} ({chunks[1].get('chunks')} chunks) "
            "cut the corpus differently: more or fewer chunks of a query are relevant. Evaluating both with "
            f"{given('level', 'document')} puts them on one scale"
        )
    settings = [_part(run, "settings") for run in (first, other)]
    for key in SETTINGS_OF_SCORES:
        if key in settings[0] and key in settings[1] and settings[0][key] != settings[1][key]:
            notes.append(
                f"{first.name} was scored with {key} {settings[0][key]} and {other.name} with {settings[1][key]}"
            )
    return notes


def _same_queries(first: ScoredRun, other: ScoredRun, intersect: bool, other_golden: bool) -> None:
    mine, theirs = set(first.queries.ids), set(other.queries.ids)
    if intersect or mine == theirs:
        return
    only = [
        f"{len(ids)} only in {run.name} ({first_ten(sorted(ids))})"
        for run, ids in ((first, mine - theirs), (other, theirs - mine))
        if ids
    ]
    golden = "; their golden sets differ" if other_golden else ""
    raise InputError(
        f"{first.name} and {other.name} answered different queries{golden}: {len(mine & theirs)} in common, "
        f"{', '.join(only)}. Evaluate both on one golden set, or compare those in common with {named('intersect')}"
    )


def _asked_alike(id_: str, texts: Sequence[Mapping[str, str]]) -> bool:
    """Whether all runs have the same text for the query. An unknown text counts as the same."""
    return all(id_ in known for known in texts) and len({known[id_] for known in texts} - {""}) < 2


def _texts(run: ScoredRun) -> Mapping[str, str]:
    return dict(zip(run.queries.ids, run.queries.texts, strict=True))


def _on(run: ScoredRun, ids: Sequence[str]) -> ScoredRun:
    if list(run.queries.ids) == list(ids):
        return run
    row = {id_: i for i, id_ in enumerate(run.queries.ids)}
    return run.select(np.array([row[id_] for id_ in ids], dtype=np.int64))


def _part(run: ScoredRun, name: str) -> Mapping[str, object]:
    part = run.manifest.get(name, {})
    return part if isinstance(part, Mapping) else {}


def _names(runs: Sequence[ScoredRun]) -> str:
    names = [run.name for run in runs]
    return f"{', '.join(names[:-1])} and {names[-1]}"
