"""Views of evaluations, comparisons, gates, plans and experiments."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ragbench.answers.load.result import SHARES, LoadResult
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.answers.wattbot.score.parts import METRICS, Scored
from ragbench.answers.wattbot.score.summary import rows_of, summarise
from ragbench.api.data_views import ScoredRunView, skipped
from ragbench.api.plots import AbPlots, ComparedPlots, EvaluationPlots, ExperimentsPlots, GatePlots
from ragbench.api.views import TableView, html_table
from ragbench.comparison.ab.paired_runs import PairedResult
from ragbench.comparison.ab.results import AbResult, Contrast, OutcomeResult
from ragbench.comparison.compare import Compared
from ragbench.comparison.gate.forecast import Forecast
from ragbench.comparison.gate.history import History
from ragbench.comparison.gate.result import Gate
from ragbench.comparison.plan import Plan
from ragbench.comparison.shadow import Shadow
from ragbench.core.evaluations import Arm, Evaluation
from ragbench.core.experiments import Experiments
from ragbench.core.scores import headline
from ragbench.core.steps import Steps
from ragbench.core.verdicts import Verdict
from ragbench.golden.audit.audit import Audit
from ragbench.golden.drift.drift import Drift
from ragbench.render.answers import summary as answers_summary
from ragbench.render.charts.history import history_frame
from ragbench.render.compare import verdict_sentences
from ragbench.render.drift import sentences as drift_sentences
from ragbench.render.evaluation import save_evaluation, summary
from ragbench.render.experiments import experiments_notes
from ragbench.render.forecast import forecast_answers
from ragbench.render.load import notes as load_notes
from ragbench.render.load import summary as load_summary
from ragbench.render.numbers import with_interval
from ragbench.render.plan import answers, grounds
from ragbench.render.preferences import pair_rows
from ragbench.render.probe import floor_line
from ragbench.render.probe import notes as probe_notes
from ragbench.render.shadow import sentences as shadow_sentences
from ragbench.render.shadow import summary as shadow_summary
from ragbench.render.wattbot import COLUMNS
from ragbench.workflows.prefer import Preferred
from ragbench.workflows.probe import Probed

OF_VERDICT = (
    "baseline", "candidate", "metric", "slice", "difference", "low", "high", "p", "p_adjusted", "decision", "wins",
    "ties", "losses", "n", "clusters", "d_z", "cliffs_delta", "baseline_mean", "candidate_mean", "p_equivalence",
    "p_equivalence_adjusted", "test", "interval",
)  # fmt: skip
FEW = 5
"""Most metrics of an evaluation that are all shown."""
READ = (
    "candidate", "metric", "slice", "difference", "low", "high", "p", "p_adjusted", "decision", "wins", "ties",
    "losses",
)  # fmt: skip


class EvaluationView(TableView):
    """A view with a row per system and metric, shown as a row per system."""

    def frame(self, thing: Evaluation) -> Any:
        """Return the columns ``system``, ``metric``, ``mean``, ``low``, ``high``, ``n``."""
        import pandas as pd

        rows = [{"system": arm.name, "metric": name, **asdict(value)} for arm in thing.arms
                for name, value in arm.metrics.items()]  # fmt: skip
        return pd.DataFrame(rows, columns=["system", "metric", "mean", "low", "high", "n"])

    def shown(self, thing: Evaluation) -> Any:
        """Return a row per system and a column for each of the main metrics."""
        import pandas as pd

        ran = [arm for arm in thing.arms if arm.status == "ok"]
        names = _main(list(ran[0].metrics)) if ran else []
        return pd.DataFrame(
            [{"system": arm.name, **{name: with_interval(arm.metrics[name]) for name in names}} for arm in ran]
        )

    def html(self, thing: Evaluation) -> str:
        """Return the main metrics, and the number of the others."""
        ran = next((arm for arm in thing.arms if arm.status == "ok"), None)
        more = len(ran.metrics) - len(_main(list(ran.metrics))) if ran else 0
        return super().html(thing) + (f"<p>and {more} more metrics; .to_pandas() has all</p>" if more else "")

    def sentences(self, thing: Evaluation) -> Sequence[str]:
        """Return the systems, the inputs, and the systems that did not run."""
        warnings = [f"warning: {arm.name}: {warning}" for arm in thing.arms for warning in arm.warnings]
        failed = [f"{arm.name} did not run: {arm.error}" for arm in thing.failed]
        return [summary(thing), *failed, *warnings, *skipped(thing.ledger)]

    def plots(self, thing: Evaluation) -> Any:
        """Return the leaderboard, trade-offs, metrics by K, slices and rank changes."""
        return EvaluationPlots(thing.scored, thing)

    def save(self, thing: Evaluation, folder: Path, *, force: bool = False) -> Path:
        """Write the folder of an evaluation."""
        return save_evaluation(thing, folder, force=force)


class ArmView(TableView):
    """A view with a row per query: its attributes and its scores."""

    of_system = ScoredRunView()

    def frame(self, thing: Arm) -> Any:
        """Return the columns ``query_id``, ``text``, ``type``, ``unit``, metadata and the metrics."""
        return self.of_system.frame(thing.scored)

    def sentences(self, thing: Arm) -> Sequence[str]:
        """Return the means, or the reason why the system did not run, and its warnings."""
        return [*self.of_system.sentences(thing.scored), *(f"warning: {warning}" for warning in thing.warnings)]

    def plots(self, thing: Arm) -> Any:
        """Return the charts of an evaluation with one system."""
        return EvaluationPlots((thing.scored,))


class ComparedView(TableView):
    """A view with a row per verdict: all queries first, then slices."""

    def frame(self, thing: Compared) -> Any:
        """Return the columns of `ragbench.core.verdicts.Verdict` that are single values."""
        import pandas as pd

        return pd.DataFrame([_of_verdict(v) for v in _verdicts(thing)], columns=list(OF_VERDICT))

    def shown(self, thing: Compared) -> Any:
        """Return the most important columns."""
        frame = self.frame(thing)[list(READ)]
        return frame if thing.slices else frame.drop(columns="slice")

    def sentences(self, thing: Compared) -> Sequence[str]:
        """Return the verdicts."""
        return [*verdict_sentences(thing), thing.choice]

    def plots(self, thing: Compared) -> Any:
        """Return charts of the differences and their slices."""
        return ComparedPlots(thing)


class PreferredView(TableView):
    """A view with a row per pair of answers and rubric."""

    def frame(self, thing: Preferred) -> Any:
        """Return ``query_id``, ``rubric``, ``preferred`` (the system, or ``tie``) and ``why``."""
        import pandas as pd

        return pd.DataFrame(pair_rows(thing.preferences)).drop(columns=["said", "reasons"])

    def sentences(self, thing: Preferred) -> Sequence[str]:
        """Return the verdicts."""
        return [*verdict_sentences(thing.compared), thing.compared.choice]

    def plots(self, thing: Preferred) -> Any:
        """Return charts of the differences and their slices."""
        return ComparedPlots(thing.compared)


class ExperimentsView(TableView):
    """A view with a row per system and evaluation, oldest first."""

    def frame(self, thing: Experiments) -> Any:
        """Return what identifies the system and its evaluation, and the metric with ``low`` and ``high``."""
        import pandas as pd

        rows = []
        for one in thing.tried:
            value = one.metrics.get(thing.metric, {})
            rows.append(
                {"finished": one.finished, "evaluation": one.folder, "system": one.system,
                 thing.metric or "score": value.get("mean"), "low": value.get("low"), "high": value.get("high"),
                 "golden": one.golden, "golden_fingerprint": one.golden_fingerprint, "corpus": one.corpus,
                 "p50": one.p50, "cost_per_query": one.cost_per_query, "retriever": one.retriever,
                 "chunker": one.chunker, "notes": one.notes, "error": one.error}
            )  # fmt: skip
        return pd.DataFrame(rows)

    def shown(self, thing: Experiments) -> Any:
        """Return the most important columns."""
        metric = thing.metric or "score"
        return self.frame(thing)[["finished", "evaluation", "system", metric, "low", "high", "golden", "p50", "notes"]]

    def sentences(self, thing: Experiments) -> Sequence[str]:
        """Return what you need to know to read the table."""
        return experiments_notes(thing)

    def plots(self, thing: Experiments) -> Any:
        """Return the chart of the metric over time."""
        return ExperimentsPlots(thing)


class StepsView(TableView):
    """A view with a row per system."""

    def frame(self, thing: Steps) -> Any:
        """Return ``system``, ``mean``, the differences to the one before and the first, ``p50``, cost and notes."""
        import pandas as pd

        rows = []
        for one in thing.steps:
            row: dict[str, object] = {"system": one.system, "mean": one.mean}
            for name, verdict in (("previous", one.to_previous), ("first", one.to_first)):
                for part in ("difference", "low", "high", "p_adjusted", "decision"):
                    row[f"to_{name}_{part}"] = None if verdict is None else getattr(verdict, part)
            rows.append({**row, "p50": one.p50, "cost_per_query": one.cost_per_query, "notes": one.notes,
                         "error": one.error})  # fmt: skip
        return pd.DataFrame(rows)


class PairedResultView(TableView):
    """A view with a row per verdict, the deciding one first."""

    def frame(self, thing: PairedResult) -> Any:
        """Return the columns of a comparison."""
        import pandas as pd

        return pd.DataFrame([_of_verdict(v) for v in thing.verdicts], columns=list(OF_VERDICT))

    def shown(self, thing: PairedResult) -> Any:
        """Return the most important columns."""
        return self.frame(thing)[[name for name in READ if name != "slice"]]

    def sentences(self, thing: PairedResult) -> Sequence[str]:
        """Return the advice."""
        return _advice(thing.recommendation)


class GateView(TableView):
    """A view with a row per rule, or slice of a rule."""

    def frame(self, thing: Gate) -> Any:
        """Return the columns of `ragbench.comparison.gate.result.Decided`."""
        import pandas as pd

        return pd.DataFrame([asdict(decided) for decided in thing.decided])

    def shown(self, thing: Gate) -> Any:
        """Return the columns that decide."""
        frame = self.frame(thing)
        return frame[["name", "outcome", "value", "low", "high", "bound", "room", "reason"]] if len(frame) else frame

    def sentences(self, thing: Gate) -> Sequence[str]:
        """Return the outcome."""
        return [thing.sentence, *(f"note: {note}" for note in thing.notes)]

    def plots(self, thing: Gate) -> Any:
        """Return charts of each rule and its bound."""
        return GatePlots(thing)


class PlanView(TableView):
    """A view with a row per number of queries and the difference that it can detect."""

    def frame(self, thing: Plan) -> Any:
        """Return the columns ``queries``, ``documents``, ``per_document``, ``smallest``."""
        import pandas as pd

        rows = sorted({*thing.by_queries, *thing.by_depth}, key=lambda row: (row.queries, row.documents))
        names = ["queries", "documents", "per_document", "smallest"]
        return pd.DataFrame([asdict(row) for row in rows], columns=names)

    def sentences(self, thing: Plan) -> Sequence[str]:
        """Return the answer and its basis."""
        return [*answers(thing), *grounds(thing), *(f"note: {line}" for line in thing.warnings)]


class ForecastView(TableView):
    """A view with a row per rule of a planned gate: how often an unchanged candidate passes it."""

    def frame(self, thing: Forecast) -> Any:
        """Return the columns ``name``, ``role``, ``passes``, ``fails``, ``inconclusive``, ``others``."""
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in thing.chances])

    def sentences(self, thing: Forecast) -> Sequence[str]:
        """Return the answer, and the rule that decides it."""
        return forecast_answers(thing)


class HistoryView(TableView):
    """A view with a row per stored run, and per anchor beside it."""

    def frame(self, thing: History) -> Any:
        """Return the columns of `ragbench.render.charts.history.history_frame`."""
        return history_frame(thing)


class AbView(TableView):
    """A view with a row per outcome and challenger."""

    def frame(self, thing: AbResult) -> Any:
        """Return outcome, role, means, difference, interval and p-values; those of the any-look test are
        ``any_look_*``.
        """
        import pandas as pd

        return pd.DataFrame([_contrast(outcome, one) for outcome in thing.outcomes for one in outcome.contrasts])

    def shown(self, thing: AbResult) -> Any:
        """Return the most important columns."""
        frame = self.frame(thing)
        names = ["outcome", "role", "challenger", "control_mean", "challenger_mean", "difference", "low", "high",
                 "p_adjusted", "any_look_p", "better"]  # fmt: skip
        return frame[names] if len(frame) else frame

    def sentences(self, thing: AbResult) -> Sequence[str]:
        """Return the advice, and whether the split was as promised."""
        split = "as promised" if thing.srm_ok else "NOT as promised: there is no verdict"
        return [*_advice(thing.recommendation), f"The split is {split} (p = {thing.srm_p:.3g}).", *thing.notes]

    def plots(self, thing: AbResult) -> Any:
        """Return charts of the outcomes."""
        return AbPlots(thing)


class ShadowView(TableView):
    """A view with a row per figure."""

    def frame(self, thing: Shadow) -> Any:
        """Return the columns ``figure``, ``mean``, ``low``, ``high``, ``n``."""
        import pandas as pd

        figures = {"rank-biased overlap": thing.rbo, "failed searches, difference": thing.failed_more}
        figures |= {f"overlap@{cut}": value for cut, value in thing.overlap.items()}
        figures |= {f"changed@{cut}": value for cut, value in thing.changed.items()}
        if thing.slower is not None:
            figures["milliseconds, difference"] = thing.slower
        return pd.DataFrame([{"figure": name, **asdict(value)} for name, value in figures.items()])

    def sentences(self, thing: Shadow) -> Sequence[str]:
        """Return the systems, the number of queries, and what the figures mean."""
        return [f"{thing.second.name} beside {thing.first.name}: {shadow_summary(thing)}", *shadow_sentences(thing)]


class DriftView(TableView):
    """A view with a row per aspect."""

    def frame(self, thing: Drift) -> Any:
        """Return the columns ``name``, ``measure``, ``value``, ``by_chance``, ``p``, ``p_adjusted``."""
        import pandas as pd

        names = ["name", "measure", "value", "by_chance", "p", "p_adjusted"]
        return pd.DataFrame([{name: getattr(one, name) for name in names} for one in thing.aspects], columns=names)

    def sentences(self, thing: Drift) -> Sequence[str]:
        """Return the decision, what was compared, and the new topics."""
        new = [
            f"New topic: {one.name} ({one.current:.1%}), such as {one.examples[0]!r}."
            for one in thing.topics
            if one.new
        ]
        return [*drift_sentences(thing), *new]


class AnswerEvaluationView(TableView):
    """A view with a row per metric."""

    def frame(self, thing: AnswerEvaluation) -> Any:
        """Return ``metric``, ``mean``, ``low``, ``high``, ``n``, ``unscored``, ``if_all_0`` and ``if_all_1``."""
        import pandas as pd

        rows = []
        for name, value in thing.metrics.items():
            bounds = thing.bounds[name]
            rows.append({"metric": name, **asdict(value), "unscored": bounds.unscored, "if_all_0": bounds.low,
                         "if_all_1": bounds.high})  # fmt: skip
        return pd.DataFrame(rows)

    def sentences(self, thing: AnswerEvaluation) -> Sequence[str]:
        """Return the number of answers by kind."""
        return [answers_summary(thing)]

    def plots(self, thing: AnswerEvaluation) -> Any:
        """Return the charts of an evaluation with one system."""
        return EvaluationPlots((thing.scored,))


class WattbotView(TableView):
    """A view with a row per question."""

    def frame(self, thing: Scored) -> Any:
        """Return the question, the truth, the answer, and the score by parts."""
        import pandas as pd

        asked = () if thing.truth.questions is None else ("question",)
        names = (COLUMNS[0], *asked, *COLUMNS[1:])
        rows = [
            {**{name: getattr(row, name) for name in names}, **dict(zip(METRICS, row.parts, strict=True))}
            for row in rows_of(thing, np.arange(len(thing)))
        ]
        return pd.DataFrame(rows)

    def sentences(self, thing: Scored) -> Sequence[str]:
        """Return the score and its parts."""
        told = summarise(thing, rules="")
        means = ", ".join(f"{name} {m.mean:.3f}" for name, m in told.means.items())
        missing = f"; {told.missing} without a prediction score 0" if told.missing else ""
        return [f"{told.name}: {told.rows} questions{missing}. {means}", *skipped(thing.ledger)]


def _main(metrics: Sequence[str]) -> list[str]:
    """Choose all of a few metrics; of many, the headline metric, and recall, MRR and hit at its cut."""
    if len(metrics) <= FEW:
        return list(metrics)
    first = headline(metrics)
    cut = first.partition("@")[2]
    beside = [f"{kind}@{cut}" for kind in ("recall", "mrr", "hit") if f"{kind}@{cut}" in metrics]
    return [first, *(name for name in beside if name != first)]


def _verdicts(compared: Compared) -> Iterator[Verdict]:
    yield from compared.verdicts
    yield from (one.verdict for one in compared.slices)


def _of_verdict(verdict: Verdict) -> dict[str, object]:
    return {name: getattr(verdict, name) for name in OF_VERDICT}


def _advice(advice: Any) -> list[str]:
    whom = f" {advice.variant}" if advice.variant else ""
    return [f"{advice.decision}{whom}".capitalize() + ".", *advice.reasons]


def _contrast(outcome: OutcomeResult, contrast: Contrast) -> dict[str, object]:
    relative = contrast.relative or (None, None, None)
    return {
        "outcome": outcome.name, "role": outcome.role, "kind": outcome.kind, "challenger": contrast.challenger,
        "control_mean": outcome.control.value, "challenger_mean": contrast.value.value,
        "difference": contrast.difference, "low": contrast.low, "high": contrast.high, "relative": relative[0],
        "relative_low": relative[1], "relative_high": relative[2], "p": contrast.p, "p_adjusted": contrast.p_adjusted,
        "any_look_p": contrast.sequence.p, "any_look_p_adjusted": contrast.sequence_p_adjusted,
        "any_look_low": contrast.sequence.low, "any_look_high": contrast.sequence.high, "rank_p": contrast.rank_p,
        "better": contrast.better, "test": contrast.test,
    }  # fmt: skip


class AuditView(TableView):
    """A view with a row per finding, the worst first."""

    def frame(self, thing: Audit) -> Any:
        """Return the columns ``severity``, ``code``, ``message``, ``action``."""
        import pandas as pd

        rows = [(one.severity, one.code, one.message, one.action) for one in thing.findings]
        return pd.DataFrame(rows, columns=["severity", "code", "message", "action"])

    def sentences(self, thing: Audit) -> Sequence[str]:
        """Return the contents of the set, and how it agrees with human queries."""
        types = ", ".join(f"{count} {name or 'untyped'}" for name, count in thing.mix.types.items())
        lines = [
            f"Golden set {thing.golden}: {thing.mix.queries:,} queries ({types}) from {thing.mix.units:,} "
            f"independent sources; the median query has {thing.mix.words['p50']:g} words",
        ]
        if thing.leak is not None:
            share = thing.leak.document["mean"]
            lines.append(f"On average, a query shares {share:.0%} of its content words with its document")
        if thing.sibling_grades is not None:
            graded = thing.sibling_grades
            lines.append(f"{graded.model} found an answer in {graded.answering} of {len(graded.grades)} unjudged items")
        if thing.validity is not None:
            tau, ceiling = thing.validity.tau, thing.validity.ceiling
            lines.append(f"Kendall's tau with human queries is {tau.tau:.2f}; their halves agree at {ceiling.tau:.2f}")
        if not thing.findings:
            lines.append("Nothing was found")
        return lines

    def html(self, thing: Audit) -> str:
        """Return the findings in full, and below them the metric by the share of words."""
        found = "".join(
            f"<li><b>{escape(one.severity)}</b> {escape(one.code)}: {escape(one.message)}<br>"
            f"&rarr; {escape(one.action)}</li>"
            for one in thing.findings
        )
        above = "".join(f"<p>{escape(line)}</p>" for line in self.sentences(thing))
        return above + (f"<ul>{found}</ul>" if found else "") + _bands(thing)


def _bands(thing: Audit) -> str:
    """The metric by the share of words that queries have in common with their document."""
    if thing.leak is None or not thing.leak.bands:
        return ""
    import pandas as pd

    rows = [
        {"shared words": f"{band.low:.2f} to {band.high:.2f}", "queries": band.queries, **band.means}
        for band in thing.leak.bands
    ]
    return f"<p>Mean {escape(thing.leak.metric)} by shared words:</p>" + html_table(pd.DataFrame(rows))


class LoadView(TableView):
    """A view with a row per level of load."""

    def frame(self, thing: LoadResult) -> Any:
        """Return ``load``, ``requests``, ``failed``, ``answers_per_second``, ``seconds``, and percentiles in ms."""
        import pandas as pd

        rows = []
        for level in thing.levels:
            times = {} if level.error else {f"{name}_ms": one.value for name, one in level.latency_ms.items()}
            rows.append(
                {"load": level.name, "requests": len(level.exchanges), "failed": level.failed,
                 "answers_per_second": level.per_second, "seconds": level.seconds, **times}
            )  # fmt: skip
        names = ["load", "requests", "failed", "answers_per_second", "seconds", *(f"{name}_ms" for name in SHARES)]
        return pd.DataFrame(rows, columns=names)

    def sentences(self, thing: LoadResult) -> Sequence[str]:
        """Return the service, the kind of load, errors and notes."""
        errors = [f"error: {level.name}: {level.error}" for level in thing.levels if level.error]
        return [f"{load_summary(thing)}.", *errors, *(f"note: {note}" for note in load_notes(thing))]


class ProbeView(TableView):
    """A view with a row per category, and one for all cases."""

    def frame(self, thing: Probed) -> Any:
        """Return ``category``, ``cases``, ``pass_rate``, its interval, ``refusal_rate``, ``unscored``, ``idle``."""
        import pandas as pd

        outcome = thing.outcome
        rows = [
            (one.name, one.cases, one.passed.mean, one.passed.low, one.passed.high, one.refused.mean, one.unscored,
             one.idle)
            for one in (*outcome.categories, outcome.overall)
        ]  # fmt: skip
        names = ["category", "cases", "pass_rate", "low", "high", "refusal_rate", "unscored", "idle"]
        return pd.DataFrame(rows, columns=names)

    def sentences(self, thing: Probed) -> Sequence[str]:
        """Return the floors, and what you need to know to judge the rates."""
        stopped = [thing.evaluation.stopped] if thing.evaluation.stopped else []
        floors = [floor_line(floor) for floor in thing.outcome.floors]
        return [*stopped, *floors, *(f"note: {note}" for note in probe_notes(thing.outcome, thing.judge))]
