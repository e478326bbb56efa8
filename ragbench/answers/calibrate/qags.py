"""The labels of QAGS: summaries whose sentences three people each held against the article.

Source: Wang, Cho and Lewis 2020, Asking and Answering Questions to Evaluate the Factual Consistency of Summaries.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragbench.answers.calibrate.label_words import Words
from ragbench.answers.calibrate.labels import Labelled, LabelSet, Vote
from ragbench.core.answers import Answered, Source
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.io.golden_files.json_lines import read_objects

WORDS = Words()


def read_sentences(path: Path) -> LabelSet:
    """An answer per sentence, with its three votes.

    Raises:
        InputError: the file is no QAGS file.
    """
    items = []
    for number, (where, row) in enumerate(read_objects(path), start=1):
        for at, sentence in enumerate(_sentences(where, row), start=1):
            items.append(_labelled(f"{number}.{at}", row, sentence["sentence"], _votes(where, sentence)))
    return LabelSet(tuple(items), path.stem)


def read_summaries(path: Path) -> LabelSet:
    """An answer per summary: supported where most people find every sentence of it supported.

    That is the label of the TRUE benchmark, and one label: who voted on one
    sentence need not have voted on another.

    Raises:
        InputError: the file is no QAGS file.
    """
    items = []
    for number, (where, row) in enumerate(read_objects(path), start=1):
        sentences = _sentences(where, row)
        votes = [_votes(where, sentence) for sentence in sentences]
        held = all(2 * sum(vote.positive for vote in said) > len(said) for said in votes)
        text = " ".join(str(sentence["sentence"]) for sentence in sentences)
        items.append(_labelled(str(number), row, text, (Vote("", held),)))
    return LabelSet(tuple(items), path.stem)


def _sentences(where: str, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = row.get("summary_sentences")
    listed = found if isinstance(found, list) else []
    whole = all(isinstance(one, dict) and isinstance(one.get("sentence"), str) for one in listed)
    if not (listed and whole and isinstance(row.get("article"), str)):
        raise InputError(f"{where}: no line of QAGS: it has 'article' and 'summary_sentences' with 'sentence' each")
    return listed


def _votes(where: str, sentence: Mapping[str, Any]) -> tuple[Vote, ...]:
    return WORDS.votes(where, sentence.get("responses", [])) or ()


def _labelled(id_: str, row: Mapping[str, Any], text: str, votes: tuple[Vote, ...]) -> Labelled:
    article = fingerprint(row["article"])
    return Labelled(Answered(id_, "", text, (Source("source", article, row["article"]),)), votes, article, id_)
