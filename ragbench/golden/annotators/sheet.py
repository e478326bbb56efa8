"""The table that annotators fill in: it carries a sample of queries out, and their decisions back.

The sample has query types and judge's opinions in the proportions of the whole. A decision accepts, edits or rejects a
query, and may
grade its evidence.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from ragbench.core.context import generator
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.goldens import Evidence, GoldenItem
from ragbench.golden.annotators.labels import GRADES, LABELS, Label, read_labels, with_labels
from ragbench.io.files import write_bytes
from ragbench.io.golden_files.native import item_of
from ragbench.io.spreadsheet import original, read_sheet, sheet_bytes
from ragbench.io.tables import read_objects

REJECTED = "rejected.jsonl"
STAGES = ("judge", "reconsider")
_SAME_KEYS = ("id", "text", "type", "answer", "evidence", "masked", "struck")


def judge_opinion(item: GoldenItem) -> bool | None:
    """Whether the judge accepted the query; ``reconsider`` overrules ``judge``. None if no judge saw it."""
    review = item.metadata.get("review")
    said = [
        bool(opinion["accepted"])
        for opinion in (review if isinstance(review, list) else [])
        if isinstance(opinion, Mapping) and opinion.get("stage") in STAGES and "accepted" in opinion
    ]
    return said[-1] if said else None


def judge_rejects(path: Path) -> tuple[GoldenItem, ...]:
    """Read the queries of a ``rejected.jsonl`` that the judge rejected.

    Queries that another stage rejected are skipped, because the judge did not see or did not decide them.

    Raises:
        InputError: a line is invalid; the message names file and line.
    """
    found = []
    for where, row in read_objects(path):
        if row.get("stage") not in STAGES:
            continue
        metadata = {key: row[key] for key in ("language", "chunks", "quotes", "review") if row.get(key)}
        provenance = row.get("provenance")
        if isinstance(provenance, Mapping):
            metadata = {**provenance, **metadata}
        source = provenance.get("source") if isinstance(provenance, Mapping) else None
        shared = {key: row[key] for key in _SAME_KEYS if key in row}
        item = item_of(where, {**shared, "source": source, "metadata": metadata})
        if judge_opinion(item) is False:
            found.append(item)
    return tuple(found)


def rejects_beside(golden: Path) -> tuple[GoldenItem, ...]:
    """Read the judge's rejects from the folder of the set; none if there is no such file."""
    path = golden / REJECTED
    return judge_rejects(path) if golden.is_dir() and path.is_file() else ()


SHOWN = ("id", "type", "query", "answer", "evidence", "chunk")
FILLED = ("decision", "edited_text", "grade", "comment")
COLUMNS = (*SHOWN, *FILLED)
MAX_CHARACTERS = 4000
"""Most characters of shown text. Spreadsheets cut cells at 32,767."""


def write_sheet(items: Sequence[GoldenItem], corpus: Corpus, chunks: Chunks, path: Path) -> None:
    """Write one row per query, with the columns of `FILLED` empty.

    The judge's opinion is hidden, because annotators who see it agree with it more often. A cell that a spreadsheet
    would read as a formula begins with an apostrophe.
    """
    rows = []
    for item in items:
        shown = (
            item.id,
            item.type,
            item.text,
            item.answer or "",
            evidence_text(item, corpus),
            _chunk(item, corpus, chunks),
        )
        rows.append([*shown, *("" for _ in FILLED)])
    write_bytes(path, sheet_bytes(COLUMNS, rows))


def evidence_text(item: GoldenItem, corpus: Corpus) -> str:
    """List the relevant spans, one per line; for a whole document, its title or id."""
    return "\n".join(_quoted(e, corpus) for e in item.evidence if e.grade > 0)[:MAX_CHARACTERS]


def _quoted(evidence: Evidence, corpus: Corpus) -> str:
    document = corpus.by_id.get(evidence.document_id)
    if document is None:
        return f"[{evidence.document_id}: not in the corpus]"
    if evidence.whole:
        return f"[{evidence.document_id}: the whole document]"
    return f"[{evidence.document_id}] {document.text[evidence.start : evidence.end]}"


def _chunk(item: GoldenItem, corpus: Corpus, chunks: Chunks) -> str:
    """Join the chunks that hold the best evidence, beginning with the first."""
    best = max((e for e in item.evidence if e.grade > 0), key=lambda e: e.grade, default=None)
    if best is None or best.document_id not in chunks.document_row:
        return ""
    end = len(corpus.by_id[best.document_id].text) if best.end is None else best.end
    rows = [
        chunk
        for at in (chunks.document_index == chunks.document_row[best.document_id]).nonzero()[0].tolist()
        if (chunk := chunks[at]).start < end and chunk.end > best.start
    ]
    return "\n[...]\n".join(chunk.content for chunk in rows)[:MAX_CHARACTERS]


def sample(items: Sequence[GoldenItem], size: int, seed: int) -> list[GoldenItem]:
    """Draw items without replacement, in an order that reveals neither type nor judge.

    Every stratum (type and judge's opinion) contributes its share, rounded by largest remainders; ties follow the
    stratum's name. The sample has the proportions of the whole, so rates need no weights.

    Args:
        items: the items to draw from.
        size: how many; if there are fewer, all.
        seed: seed of the draw and of the order.

    Raises:
        SettingError: ``size`` is below 1.
    """
    if size < 1:
        raise SettingError(f"is {size}; it must be at least 1", option="sample")
    strata: defaultdict[str, list[GoldenItem]] = defaultdict(list)
    for item in items:
        strata[f"{item.type}/{judge_opinion(item)}"].append(item)
    size = min(size, len(items))
    wanted = {name: size * len(rows) / len(items) for name, rows in strata.items()}
    taken = {name: int(np.floor(share)) for name, share in wanted.items()}
    left = size - sum(taken.values())
    for name in sorted(strata, key=lambda name: (taken[name] - wanted[name], name))[:left]:
        taken[name] += 1
    drawn = []
    for name in sorted(strata):
        rng = generator(seed, "review", name)
        rows = sorted(strata[name], key=lambda item: item.id)
        drawn += [rows[at] for at in rng.choice(len(rows), size=taken[name], replace=False)]
    order = generator(seed, "review", "order").permutation(len(drawn))
    return [drawn[at] for at in order]


Word = Literal["accept", "edit", "reject"]
WORDS: tuple[Word, ...] = ("accept", "edit", "reject")
FAULTS_SHOWN = 20


@dataclass(frozen=True)
class Decision:
    """The decision of an annotator on one query.

    Attributes:
        query_id: the query.
        word: ``accept`` the query unchanged, ``edit`` its text, or ``reject`` it.
        text: the new text of an edited query, or None.
        grade: how well the evidence answers the query, 0 to 3; None if it was left blank.
        comment: the annotator's comment.
        labels: labels of single items, which count after ``grade``.
    """

    query_id: str
    word: Word
    text: str | None = None
    grade: int | None = None
    comment: str = ""
    labels: tuple[Label, ...] = ()

    def evidence_of(self, item: GoldenItem) -> tuple[Evidence, ...]:
        """The evidence of the query after the decision.

        Raises:
            InputError: a label would have no effect.
        """
        if self.word == "reject":
            return item.evidence
        graded = item.evidence
        if self.grade is not None:
            graded = tuple(replace(e, grade=self.grade) if e.grade > 0 else e for e in graded)
        return with_labels(graded, self.labels)


class Decisions(NamedTuple):
    """The decisions in the order of the table, and the queries without a decision."""

    made: tuple[Decision, ...]
    undecided: tuple[str, ...]


def read_decisions(path: Path, items: Mapping[str, GoldenItem]) -> Decisions:
    """Read and check a filled table: CSV with commas, semicolons or tabs, or ``.xlsx``.

    Args:
        path: the table.
        items: the queries that the table may decide on, by id.

    Raises:
        InputError: the file does not exist, a column is missing, or rows are wrong; the message names each with its
            line.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    faults: list[str] = []
    made: list[Decision] = []
    undecided: list[str] = []
    seen: dict[str, int] = {}
    for line, row in _rows(path):
        id_ = row["id"].strip()
        fault = _row_fault(id_, row, items, seen)
        seen.setdefault(id_, line)
        if not fault and not row["decision"].strip():
            fault = _forgotten(row)
            undecided += [] if fault else [id_]
        elif not fault:
            found = _decision(id_, row, items[id_])
            fault = found if isinstance(found, str) else ""
            made += [] if isinstance(found, str) else [found]
        if fault:
            faults.append(f"{path}:{line}: {fault}")
    if faults:
        more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        raise InputError("\n".join([*faults[:FAULTS_SHOWN], *more]))
    if not made:
        raise InputError(f"{path}: no row has a decision; write accept, edit or reject into the column 'decision'")
    return Decisions(tuple(made), tuple(undecided))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    table = read_sheet(path)
    names = [cell.strip().lower() for cell in table.header]
    missing = [name for name in ("id", *FILLED) if name not in names]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; it has {', '.join(names) or 'none'}")
    rows = [
        (line, {name: original(cell or "") for name, cell in zip(names, cells, strict=True)})
        for line, cells in zip(table.lines, table.cells, strict=True)
        if any(cell and cell.strip() for cell in cells)
    ]
    if not rows:
        raise InputError(f"{path}: there is no row under the header")
    return rows


def _row_fault(id_: str, row: Mapping[str, str], items: Mapping[str, GoldenItem], seen: Mapping[str, int]) -> str:
    if not id_:
        return "the row has no id"
    if id_ not in items:
        return f"the golden set has no query {id_!r}; give the set that the table was exported from"
    if id_ in seen:
        return f"line {seen[id_]} has a decision on query {id_!r} already; keep one of the rows"
    if "query" in row and _plain(row["query"]) != _plain(items[id_].text):
        return f"the text of {id_!r} differs from the set; restore it, and write a new text into 'edited_text'"
    return ""


def _plain(text: str) -> str:
    """Remove what a spreadsheet may change by itself."""
    return " ".join(text.split()).strip("'")


def _forgotten(row: Mapping[str, str]) -> str:
    filled = [name for name in ("edited_text", "grade", LABELS) if row.get(name, "").strip()]
    return f"{' and '.join(filled)} without a decision; write accept, edit or reject" if filled else ""


def _decision(id_: str, row: Mapping[str, str], item: GoldenItem) -> Decision | str:
    """Read the decision of a row, or say what is wrong with it."""
    word, text, grade = row["decision"].strip().lower(), " ".join(row["edited_text"].split()), row["grade"].strip()
    if word not in WORDS:
        return f"decision {word!r}{did_you_mean(word, WORDS)}"
    if word == "edit" and not text:
        return "the decision is edit, but 'edited_text' is empty; write the new text there"
    if word == "edit" and text == item.text:
        return "the decision is edit, but the text is that of the query; write accept, or a new text"
    if word != "edit" and text:
        return f"the decision is {word}, but there is a new text in 'edited_text'; write edit, or clear the text"
    grade = grade.removesuffix(".0")
    if grade and grade not in GRADES:
        return f"grade {grade!r}; write 0, 1, 2 or 3, or leave it blank"
    known = int(grade) if grade else None
    try:
        made = Decision(id_, word, text or None, known, row["comment"].strip(), read_labels(row.get(LABELS, "")))
        after = made.evidence_of(item)
    except InputError as error:
        return str(error)
    if any(e.grade > 0 for e in item.evidence) and not any(e.grade > 0 for e in after):
        why = "with grade 0" if grade == "0" else "with these labels"
        return f"the decision is {word} {why}, so nothing would be relevant; reject it, or give a grade above 0"
    return made
