"""The langchain embedder: a real provider client against a loopback server, and objects by import path."""

import time

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from openai_server import Server, serving, vector

from ragbench.core.errors import ArmError, InputError, MissingExtra, SettingError
from ragbench.models.embed.langchain import LangChain
from ragbench.plugins import EMBEDDERS, build

TEXTS = [f"text {n}" for n in range(10)]
READY = DeterministicFakeEmbedding(size=12)


class Asymmetric(Embeddings):
    """Queries and passages get other vectors; counts its calls and fails the first ones if asked to."""

    def __init__(self, width: int = 3, failures: int = 0, wrong: str = "") -> None:
        self.width, self.failures, self.wrong, self.calls = width, failures, wrong, 0

    def embed_query(self, text: str) -> list[float]:
        self._step()
        return [1.0] + [0.0] * (self.width - 1)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self._step()
        if self.wrong == "count":
            texts = texts[1:]
        rows = [[0.0] * (self.width - 1) + [float(text.split()[-1]) + 1] for text in texts]
        if self.wrong == "nan":
            rows[0][0] = float("nan")
        if self.wrong == "ragged":
            rows[0].pop()
        return rows

    def _step(self) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise ConnectionError(f"try {self.calls} failed")


def lc(name: str, **settings) -> LangChain:
    return LangChain(object=f"{__name__}:{name}", backoff=0, **settings)


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_providers_model_by_name(monkeypatch) -> None:
    pytest.importorskip("langchain_openai", reason="needs the extra openai")
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    with serving(Server()) as server:
        params = {"base_url": server.url, "check_embedding_ctx_length": False}
        embedder = build(EMBEDDERS, {"name": "langchain", "model": "openai:tiny", "params": params, "batch_size": 4})
        done: list[int] = []
        passages = embedder.encode(TEXTS, "passage", done.append)
        query = embedder.encode(["text 3"], "query")
    assert passages.dtype == np.float32
    np.testing.assert_allclose(passages, unit([vector(text) for text in TEXTS]), atol=1e-6)
    np.testing.assert_allclose(query[0], passages[3], atol=1e-6)
    assert done == [4, 4, 2]
    assert sorted(len(asked["input"]) for asked in server.asked) == [1, 2, 4, 4]
    assert server.asked[0]["key"] == "Bearer from-the-environment"


def test_an_object_and_a_function_by_import_path() -> None:
    expected = unit(READY.embed_documents(TEXTS))
    np.testing.assert_allclose(lc("READY").encode(TEXTS, "passage"), expected, atol=1e-6)
    made = lc("Asymmetric", params={"width": 5})
    assert made.encode(TEXTS[:1], "passage").tolist() == [[0, 0, 0, 0, 1]]
    assert made.encode(TEXTS[:2], "query").tolist() == [[1, 0, 0, 0, 0]] * 2
    with pytest.raises(SettingError, match="not an Embeddings"):
        lc("unit", params={"rows": [[1.0]]}).encode(TEXTS, "passage")


def test_no_texts() -> None:
    assert lc("READY").encode([], "passage").shape[0] == 0


def test_order_is_kept_when_requests_overtake_each_other() -> None:
    embedded = lc("Slower", batch_size=1, concurrency=4).encode(TEXTS, "passage")
    np.testing.assert_allclose(embedded, unit([[n, 1] for n in range(10)]), atol=1e-6)


class Slower(Asymmetric):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        number = float(texts[0].split()[-1])
        time.sleep(0.03 if number % 2 == 0 else 0)
        return [[number, 1.0]]


def test_failures_are_tried_again_and_then_told() -> None:
    assert lc("Asymmetric", params={"failures": 2}).encode(TEXTS, "passage").shape == (10, 3)
    with pytest.raises(ArmError, match="after 2 attempts: ConnectionError: try"):
        lc("Asymmetric", params={"failures": 99}, retries=1).encode(TEXTS, "passage")


@pytest.mark.parametrize(
    ("wrong", "said"), [("count", "9 vectors for 10"), ("nan", "not finite"), ("ragged", "no table")]
)
def test_vectors_that_cannot_be_used(wrong, said) -> None:
    with pytest.raises(ArmError, match=said):
        lc("Asymmetric", params={"wrong": wrong}).encode(TEXTS, "passage")


def test_settings_that_cannot_be() -> None:
    for settings in ({}, {"model": "openai:x", "object": "a:b"}, {"model": "no-provider"}):
        with pytest.raises(SettingError, match="provider:name"):
            LangChain(**settings)
    with pytest.raises(SettingError, match="environment") as caught:
        LangChain("openai:x", params={"openai_api_key": "sk-1"})
    assert "sk-1" not in str(caught.value)
    with pytest.raises((InputError, MissingExtra)):
        LangChain("nosuchprovider:x").encode(TEXTS, "passage")


def test_fingerprint_follows_name_arguments_and_revision() -> None:
    one = LangChain("openai:a")
    assert one.fingerprint() == LangChain("openai:a", batch_size=2, retries=0).fingerprint()
    others = [
        LangChain("openai:b"),
        LangChain("openai:a", params={"dimensions": 8}),
        LangChain("openai:a", revision="2"),
    ]
    assert len({one.fingerprint(), *(other.fingerprint() for other in others)}) == 4
