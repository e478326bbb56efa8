"""Make graded labels, and a golden set, from the log of a search service."""

from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.options import option, options
from ragbench.core.search_log import SearchLog
from ragbench.io.files import write_json, write_json_lines
from ragbench.io.golden_files import write_golden
from ragbench.io.run_folder import working_in
from ragbench.io.search_logs import read_search_log
from ragbench.learning.labelled_log import LabelledLog, label_log
from ragbench.learning.log_labels import check_positives
from ragbench.render.log_labels import labels_json, pair_rows
from ragbench.workflows.groups import LogLabelling

PAIRS, LABELS = "pairs.jsonl", "labels.json"


@options
class Options(LogLabelling):
    """The options of ``ragbench export labels`` and `ragbench.export_labels`."""

    log: Path | SearchLog = option(
        "Log of a search service with results and events: a CSV, JSON Lines or Parquet file.", section="Input",
        positional=True,
    )  # fmt: skip
    out: Path | None = option(
        "Folder for a golden set in ragbench's own format, the counts of each pair, and the position bias.",
        default=None, section="Output", writes="folder",
    )  # fmt: skip
    seed: int = option("Seed of all random draws.", default=0, section="Run")

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise SettingError(f"is {self.seed}; it must be 0 or more", option="seed")
        if self.columns and isinstance(self.log, SearchLog):
            raise SettingError("applies to a path only, and the log is loaded already", option="columns")
        _ = self.label_rules


def run(options: Options, context: Context) -> LabelledLog:
    """Grade the documents of a log by what users clicked, put into the cart and bought.

    Users look at the first positions most, so events are divided by the number of looks that a document probably had,
    not by the times that it was shown. The position bias comes from pages in random order, or from regression
    expectation maximisation.

    Returns:
        The labels, the position bias, and the queries with a relevant document as a golden set. ``ledger`` lists what
        was skipped.

    Raises:
        InputError: the log cannot be read, does not have what labels need, or gives fewer than 50 positive labels.
        SettingError: an option is out of its range, or a column does not exist.

    Examples:
        >>> found = rb.export_labels("datasets/shop/log.csv")
        >>> found.bias.method, found.labels.positives, len(found.golden)
        ('randomised', 414, 295)
    """
    log = read_search_log(options.log, options.columns) if isinstance(options.log, Path) else options.log
    found = label_log(log, method=options.propensity, rules=options.label_rules, seed=options.seed)
    check_positives(found.labels, found.log)
    if options.out is not None:
        with working_in(options.out):
            write_golden(found.golden, options.out)
            write_json_lines(options.out / PAIRS, pair_rows(found))
            write_json(options.out / LABELS, labels_json(found))
    return found
