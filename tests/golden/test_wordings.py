"""The wordings of masked queries: what each takes of a document, checked against a count by hand."""

import itertools
import re
from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pytest
import Stemmer

from benchmarks import public_collections
from ragbench.core.documents import Chunks, Corpus, Document
from ragbench.core.errors import SettingError
from ragbench.corpus.chunk import choose_chunker, chunk
from ragbench.golden.corpus_words import CorpusWords
from ragbench.golden.drafts import Draft
from ragbench.golden.lead import Leads
from ragbench.golden.masked import write
from ragbench.golden.masked_pool import windows
from ragbench.golden.wordings import (
    KEPT,
    TOLERANCE,
    WIDTHS,
    WORDINGS,
    Style,
    counts_of,
    parse_wordings,
    queries_for,
    shifted,
)

VOCABULARY = ["".join(parts) for parts in itertools.product(("ba", "ke", "lo", "mu", "ri", "to", "va"), repeat=4)]
SMALL = {"the", "of", "is", "in", "and"}
SENTENCES, OWN = 9, 25
CLAUSES = [name for name, wording in WORDINGS.items() if wording.target is not None]
STEM = Stemmer.Stemmer("english").stemWord


def prose(documents: int = 40, seed: int = 1) -> Corpus:
    """Documents about 25 words of their own, each sentence of which has eight of them and four of anybody's."""
    rng = np.random.default_rng(seed)
    made = []
    for row in range(documents):
        own, sentences = rng.choice(VOCABULARY, OWN, replace=False), []
        for _ in range(SENTENCES):
            a = [*rng.choice(own, 8, replace=False), *rng.choice(VOCABULARY, 4, replace=False)]
            rng.shuffle(a)
            sentences.append(f"The {' '.join(a[:4])} of the {' '.join(a[4:8])} is in the {' '.join(a[8:])}.")
        made.append(Document(f"d{row}", " ".join(sentences), title=str(rng.choice(own))))
    return Corpus(tuple(made))


def whole(corpus: Corpus) -> Chunks:
    return chunk(corpus, choose_chunker("whole", passages=True).chunker)[0]


def content(text: str) -> list[str]:
    return [word for word in re.findall(r"\w\w+", text.lower()) if word not in SMALL]


def overlap_by_hand(corpus: Corpus, document: Document, start: int, end: int) -> float:
    """Mean over words and stems of the share that the rest of the document or its title has, weighed by rarity."""
    frequency = Counter(stem for one in corpus for stem in {STEM(word) for word in content(f"{one.title} {one.text}")})
    rest = set(content(f"{document.title} {document.text[:start]} {document.text[end:]}"))
    stems = {STEM(word) for word in rest}
    run = content(document.text[start:end])
    weights = [log(1 + len(corpus) / (1 + frequency[STEM(word)])) for word in run]
    exact = sum(weight for weight, word in zip(weights, run, strict=True) if word in rest)
    stemmed = sum(weight for weight, word in zip(weights, run, strict=True) if STEM(word) in stems)
    return (exact + stemmed) / 2 / sum(weights)


def by_wording(drafts: tuple[Draft, ...]) -> dict[str, list[Draft]]:
    found: dict[str, list[Draft]] = {name: [] for name in WORDINGS}
    for draft in drafts:
        found[str(draft.provenance["wording"])].append(draft)
    return found


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return prose()


def test_every_clause_is_a_short_span_of_its_document_near_the_target(corpus: Corpus) -> None:
    found = by_wording(write(corpus, whole(corpus)).drafts)
    lengths = set()
    for name in CLAUSES:
        assert len(found[name]) == len(corpus)
        for draft in found[name]:
            [span] = draft.masked
            document = corpus.by_id[span.document_id]
            text = document.text[span.start : span.end]
            assert draft.text == text
            assert 3 <= len(text.split()) <= 12
            lengths.add(len(text.split()))
            assert text not in document.text[: span.start] + document.text[span.end :]
            assert not re.search(r"\.\s", text), "within a sentence"
            by_hand = overlap_by_hand(corpus, document, span.start, span.end or 0)
            assert draft.provenance["overlap"] == pytest.approx(by_hand, abs=0.0006)
            assert abs(by_hand - (WORDINGS[name].target or 0)) <= TOLERANCE
    assert lengths == set(range(3, 13))


def test_sentences_of_least_and_of_most_overlap(corpus: Corpus) -> None:
    found = by_wording(write(corpus, whole(corpus)).drafts)
    for name, best in (("paraphrase", min), ("sentence", max)):
        assert len(found[name]) == len(corpus)
        for draft in found[name]:
            [span] = draft.masked
            document = corpus.by_id[span.document_id]
            spans = [match.span() for match in re.finditer(r"The [^.]*\.", document.text)]
            shares = [overlap_by_hand(corpus, document, *one) for one in spans]
            assert overlap_by_hand(corpus, document, span.start, span.end or 0) == pytest.approx(best(shares))


def test_a_sentence_that_is_the_title_is_no_query() -> None:
    text = (
        "The brass lamp swings over the linen chair. The brass lamp is on the linen chair in the old house. "
        "Readers who work late enjoy the warm glow."
    )
    documents = Corpus(
        tuple(Document(str(row), text, "The brass lamp swings over the linen chair") for row in range(3))
    )
    drafts = write(documents, whole(documents), wordings={"sentence": 1.0}).drafts
    assert {draft.text for draft in drafts} == {"The brass lamp is on the linen chair in the old house"}


def test_documents_are_shared_out_before_any_is_asked_about_twice(corpus: Corpus) -> None:
    drafts = write(corpus, whole(corpus), count=len(corpus)).drafts
    assert len({draft.provenance["source"] for draft in drafts}) == len(corpus)
    assert {name: len(rows) for name, rows in by_wording(drafts).items()} == dict.fromkeys(WORDINGS, 8)
    uneven = write(corpus, whole(corpus), count=20, wordings={"sentence": 0.75, "short-copy": 0.25}).drafts
    assert {name: len(rows) for name, rows in by_wording(uneven).items() if rows} == {"sentence": 15, "short-copy": 5}


def test_a_wording_that_lacks_text_is_reported() -> None:
    """No word stands twice in these documents, so nothing can be copied."""
    rows = np.random.default_rng(3).permutation(VOCABULARY)[:2000].reshape(50, 40)
    documents = Corpus(tuple(Document(str(at), " ".join(row)) for at, row in enumerate(rows)))
    written = write(documents, whole(documents))
    assert written.wordings["paraphrase"].written == 50
    assert (written.wordings["short-copy"].wanted, written.wordings["short-copy"].written) == (50, 0)
    assert np.isnan(written.wordings["short-copy"].overlap)


def test_several_clauses_of_a_document_come_from_different_sentences(corpus: Corpus) -> None:
    drafts = write(corpus, whole(corpus), per_document=5, wordings={"short-copy": 1.0}).drafts
    assert len(drafts) == 3 * len(corpus), "a third of nine sentences each"
    for document in corpus:
        starts = [d.masked[0].start for d in drafts if d.provenance["source"] == document.id]
        assert len({document.text.count(".", 0, start) for start in starts}) == 3


def test_same_seed_same_drafts(corpus: Corpus) -> None:
    chunks = whole(corpus)
    assert write(corpus, chunks, count=30, seed=2) == write(corpus, chunks, count=30, seed=2)
    assert write(corpus, chunks, count=30, seed=2).drafts != write(corpus, chunks, count=30, seed=3).drafts


NOTES = "call the plumber about {0}\nbuy {1} and {2} for the garden shed\n- fix {3} before the {0} arrives on monday\n"
"""Eight words of their own, no stop at any end."""


@pytest.mark.parametrize("kind", ["prose", "one sentence", "notes", "transcript", "capitals", "lower case"])
def test_no_kind_of_text_is_refused(kind: str) -> None:
    rng = np.random.default_rng(4)
    documents = []
    for row in range(50):
        own = rng.choice(VOCABULARY, 25, replace=False).tolist()
        words = rng.choice(own, 40).tolist()
        plain = " ".join(words)
        text = {
            "prose": " ".join(f"The {' '.join(words[at : at + 8])} is there." for at in range(0, 30, 10)),
            "one sentence": f"The {plain} is there.",
            "notes": "".join(NOTES.format(*words[at : at + 4]) for at in (0, 4)),
            "transcript": f"um so yeah the {plain} you know",
            "capitals": f"THE {plain.upper()} IS THERE",
            "lower case": plain,
        }[kind]
        documents.append(Document(str(row), text))
    corpus = Corpus(tuple(documents))
    written = write(corpus, whole(corpus))
    assert written.without == 0
    assert min(report.written for report in written.wordings.values()) >= 20
    assert written.in_windows == (0 if kind == "prose" else 50)


def test_windows_keep_to_paragraphs() -> None:
    first, second = " ".join(["a"] * 20), " ".join(["b"] * 31)
    text = f"{first}\n \n{second}\n"
    assert [text[low:high].split() for low, high in windows(text)] == [
        ["a"] * 20, ["b"] * 15, ["b"] * 16,
    ]  # fmt: skip


def test_lead_of_seeds_and_of_masked_text_by_hand() -> None:
    texts = (
        "The brass lamp is in the cellar of the castle. The cellar of the castle is below the tower.",
        "The brass kettle is in the kitchen of the castle. The kitchen of the castle is near the tower.",
        "The wooden boat is in the harbour of the island. The harbour of the island is near the lighthouse.",
    )
    words = CorpusWords.of(Corpus(tuple(Document(str(row), text) for row, text in enumerate(texts))), "english")
    leads = Leads.of(words)
    found = leads.of_seeds(["brass lamp unicorn"] * 10, "english")
    assert found is not None
    # In two, one and none of three documents: 1 + 3/3, 1 + 3/2, and 1 + 3 for a word that none has.
    brass, lamp, unicorn = log(2), log(2.5), log(4)
    assert found.mean == pytest.approx(lamp / (brass + lamp + unicorn))
    assert (found.error, found.seeds) == (pytest.approx(0, abs=1e-12), 10)
    assert (found.length, found.length_error) == (pytest.approx(log(4)), pytest.approx(0, abs=1e-12))
    assert leads.of_seeds(["brass lamp"] * 9, "english") is None
    # "brass lamp" of the first document is masked: it then has neither word, and the second document has "brass".
    [lead] = leads.of_masked(np.array([1]), np.array([2]))
    assert lead == pytest.approx(brass / (brass + lamp))


def test_seeds_shift_shares(corpus: Corpus) -> None:
    copied = [" ".join(document.text.split(".")[0].split()[1:9]) for document in corpus][:30]
    written = write(corpus, whole(corpus), seeds=copied, count=100)
    plain = write(corpus, whole(corpus), count=100)
    assert written.seeds is not None
    assert written.seeds.mean > max(report.lead for report in written.wordings.values()), "a copy leads by more"
    shares = {name: report.share for name, report in written.wordings.items()}
    assert max(shares, key=shares.__getitem__) == max(written.wordings, key=lambda name: written.wordings[name].lead)
    assert min(shares.values()) >= KEPT / 5, "a part of the equal share stays"
    assert {report.share for report in plain.wordings.values()} == {0.2}
    assert write(corpus, whole(corpus), seeds=copied[:9], count=100).drafts == plain.drafts


def test_kernel_by_hand() -> None:
    equal = {"paraphrase": 0.5, "short-copy": 0.5}
    none, length = Style(0.0, 0.0), log(10)
    seeds = Style(0.15, length)
    # One width of the lead away and none: weights exp(-1/2) and 1.
    styles = {"paraphrase": Style(0.15 - WIDTHS.lead, length), "short-copy": seeds}
    near = shifted(equal, styles, seeds, none)
    assert near["paraphrase"] == pytest.approx(KEPT / 2 + (1 - KEPT) * np.exp(-0.5) / (1 + np.exp(-0.5)))
    assert sum(near.values()) == pytest.approx(1)
    # The same for one width of the length. An error as large as the width doubles the variance.
    longer = {"paraphrase": Style(0.15, length + WIDTHS.length), "short-copy": seeds}
    assert shifted(equal, longer, seeds, none) == pytest.approx(near)
    wide = shifted(equal, longer, seeds, Style(0.0, WIDTHS.length))
    assert wide["paraphrase"] == pytest.approx(KEPT / 2 + (1 - KEPT) * np.exp(-0.25) / (1 + np.exp(-0.25)))
    assert shifted(equal, styles, Style(90.0, length), none)["short-copy"] == pytest.approx(1 - KEPT / 2)
    assert shifted(equal, {}, seeds, none) == equal
    # A wording that the documents cannot give keeps its part, and takes none of the rest.
    assert shifted(equal, {"paraphrase": seeds}, seeds, none) == pytest.approx(
        {"paraphrase": 1 - KEPT / 2, "short-copy": KEPT / 2}
    )


def test_how_many_queries() -> None:
    assert queries_for(166, 1) == 166
    assert queries_for(50, 5) == 250
    assert queries_for(1460, 5) == 700
    assert queries_for(5000, 5) == 2250
    assert counts_of({"a": 0.5, "b": 0.25, "c": 0.25}, 6) == {"a": 3, "b": 2, "c": 1}
    assert counts_of({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, 9) == {"a": 3, "b": 3, "c": 3}


def test_wordings_by_name_and_share() -> None:
    assert parse_wordings("short-copy, paraphrase") == {"paraphrase": 0.5, "short-copy": 0.5}
    assert parse_wordings("sentence=3,short-copy=1") == {"sentence": 0.75, "short-copy": 0.25}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "names none"),
        ("short-cpy", "did you mean 'short-copy'"),
        ("sentence,sentence", "sentence is named twice"),
        ("sentence=0", "the share of sentence is 0"),
        ("sentence=nan", "must be above 0"),
        ("sentence=many", "a share is a number"),
    ],
)
def test_wordings_that_cannot_be_read(text: str, match: str) -> None:
    with pytest.raises(SettingError, match=match):
        parse_wordings(text)


@pytest.mark.shared_data
def test_questions_on_paragraphs_copy_and_topics_do_not(shared_data: Path) -> None:
    """The shares go to short copies where questions were written beside their paragraph."""
    shares = []
    for corpus, people in (
        public_collections.squad2(shared_data / "squad2"),
        public_collections.med(shared_data / "classic" / "med"),
    ):
        seeds = [item.text for item in people if any(e.grade > 0 for e in item.evidence)][::10][:30]
        seeds = seeds if len(seeds) >= 10 else [item.text for item in people][:20]
        shares.append(write(corpus, whole(corpus), count=40, seeds=seeds).wordings["short-copy"].share)
    assert shares[0] > 0.2 > shares[1]
