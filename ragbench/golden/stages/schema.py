"""Reject a draft that lacks its query, answer or quotes, or that repeats the prompt."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragbench.golden.drafting import DRAFT, TYPES
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage, words
from ragbench.golden.stages.judge import JUDGE

LEAK_WORDS = 8


@dataclass(frozen=True)
class Schema(Stage):
    """Reject drafts that lack a part, contain control characters, or repeat the writer's instructions."""

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        return [Opinion("schema", not fault, fault) for fault in map(_fault, drafts)]


def _fault(draft: Draft) -> str:
    written = bool(draft.quotes) or not draft.evidence
    if not draft.text.strip():
        return "the query is empty"
    if any(unicodedata.category(char) in ("Cc", "Cs", "Co") for char in draft.text):
        return "the query holds control characters"
    if written and draft.type not in TYPES:
        return f"the type {draft.type!r} is unknown"
    if written and not draft.answer:
        return "there is no reference answer"
    if draft.type == "unanswerable" and draft.quotes:
        return "a query without an answer quotes evidence"
    if written and draft.type != "unanswerable" and not draft.quotes:
        return "there is no quoted evidence"
    if leaks(f"{draft.text}\n{draft.answer or ''}"):
        return "the query or its answer repeats the writer's instructions"
    return ""


def leaks(text: str) -> bool:
    """Whether a text repeats a fence or a run of words from the prompts."""
    if "=== DATA" in text:
        return True
    found = words(text)
    known = _instructions()
    return any(tuple(found[at : at + LEAK_WORDS]) in known for at in range(len(found) - LEAK_WORDS + 1))


@lru_cache(maxsize=1)
def _instructions() -> frozenset[tuple[str, ...]]:
    runs: set[tuple[str, ...]] = set()
    for text in (DRAFT.system, DRAFT.template, JUDGE.system, *TYPES.values()):
        said = words(text)
        runs.update(tuple(said[at : at + LEAK_WORDS]) for at in range(len(said) - LEAK_WORDS + 1))
    return frozenset(runs)
