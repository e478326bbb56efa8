"""``ragbench demo``: the main jobs on the sample shop, by the commands that a user would type."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragbench.cli.output import Output, print_lines
from ragbench.core.options import option, options

if TYPE_CHECKING:
    from ragbench.cli.demo_report import DemoReport

HELP = """Evaluate four retrievers on the sample shop: by human queries, and by a golden set made without a model.

Example:
  ragbench demo
  ragbench demo --gate

With --gate, it shows how a gate decides on three changes to BM25: one passes,
one fails, and one is inconclusive. This takes a few seconds. The demo needs no
key and no network. It prints each command as you would type it. With --json it
prints one object: "written" and "masked" as ragbench eval prints them, and
"audit" as ragbench golden audit does. With --gate, the object has "gates", a
list of what ragbench gate prints."""
PRINTED = "printed.txt"
PASSED, FINDINGS = 0, 1


@options
class Options:
    """The options of ``ragbench demo``."""

    out: Path = option("Folder for all results.", default=Path("reports/demo"), section="Output", writes="folder")
    fresh: bool = option("Evaluate again, even if results are stored.", default=False, section="Run")
    gate: bool = option(
        "Show a change that passes a gate, one that fails, and one that is inconclusive.", default=False, section="Run"
    )


def run(options: Options, output: Output) -> None:
    """Run the commands, and print the leaderboards at the end.

    Raises:
        click.exceptions.Exit: a command failed; what it printed is on standard error.
        InputError: the folder of the golden set holds other files.
        RagbenchError: of a command.
    """
    from ragbench.cli.demo_report import DemoReport
    from ragbench.io.parsing import read_json
    from ragbench.io.places import sample
    from ragbench.io.run_folder import RUN, check_empty

    shop = sample("shop")
    places = _Places(_short(shop / "product_catalog.csv"), _short(shop), options.out)
    report = DemoReport(shown=not output.as_json)
    again = ("--fresh",) if options.fresh else ()
    steps = Steps(options.out, report)
    if options.gate:
        from ragbench.cli.demo_gate import show_gates

        gates = show_gates(places.corpus, places.golden, options.out, steps, report, again)
        report.end(options.out / PRINTED)
        if output.as_json:
            output.object({"version": 1, "gates": gates})
        return
    # This replaces only what an earlier demo wrote. A folder with other content is refused before the work starts.
    force = ("--force",) if (places.generated / RUN).is_file() else ()
    if not force:
        check_empty(places.generated, forced=False)

    report.heading("1. Which retriever is best on the human queries of the shop?")
    evaluate = ("eval", "--corpus", places.corpus, "--golden", places.golden, "--out", places.written, *again)
    steps.run(*evaluate, hidden=force)
    report.heading("2. No labelled queries? Build a golden set from the documents, and use that")
    seeds = ("--seed-queries", places.golden / "seed_queries.txt")
    # One query for each document keeps the demo short.
    generate = ("generate", "--corpus", places.corpus, *seeds, "--llm", "none", "--per-chunk", "1")
    steps.run(*generate, "--out", places.generated, hidden=force)
    report.example(places.generated)
    corpus = ("--corpus", places.corpus, "--golden", places.generated)
    # Two retrievers are enough to see what they agree on. The third default would embed every query once more.
    pool = ("--retriever", "bm25", "--retriever", "dense")
    steps.run("golden", "audit", *corpus, *pool, "--out", places.audit, accepted=(PASSED, FINDINGS))
    report.findings(read_json(places.audit / "audit.json")["findings"])
    steps.run("eval", *corpus, "--out", places.masked, *again, hidden=force)

    report.heading("3. Write a page that you can send")
    texts = ("--corpus", places.corpus, "--golden", places.golden)
    steps.run("report", places.written, *texts, "--out", places.page)

    written, masked = read_json(places.written / "results.json"), read_json(places.masked / "results.json")
    report.leaderboards(written, masked)
    report.end(options.out / PRINTED, places.page)
    if output.as_json:
        audit = read_json(places.audit / "audit.json")
        output.object({"version": 1, "written": written, "masked": masked, "audit": audit})


@dataclass(frozen=True)
class _Places:
    """Files and folders of the demo."""

    corpus: Path
    golden: Path
    out: Path

    @property
    def written(self) -> Path:
        return self.out / "written"

    @property
    def generated(self) -> Path:
        return self.out / "golden"

    @property
    def audit(self) -> Path:
        return self.out / "audit"

    @property
    def masked(self) -> Path:
        return self.out / "masked"

    @property
    def page(self) -> Path:
        return self.out / "report.html"


class Steps:
    """Run commands in this process, show each as you would type it, and keep what they print in one file."""

    def __init__(self, out: Path, report: "DemoReport") -> None:
        self.file = out / PRINTED
        self.report = report
        self.printed: list[str] = []

    def run(self, *words: str | Path, hidden: Sequence[str] = (), accepted: Sequence[int] = (PASSED,)) -> None:
        """Run one command.

        Args:
            words: what follows ``ragbench``.
            hidden: options that are not shown.
            accepted: exit codes after which the demo continues.

        Raises:
            click.exceptions.Exit: the command ended with another exit code; what it printed is on standard error.
            RagbenchError: of the command.
        """
        import contextlib
        import io

        from ragbench.cli import app
        from ragbench.io.files import write_text

        typed = [str(word) for word in words]
        self.report.command(typed)
        taken = io.StringIO()
        code = PASSED
        try:
            with contextlib.redirect_stdout(taken), app.make_context("ragbench", [*typed, *hidden]) as context:
                app.invoke(context)
        except click.exceptions.Exit as stop:
            code = stop.exit_code
        self.printed += [f"$ ragbench {' '.join(typed)}\n", taken.getvalue(), "\n"]
        write_text(self.file, "".join(self.printed))
        if code not in accepted:
            print_lines(taken.getvalue(), sys.stderr)
            raise click.exceptions.Exit(code)


def _short(path: Path) -> Path:
    """The path relative to the current folder, if it is inside."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
