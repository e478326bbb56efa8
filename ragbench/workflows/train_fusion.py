"""Train a fusion of signals, and decide on a protected golden set whether it may replace the untrained blend."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ragbench.comparison.gate.decide import decide_gate
from ragbench.comparison.gate.rules import MetricRule, Rules
from ragbench.comparison.gate.simple import SOURCE
from ragbench.core.context import Context, generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import project_labels
from ragbench.core.options import named, option, options
from ragbench.core.scored import QueryTable
from ragbench.corpus.chunk import chunk_corpus
from ragbench.io.files import write_json
from ragbench.io.fusion_models import FusionModel, write_fusion_model
from ragbench.io.golden_files import read_golden
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import check_empty, working_in
from ragbench.learning.fusion import CUT, Examples, joined, learn
from ragbench.learning.guard import by_name, guard
from ragbench.metrics.ndcg import discount
from ragbench.metrics.parse import parse
from ragbench.metrics.settings import EvaluationSettings
from ragbench.plugins import RETRIEVERS, Spec, build
from ragbench.render.evaluation import ReportFolder
from ragbench.render.fusion import Source, TrainedFusion, fusion_json
from ragbench.retrievers._signals import NAMES, Signals
from ragbench.workflows.attributes import check_by, sliced
from ragbench.workflows.by_wording import Copies, copies_for
from ragbench.workflows.groups import CacheFolder, CorpusReading, GoldenReading
from ragbench.workflows.measure import search_once
from ragbench.workflows.reading import read_corpus, read_set
from ragbench.workflows.run_systems import evaluate, judged_unit

MODEL, RESULT, EVALUATION = "fusion.json", "training.json", "evaluation"
UNTRAINED, TRAINED = "untrained", "trained"


@options
class Options(CorpusReading, GoldenReading, CacheFolder):
    """The options of ``ragbench train fusion`` and `ragbench.train_fusion`."""

    corpus: Path | Corpus = option("File or folder of documents, or a file of chunks.", section="Input")
    golden: Path | GoldenSet = option(
        "Golden set to learn from: human queries, or masked ones from 'ragbench generate'.", section="Input"
    )
    out: Path = option("Folder for the model and its evaluation.", section="Output", writes="folder")
    test: Path | GoldenSet | None = option(
        "Golden set that decides. It is protected: the model does not learn from its queries.", default=None,
        section="Input", unset="a part of --golden (--test-share)",
    )  # fmt: skip
    test_share: float = option(
        "Share of the golden set that is kept for the test; queries about one document stay together.", default=0.5,
        section="Input",
    )  # fmt: skip
    protect: Sequence[Path] = option(
        "Further golden sets whose queries the model must not learn from.", default=(), section="Input"
    )
    of: str = option("Retriever whose candidates are reordered.", default="hybrid", section="Retrieval")
    depth: int = option("Number of candidates per query.", default=50, section="Retrieval")
    embedder: str = option(
        "Embedder of the signals; it must give token vectors.", default="minilm", section="Retrieval"
    )
    metric: str = option("Metric that decides.", default="ndcg@10", section="Decision")
    margin: float = option(
        "Accepted loss against the untrained blend; with 0, the model must be at least as good.", default=0.0,
        section="Decision",
    )  # fmt: skip
    by: Sequence[str] = option(
        "Column of the golden set or of the corpus to slice the test queries by; type and length too.", default=(),
        section="Decision",
    )  # fmt: skip
    force: bool = option("Replace another model in the output folder.", default=False, section="Output")
    seed: int = option("Seed of all random draws.", default=0, section="Run")

    def __post_init__(self) -> None:
        faults = []
        if self.seed < 0:
            faults.append(f"{named('seed')} is {self.seed}; it must be 0 or more")
        if not 0 < self.test_share < 1:
            faults.append(f"{named('test_share')} is {self.test_share:g}; it must lie between 0 and 1")
        if not 0 <= self.margin <= 1:
            faults.append(f"{named('margin')} is {self.margin:g}; it must lie in 0 to 1")
        if faults:
            raise SettingError("\n".join(faults))
        parse(self.metric)
        faults = build(RETRIEVERS, self.untrained).check()
        if faults:
            raise SettingError("; ".join(faults))

    @property
    def untrained(self) -> str:
        """The spec of the untrained blend."""
        return self._rerank()

    def trained(self, path: Path) -> str:
        """The spec with a model."""
        return self._rerank(model=f"fusion:{path}")

    def _rerank(self, **more: str) -> str:
        return Spec("rerank", {"of": self.of, "depth": self.depth, "embedder": self.embedder, **more}, "").text


def run(options: Options, context: Context) -> TrainedFusion:
    """Learn to weigh the signals of search, and decide whether the result may replace the untrained blend.

    The signals are those of `rerank` (token vectors, sentence vectors, BM25), the rank of the candidate, shared words
    and phrases, words of the title, similarity to the other leading candidates, and length. Training takes seconds.

    The decision comes from queries that the model has not learned from: a separate golden set, or a part of the given
    one. A model is promoted if the interval of the difference lies above the accepted loss.

    Raises:
        SettingError: an option cannot be used.
        InputError: an input cannot be read, nothing is left to learn from, or too few candidates are relevant.

    Examples:
        >>> corpus, golden = "datasets/shop/product_catalog.csv", "datasets/shop"
        >>> found = rb.train_fusion(corpus, golden, "models/shop", force=True)
        corpus: 166 documents, 166 chunks (chunker: whole)
        >>> found.gate.outcome in ("pass", "fail", "inconclusive"), found.path.name
        (True, 'fusion.json')
    """
    context = replace(context, cache=cache_folder(options.cache), seed=options.seed)
    if not options.force:
        check_empty(options.out)
    golden = read_set(options.golden, options)
    train, test = _parts(golden, options)
    loaded = read_corpus(options.corpus, options, context)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    chunks = chunked.chunks
    context.say(f"corpus: {len(chunks.document_ids)} documents, {len(chunks)} chunks (chunker: {chunked.chunker})")
    check_by(options.by, QueryTable.of(test), chunks)
    protected = by_name([(test.name, test), *((str(path), read_golden(path)) for path in options.protect)])
    asked = {item.id: item.text for item in train}
    guarded = guard(asked, chunks, protected, scope="queries")
    kept = tuple(item for item in train if item.id not in guarded.leaks)
    if not kept:
        raise InputError(f"all {len(train)} queries are in a protected set, so there is nothing to learn from")
    train = replace(train, items=kept)
    copies = copies_for(train, loaded, chunked)
    examples = _examples(options, train, chunks, copies, context)
    learned = learn(examples, options.seed)
    source: Source = "masked" if any(item.masked for item in train) else "human"
    model = FusionModel(
        dict(zip(NAMES, (round(float(weight), 6) for weight in learned.weights), strict=True)), options.embedder,
        {"queries": len(train), "source": source, "golden_set": train.fingerprint, "of": options.of,
         "depth": options.depth, "seed": options.seed, "protected": {name: one.fingerprint
                                                                     for name, one in protected.items()}},
    )  # fmt: skip
    with working_in(options.out):
        path = options.out / MODEL
        write_fusion_model(model, path)
        settings = EvaluationSettings(
            metrics=tuple(dict.fromkeys((options.metric, "ndcg@10", "mrr@10", "recall@100"))), seed=options.seed
        )
        folder = ReportFolder(options.out / EVALUATION, force=True)
        evaluation = sliced(
            evaluate(
                chunks, test, {UNTRAINED: options.untrained, TRAINED: options.trained(path)}, settings,
                context=context, on_arm=folder.arm, copies=copies_for(test, loaded, chunked),
            ),
            options.by,
        )  # fmt: skip
        folder.finish(evaluation)
        rules = Rules(
            rules=(MetricRule(metric=options.metric, margin=options.margin),), inconclusive="fail", source=SOURCE
        )
        gate = decide_gate(evaluation[UNTRAINED].scored, evaluation[TRAINED].scored, rules)
        found = TrainedFusion(
            model, path, options.trained(path), learned, source, len(train), examples.positives, guarded, evaluation,
            gate, tuple(options.by),
        )  # fmt: skip
        write_json(options.out / RESULT, fusion_json(found))
    return found


def _parts(golden: GoldenSet, options: Options) -> tuple[GoldenSet, GoldenSet]:
    """The queries to learn from, and those that decide."""
    if options.test is not None:
        return golden, read_set(options.test)
    units = list(dict.fromkeys(item.unit for item in golden))
    if len(units) < 2:
        raise InputError(
            f"{golden.name}: {len(golden)} queries about one document cannot be split; give {named('test')}"
        )
    count = min(max(round(len(units) * options.test_share), 1), len(units) - 1)
    order = generator(options.seed, "fusion test").permutation(len(units))
    tested = {units[at] for at in order[:count].tolist()}
    parts = [tuple(item for item in golden if (item.unit in tested) is wanted) for wanted in (False, True)]
    train, test = parts
    return replace(golden, items=train), replace(golden, items=test, name=f"{golden.name} (test)")


def _examples(options: Options, golden: GoldenSet, chunks: Chunks, copies: Copies | None, context: Context) -> Examples:
    """The candidates of the queries, with signals and labels."""
    if copies is None:
        return _searched(options, golden, chunks, context)
    parts = replace(copies.golden, items=copies.unmasked.items).by_wording()
    return joined([_searched(options, part, copies.chunks[name], context) for name, part in parts.items()])


def _searched(options: Options, golden: GoldenSet, chunks: Chunks, context: Context) -> Examples:
    rerank = build(RETRIEVERS, options.untrained)
    context = replace(context, token_embedders=context.token_embedders | rerank.token_embedders)
    unit = judged_unit("auto", golden, chunks)
    task = project_labels(golden, chunks, unit=unit, allow_missing=True)
    found = search_once(build(RETRIEVERS, options.of), task.queries, chunks, options.depth, context)
    rows = np.full((len(task.queries), options.depth), -1, dtype=np.int32)
    readable = found.items < len(chunks)
    rows[found.query_index[readable], found.ranks[readable] - 1] = found.items[readable]
    with context.progress("signals", len(task.queries)) as advance:
        signals = Signals.build(options.embedder, chunks, context).of(task.queries, rows)
        advance(len(task.queries))
    labels = np.zeros(rows.shape, dtype=np.int32)
    ideal = np.zeros(len(task.queries))
    by_query: Mapping[str, Mapping[str, int]] = task.judgements.to_dict()
    ids = chunks.ids if unit == "chunk" else [chunks.document_ids[at] for at in chunks.document_index.tolist()]
    for position, query in enumerate(task.queries):
        judged = by_query.get(query.id, {})
        best = np.array(sorted((max(label, 0) for label in judged.values()), reverse=True)[:CUT], dtype=np.float64)
        ideal[position] = best @ discount(len(best))
        labels[position] = [judged.get(ids[row], 0) if row >= 0 else 0 for row in rows[position].tolist()]
    unit_of = {item.id: item.unit for item in golden}
    return Examples(signals, rows >= 0, labels, ideal, [unit_of[query.id] for query in task.queries])
