"""``ragbench eval``: evaluate retrievers on a golden set."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.core.evaluations import Evaluation
    from ragbench.workflows.evaluate import Options

HELP = """Evaluate retrievers on a golden set.

Example:
  ragbench eval --corpus datasets/shop/product_catalog.csv --golden datasets/shop
      --retriever bm25 --retriever "hybrid:fusion=minmax" --out reports/shop

Without --retriever the four defaults run: bm25, dense, hybrid and rerank. Write
the settings of a retriever behind a colon: "bm25:k1=1.2,b=0.75". Exit code 0:
every system ran; 2: an error of usage or input, or a system that did not run."""


def show(options: "Options", evaluation: "Evaluation", output: Output) -> int:
    """Print the evaluation. Give 2 if a system did not run."""
    if output.as_json:
        from ragbench.render.evaluation import evaluation_json

        output.object(evaluation_json(evaluation))
    else:
        from ragbench.render.evaluation import evaluation_tables

        output.table(evaluation_tables(evaluation), highlight=True)
    if options.out is not None:
        output.say(f"written to {options.out}")
    for arm in evaluation.failed if output.as_json else ():
        output.error(f"error: {arm.name} did not run: {arm.error}")
    return 2 if evaluation.failed else 0
