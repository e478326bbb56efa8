"""Compare systems that were evaluated: differences, intervals, corrected p-values and a verdict."""

from collections.abc import Sequence
from pathlib import Path

from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.references import System, systems, with_baseline
from ragbench.core.context import Context
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.options import option, options, part
from ragbench.workflows.reading import read_human


@options
class Options(CompareSettings):
    """The options of ``ragbench compare`` and `ragbench.compare`."""

    systems: Sequence[System] = option(
        "Systems that were evaluated: FOLDER, FOLDER::ARM or a run file; the first is the baseline.",
        section="Input", positional=True, metavar="REF",
    )  # fmt: skip
    baseline: str | None = option(
        "Name of the system to compare with.", default=None, section="Input", unset="the first"
    )
    qrels: Path | None = option("TREC labels, for run files.", default=None, section="Input")
    human: Path | Judgements | GoldenSet | None = option(
        "Labels of annotators for some of the queries: qrels, a golden set, a label sheet or JSON Lines. The verdict "
        "then uses them together with the other labels.",
        default=None, section="Input", metavar="LABELS",
    )  # fmt: skip
    out: Path | None = option(
        "Markdown file to write.", default=None, section="Output", writes="Markdown", python=False
    )


def run(options: Options, context: Context) -> Compared:
    """Compare each system with the first: differences, intervals, corrected p-values and a decision.

    An evaluation stands for all of its systems.

    Raises:
        InputError: there is nothing to compare, or the systems do not fit together.
        SettingError: a setting out of its range.

    Examples:
        >>> compared = rb.compare("reports/example::bm25:stem=false", "reports/example::bm25")
        >>> verdict = compared.verdicts[0]
        >>> verdict.metric, verdict.decision
        ('ndcg@10', 'better')
        >>> f"{verdict.difference:+.3f} [{verdict.low:+.3f}, {verdict.high:+.3f}]"
        '+0.071 [+0.038, +0.104]'
    """
    runs = systems(options.systems, qrels=options.qrels, metrics=options.metrics or ["ndcg@10"])
    if options.baseline is not None:
        runs = with_baseline(runs, options.baseline)
    return compare_runs(runs, part(options, CompareSettings), human=read_human(options.human))
