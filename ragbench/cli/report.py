"""``ragbench report``: evaluations as one HTML page."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.workflows.report import Options, Report

HELP = """Write evaluations as one HTML page that you can send: it loads nothing from anywhere.

Example:
  ragbench report reports/shop --out report.html

RUN is the folder of 'ragbench eval --out' or 'ragbench score --out' (all its
systems), or FOLDER::ARM. The first system is the baseline. An evaluation does not
keep texts, but it records where its corpus, golden set and answers are: the page
shows what is still there and unchanged. You can name inputs that were moved; their
fingerprints must be those that were evaluated. Exit code 0: written; 2: an error
of usage or input."""


def show(options: "Options", report: "Report", output: Output) -> None:
    """Print what was written, and which texts the page does not show."""
    from ragbench.render.html.page import written_json

    if output.as_json:
        output.object(written_json(report.page, report.figures, report.markdown, report.missing))
        return
    if options.figures is not None:
        output.say(f"{len(report.figures)} figures written to {options.figures}")
    if report.markdown is not None:
        output.say(f"comment written to {report.markdown}")
    for line in report.missing:
        output.say(f"note: {line}")
    output.say(f"written to {report.page} ({report.page.stat().st_size / 1e6:.1f} MB)")
