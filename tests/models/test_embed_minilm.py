"""The default embedder: the same bytes on any number of threads, and as the unchanged model gives."""

import threading

import numpy as np
import onnxruntime
import pytest

from ragbench.models.embed.minilm import MODEL, MiniLM, _load, _package_file

TEXTS = ["", "a", "Where is my order?", "the same words again " * 9, "a long text about nothing " * 80, "🙂 naïve"] * 3


@pytest.fixture(scope="module")
def unchanged() -> onnxruntime.InferenceSession:
    """The model as its package has it, with padding mask."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(_package_file(*MODEL)), options, providers=["CPUExecutionProvider"])


def test_dropping_the_mask_changes_no_bit(unchanged: onnxruntime.InferenceSession) -> None:
    tokenizer, session = _load(256)
    for text in TEXTS[:6]:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        assert session.run(None, feed)[0].tobytes() == unchanged.run(None, feed)[0].tobytes()


def test_the_nodes_of_the_mask_are_gone() -> None:
    from ragbench.models.embed._unmasked import unmasked

    model = _package_file(*MODEL).read_bytes()
    smaller = unmasked(model)
    assert model.count(b"\x22\x05IsNaN") == 6  # field 4, the operator: once in each layer
    assert b"\x22\x05IsNaN" not in smaller
    assert model.count(b"\x22\x07Softmax") == smaller.count(b"\x22\x07Softmax") == 6
    assert unmasked(smaller) == smaller


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit_and_keep_the_order(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    counted = "ragbench.models.embed.minilm.usable_cores"
    monkeypatch.setattr(counted, lambda: 1)
    alone, tokens_alone = MiniLM().encode(TEXTS, "passage"), MiniLM().encode_tokens(TEXTS, "passage")
    one_by_one = np.concatenate([MiniLM().encode([text], "query") for text in TEXTS])
    monkeypatch.setattr(counted, lambda: threads)
    together, tokens = MiniLM().encode(TEXTS, "passage"), MiniLM().encode_tokens(TEXTS, "passage")
    assert together.tobytes() == alone.tobytes() == one_by_one.tobytes() == tokens.sentences.tobytes()
    assert tokens.vectors.tobytes() == tokens_alone.vectors.tobytes()
    assert tokens.offsets.tolist() == tokens_alone.offsets.tolist()


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_counts_every_text_and_stops_the_work(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setattr("ragbench.models.embed.minilm.usable_cores", lambda: threads)
    steps: list[int] = []
    MiniLM().encode(TEXTS, "passage", steps.append)
    assert sum(steps) == len(TEXTS)

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        MiniLM().encode(TEXTS * 20, "passage", stop)
    # Threads that other tests left may end meanwhile; none is new.
    assert set(threading.enumerate()) <= before
