"""Reject a query that only a reader of its source can understand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage, content_words

_SOURCE = {
    "en": r"(?:passage|text|document|excerpt|article|paragraph|chunk|context|section|page|description|abstract)s?",
    "de": r"(?:Text|Textes|Abschnitts?|Dokuments?|Artikels?|Auszugs?|Beschreibung)",
    "fr": r"(?:texte|passage|document|article|extrait|paragraphe)",
    "es": r"(?:texto|pasaje|documento|artículo|extracto|párrafo)",
}
_THING = {
    "en": r"(?:product|item|device|model|study|paper|experiment|tool|system|method|company|book|unit|set|kit|one)s?",
    "de": r"(?:Produkts?|Artikels?|Geräts?|Modells?|Studie|Werkzeugs?|Buchs?|Systems?)",
    "fr": r"(?:produit|appareil|modèle|étude|livre|outil|système)",
    "es": r"(?:producto|aparato|modelo|estudio|libro|herramienta|sistema)",
}
_POINTING = {
    "en": r"(?:this|these|that|those|the\s+(?:above|following|given|described|mentioned|said|provided|present))",
    "de": r"(?:dies(?:e[rmns]?)?|jene[rmns]?|das\s+(?:obige|folgende|genannte|beschriebene))",
    "fr": r"(?:ce|cet|cette|ces)",
    "es": r"(?:este|esta|estos|estas|ese|esa|dicho|dicha)",
}
_ACCORDING = {
    "en": r"\b(?:according\s+to|in|from|by|of)\s+(?:the|this)\s+{source}\b",
    "de": r"\b(?:laut|gemäß|im|in\s+dem|nach\s+dem)\s+(?:dem\s+|der\s+|diesem\s+)?{source}\b",
    "fr": r"\b(?:selon|dans|d'après)\s+(?:le|la|l'|ce|cet)\s*{source}\b",
    "es": r"\b(?:según|en)\s+(?:el|la|este|esta)\s+{source}\b",
}
# "which of these", "is it": the query points at something that only the writer sees.
_BARE_EN = re.compile(r"\b(?:does|is|can|will|was|has)\s+it\b", re.IGNORECASE)


def _patterns(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    known = language if language in _SOURCE else "en"
    source = _ACCORDING[known].replace("{source}", _SOURCE[known])
    pointed = rf"\b{_POINTING[known]}\s+(?:{_SOURCE[known]}|{_THING[known]})\b"
    # "the above" and similar phrases on their own, "this passage" and "this product".
    return re.compile(source, re.IGNORECASE), re.compile(pointed, re.IGNORECASE)


_COMPILED = {language: _patterns(language) for language in _SOURCE}


@dataclass(frozen=True)
class Standalone(Stage):
    """Reject queries that point at their source: "according to the text", or "this product" without its name.

    A query that names its subject (a word of the document's title) may refer back to it. The rules cover English,
    German, French and Spanish; a query in another language is checked against the English phrases.
    """

    alone: ClassVar[bool] = True

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        return [self._opinion(draft, context) for draft in drafts]

    def _opinion(self, draft: Draft, context: ReviewContext) -> Opinion:
        fault = pointing(draft.text, draft.language, [self._title(id_, context) for id_ in draft.chunk_ids])
        return Opinion("standalone", not fault, fault)

    def _title(self, chunk_id: str, context: ReviewContext) -> str:
        return context.chunks[context.chunks.row[chunk_id]].title


def pointing(query: str, language: str, titles: Sequence[str]) -> str:
    """Describe the words of a query that point at something it does not name; empty if there are none."""
    source, pointed = _COMPILED.get(language, _COMPILED["en"])
    if match := source.search(query):
        return f"it points at its source: {match.group()!r}"
    match = pointed.search(query)
    if match is None and language == "en":
        bare = _BARE_EN.search(query)
        # "what is a head torch and is it waterproof" names what "it" is. A few words before "it" cannot do so.
        match = bare if bare and len(content_words(query[: bare.start()])) == 0 else None
    if match is None:
        return ""
    rest = content_words(query[: match.start()] + " " + query[match.end() :])
    if any(rest & content_words(title) for title in titles):
        return ""
    return f"it says {match.group()!r} without naming what it means"
