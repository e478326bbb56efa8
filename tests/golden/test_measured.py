"""Wordings of queries that a model wrote: what is measured, by hand, and what becomes of a model that does not obey."""

import asyncio
import json
import re
from collections import Counter
from math import log
from typing import Any

import numpy as np
import pytest
from generate_writer import OTHER_WORDS, fenced
from hypothesis import given
from hypothesis import strategies as st

from ragbench.core.context import Context
from ragbench.core.documents import Corpus, Document
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.generate import Generated, Job, Settings, build_stages, calls_of, generate
from ragbench.golden.measured import Measures, Meter
from ragbench.golden.outputs import card
from ragbench.golden.wanted import KEYWORD, allot, parse_mix
from ragbench.golden.wordings import WORDINGS, counts_of, measured_wording, shares_of
from ragbench.models.llm.base import Answer, Request
from tests.golden.test_wordings import overlap_by_hand, prose, whole

EQUAL = shares_of(dict.fromkeys(WORDINGS, 1.0))
LAMP = (
    "The brass lamp is in the cellar of the castle.",
    "The brass kettle is in the kitchen of the castle.",
    "The wooden boat is in the harbour of the island.",
)


def corpus_of(*texts: str) -> Corpus:
    return Corpus(tuple(Document(f"d{row}", text) for row, text in enumerate(texts)))


def meter_of(corpus: Corpus) -> Meter:
    return Meter.of(corpus, whole(corpus), ("en",))


def draft(text: str, *chunks: str, asked: str = "sentence") -> Draft:
    return Draft(text, text, "question", "yes", ("quote",), chunks, provenance={"wording_asked": asked})


@pytest.mark.parametrize(
    ("words", "overlap", "wording"),
    [
        (9, 0.49, "paraphrase"), (9, 0.5, "sentence"), (40, 1.0, "sentence"), (8, 0.0, "short-paraphrase"),
        (2, 0.39, "short-paraphrase"), (8, 0.41, "short-mixed"), (3, 0.59, "short-mixed"), (8, 0.61, "short-copy"),
        (1, 1.0, "short-copy"),
    ],
)  # fmt: skip
def test_length_and_overlap_decide_the_wording(words: int, overlap: float, wording: str) -> None:
    assert measured_wording(words, overlap) == wording


def test_overlap_of_a_query_by_hand() -> None:
    """Weights are log(1 + 3 / (1 + documents with the stem)); an unknown word has log(1 + 3)."""
    meter = meter_of(corpus_of(*LAMP))
    brass, lamp, unknown = log(2), log(2.5), log(4)
    found = meter.words.of_queries(
        ["brass lamp unicorn", "lamps", "is the of", "brass lamp", "kettle boat"],
        [[0], [0], [0], [1], [1, 2]],
        "english",
    )
    expected = [
        (brass + lamp) / (brass + lamp + unknown),
        0.5,  # the stem alone
        0.0,
        brass / (brass + lamp),
        1.0,  # a query over two documents has the words of both
    ]
    assert found.tolist() == pytest.approx(expected)


def test_overlap_is_that_of_masked_text() -> None:
    """A clause of another document has the overlap that it would have if it were masked in this one."""
    corpus = prose(12)
    rng = np.random.default_rng(2)
    meter = meter_of(corpus)
    for _ in range(20):
        row, other = rng.choice(12, 2, replace=False).tolist()
        text = " ".join(dict.fromkeys(corpus.documents[other].text.replace(".", "").lower().split()[:9]))
        document = corpus.documents[row]
        masked = Document(document.id, f"{text} {document.text}", document.title)
        by_hand = overlap_by_hand(corpus, masked, 0, len(text))
        assert meter.words.of_queries([text], [[row]], "english")[0] == pytest.approx(by_hand)


def test_leads_of_queries_are_those_of_seeds() -> None:
    meter = meter_of(prose(12))
    texts = [document.text.split(".")[at % 9] for at, document in enumerate(meter.corpus)]
    seeds = meter._leads.of_seeds(texts, "english")
    assert seeds is not None
    assert seeds.mean == pytest.approx(meter._leads.of_queries(texts, "english").mean())
    assert np.isnan(meter._leads.of_queries(["is the of"], "english")).all()


def test_a_query_gets_the_measured_wording_and_keeps_the_one_it_was_asked_for() -> None:
    meter = meter_of(corpus_of(*LAMP))
    drafts = [
        draft("brass lamp cellar castle", "d0", asked="paraphrase"),
        draft("brass lamp cellar castle", "d0", asked="short-copy"),
        draft("something shiny underground", "d0", asked="short-paraphrase"),
        draft("brass kettle", "d1", asked="sentence").reviewed(Opinion("schema", False, "number 9 was not asked for")),
    ]
    measures = Measures(meter)
    found = [*measures.add(drafts[2:]), *measures.add(drafts[:2])]
    found, numbers = found[2:] + found[:2], (2, 3, 0, 1)
    worded = measures.report(found, numbers, EQUAL, (), 0)
    assert [one.provenance["wording"] for one in found] == ["short-copy"] * 2 + ["short-paraphrase", "short-copy"]
    assert [one.provenance["wording_asked"] for one in found] == [one.provenance["wording_asked"] for one in drafts]
    assert worded.relabelled == {"paraphrase": {"short-copy": 1}}
    assert {name: (report.wanted, report.written) for name, report in worded.wordings.items()} == {
        "paraphrase": (1, 0), "sentence": (0, 0), "short-paraphrase": (1, 1), "short-mixed": (0, 0),
        "short-copy": (1, 2),
    }  # fmt: skip
    report = worded.wordings["short-copy"]
    assert (report.words, report.overlap, report.share) == (4.0, pytest.approx(1.0), 0.2)
    assert np.isnan(worded.wordings["sentence"].overlap)
    assert worded.seeds is None


@given(
    st.integers(1, 30),
    st.integers(1, 7),
    st.dictionaries(st.sampled_from(list(WORDINGS)), st.integers(1, 9), min_size=1),
)
def test_wordings_are_dealt_by_their_shares(chunks: int, per_chunk: int, weights: dict[str, int]) -> None:
    shares = shares_of(weights)
    dealt = allot(chunks, per_chunk, parse_mix(None), ("en",), shares, 3)
    assert Counter(one.wording for items in dealt for one in items) == Counter(
        {name: count for name, count in counts_of(shares, chunks * per_chunk).items() if count}
    )


def test_a_chunk_is_asked_about_in_all_wordings_and_keywords_are_short() -> None:
    dealt = allot(40, 5, parse_mix(None), ("en",), EQUAL, 0)
    assert sum({one.wording for one in items} == set(WORDINGS) for items in dealt) >= 30
    by_type = Counter((one.type, one.wording) for items in dealt for one in items)
    assert all(wording.startswith("short-") for type_, wording in by_type if type_ == KEYWORD)
    for type_ in ("attribute", "use-case", "question"):
        assert min(by_type[type_, name] for name in WORDINGS) >= 4
    # Where nothing short is wanted, keywords are long.
    assert {one.wording for items in allot(9, 2, {KEYWORD: 1.0}, ("en",), {"sentence": 1.0}, 0) for one in items} == {
        "sentence"
    }


class Writer:
    """Writes what ``query`` makes of a passage and a wording."""

    def __init__(self, obeys: bool) -> None:
        self.obeys = obeys

    async def ask(self, request: Request) -> Answer:
        user = request.messages[1].text
        passage = fenced(user)[1]
        words = list(dict.fromkeys(re.findall(r"[a-z]{4,}", passage.lower())))
        found = []
        for number, type_, wording in re.findall(r"^(\d+)\. type ([\w-]+):.*; wording ([\w-]+);", user, re.MULTILINE):
            own = words[int(number) :: 3][: 12 if wording in ("sentence", "paraphrase") else 6]
            if self.obeys and OTHER_WORDS[wording]:
                foreign = len(own) * (2 if wording.endswith("paraphrase") else 1) // 3
                own = [f"other{number}x{at}" for at in range(foreign)] + own[foreign:]
            query, quotes = " ".join(own), [passage.split(".")[0]]
            if type_ == "unanswerable":
                quotes = []
            found.append({"number": int(number), "type": type_, "query": query, "answer": "so", "quotes": quotes})
        return Answer({"queries": found}, raw=json.dumps(found))


def job_of(corpus: Corpus, writer: Writer, seeds: tuple[str, ...] = (), **settings: Any) -> Job:
    mix = {"question": 0.5, "attribute": 0.5}
    made = Settings(mix=mix, stages=("schema", "located"), **settings)
    chunks = whole(corpus)
    return Job(corpus, chunks, range(len(chunks)), seeds, made, {"draft": writer}, {"draft": "a:writer"})


def written(job: Job) -> Generated:
    return asyncio.run(generate(job, build_stages(job.settings.stages), Context()))


def test_a_writer_that_obeys_gives_every_wording_and_one_that_copies_gives_two() -> None:
    corpus = prose(20)
    good = written(job_of(corpus, Writer(obeys=True)))
    assert {name: report.wanted for name, report in good.worded.wordings.items()} == dict.fromkeys(WORDINGS, 20)
    assert min(report.written for report in good.worded.wordings.values()) >= 10
    ordered = good.worded.wordings
    assert ordered["paraphrase"].overlap < 0.5 <= ordered["sentence"].overlap
    assert ordered["short-paraphrase"].overlap < ordered["short-mixed"].overlap < ordered["short-copy"].overlap
    assert ordered["short-paraphrase"].lead < ordered["short-copy"].lead

    job = job_of(corpus, Writer(obeys=False))
    copied = written(job)
    assert {name for name, report in copied.worded.wordings.items() if report.written} == {"sentence", "short-copy"}
    assert copied.worded.relabelled == {
        "paraphrase": {"sentence": 20}, "short-paraphrase": {"short-copy": 20}, "short-mixed": {"short-copy": 20},
    }  # fmt: skip
    text = card("set", job, copied, {}, "prose")
    assert "Of the queries wanted as `paraphrase`, 20 came in another wording: 20 as `sentence`." in text
    assert "`paraphrase`, `short-paraphrase`, `short-mixed`: fewer than 10 accepted queries" in text
    assert re.search(r"^\| `sentence` \| more than 8 words, .* \| 0\.20 \| 20 \| 40 \| 40 \|", text, re.MULTILINE)


def test_seeds_shift_what_is_asked_for_before_anything_is_written() -> None:
    """Seeds that repeat their documents have a large lead, like copies; seeds of words of anybody have none."""
    corpus = prose(30)
    copies = tuple(" ".join(document.text.split()[1:9]) for document in corpus)
    plain = job_of(corpus, Writer(obeys=True))
    shifted = job_of(corpus, Writer(obeys=True), copies)

    def wanted(job: Job) -> Counter[str]:
        return Counter(one.wording for call in calls_of(job, Context()) for one in call.wanted)

    assert set(wanted(plain).values()) == {30}
    found = wanted(shifted)
    assert found.total() == 150
    assert min(found.values()) >= 10
    assert max(found["sentence"], found["short-copy"]) > 30 > min(found["paraphrase"], found["short-paraphrase"])
    assert wanted(job_of(corpus, Writer(obeys=True), copies[:9])) == wanted(plain)
    assert written(shifted).worded.seeds is not None
    alone = job_of(corpus, Writer(obeys=True), wordings={"paraphrase": 1.0})
    assert set(wanted(alone)) == {"paraphrase"}
