"""``ragbench wattbot``: answer the questions of WattBot 2025, and score answers."""

import typer

from ragbench.cli import wattbot_run, wattbot_score

app = typer.Typer(
    name="wattbot", help="Questions about reports, answered with values and references, and their score.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip
app.command("run")(wattbot_run.run)
app.command("score")(wattbot_score.score)
