"""Public test collections as a corpus and a golden set, for the benchmark scripts and for tests.

Each function takes the folder that holds the collection's files, as described
in its docstring. The collections are no part of the repository.
"""

import csv
import html
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ragbench.core.documents import Corpus, Document
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.corpus.load import load_corpus
from ragbench.io.encoding import read_text
from ragbench.io.golden_files import read_golden
from ragbench.io.tables import read_objects

Collection = tuple[Corpus, GoldenSet]


def scifact(root: Path) -> Collection:
    """SciFact as BEIR has it: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/test.tsv``; 5183 / 300 / 339."""
    documents = tuple(
        Document(str(row["_id"]), str(row["text"]), str(row.get("title") or ""))
        for _, row in read_objects(root / "corpus.jsonl")
    )
    return Corpus(documents), read_golden(root, "beir", name="scifact")


def cacm(root: Path, *, joined: bool = True) -> Collection:
    """CACM as Anserini has it: ``cacm.tar.gz`` of HTML files, topics, TREC qrels; 3204 / 52 judged of 64 / 796.

    The whole page is the text (title, date, authors, and the citation tuples at
    its end), as in the index that Anserini's figure is measured on.

    The labels write ``CACM-776`` where the file is called ``CACM-0776.html``: 55
    of the 796 never meet their document if file names are taken as they are.

    Args:
        root: the folder.
        joined: write document ids as the labels do (BM25 reaches MAP .334). False
            takes the file names, as the published figure (.321) does.
    """
    documents = []
    with tarfile.open(root / "cacm.tar.gz") as archive:
        for member in archive:
            handle = archive.extractfile(member)
            if handle is None:
                continue
            page = handle.read().decode("latin-1")
            text = html.unescape(re.sub(r"<[^>]*>", "", page)).strip()
            name = Path(member.name).stem
            documents.append(Document(re.sub(r"-0+", "-", name) if joined else name, text))
    documents.sort(key=lambda document: document.id)
    return Corpus(tuple(documents)), read_golden(root, "trec", name="cacm")


def squad2(root: Path) -> Collection:
    """The development set of SQuAD 2.0, ``dev-v2.0.json``."""
    path = root / "dev-v2.0.json"
    return load_corpus(path, "squad").corpus, read_golden(path, "squad", name="squad2")


def cranfield(root: Path) -> Collection:
    """Cranfield: ``cran.all.1400``, ``cran.qry``, ``cranqrel``; 1400 / 225 / 1837.

    Labels name queries by their place in the file, not by its ``.I`` numbers,
    which skip. In the file 1 is best and 4 is least, and -1 marks the document
    the query came from or one of no interest: it is written here as given, as a
    negative label, which is not relevant. 1, 2, 3, 4 become 4, 3, 2, 1.
    """
    return _smart(root, "cran.all.1400", "cran.qry", "cranqrel", _cranfield_label, "cranfield")


def _cranfield_label(fields: list[str]) -> tuple[str, str, int]:
    label = int(fields[2])
    return fields[0], fields[1], 5 - label if label > 0 else label


def med(root: Path) -> Collection:
    """MEDLINE: ``MED.ALL``, ``MED.QRY``, ``MED.REL`` (query, 0, document, 1); 1033 / 30 / 696."""
    return _smart(root, "MED.ALL", "MED.QRY", "MED.REL", lambda f: (f[0], f[2], int(f[3])), "med")


def adi(root: Path) -> Collection:
    """ADI: ``ADI.ALL``, ``ADI.QRY``, ``ADI.REL`` (query, document, and two columns of no meaning); 82 / 35 / 170."""
    return _smart(root, "ADI.ALL", "ADI.QRY", "ADI.REL", lambda f: (f[0], f[1], 1), "adi")


def smart_records(path: Path) -> Iterator[dict[str, str]]:
    """Records of the SMART system's format: ``.I number``, then fields such as ``.T``, ``.A``, ``.W``."""
    record: dict[str, str] = {}
    key = ""
    for line in read_text(path)[0].split("\n"):
        if line.startswith(".I "):
            if record:
                yield record
            record, key = {"I": line[3:].strip()}, ""
        elif re.fullmatch(r"\.[A-Z]\s*", line):
            key = line[1]
        elif key:
            record[key] = f"{record[key]}\n{line}" if key in record else line
    if record:
        yield record


def _smart(
    root: Path, texts: str, queries: str, labels: str, label: Callable[[list[str]], tuple[str, str, int]], name: str
) -> Collection:
    corpus = Corpus(
        tuple(
            Document(record["I"], record.get("W", "").strip(), " ".join(record.get("T", "").split()))
            for record in smart_records(root / texts)
        )
    )
    evidence: dict[str, dict[str, int]] = {}
    for line in read_text(root / labels)[0].split("\n"):
        if line.strip():
            query, document, grade = label(line.split())
            row = evidence.setdefault(query, {})
            row[document] = max(grade, row.get(document, grade))
    items = tuple(
        GoldenItem(
            id=str(number),
            text=" ".join(record["W"].split()),
            evidence=tuple(Evidence(document, grade=grade) for document, grade in evidence[str(number)].items()),
        )
        for number, record in enumerate(smart_records(root / queries), start=1)
        if str(number) in evidence
    )
    return corpus, GoldenSet(items, name)


def faq(root: Path) -> Collection:
    """FAQ of courses: ``documents-with-ids.json``, and five questions for each document; 947 / 4627 / 4627.

    The questions were written by a language model, one document at a time.
    """
    documents: dict[str, Document] = {}
    for row in json.loads(read_text(root / "documents-with-ids.json")[0]):
        documents.setdefault(row["id"], Document(row["id"], row["text"], row["question"]))
    items = tuple(
        GoldenItem(f"q{at}", row["question"], evidence=(Evidence(row["document"]),), source=row["document"])
        for at, row in enumerate(_rows(root / "ground-truth-data.csv"))
        if row["document"] in documents
    )
    return Corpus(tuple(documents.values())), GoldenSet(items, "faq")


def manual(root: Path) -> Collection:
    """Chunks of a documentation: ``anthropic_docs.json``, ``docs_evaluation_dataset.json``; 232 / 100."""
    documents: dict[str, Document] = {}
    for row in json.loads(read_text(root / "anthropic_docs.json")[0]):
        if row["text"].strip():
            documents.setdefault(row["chunk_link"], Document(row["chunk_link"], row["text"], row["chunk_heading"]))
    queries = json.loads(read_text(root / "docs_evaluation_dataset.json")[0])
    labelled = (
        (row["id"], row["question"], [id_ for id_ in row["correct_chunks"] if id_ in documents]) for row in queries
    )
    return Corpus(tuple(documents.values())), _golden(labelled, "manual")


def code(root: Path) -> Collection:
    """Chunks of source code: ``codebase_chunks.json``, ``evaluation_set.jsonl``; 737 / 248."""
    chunks = [
        Document(f"{document['original_uuid']}_{chunk['original_index']}", chunk["content"])
        for document in json.loads(read_text(root / "codebase_chunks.json")[0])
        for chunk in document["chunks"]
    ]
    documents = {one.id: one for one in chunks if one.text.strip()}
    queries = (json.loads(line) for line in read_text(root / "evaluation_set.jsonl")[0].split("\n") if line)
    labelled = (
        (f"q{at}", row["query"], [id_ for uuid, n in row["golden_chunk_uuids"] if (id_ := f"{uuid}_{n}") in documents])
        for at, row in enumerate(queries)
    )
    return Corpus(tuple(documents.values())), _golden(labelled, "code")


PASSAGE = "recursive:size=900,overlap=0"
"""How `chunk_spans` cuts its five long documents."""


def chunk_spans(root: Path) -> Collection:
    """Five long texts, cut into passages: ``corpora``, and ``questions_df.csv`` with spans that answer; 472 questions.

    A passage is relevant if it holds more than half of such a span.
    """
    cutter = choose_chunker(PASSAGE, passages=True).chunker
    passages: dict[str, list[tuple[int, int, str]]] = {}
    documents = []
    for path in sorted((root / "corpora").glob("*.md")):
        text = read_text(path)[0]
        cut, _ = chunk(Corpus((Document(path.stem, text),)), cutter)
        places = zip(cut.starts.tolist(), cut.ends.tolist(), strict=True)
        passages[path.stem] = [(start, end, f"{path.stem}-{at}") for at, (start, end) in enumerate(places)]
        documents += [Document(id_, text[start:end]) for start, end, id_ in passages[path.stem]]

    def holding(name: str, start: int, end: int) -> list[str]:
        return [id_ for low, high, id_ in passages[name] if 2 * (min(high, end) - max(low, start)) > end - start]

    labelled = []
    for at, row in enumerate(_rows(root / "questions_df.csv")):
        spans = [(span["start_index"], span["end_index"]) for span in json.loads(row["references"])]
        found = [id_ for start, end in spans for id_ in holding(row["corpus_id"], start, end)]
        labelled.append((f"q{at}", row["question"], found))
    return Corpus(tuple(documents)), _golden(labelled, "chunk_spans")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header."""
    return csv.DictReader(io.StringIO(read_text(path)[0]))


def _golden(labelled: Iterable[tuple[str, str, Sequence[str]]], name: str) -> GoldenSet:
    """Queries with the documents that answer them; those without one are skipped."""
    items = (
        GoldenItem(id_, text, evidence=tuple(Evidence(one) for one in dict.fromkeys(relevant)))
        for id_, text, relevant in labelled
        if relevant
    )
    return GoldenSet(tuple(items), name)
