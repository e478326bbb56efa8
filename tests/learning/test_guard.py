"""The leakage guard: planted leaks are found, other queries are not, and ids of another corpus mean nothing."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import ragbench as rb
from ragbench.core.documents import Chunks
from ragbench.core.goldens import GoldenSet
from ragbench.learning.guard import guard, of_another_corpus, protected_chunks, query_leaks
from ragbench.learning.query_forms import query_forms, tokens_of
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build

PARAPHRASES = Path(__file__).parent / "paraphrases.tsv"
"""Queries of the shop in other words, written by hand. The least cosine of a paraphrase was chosen on them."""
UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS = {str(number): word for number, word in enumerate(UNITS)}
DIGITS |= {"10": "ten", "12": "twelve", "20": "twenty", "30": "thirty", "38": "thirty-eight", "40": "forty",
           "50": "fifty", "60": "sixty", "80": "eighty", "100": "hundred", "750": "seven hundred fifty"}  # fmt: skip


@pytest.fixture(scope="module")
def shop(sample_data: Path) -> GoldenSet:
    return rb.load_golden(sample_data / "shop")


@pytest.fixture(scope="module")
def chunks(sample_data: Path) -> Chunks:
    return rb.chunk(rb.load_corpus(sample_data / "shop" / "product_catalog.csv"))


def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    embedder: Embedder = build(EMBEDDERS, "minilm")
    return embedder.encode(list(texts), "query")


def _shuffled(text: str) -> str:
    words = text.split()
    random.Random(0).shuffle(words)
    return " ".join(words)


def _other_numbers(text: str) -> str:
    back = {word: digit for digit, word in DIGITS.items()}
    return " ".join(DIGITS.get(word, back.get(word, word)) for word in text.split())


LEXICAL: dict[str, Callable[[str], str]] = {
    "exact": lambda text: text,
    "case": str.upper,
    "punctuation": lambda text: "".join(char for char in text if char.isalnum() or char == " ") + " ?!",
    "word order": _shuffled,
    "truncated": lambda text: " ".join(text.split()[: max(2, round(len(text.split()) * 0.7))]),
    "numbers": _other_numbers,
}


@pytest.mark.parametrize("kind", LEXICAL)
def test_every_lexical_leak_is_found(shop: GoldenSet, kind: str) -> None:
    change = LEXICAL[kind]
    planted = {f"x{item.id}": change(item.text) for item in shop if kind != "numbers" or change(item.text) != item.text}
    assert len(planted) >= (20 if kind == "numbers" else 100)
    leaks = {leak.query_id: leak for leak in query_leaks(planted, shop, "shop")}
    assert set(leaks) == set(planted)
    # A query that is cut short may be the beginning of two.
    assert sum(leak.other_id == leak.query_id[1:] for leak in leaks.values()) >= 0.98 * len(planted)


def test_most_paraphrases_are_found(shop: GoldenSet) -> None:
    lines = PARAPHRASES.read_text("utf-8").splitlines()
    planted = {f"x{id_}": text for id_, text in (line.split("\t") for line in lines)}
    assert len(planted) >= 100
    leaks = query_leaks(planted, shop, "shop", encode=encode)
    assert sum(leak.other_id == leak.query_id[1:] for leak in leaks) >= 0.8 * len(planted)
    assert {leak.kind for leak in leaks} == {"near-duplicate", "paraphrase"}
    assert len(query_leaks(planted, shop, "shop")) < 0.2 * len(planted)  # without an embedder, only the nearest


def test_disjoint_halves_of_the_shop_raise_no_alarm(shop: GoldenSet) -> None:
    items = list(shop.items)
    random.Random(0).shuffle(items)
    first, second = items[: len(items) // 2], items[len(items) // 2 :]
    queries = {item.id: item.text for item in first}
    assert query_leaks(queries, GoldenSet(tuple(second)), "half", encode=encode) == []


@pytest.mark.slow
def test_other_collections_raise_no_alarm(shared_data: Path, shop: GoldenSet) -> None:
    cranfield = shared_data / "classic" / "cran" / "cran.qry"
    if not cranfield.is_file():
        pytest.skip("Cranfield is not among the public collections here")
    text = cranfield.read_text("latin-1")
    queries = {f"c{at}": " ".join(part.split(".W")[-1].split()) for at, part in enumerate(text.split(".I ")[1:])}
    assert len(queries) == 225
    scifact = rb.load_golden(shared_data / "scifact")
    for golden in (shop, scifact):
        assert query_leaks(queries, golden, "other", encode=encode) == []


def test_other_numbers_ask_for_other_things() -> None:
    golden = rb.GoldenSet((rb.GoldenItem("a", "hex screw 5 x 60 mm, stainless steel"),))
    leaks = query_leaks({"b": "hex screw 5 x 80 mm, stainless steel", "c": "hex screws 5x60 mm stainless steel"},
                        golden, "g", encode=encode)  # fmt: skip
    assert [leak.query_id for leak in leaks] == ["c"]


def test_queries_are_compared_in_the_language_of_the_documents() -> None:
    text = "Die Zelte werden innerhalb von dreißig Tagen zurückgenommen, wenn sie nicht benutzt wurden."
    chunks = Chunks.of([rb.Chunk("a#1", "a", text, 0, len(text))])
    golden = GoldenSet((rb.GoldenItem("q", "Wie werden die Zelte zurückgenommen?"),))
    found = guard({"x": "Zelt zurückgenommen"}, chunks, {"test": golden})
    assert [leak.kind for leak in found.leaks.values()] == ["same-words"]


def test_the_same_id_is_the_same_query(shop: GoldenSet, chunks: Chunks) -> None:
    queries = {"q001": "a query without any word of that one", "new": "quite another thing"}
    found = guard(queries, chunks, {"shop": shop})
    assert {id_: leak.kind for id_, leak in found.leaks.items()} == {"q001": "same-id"}
    assert found.leaks["q001"].set_name == "shop"


def test_documents_and_evidence_are_protected(shop: GoldenSet, chunks: Chunks) -> None:
    one = GoldenSet((shop["q001"],))
    evidence, documents = protected_chunks([one], chunks)
    named = {chunks.document_ids[at] for at in chunks.document_index[documents]}
    assert named == {e.document_id for e in shop["q001"].evidence if e.grade > 0}
    assert evidence.any()
    assert not (evidence & ~documents).any()
    # A document that is judged and not relevant stays.
    assert not documents[chunks.document_index == chunks.document_row["P002"]].any()
    found = guard({}, chunks, {"one": one}, scope="queries")
    assert not found.chunks.any()


def test_a_copy_under_another_id_is_protected() -> None:
    text = "Returns are accepted within 30 days of delivery."
    chunks = Chunks.of([
        rb.Chunk("a#1", "a", text, 0, len(text)), rb.Chunk("b#1", "b", text.upper() + "\n", 0, len(text) + 1),
        rb.Chunk("c#1", "c", "Something else.", 0, 15),
    ])  # fmt: skip
    golden = GoldenSet((rb.GoldenItem("q", "returns", evidence=(rb.Evidence("a"),)),))
    assert protected_chunks([golden], chunks)[1].tolist() == [True, True, False]


def test_evidence_is_found_by_its_span() -> None:
    parts = [rb.Chunk(f"a#{at}", "a", "x" * 10, at * 10, at * 10 + 10) for at in range(4)]
    golden = GoldenSet((rb.GoldenItem("q", "x", evidence=(rb.Evidence("a", 15, 25),)),))
    evidence, documents = protected_chunks([golden], Chunks.of(parts))
    assert documents.all()  # they have the same text, too
    parts = [rb.Chunk(f"a#{at}", "a", f"text {at}", at * 10, at * 10 + 10) for at in range(4)]
    evidence, documents = protected_chunks([golden], Chunks.of(parts))
    assert evidence.tolist() == [False, True, True, False]
    assert documents.all()


def test_a_set_of_another_corpus_protects_no_document(shop: GoldenSet, chunks: Chunks) -> None:
    assert not of_another_corpus(shop, chunks)
    documents = list(chunks.document_ids)
    random.Random(1).shuffle(documents)
    to = dict(zip(chunks.document_ids, documents, strict=True))
    moved = GoldenSet(tuple(
        rb.GoldenItem(item.id, item.text, evidence=tuple(rb.Evidence(to[e.document_id]) for e in item.evidence))
        for item in shop
    ))  # fmt: skip
    assert of_another_corpus(moved, chunks)
    found = guard({"q001": "no such words here"}, chunks, {"moved": moved})
    assert found.other_corpus == ("moved",)
    assert not found.leaks
    assert not found.chunks.any()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("twenty-five tents", ("25", "tents")),
        ("one hundred and two", ("100", "and", "2")),
        ("three thousand and seven hundred fifty", ("3000", "and", "750")),
        ("a hundred watts", ("a", "100", "watts")),
        ("1,000 m, 1,5 kg", ("1000", "m", "1.5", "kg")),
        ("it's WARM", ("its", "warm")),
        ("five six", ("5", "6")),
        ("drei Zelte", ("3", "zelte")),
    ],
)
def test_numbers_and_words_by_hand(text: str, tokens: tuple[str, ...]) -> None:
    assert tokens_of(text) == tokens


def test_stop_words_count_where_there_is_nothing_else() -> None:
    (form,) = query_forms(["who is it"])
    assert form.bag
