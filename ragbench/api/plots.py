"""The charts of the report as `altair.Chart`, a method each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ragbench.api.checked import checked
from ragbench.api.notebook import draw_without_network
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.compare import Compared
from ragbench.comparison.gate.result import Gate
from ragbench.core.errors import InputError, MissingExtra, SettingError, did_you_mean
from ragbench.core.evaluations import Evaluation
from ragbench.core.experiments import Experiments
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import headline
from ragbench.render.charts.by_cut import by_cut, by_cut_frame, families
from ragbench.render.charts.chart import Chart
from ragbench.render.charts.differences import differences, differences_frame
from ragbench.render.charts.experiments import experiments_chart, experiments_frame
from ragbench.render.charts.leaderboard import leaderboard, leaderboard_frame
from ragbench.render.charts.limits import gate_charts
from ragbench.render.charts.outcomes import ab_charts
from ragbench.render.charts.over_time import over_time, over_time_frame
from ragbench.render.charts.overlap import overlap_chart, overlap_frame
from ragbench.render.charts.rank_changes import rank_changes, rank_changes_frame
from ragbench.render.charts.slices import slice_differences, slice_differences_frame, slice_means, slices_frame
from ragbench.render.charts.theme import Theme, config
from ragbench.render.charts.tradeoff import Price, tradeoff, tradeoff_frame
from ragbench.render.charts.wordings import wording_differences, wordings_frame
from ragbench.render.figures import picture

WIDTH = 640


def drawn(chart: Chart, theme: Theme = "light", width: int = WIDTH) -> Any:
    """Return the chart as an `altair.Chart`, which a notebook draws and ``.save("chart.png")`` writes.

    Raises:
        MissingExtra: altair is not installed.
    """
    try:
        import altair as alt
    except ImportError as error:
        raise MissingExtra("a chart", "charts") from error

    draw_without_network()
    return alt.Chart.from_dict({**_with_views(picture(chart, theme, width)), "config": config(theme)})


def _with_views(spec: dict[str, Any]) -> dict[str, Any]:
    """The same chart, its selections beside its layers; altair loses in which layer (``views``) they are made."""
    layers, params = [], list(spec.get("params", ()))
    for at, layer in enumerate(spec.get("layer", ())):
        name = layer.get("name", f"layer{at}")
        params += [{**param, "views": [name]} for param in layer.get("params", ()) if "select" in param]
        layers.append({**layer, "name": name, "params": [p for p in layer.get("params", ()) if "select" not in p]})
    layers = [{key: value for key, value in layer.items() if value != []} for layer in layers]
    return {**spec, **({"layer": layers} if layers else {}), **({"params": params} if params else {})}


class EvaluationPlots:
    """Charts of systems over one golden set; ``theme`` is ``"light"`` or ``"dark"``."""

    def __init__(self, runs: Sequence[ScoredRun], evaluation: Evaluation | None = None) -> None:
        self._runs = [run for run in runs if run.error is None and run.scores.metrics]
        if not self._runs:
            raise InputError("there is nothing to draw: no system ran")
        self._evaluation = evaluation
        self._names = [run.name for run in self._runs]

    def _metric(self, metric: str | None) -> str:
        known = self._runs[0].scores.metrics
        return headline(known) if metric is None else _known("metric", metric, known)

    @checked()
    def leaderboard(self, metric: str | None = None, theme: Theme = "light") -> Any:
        """Plot the mean of each system with its interval."""
        name = self._metric(metric)
        return drawn(leaderboard(leaderboard_frame(self._runs, name), name, self._names), theme)

    @checked()
    def tradeoff(self, price: Price = "latency", metric: str | None = None, theme: Theme = "light") -> Any:
        """Plot quality against ``"latency"`` or ``"cost"``, with the Pareto front.

        Raises:
            InputError: no system has that figure.
        """
        name = self._metric(metric)
        frame = tradeoff_frame(self._runs, name, price)
        return drawn(tradeoff(_rows(frame, f"no system has a {price}"), name, price, self._names), theme)

    @checked()
    def by_k(self, metric: str | None = None, theme: Theme = "light") -> Any:
        """Plot the metric at every K that the rankings reach.

        Raises:
            InputError: the rankings are not there, or the metric has no K.
        """
        wanted = (metric or self._metric(None)).partition("@")[0]
        for family in families(self._runs):
            if str(family).partition("@")[0] == wanted:
                return drawn(by_cut(by_cut_frame(self._runs, family), family, self._names), theme)
        raise InputError(f"{wanted} cannot be drawn by K: there are no rankings, or it has no K")

    @checked()
    def slices(self, by: str = "type", metric: str | None = None, theme: Theme = "light") -> Any:
        """Plot means by query type, or by another column of the queries.

        Raises:
            InputError: the queries have no such column.
        """
        name = self._metric(metric)
        return drawn(slice_means(slices_frame(self._runs, name, by), name, by, self._names), theme)

    @checked()
    def rank_changes(self, candidate: str | None = None, theme: Theme = "light") -> Any:
        """Plot where the first system ranks the first relevant item, and where another system does.

        Raises:
            InputError: there are no rankings of two systems.
        """
        if len(self._runs) < 2 or self._runs[0].run is None or self._runs[0].judgements is None:
            raise InputError("rank changes need the rankings of two systems")
        if candidate is not None:
            _known("candidate", candidate, self._names[1:])
        frame = rank_changes_frame(self._runs[0], self._runs[1:])
        return drawn(rank_changes(_rows(frame, "there is no query with something relevant"), candidate), theme)

    @checked()
    def overlap(self, texts: Mapping[str, str] | None = None, metric: str | None = None, theme: Theme = "light") -> Any:
        """Plot means by how many words queries share with the relevant items.

        Args:
            texts: text by item id; those of the evaluation's chunks by default.
            metric: the headline metric if None.
            theme: light or dark.

        Raises:
            InputError: there are no texts.
        """
        if texts is None and self._evaluation is not None:
            texts = _texts(self._evaluation)
        name = self._metric(metric)
        frame = overlap_frame(self._runs, name, texts or {})
        return drawn(overlap_chart(_rows(frame, "there are no texts of what is relevant"), name, self._names), theme)


class ExperimentsPlots:
    """Charts of evaluations over time."""

    def __init__(self, experiments: Experiments) -> None:
        self._experiments = experiments

    @checked()
    def over_time(self, theme: Theme = "light") -> Any:
        """Plot the metric of every system at the time of its evaluation.

        Raises:
            InputError: no system has the metric.
        """
        frame = _rows(experiments_frame(self._experiments), "no system has a score")
        return drawn(experiments_chart(frame, self._experiments), theme)


class ComparedPlots:
    """Charts of a comparison."""

    def __init__(self, compared: Compared) -> None:
        self._compared = compared

    @checked()
    def differences(self, metric: str | None = None, theme: Theme = "light") -> Any:
        """Plot paired differences with their intervals."""
        known = self._compared.settings.metrics
        name = known[0] if metric is None else _known("metric", metric, known)
        return drawn(differences(differences_frame(self._compared.verdicts), name), theme)

    @checked()
    def slices(self, by: str | None = None, theme: Theme = "light") -> Any:
        """Plot differences by slice.

        Raises:
            InputError: the comparison was made without ``by``.
        """
        cuts = self._compared.settings.by
        if not cuts:
            raise InputError("the comparison has no slices: compare with by=['type']")
        by = by or cuts[0]
        frame = slice_differences_frame(self._compared.slices, by)
        return drawn(slice_differences(_rows(frame, f"the comparison has no slices by {by}"), by), theme)

    @checked()
    def wordings(self, metric: str | None = None, theme: Theme = "light") -> Any:
        """Plot differences by wording, and the interval that is predicted for a further wording.

        Raises:
            InputError: the queries are not in several wordings.
        """
        known = self._compared.settings.metrics
        name = known[0] if metric is None else _known("metric", metric, known)
        frame = wordings_frame(self._compared.verdicts, name, self._compared.baseline)
        return drawn(wording_differences(_rows(frame, "the queries are not in several wordings")), theme)


class GatePlots:
    """Charts of a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @checked()
    def limits(self, at: int = 0, theme: Theme = "light") -> Any:
        """Plot how far each rule is from its bound. Rules in other units have charts of their own, by number.

        Raises:
            SettingError: there are not so many charts.
        """
        charts = gate_charts(self._gate)
        if at not in range(len(charts)):
            raise SettingError(f"at is {at!r}; this gate has {len(charts)} charts, the first of them is 0")
        return drawn(charts[at], theme)


class AbPlots:
    """Charts of an experiment."""

    def __init__(self, result: AbResult) -> None:
        self._result = result

    @checked()
    def outcome(self, name: str | None = None, theme: Theme = "light") -> Any:
        """Plot an outcome by variant, by default the one that decides.

        Raises:
            InputError: there is no such outcome, or the split is broken.
        """
        _split_holds(self._result)
        charts = dict(zip((one.name for one in self._result.outcomes), ab_charts(self._result), strict=False))
        wanted = name or next(iter(charts), "")
        if wanted not in charts:
            raise InputError(f"no outcome {wanted!r}{did_you_mean(wanted, charts)}")
        return drawn(charts[wanted], theme)

    @checked()
    def over_time(self, name: str | None = None, theme: Theme = "light") -> Any:
        """Plot an outcome day by day: all units so far with the any-look interval, and each day alone.

        Raises:
            InputError: the analysis was made without ``over_time=True``, there is no such outcome, or the split is
                broken.
        """
        _split_holds(self._result)
        if not self._result.over_time:
            raise InputError("the analysis has no days: call ab with over_time=True")
        named = {one.name: one for one in self._result.outcomes}
        wanted = name or next(iter(named))
        if wanted not in named:
            raise InputError(f"no outcome {wanted!r}{did_you_mean(wanted, named)}")
        frame = over_time_frame(named[wanted], self._result)
        return drawn(over_time(frame, named[wanted], self._result), theme)


def _split_holds(result: AbResult) -> None:
    if not result.srm_ok:
        raise InputError("the split is not the one that was planned, so no difference is shown: find the fault first")


def _known(what: str, name: object, names: Iterable[str]) -> str:
    names = tuple(names)
    if name not in names:
        raise SettingError(f"no {what} {name!r}{did_you_mean(str(name), names)}")
    return str(name)


def _rows(frame: Any, otherwise: str) -> Any:
    if not len(frame):
        raise InputError(otherwise)
    return frame


def _texts(evaluation: Evaluation) -> dict[str, str]:
    """Text by item; nothing if no corpus was read."""
    chunks = evaluation.chunks
    if chunks is None:
        return {}
    if evaluation.task.unit == "chunk":
        return dict(zip(chunks.ids, chunks.texts, strict=True))
    found: dict[str, list[str]] = {}
    for id_, text in zip(chunks.document_ids, chunks.texts, strict=True):
        found.setdefault(id_, []).append(text)
    return {id_: "\n".join(texts) for id_, texts in found.items()}
