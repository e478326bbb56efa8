"""Evaluate, and say what it means: comparison, plan, gate, A/B test."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.api.bind import call, call_many
from ragbench.api.checked import checked
from ragbench.api.event_frames import analyse_frame
from ragbench.api.progress import bars
from ragbench.api.several import texts
from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.outcomes import number, parse_guardrail, parse_outcome
from ragbench.comparison.ab.paired_runs import PairedResult, analyse_runs
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.ab.settings import AbSettings
from ragbench.comparison.references import SYSTEM, System, systems
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.evaluations import Evaluation
from ragbench.core.goldens import GoldenSet
from ragbench.core.scores import headline
from ragbench.io.places import cache_folder
from ragbench.metrics.settings import EvaluationSettings
from ragbench.retrievers.base import Retriever
from ragbench.stats.online.sequential import HORIZON
from ragbench.workflows import compare as compare_workflow
from ragbench.workflows import gate as gate_workflow
from ragbench.workflows import plan as plan_workflow
from ragbench.workflows.evaluate import DEFAULT_RETRIEVERS, Retrievers
from ragbench.workflows.evaluate import evaluate as _evaluate

if TYPE_CHECKING:
    import pandas as pd

RULES = 'a path of a file of rules, or a list with a mapping for each: [{"metric": "ndcg@10", "margin": 0.02}]'


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


@checked(events="a path of a CSV or Parquet file, or a pandas.DataFrame with a row per event")
def ab(
    events: "Path | str | pd.DataFrame",
    *,
    outcomes: str | Sequence[str] = (),
    guardrails: str | Sequence[str] = (),
    unit: str = "",
    variant: str = "",
    before: Mapping[str, str] | str | None = None,
    time: str = "",
    control: str = "",
    split: Mapping[str, float] | None = None,
    effect: float | str | None = None,
    final: bool = False,
    over_time: bool = False,
    horizon: int = HORIZON,
    alpha: float = 0.05,
    power: float = 0.8,
) -> AbResult:
    """An online experiment: was the split right, is the challenger better, and what to do.

    Args:
        events: CSV or Parquet file, or a frame, with a row per event.
        outcomes: columns, or ``"A/B"`` for a ratio, with ``:any``, ``:sum``, ``:mean`` or ``:lower``; the first one
            decides. ``converted`` and ``order_value`` if empty.
        guardrails: ``"latency_ms:max_increase=5%"``.
        unit: column of the unit; ``user_id`` if empty.
        variant: column of the variant; ``variant_id`` if empty.
        before: column of the time before the experiment, for CUPED; or one by outcome.
        time: column of the time, for the rate of arrival; ``timestamp`` if empty.
        control: which variant is the control; found by its name if empty.
        split: promised share by variant; equal if None.
        effect: the smallest effect that matters, a share of the control: ``0.02`` or ``"2%"``.
        final: this is the only look.
        over_time: also estimate by day, for ``.plot.over_time()``.
        horizon: units at which tests for any look are sharpest.
        alpha: error rate of the verdict.
        power: chance of finding the effect, for the plan.

    Raises:
        InputError: a broken file, or a column that is missing or no number.
        SettingError: an option that cannot be used.

    Examples:
        >>> result = rb.ab("datasets/experiment/events.csv", outcomes="converted")
        >>> result.recommendation.decision, result.recommendation.variant
        ('promote', 'treatment')
        >>> contrast = result.outcomes[0].contrasts[0]
        >>> f"{contrast.difference:+.3f} [{contrast.low:+.3f}, {contrast.high:+.3f}]"
        '+0.051 [+0.031, +0.071]'
    """
    settings = AbSettings(
        unit=unit, variant=variant, time=time, control=control,
        outcomes=tuple(parse_outcome(text) for text in texts(outcomes)),
        guardrails=tuple(parse_guardrail(text) for text in texts(guardrails)),
        before={"": before} if isinstance(before, str) else dict(before or {}),
        split=dict(split or {}),
        effect=None if effect is None else number(str(effect), "effect"),
        alpha=alpha, power=power, horizon=horizon, final=final,
        over_time=over_time,
    )  # fmt: skip
    if isinstance(events, str | Path):
        return analyse(Path(events), settings)
    return analyse_frame(events, time, partial(analyse, settings=settings))


@checked(control=SYSTEM, challenger=SYSTEM)
def ab_runs(
    control: System, challenger: System, *, metrics: str | Sequence[str] = (), guardrails: str | Sequence[str] = (),
    alpha: float = 0.05, seed: int = 0,
) -> PairedResult:  # fmt: skip
    """The same advice from two evaluations of the same queries.

    Args:
        control: one system.
        challenger: another.
        metrics: the first one decides; the headline metric if empty.
        guardrails: on ``p50``, ``p95``, ``p99`` (ms) or ``cost``: ``"p95:max_increase=20%"``.
        alpha: error rate.
        seed: of the resampling.

    Raises:
        InputError: the queries of the two differ, or a system cannot be read.
        SettingError: an unknown guardrail.

    Examples:
        >>> result = rb.ab_runs("reports/example::bm25:stem=false", "reports/example::bm25")
        >>> result.recommendation.decision, result.verdicts[0].decision
        ('promote', 'better')
    """
    runs = systems([control, challenger])
    chosen = list(texts(metrics)) or [headline(runs[0].scores.metrics)]
    return analyse_runs(runs, chosen, [parse_guardrail(text) for text in texts(guardrails)], alpha=alpha, seed=seed)
