"""The type of a query by rules, without a model: attribute, comparative, use-case, question, keyword or informal.

The rules are for English. Each type is tried in the order of `RULES`; the first rule that fits decides. A short query
that none fits is a keyword query, a longer one asks for attributes.
"""

import re
from collections.abc import Callable, Sequence

LOGGED_TYPES = ("attribute", "comparative", "use-case", "question", "keyword", "informal")
"""Types that a query of a log can have."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SLANG = _words(
    "pls plz thx ty u ur r n w/ w/o wanna gonna gotta gimme lemme kinda sorta dunno lol idk btw asap lil thingy "
    "smth sth sumthing nite cuz coz bc tho ok hey hi hmm"
)
"""Words of chats."""
HASTE = re.compile(
    r"\?\?|!!|\bany good\b|\b(?:whats|thats|im|ive|dont|doesnt|didnt|cant|wont|isnt|hasnt|wheres|hows)\b|"
    r"\b\w+[^aeiou\W]in\b"
    r"(?<!\bwithin)(?<!main)(?<!skin)(?<!twin)(?<!thin)(?<!cabin)(?<!basin)(?<!begin)(?<!chin)(?<!resin)(?<!muffin)"
)
"""Marks of haste: repeated punctuation, contractions without an apostrophe, and "lookin" for "looking"."""
NEEDS = re.compile(r"^(?:need|looking for)\b|\bneed (?:a|an|new|some|something)\b")
FOUR = re.compile(
    r"(?<!of )(?<!with )(?<!for )(?<!size )(?<!version )(?<!or )(?<!and )(?<=[a-z] )4 "
    r"(?!(?:ah|cups?|wheels?|mm?|cm|kg|g|l|people|persons?|pieces?|pack|or|and|ports?|inch)\b)[a-z]{3,}"
)
"""A digit that is read as "for"."""

VERSUS = re.compile(
    r"\b(?:vs\.?|versus|against|compared?|comparison|differences?|alternatives?|what changed between)\b|"
    r"\b(?:better|less|more|\w{3,}er) than (?!\d)|"
    r"\bwhich\b.*\b(?:better|smaller|larger|\w{3,}ier)\??$|\bwhich\b.* (?:is|are) (?:better|\w{3,}er)\b"
)
EITHER = re.compile(r"[\w.-]+ or [\w.-]+")
INTERROGATIVE = _words("what which how when where why who whom whose")
YES_NO = _words("can could does do did is are was were will would should may must has have")
LEADING = _words("at from for in on to by until since")

OWN = _words("my me i we us our i'm i'd i've myself")
SITUATION = re.compile(
    r"\b(?:while|when|whenever|after|before|during|without \w+ing|so that|instead of|at night|until|where)\b|"
    r"\b(?:all|every) (?:day|night|morning|evening|week|weekend|summer|winter|year)\b|"
    r"\b(?:gift|present|idea|something|somewhere|things?) (?:for|to|that|who)\b|"
    r"\b(?:for|behind|through|with|by) (?:a|an|the|someone|somebody)\b"
)
VERBS = _words(
    "avoid bake boil braise build carry change clean commute cook cuddle cut cycle drive feed fill find fit fix fly "
    "fry get give go grow hang hear help hide hike keep learn leave lie listen make melt mend move paint prevent "
    "protect prune put reach remove repair replace ride run save see send show sit sleep slice start stay stop "
    "store swim take tighten travel use walk wash wear weigh work write"
)
"""Verbs that begin a described need."""
LONG, SHORT = 6, 3
"""Words of a query that is long enough to describe a need, and of one that is short enough to be bare words."""

QUALITY = re.compile(
    r"\d|\b(?:with|without|under|below|over|above|at least|up to|larger|smaller|less|more)\b|"
    r"(?:proof|free|resistant|friendly|safe|handed|compatible)\b|\b\w{3,}(?:less|ed|est|(?<!turnt)(?<!veget)able)\b|\b(?:wireless|organic|vegan|stainless|steel|"
    r"wooden|wool|down|leather|cotton|linen|glass|ceramic|plastic|copper|carbon|silicone|rubber|small|large|compact|slim|"
    r"quiet|silent|fast|cheap|bright|dark|white|black|warm|soft|firm|thick|thin|insulating|electric|automatic|magnetic|"
    r"expanding|ergonomic|solar|simple|newborns?|summer|winter|infant|video|audio)\b"
)
"""What names a property rather than a thing."""

Rule = Callable[[str, Sequence[str]], bool]


def query_type(text: str) -> str:
    """The type of a query.

    Examples:
        >>> [query_type(text) for text in ("led strip", "oled vs qled", "any good kettle 4 my mum?")]
        ['keyword', 'comparative', 'informal']
    """
    low = " ".join(text.lower().replace("’", "'").split())
    words = [word.strip(".,;:") for word in low.split()]
    for name, rule in RULES:
        if rule(low, words):
            return name
    return "keyword" if len(words) <= SHORT and not QUALITY.search(low) else "attribute"


def _informal(low: str, words: Sequence[str]) -> bool:
    chat = SLANG.intersection(word.strip("?!") for word in words)
    needs = NEEDS.search(low) and not low.endswith("?")
    return bool(chat or needs or HASTE.search(low) or FOUR.search(low))


def _comparative(low: str, words: Sequence[str]) -> bool:
    either = EITHER.search(low) and words[0] not in YES_NO | {"how", "what", "why"}
    return bool(VERSUS.search(low) or either)


def _question(low: str, words: Sequence[str]) -> bool:
    if low.endswith("?") or words[0] in INTERROGATIVE:
        return True
    if words[0] in YES_NO:
        return len(words) > 2
    return len(words) > SHORT and words[0] in LEADING and words[1] in INTERROGATIVE


def _use_case(low: str, words: Sequence[str]) -> bool:
    if len(words) < 2 or (words[0] not in VERBS and len(words) <= SHORT):
        return False
    if words[0] in VERBS or OWN.intersection(words):
        return True
    measured = any(char.isdigit() for char in low)
    return not measured and (len(words) >= LONG or bool(SITUATION.search(low)))


RULES: tuple[tuple[str, Rule], ...] = (
    ("informal", _informal),
    ("comparative", _comparative),
    ("question", _question),
    ("use-case", _use_case),
)
