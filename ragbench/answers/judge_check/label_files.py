"""Read files of labelled answers.

A file has one answer per row, in JSON Lines, CSV, TSV or Parquet. Recognised columns are
those of answers (`ragbench.io.answer_rows`), and

    label       yes or no (see `ragbench.answers.judge_check.labels`)
    votes       instead of it: the labels of several annotators
    annotator   instead of votes: who gave the label. Rows with the same id and answer are one answer (without ids:
                the same query, answer and sources), unless one annotator labels it twice
    cluster     what makes answers dependent; by default the document of all sources, otherwise the query

Any other column can be a score to check (``column:NAME``) or a slice.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ragbench.answers.judge_check.labels import PERSON, Labelled, LabelSet, Vote, Words, joined
from ragbench.answers.judge_check.public_labels import read_begin, read_sentences, read_summaries
from ragbench.core.answers import Answered
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.spelling import named
from ragbench.io.answer_rows import ALIASES, answered
from ragbench.io.tables import choose_columns, read_rows

LABELS: dict[str, tuple[str, ...]] = {
    "label": ("label", "human_label", "gold", "supported", "faithful", "grounded", "is_correct"),
    "votes": ("votes", "labels", "annotations", "human_labels"),
    "annotator": PERSON,
    "cluster": ("cluster", "document", "source_document", "article_id"),
}
ROLES = {**LABELS, **{role: names for role, names in ALIASES.items() if role not in LABELS}}
FORMATS: dict[str, Callable[[Path, Words], LabelSet]] = {
    "qags": lambda path, _: read_sentences(path),
    "qags-summary": lambda path, _: read_summaries(path),
    "begin": read_begin,
}


def read_labels(
    paths: Sequence[Path],
    *,
    format: str = "table",
    columns: Mapping[str, str] | None = None,
    words: Words | None = None,
) -> LabelSet:
    """Read labelled answers. Several files become one set, with a slice for each.

    Args:
        paths: the files.
        format: ``table``, or a published collection: ``qags`` (per sentence), ``qags-summary``, ``begin``.
        columns: ``{role: column}`` for columns that are not recognised.
        words: which labels mean yes, and which are skipped.

    Raises:
        InputError: a file is missing, has another format, or has no labels. The message names file and line.
        SettingError: a format, role or column is unknown.
    """
    words = words or Words()
    if format != "table" and format not in FORMATS:
        raise SettingError(f"no format of labels {format!r}{did_you_mean(format, ('table', *FORMATS))}")
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        raise InputError(f"{', '.join(missing) or 'labels'}: no such file")
    read = FORMATS.get(format)
    return joined([_table(path, columns or {}, words) if read is None else read(path, words) for path in paths])


def _table(path: Path, chosen: Mapping[str, str], words: Words) -> LabelSet:
    rows = read_rows(path)
    if not rows:
        raise InputError(f"{path}: it holds no labelled answer")
    found = dict.fromkeys(key for _, row in rows for key in row)
    role = choose_columns(found, chosen, str(path), ROLES, {}, "--columns {role}=NAME")
    if ("label" in role) == ("votes" in role):
        which = "both a label and votes" if "label" in role else "neither a label nor votes"
        raise InputError(
            f"{path}: holds {which}; known are {', '.join(LABELS['label'])} for a label and "
            f"{', '.join(LABELS['votes'])} for the votes of several annotators. Name one with {named('columns')}"
        )
    items: list[Labelled] = []
    entries: list[LedgerEntry] = []
    for number, (where, row) in enumerate(rows, start=1):
        votes = _votes(where, row, role, words)
        if isinstance(votes, str):
            entries.append(LedgerEntry("labels", where, votes, "label-left-out"))
            continue
        item = _answer(where, number, row, role)
        items.append(Labelled(item, votes, _cluster(row, role, item), item.query_id))
    if "annotator" in role:
        items = _gathered(items, "id" in role)
    return LabelSet(tuple(_unique(items)), path.stem, Ledger(tuple(entries)))


def _votes(where: str, row: Mapping[str, object], role: Mapping[str, str], words: Words) -> tuple[Vote, ...] | str:
    """The votes, or why the row is skipped."""
    value = row.get(role.get("votes", role.get("label", "")))
    if value is None or value == "":
        return "there is no label"
    if "votes" in role:
        return words.votes(where, value) or "a vote is a label that is skipped"
    vote = words.vote(where, str(row.get(role.get("annotator", "")) or ""), value)
    return f"labelled {value!r:.60}" if vote is None else (vote,)


def _answer(where: str, number: int, row: Mapping[str, object], role: Mapping[str, str]) -> Answered:
    """Read the answer. A file for a column of scores needs neither question nor text."""
    known = {key: column for key, column in role.items() if key in ALIASES}
    kept = {key: value for key, value in row.items() if key not in {role[key] for key in LABELS if key in role}}
    blank = "query" not in known or row.get(known["query"]) in (None, "")
    if blank:
        known["query"] = known.get("query", "query")
        kept[known["query"]] = "-"
    if "id" in known and row.get(known["id"]) in (None, ""):
        raise InputError(f"{where}: {known['id']!r} is empty; every answer needs an id, or none has one")
    item = answered(where, number, kept, known, {})
    return replace(item, query="") if blank else item


def _cluster(row: Mapping[str, object], role: Mapping[str, str], item: Answered) -> str:
    given = row.get(role.get("cluster", ""))
    if given not in (None, ""):
        return f"cluster:{given}"
    documents = {source.document_id for source in item.sources if source.document_id}
    if len(documents) == 1:
        return f"document:{documents.pop()}"
    # Without ids, every row gets its own id, which does not identify its query.
    return f"query:{item.query_id if 'id' in role else item.query or item.query_id}"


def _gathered(items: list[Labelled], ids: bool) -> list[Labelled]:
    """Merge the rows of one answer into one item with all their votes.

    An answer that an annotator labels again is another item: two systems may give the
    same answer, and a second label of one annotator says nothing about agreement.
    """
    found: dict[tuple[object, ...], Labelled] = {}
    times: Counter[tuple[object, ...]] = Counter()
    for number, one in enumerate(items):
        query = one.query_id if ids else (one.item.query, one.item.sources) if one.item.query else number
        answer = (query, one.item.answer)
        person = one.votes[0].person
        key = (*answer, times[(*answer, person)])
        if person:
            times[(*answer, person)] += 1
        found[key] = replace(found[key], votes=found[key].votes + one.votes) if key in found else one
    return list(found.values())


def _unique(items: list[Labelled]) -> list[Labelled]:
    """Number the ids of several answers to one query."""
    times = Counter(one.query_id for one in items)
    seen: Counter[str] = Counter()
    result = []
    for one in items:
        seen[one.query_id] += 1
        several = times[one.query_id] > 1
        id_ = f"{one.query_id}#{seen[one.query_id]}" if several else one.query_id
        result.append(replace(one, item=replace(one.item, query_id=id_)))
    return result
