"""Have annotators review a golden set: export a sample into a table, and apply the decisions that come back."""

from collections import Counter
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.options import named, option, option_group, options
from ragbench.corpus.chunk import chunk_corpus
from ragbench.golden.annotators.agreement import agreement
from ragbench.golden.annotators.apply import apply_decisions
from ragbench.golden.annotators.review import AppliedReview, ReviewSample
from ragbench.golden.annotators.sheet import judge_opinion, judge_rejects, read_decisions, rejects_beside, write_sheet
from ragbench.golden.annotators.sheet import sample as draw
from ragbench.io.files import write_json
from ragbench.io.golden_files import write_golden
from ragbench.workflows.groups import CorpusReading, GoldenReading
from ragbench.workflows.reading import read_corpus, read_set

REJECTED, AGREEMENT = "rejected_by_people.jsonl", "agreement.json"
OPINIONS = {True: "accepted", False: "rejected", None: "unjudged"}


@option_group
class Rejects:
    """Where the queries are that the judge rejected."""

    rejected: Path | None = option(
        "File of the queries that the judge rejected.", default=None, section="Input",
        unset="rejected.jsonl in the folder of the set",
    )  # fmt: skip


@options
class ExportOptions(CorpusReading, GoldenReading, Rejects):
    """The options of ``ragbench golden review export`` and `ragbench.review.export`."""

    golden: Path | GoldenSet = option("Golden set: a file or a folder.", section="Input")
    corpus: Path | Corpus = option("File or folder of documents, or a file of chunks.", section="Input")
    out: Path = option("CSV file to write.", section="Output", writes="CSV")
    sample: int = option("Number of queries to draw.", default=50, section="Output")
    seed: int = option("Seed of the draw.", default=0, section="Run")


@options
class ApplyOptions(GoldenReading, Rejects):
    """The options of ``ragbench golden review import`` and `ragbench.review.apply`."""

    decisions: Path = option("Table with the decisions of annotators.", section="Input")
    golden: Path | GoldenSet = option("Golden set that the sample was drawn from: a file or a folder.", section="Input")
    out: Path | None = option(
        "Folder for the reviewed set.", default=None, section="Output", writes="folder", unset="nothing is written"
    )
    reviewer: str | None = option("Name of the annotator, for the history of each query.", default=None)


def run_export(options: ExportOptions, context: Context) -> ReviewSample:
    """Draw a sample of queries, and write it into a table for annotators.

    The sample has queries of every type, and queries that the judge accepted
    and rejected, each in proportion to its number. The table does not show the
    judge's opinion: annotators who see it agree with it more often.

    Raises:
        InputError: the set or the documents cannot be read, or the file exists already.
        SettingError: the sample is empty, or the loader or chunker is wrong.

    Examples:
        >>> corpus, golden = rb.load_corpus("datasets/shop/product_catalog.csv"), rb.load_golden("datasets/shop")
        >>> sample = rb.review.export(golden, corpus, "review.csv", sample=20)
        >>> len(sample.items), sample.of
        (20, 198)
    """
    out = options.out
    if out.exists():
        raise InputError(f"{out} exists already and may hold decisions; name another file, or move this one")
    items = _all_items(read_set(options.golden, options), options.golden, options.rejected)
    drawn = draw(list(items.values()), options.sample, options.seed)
    loaded = read_corpus(options.corpus, options, context)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    write_sheet(drawn, loaded.corpus, chunked.chunks, out)
    types = Counter(item.type or "(none)" for item in drawn)
    opinions = Counter(OPINIONS[judge_opinion(item)] for item in drawn)
    return ReviewSample(tuple(drawn), len(items), dict(sorted(types.items())), dict(sorted(opinions.items())))


def run_apply(options: ApplyOptions, context: Context) -> AppliedReview:
    """Apply the decisions of annotators to a golden set, and compare them with the judge's.

    Each query keeps its history. With a folder to write, rejected queries go
    into ``rejected_by_people.jsonl`` there, and the comparison with the judge
    into ``agreement.json``.

    Raises:
        InputError: a row of the table is wrong (every such row is named), no query is left, or the folder holds the
            set itself.

    Examples:
        >>> from pathlib import Path
        >>> golden = rb.load_golden("datasets/shop")
        >>> first = golden.items[0].id
        >>> lines = ["id,decision,edited_text,grade,comment", f"{first},reject,,,nobody asks this"]
        >>> written = Path("decisions.csv").write_text("\\n".join(lines))
        >>> applied = rb.review.apply("decisions.csv", golden)
        >>> len(golden), len(applied.golden)
        (198, 197)
    """
    out = options.out
    if out is not None and isinstance(options.golden, Path) and out.resolve() == options.golden.resolve():
        raise InputError(f"{out} holds the set under review; name another folder, so that nothing is lost")
    if out is not None and out.suffix == ".jsonl":
        raise InputError(f"{out}: {named('out')} must be a folder, because the rejected queries are kept there too")
    before = read_set(options.golden, options)
    items = _all_items(before, options.golden, options.rejected)
    inside = frozenset(item.id for item in before)
    read = read_decisions(options.decisions, items)
    rejects = [item for id_, item in items.items() if id_ not in inside]
    reviewed = apply_decisions(before, read.made, rejects, reviewer=options.reviewer)
    applied = AppliedReview(reviewed, read.undecided, agreement(read.made, items, inside))
    if out is not None:
        _write(applied, f"{before.name} rejected by people", out)
    return applied


def _write(applied: AppliedReview, rejected_name: str, out: Path) -> None:
    write_golden(applied.golden, out)
    if applied.reviewed.rejected:
        write_golden(GoldenSet(applied.reviewed.rejected, rejected_name), out / REJECTED)
    else:
        (out / REJECTED).unlink(missing_ok=True)
    write_json(out / AGREEMENT, applied.record(out))


def _all_items(golden: GoldenSet, given: Path | GoldenSet, rejected: Path | None) -> dict[str, GoldenItem]:
    """The queries of the set, and those that the judge rejected, by id."""
    if rejected is not None and not rejected.is_file():
        raise InputError(f"{rejected}: no such file")
    if rejected is not None:
        rejects = judge_rejects(rejected)
    else:
        rejects = rejects_beside(given) if isinstance(given, Path) else ()
    return {**{item.id: item for item in rejects}, **{item.id: item for item in golden}}
