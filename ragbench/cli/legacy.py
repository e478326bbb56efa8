"""Commands that are still declared by hand; each goes when its workflow has its options."""

import click
import typer

from ragbench.cli import (
    answer,
)

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
app.command("answer")(answer.answer)


@app.callback()
def _several() -> None:
    """Keep the name of the command in front of its options, although there is only one command left."""


def passed_on(name: str) -> click.Command:
    """A command that hands all of its words on."""

    def call(words: tuple[str, ...]) -> None:
        try:
            app([name, *words], prog_name="ragbench")
        except SystemExit as stop:
            if stop.code:
                raise click.exceptions.Exit(int(stop.code)) from None

    return click.Command(
        name,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        callback=call,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
