"""Every chunker on every text: exact offsets, order, nothing but white space left out."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_text_splitters import CharacterTextSplitter, RecursiveCharacterTextSplitter

from ragbench import plugins
from ragbench.core.documents import Corpus, Document
from ragbench.core.errors import InputError, SettingError
from ragbench.corpus.boundaries import sentence_spans, split_spans
from ragbench.corpus.chunk import USUAL, choose_chunker, chunk
from ragbench.corpus.chunkers.base import Chunker
from ragbench.corpus.chunkers.fixed import FixedChunker
from ragbench.corpus.chunkers.markdown import MarkdownChunker
from ragbench.corpus.chunkers.recursive import SEPARATORS, RecursiveChunker
from ragbench.corpus.chunkers.semantic import SemanticChunker
from ragbench.corpus.chunkers.sentence import SentenceChunker
from ragbench.corpus.chunkers.whole import WholeChunker

WORDS = ["a", "the ", "word ", "Wort. ", "End? ", "Dr. ", "e.g. ", "...", "x" * 40, "é", "e\u0301", "。", "漢字"]
SPACES = ["\n", "\n\n", "\r\n", "\r\n\r\n", "\r", " ", "\t", "  ", "\u00a0", "\u2028", "\x1c", "\x1f", "\x85", "\0"]
MARKS = ["# Head\n", "## Sub\n", "Title\n===\n", "```\n", "- item\n", "😀", "👩‍👩‍👧 "]
PIECES = st.sampled_from([*WORDS, *SPACES, *MARKS])
TEXTS = st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=120).map("".join))


def build(name: str, draw: Any) -> Chunker:
    size = draw(st.integers(2, 60))
    overlap = draw(st.integers(0, size - 1))
    return {
        "fixed": lambda: FixedChunker(size, overlap),
        "recursive": lambda: RecursiveChunker(size, overlap),
        "titles": lambda: RecursiveChunker(size, overlap, join_titles=True),
        "sentence": lambda: SentenceChunker(size, draw(st.integers(0, 3))),
        "markdown": lambda: MarkdownChunker(size, overlap, draw(st.integers(1, 6))),
        "whole": WholeChunker,
    }[name]()


def check(text: str, spans: list[tuple[int, int]]) -> None:
    covered = np.zeros(len(text), dtype=bool)
    for before, (start, end) in zip([(-1, -1), *spans], spans, strict=False):
        assert before < (start, end)
        assert text[start:end].strip()
        covered[start:end] = True
    assert not "".join(char for char, seen in zip(text, covered, strict=True) if not seen).strip()


@pytest.mark.parametrize("name", ["fixed", "recursive", "titles", "sentence", "markdown", "whole"])
@settings(max_examples=150, deadline=None)
@given(text=TEXTS, data=st.data())
def test_chunkers_keep_offsets_order_and_every_character(name: str, text: str, data: st.DataObject) -> None:
    chunker = build(name, data.draw)
    spans = chunker.spans(Document("d", text))
    check(text, spans)
    if name != "whole":
        assert max((end - start for start, end in spans), default=0) <= chunker.size  # type: ignore[attr-defined]
    if not spans:
        with pytest.raises(InputError):
            chunk(Corpus((Document("d", text),)), chunker)
        return
    for piece in chunk(Corpus((Document("d", text),)), chunker)[0]:
        assert text[piece.start : piece.end] == piece.text


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, size=st.integers(2, 60), share=st.floats(0, 0.99))
def test_recursive_gives_the_chunks_of_langchain(text: str, size: int, share: float) -> None:
    overlap = int(size * share)
    theirs = RecursiveCharacterTextSplitter(chunk_size=size, chunk_overlap=overlap).split_text(text)
    pieces = split_spans(text, size, overlap, SEPARATORS)
    assert [text[a:b] for a, b in pieces] == theirs
    # LangChain repeats a piece whose neighbour differs in white space alone.
    assert RecursiveChunker(size, overlap).spans(Document("d", text)) == sorted(set(pieces))


def test_recursive_finds_the_place_where_the_text_repeats_itself() -> None:
    # A search for the chunk's text would stop at the first of these.
    text = "again and again " * 50
    spans = RecursiveChunker(64, 20).spans(Document("d", text))
    check(text, spans)
    assert spans[-1][1] == len(text.rstrip())


def test_fixed_by_hand() -> None:
    text = "abcdefghij"
    assert FixedChunker(4, 1).spans(Document("d", text)) == [(0, 4), (3, 7), (6, 10)]
    assert FixedChunker(4, 0).spans(Document("d", text)) == [(0, 4), (4, 8), (8, 10)]
    assert FixedChunker(10, 3).spans(Document("d", text)) == [(0, 10)]
    assert FixedChunker(2, 0).spans(Document("d", "ab  cd")) == [(0, 2), (4, 6)]


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="abcdé😀", max_size=80), size=st.integers(1, 20), share=st.floats(0, 0.99))
def test_fixed_is_langchains_character_splitter(text: str, size: int, share: float) -> None:
    overlap = int(size * share)
    splitter = CharacterTextSplitter(separator="", chunk_size=size, chunk_overlap=overlap)
    assert [text[a:b] for a, b in FixedChunker(size, overlap).spans(Document("d", text))] == splitter.split_text(text)


def test_sentences_by_hand() -> None:
    text = (
        "Dr. Smith et al. (2020) found 3.5 mg. J. R. Tolkien agreed, e.g. in Fig. 3. Was it? "
        '"Yes!" he said. U.S. troops left.\nThis is vitamin C. The end... or not. 第一句。第二句！\n\n'
        "# Heading\n- one\n- two"
    )
    assert [text[a:b] for a, b in sentence_spans(text)] == [
        "Dr. Smith et al. (2020) found 3.5 mg.",
        "J. R. Tolkien agreed, e.g. in Fig. 3.",
        "Was it?",
        '"Yes!" he said.',
        "U.S. troops left.",
        "This is vitamin C.",
        "The end... or not.",
        "第一句。",
        "第二句！",
        "# Heading",
        "- one",
        "- two",
    ]


def test_sentences_of_hostile_text_take_linear_time() -> None:
    for text in ("." * 200_000 + "a", "\n" * 200_000, "\n" + " " * 200_000 + "a", "a." * 100_000, '."' * 100_000):
        assert len(sentence_spans(text)) <= 1


def test_sentence_groups_by_hand() -> None:
    text = "One one. Two two. Three three. Four."
    document = Document("d", text)

    def pieces(size: int, overlap: int) -> list[str]:
        return [text[a:b] for a, b in SentenceChunker(size, overlap).spans(document)]

    assert pieces(18, 0) == ["One one. Two two.", "Three three. Four."]
    assert pieces(24, 1) == ["One one. Two two.", "Two two. Three three.", "Three three. Four."]
    assert pieces(18, 1) == ["One one. Two two.", "Three three. Four."]


def test_markdown_sections_by_hand() -> None:
    text = "intro\n\n# A\n\n## B\nbody b\n```\n# no heading\n```\n### C\nbody c\n\nSetext\n------\nbody d\n- not\n---\n"
    document = Document("d", text)

    def pieces(**how: int) -> list[str]:
        return [text[a:b] for a, b in MarkdownChunker(**how).spans(document)]

    assert pieces() == [
        "intro",
        "# A\n\n## B\nbody b\n```\n# no heading\n```",
        "### C\nbody c",
        "Setext\n------\nbody d\n- not\n---",
    ]
    assert pieces(level=1) == ["intro", text[7:].strip()]
    assert max(map(len, pieces(size=12))) <= 12


@pytest.mark.parametrize("chunker", [MarkdownChunker(2, 1), RecursiveChunker(2, 1)])
@pytest.mark.parametrize("text", ["` =\x1f0", "0\r0\x1f0"])
def test_a_piece_is_not_repeated_where_control_characters_surround_it(chunker: Chunker, text: str) -> None:
    spans = chunker.spans(Document("d", text))
    check(text, spans)
    assert len(set(spans)) == len(spans)


def test_semantic_cuts_where_the_subject_changes() -> None:
    whales = "Whales are mammals that live in the sea. They breathe air through blowholes. A whale calf drinks milk."
    tax = "Income tax is due in April. The tax office charges interest on late payment. Deductions lower the tax."
    document = Document("d", f"{whales} {tax}")
    spans = SemanticChunker(percentile=80, buffer=0).spans(document)
    check(document.text, spans)
    assert [document.text[a:b] for a, b in spans] == [whales, tax]
    assert max(b - a for a, b in SemanticChunker(size=50).spans(document)) <= 50
    assert SemanticChunker().spans(Document("d", " \n")) == []


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("fixed:size=0", "size must be at least 1"),
        ("fixed:size=10,overlap=10", "overlap must be from 0 to size - 1 = 9"),
        ("recursive:overlap=-1", "overlap must be"),
        ("recursive:size=1,overlap=0", "size must be at least 2"),
        ("markdown:level=7", "level must be from 1 to 6"),
        ("sentence:overlap=-1", "overlap counts sentences"),
        ("semantic:percentile=101", "percentile must be from 0 to 100"),
        ("semantic:buffer=-1", "buffer must not be below 0"),
        ("fixed:sise=3", "did you mean 'size'"),
        ("auto:size=3", "auto has no settings"),
        ("recusive", "did you mean 'recursive'"),
    ],
)
def test_wrong_settings(written: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        choose_chunker(written, passages=False)


def test_auto_leaves_passages_whole() -> None:
    assert choose_chunker("auto", passages=True) == (WholeChunker(), "whole")
    assert choose_chunker("auto", passages=False) == (RecursiveChunker(join_titles=True), USUAL)
    assert choose_chunker("fixed:size=300,overlap=30", passages=True).chunker == FixedChunker(300, 30)
    assert list(plugins.names(plugins.CHUNKERS)) == ["fixed", "markdown", "recursive", "semantic", "sentence", "whole"]


LONG = " ".join(f"word{n}" for n in range(60))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (f"# Title\n\n{LONG}", "# Title\n\nword0"),
        (f"Title of a page\n\n{LONG}", "Title of a page\n\nword0"),
        (f"# Title\n\n## Part\n\n{LONG}", "# Title\n\n## Part\n\nword0"),
        (f"Title\n=====\n\n{LONG}", "Title\n=====\n\nword0"),
        (f"## Part\n{LONG}", "## Part\nword0"),
        (f"{LONG}.\n\n## Part\n\n{LONG}", "word0"),
        (f"A sentence of its own.\n\n{LONG}", "A sentence of its own."),
    ],
)
def test_titles_are_joined_to_the_text_below(text: str, first: str) -> None:
    document = Document("d", text)
    spans = RecursiveChunker(100, 20, join_titles=True).spans(document)
    pieces = [text[start:end] for start, end in spans]
    assert pieces[0].startswith(first)
    assert max(map(len, pieces)) <= 100
    titles = ("# Title", "## Part", "Title", "Title of a page", "Title\n=====", "# Title\n\n## Part")
    assert not set(pieces) & set(titles)
    alone = [text[start:end] for start, end in RecursiveChunker(100, 20).spans(document)]
    assert first.startswith(("A sentence", "word0")) or set(alone) & set(titles)


def test_chunk_ids_order_and_ledger() -> None:
    corpus = Corpus((Document("b", "12345", "T"), Document("empty", " \n "), Document("a", "67")))
    chunks, ledger = chunk(corpus, FixedChunker(3, 0))
    assert list(chunks.ids) == ["b#0", "b#1", "a#0"]
    assert [c.title for c in chunks] == ["T", "T", ""]
    assert [c.text for c in chunks] == ["123", "45", "67"]
    assert chunks.document_index.tolist() == [0, 0, 1]
    assert [(entry.item, entry.code) for entry in ledger.entries] == [("empty", "no-chunk")]
    assert list(chunk(corpus, WholeChunker())[0].ids) == ["b", "a"]


@pytest.mark.parametrize("spans", [[(0, 0)], [(0, 99)], [(-1, 2)], [(2, 4), (0, 2)], [(1, 2), (1, 2)], [(2, 3)]])
def test_a_chunker_that_breaks_its_contract_is_named(spans: list[tuple[int, int]]) -> None:
    class Wrong(Chunker):
        def spans(self, document: Document) -> list[tuple[int, int]]:
            return spans

    with pytest.raises(SettingError, match="Wrong returned a bad span"):
        chunk(Corpus((Document("d", "ab cde"),)), Wrong())
