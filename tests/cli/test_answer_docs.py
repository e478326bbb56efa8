"""docs/guides/answers.md shows what is printed, with a stand-in for the model."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_wattbot_docs import ROOT, run_page
from tests.models.llm_server import Body, LLMServer, serving

PAGE = (ROOT / "docs" / "guides" / "answers.md").read_text(encoding="utf-8")
SOURCE = re.compile(r"^\[(\d+)\]\n(=== DATA \w+ ===)\n(.*?)\n\2$", flags=re.DOTALL | re.MULTILINE)


def words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3}


def stand_in(body: Body) -> str:
    """The sentence of the sources with most words of the question; no answer where it has none of them."""
    said = body["messages"][-1]["content"]
    question = words(said.split("Question:\n")[1].split("\n")[1])
    sentences = [
        (sentence.strip(), int(number))
        for number, _, text in SOURCE.findall(said)
        for sentence in re.split(r"(?<=[.!?])\s+", text)
    ]
    best, number = max(sentences, key=lambda one: len(words(one[0]) & question))
    if not words(best) & question:
        return json.dumps({"answer": "I do not know.", "citations": [], "is_unknown": True})
    return json.dumps({"answer": f"{best} [{number}]", "citations": [number], "is_unknown": False})


def test_the_page_shows_what_is_printed(ragbench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    monkeypatch.chdir(tmp_path)
    with serving(LLMServer(reply=stand_in)) as server:
        assert run_page(ragbench, PAGE, server.url) == 7
