"""The leakage guard: training data must not hold what a golden set will test."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.documents import Chunks
from ragbench.core.goldens import GoldenSet
from ragbench.corpus.languages import languages_of_chunks
from ragbench.corpus.words import language_named
from ragbench.learning.query_forms import QueryForm, letters_of, query_forms

Scope = Literal["documents", "queries"]
Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]

NEAR, PARAPHRASE, TOUCHING = 0.7, 0.75, 0.08
"""Least weighted Jaccard similarity of near-duplicates, least cosine of paraphrases, and the overlap below which no
paraphrase is looked for."""
FEWEST_TOKENS, PART, SHORT_PART = 3, 0.5, 0.4
"""Fewest words of a part of a query, the share of the longer query that it must have, and the share of its characters
that a beginning of two words must have."""
BLOCK = 1024
FEWEST_TO_DOUBT = 20
"""Queries that it takes to find out that a set belongs to another corpus."""
KINDS = ("same-id", "same-text", "same-words", "part", "near-duplicate", "paraphrase")
"""Ways in which a query leaks, in the order in which they are tried."""


@brief
@dataclass(frozen=True)
class Leak:
    """A query of the training data that is also in a protected set.

    Attributes:
        query_id: the query of the training data.
        text: its text.
        kind: one of `KINDS`.
        set_name: the protected set.
        other_id: the query there.
        other_text: its text.
        similarity: Jaccard similarity or cosine; 1 for equal ones.
    """

    query_id: str
    text: str
    kind: str
    set_name: str
    other_id: str
    other_text: str
    similarity: float = 1.0


@brief
@dataclass(frozen=True, eq=False)
class Guarded:
    """What the guard found.

    Attributes:
        leaks: by query id.
        chunks: bool (n,), chunks that must not be in the training data: they hold evidence of a protected set, or
            belong to one of its documents.
        evidence: bool (n,), those of them that hold evidence.
        other_corpus: names of protected sets that belong to another corpus, so that ids mean something else there.
        sets: the protected sets by path or name.
    """

    leaks: Mapping[str, Leak]
    chunks: npt.NDArray[np.bool_]
    evidence: npt.NDArray[np.bool_]
    other_corpus: tuple[str, ...] = ()
    sets: Mapping[str, GoldenSet] = field(default_factory=dict)


def guard(
    queries: Mapping[str, str],
    chunks: Chunks,
    protected: Mapping[str, GoldenSet],
    *,
    scope: Scope = "documents",
    encode: Encode | None = None,
) -> Guarded:
    """Find the queries and chunks that would leak a protected set into training data.

    Queries are compared in the main language of the chunks.

    Args:
        queries: text by id, of the training data.
        chunks: what it takes its texts from.
        protected: golden sets by name.
        scope: whether their documents are protected, too, or their queries alone.
        encode: gives vectors of queries, float32 (n, d) of unit length, to find paraphrases; None finds none.
    """
    language = language_named(languages_of_chunks(chunks).main)
    foreign = tuple(name for name, golden in protected.items() if of_another_corpus(golden, chunks, language))
    leaks: dict[str, Leak] = {}
    for name, golden in protected.items():
        rest = {id_: text for id_, text in queries.items() if id_ not in leaks}
        for leak in query_leaks(rest, golden, name, ids=name not in foreign, encode=encode, language=language):
            leaks[leak.query_id] = leak
    own = [golden for name, golden in protected.items() if name not in foreign and scope == "documents"]
    evidence, documents = protected_chunks(own, chunks)
    return Guarded(leaks, documents, evidence, foreign, dict(protected))


def by_name(sets: Iterable[tuple[str, GoldenSet]]) -> dict[str, GoldenSet]:
    """Golden sets by name. Further sets of the same name get a number, so that none replaces another."""
    found: dict[str, GoldenSet] = {}
    for name, golden in sets:
        own, number = name, 1
        while own in found:
            number += 1
            own = f"{name} ({number})"
        found[own] = golden
    return found


def query_leaks(
    queries: Mapping[str, str],
    golden: GoldenSet,
    name: str,
    *,
    ids: bool = True,
    encode: Encode | None = None,
    language: str = "english",
) -> list[Leak]:
    """Find the queries that a golden set has, too: the same, parts of each other, near-duplicates and paraphrases.

    Two queries with different numbers are neither near-duplicates nor paraphrases: "5 x 60" and "5 x 80" ask for two
    products.

    Args:
        queries: text by id.
        golden: the protected set.
        name: its name.
        ids: whether equal ids mean equal queries.
        encode: gives vectors of queries; None looks for no paraphrases.
        language: Snowball language of the queries.
    """
    own, texts = list(queries), list(queries.values())
    forms = query_forms([*texts, *(item.text for item in golden)], language)
    mine, theirs = forms[: len(own)], forms[len(own) :]
    found: dict[int, tuple[str, int, float]] = {}
    if ids:
        row = {item.id: at for at, item in enumerate(golden)}
        found |= {at: ("same-id", row[id_], 1.0) for at, id_ in enumerate(own) if id_ in row}
    _equal(mine, theirs, found)
    _parts(mine, theirs, found)
    candidates = _near(mine, theirs, found)
    if encode is not None and candidates:
        _paraphrases(texts, [item.text for item in golden], mine, theirs, candidates, encode, found)
    items = golden.items
    return [
        Leak(own[at], texts[at], kind, name, items[other].id, items[other].text, round(similarity, 4))
        for at, (kind, other, similarity) in sorted(found.items())
    ]


def _equal(mine: Sequence[QueryForm], theirs: Sequence[QueryForm], found: dict[int, tuple[str, int, float]]) -> None:
    # Also without blanks: a hyphen that was dropped joins two words.
    texts = {key: at for at, form in reversed(list(enumerate(theirs))) for key in ("".join(form.tokens), form.letters)}
    bags = {(form.bag, form.numbers): at for at, form in reversed(list(enumerate(theirs)))}
    for at, form in enumerate(mine):
        if at in found or not form.tokens:
            continue
        other = texts.get("".join(form.tokens), texts.get(form.letters))
        if other is not None:
            found[at] = ("same-text", other, 1.0)
        elif (form.bag, form.numbers) in bags:
            found[at] = ("same-words", bags[form.bag, form.numbers], 1.0)


def _parts(mine: Sequence[QueryForm], theirs: Sequence[QueryForm], found: dict[int, tuple[str, int, float]]) -> None:
    """Find queries that are a part of a protected one, or hold it: runs of at least three words and half of the longer
    query, or its first two words if it has few more. The last word of a part may be cut.
    """
    runs: dict[tuple[str, ...], int] = {}
    for at, form in enumerate(theirs):
        for run in _runs(form.tokens):
            runs.setdefault(run, at)
    whole = {form.tokens: at for at, form in reversed(list(enumerate(theirs))) if len(form.tokens) >= FEWEST_TOKENS}
    ordered = sorted((form.joined, at) for at, form in enumerate(theirs))
    for at, form in enumerate(mine):
        if at in found or len(form.tokens) < FEWEST_TOKENS - 1:
            continue
        other = runs.get(form.tokens)
        if other is None:
            other = next((whole[run] for run in _runs(form.tokens) if run in whole), None)
        if other is None:
            text = form.joined
            place = bisect_left(ordered, (text, -1))
            if place < len(ordered):
                longer, row = ordered[place]
                share = PART if len(form.tokens) >= FEWEST_TOKENS else SHORT_PART
                other = row if longer.startswith(text) and len(text) >= share * len(longer) else None
        if other is not None:
            lengths = sorted((len(form.tokens), len(theirs[other].tokens)))
            found[at] = ("part", other, lengths[0] / lengths[1])


def _runs(tokens: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The runs of a query that are long enough to count as a part of it, without the query itself."""
    n = len(tokens)
    least = max(FEWEST_TOKENS, -(-n // 2))
    return [tokens[start : start + size] for size in range(least, n) for start in range(n - size + 1)]


def _near(
    mine: Sequence[QueryForm], theirs: Sequence[QueryForm], found: dict[int, tuple[str, int, float]]
) -> dict[int, list[int]]:
    """Find near-duplicates by the Jaccard similarity of stems, weighted by their rarity.

    Returns:
        For each other query, the protected ones that share some of its weight and its numbers: candidates for
        paraphrases.
    """
    from scipy.sparse import csr_matrix

    rows = [at for at, form in enumerate(mine) if at not in found and form.bag]
    if not rows:
        return {}
    vocabulary: dict[str, int] = {}
    bags = [[vocabulary.setdefault(stem, len(vocabulary)) for stem in form.bag] for form in (*mine, *theirs)]
    counts = np.bincount([word for bag in bags for word in bag], minlength=len(vocabulary))
    weight = np.log1p(len(bags) / np.maximum(counts, 1))
    numbers: dict[tuple[str, ...], int] = {}
    group = np.array([numbers.setdefault(form.numbers, len(numbers)) for form in (*mine, *theirs)])

    def matrix(which: Sequence[int], weighted: bool) -> "csr_matrix":
        words = [word for at in which for word in bags[at]]
        starts = np.cumsum([0, *(len(bags[at]) for at in which)])
        data = weight[words] if weighted else np.ones(len(words))
        return csr_matrix((data.astype(np.float32), words, starts), shape=(len(which), len(vocabulary)))

    others = range(len(mine), len(bags))
    protected = matrix(others, False).T.tocsc()
    size = np.array([weight[bag].sum() for bag in bags], dtype=np.float32)
    candidates: dict[int, list[int]] = {}
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        shared = (matrix(some, True) @ protected).toarray()
        union = size[some][:, None] + size[None, len(mine) :] - shared
        similar = np.where(group[some][:, None] == group[None, len(mine) :], shared / np.maximum(union, 1e-9), 0.0)
        best = similar.argmax(axis=1)
        for local, at in enumerate(some):
            other = int(best[local])
            if similar[local, other] >= NEAR:
                found[at] = ("near-duplicate", other, float(similar[local, other]))
            else:
                close = np.flatnonzero(similar[local] >= TOUCHING)
                if len(close):
                    candidates[at] = close.tolist()
    return candidates


def _paraphrases(
    texts: Sequence[str],
    protected: Sequence[str],
    mine: Sequence[QueryForm],
    theirs: Sequence[QueryForm],
    candidates: Mapping[int, list[int]],
    encode: Encode,
    found: dict[int, tuple[str, int, float]],
) -> None:
    """Find paraphrases among the candidates by the cosine of their vectors."""
    rows, others = list(candidates), sorted({other for close in candidates.values() for other in close})
    place = {other: at for at, other in enumerate(others)}
    vectors = encode([texts[at] for at in rows])
    known = encode([protected[other] for other in others])
    for local, at in enumerate(rows):
        close = candidates[at]
        cosines = known[[place[other] for other in close]] @ vectors[local]
        best = int(cosines.argmax())
        if cosines[best] >= PARAPHRASE:
            found[at] = ("paraphrase", close[best], float(cosines[best]))


def protected_chunks(sets: Sequence[GoldenSet], chunks: Chunks) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Find the chunks with evidence of golden sets, and all chunks of their documents.

    A chunk with the same text as one of these counts, too, whatever its document is called.

    Returns:
        bool (n,) whether a chunk holds evidence, and bool (n,) whether it belongs to a protected document.
    """
    n = len(chunks)
    evidence, documents = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    rows_of: dict[str, npt.NDArray[np.int64]] = {}
    order = np.argsort(chunks.document_index, kind="stable")
    bounds = np.searchsorted(chunks.document_index[order], np.arange(len(chunks.document_ids) + 1))
    for golden in sets:
        for item in golden:
            named = {e.document_id for e in item.evidence if e.grade > 0} | ({item.source} if item.source else set())
            for id_ in named:
                at = chunks.document_row.get(id_)
                if at is not None and id_ not in rows_of:
                    rows_of[id_] = order[bounds[at] : bounds[at + 1]]
                    documents[rows_of[id_]] = True
            for one in item.evidence:
                rows = rows_of.get(one.document_id)
                if one.grade <= 0 or rows is None:
                    continue
                end = np.inf if one.end is None else one.end
                evidence[rows[(chunks.starts[rows] < end) & (chunks.ends[rows] > one.start)]] = True
    if documents.any():
        known: dict[str, int] = {}
        text = np.array([known.setdefault(letters_of(one), len(known)) for one in chunks.texts])
        for marked in (evidence, documents):
            marked |= np.isin(text, text[marked])
    return evidence, documents


def of_another_corpus(golden: GoldenSet, chunks: Chunks, language: str = "english") -> bool:
    """Whether a golden set belongs to other documents than these, so that equal ids mean nothing.

    The documents of a set share words with its queries. If they do so no more often than with the queries of its
    neighbours in the set, or if most of them are not there, the ids are those of another corpus. Sets of fewer than 20
    queries are taken to belong to this one if any of their documents is there.
    """
    first: dict[int, int] = {}
    for row, at in enumerate(chunks.document_index.tolist()):
        first.setdefault(at, row)
    named = [next((e.document_id for e in item.evidence if e.grade > 0), None) for item in golden]
    labelled = [(item.text, id_) for item, id_ in zip(golden, named, strict=True) if id_ is not None]
    known = [(text, chunks.document_row[id_]) for text, id_ in labelled if id_ in chunks.document_row]
    if not known:
        return bool(labelled)
    if len(known) < FEWEST_TO_DOUBT:
        return False
    if len(known) < len(labelled) / 2:
        return True
    queries = [set(form.bag) for form in query_forms([text for text, _ in known], language)]
    texts = [set(form.bag) for form in query_forms([chunks.contents[first[at]] for _, at in known], language)]
    won = lost = 0
    for at, query in enumerate(queries):
        own, other = len(query & texts[at]), len(query & texts[at - 1])
        won, lost = won + (own > other), lost + (own < other)
    return won - lost <= 2 * math.sqrt(won + lost)
