"""Evaluations over time: the systems of many folders as one list."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragbench.core.brief import brief
from ragbench.core.ledger import Ledger
from ragbench.core.shown import Shown


@brief
@dataclass(frozen=True)
class Tried:
    """One system of one evaluation.

    Attributes:
        folder: folder of the evaluation, below the one that was searched.
        system: name of the system.
        finished: when the evaluation was finished: UTC, ISO 8601.
        by_file: whether that is the time of the file, because the evaluation recorded none.
        kind: ``retrieval``, ``answers`` or another kind of the manifest.
        golden, golden_fingerprint: name and fingerprint of the golden set; empty if unknown.
        corpus, chunks: fingerprints of the documents and of the chunks; empty if unknown.
        metrics: mean of each metric, with the ends of its interval and the number of queries.
        p50: median latency in ms; None if none was measured.
        cost_per_query: price of a query; None if nothing is paid for or the price is unknown.
        retriever, chunker: what the system consists of; empty if unknown.
        notes: what the user noted about it.
        error: why it did not run, or None.
    """

    folder: str
    system: str
    finished: str
    by_file: bool = False
    kind: str = "retrieval"
    golden: str = ""
    golden_fingerprint: str = ""
    corpus: str = ""
    chunks: str = ""
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    p50: float | None = None
    cost_per_query: float | None = None
    retriever: str = ""
    chunker: str = ""
    notes: str = ""
    error: str | None = None


@brief
@dataclass(frozen=True)
class Experiments(Shown):
    """The systems of all evaluations below a folder, oldest first.

    Attributes:
        folder: the folder.
        metric: the metric to follow; empty if there is none.
        tried: the systems.
        evaluations: number of evaluations that they come from.
        left_out: number of systems that the filters exclude.
        without_metric: systems that do not have the metric, such as load tests beside evaluations of retrieval.
        ledger: folders that could not be read, and evaluations that did not finish.

    Examples:
        >>> experiments = rb.experiments("reports", system="bm25")
        >>> experiments.metric, [(one.folder, one.system) for one in experiments.tried]
        ('ndcg@10', [('example', 'bm25')])
    """

    folder: str
    metric: str
    tried: tuple[Tried, ...]
    evaluations: int = 0
    left_out: int = 0
    without_metric: tuple[Tried, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)
