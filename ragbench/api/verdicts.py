"""Evaluate, and say what it means: comparison, plan, gate, A/B test."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ragbench.api.bind import call_many
from ragbench.api.checked import checked
from ragbench.api.event_frames import analyse_frame
from ragbench.api.progress import bars
from ragbench.api.several import texts
from ragbench.comparison.ab.analyse import analyse
from ragbench.comparison.ab.outcomes import number, parse_guardrail, parse_outcome
from ragbench.comparison.ab.paired_runs import PairedResult, analyse_runs
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.ab.settings import AbSettings
from ragbench.comparison.compare import Compared, CompareSettings
from ragbench.comparison.compare import compare_runs as _compare
from ragbench.comparison.gate.decide import decide_gate as _gate
from ragbench.comparison.gate.result import Gate
from ragbench.comparison.gate.rules import DEFAULT_RULES, Rules, parse_rules, read_rules
from ragbench.comparison.references import SYSTEM, System, one_system, systems
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.evaluations import Evaluation
from ragbench.core.goldens import GoldenSet
from ragbench.io.places import cache_folder
from ragbench.metrics.settings import EvaluationSettings
from ragbench.render.evaluation import headline
from ragbench.retrievers.base import Retriever
from ragbench.stats.online.sequential import HORIZON
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
    """
    arms = [retrievers] if isinstance(retrievers, str | Retriever) else retrievers
    return _evaluate(chunks, golden, arms, settings, context=Context(cache=cache_folder(cache), progress=bars))


@checked(given=SYSTEM)
def compare(
    *given: System,
    metrics: str | Sequence[str] = (),
    by: str | Sequence[str] = (),
    correction: str = "holm",
    test: str = "auto",
    margin: float | None = None,
    examples: int = 0,
    intersect: bool = False,
    seed: int = 0,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Compared:
    """Each system against the first: differences, intervals, corrected p-values and a decision.

    Args:
        given: two systems or more; an evaluation stands for all of its arms.
        metrics: the first is the one that slices and examples are of; the headline metric if empty.
        by: what to cut the queries by: ``"type"``, ``"length"``, any metadata column.
        correction: ``"holm"``, ``"bh"``, ``"tukey"`` (all pairs) or ``"none"``.
        test: ``"auto"`` chooses by the data and says why.
        margin: the difference that does not matter; then equivalence is tested too.
        examples: how many gains and losses of each system to keep.
        intersect: compare the queries in common where they differ.
        seed: of intervals and tests.
        resamples: of both.
        confidence: of intervals; 1 less this is the level of tests.

    Raises:
        InputError: there is nothing to compare, or it does not fit together.
        SettingError: a setting out of its range.
    """
    runs = systems(given)
    available = next((run.scores.metrics for run in runs if run.error is None), ("ndcg@10",))
    settings = CompareSettings(
        metrics=texts(metrics) or (headline(available),),
        by=texts(by),
        correction=correction,
        test=test,
        margin=margin,
        examples=examples,
        intersect=intersect,
        seed=seed,
        resamples=resamples,
        confidence=confidence,
    )
    return _compare(runs, settings)


@checked(candidate=SYSTEM, baseline=SYSTEM, rules=RULES)
def gate(
    candidate: System,
    baseline: System | None = None,
    rules: Path | str | Sequence[Mapping[str, object]] | Rules | None = None,
    *,
    allow: str | Collection[str] = (),
) -> Gate:
    """Whether the candidate may pass: ``pass``, ``fail`` or ``inconclusive``.

    Args:
        candidate: one system.
        baseline: what it is compared with; not needed where all rules are absolute.
        rules: a file (docs/guides/ci.md), or its rules as a list: ``[{"metric": "ndcg@10", "margin": 0.02}]``. By
            default nDCG@10 may lose at most .02.
        allow: what may differ between the two (``"golden"``, ``"corpus"``, ``"settings"``).

    Raises:
        SettingError: a rule is wrong, or asks for what the systems do not have; every fault is listed.
        InputError: a system cannot be read, or the two do not match.
    """
    if rules is None:
        asked = DEFAULT_RULES
    elif isinstance(rules, Rules):
        asked = rules
    elif isinstance(rules, str | Path):
        asked = read_rules(Path(rules))
    else:
        asked = parse_rules(yaml.safe_dump({"rules": [dict(rule) for rule in rules]}), "rules")
    return _gate(None if baseline is None else one_system(baseline), one_system(candidate), asked, allow=texts(allow))


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
    """
    runs = systems([control, challenger])
    chosen = list(texts(metrics)) or [headline(runs[0].scores.metrics)]
    return analyse_runs(runs, chosen, [parse_guardrail(text) for text in texts(guardrails)], alpha=alpha, seed=seed)
