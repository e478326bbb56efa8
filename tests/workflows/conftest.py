import pytest

from ragbench.core.documents import Chunk, Chunks
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet

WORDS = ["apple", "banana", "cherry", "damson", "elder", "fig", "grape", "hazel"]


@pytest.fixture
def chunks() -> Chunks:
    """Eight documents; each names its own word three times and its right neighbour's once."""
    texts = [f"{word} {word} {word} {WORDS[(i + 1) % 8]}" for i, word in enumerate(WORDS)]
    return Chunks.of(Chunk(word, word, text, 0, len(text)) for word, text in zip(WORDS, texts, strict=True))


@pytest.fixture
def golden() -> GoldenSet:
    """Asks for each word; its own document has grade 2, the left neighbour, which names it once, grade 1."""
    return GoldenSet(
        tuple(
            GoldenItem(f"q{i}", word, evidence=(Evidence(word, grade=2), Evidence(WORDS[i - 1], grade=1)))
            for i, word in enumerate(WORDS)
        )
    )
