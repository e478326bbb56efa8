"""Write evaluations as one HTML page, with charts as pictures, tables for a paper and a comment for a pull request."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ragbench.comparison.ab.paired_runs import PairedResult
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.gate.result import Gate
from ragbench.comparison.references import places
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.evaluations import Evaluation
from ragbench.core.options import named, option, options
from ragbench.core.spelling import given
from ragbench.corpus.chunk import AUTO
from ragbench.io.chunk_files import write_chunks
from ragbench.io.files import write_text
from ragbench.io.inputs import ANYWHERE, found
from ragbench.render.evaluation import save_evaluation
from ragbench.render.html.inputs import ReportData, Wanted, read_report
from ragbench.render.html.page import charts_of, write_page
from ragbench.render.html.texts import Named

OUT = Path("report.html")
PAGES = (".html", ".htm")
"""Endings of the file that is written, which may also be given last."""


@options
class Options:
    """The options of ``ragbench report`` and `ragbench.report`."""

    runs: Sequence[Path | str | Evaluation] = option(
        "Folders of 'ragbench eval --out' or 'ragbench score --out', or FOLDER::ARM; the first system is the baseline.",
        default=(), section="Input", positional=True, metavar="RUN",
    )  # fmt: skip
    corpus: Sequence[Path] = option(
        "Documents or chunks that were indexed.", default=(), section="Input", unset="where the evaluation found them"
    )
    chunker: str = option(
        "How the corpus was cut: NAME or NAME:key=value,...; auto cuts it as the evaluation did.", default=AUTO,
        section="Input",
    )  # fmt: skip
    golden: Sequence[Path] = option(
        "Golden set that was used.", default=(), section="Input", unset="where the evaluation found it"
    )
    answers: Sequence[Path] = option(
        "Answers that were scored.", default=(), section="Input", unset="where the evaluation found them"
    )
    gate: Sequence[Path | Gate] = option(
        "Gate to show: a folder of 'ragbench gate --out', or its JSON.", default=(), section="Input"
    )
    ab: Sequence[Path | AbResult | PairedResult] = option(
        "A/B test to show: JSON of 'ragbench ab --json'.", default=(), section="Input"
    )
    texts: bool = option(
        "Show the texts behind the evaluations; without them, only those that you name.", default=True, section="Page"
    )
    title: str | None = option("Title of the page.", default=None, section="Page", unset="after the golden set")
    metric: str | None = option("Metric of the verdict.", default=None, section="Page", unset="the headline metric")
    baseline: str | None = option("System to compare with.", default=None, section="Page", unset="the first")
    intersect: bool = option("Compare the queries that all systems have.", default=False, section="Page")
    seed: int = option("Seed of the bootstrap and the test.", default=0, section="Page")
    resamples: int = option("Resamples of the bootstrap and the test.", default=10_000, section="Page")
    out: Path = option("HTML file to write.", default=OUT, section="Output", writes="HTML")
    figures: Path | None = option(
        "Folder for the charts as PNG and SVG.", default=None, section="Output", writes="folder"
    )
    markdown: Path | None = option(
        "Markdown file for a comment of a pull request.", default=None, section="Output", writes="Markdown"
    )

    latex: Path | None = option(
        "LaTeX file for a table for a paper, with marks of significance against the baseline.", default=None,
        section="Output", writes="LaTeX",
    )  # fmt: skip
    table: Path | None = option("Markdown file for the same table.", default=None, section="Output", writes="Markdown")
    table_metrics: Sequence[str] = option(
        "Metric of these tables.", default=(), section="Output", flag="--table-metric",
        unset="the headline metric and some at the same cut-off",
    )  # fmt: skip

    def __post_init__(self) -> None:
        *runs, last = self.runs or ("",)
        if runs and isinstance(last, str | Path) and Path(last).suffix.lower() in PAGES and not Path(last).is_dir():
            if self.out != OUT:
                raise InputError(f"{last} and {named('out')} {self.out} are both the page: name one of them")
            object.__setattr__(self, "runs", tuple(runs))
            object.__setattr__(self, "out", Path(last))
        files = {name: getattr(self, name) for name in ("out", "markdown", "latex", "table")}
        taken: dict[Path, str] = {}
        for name, path in files.items():
            if path is None:
                continue
            other = taken.setdefault(path.resolve(), name)
            if other != name:
                raise InputError(f"{named(other)} and {named(name)} are both {path}: name two files")
        if self.table_metrics and self.latex is None and self.table is None:
            raise SettingError(f"is for {named('latex')} and {named('table')}", option="table_metrics")


@dataclass(frozen=True)
class Report:
    """The files that `run` wrote.

    Attributes:
        page: the HTML file.
        figures: pictures of the charts, in the order of the page.
        markdown: the comment for a pull request, if there is one.
        tables: the tables for a paper: LaTeX, Markdown.
        missing: which texts the page does not show, and why.
    """

    page: Path
    figures: tuple[Path, ...]
    markdown: Path | None
    missing: tuple[str, ...]
    tables: tuple[Path, ...] = ()


def run(options: Options, context: Context) -> Report:
    """Write evaluations as one HTML page that you can send: it loads nothing from anywhere.

    An evaluation in a folder does not keep texts. The page shows those of its corpus, golden set and answers that are
    still there and unchanged. You can name inputs that were moved; their fingerprints must be those that were
    evaluated.

    Returns:
        The path of the page.

    Raises:
        InputError: a folder cannot be read; a file cannot be written; or a corpus, golden set or answers belong to none
            of the evaluations.

    Examples:
        >>> rb.report("reports/example", out="report.html").name
        'report.html'
        >>> evaluation = rb.load_evaluation("reports/example")
        >>> rb.report(evaluation, "mine.html").name
        'mine.html'
    """
    with _folders(options) as (folders, chunks):
        return _written(options, folders, chunks)


@contextmanager
def _folders(options: Options) -> Iterator[tuple[list[str], list[Path]]]:
    """The folder of each run, and files of chunks that have no other place. Evaluations of a notebook lie in a folder
    beside the page meanwhile.
    """
    evaluations = [one for one in options.runs if isinstance(one, Evaluation)]
    if not evaluations:
        yield [str(one) for one in options.runs], []
        return
    beside = options.out.resolve().parent
    beside.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".ragbench-", dir=beside) as temporary:
        folders, chunks = [], []
        for number, one in enumerate(options.runs, start=1):
            if not isinstance(one, Evaluation):
                folders.append(str(one))
                continue
            name = "evaluation" if len(evaluations) == 1 else f"evaluation {number}"
            folders.append(str(save_evaluation(one, Path(temporary) / name)))
            if one.chunks is not None and found(one.manifest, "corpus", ANYWHERE) is None:
                chunks.append(Path(temporary) / f"chunks-{number}.jsonl")
                write_chunks(one.chunks, chunks[-1])
        yield folders, chunks if options.texts and not options.corpus else []


def _written(options: Options, folders: Sequence[str], chunks: Sequence[Path]) -> Report:
    data = read_report(
        Wanted(
            references=tuple(place for one in folders for place in places(one)),
            texts=Named(
                (*options.corpus, *chunks), options.chunker, tuple(options.golden), tuple(options.answers),
                "" if options.texts else given("texts", False),
            ),
            gates=tuple(options.gate),
            experiments=tuple(options.ab),
            title=options.title, metric=options.metric, baseline=options.baseline, intersect=options.intersect,
            seed=options.seed, resamples=options.resamples,
        )
    )  # fmt: skip
    if chunks:  # they are about to be deleted, so the page does not name them
        data = replace(data, texts=replace(data.texts, inputs={}))
    write_page(data, options.out)
    figures: tuple[Path, ...] = ()
    if options.figures is not None:
        from ragbench.render.figures import write_figures

        figures = tuple(write_figures(charts_of(data), options.figures))
    if options.markdown is not None:
        from ragbench.render.pull_request import pull_request

        write_text(options.markdown, pull_request(data))
    return Report(options.out, figures, options.markdown, data.texts.missing, _tables(options, data))


def _tables(options: Options, data: ReportData) -> tuple[Path, ...]:
    """Write the tables for a paper."""
    if options.latex is None and options.table is None:
        return ()
    from ragbench.render.paper_table import paper_latex, paper_markdown, paper_table

    known = [name for name in data.runs[0].scores.metrics if all(name in run.scores.metrics for run in data.runs)]
    for name in options.table_metrics:
        if name not in known:
            raise SettingError(
                f"{name!r} was not measured for all systems{did_you_mean(name, known)}", option="table_metrics"
            )
    table = paper_table(data, options.table_metrics)
    written = []
    for path, render in ((options.latex, paper_latex), (options.table, paper_markdown)):
        if path is not None:
            write_text(path, render(table))
            written.append(path)
    return tuple(written)
