"""Score run files against relevance labels: no corpus, no query texts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.judgements import Judgements
from ragbench.core.options import named, option, options
from ragbench.core.runs import Precision, Run
from ragbench.core.scores import HoleRange, Scores
from ragbench.io.qrels_files import read_judgements
from ragbench.io.run_files import read_tagged
from ragbench.metrics.base import Metric
from ragbench.metrics.holes import hole_notes
from ragbench.metrics.parse import parse_all
from ragbench.metrics.score import score
from ragbench.metrics.trec_eval.evaluate import TrecResult, TrecSettings, trec_evaluate
from ragbench.metrics.trec_eval.names import measures
from ragbench.workflows.holes import hole_ranges

DEFAULT = (
    "ndcg@10", "map", "mrr", "rprec", "bpref", "p@10", "hit@10", "recall@100", "recall@1000", "judged@10",
)  # fmt: skip
OFFICIAL = ("official",)


@options
class Options:
    """The options of ``ragbench metrics`` and `ragbench.score_runs`."""

    qrels: Path | Judgements = option(
        "Relevance labels: TREC qrels, JSON or Parquet.", section="Input", positional=True, metavar="QRELS"
    )
    runs: Sequence[Path | Run] = option(
        "Run files: TREC, JSON or Parquet; - is standard input.", section="Input", positional=True, metavar="RUN"
    )
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
        if not self.runs:
            faults.append(SettingError("is not given; name a run file", option="runs"))
        if faults:
            raise SettingError("\n".join(map(str, faults)))

    @property
    def trec(self) -> bool:
        """Whether trec_eval is followed."""
        return self.format != "table"


@dataclass(frozen=True, eq=False)
class RunScores:
    """The scores of one run.

    Attributes:
        name: the file's name without its ending, or its path if two files share a name.
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
    nine = options.format == "trec_eval-9"
    precision = options.precision or ("single" if nine else "double")
    asked = measures(options.metrics or OFFICIAL, nine=nine) if options.trec else ()
    chosen = () if options.trec else _metrics(options)
    if [one for one in (options.qrels, *options.runs) if one == Path("-")][1:]:
        raise InputError("standard input (-) can be read once: name a file for the others")
    judgements = options.qrels if isinstance(options.qrels, Judgements) else read_judgements(options.qrels)
    settings = TrecSettings(
        options.complete, options.level_of, options.judged_only, options.depth, options.collection_size, nine
    )
    found, notes = list[RunScores](), list[str]()
    for given, name in zip(options.runs, _names(options.runs), strict=True):
        if isinstance(given, Run):
            one, tag = given.at_precision(precision) if options.precision else given, name
        else:
            one, tag = read_tagged(given, precision=precision)
        if one.repeated:
            notes.append(f"{name}: {one.repeated} items stand twice for a query; the better rank counts")
        if options.trec:
            found.append(RunScores(name, tag, trec=trec_evaluate(one, judgements, asked, settings, tag=tag)))
        else:
            cut = one if options.depth is None else one.top(options.depth)
            scores = score(cut, judgements, chosen)
            holes = hole_ranges([cut], judgements, chosen, scores) if options.holes else {}
            found.append(RunScores(name, tag, scores=scores, holes=holes))
    if not options.holes:
        notes += hole_notes({one.name: one.scores for one in found if one.scores is not None}, judgements)
    return ScoredRuns(tuple(found), tuple(notes))


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


def _names(runs: Sequence[Path | Run]) -> list[str]:
    """A name for each run: the file's name without its ending if no other has it, else the path."""
    short = [f"run {i}" if isinstance(one, Run) else _stem(one) for i, one in enumerate(runs, start=1)]
    count = Counter(short)
    return [
        name if count[name] == 1 or isinstance(one, Run) else str(one) for name, one in zip(short, runs, strict=True)
    ]


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return "standard input" if path == Path("-") else Path(name).stem or path.name
