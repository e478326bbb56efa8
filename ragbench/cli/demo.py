"""``ragbench demo``: the main job on the sample shop."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option(help="Folder for results, runs and scores.")] = Path("reports/demo"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is stored.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Evaluate the four default retrievers on the sample shop.

    Example: ragbench demo
    """
    from ragbench.cli.eval import run
    from ragbench.tasks.samples import sample

    shop = sample("shop")
    given = {"corpus": shop / "product_catalog.csv", "golden": shop / "golden.jsonl", "out": out, "fresh": fresh}
    run(given, None, as_json)
