"""The command line: one file per command."""

import gc
import io
import os
import sys
from typing import NoReturn

import typer

from ragbench.cli import (
    ab,
    answer,
    baseline,
    batch,
    chunk,
    compare,
    data,
    demo,
    eval,
    export,
    gate,
    generate,
    golden,
    judge,
    load,
    plan,
    plugins,
    probe,
    report,
    score,
    view,
    wattbot,
)
from ragbench.core.errors import RagbenchError

USAGE_ERROR = 2
INTERRUPTED = 130

app = typer.Typer(
    name="ragbench",
    help="Evaluate and benchmark retrieval and RAG systems: better, worse, or noise?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("eval")(eval.evaluate_command)
app.command("compare")(compare.compare_command)
app.command("ab")(ab.ab)
app.command("answer")(answer.answer)
app.command("chunk")(chunk.chunk)
app.command("generate")(generate.generate)
app.command("demo")(demo.demo)
app.command("export")(export.export)
app.command("gate")(gate.gate_command)
app.command("load")(load.load_command)
app.command("plan")(plan.plan_command)
app.command("plugins")(plugins.plugins)
app.command("probe")(probe.probe)
app.command("report")(report.report_command)
app.command("score")(score.score_command)
app.command("view")(view.view_command)
app.add_typer(batch.app, name="batch")
app.add_typer(baseline.app, name="baseline")
app.add_typer(data.app, name="data")
app.add_typer(golden.app, name="golden")
app.add_typer(judge.app, name="judge")
app.add_typer(wattbot.app, name="wattbot")


def _tell_in_full(group: typer.Typer) -> None:
    """The first sentence of each command in the list of commands, whole; by itself typer cuts it after a few words."""
    for command in group.registered_commands:
        command.short_help = (getattr(command.callback, "__doc__", "") or "").partition("\n\n")[0]
    for part in group.registered_groups:
        if part.typer_instance is not None:
            part.short_help = str(part.typer_instance.info.help)
            _tell_in_full(part.typer_instance)


_tell_in_full(app)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"ragbench {installed('ragbench')}")
        raise typer.Exit


def main() -> NoReturn:
    """Run a command: exit code 0 for success, 2 for an error of usage or input, 130 when interrupted."""
    # Set before anything imports ragas or Ray: no telemetry, ever.
    os.environ.setdefault("RAGAS_DO_NOT_TRACK", "true")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Imports make many objects that stay: looking through them for rubbish again and again takes a tenth of a command.
    gc.set_threshold(10_000)
    _print_any_character()
    try:
        _run()
    except RagbenchError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(USAGE_ERROR)
    except BrokenPipeError:
        _drop_output()
        sys.exit(0)
    except OSError as error:  # a full disk, a folder that may not be written to
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        _drop_output()
        sys.exit(USAGE_ERROR)
    sys.exit(0)


def _run() -> None:
    try:
        app()
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # typer has caught the KeyboardInterrupt
            print("interrupted; what was finished is kept", file=sys.stderr)
        raise
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a full disk can still be told


def _print_any_character() -> None:
    """Files and pipes get UTF-8, whatever the locale; a terminal gets escapes for what it cannot show."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _drop_output() -> None:
    """Nothing more can be written: keep Python from trying once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
