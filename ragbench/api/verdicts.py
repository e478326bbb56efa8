"""Evaluate, and say what it means: comparison, plan, gate, A/B test."""

from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.api.bind import call, call_many
from ragbench.api.checked import checked
from ragbench.api.progress import bars
from ragbench.comparison.references import SYSTEM
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.evaluations import Evaluation
from ragbench.core.goldens import GoldenSet
from ragbench.io.places import cache_folder
from ragbench.metrics.settings import EvaluationSettings
from ragbench.retrievers.base import Retriever
from ragbench.workflows import ab as ab_workflow
from ragbench.workflows import compare as compare_workflow
from ragbench.workflows import gate as gate_workflow
from ragbench.workflows import plan as plan_workflow
from ragbench.workflows.evaluate import DEFAULT_RETRIEVERS, Retrievers
from ragbench.workflows.evaluate import evaluate as _evaluate

if TYPE_CHECKING:
    pass

RULES = 'a path of a file of rules, or a list with a mapping for each: [{"metric": "ndcg@10", "margin": 0.02}]'

EVENTS = "a path of a CSV or Parquet file, or a pandas.DataFrame with a row per event"
SYSTEMS = f"two systems, the control and the challenger; each is {SYSTEM}"


@checked(retrievers='a name of a retriever or a list of them ("bm25:k1=1.2"), or a mapping from names to them')
def evaluate(
    chunks: Chunks,
    golden: GoldenSet,
    retrievers: str | Retriever | Retrievers = DEFAULT_RETRIEVERS,
    *,
    settings: EvaluationSettings | None = None,
    cache: Path | str | None = None,
) -> Evaluation:
    """Run each retriever over the golden set, score it, and compare it with the first.

    Args:
        chunks: what is indexed.
        golden: queries and evidence.
        retrievers: specs (``"bm25:k1=1.2"``) or retriever objects; each is one arm. ``{"old": ..., "new": ...}``
            gives them names.
        settings: cut-offs, metrics, level, seed (`ragbench.Settings`).
        cache: folder for embeddings and runs; the user's cache folder if None.

    Raises:
        SettingError: a retriever or metric is unknown or set wrongly; every fault is listed.
        InputError: corpus and golden set do not fit together.

    Examples:
        >>> corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
        >>> golden = rb.load_golden("datasets/shop")
        >>> evaluation = rb.evaluate(rb.chunk(corpus), golden, ["bm25:stem=false", "bm25"])
        >>> [(arm.name, round(arm.metrics["ndcg@10"].mean, 3)) for arm in evaluation.arms]
        [('bm25:stem=false', 0.59), ('bm25', 0.661)]
    """
    arms = [retrievers] if isinstance(retrievers, str | Retriever) else retrievers
    return _evaluate(chunks, golden, arms, settings, context=Context(cache=cache_folder(cache), progress=bars))


compare = call_many("compare", compare_workflow.Options, compare_workflow.run, called={"systems": SYSTEM})
gate = call(
    "gate", gate_workflow.Options, gate_workflow.run, called={"candidate": SYSTEM, "baseline": SYSTEM, "rules": RULES}
)
plan = call_many("plan", plan_workflow.Options, plan_workflow.run, called={"pilot": SYSTEM})
ab = call(
    "ab",
    ab_workflow.Options,
    ab_workflow.run,
    called={"events": EVENTS, "runs": SYSTEMS},
)
