"""Evaluate run files alone: no corpus, and no texts of the queries."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Evaluation
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import EvaluationTask, Judgements
from ragbench.core.ledger import Ledger
from ragbench.core.options import named
from ragbench.core.runs import Query, Unit
from ragbench.core.scored import QueryTable
from ragbench.io.golden_files import detect, read_golden
from ragbench.io.golden_files.common import whole_documents
from ragbench.io.golden_files.trec import labels_in, read_topics, topics_beside
from ragbench.io.parsing import NOT_JSON
from ragbench.io.qrels_files import are_beir_labels, read_judgements
from ragbench.metrics.settings import EvaluationSettings
from ragbench.workflows.arms import ArmPlan
from ragbench.workflows.bench import Asked, Bench
from ragbench.workflows.run_systems import OnArm, run_arms

SETS = (".jsonl", ".ndjson", ".csv")
"""Endings of files that are golden sets and not labels alone."""
LABEL_FIELDS = 4


@dataclass(frozen=True)
class Labelled:
    """Labelled queries, without the documents that the labels are of.

    Attributes:
        asked: the queries.
        judgements: their labels.
        exclude: by query id, ids that its ranking must not contain.
    """

    asked: Asked
    judgements: Judgements
    exclude: Mapping[str, frozenset[str]] = field(default_factory=dict)


def evaluate_run_files(
    labelled: Labelled,
    arms: Mapping[str, ArmPlan],
    settings: EvaluationSettings,
    context: Context,
    on_arm: OnArm | None,
) -> Evaluation:
    """Score run files on labels, and compare each with the first.

    Raises:
        InputError: no query has a relevant item.
    """
    judgements = labelled.judgements
    if not (judgements.labels > 0).any():
        raise InputError(
            f"{labelled.asked.name!r} has no relevant item for any query: nothing can be scored. Every label is 0 or "
            "below"
        )
    table, none = labelled.asked.queries, frozenset[str]()
    queries = tuple(
        Query(id_, text, labelled.exclude.get(id_, none) | ({id_} if settings.drop_self else none))
        for id_, text in zip(table.ids, table.texts, strict=True)
    )
    unit: Unit = "chunk" if settings.level == "chunk" else "document"
    task = EvaluationTask(queries, _without(judgements, queries), unit, Ledger())
    bench = Bench(labelled.asked, task, None, settings, context)
    return run_arms([(name, plan, bench) for name, plan in arms.items()], on_arm, threading.Event())


def _without(judgements: Judgements, queries: tuple[Query, ...]) -> Judgements:
    """The labels without those of excluded items."""
    if not any(query.exclude for query in queries):
        return judgements
    labels = judgements.to_dict()
    kept = {q.id: {item: label for item, label in labels[q.id].items() if item not in q.exclude} for q in queries}
    return Judgements.from_dict(kept)


def read_labelled(
    golden: Path | GoldenSet | Judgements,
    format: str | None = None,
    *,
    queries: Path | None = None,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    level: str = "auto",
) -> Labelled:
    """Read labels, or the labels of a golden set.

    Args:
        golden: a file of labels (qrels of TREC or BEIR, JSON, Parquet), a folder with one, a golden set in any format,
            or what was read already.
        format: format of the golden set; None detects it.
        queries: file with the texts of the queries, for TREC qrels. It is found beside them if it has a usual name.
        split: split of a collection.
        columns: column by role of a golden set.
        level: what is judged: ``chunk``, ``document`` or ``auto``. The ids of labels are those of the run files.

    Raises:
        InputError: there is no such file, it cannot be read, it judges parts of documents, or it judges documents where
            chunks are wanted.
        SettingError: the format is unknown, or an option does not fit it.
    """
    if isinstance(golden, Judgements):
        return _of_labels(golden, "labels", {})
    if isinstance(golden, GoldenSet):
        return _of_set(golden, level)
    if not golden.exists():
        raise InputError(f"{golden}: no such file or folder")
    if split or columns or not _is_labels(golden, format):
        return _of_set(read_golden(golden, format, split=split, queries=queries, columns=columns), level)
    labels = labels_in(golden) if golden.is_dir() else golden
    found = queries or topics_beside(labels)
    texts = {} if found is None else {id_: text for id_, (text, _) in read_topics(found).items()}
    name = golden.resolve().name if golden.is_dir() else golden.name.partition(".")[0] or golden.name
    return _of_labels(read_judgements(labels), name, texts)


def _is_labels(path: Path, format: str | None) -> bool:
    """Whether a file has labels alone, or a folder has such a file, and is no golden set."""
    if format is not None or path.is_dir():
        return (format or detect(path)) == "trec"
    ending = path.suffix.lower()
    if ending == ".json":
        return not _has_key(path, "data")
    if ending == ".tsv":
        first = _first_line(path)
        return len(first.split()) == LABEL_FIELDS or are_beir_labels(first)
    return ending not in SETS


def _has_key(path: Path, key: str) -> bool:
    """Whether a file is a JSON object with a list under a key, as SQuAD has one under ``data``."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, *NOT_JSON):
        return False
    return isinstance(content, dict) and isinstance(content.get(key), list)


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline()


def _of_labels(judgements: Judgements, name: str, texts: Mapping[str, str]) -> Labelled:
    asked = Asked(name, judgements.fingerprint, QueryTable.of_labels(judgements, texts), labels_only=True)
    return Labelled(asked, judgements)


def _of_set(golden: GoldenSet, level: str) -> Labelled:
    if level == "chunk":
        raise InputError(
            f"golden set {golden.name!r} judges documents. To find their chunks, ragbench needs the documents. Give "
            f"{named('corpus')}, or name a file of labels whose ids are those of the chunks (qrels)"
        )
    parts = [item.id for item in golden if item.masked or any(not e.whole for e in item.evidence if e.grade > 0)]
    if parts:
        raise InputError(
            f"golden set {golden.name!r} judges or masks parts of documents for {len(parts)} queries (first: "
            f"{parts[0]!r}). To find the chunks of these parts, ragbench needs the documents. Give {named('corpus')}"
        )
    exclude = {item.id: frozenset(item.exclude) for item in golden if item.exclude}
    return Labelled(Asked.of(golden), Judgements.from_dict(whole_documents(golden)[0]), exclude)
