"""Write evaluations as one HTML page, with charts as pictures and a comment for a pull request."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragbench.comparison.ab.paired_runs import PairedResult
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.gate.result import Gate
from ragbench.comparison.references import places
from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.core.options import named, option, options
from ragbench.core.spelling import given
from ragbench.corpus.chunk import AUTO
from ragbench.io.files import write_text
from ragbench.io.places import cache_folder
from ragbench.render.html.inputs import Wanted, read_report
from ragbench.render.html.page import charts_of, write_page
from ragbench.render.html.texts import Named
from ragbench.workflows.groups import CacheFolder


@options
class Options(CacheFolder):
    """The options of ``ragbench report`` and `ragbench.write_report`."""

    runs: Sequence[Path | str] = option(
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
    out: Path = option("HTML file to write.", default=Path("report.html"), section="Output", writes="HTML")
    figures: Path | None = option(
        "Folder for the charts as PNG and SVG.", default=None, section="Output", writes="folder"
    )
    markdown: Path | None = option(
        "Markdown file for a comment of a pull request.", default=None, section="Output", writes="Markdown"
    )

    def __post_init__(self) -> None:
        if self.markdown is not None and self.markdown.resolve() == self.out.resolve():
            raise InputError(f"{named('out')} and {named('markdown')} are both {self.out}: name two files")


@dataclass(frozen=True)
class Report:
    """The files that `run` wrote.

    Attributes:
        page: the HTML file.
        figures: pictures of the charts, in the order of the page.
        markdown: the comment for a pull request, if there is one.
        missing: which texts the page does not show, and why.
    """

    page: Path
    figures: tuple[Path, ...]
    markdown: Path | None
    missing: tuple[str, ...]


def run(options: Options, context: Context) -> Report:
    """Write evaluations as one HTML page that you can send: it loads nothing from anywhere.

    An evaluation does not keep texts. The page shows those of its corpus, golden set and answers that are still there
    and unchanged. You can name inputs that were moved; their fingerprints must be those that were evaluated.

    Returns:
        The path of the page.

    Raises:
        InputError: a folder cannot be read; a file cannot be written; or a corpus, golden set or answers belong to none
            of the evaluations.

    Examples:
        >>> rb.write_report("reports/example", out="report.html").name
        'report.html'
    """
    data = read_report(
        Wanted(
            references=tuple(place for one in options.runs for place in places(str(one))),
            texts=Named(
                tuple(options.corpus), options.chunker, tuple(options.golden), tuple(options.answers),
                "" if options.texts else given("texts", False),
            ),
            gates=tuple(options.gate),
            experiments=tuple(options.ab),
            title=options.title, metric=options.metric, baseline=options.baseline, intersect=options.intersect,
            seed=options.seed, resamples=options.resamples,
        )
    )  # fmt: skip
    write_page(data, options.out, cache_folder(options.cache))
    figures: tuple[Path, ...] = ()
    if options.figures is not None:
        from ragbench.render.figures import write_figures

        figures = tuple(write_figures(charts_of(data), options.figures))
    if options.markdown is not None:
        from ragbench.render.pull_request import pull_request

        write_text(options.markdown, pull_request(data))
    return Report(options.out, figures, options.markdown, data.texts.missing)
