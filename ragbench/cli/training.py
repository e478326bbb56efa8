"""What ``export labels`` prints, and its help."""

from typing import TYPE_CHECKING

from ragbench.cli.output import Output

if TYPE_CHECKING:
    from ragbench.learning.labelled_log import LabelledLog
    from ragbench.workflows.export_labels import Options as LabelsOptions

HELP_EXPORT_LABELS = """Make graded labels and a golden set from a log of searches and clicks.

Example:
  ragbench export labels datasets/shop/log.csv --out golden/shop-log
  ragbench export labels log.parquet --columns results=shown,purchases=orders
      --weights clicks=1,purchases=5 --out golden/log

Users look at the first positions most. The command estimates this position bias,
prints it, and divides events by the looks that a document probably had. Queries
with personal data are skipped and listed. Without --out, nothing is written.
Exit code 2: an error of usage or input, or fewer than 50 positive labels."""


def show_export_labels(options: "LabelsOptions", found: "LabelledLog", output: Output) -> None:
    """Print the position bias, the labels, and what was skipped."""
    from ragbench.render.blocks import terminal
    from ragbench.render.log_labels import labels_blocks, labels_json

    if output.as_json:
        output.object({**labels_json(found), "out": str(options.out) if options.out else None})
        return
    output.table(terminal(labels_blocks(found)))
    if options.out is not None:
        output.say(f"{len(found.golden)} queries written to {options.out}")
