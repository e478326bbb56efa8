"""The page that can be sent."""

from pathlib import Path

from ragbench.api.bind import call_many
from ragbench.core.context import Context
from ragbench.workflows import report

PATHS = "a path or a list of them"
CALLED = {
    "runs": "a folder that 'ragbench eval --out' or 'ragbench score --out' wrote",
    "corpus": PATHS,
    "golden": PATHS,
    "answers": PATHS,
    "gate": "a path, a result of rb.gate, or a list of them",
    "ab": "a path, a result of rb.ab, or a list of them",
}


def _page(options: report.Options, context: Context) -> Path:
    return report.run(options, context).page


_page.__doc__ = report.run.__doc__
write_report = call_many("write_report", report.Options, _page, called=CALLED)
