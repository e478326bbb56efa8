"""Evaluate retrievers on a golden set: read the inputs, run and score the systems, write the folder of results."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import SettingError
from ragbench.core.evaluations import Arm, Evaluation
from ragbench.core.fingerprint import fingerprint
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.ledger import issue_lines
from ragbench.core.options import named, option, options, part
from ragbench.core.scored import QueryTable
from ragbench.corpus.chunk import AUTO, choose_chunker, chunk_corpus
from ragbench.corpus.load import Loaded
from ragbench.engines.crew import spreading
from ragbench.golden.chunk_labels import has_chunk_labels, label_chunker, label_chunks, with_chunk_labels
from ragbench.io.evaluation_cards import IDENTITY
from ragbench.io.golden_files import read_golden
from ragbench.io.inputs import ANYWHERE, INPUTS, Input, recorded
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import working_in
from ragbench.metrics.settings import EvaluationSettings
from ragbench.render.evaluation import ReportFolder
from ragbench.retrievers._shard import Shard
from ragbench.retrievers.run import Run as RunFile
from ragbench.workflows.arms import ArmPlan, Retrievers, arms_of, cut_arms
from ragbench.workflows.attributes import check_by, sliced
from ragbench.workflows.bench import Searched
from ragbench.workflows.by_wording import copies_for
from ragbench.workflows.groups import CacheFolder, Chunkings, GoldenReading, LabelledChunks, WorkerChoice
from ragbench.workflows.languages import language_lines
from ragbench.workflows.reading import read_corpus
from ragbench.workflows.replay import Labelled, evaluate_run_files, read_labelled
from ragbench.workflows.run_systems import DEFAULT_RETRIEVERS, evaluate_arms

FEW_COPIES, COPIES = 2, 0.05
"""More documents than this number, and than this share of the queries, with the text of a query are worth a warning."""


@options
class Options(Chunkings, GoldenReading, LabelledChunks, EvaluationSettings, CacheFolder, WorkerChoice):
    """The options of ``ragbench eval`` and `ragbench.evaluate`."""

    corpus: Path | Corpus | Chunks | None = option(
        "File or folder of documents, or a file of chunks. Run files alone need none.", default=None, section="Input",
        unset="none",
    )  # fmt: skip
    golden: Path | GoldenSet | Judgements | None = option(
        "Golden set (required): a file or a folder. Without a corpus, labels alone do (qrels, JSON, Parquet).",
        default=None, section="Input",
    )  # fmt: skip
    retrievers: Retrievers = option(
        "Retriever, SPEC or NAME=SPEC, as in bm25:k1=1.2 or base=bm25; the others are compared with the first. In a "
        "file, also a mapping by name.", default=DEFAULT_RETRIEVERS, section="Retrieval", flag="--retriever",
    )  # fmt: skip
    split: str | None = option("Which qrels of a BEIR folder to read.", default=None, section="Input", unset="test")
    queries: Path | None = option("File of the queries, for TREC qrels.", default=None, section="Input")
    exclude_source: bool = option("Exclude the chunk that a query was written from.", default=False, section="Input")
    by: Sequence[str] = option(
        "Column of the golden set or of the corpus to slice the queries by, such as category; type and length too.",
        default=(), section="Evaluation",
    )  # fmt: skip
    out: Path | None = option(
        "Folder for the results, runs and scores.", default=None, section="Output", writes="folder"
    )
    force: bool = option("Replace another evaluation in the output folder.", default=False, section="Output")
    all_metrics: bool = option(
        "Print every metric and cost with its interval, and the ranks.", default=False, section="Output", python=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.golden is None:
            raise SettingError("is not given", option="golden")
        engine = self.engine_settings
        cut = list(self.chunkers.values()) != [AUTO]
        ready = {
            "corpus": (isinstance(self.corpus, Corpus | Chunks), ("loader", "clean")),
            "golden": (
                not isinstance(self.golden, Path),
                ("golden_format", "golden_columns", "split", "queries", "exclude_source"),
            ),
        }
        faults = [
            f"{named(name)} applies to a path only, and {named(of)} is loaded already"
            for of, (loaded, names) in ready.items()
            for name in names
            if loaded and getattr(self, name)
        ]
        if self.corpus is None:
            faults += [
                f"{named(name)} needs {named('corpus')}, which is not given"
                for name, given in (
                    ("loader", self.loader is not None),
                    ("clean", self.clean is not None),
                    ("chunker", cut),
                    ("exclude_source", self.exclude_source),
                    ("filter", self.filter is not None),
                    ("filter_column", self.filter_column is not None),
                    ("label_chunker", self.label_chunker is not None),
                    ("engine", engine.name != "local"),
                )
                if given
            ]
        elif isinstance(self.golden, Judgements):
            faults.append(
                f"{named('golden')} is labels alone, which have no query texts: give a golden set, or leave out "
                f"{named('corpus')} to score run files"
            )
        if isinstance(self.corpus, Chunks) and cut:
            faults.append(f"{named('chunker')} applies to documents, and {named('corpus')} is chunks already")
        if faults:
            raise SettingError("\n".join(faults))


def run(options: Options, context: Context) -> Evaluation:
    """Run each retriever over the golden set, score it, and compare it with the first.

    A retriever that fails does not stop the others: it has the status ``error`` and the reason. Run files alone
    (``run:path=FILE``) need no corpus, and labels are enough as the golden set.

    Functions that take a query and k, rankings by query, and retrievers of LangChain, LlamaIndex and Haystack are
    retrievers too: ``{"base": "bm25", "mine": search}``.

    Raises:
        SettingError: a retriever or metric is unknown or has a wrong setting; every fault is listed.
        InputError: corpus and golden set do not fit together.

    Examples:
        >>> corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
        >>> golden = rb.load_golden("datasets/shop")
        >>> evaluation = rb.evaluate(rb.chunk(corpus), golden, ["bm25:stem=false", "bm25"])
        >>> [(arm.name, round(arm.metrics["ndcg@10"].mean, 3)) for arm in evaluation.arms]
        [('bm25:stem=false', 0.59), ('bm25', 0.661)]
    """
    arms = arms_of(options.retrievers)
    context = replace(context, cache=cache_folder(options.cache), seed=options.seed)
    settings = part(options, EvaluationSettings)
    if options.corpus is None:
        needy = [name for name, plan in arms.items() if not isinstance(plan.retriever, RunFile)]
        if needy:
            raise SettingError(
                f"is not given, and {', '.join(needy)} need{'s' if len(needy) == 1 else ''} it; only run files "
                "(run:path=FILE) are evaluated without",
                option="corpus",
            )
        cut_by = [name for name, plan in arms.items() if plan.setup.chunker is not None]
        if cut_by:
            raise SettingError(f"is not given, and {cut_by[0]!r} has a chunker for its documents", option="corpus")
        known = _labelled(options)
        check_by(options.by, known.asked.queries, None)
        mark = _identity(arms, (), known.asked.fingerprint, settings)
        return _kept(options, mark, lambda on_arm: evaluate_run_files(known, arms, settings, context, on_arm))
    golden = _golden(options)
    if options.chunkers != {AUTO: AUTO} and all(plan.setup.chunker is not None for plan in arms.values()):
        raise SettingError("is for systems without a chunker of their own, and each has one", option="chunker")
    cut = cut_arms(arms, options.chunkers)
    searched = _searched(options, golden, [chunker for _, chunker in cut.values()], context)
    check_by(options.by, QueryTable.of(golden), next(iter(searched.values())).chunks)
    arms = {name: plan for name, (plan, _) in cut.items()}
    of_arms = {name: searched[chunker] for name, (_, chunker) in cut.items()}
    retrievers, asked = [plan.retriever for plan in arms.values()], [item.text for item in golden]
    for line in language_lines(retrievers, next(iter(searched.values())).chunks, asked):
        context.say(line)
    mark = _identity(arms, [one.chunks for one in of_arms.values()], golden.fingerprint, settings)
    with spreading(options.engine_settings, partial(Shard, cache=context.cache)) as spread:
        spread_context = replace(context, spread=spread)
        return _kept(
            options, mark, lambda on_arm: evaluate_arms(arms, of_arms, golden, settings, spread_context, on_arm)
        )


def _identity(
    arms: Mapping[str, ArmPlan], chunks: Sequence[Chunks], golden: str, settings: EvaluationSettings
) -> dict[str, str]:
    """What makes an evaluation the one it is, by what the user wrote: a later version of ragbench makes the same one.

    How many systems run at a time, and whether they run again, has no part in it.
    """
    usual = asdict(EvaluationSettings())
    decides = {
        name: value
        for name, value in asdict(settings).items()
        if value != usual[name] and name not in ("jobs", "fresh")
    }
    # An object of a notebook has its address in its repr.
    written = {name: re.sub(r" at 0x[0-9a-f]+", "", plan.setup.retriever) for name, plan in arms.items()}
    return {
        "golden set": golden,
        "documents": fingerprint(list(dict.fromkeys(one.fingerprint for one in chunks))),
        "systems": fingerprint([[name, spec, arms[name].setup.chunker] for name, spec in written.items()]),
        "settings": fingerprint(decides),
    }


def _kept(
    options: Options, identity: Mapping[str, str], evaluate: Callable[[Callable[[Arm], None] | None], Evaluation]
) -> Evaluation:
    """Evaluate, and write the systems as they finish, and at the end the whole evaluation, if there is a folder."""
    inputs = _inputs(options)
    known = {IDENTITY: dict(identity), **({INPUTS: recorded(inputs, ANYWHERE)} if inputs else {})}
    if options.out is None:
        return _with_manifest(sliced(evaluate(None), options.by), known)
    with working_in(options.out):
        folder = ReportFolder(options.out, inputs, identity=identity, force=options.force)
        evaluation = _with_manifest(sliced(evaluate(folder.arm), options.by), known)
        folder.finish(evaluation)
    return evaluation


def _with_manifest(evaluation: Evaluation, known: Mapping[str, object]) -> Evaluation:
    """Add to the manifest what the evaluation needs to be saved later: what it is, and where its inputs are."""
    return replace(evaluation, manifest={**evaluation.manifest, **known})


def _labelled(options: Options) -> Labelled:
    assert options.golden is not None
    return read_labelled(
        options.golden, options.golden_format, queries=options.queries, split=options.split,
        columns=options.golden_columns, level=options.level,
    )  # fmt: skip


def _golden(options: Options) -> GoldenSet:
    assert not isinstance(options.golden, Judgements | None)
    if isinstance(options.golden, GoldenSet):
        return options.golden
    return read_golden(
        options.golden, options.golden_format, split=options.split, queries=options.queries,
        exclude_source=options.exclude_source, columns=options.golden_columns,
    )  # fmt: skip


def _searched(options: Options, golden: GoldenSet, chunkers: Sequence[str], context: Context) -> dict[str, Searched]:
    """What systems with these chunkers search. The same chunks are the same object."""
    assert options.corpus is not None
    by_chunk = options.level == "chunk" and has_chunk_labels(golden)
    if isinstance(options.corpus, Chunks):
        if set(chunkers) != {AUTO}:
            raise SettingError(f"{named('corpus')} is chunks already: a system cannot have a chunker of its own")
        ready = options.corpus
        return {AUTO: Searched(ready, labelled=_with_ready(golden, ready, options) if by_chunk else None)}
    for written in chunkers:
        choose_chunker(written, passages=False)
    loaded = read_corpus(options.corpus, options, context)
    if not options.drop_self:
        _warn_of_queries(loaded.corpus, golden, context)
    found: dict[str, Searched] = {}
    alike: dict[str, Searched] = {}
    for written in dict.fromkeys(chunkers):
        chosen = choose_chunker(written, passages=loaded.passages).chunker
        key = fingerprint([type(chosen).__qualname__, chosen])
        if key not in alike:
            alike[key] = _chunks(options, golden, loaded, written, context)
        found[written] = alike[key]
    if len(alike) > 1 and options.exclude_source:
        raise SettingError(
            "names the chunk of each query by its id, and the systems have different chunks: evaluate each chunker by "
            "itself",
            option="exclude_source",
        )
    if len(alike) > 1 and options.level == "auto":
        context.say("documents are judged, because the systems have different chunks")
    return found


def _chunks(options: Options, golden: GoldenSet, loaded: Loaded, written: str, context: Context) -> Searched:
    """Cut the documents, with a line that says how many there are, and one for each reason why something was
    skipped.
    """
    chunked = chunk_corpus(loaded, written, progress=context.progress)
    chunks = chunked.chunks
    context.say(f"corpus: {len(chunks.document_ids)} documents, {len(chunks)} chunks (chunker: {chunked.chunker})")
    for line in issue_lines(chunks.ledger.entries, items=10):
        context.say(f"warning: {line}")
    copies = copies_for(golden, loaded, chunked)
    if copies is not None:
        counts = ", ".join(f"{len(part)} {name or '(none)'}" for name, part in golden.by_wording().items())
        context.say(f"masked queries by wording: {counts}; each wording searches a copy without the text it masks")
    searched = Searched(chunks, copies, chunker=chunked.chunker, corpus=loaded.corpus.fingerprint)
    if options.level != "chunk" or not has_chunk_labels(golden):
        return searched
    if loaded.chunks is not None:
        return searched._replace(labelled=_with_ready(golden, chunks, options))
    chunker = label_chunker(golden, options.label_chunker)
    context.say(f"relevant chunks: those that source_chunk_id names, counted by {chunker}")
    own = choose_chunker(written, passages=loaded.passages).chunker
    same = choose_chunker(chunker, passages=loaded.passages).chunker == own
    counted = chunks if same else label_chunks(loaded.corpus, chunker)
    return searched._replace(labelled=with_chunk_labels(golden, counted, chunker))


def _with_ready(golden: GoldenSet, chunks: Chunks, options: Options) -> GoldenSet:
    """The golden set with the labels of chunks that were ready, which are those that are counted."""
    if options.label_chunker is not None:
        raise SettingError(f"applies to documents, and {named('corpus')} is chunks already", option="label_chunker")
    return with_chunk_labels(golden, chunks, "ready chunks")


def _warn_of_queries(corpus: Corpus, golden: GoldenSet, context: Context) -> None:
    """Warn if the corpus seems to contain the golden set, whose queries would then be found first."""
    queries = {item.text.strip() for item in golden}
    same = [document.id for document in corpus if document.text.strip() in queries]
    if len(same) > max(FEW_COPIES, COPIES * len(queries)):
        context.say(
            f"warning: {len(same)} documents have exactly the text of a query, such as {same[0]}: if the corpus "
            f"contains the golden set, name the documents alone; if queries are documents, use {named('drop_self')}"
        )


def _inputs(options: Options) -> dict[str, Input]:
    """Where the inputs are, and how they are read, for those that were not given as objects."""
    found = {}
    if isinstance(options.corpus, Path):
        first = next(iter(cut_arms(arms_of(options.retrievers), options.chunkers).values()))[1]
        chunker = None if first == AUTO else first
        found["corpus"] = Input.read_with(options.corpus, loader=options.loader, chunker=chunker, clean=options.clean)
    if isinstance(options.golden, Path):
        found["golden"] = Input.read_with(
            options.golden, format=options.golden_format, split=options.split, queries=options.queries,
            exclude_source=options.exclude_source, columns=dict(options.golden_columns or {}),
        )  # fmt: skip
    return found
