"""Indexes whose results come from outside: the JSON contract, and item ids that the corpus may lack.

A request is ``{"query": str, "k": int, "query_id": str}`` and an answer
``{"results": [{"id": str, "score": number}, ...]}``. Every field can be named
otherwise. docs/reference/http-contract.md is written for those who implement it.
"""

import itertools
import json
import math
import shlex
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from ragbench.core.documents import Chunks
from ragbench.core.foreign import one_line as in_one_line
from ragbench.core.json_paths import at_path, put_at
from ragbench.core.runs import Query, Run, Unit
from ragbench.core.turns import as_rows
from ragbench.retrievers.base import Index, Ranking, padded


class Failed(NamedTuple):
    """A query that got no answer.

    Attributes:
        reason: why.
        stray: whether the output was no answer to any query, such as a log line.
    """

    reason: str
    stray: bool = False


Answer = list[tuple[str, float]] | Failed
"""Item ids with scores (higher is better), or the reason why there are none."""


class OwnIdsIndex(Index):
    """An index over a service, a program or a file that uses item ids of its own.

    Ids that the corpus lacks keep their ranks: `item_ids` grows by them, and
    ``notes`` counts them. An id of the other unit (a document's id where chunks
    were promised) fails its query, because scoring it could only give a false 0.

    Args:
        chunks: the corpus.
        unit: what the answers name; the user's setting ``returns``.
    """

    def __init__(self, chunks: Chunks, unit: Unit) -> None:
        own, other = (chunks.ids, chunks.document_ids) if unit == "chunk" else (chunks.document_ids, chunks.ids)
        self._ids = list(own)
        super().__init__(self._ids, unit)
        self._chunks = chunks
        self._row = {id_: row for row, id_ in enumerate(self._ids)}
        self._known = len(self._row)
        self._other = frozenset(other) - self._row.keys()

    def ranking(self, answers: Iterable[Answer]) -> Ranking:
        """Build the `Ranking` from one answer per query."""
        rows: list[list[tuple[int, float]]] = []
        failures: dict[int, str] = {}
        for position, answer in enumerate(answers):
            rows.append([])
            if isinstance(answer, Failed):
                failures[position] = answer.reason
                continue
            foreign = next((id_ for id_, _ in answer if id_ in self._other), None)
            if foreign is not None:
                failures[position] = self._wrong_unit(foreign)
            else:
                rows[-1] = [(self._row_of(id_), score) for id_, score in self._once(answer)]
        if len(self._row) > self._known:
            self.notes["ids_not_in_corpus"] = len(self._row) - self._known
        return padded(rows, failures)

    def search(self, queries: Sequence[Query], k: int) -> Run:
        """Like `Index.search`. A document is excluded if all its chunks are excluded."""
        if self.unit == "document" and any(query.exclude for query in queries):
            queries = [query._replace(exclude=self._documents(query.exclude)) for query in queries]
        return super().search(queries, k)

    def note_longest(self, longest: int, k: int) -> None:
        """Note the number of items in the longest answer, if none has the k items that were asked for."""
        if longest < k:
            self.notes["longest_answer"] = max(longest, int(str(self.notes.get("longest_answer", 0))))

    def _once(self, answer: list[tuple[str, float]]) -> list[tuple[str, float]]:
        """Keep each document once, at its best score. `Run` counts repeated chunks."""
        if self.unit == "chunk":
            return answer
        best: dict[str, float] = {}
        for id_, score in answer:
            best[id_] = max(score, best.get(id_, score))
        return list(best.items())

    def _row_of(self, id_: str) -> int:
        row = self._row.setdefault(id_, len(self._row))
        if row == len(self._ids):
            self._ids.append(id_)
        return row

    def _wrong_unit(self, id_: str) -> str:
        right = "document" if self.unit == "chunk" else "chunk"
        return f"{id_!r} is the id of a {right}, not of a {self.unit}: set returns={right}"

    def _documents(self, exclude: frozenset[str]) -> frozenset[str]:
        """Excluded documents: those named themselves, and those whose chunks are all excluded."""
        chunks = self._chunks
        rows = [chunks.row[id_] for id_ in exclude if id_ in chunks.row]
        named = {id_ for id_ in exclude if id_ not in chunks.row}
        excluded = Counter(chunks.document_index[rows].tolist())
        whole = {at for at, n in excluded.items() if n == np.count_nonzero(chunks.document_index == at)}
        return frozenset(named | {chunks.document_ids[at] for at in whole})


def arguments_of(command: str | tuple[str, ...]) -> list[str]:
    """A program and its arguments; a string is split as a POSIX shell would split it.

    Raises:
        ValueError: the string has an open quote.
    """
    return shlex.split(command) if isinstance(command, str) else list(command)


def program_faults(command: str | tuple[str, ...], timeout: float, max_bytes: int) -> list[str]:
    """Describe settings of a program that cannot work."""
    try:
        arguments = arguments_of(command)
    except ValueError as error:
        return [f"command {command!r} cannot be split: {error}"]
    faults = []
    if not arguments:
        faults.append("command is empty")
    elif shutil.which(arguments[0]) is None:
        faults.append(f"command: there is no program {arguments[0]!r} (on the PATH, or at that path)")
    if not timeout > 0:
        faults.append(f"timeout is {timeout}; it must be above 0")
    if max_bytes < 1:
        faults.append(f"max_bytes is {max_bytes}; it must be at least 1")
    return faults


def by_rank(ids: Sequence[str]) -> list[tuple[str, float]]:
    """Scores that keep the given order: n, n - 1, ... 1."""
    return [(id_, float(len(ids) - at)) for at, id_ in enumerate(ids)]


Order = Literal["auto", "score", "rank"]
SHOWN = 200
"""Characters of a wrong answer that a reason quotes."""


@dataclass(frozen=True)
class Contract:
    """Where the fields are in requests and answers. Dots separate the names of a path; numbers index lists.

    Attributes:
        query_field, k_field, query_id_field: paths in the request; an empty path is not sent.
        results_path: path of the list of results; empty if the answer is the list.
        id_field: path of the id in a result; empty if the result is the id.
        score_field: path of the score in a result; empty if there are no scores.
        order: ``score`` ranks by score; ``rank`` keeps the order of the answer;
            ``auto`` ranks by score, and fails a query whose scores rise from first
            to last, as distances do.
        body: further fields of every request.
        history_field: path of the conversation before the query, sent for queries that have one.
    """

    query_field: str = "query"
    k_field: str = "k"
    query_id_field: str = "query_id"
    results_path: str = "results"
    id_field: str = "id"
    score_field: str = "score"
    order: Order = "auto"
    body: Mapping[str, object] = field(default_factory=dict)
    history_field: str = "history"

    def faults(self) -> list[str]:
        """Describe paths that cannot work."""
        faults = [] if self.query_field else ["query_field is empty; the query must be sent somewhere"]
        paths = [path for path in (self.query_field, self.k_field, self.query_id_field) if path]
        for path in paths:
            clash = [other for other in paths if other.startswith(f"{path}.")]
            if paths.count(path) > 1 or clash:
                faults.append(f"two fields of the request share the path {path!r}")
                break
        return faults

    def request(self, query: Query, k: int) -> bytes:
        """Build the request as UTF-8 JSON without line breaks."""
        asked: dict[str, object] = json.loads(json.dumps(dict(self.body)))
        for path, value in ((self.query_field, query.text), (self.k_field, k), (self.query_id_field, query.id)):
            if path:
                put_at(asked, path.split("."), value)
        if query.history and self.history_field:
            put_at(asked, self.history_field.split("."), as_rows(query.history))
        # A lone surrogate of a badly decoded document has no UTF-8 form; \\ufffd stands for it.
        return json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")

    def read(self, raw: bytes, query: Query) -> Answer:
        """Read the results of an answer, or say why it cannot be used."""
        try:
            payload = json.loads(raw)
        except (ValueError, RecursionError):
            return Failed(f"the answer is not JSON: {quoted(raw)}", stray=True)
        echoed = payload.get("query_id") if isinstance(payload, dict) else None
        if echoed is not None and str(echoed) != query.id:
            return Failed(f"the answer is for query {str(echoed)[:SHOWN]!r}, not for {query.id!r}", stray=True)
        results, found = at_path(payload, self.results_path)
        if not found and isinstance(payload, dict) and isinstance(payload.get("error"), str):
            return Failed(f"it answers with an error: {one_line(payload['error'])}")
        if not found or not isinstance(results, list):
            what = "is no list" if found else "is missing"
            return Failed(f"{self.results_path or 'the answer'!r} {what} in the answer: {quoted(raw)}", stray=not found)
        ids: list[str] = []
        scores: list[float] = []
        for at, result in enumerate(results):
            fault = self._read_one(result, ids, scores)
            if fault:
                return Failed(f"result {at + 1} of {len(results)}: {fault}")
        if scores and len(scores) < len(ids):
            return Failed(f"{len(scores)} of {len(ids)} results have a score; all or none must")
        return self._ranked(ids, scores)

    def _read_one(self, result: object, ids: list[str], scores: list[float]) -> str:
        """Append the id and the score of one result, or say what is wrong with it."""
        id_, found = at_path(result, self.id_field)
        if not found or id_ is None:
            return f"no {self.id_field!r} in {quoted(result)}"
        if isinstance(id_, bool) or not isinstance(id_, str | int):
            return f"the id is {quoted(id_)}, neither a string nor a whole number"
        ids.append(str(id_))
        score, found = at_path(result, self.score_field) if self.score_field else (None, False)
        if not found or score is None:
            return ""
        if isinstance(score, bool) or not isinstance(score, int | float):
            return f"the score of {ids[-1]!r} is {quoted(score)}, not a number"
        try:
            number = float(score)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            return f"the score of {ids[-1]!r} is {quoted(score)}; it must be a finite number"
        scores.append(number)
        return ""

    def _ranked(self, ids: list[str], scores: list[float]) -> Answer:
        if not scores or self.order == "rank":
            return by_rank(ids)
        rising = all(a < b for a, b in itertools.pairwise(scores))
        if self.order == "auto" and len(scores) > 2 and rising:
            return Failed(
                f"the scores rise from {scores[0]:g} to {scores[-1]:g}, as distances do: "
                "set order=rank to keep the order of the answer, or order=score if high is good"
            )
        return list(zip(ids, scores, strict=True))


def quoted(value: object) -> str:
    """The beginning of a value as JSON, or of bytes as text, as one printable line."""
    return one_line(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False)
    )


def one_line(text: str) -> str:
    """The beginning of a text as one printable line."""
    text = " ".join(in_one_line(text).split())
    return (text if len(text) <= SHOWN else text[:SHOWN] + "...") or "(empty)"


def words(text: str) -> str:
    """The words of a text with a single space between them."""
    return " ".join(text.split())


def ids_by_text(chunks: Chunks, unit: Unit) -> Mapping[str, str]:
    """Map the text of each chunk, with and without its title, to an id. White space does not matter.

    The first of equal texts counts.
    """
    found: dict[str, str] = {}
    documents = chunks.document_index.tolist()
    for row, (id_, text, whole) in enumerate(zip(chunks.ids, chunks.texts, chunks.contents, strict=True)):
        known = id_ if unit == "chunk" else chunks.document_ids[documents[row]]
        found.setdefault(words(text), known)
        found.setdefault(words(whole), known)
    return found
