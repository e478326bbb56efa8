"""Make training data for retrievers and rerankers from a golden set: triplets and pairs, behind a leakage guard."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import LedgerEntry
from ragbench.core.options import named, option, option_group, options
from ragbench.core.runs import Query, Run
from ragbench.corpus.chunk import AUTO, chunk_corpus
from ragbench.engine import embed
from ragbench.io.golden_files import read_golden
from ragbench.io.golden_files.native import LINES
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import working_in
from ragbench.learning.guard import Encode, Scope, by_name, guard
from ragbench.learning.negatives import Floats, NegativeRules, Negatives, Rows, Sampling, choose_negatives
from ragbench.learning.training_data import Labelled, TrainingData, chunk_run, split_by_document, with_labels
from ragbench.learning.training_files import Format, write_training_data
from ragbench.plugins import EMBEDDERS, RETRIEVERS, build
from ragbench.retrievers.base import Retriever
from ragbench.workflows.groups import CacheFolder, CorpusReading, GoldenReading
from ragbench.workflows.measure import refuse_dead, search_once
from ragbench.workflows.reading import read_corpus, read_set

NONE = "none"
DEPTH = 200
"""Least depth of the search, so that the scores of positives that rank low are known."""
LEVELS, SKIPPED = 4, ("node_modules", "site-packages", "__pycache__")
"""How deep golden sets are looked for, and folders in which they are not."""


def parse_ranks(text: str) -> tuple[int, int]:
    """Parse ``10:100``.

    Raises:
        SettingError: it has another form.
    """
    first, _, last = text.partition(":")
    if not (first.isdecimal() and last.isdecimal()):
        raise SettingError(f"is {text!r:.40}; write the first and the last rank, as in 10:100", option="ranks")
    return int(first), int(last)


@option_group
class TrainingExport(CorpusReading, GoldenReading, CacheFolder):
    """What triplets and pairs share: protected sets, negatives, splits and files."""

    protect: Sequence[str | Path | GoldenSet] | None = option(
        "Golden set that you will test on. Its queries and documents are kept out of the training data. With none, "
        "nothing is protected.", default=None, section="Leakage", unset="every golden set below the current folder",
    )  # fmt: skip
    protect_scope: Scope = option(
        "Whether the relevant documents of these sets are protected, or only their queries.", default="documents",
        section="Leakage",
    )  # fmt: skip
    embedder: str = option(
        "Embedder that finds paraphrases of protected queries; with none, paraphrases are not looked for.",
        default="minilm", section="Leakage",
    )  # fmt: skip
    retriever: str | Retriever = option(
        "Retriever whose ranking gives hard negatives.", default="bm25", section="Negatives"
    )
    ranks: Sequence[int] | None = option(
        "First and last rank of hard negatives.", default=None, section="Negatives", metavar="FROM:TO",
        parse=parse_ranks, unset="10:100",
    )  # fmt: skip
    margin: float | None = option(
        "Highest score of a hard negative, as a share of that of the best positive; with 0, no score is checked.",
        default=NegativeRules.margin, section="Negatives",
    )  # fmt: skip
    sampling: Sampling = option(
        "Whether hard negatives are the first ones in these ranks, or random ones.", default="top", section="Negatives"
    )
    random: int = option(
        "Number of random negatives for each query, besides the others.", default=0, section="Negatives"
    )
    min_grade: int = option("Lowest grade of a positive.", default=1, section="Labels")
    positives: int | None = option(
        "Most positives for each query; those with the highest grades come first.",
        default=None,
        section="Labels",
        unset="all",
    )
    validation: float = option(
        "Share of the queries for validation. No document is relevant in both splits.", default=0.1, section="Output"
    )
    format: Format = option(
        "How rows are written: jsonl, parquet, or hf for a Hugging Face dataset on disk.", default="jsonl",
        section="Output",
    )  # fmt: skip
    out: Path | None = option(
        "Folder for the rows, their sources, a list of what was dropped, a card and a manifest.", default=None,
        section="Output", writes="folder",
    )  # fmt: skip
    seed: int = option("Seed of all random draws.", default=0, section="Run")

    def check(self) -> None:
        """Check the values.

        Raises:
            SettingError: one is out of its range.
        """
        if self.ranks is not None and not (len(self.ranks) == 2 and 1 <= self.ranks[0] <= self.ranks[1]):
            raise SettingError("must be the first and the last rank, from 1, as in 10:100", option="ranks")
        if self.margin is not None and not 0 <= self.margin <= 1:
            raise SettingError(f"is {self.margin:g}; it must be from 0 to 1", option="margin")
        if not 0 <= self.validation < 1:
            raise SettingError(f"is {self.validation:g}; it must be from 0 to below 1", option="validation")
        for name, least in (("random", 0), ("min_grade", 1), ("positives", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SettingError(f"is {value}; it must be {least} or more", option=name)

    @property
    def rules(self) -> NegativeRules:
        """How negatives are chosen."""
        first, last = self.ranks or NegativeRules.ranks
        return NegativeRules((first, last), self.margin or None, self.sampling, self.random)


@options
class TripletOptions(TrainingExport):
    """The options of ``ragbench export triplets`` and `ragbench.export_triplets`."""

    golden: Path | GoldenSet = option("Golden set whose labels become training data.", section="Input", positional=True)
    corpus: Path | Corpus | Chunks = option("File or folder of documents, or a file of chunks.", section="Input")
    negatives: int = option(
        "Number of negatives for each query: judged ones first, then hard ones, then random ones. With 0, none are "
        "written, for losses that use the other rows of a batch.", default=5, section="Negatives",
    )  # fmt: skip
    layout: Literal["triplet", "n-tuple"] = option(
        "One row for each negative, or all negatives in columns of one row.", default="triplet", section="Output"
    )

    def __post_init__(self) -> None:
        if self.negatives < 0:
            raise SettingError(f"is {self.negatives}; it must be 0 or more", option="negatives")
        self.check()


@options
class PairOptions(TrainingExport):
    """The options of ``ragbench export pairs`` and `ragbench.export_pairs`."""

    golden: Path | GoldenSet = option("Golden set whose labels become training data.", section="Input", positional=True)
    corpus: Path | Corpus | Chunks = option("File or folder of documents, or a file of chunks.", section="Input")
    ratio: float = option("Number of negatives for each positive.", default=4.0, section="Negatives")
    labels: Literal["binary", "graded"] = option(
        "Labels of positives: 1, or their grade as a share of the highest one.", default="binary", section="Labels"
    )

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1000:
            raise SettingError(f"is {self.ratio:g}; it must be from 0 to 1000", option="ratio")
        self.check()


def run_triplets(options: TripletOptions, context: Context) -> TrainingData:
    """Write a query, a relevant chunk and chunks that are not relevant in each row, to train an embedder.

    Queries and documents of the protected sets are dropped and listed. Hard negatives come from the ranking of a
    retriever.

    Returns:
        The rows, what was dropped, and what the leakage guard found.

    Raises:
        InputError: an input cannot be read, no set to protect is found, or no query is left.
        SettingError: an option is out of its range.

    Examples:
        >>> data = rb.export_triplets(
        ...     rb.export_labels("datasets/shop/log.csv").golden, "datasets/shop/product_catalog.csv",
        ...     protect=["datasets/shop"], protect_scope="queries", embedder="none",
        ... )
        >>> data.columns, len(data) > 1000
        (('anchor', 'positive', 'negative'), True)
    """
    found = _Prepared(options, context)
    counts = np.full(len(found.labelled.task.queries), options.negatives, dtype=np.int64)
    negatives = found.negatives(counts)
    labelled = found.labelled
    each = np.bincount(negatives.query, minlength=len(counts))
    starts = np.concatenate([[0], np.cumsum(each)])
    wide = options.layout == "n-tuple"
    width = options.negatives + options.random
    if width == 0:
        row, take = np.arange(len(labelled.query)), np.empty((len(labelled.query), 0), dtype=np.int64)
    elif wide:
        row = np.flatnonzero(each[labelled.query] >= width)
        take = starts[labelled.query[row]][:, None] + np.arange(width)
    else:
        row = np.repeat(np.arange(len(labelled.query)), each[labelled.query])
        first = np.repeat(np.cumsum(each[labelled.query]) - each[labelled.query], each[labelled.query])
        take = (starts[labelled.query[row]] + np.arange(len(row)) - first)[:, None]
    if not len(row):
        raise InputError(
            f"no query has {f'{width} negatives' if wide else 'a negative'}: widen {named('ranks')}, raise "
            f"{named('margin')}, or add documents"
        )
    columns = ("anchor", "positive", *(("negative",) if take.shape[1] == 1 else
               [f"negative_{at}" for at in range(1, take.shape[1] + 1)]))  # fmt: skip
    return found.finish(columns, labelled.query[row], labelled.chunk[row], negatives, take)


def run_pairs(options: PairOptions, context: Context) -> TrainingData:
    """Write a query, a chunk and a label in each row, to train a reranker.

    Queries and documents of the protected sets are dropped and listed.

    Returns:
        The rows, what was dropped, and what the leakage guard found.

    Raises:
        InputError: an input cannot be read, no set to protect is found, or no query is left.
        SettingError: an option is out of its range.

    Examples:
        >>> data = rb.export_pairs(
        ...     rb.export_labels("datasets/shop/log.csv").golden, "datasets/shop/product_catalog.csv",
        ...     protect=["datasets/shop"], protect_scope="queries", embedder="none", ratio=2,
        ... )
        >>> data.columns, round(float(data.label.mean()), 2)
        (('query', 'passage', 'label'), 0.33)
    """
    found = _Prepared(options, context)
    labelled = found.labelled
    q = len(labelled.task.queries)
    own = np.bincount(labelled.query, minlength=q)
    total = np.floor(np.cumsum(own) * options.ratio + 0.5).astype(np.int64)
    negatives = found.negatives(np.diff(total, prepend=0))
    highest = max(int(labelled.grade.max()), 1)
    grades = labelled.grade / highest if options.labels == "graded" else np.ones(len(labelled.grade))
    query = np.concatenate([labelled.query, negatives.query])
    order = np.argsort(query, kind="stable")
    chunk = np.concatenate([labelled.chunk, negatives.chunk])
    take = np.concatenate([np.full(len(labelled.query), -1), np.arange(len(negatives.query))])
    label = np.concatenate([grades, np.zeros(len(negatives.query))])
    return found.finish(
        ("query", "passage", "label"), query[order], chunk[order], negatives, take[order][:, None], label[order]
    )


class _Prepared:
    """The queries that the guard leaves, with labels and rankings."""

    def __init__(self, options: TripletOptions | PairOptions, context: Context) -> None:
        self.options = options
        self.context = context = replace(context, cache=cache_folder(options.cache), seed=options.seed)
        golden = read_set(options.golden, options)
        protected = protected_sets(options.protect, golden, options.golden, context)
        self.chunks = _chunks(options, context)
        encode = None if options.embedder == NONE else _encoder(options.embedder, context)
        queries = {item.id: item.text for item in golden}
        self.guarded = guard(queries, self.chunks, protected, scope=options.protect_scope, encode=encode)
        for name in self.guarded.other_corpus:
            context.say(f"note: {name} belongs to other documents, so only its queries are protected")
        self.labelled: Labelled = with_labels(
            golden, self.chunks, self.guarded, min_grade=options.min_grade, most=options.positives
        )
        self.golden = golden

    def negatives(self, counts: Rows) -> Negatives:
        """Search, and choose the negatives: ``counts`` of each query."""
        options, task = self.options, self.labelled.task
        q = len(task.queries)
        run = Run([query.id for query in task.queries], np.zeros(q + 1, np.int64), np.empty(0, np.int32),
                  np.empty(0, np.float32), self.chunks.ids)  # fmt: skip
        if counts.any():
            run = chunk_run(self._searched(task.queries, max(options.rules.ranks[1], DEPTH)), self.chunks)
        allowed = ~self.guarded.chunks
        rng = generator(options.seed, "export", "negatives")
        return choose_negatives(
            task.judgements, run, self.chunks, allowed, self.labelled.excluded, counts, options.rules, rng
        )

    def _searched(self, queries: Sequence[Query], k: int) -> Run:
        given = self.options.retriever
        retriever: Retriever = build(RETRIEVERS, given) if isinstance(given, str) else given
        faults = retriever.check()
        if faults:
            raise SettingError("\n".join(faults), option="retriever")
        found = search_once(retriever, queries, self.chunks, k, self.context)
        refuse_dead(found)
        return found

    def finish(
        self, columns: tuple[str, ...], query: Rows, chunk: Rows, negatives: Negatives, take: Rows,
        label: Floats | None = None,
    ) -> TrainingData:  # fmt: skip
        """Split the rows, and write them if there is a folder.

        Args:
            columns: names of the columns.
            query: (n,) row of the query.
            chunk: (n,) row of the positive of a triplet, or of the chunk of a pair.
            negatives: the negatives of all queries.
            take: (n, m) which of them a row has; -1 for a pair with a positive.
            label: (n,) labels of pairs; None for triplets.
        """
        options, labelled = self.options, self.labelled
        held = split_by_document(labelled, self.chunks, options.validation, generator(options.seed, "export", "split"))
        failed = tuple(
            LedgerEntry("export", labelled.task.queries[at].id, "it has no negative", "no-negative")
            for at in sorted(set(labelled.query.tolist()) - set(query.tolist()))
        )
        own = ("negatives", "layout") if isinstance(options, TripletOptions) else ("ratio", "labels")
        about: dict[str, object] = {
            "golden": {"name": self.golden.name, "fingerprint": self.golden.fingerprint},
            "chunks": self.chunks.fingerprint,
            "settings": {
                "retriever": options.retriever if isinstance(options.retriever, str) else repr(options.retriever),
                "ranks": list(options.rules.ranks), "margin": options.rules.margin, "sampling": options.sampling,
                "random": options.random, "min_grade": options.min_grade, "positives": options.positives,
                "validation": options.validation, "protect_scope": options.protect_scope,
                "embedder": options.embedder, "seed": options.seed,
                **{name: getattr(options, name) for name in own},
            },
            "negatives": {
                "refused": negatives.refused, "queries_without_ranked_positive": negatives.unranked,
                "judged_in_ranks": negatives.judged, "relevant_of_these": negatives.relevant,
            },
        }  # fmt: skip
        data = TrainingData(
            [one.text for one in labelled.task.queries], [one.id for one in labelled.task.queries], self.chunks,
            columns, query, chunk, negatives.chunk[take if label is None else take[:, :0]], label,
            np.append(negatives.origin, np.int8(-1))[take], np.append(negatives.rank, 0)[take], held[query], negatives,
            self.guarded, self.golden.ledger + labelled.ledger + failed, about,
        )  # fmt: skip
        if options.out is not None:
            with working_in(options.out):
                write_training_data(data, options.out, options.format)
        return data


def _chunks(options: TripletOptions | PairOptions, context: Context) -> Chunks:
    if isinstance(options.corpus, Chunks):
        for name, usual in (("loader", None), ("clean", None), ("chunker", AUTO)):
            if getattr(options, name) != usual:
                raise SettingError("applies to documents, not to Chunks", option=name)
        return options.corpus
    loaded = read_corpus(options.corpus, options, context)
    return chunk_corpus(loaded, options.chunker, progress=context.progress).chunks


def _encoder(spec: str, context: Context) -> Encode:
    embedder = build(EMBEDDERS, spec)
    return lambda texts: embed(embedder, list(texts), "query", context, what="embedding queries").vectors


def protected_sets(
    given: Sequence[str | Path | GoldenSet] | None, golden: GoldenSet, source: Path | GoldenSet, context: Context
) -> dict[str, GoldenSet]:
    """Read the golden sets that training data must not touch.

    Args:
        given: sets or their paths; ``none`` alone protects nothing; None finds those below the current folder.
        golden: the set that is trained on. It is not one of those found.
        source: where it comes from.
        context: says which sets were found.

    Raises:
        InputError: a set cannot be read, it is the one that is trained on, or none is found.
        SettingError: ``none`` is given beside others.
    """
    if given is not None and [str(one) for one in given] == [NONE]:
        return {}
    if given is not None:
        if NONE in given:
            raise SettingError("names none and a set; name sets, or none alone", option="protect")
        sets = by_name(
            (one.name, one) if isinstance(one, GoldenSet) else (str(one), read_golden(Path(one))) for one in given
        )
        for name, one in sets.items():
            if one.fingerprint == golden.fingerprint:
                raise InputError(f"{name} is the set that you export. Protect the set that you will test on")
        return sets
    here = Path.cwd()
    found: dict[str, GoldenSet] = {}
    for path in _sets_below(here):
        if isinstance(source, Path) and source.resolve() in (path.resolve(), (path / LINES).resolve()):
            continue
        try:
            one = read_golden(path)
        except RagbenchError as error:
            context.say(f"note: {path.relative_to(here)} is not protected, because it cannot be read: {error}")
            continue
        if one.fingerprint != golden.fingerprint:
            found[str(path.relative_to(here))] = one
    if not found:
        raise InputError(
            f"there is no other golden set below the current folder. Name the one that you will test on with "
            f"{named('protect')}, or protect nothing with {named('protect')} none"
        )
    context.say(f"protected: {', '.join(found)}")
    return found


def _sets_below(folder: Path) -> Iterator[Path]:
    """Folders with a golden set in ragbench's own format, sorted."""
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in SKIPPED and depth < LEVELS
        )
        if LINES in files and place != str(folder):
            yield Path(place)
