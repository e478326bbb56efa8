"""The systems of an evaluation as steps: each is compared with the one before it and with the first."""

from dataclasses import dataclass

from ragbench.core.brief import brief
from ragbench.core.shown import Shown
from ragbench.core.verdicts import Verdict


@brief
@dataclass(frozen=True)
class Step:
    """One system in the order of the evaluation.

    Attributes:
        system: its name.
        mean: its mean in the metric; None if it has none.
        to_previous: the comparison with the last system before it that ran; None for the first.
        to_first: the comparison with the first system that ran: the gain so far; None for the first.
        p50: median latency in ms; None if none was measured.
        cost_per_query: price of a query; None if nothing is paid for or the price is unknown.
        notes: what the user noted about the system.
        error: why it did not run, or None.
    """

    system: str
    mean: float | None
    to_previous: Verdict | None = None
    to_first: Verdict | None = None
    p50: float | None = None
    cost_per_query: float | None = None
    notes: str = ""
    error: str | None = None


@brief
@dataclass(frozen=True)
class Steps(Shown):
    """The steps of an evaluation in one metric.

    Attributes:
        metric: the metric.
        steps: the systems in the order in which they were given. The p-values of each column of comparisons are
            corrected together, by Holm.

    Examples:
        >>> corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
        >>> golden = rb.load_golden("datasets/shop")
        >>> arms = {"exact": "bm25:stem=false", "stems": {"retriever": "bm25", "notes": "base forms of words"}}
        >>> evaluation = rb.evaluate(rb.chunk(corpus), golden, arms, metrics="ndcg@10")
        >>> step = evaluation.steps.steps[1]
        >>> step.notes, step.to_previous.decision, round(step.to_first.difference, 3)
        ('base forms of words', 'better', 0.071)
    """

    metric: str
    steps: tuple[Step, ...]
