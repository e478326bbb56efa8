"""SQuAD v1 and v2: questions with answer spans in paragraphs; the paragraphs are the documents.

Source: Rajpurkar et al., "Know What You Don't Know: Unanswerable Questions for SQuAD", ACL 2018.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from ragbench.core.documents import Document
from ragbench.core.errors import InputError
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.spelling import named
from ragbench.io.files import write_text
from ragbench.io.golden_files.common import ReadOptions, WriteOptions
from ragbench.io.parsing import read_json
from ragbench.io.tables import query_text, text_value

TAKES: frozenset[str] = frozenset()


def read(path: Path, options: ReadOptions) -> GoldenSet:
    """Read the questions. An unanswerable one has no evidence and ``is_impossible`` in its metadata.

    An answer whose text is not at its offset is skipped, and the issue log lists it.

    Raises:
        InputError: the file is not in SQuAD format, or a question is wrong.
    """
    items: list[GoldenItem] = []
    entries: list[LedgerEntry] = []
    for document, questions in paragraphs(path):
        for row in questions:
            where = f"{path}: question {row.get('id')!r}"
            items.append(_item(where, row, document, entries))
    if not items:
        raise InputError(f"{path}: there is no question in it")
    return GoldenSet(tuple(items), options.name or path.stem, Ledger(tuple(entries)))


def paragraphs(path: Path) -> Iterator[tuple[Document, list[dict[str, object]]]]:
    """Each paragraph as a document, with its questions as they stand in the file.

    Raises:
        InputError: no SQuAD file.
    """
    content = read_json(path)
    numbers: defaultdict[str, int] = defaultdict(int)
    for article in _rows(path, content, "data"):
        title = str(article.get("title") or "article")
        for paragraph in _rows(path, article, "paragraphs"):
            id_ = f"{title}#{numbers[title]}"
            numbers[title] += 1
            text = text_value(f"{path}: paragraph {id_!r}", paragraph, "context")
            document = Document(id_, text, title.replace("_", " "), {"source": path.name})
            yield document, _rows(path, paragraph, "qas")


def _rows(where: object, value: object, key: str) -> list[dict[str, object]]:
    rows = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{where}: no SQuAD file: {key!r} must be a list of objects")
    return rows


def _item(where: str, row: dict[str, object], document: Document, entries: list[LedgerEntry]) -> GoldenItem:
    id_ = text_value(where, row, "id")
    impossible = row.get("is_impossible") is True
    answers: dict[tuple[int, int], str] = {}
    for answer in [] if impossible else _rows(where, row, "answers"):
        start, text = answer.get("answer_start"), answer.get("text")
        if not isinstance(start, int) or not isinstance(text, str) or not text:
            raise InputError(f"{where}: an answer needs 'text' and 'answer_start', this is {answer!r:.60}")
        if document.text[start : start + len(text)] == text:
            answers[start, start + len(text)] = text
        else:
            reason = f"the answer {text!r:.60} is not at {start} of {document.id}; skipped"
            entries.append(LedgerEntry("golden", id_, reason, "span-mismatch"))
    texts = list(dict.fromkeys(answers.values()))
    metadata: dict[str, object] = {"is_impossible": True} if impossible else {}
    if len(texts) > 1:
        metadata["answers"] = texts
    return GoldenItem(
        id=id_,
        text=query_text(where, text_value(where, row, "question")),
        answer=texts[0] if texts else None,
        evidence=tuple(Evidence(document.id, start, end) for start, end in sorted(answers)),
        source=document.id,
        metadata=metadata,
    )


def write(golden: GoldenSet, path: Path, options: WriteOptions) -> Ledger:
    """Write SQuAD v2 JSON: every document that holds evidence becomes an article of one paragraph.

    Args:
        golden: what to write.
        path: a file ending in ``.json``, or a folder for ``squad.json``.
        options: must have the corpus, because the format holds the texts.

    Returns:
        evidence the format cannot hold: whole documents, other documents than a
        query's first, grades other than 1; and queries without any document.

    Raises:
        InputError: no corpus, or a document that it lacks.
    """
    if options.corpus is None:
        raise InputError(f"SQuAD files contain the texts of the documents: give these by {named('corpus')}")
    entries: list[LedgerEntry] = []
    articles: dict[str, list[dict[str, object]]] = {}
    for item in golden:
        documents = [e.document_id for e in item.evidence if e.grade > 0 and not e.whole]
        home = documents[0] if documents else item.source
        if home is None:
            entries.append(LedgerEntry("export", item.id, "no span and no source document; skipped", "not-written"))
            continue
        if home not in options.corpus.by_id:
            raise InputError(f"query {item.id!r}: the corpus has no document {home!r}. Is it the right corpus?")
        text = options.corpus.by_id[home].text
        spans = [e for e in item.evidence if e.document_id == home and e.grade > 0 and e.end is not None]
        lost = sum(e not in spans or e.grade != 1 for e in item.evidence) + len(item.masked) + len(item.exclude)
        lost += len(item.history)
        if lost:
            reason = f"{lost} of its spans, grades, exclusions or turns have no place in the format"
            entries.append(LedgerEntry("export", item.id, reason, "not-written"))
        answers = [{"text": text[e.start : e.end], "answer_start": e.start} for e in spans]
        row = {"id": item.id, "question": item.text, "answers": answers, "is_impossible": not answers}
        articles.setdefault(home, []).append(row)
    data = [
        {"title": id_, "paragraphs": [{"context": options.corpus.by_id[id_].text, "qas": rows}]}
        for id_, rows in articles.items()
    ]
    target = path if path.suffix == ".json" else path / "squad.json"
    write_text(target, json.dumps({"version": "v2.0", "data": data}, ensure_ascii=False) + "\n")
    return Ledger(tuple(entries))
