"""Exact match and token F1 against the arithmetic of the official SQuAD 2.0 script, written out here."""

import asyncio
import collections
import re
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbench.answers.metrics._words import normalised, tokens
from ragbench.answers.metrics.base import Column, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.errors import SettingError
from ragbench.core.goldens import Evidence, GoldenItem
from ragbench.plugins import ANSWER_METRICS, build


def official(text: str) -> str:
    bare = "".join(sign for sign in text.lower() if sign not in set(string.punctuation))
    return " ".join(re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", bare).split())


def official_f1(gold: str, said: str) -> float:
    gold_words, said_words = official(gold).split(), official(said).split()
    same = sum((collections.Counter(gold_words) & collections.Counter(said_words)).values())
    if len(gold_words) == 0 or len(said_words) == 0:
        return float(gold_words == said_words)
    if same == 0:
        return 0.0
    precision, recall = same / len(said_words), same / len(gold_words)
    return 2 * precision * recall / (precision + recall)


def columns(spec: str, *pairs: tuple[Answered, GoldenItem | None]) -> dict[str, Column]:
    answers = AnswerSet(tuple(answer for answer, _ in pairs))
    context = ScoringContext([item for _, item in pairs])
    return {one.name: one for one in asyncio.run(build(ANSWER_METRICS, spec).score(answers, context))}


def one(spec: str, said: str, *references: str, **more: object) -> float:
    item = GoldenItem("q", "?", answer=references[0], metadata={"answers": list(references), **more})
    return float(columns(spec, (Answered("q", "?", said), item))[spec.partition(":")[0]].values[0])


WORDS = st.lists(
    st.sampled_from(["The", "a", "tower", "Tower,", "1889", "an", "eiffel", "-", "été", "“x”"]), max_size=6
)


@settings(deadline=None, max_examples=60)
@given(WORDS.map(" ".join), st.lists(WORDS.map(" ".join), min_size=1, max_size=3))
def test_both_equal_the_official_script(said: str, golds: list[str]) -> None:
    kept = [gold for gold in golds if gold.strip()]
    if not kept or not said.strip():
        return
    assert one("exact_match", said, *kept) == max(float(official(gold) == official(said)) for gold in kept)
    assert one("token_f1", said, *kept) == pytest.approx(max(official_f1(gold, said) for gold in kept))


def test_unanswerable_as_in_squad_2() -> None:
    item = GoldenItem("q", "?", metadata={"is_impossible": True})
    for spec in ("exact_match", "token_f1"):
        for said, right in ((Answered("q", "?", ""), 1.0), (Answered("q", "?", "1889"), 0.0)):
            assert columns(spec, (said, item))[spec].values.tolist() == [right]


def test_failures_and_abstentions_are_wrong_and_no_reference_is_nan() -> None:
    known = GoldenItem("q1", "?", answer="1889")
    bare = GoldenItem("q4", "?", evidence=(Evidence("d"),))
    found = columns(
        "token_f1",
        (Answered("q1", "?", "1889", failure="timed out"), known),
        (Answered("q2", "?", "I don't know, perhaps 1889", abstained=True), known),
        (Answered("q3", "?", "1889"), known),
        (Answered("q4", "?", "1889"), bare),
        (Answered("q5", "?", "1889"), None),
    )["token_f1"]
    np.testing.assert_array_equal(found.values, [0, 0, 1, np.nan, np.nan])
    assert [(entry.item, entry.code) for entry in found.ledger.entries] == [("q4", "no-reference"), ("q5", "no-golden")]


def test_articles_belong_to_their_language() -> None:
    assert one("exact_match", "Der Eiffelturm", "Eiffelturm", language="de") == 1
    assert one("exact_match", "Der Eiffelturm", "Eiffelturm") == 0
    assert one("exact_match:language=de", "the tower", "tower") == 0
    assert normalised("La torre, «Eiffel»", "es") == "torre eiffel"
    assert normalised("l'été", "fr") == "lété"
    assert tokens("东京tower 2020。", "zh") == ["东", "京", "tower", "2020"]


@pytest.mark.parametrize(
    ("said", "reference", "right"),
    [
        ("It emits 1,234.5 tonnes.", "1234.5", 1),
        ("about 1\u202f234\u202f567 people", "1,234,567", 1),
        ("$3.5 million", "3500000 USD", 1),
        ("$5m", "$5 million", 1),
        ("1500 Wh", "1.5 kWh", 1),
        ("1.5 kWh", "1.5 km", 0),
        ("12%", "12 percent", 1),
        ("12 per cent", "12", 1),
        ("0.12", "12%", 0),
        ("-5", "5", 0),
        ("1.2×10^6", "1.2e6", 1),
        ("1000.9", "1000", 1),
        ("1001.1", "1000", 0),
        ("0.0001", "0", 0),
        ("CO2 and GPT-4", "4", 0),
        ("between 10-20 km", "10 to 20 km", 1),
        ("between 10 and 30 km", "10 to 20 km", 0),
        ("1e999", "5", 0),
        ("version 1.2.3", "1.2", 0),
        ("two", "2", 0),
    ],
)
def test_numbers(said: str, reference: str, right: float) -> None:
    assert one("numeric", said, reference) == right


def test_numbers_settings() -> None:
    assert one("numeric:relative=0.01", "1009", "1000") == 1
    assert one("numeric:absolute=0.5", "0.4", "0") == 1
    assert one("numeric:decimal=','", "1.234,5 kg", "1234,5") == 1
    assert np.isnan(one("numeric", "7", "seven"))
    with pytest.raises(SettingError, match="0 or more"):
        build(ANSWER_METRICS, "numeric:relative=-1")
