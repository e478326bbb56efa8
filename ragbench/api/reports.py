"""The page that can be sent."""

from collections.abc import Sequence
from pathlib import Path

from ragbench.api.checked import checked
from ragbench.api.several import paths, several
from ragbench.comparison.ab.paired_runs import PairedResult
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.gate.result import Gate
from ragbench.core.errors import InputError
from ragbench.io.files import write_text
from ragbench.io.places import cache_folder
from ragbench.render.figures import write_figures
from ragbench.render.html.inputs import Wanted, read_report
from ragbench.render.html.page import charts_of, write_page
from ragbench.render.html.texts import Named
from ragbench.render.pull_request import pull_request


@checked(runs="a folder that 'ragbench eval --out' or 'ragbench score --out' wrote")
def write_report(
    *runs: Path | str,
    out: Path | str,
    corpus: Path | str | Sequence[Path | str] = (),
    golden: Path | str | Sequence[Path | str] = (),
    answers: Path | str | Sequence[Path | str] = (),
    figures: Path | str | None = None,
    markdown: Path | str | None = None,
    gate: Path | str | Gate | Sequence[Path | str | Gate] = (),
    ab: Path | str | AbResult | PairedResult | Sequence[Path | str | AbResult | PairedResult] = (),
    texts: bool = True,
    title: str | None = None,
    metric: str | None = None,
    baseline: str | None = None,
    seed: int = 0,
    resamples: int = 10_000,
    cache: Path | str | None = None,
) -> Path:
    """Write evaluations as one HTML page that asks for nothing from anywhere, as ``ragbench report`` does.

    Args:
        runs: ``"FOLDER"`` or ``"FOLDER::ARM"`` of ``ragbench eval`` or ``ragbench score``; the first system is the
            baseline.
        out: the page.
        corpus: documents or chunks that were indexed, for their texts; one or several. What is not named is looked
            for where the evaluation found it.
        golden: golden sets that were used, for evidence and answers.
        answers: answers that were scored.
        figures: folder for the charts as PNG and SVG.
        markdown: file for a comment of a pull request.
        gate: gates to show: what `ragbench.gate` gave, the folder of ``ragbench gate --out``, or its JSON.
        ab: A/B tests to show: results of `ragbench.ab`, or the JSON of ``ragbench ab --json``.
        texts: False shows no texts but those named.
        title: of the page.
        metric: of the verdict; the headline metric if None.
        baseline: system to compare with; the first if None.
        seed: of intervals and tests.
        resamples: of both.
        cache: folder for the scripts of the page; the user's cache folder if None.

    Returns:
        The path of the page.

    Raises:
        InputError: a folder cannot be read, a file cannot be written, or a corpus, golden set or answers fit none of
            them.

    Examples:
        >>> rb.write_report("reports/example", out="report.html").name
        'report.html'
    """
    if markdown is not None and Path(markdown).resolve() == Path(out).resolve():
        raise InputError(f"out and markdown are both {out}: name two files")
    wanted = Wanted(
        tuple(str(run) for run in runs),
        Named(paths(corpus), golden=paths(golden), answers=paths(answers), left_out="" if texts else "texts=False"),
        gates=tuple(Path(one) if isinstance(one, str) else one for one in several(gate, Gate)),
        experiments=tuple(Path(one) if isinstance(one, str) else one for one in several(ab, AbResult, PairedResult)),
        title=title, metric=metric, baseline=baseline, seed=seed,
        resamples=resamples,
    )  # fmt: skip
    data, page = read_report(wanted), Path(out)
    write_page(data, page, cache_folder(cache))
    if figures is not None:
        write_figures(charts_of(data), Path(figures))
    if markdown is not None:
        write_text(Path(markdown), pull_request(data))
    return page
