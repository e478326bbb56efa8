"""Score run files against relevance labels: no corpus, no query texts."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.naming import split_path
from ragbench.core.options import named, option, options
from ragbench.core.runs import Precision, Run
from ragbench.core.scores import HoleRange, Scores
from ragbench.io.qrels_files import read_judgements
from ragbench.io.run_files import read_tagged
from ragbench.io.trec import read_label_groups
from ragbench.io.trec_eval_files import read_preferences, read_zscores
from ragbench.metrics.base import Metric
from ragbench.metrics.holes import hole_notes
from ragbench.metrics.parse import parse_all
from ragbench.metrics.score import score
from ragbench.metrics.trec_eval.evaluate import (
    TrecResult,
    TrecSettings,
    trec_evaluate,
    trec_evaluate_groups,
    trec_evaluate_preferences,
)
from ragbench.metrics.trec_eval.names import Labels, measures
from ragbench.workflows.holes import hole_ranges

DEFAULT = (
    "ndcg@10", "map", "mrr", "rprec", "bpref", "p@10", "hit@10", "recall@100", "recall@1000", "judged@10",
)  # fmt: skip
USUAL: dict[Labels, tuple[str, ...]] = {"qrels": ("official",), "qrels_jg": ("qrels_jg",), "prefs": ("prefs",)}
"""trec_eval's measures by kind of labels, if none are given."""
TrecLabels = Literal["qrels", "qrels_jg", "qrels_prefs", "prefs"]


@options
class Options:
    """The options of ``ragbench metrics`` and `ragbench.score_runs`."""

    qrels: Path | Judgements = option(
        "Relevance labels: qrels of TREC or BEIR, JSON or Parquet.", section="Input", positional=True, metavar="QRELS"
    )
    runs: Sequence[Path | Run] = option(
        "Run files: TREC, JSON or Parquet, or NAME=FILE; - is standard input.", section="Input", positional=True,
        metavar="RUN",
    )  # fmt: skip
    metrics: Sequence[str] = option(
        "Metric, such as ndcg@10; in the format trec_eval one of its measures, such as ndcg_cut.10, or official, set "
        "or all_trec.", default=(), section="Evaluation", flag="--metric", short="-m",
        unset="the most common ones",
    )  # fmt: skip
    level_of: int = option("Least label that counts as relevant.", default=1, section="Evaluation", short="-l")
    depth: int | None = option(
        "Number of items to use for each query.", default=None, section="Evaluation", short="-M", unset="all"
    )
    judged_only: bool = option(
        "Remove items without a label before anything is ranked.", default=False, section="Evaluation", short="-J"
    )
    complete: bool = option(
        "Average over all judged queries in the format trec_eval too; the table always does.", default=False,
        section="Evaluation", short="-c",
    )  # fmt: skip
    precision: Precision | None = option(
        "Precision in which scores are compared: double as in trec_eval 10, or single as in trec_eval 9.", default=None,
        section="Evaluation", unset="double, and single in the format trec_eval-9",
    )  # fmt: skip
    holes: bool = option(
        "Also show how many items within each cut-off have no label, and the lowest and highest mean that their labels "
        "could give.", default=False, section="Evaluation",
    )  # fmt: skip
    collection_size: int = option(
        "Number of documents in the collection, for trec_eval's utility.", default=0, section="Evaluation", short="-N"
    )
    labels: TrecLabels = option(
        "Kind of the labels for the formats of trec_eval: qrels, qrels_jg (judgement groups), qrels_prefs or prefs.",
        default="qrels", section="Evaluation", short="-R",
    )  # fmt: skip
    zscores: Path | None = option(
        "File of trec_eval with mean and standard deviation by query and measure, to print z-scores.", default=None,
        section="Evaluation", short="-Z", unset="none: values are printed",
    )  # fmt: skip
    format: Literal["table", "trec_eval", "trec_eval-9"] = option(
        "A table, or the output of trec_eval 10 or 9.", default="table", section="Output"
    )
    per_query: bool = option("Show every query.", default=False, section="Output", short="-q")
    no_summary: bool = option("Hide the values over all queries.", default=False, section="Output", short="-n")

    def __post_init__(self) -> None:
        faults = []
        if self.level_of < 1:
            faults.append(SettingError(f"is {self.level_of}; it must be at least 1", option="level_of"))
        if self.depth is not None and self.depth < 1:
            faults.append(SettingError(f"is {self.depth}; it must be at least 1", option="depth"))
        if self.holes and self.trec:
            faults.append(SettingError(f"is for the table: leave out {named('format')}", option="holes"))
        faults += [
            SettingError(f"needs {named('format')} trec_eval", option=name)
            for name, usual in (("labels", "qrels"), ("zscores", None))
            if getattr(self, name) != usual and not self.trec
        ]
        if not self.runs:
            faults.append(SettingError("is not given; name a run file", option="runs"))
        if faults:
            raise SettingError("\n".join(map(str, faults)))

    @property
    def trec(self) -> bool:
        """Whether trec_eval is followed."""
        return self.format != "table"


@brief
@dataclass(frozen=True, eq=False)
class RunScores:
    """The scores of one run.

    Attributes:
        name: the name that was given, or the file's name without its ending, or its path if two files share a name.
        tag: the name that the file gives to the system, or empty.
        scores: a row for each judged query, and NaN where a metric is undefined; None if trec_eval is followed.
        trec: what trec_eval computes; None unless it is followed.
        holes: what items without a label could change, by metric; empty unless it was asked for.
    """

    name: str
    tag: str
    scores: Scores | None = None
    trec: TrecResult | None = None
    holes: Mapping[str, HoleRange] = field(default_factory=dict)


@brief
@dataclass(frozen=True, eq=False)
class ScoredRuns:
    """The scores of several runs on the same labels.

    Attributes:
        runs: in the given order.
        notes: what a reader must know about the files.
    """

    runs: tuple[RunScores, ...]
    notes: tuple[str, ...] = ()

    @property
    def scores(self) -> dict[str, Scores]:
        """Scores by name of the run; empty if trec_eval is followed."""
        return {one.name: one.scores for one in self.runs if one.scores is not None}

    @property
    def holes(self) -> dict[str, Mapping[str, HoleRange]]:
        """What items without a label could change, by name of the run; empty unless it was asked for."""
        return {one.name: one.holes for one in self.runs if one.holes}

    @property
    def trec(self) -> dict[str, TrecResult]:
        """What trec_eval computes by name of the run; empty unless it is followed."""
        return {one.name: one.trec for one in self.runs if one.trec is not None}


def run(options: Options, context: Context) -> ScoredRuns:
    """Score run files against relevance labels. It needs neither the documents nor the texts of the queries.

    The mean of a metric is over all judged queries that have a relevant item; a query that a run lacks counts as 0. In
    the format ``trec_eval`` it is over the queries that are judged and in the run, as in trec_eval.

    Raises:
        InputError: a file cannot be read, or a run and the labels share no query.
        SettingError: a metric is unknown, or a setting is out of its range.

    Examples:
        >>> scored = rb.score_runs("reports/example/qrels.trec", ["reports/example/runs/bm25.trec"], metrics="map")
        >>> round(scored.scores["bm25"].means()["map"], 3)
        0.594
    """
    if [one for one in (options.qrels, *(given for _, given in _given(options.runs))) if one == Path("-")][1:]:
        raise InputError("standard input (-) can be read once: name a file for the others")
    notes = list[str]()
    if options.trec:
        evaluate = _trec_eval(options)
        followed = [RunScores(name, tag, trec=evaluate(one, tag)) for name, tag, one in _runs(options, notes)]
        return ScoredRuns(tuple(followed), tuple(notes))
    chosen, judgements, found = _metrics(options), _judgements(options), list[RunScores]()
    for name, tag, one in _runs(options, notes):
        cut = one if options.depth is None else one.top(options.depth)
        scores = score(cut, judgements, chosen)
        holes = hole_ranges([cut], judgements, chosen, scores) if options.holes else {}
        found.append(RunScores(name, tag, scores=scores, holes=holes))
    if not options.holes:
        notes += hole_notes({one.name: one.scores for one in found if one.scores is not None}, judgements)
    return ScoredRuns(tuple(found), tuple(notes))


def _runs(options: Options, notes: list[str]) -> Iterator[tuple[str, str, Run]]:
    """Read name, tag and rankings of each run, and note what a reader must know about them."""
    precision = options.precision or ("single" if options.format == "trec_eval-9" else "double")
    runs = _given(options.runs)
    for (chosen, given), name in zip(runs, _names(runs), strict=True):
        if isinstance(given, Run):
            one, tag = given.at_precision(precision) if options.precision else given, name
        else:
            one, tag = read_tagged(given, precision=precision)
            tag = chosen or tag
        if one.repeated:
            notes.append(f"{name}: {one.repeated} items stand twice for a query; the better rank counts")
        yield name, tag, one


def _trec_eval(options: Options) -> Callable[[Run, str], TrecResult]:
    """What evaluates a run with a tag, for the kind of labels."""
    kind: Labels = "prefs" if options.labels == "qrels_prefs" else options.labels
    nine = options.format == "trec_eval-9"
    asked = measures(options.metrics or USUAL[kind], nine=nine, labels=kind)
    settings = TrecSettings(
        options.complete, options.level_of, options.judged_only, options.depth, options.collection_size, nine,
        {} if options.zscores is None else read_zscores(options.zscores),
    )  # fmt: skip
    if kind == "qrels":
        judgements = _judgements(options)
        return lambda run, tag: trec_evaluate(run, judgements, asked, settings, tag=tag)
    if isinstance(options.qrels, Judgements):
        raise SettingError(f"is {options.labels}, which is read from a file", option="labels")
    if kind == "qrels_jg":
        groups = read_label_groups(options.qrels)
        return lambda run, tag: trec_evaluate_groups(run, groups, asked, settings, tag=tag)
    preferences = read_preferences(options.qrels, subgroups=options.labels == "prefs")
    return lambda run, tag: trec_evaluate_preferences(run, preferences, asked, settings, tag=tag)


def _judgements(options: Options) -> Judgements:
    return options.qrels if isinstance(options.qrels, Judgements) else read_judgements(options.qrels)


def _metrics(options: Options) -> tuple[Metric, ...]:
    """The metrics, at the level of relevance and on the items that were asked for. Their names say so."""
    changes: dict[str, object] = {"judged_only": True} if options.judged_only else {}
    if options.level_of > 1:
        changes["level"] = options.level_of
    found = []
    for metric in parse_all(options.metrics or DEFAULT):
        fitting = {name: value for name, value in changes.items() if name in metric.settings()}
        found.append(replace(metric, **fitting) if fitting else metric)  # type: ignore[arg-type]
    return tuple(dict.fromkeys(found))


def _given(runs: Sequence[Path | Run]) -> list[tuple[str, Path | Run]]:
    """Each run with the name that was given before ``=``, or an empty one.

    Raises:
        SettingError: a name is given twice.
    """
    found: list[tuple[str, Path | Run]] = []
    for one in runs:
        name, place = ("", "") if isinstance(one, Run) else split_path(str(one))
        found.append((name, one if isinstance(one, Run) else Path(place)))
    given = Counter(name for name, _ in found if name)
    if twice := [name for name, times in given.items() if times > 1]:
        raise SettingError(f"two runs are called {twice[0]!r}: give each a name of its own")
    return found


def _names(runs: Sequence[tuple[str, Path | Run]]) -> list[str]:
    """A name for each run: the given one, else the file's name without its ending if no other has it, else the path."""
    short = [name or (f"run {i}" if isinstance(one, Run) else _stem(one)) for i, (name, one) in enumerate(runs, 1)]
    count = Counter(short)
    return [
        name if given or count[name] == 1 or isinstance(one, Run) else str(one)
        for name, (given, one) in zip(short, runs, strict=True)
    ]


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return "standard input" if path == Path("-") else Path(name).stem or path.name
