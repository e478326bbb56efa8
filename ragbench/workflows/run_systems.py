"""Run systems on a golden set, score them, and compare them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import SettingError
from ragbench.core.evaluations import Arm, Evaluation
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import project_labels
from ragbench.core.ledger import first_ten
from ragbench.core.runs import Unit
from ragbench.core.spelling import given
from ragbench.engine import side_by_side, stoppable
from ragbench.metrics.settings import EvaluationSettings
from ragbench.retrievers.base import Retriever
from ragbench.workflows.arms import ArmPlan, Retrievers, arms_of
from ragbench.workflows.bench import Asked, Bench, Searched
from ragbench.workflows.by_wording import Copies
from ragbench.workflows.filtering import with_filters

DEFAULT_RETRIEVERS = ("bm25", "dense", "hybrid", "rerank")

OnArm = Callable[[Arm], None]


def evaluate(
    chunks: Chunks,
    golden: GoldenSet,
    retrievers: Retrievers = DEFAULT_RETRIEVERS,
    settings: EvaluationSettings | None = None,
    *,
    context: Context | None = None,
    on_arm: OnArm | None = None,
    copies: Copies | None = None,
    labelled: GoldenSet | None = None,
) -> Evaluation:
    """Run each retriever over the golden set, score it, and compare it with the first.

    A retriever that fails does not stop the others: its arm has the status
    ``error`` and the reason.

    Args:
        chunks: what is indexed.
        golden: queries and evidence.
        retrievers: specs or retriever objects; each is one arm. A mapping gives them names.
        settings: how to evaluate.
        context: cache folder, seed and progress; the seed of ``settings`` counts.
        on_arm: called with each arm as soon as it is finished, one at a time.
        copies: the corpus without masked text by wording. Each query searches that of its wording, and documents are
            judged.
        labelled: the golden set with its chunk labels as spans.

    Raises:
        SettingError: a retriever or metric is unknown or set wrongly; every fault is listed.
        InputError: corpus and golden set do not fit together.
    """
    searched = Searched(chunks, copies, labelled)
    arms = arms_of(retrievers)
    return evaluate_arms(
        arms, dict.fromkeys(arms, searched), golden, settings or EvaluationSettings(), context or Context(), on_arm
    )


def evaluate_arms(
    arms: Mapping[str, ArmPlan],
    searched: Mapping[str, Searched],
    golden: GoldenSet,
    settings: EvaluationSettings,
    context: Context,
    on_arm: OnArm | None = None,
) -> Evaluation:
    """Run each system over the golden set, score it, and compare it with the first.

    Args:
        arms: the systems by name.
        searched: what each of them searches. Systems with the same chunks share the object.
        golden: queries and evidence.
        settings: how to evaluate.
        context: cache folder, seed and progress; the seed of ``settings`` counts.
        on_arm: called with each system as soon as it is finished, one at a time.

    Raises:
        SettingError: chunks are to be judged, and the systems have different ones.
        InputError: corpus and golden set do not fit together.
    """
    stop = threading.Event()
    tokens = context.token_embedders.union(*(_token_embedders(plan.retriever) for plan in arms.values()))
    progress = stoppable(context.progress, stop)
    context = replace(context, seed=settings.seed, progress=progress, token_embedders=tokens)
    different = {id(one): one for one in searched.values()}
    if len(different) > 1 and settings.level == "chunk":
        raise SettingError(
            f"{given('level', 'chunk')}: the systems have different chunks, so the same evidence is a different number "
            f"of chunks in each. Judge documents with {given('level', 'document')}, or evaluate each chunker by itself"
        )
    level = "document" if len(different) > 1 else settings.level
    benches = {key: _bench(one, golden, level, settings, context) for key, one in different.items()}
    first, *others = benches.values()
    for bench in others:
        bench.caveats = _other_labels(first, bench)
    return run_arms([(name, plan, benches[id(searched[name])]) for name, plan in arms.items()], on_arm, stop)


def _other_labels(first: Bench, other: Bench) -> tuple[str, ...]:
    """Warn of queries whose labels depend on the chunks: a document whose every chunk has masked text is not judged."""
    ours, theirs = first.task.judgements.to_dict(), other.task.judgements.to_dict()
    apart = [id_ for id_ in ours if ours[id_] != theirs[id_]]
    if not apart:
        return ()
    return (
        f"{len(apart)} queries have other labels than with the chunks of the first system, because chunks with masked "
        f"text are excluded: {first_ten(apart)}",
    )


def _bench(searched: Searched, golden: GoldenSet, level: str, settings: EvaluationSettings, context: Context) -> Bench:
    chunks, copies = searched.chunks, searched.copies
    unit = judged_unit(level, golden, chunks)
    if copies is not None:
        if level == "chunk":
            raise SettingError(
                f"{given('level', 'chunk')}: each wording of a masked set has chunks of its own; documents are judged"
            )
        unit, golden = "document", copies.golden
    fitted = copies.unmasked if copies is not None else searched.labelled or golden
    fitted = without_self(fitted, chunks) if settings.drop_self else fitted
    task = project_labels(fitted, chunks, unit=unit, overlap=settings.overlap, allow_missing=settings.allow_missing)
    task = with_filters(task, fitted, chunks, settings)
    return Bench(Asked.of(golden), task, chunks, settings, context, copies, searched)


def _token_embedders(retriever: Retriever) -> frozenset[str]:
    # The arm itself reports what is wrong with it.
    with suppress(Exception):
        return retriever.token_embedders
    return frozenset()


def judged_unit(level: str, golden: GoldenSet, chunks: Chunks) -> Unit:
    """Choose chunks if evidence is part of a document and some document was cut, else documents."""
    if level == "chunk":
        return "chunk"
    if level == "document":
        return "document"
    return "chunk" if golden.has_spans and len(chunks) > len(chunks.document_ids) else "document"


def without_self(golden: GoldenSet, chunks: Chunks) -> GoldenSet:
    """Exclude the document with the query's id from the ranking and the relevant items of that query."""
    own = chunks.document_row
    items = (replace(item, exclude=(*item.exclude, item.id)) if item.id in own else item for item in golden)
    return replace(golden, items=tuple(items))


def run_arms(arms: Sequence[tuple[str, ArmPlan, Bench]], on_arm: OnArm | None, stop: threading.Event) -> Evaluation:
    """Run and score every system on its bench, and compare them.

    Args:
        arms: name, system and bench of each, in order. All benches have the same queries and settings.
        on_arm: called with each system as soon as it is finished, one at a time.
        stop: set when the user interrupts.
    """
    handing_over = threading.Lock()

    def work(planned: tuple[str, ArmPlan, Bench]) -> Arm:
        name, plan, bench = planned
        arm = replace(bench.arm(name, plan.retriever), setup=plan.setup)
        if on_arm is not None:
            with handing_over:
                on_arm(arm)
        return arm

    first = arms[0][2]
    if first.settings.jobs == 1:
        done = [work(arm) for arm in arms]
    else:
        done = side_by_side(work, list(arms), first.settings.jobs, stop)
    return first.evaluation(done, list({id(bench): bench for _, _, bench in arms}.values()))
