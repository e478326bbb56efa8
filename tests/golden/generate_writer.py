"""A corpus, and a writer, a judge and a second opinion that answer by rule, for tests of ``ragbench generate``."""

import hashlib
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent / "models"))
from llm_server import LLMServer, randomly, serving

__all__ = ["LLMServer", "answer", "fenced", "options", "randomly", "serving", "write_corpus"]

THINGS = [
    "kettle",
    "tent",
    "lamp",
    "rope",
    "stove",
    "boots",
    "filter",
    "bottle",
    "saw",
    "drill",
    "jacket",
    "rucksack",
    "mattress",
    "helmet",
    "pump",
]
MADE_OF = [
    "steel",
    "aluminium",
    "bamboo",
    "leather",
    "cotton",
    "titanium",
    "rubber",
    "wool",
    "cork",
    "granite",
    "nylon",
    "copper",
]
FOR = [
    "mountain hikers",
    "city cyclists",
    "small kitchens",
    "winter nights",
    "long journeys",
    "wet gardens",
    "young children",
]
DOES = [
    "keeps water warm",
    "folds into a small bag",
    "survives heavy rain",
    "dries within an hour",
    "carries two people",
]
PARTS = ["handle", "lid", "strap", "cover", "valve", "hinge", "buckle", "switch", "base", "cable"]


def write_corpus(path: Path, documents: int) -> Path:
    """Short English product texts, each with a name of its own."""
    rows = []
    for at in range(documents):
        draw = random.Random(at)
        thing, name = (
            draw.choice(THINGS),
            f"{draw.choice('BDFGKLMNPRST')}{draw.choice('aeiou')}{draw.choice('lmnrst')}do{at}",
        )
        text = (
            f"The {name} is a {thing} made of {draw.choice(MADE_OF)} for {draw.choice(FOR)}. "
            f"It {draw.choice(DOES)} and weighs {draw.randint(2, 90) * 10} grams. "
            f"Its {draw.choice(PARTS)} is made of {draw.choice(MADE_OF)}, "
            f"and the {draw.choice(PARTS)} can be replaced. "
            f"The guarantee for the {thing} lasts {draw.randint(2, 20)} years."
        )
        rows.append({"id": f"d{at:04}", "title": f"{name} {thing}", "text": text})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def fenced(message: str) -> list[str]:
    """What stands between the fences of a message, in order."""
    fence = re.search(r"^=== DATA [0-9a-f]{16} ===$", message, re.MULTILINE)
    if fence is None:
        return []
    return [part.strip("\n") for part in message.split(fence.group())[1::2]]


def answer(body: dict[str, Any]) -> str:
    """What the model says, by the first question alone."""
    system = body["messages"][0]["content"]
    user = body["messages"][1]["content"]
    draw = random.Random(hashlib.blake2b((system + user).encode(), digest_size=8).digest())
    if system.startswith("You describe the kinds of people"):
        named = (("first-time buyer", 60), ("guide", 40))
        return json.dumps({"personas": [{"name": n, "description": f"is a {n}", "share": share} for n, share in named]})
    if system.startswith("You follow the task of the user"):
        words = fenced(user)[1].split()
        return json.dumps({"queries": [" ".join(words[at : at + 4]).lower() for at in (1, 5)]})
    if system.startswith("You write search queries"):
        return json.dumps({"queries": [_query(wanted, fenced(user), draw) for wanted in _wanted(user)]})
    if system.startswith("You examine"):
        luck = draw.random()
        certainty = "doubtful" if 0.7 < luck < 0.85 else "certain"
        return json.dumps({"reason": f"drawn {luck:.4f}", "valid": luck < 0.9, "certainty": certainty})
    return json.dumps({"argument": "it could be otherwise", "reason": "weighed", "valid": draw.random() < 0.5})


def _wanted(user: str) -> list[tuple[int, str, str]]:
    found = re.findall(r"^(\d+)\. type ([\w-]+):.*; wording ([\w-]+);", user, re.MULTILINE)
    return [(int(n), type_, wording) for n, type_, wording in found]


OTHER_WORDS = {"paraphrase": 8, "sentence": 0, "short-paraphrase": 3, "short-mixed": 1, "short-copy": 0}
"""Words of a query that its document lacks."""


def _query(wanted: tuple[int, str, str], data: list[str], draw: random.Random) -> dict[str, Any]:
    number, type_, wording = wanted
    title, passages = data[0], [text for text in data[1:] if text.startswith("The ")]
    sentences = [draw.choice(re.split(r"(?<=\.) ", passage)) for passage in passages]
    words = [word.strip(".,") for sentence in sentences for word in sentence.split() if len(word) > 3]
    name, thing = title.split()
    other = ["".join(draw.choices("bdfgklmnprst", k=2)) + draw.choice("aeiou") * 2 for _ in range(8)]
    own = [draw.choice(words) for _ in range(8 if wording == "sentence" else 2)]
    query = " ".join([name, thing, *own, *other[: OTHER_WORDS[wording]]])
    if type_ == "unanswerable":
        query, sentences = f"does the {title} come in the colour number {draw.randint(1, 999)}", []
    luck = draw.random()
    if luck < 0.03:
        sentences = [f"This was never said about {title}."]
    elif luck < 0.06:
        query = f"what does this product weigh, variant {draw.randint(1, 99)}"
    return {"number": number, "type": type_, "query": query, "answer": " ".join(sentences) or "It is not said.",
            "quotes": sentences}  # fmt: skip


def options(corpus: Path, server: LLMServer, out: Path, *more: object) -> list[object]:
    """The command's words."""
    return ["generate", "--corpus", corpus, "--llm", "openai:writer", "--judge", "openai:judge",
            "--reconsider", "openai:second", "--base-url", server.url, "--out", out, *more]  # fmt: skip
