"""``ragbench judge``: how far a judge or a signal can be believed."""

import typer

from ragbench.cli.judge_check import check_command

app = typer.Typer(
    help="Measure how far a judge of answers can be believed.", no_args_is_help=True, rich_markup_mode=None
)
app.command("check")(check_command)


@app.callback()
def _judge() -> None:
    """Measure how far a judge of answers can be believed."""
