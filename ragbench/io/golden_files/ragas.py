"""Ragas datasets: one ``SingleTurnSample`` a line, for ``ragas.EvaluationDataset.from_jsonl``.

Keys: ``user_input`` (the query), ``reference`` (the reference answer),
``reference_contexts`` (the relevant text, best grade first). ``response`` and
``retrieved_contexts`` are absent: the system under test fills them in. The format can only be written, because contexts
    do not name their document. The ids are in ``reference_context_ids``.

Source: ragas 0.4.3, ``ragas.dataset_schema``.
"""

from pathlib import Path

from ragbench.core.documents import Corpus
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.spelling import named
from ragbench.io.files import write_bytes
from ragbench.io.golden_files.common import WriteOptions
from ragbench.io.tables import lines

TAKES: frozenset[str] = frozenset()


def write(golden: GoldenSet, path: Path, options: WriteOptions) -> Ledger:
    """Write the samples.

    Args:
        golden: what to write.
        path: a file ending in ``.jsonl``, or a folder for ``ragas.jsonl``.
        options: must have the corpus, because the format holds the texts.

    Returns:
        What the format cannot hold, per query: grades, items judged not relevant, masked text, excluded ids.

    Raises:
        InputError: no corpus, or evidence in a document that it lacks.
    """
    if options.corpus is None:
        raise InputError(f"ragas files contain the texts of the documents: give these by {named('corpus')}")
    entries = []
    rows = []
    for item in golden:
        relevant = sorted((e for e in item.evidence if e.grade > 0), key=lambda e: -e.grade)
        row: dict[str, object] = {"user_input": item.text}
        if item.answer is not None:
            row["reference"] = item.answer
        row["reference_contexts"] = [_text(item, e, options.corpus) for e in relevant]
        row["reference_context_ids"] = [e.document_id for e in relevant]
        rows.append((item.id, row))
        lost = {
            "grades": len({e.grade for e in item.evidence}) > 1,
            "masked": bool(item.masked),
            "exclude": bool(item.exclude),
            "history": bool(item.history),
        }
        if any(lost.values()):
            what = ", ".join(word for word, is_lost in lost.items() if is_lost)
            entries.append(LedgerEntry("export", item.id, f"the format cannot hold: {what}", "not-written"))
        if not relevant:
            entries.append(LedgerEntry("export", item.id, "nothing is relevant, so it has no context", "no-label"))
    target = path if path.suffix == ".jsonl" else path / "ragas.jsonl"
    write_bytes(target, lines(rows))
    return Ledger(tuple(entries))


def _text(item: GoldenItem, evidence: Evidence, corpus: Corpus) -> str:
    document = corpus.by_id.get(evidence.document_id)
    if document is None:
        raise InputError(
            f"query {item.id!r}: the corpus has no document {evidence.document_id!r}. Is it the right corpus?"
        )
    return document.text[evidence.start : evidence.end]
