"""Reject a draft that lacks its query, answer or quotes, or that repeats the prompt."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage, words
from ragbench.golden.stages.judge import JUDGE
from ragbench.golden.wanted import TYPES
from ragbench.golden.writer import DRAFT, USUAL, Writer

LEAK_WORDS = 8


@dataclass(frozen=True)
class Schema(Stage):
    """Reject drafts that lack a part, contain control characters, or repeat the writer's instructions."""

    alone: ClassVar[bool] = True

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        faults = (_fault(draft, context.writer) for draft in drafts)
        return [Opinion("schema", not fault, fault) for fault in faults]


def _fault(draft: Draft, writer: Writer) -> str:
    written = bool(draft.quotes) or not draft.evidence
    if not draft.text.strip():
        return "the query is empty"
    if any(unicodedata.category(char) in ("Cc", "Cs", "Co") for char in draft.text):
        return "the query holds control characters"
    if written and draft.type not in TYPES:
        return f"the type {draft.type!r} is unknown"
    if written and not draft.answer and not writer.own:
        return "there is no reference answer"
    if draft.type == "unanswerable" and draft.quotes:
        return "a query without an answer quotes evidence"
    if written and draft.type != "unanswerable" and not draft.quotes:
        return "there is no quoted evidence"
    if leaks(f"{draft.text}\n{draft.answer or ''}", writer):
        return "the query or its answer repeats the writer's instructions"
    return ""


def leaks(text: str, writer: Writer = USUAL) -> bool:
    """Whether a text repeats a fence or a run of words from the prompts."""
    if "=== DATA" in text:
        return True
    known = _instructions(writer.prompt.template)
    return any(run in known for run in _runs(text))


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    said = words(text)
    return (tuple(said[at : at + LEAK_WORDS]) for at in range(len(said) - LEAK_WORDS + 1))


@lru_cache(maxsize=4)
def _instructions(own: str) -> frozenset[tuple[str, ...]]:
    texts = (DRAFT.system, DRAFT.template, JUDGE.system, *TYPES.values(), own)
    return frozenset(run for text in texts for run in _runs(text))
