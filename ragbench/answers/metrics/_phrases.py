"""Phrases with which an answer abstains or refuses.

These are rules for English, German, French and Spanish; there is no model. They
look only at the beginning of the answer, so "I do not know his name, but the
tower was built in 1889" further down in a long answer is not an abstention.
"""

import re
from typing import NamedTuple

from ragbench.core.answers import Answered

OPENING = 240
"""Number of characters at the beginning that the rules look at."""

_CONTEXT = r"(?:context|documents?|sources?|passages?|text|information|excerpts?|materials?|articles?)"
_SUBJECT = r"(?:(?:(?:that|this|it)(?:'s| is)|(?:that|this|the|your) (?:question|request) (?:is|lies|falls)) )?"
_VERBS = (
    r"(?:help|assist|comply|do|provide|share|give|support|fulfil|engage|discuss|create|write|make|disclose|reveal|"
    r"access|perform|place|book)"
)
_BEYOND = rf"{_SUBJECT}(?:outside|beyond) (?:of )?(?:my|our|the)"
_NOT_SOMETHING = rf"{_SUBJECT}(?:not|isn't) something (?:that )?(?:i|we)"
_NOT_KNOWN = (rf"{_BEYOND} (?:knowledge|documents?)", rf"{_NOT_SOMETHING} (?:know|have)")
_OUT_OF_SCOPE = (
    r"(?:i|we) (?:can|am able to|are able to|could) only (?:help|answer|assist|provide|discuss|talk|respond)",
    r"(?:i'm|i am|we're|we are) only able to",
    rf"{_BEYOND} (?:scope|remit|area|capabilit\w+)",
    rf"{_NOT_SOMETHING} (?:can|am able|are able)",
    r"(?:i|we) (?:do not|don't|have no) (?:have )?(?:access|a way|any way|real-time|feelings|opinions?)",
    r"(?:i|we) (?:do not|don't) have the (?:ability|capability)",
    rf"(?:i'm|i am|we're|we are) (?:currently )?(?:unable|not able|not equipped) to {_VERBS}",
)
_ABSTAIN = (
    *_NOT_KNOWN,
    # en
    r"i (?:do not|don't|dont) (?:know|have (?:enough|sufficient|any|the) (?:information|context|data))",
    r"i(?:'m| am) (?:not sure|unsure|unable to (?:find|answer|determine|say))",
    r"i (?:cannot|can't|can not|could not|couldn't) (?:find|determine|answer|say|tell)",
    rf"(?:the )?(?:provided |given |above |supplied |available )*{_CONTEXT} "
    r"(?:provided |given |above )?(?:do(?:es)? not|doesn't|don't) "
    r"(?:contain|mention|provide|say|state|specify|include|give|address|answer|have)",
    r"(?:this |that |it )?(?:is|are) not (?:mentioned|stated|specified|provided|given|found|contained) "
    rf"in the .{{0,20}}{_CONTEXT}",
    r"(?:there is )?(?:no|not enough|insufficient) (?:information|context|data|evidence|answer)\b",
    r"(?:the )?(?:question|query) (?:cannot|can't|can not) be answered",
    r"(?:unanswerable|unknown|no answer|not answerable|n/a)\s*[.!]?\s*$",
    # de
    r"(?:das |dies )?wei(?:ß|ss) ich nicht|ich wei(?:ß|ss) (?:es |das )?nicht",
    r"(?:der|die|das|den|dem) (?:\w+ )?(?:kontext|dokumente?n?|texte?n?|quellen?) .{0,30}(?:nicht|kein)",
    r"(?:es gibt |dazu )?(?:keine|nicht genügend) (?:informationen|angaben|antwort)",
    # fr
    r"je ne (?:sais|connais) pas|je l'ignore",
    r"(?:le|les|ce|ces) (?:contexte|documents?|textes?|sources?) .{0,30}ne .{0,20}pas",
    r"(?:il n'y a )?(?:aucune information|pas (?:assez )?d'informations?)",
    # es
    r"no lo s[eé]|no s[eé](?:\s|[.,!]|$)|desconozco",
    r"(?:el|los|la|las) (?:contexto|documentos?|textos?|fuentes?) .{0,20}no (?:\w+ )",
    r"no hay (?:suficiente )?informaci[oó]n",
)
_REFUSE = (
    *_OUT_OF_SCOPE,
    # en
    rf"i (?:cannot|can't|can not|won't|will not) {_VERBS}",
    rf"i(?:'m| am) (?:not allowed|not permitted) to {_VERBS}",
    r"i (?:must|have to) (?:decline|refuse)|i (?:decline|refuse) to",
    r"(?:that|this) (?:request )?(?:is|goes) against (?:my|our|the) (?:policy|policies|guidelines|rules)",
    r"as an ai(?: language model)?,? i (?:cannot|can't|am not able|am unable)",
    # de
    r"(?:dabei|damit|hierbei) kann ich (?:leider )?nicht (?:helfen|dienen)",
    r"ich (?:kann|darf|werde) (?:\w+ ){0,4}nicht (?:helfen|beantworten|weitergeben|unterstützen|nennen)",
    # fr
    r"je ne (?:peux|puis) pas (?:vous |t')?(?:aider|répondre|fournir|partager)",
    # es
    r"no puedo (?:ayudar|responder|proporcionar|compartir|cumplir)",
)
_SORRY = (
    r"(?:(?:i'm|i am|we are|we're)? ?(?:very |so )?(?:sorry|afraid)|i apologi[sz]e|unfortunately|leider|"
    r"es tut mir leid|entschuldigung|désolée?|je suis désolée?|malheureusement|lo siento|lamentablemente)"
    r"[,.:;!]?\s*(?:but |that |for .{0,40}?[,.] )?"
)
_BEFORE = r"(?:based on|according to|from|given) (?:the|these|those) [^.,]{0,60}[,:]\s*"


class Said(NamedTuple):
    """A phrase that was found, with its words: ``abstains`` or ``refuses``."""

    kind: str
    words: str


def _compiled(phrases: tuple[str, ...]) -> "re.Pattern[str]":
    return re.compile(rf"^\W*(?:{_SORRY})?(?:{_BEFORE})?(?:{_SORRY})?(?P<words>{'|'.join(phrases)})", re.IGNORECASE)


_ABSTAINS, _REFUSES = _compiled(_ABSTAIN), _compiled(_REFUSE)
_ANYWHERE = re.compile(
    rf"\b(?:{'|'.join((*_NOT_KNOWN, *_OUT_OF_SCOPE))}|(?:i'm|i am|we're|we are) (?:currently )?(?:unable|not able|not "
    r"equipped) to (?:answer|respond))",
    re.IGNORECASE,
)


def refusal_in(text: str) -> str:
    """Find the words that refuse, or return an empty text."""
    found = _REFUSES.match(_opening(text))
    return found["words"] if found else ""


def abstention_in(text: str) -> str:
    """Find the words that say there is no answer, or return an empty text."""
    found = _ABSTAINS.match(_opening(text))
    return found["words"] if found else ""


def out_of_scope_in(text: str) -> str:
    """Find words in the beginning that say what the system is not for, or return an empty text.

    After other words they may not refuse ("This tent, outside the scope of most budgets, ..."), so use this only
    for cases about refusals.
    """
    found = _ANYWHERE.search(_opening(text))
    return found[0] if found else ""


def _opening(text: str) -> str:
    """The beginning, with plain apostrophes and single spaces."""
    return " ".join(text[:OPENING].replace("’", "'").split())


def abstained(answer: Answered) -> bool:
    """Whether an answer abstains: it is marked so, has no text, or begins with a phrase that abstains or refuses.

    A failure is not an abstention.
    """
    if answer.failure:
        return False
    text = answer.answer.strip()
    return answer.abstained or not text or bool(abstention_in(text) or refusal_in(text))
