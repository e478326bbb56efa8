"""``ragbench report``: evaluations as one HTML page."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = """Write evaluations as one HTML page that can be sent: it asks for nothing from anywhere.

Example: ragbench report reports/shop --out report.html

RUN is the folder of 'ragbench eval --out' or 'ragbench score --out' (all its
systems), or FOLDER::ARM. The first system is the baseline. An evaluation does not
keep texts, but where its corpus, golden set and answers lie: what is still there
and unchanged is shown. What was moved can be named; it is used only if its
fingerprint is the one that was evaluated. Exit code 0: written; 2: an error of
usage or input."""

Paths = list[Path] | None


def report_command(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="FOLDER or FOLDER::ARM.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("report.html"),
    figures: Annotated[Path | None, typer.Option(help="Folder for the charts as PNG and SVG.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="File for a comment of a pull request.")] = None,
    corpus: Annotated[Paths, typer.Option(help="Documents or chunks that were indexed; may be repeated.")] = None,
    chunker: Annotated[str, typer.Option(help="How the corpus was cut: NAME or NAME:key=value,...")] = "auto",
    golden: Annotated[Paths, typer.Option(help="Golden set that was used; may be repeated.")] = None,
    answers: Annotated[Paths, typer.Option(help="Answers that were scored; may be repeated.")] = None,
    gate: Annotated[Paths, typer.Option(help="Gate to show: folder of 'ragbench gate --out', or its JSON.")] = None,
    ab: Annotated[Paths, typer.Option(help="A/B test to show: JSON of 'ragbench ab --json'.")] = None,
    no_texts: Annotated[bool, typer.Option("--no-texts", help="Show no texts but those named here.")] = False,
    title: Annotated[str | None, typer.Option(help="Title of the page.  [default: after the golden set]")] = None,
    metric: Annotated[str | None, typer.Option(help="Metric of the verdict.  [default: ndcg@10]")] = None,
    baseline: Annotated[str | None, typer.Option(help="System to compare with.  [default: first]")] = None,
    intersect: Annotated[bool, typer.Option("--intersect", help="Compare the queries in common.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of bootstrap and test.")] = 0,
    resamples: Annotated[int, typer.Option(help="Of bootstrap and test.")] = 10_000,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
) -> None:
    """Write evaluations as one HTML page."""
    from ragbench.core.errors import InputError
    from ragbench.io.places import cache_folder
    from ragbench.render.html.inputs import Wanted, read_report
    from ragbench.render.html.page import charts_of, write_page
    from ragbench.render.html.texts import Named

    if markdown is not None and markdown.resolve() == out.resolve():
        raise InputError(f"--out and --markdown are both {out}: name two files")
    data = read_report(
        Wanted(
            references=tuple(runs),
            texts=Named(
                tuple(corpus or ()),
                chunker,
                tuple(golden or ()),
                tuple(answers or ()),
                "--no-texts" if no_texts else "",
            ),
            gates=tuple(gate or ()),
            experiments=tuple(ab or ()),
            title=title,
            metric=metric,
            baseline=baseline,
            intersect=intersect,
            seed=seed,
            resamples=resamples,
        )
    )
    write_page(data, out, cache_folder(cache))
    if figures is not None:
        from ragbench.render.figures import write_figures

        print(f"{len(write_figures(charts_of(data), figures))} figures written to {figures}")
    if markdown is not None:
        from ragbench.io.files import write_text
        from ragbench.render.pull_request import pull_request

        write_text(markdown, pull_request(data))
        print(f"comment written to {markdown}")
    for line in data.texts.missing:
        print(f"note: {line}")
    print(f"written to {out} ({out.stat().st_size / 1e6:.1f} MB)")


report_command.__doc__ = EXAMPLE
