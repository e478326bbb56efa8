"""The known-item writer: words of the target, and the warning that goes with them."""

import pytest

from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.golden.known_item import LONGEST, SHORTEST, WARNING, write

TEXTS = [
    "The brass lamp swings over the linen chair.",
    "A steel kettle boils water for tea and soup.",
    "Wool blankets keep campers warm in winter.",
]


def chunks_of(*texts: str) -> Chunks:
    return Chunks.of(Chunk(f"c{i}", f"d{i}", text, 0, len(text)) for i, text in enumerate(texts))


def test_words_come_from_the_target() -> None:
    for draft, text in zip(write(chunks_of(*TEXTS), noise=0.0), TEXTS, strict=True):
        words = draft.text.split()
        assert SHORTEST <= len(words) <= LONGEST
        assert len(set(words)) == len(words)
        assert all(word in text.lower() for word in words)
        assert "the" not in words
        assert draft.provenance["warning"] == WARNING
        assert (draft.evidence[0].start, draft.evidence[0].end) == (0, len(text))


def test_noise_comes_from_elsewhere_and_the_seed_decides() -> None:
    drawn = [word for draft in write(chunks_of(*TEXTS), noise=1.0, seed=2) for word in draft.text.split()]
    assert any(word not in TEXTS[0].lower() for word in drawn)
    assert write(chunks_of(*TEXTS), count=2, seed=5) == write(chunks_of(*TEXTS), count=2, seed=5)
    assert [d.text for d in write(chunks_of(*TEXTS), seed=1)] != [d.text for d in write(chunks_of(*TEXTS), seed=2)]


def test_wrong_input() -> None:
    with pytest.raises(SettingError, match="noise is 2"):
        write(chunks_of(*TEXTS), noise=2)
    with pytest.raises(SettingError, match="count is 0"):
        write(chunks_of(*TEXTS), count=0)
    with pytest.raises(InputError, match="no chunk has 3"):
        write(chunks_of("The a of.", "Lamp."))
