"""A judge by rule: it recognises each prompt of the native judge and knows the truth from the words.

A statement is a sentence. A source supports it if it has the sentence, and contradicts it if it has the sentence with
"not" after "is". Parts joined by " and " may stand in several sources: then only all together support it.
"""

import json
import re
from typing import Any

_DATA = re.compile(r"(=== DATA [0-9a-f]+ ===)\n(.*?)\n\1", re.DOTALL)
_NUMBERED = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


def prompt_of(body: dict[str, Any]) -> str:
    """``split``, ``verdicts``, ``useful`` or ``questions``."""
    system = body["messages"][0]["content"]
    for word, name in (("take an answer", "split"), ("compare statements", "verdicts"), ("was useful", "useful")):
        if word in system:
            return name
    return "questions"


def data(body: dict[str, Any]) -> list[str]:
    """The texts between fences, in order."""
    return [match[2] for match in _DATA.finditer(body["messages"][1]["content"])]


def judged(body: dict[str, Any]) -> dict[str, Any]:
    """What a judge without fault says."""
    texts = data(body)
    return {"split": _split, "verdicts": _verdicts, "useful": _useful, "questions": _questions}[prompt_of(body)](texts)


def reply(body: dict[str, Any]) -> str:
    return json.dumps(judged(body))


def sentences(text: str) -> list[str]:
    return [one.strip() for one in re.findall(r"[^.]+\.", text) if " is " in one]


def _split(texts: list[str]) -> dict[str, Any]:
    return {"statements": [{"quote": one, "statement": re.sub(r" \[\d+\]", "", one)} for one in sentences(texts[1])]}


def _verdicts(texts: list[str]) -> dict[str, Any]:
    _, *sources, listed = texts
    rows = []
    for number, statement in _NUMBERED.findall(listed):
        parts = statement.rstrip(".").split(" and ")
        together = all(any(part in source for source in sources) for part in parts)
        by_source = {str(at): _verdict(statement, source) for at, source in enumerate(sources, 1)}
        every = "supported" if together else _verdict(statement, " ".join(sources))
        rows.append({"statement": int(number), "reason": "by rule", "sources": by_source, "together": every})
    return {"verdicts": rows}


def _verdict(statement: str, source: str) -> str:
    bare = statement.rstrip(".")
    if bare in source:
        return "supported"
    return "contradicted" if bare.replace(" is ", " is not ") in source else "not found"


def _useful(texts: list[str]) -> dict[str, Any]:
    _, answer, *sources = texts
    wanted = sentences(answer)
    rows = [
        {"source": at, "reason": "by rule", "useful": any(one.rstrip(".") in source for one in wanted)}
        for at, source in enumerate(sources, 1)
    ]
    return {"sources": rows}


def _questions(texts: list[str]) -> dict[str, Any]:
    answer = texts[0]
    first = (sentences(answer) or ["nothing is here."])[0]
    subject = first.split(" is ")[0]
    return {"noncommittal": "hard to tell" in answer, "questions": [f"What is {subject}?"] * 3}
