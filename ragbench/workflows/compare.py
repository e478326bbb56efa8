"""Compare systems that were evaluated: differences, intervals, corrected p-values and a verdict."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.references import System, systems, with_baseline
from ragbench.comparison.rescore import RelevanceLevel, at_level, names_at
from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.options import named, option, options, part
from ragbench.corpus.chunk import chunk_corpus
from ragbench.io.label_sheets import write_label_sheet
from ragbench.io.qrels_files import read_judgements
from ragbench.workflows.groups import CorpusLoading
from ragbench.workflows.reading import read_corpus, read_human


@options
class Options(CompareSettings, RelevanceLevel):
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
    model_labels: Path | Judgements | None = option(
        "Labels of a model for retrieved items without a label, and for judged items, which show how often it errs.",
        default=None, section="Input", metavar="LABELS",
    )  # fmt: skip
    masked: System | None = option(
        "Evaluation of the same systems on a masked set in several wordings. A second verdict then uses it together "
        "with the human queries.",
        default=None, section="Input", metavar="REF",
    )  # fmt: skip
    label_next: int | None = option(
        "Number of queries to draw for annotators, so that their labels narrow the interval most.", default=None,
        section="Labels", metavar="N",
    )  # fmt: skip
    sheet: Path | None = option(
        "CSV file to write for the items that annotators should label.", default=None, section="Output", writes="CSV"
    )
    corpus: Path | Corpus | None = option(
        "File or folder of documents, or a file of chunks, for the texts in the sheet.", default=None, section="Labels"
    )
    out: Path | None = option(
        "Markdown file to write.", default=None, section="Output", writes="Markdown", python=False
    )

    def __post_init__(self) -> None:
        CompareSettings.__post_init__(self)
        self.check_level()


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
    _check_sheet(options)
    metrics = names_at(options.metrics or ["ndcg@10"], options.level_of)
    runs = systems(options.systems, qrels=options.qrels, metrics=metrics)
    runs = tuple(at_level(one, metrics, options.level_of) for one in runs)
    if options.baseline is not None:
        runs = with_baseline(runs, options.baseline)
    settings = part(options, CompareSettings)
    if options.level_of is not None:
        settings = replace(settings, metrics=metrics)
    given = options.model_labels
    model = read_judgements(given) if isinstance(given, Path) else given
    human = read_human(options.human)
    masked = None
    if options.masked is not None:
        masked = tuple(at_level(one, metrics, options.level_of) for one in systems([options.masked], metrics=metrics))
    compared = compare_runs(
        runs, settings, human=human, label_next=options.label_next, model_labels=model, masked=masked
    )
    if compared.label_sheet is not None and options.sheet is not None:
        queries = dict(zip(compared.queries.ids, compared.queries.texts, strict=True))
        texts = {} if options.corpus is None else _texts(options.corpus, context)
        write_label_sheet(compared.label_sheet, options.sheet, queries=queries, texts=texts)
    return compared


def _check_sheet(options: Options) -> None:
    """Check the options of the sheet before anything is read.

    Raises:
        SettingError: one of them lacks another.
        InputError: the file exists already.
    """
    if (options.label_next is None) != (options.sheet is None):
        given, missing = ("sheet", "label_next") if options.label_next is None else ("label_next", "sheet")
        raise SettingError(f"{named(given)} needs {named(missing)} too: how many queries, and the file to write")
    if options.corpus is not None and options.sheet is None:
        raise SettingError(f"adds texts to a sheet; give {named('sheet')} too", option="corpus")
    if options.sheet is not None and options.sheet.exists():
        raise InputError(f"{options.sheet} exists already and may hold labels; name another file, or move this one")


def _texts(corpus: Path | Corpus, context: Context) -> dict[str, str]:
    """Texts of documents and chunks by id."""
    loaded = read_corpus(corpus, CorpusLoading(), context)
    chunks = chunk_corpus(loaded, progress=context.progress).chunks
    documents = {document.id: document.text for document in loaded.corpus}
    return {**dict(zip(chunks.ids, chunks.texts, strict=True)), **documents}
