"""A metric at every cut: nDCG, hit and recall at 1, 2, 3, 5, 10, ... as deep as the rankings go."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ragbench.core.errors import SettingError
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import Scores
from ragbench.metrics.base import Metric
from ragbench.metrics.hit import Hit
from ragbench.metrics.ndcg import NDCG
from ragbench.metrics.parse import parse
from ragbench.metrics.recall import Recall
from ragbench.metrics.score import TIES, Ties, score
from ragbench.render.charts._frames import run_estimates
from ragbench.render.charts.chart import (
    BANDS_HINT,
    Chart,
    estimate_text,
    file_part,
    lines_figure,
    quantitative,
    rows_of,
    share,
)

if TYPE_CHECKING:
    import pandas as pd

CUTS = (1, 2, 3, 5, 10, 20, 50, 100)
READ_AT = 10
"""The cut that the description names besides the first and the last."""
KINDS = (NDCG, Hit, Recall)


def families(runs: Sequence[ScoredRun]) -> list[Metric]:
    """Return nDCG, hit and recall with the settings (gain, level) of the scored ones. Their cut has no meaning.

    A family that was not scored has its default settings.
    """
    found: dict[Metric, None] = {}
    for run in runs:
        for name in run.scores.metrics:
            with suppress(SettingError):  # a metric of answers
                metric = parse(name)
                if isinstance(metric, KINDS) and getattr(metric, "k", None) is not None:
                    found[_at(metric, 1)] = None
    present = {type(metric) for metric in found}
    plain = [kind(k=1) for kind in KINDS if kind not in present]
    return sorted((*found, *plain), key=lambda metric: ([isinstance(metric, kind) for kind in KINDS], str(metric)))[
        ::-1
    ]


def by_cut_frame(runs: Sequence[ScoredRun], family: Metric) -> "pd.DataFrame":
    """Compute one row per system and cut from the rankings. Systems without rankings have no rows.

    Cuts are `CUTS` and those the systems were scored at, as far as the rankings are deep.

    Columns: ``system``; ``cut``; ``value``, ``low``, ``high`` (mean and 95% interval); ``n``, queries with a value.
    """
    import pandas as pd

    found = []
    for run in runs:
        if run.error is not None or run.run is None or run.judgements is None:
            continue
        depth = int(run.run.lengths.max(initial=0))
        cuts = sorted({k for k in (*CUTS, *_scored_at(run, family)) if k <= depth})
        if not cuts:
            continue
        scores = score(run.run, run.judgements, [_at(family, k) for k in cuts], ties=_ties(run))
        means = run_estimates(run, _in_order(scores, run))
        for k, name in zip(cuts, scores.metrics, strict=True):
            value = means[name]
            found.append((run.name, k, value.mean, value.low, value.high, value.n))
    frame = pd.DataFrame(found, columns=["system", "cut", "value", "low", "high", "n"])
    return frame.astype({"value": float, "low": float, "high": float})


def by_cut(frame: "pd.DataFrame", family: Metric, systems: Sequence[str] | None = None) -> Chart:
    """Draw a line per system over the cuts.

    Args:
        frame: columns of `by_cut_frame`.
        family: metric to draw; its cut does not matter.
        systems: all systems of the report, whose order decides colour and shape; by default those of the frame.
    """
    metric = str(family).rpartition("@")[0]
    names = list(dict.fromkeys(frame["system"]))
    said = [estimate_text(row.value, row.low, row.high) for row in rows_of(frame)]
    shown = frame.assign(said=said)
    listed = "; ".join(f"{name} {_course(frame[frame['system'] == name])}" for name in names)
    description = f"Mean {metric} of the first K results: {listed}."
    cuts = sorted({int(cut) for cut in frame["cut"]})
    # On a phone the labels in between would run into each other.
    axis = {"values": cuts, "format": "d", "labelOverlap": True, "grid": False}
    x = quantitative("cut", "cutoff K", scale={"type": "log", "nice": False, "padding": 8}, axis=axis)
    hover = (("system", "system"), ("cut", "K"), ("said", f"{metric} [95%]"), ("n", "queries"))
    spec = lines_figure(description, shown, f"{metric}@K", x, systems or names, hover)
    rows = tuple(
        (row.system, str(row.cut), share(row.value), share(row.low), share(row.high)) for row in rows_of(frame)
    )
    return Chart(
        f"by-cut-{file_part(metric)}", f"{metric} by cutoff", description, spec,
        ("system", "K", metric, "low", "high"), rows, BANDS_HINT,
    )  # fmt: skip


def _course(frame: "pd.DataFrame") -> str:
    ends = {frame["cut"].min(), READ_AT, frame["cut"].max()}
    return ", ".join(f"{share(row.value)} at {row.cut}" for row in rows_of(frame) if row.cut in ends)


def _at(metric: Metric, k: int) -> Metric:
    changed: Any = metric
    at: Metric = replace(changed, k=k)
    return at


def _scored_at(run: ScoredRun, family: Metric) -> list[int]:
    found = []
    for name in run.scores.metrics:
        with suppress(SettingError):
            metric = parse(name)
            cut = getattr(metric, "k", None)
            if type(metric) is type(family) and cut is not None and _at(metric, 1) == _at(family, 1):
                found.append(int(cut))
    return found


def _ties(run: ScoredRun) -> Ties:
    settings = run.manifest.get("settings")
    written = settings.get("ties") if isinstance(settings, Mapping) else None
    return next((rule for rule in TIES if rule == written), "trec")


def _in_order(scores: Scores, run: ScoredRun) -> Scores:
    """Return the scores in the order of the run's queries."""
    if list(scores.query_ids) == list(run.queries.ids):
        return scores
    at = {id_: i for i, id_ in enumerate(scores.query_ids)}
    rows = [at[id_] for id_ in run.queries.ids]
    return replace(scores, query_ids=run.queries.ids, values=scores.values[rows])
