"""``rb.score``: score a ranking on labels, in whatever form a user has them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragbench.core.given import SHOW, labels_of, run_of
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.kinds import check_kinds
from ragbench.core.runs import Run
from ragbench.core.scores import Scores
from ragbench.io.golden_files.common import whole_documents
from ragbench.io.qrels_files import read_judgements
from ragbench.io.run_files import read_run
from ragbench.metrics.base import Metric
from ragbench.metrics.score import Ties
from ragbench.metrics.score import score as _score
from ragbench.workflows.metrics import DEFAULT

Table = Any
"""A pandas.DataFrame, a ``ranx.Run``, rows of (query id, item id, number)."""
METRICS = 'a name of a metric, "ndcg@10", or a list of them; ' + SHOW


def score(
    qrels: Judgements | GoldenSet | Mapping[str, Mapping[str, int]] | Path | str | Table,
    run: Run | Mapping[str, Mapping[str, float]] | Path | str | Table,
    metrics: Sequence[Metric | str] | Metric | str = DEFAULT,
    *,
    ties: Ties = "trec",
) -> Scores:
    """Score a ranking on labels: every metric for every query of the labels.

    A query that the run lacks scores 0. A query without a relevant item has no value on the metrics that need one, and
    unjudged items count as not relevant. ``scores.ledger`` lists all of these.

    Args:
        qrels: the labels: ``{query id: {item id: label}}``, `Judgements`, a path of qrels, a table with a row per
            label, ``ranx.Qrels``, or a golden set, whose evidence counts for whole documents.
        run: the ranking: ``{query id: {item id: score}}``, a `Run`, a path of a run file, a table with a row per
            retrieved item, or a ``ranx.Run``. ``{query id: [item ids]}`` is a ranking without scores, best first.
        metrics: names of metrics; by default the most common ones. Those of trec_eval, ir_measures and ranx work too.
        ties: ``"trec"`` orders equal scores by id descending, as trec_eval does; ``"expected"`` averages over all
            their orders.

    Returns:
        The scores: ``scores["ndcg@10"]`` has a value for each query, ``scores.means()`` the means, and
        ``scores.to_pandas()`` is a table.

    Raises:
        SettingError: a metric or setting is unknown, or a metric has no expected value under ties.
        InputError: the labels or the ranking cannot be read, or they have no query in common.

    Examples:
        >>> qrels = {"q1": {"b": 1}, "q2": {"a": 1}}
        >>> run = {"q1": {"a": 0.9, "b": 0.5}, "q2": {"a": 0.8}}
        >>> scores = rb.score(qrels, run, ["mrr@10", "hit@1"])
        >>> scores.means()
        {'mrr@10': 0.75, 'hit@1': 0.5}
        >>> scores["mrr@10"].tolist()
        [0.5, 1.0]
    """
    kind = Sequence[Metric | str] | Metric | str
    check_kinds("score", {"metrics": kind}, {"metrics": metrics}, {"metrics": METRICS})
    if isinstance(qrels, Run) or isinstance(run, Judgements):
        qrels, run = run, qrels
    return _score(_run(run), _labels(qrels), metrics, ties=ties)


def _labels(given: Any) -> Judgements:
    if isinstance(given, str | Path):
        return read_judgements(Path(given))
    if isinstance(given, GoldenSet):
        return Judgements.from_dict(whole_documents(given)[0])
    return labels_of(given)


def _run(given: Any) -> Run:
    return read_run(Path(given)) if isinstance(given, str | Path) else run_of(given)
