"""The grounding signal: what it must see and what it must not, and its AUC against scikit-learn's."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.grounding import collections
from ragbench.answers.judge_check.signal import signal_of
from ragbench.answers.metrics.base import Column, ScoringContext
from ragbench.answers.metrics.grounding import Grounding
from ragbench.core.answers import Answered, AnswerSet, Source
from ragbench.stats.roc_auc import roc_auc

TEXT = "The Eiffel Tower is 330 m high. It was built by the company of Gustave Eiffel in 1889. Paris has 2, 102 parks."


def column(*answers: Answered, embedder: str | None = None) -> Column:
    rows = AnswerSet(tuple(answers))
    (found,) = asyncio.run(Grounding(embedder).score(rows, ScoringContext([None] * len(rows))))
    return found


def said(text: str, *texts: str, id_: str = "q") -> Answered:
    return Answered(id_, "?", text, tuple(Source(f"s{at}", "d", one) for at, one in enumerate(texts or (TEXT,))))


def details(text: str) -> list[dict[str, object]]:
    return column(said(text)).details["q"]  # type: ignore[return-value]


def test_words_by_hand() -> None:
    # eiffel, tower, 330, m: all there. eiffel, tower, built, 1889: eiffel, built, 1889 of them in one sentence.
    found = column(said("The Eiffel Tower is 330 m. The Eiffel Tower was built in 1889."))
    assert found.values[0] == pytest.approx((1 + 3 / 4) / 2)
    assert [(one["start"], one["end"]) for one in found.details["q"]] == [(0, 26), (27, 62)]  # type: ignore[attr-defined]


def test_numbers_and_names_that_no_source_has_count_against() -> None:
    (right,), (wrong,) = details("It is 330 m high."), details("It is 340 m high.")
    assert (right["missing"], wrong["missing"]) == ([], ["340 m"])
    # 340, m, high: two of three words, halved as the one number is missing.
    assert wrong["score"] == pytest.approx(2 / 3 / 2, abs=1e-6)
    (other,) = details("It was built by Gustave Flaubert in 1889.")
    assert other["missing"] == ["Flaubert"]
    assert details("It is 0.33 km high.")[0]["missing"] == []
    assert details("There are 2,102 parks.")[0]["missing"] == []


def test_the_source_of_a_sentence_is_named() -> None:
    (found,) = column(said("Apples are red.", "Pears are green.", "Most apples are red.")).details["q"]  # type: ignore[misc]
    assert (found["source"], found["lexical"]) == ("s1", 1.0)
    (found,) = column(said("Bananas bend.", "Pears are green.")).details["q"]  # type: ignore[misc]
    assert (found["source"], found["score"]) == ("", 0.0)


def test_every_answer_without_a_value_has_its_reason() -> None:
    found = column(
        said("I don't know.", id_="abstains"), Answered("failed", "?", "", failure="timed out"),
        Answered("bare", "?", "It is red."), said("It is red.", " ", id_="blank"), said("?!", id_="wordless"),
        said("It is 330 m high.", id_="fine"),
    )  # fmt: skip
    assert np.isnan(found.values).tolist() == [True] * 5 + [False]
    assert {entry.item: entry.code for entry in found.ledger.entries} == {
        "abstains": "not-applicable",
        "failed": "answer-failed",
        "bare": "no-sources",
        "blank": "no-sources",
        "wordless": "no-sentence",
    }


def test_with_embeddings_a_paraphrase_comes_before_a_stranger() -> None:
    paraphrase = said("The iron landmark was constructed in 1889.", id_="p")
    stranger = said("Bananas are rich in potassium.", id_="s")
    same = said("It was built by the company of Gustave Eiffel in 1889.", id_="e")
    found = column(paraphrase, stranger, same, embedder="minilm")
    assert found.values[1] < found.values[0] < found.values[2]
    assert found.values[2] == pytest.approx(1.0, abs=1e-3)
    assert found.values.min() >= 0


@pytest.mark.shared_data
def test_the_page_has_the_figures_of_people(shared_data: Path) -> None:
    """Words alone, which need no embedding; the intervals are left to the benchmark."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "answer-metrics.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| (?:QAGS|BEGIN) .* \| (\d+), (\d+)% \| .* \| (\.\d+) \[[^|]*\|$", page, flags=re.MULTILINE)
    found = collections(shared_data, None).values()
    assert len(shown) == len(found)
    for (n, supported, figure), labels in zip(shown, found, strict=True):
        positive = labels.shares > 0.5
        assert (int(n), f"{positive.mean():.0%}") == (len(labels), f"{supported}%")
        scores = np.nan_to_num(signal_of(labels, "grounding:embedder=null").values)
        assert f"{roc_auc(scores, positive).value:.3f}" == f"0{figure}"
