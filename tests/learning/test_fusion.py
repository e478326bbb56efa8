"""Learned fusions: the fit beside scikit-learn, the refusals, the file, and the whole command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ndcg_score

import ragbench as rb
from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError
from ragbench.core.runs import Query
from ragbench.io.fusion_models import FusionModel, read_fusion_model, write_fusion_model
from ragbench.learning.fusion import UNTRAINED, Examples, fit, learn, ndcg
from ragbench.metrics.ndcg import discount
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._signals import NAMES, Signals

SHOP = ("datasets/shop/product_catalog.csv", "datasets/shop")


def drawn(true: np.ndarray[Any, Any], queries: int = 60, candidates: int = 20, seed: int = 0) -> Examples:
    """Examples whose three best candidates by the true weights, with noise, are relevant."""
    rng = np.random.default_rng(seed)
    signals = rng.standard_normal((len(NAMES), queries, candidates)).astype(np.float32)
    scores = np.einsum("s,sqc->qc", true, signals) + rng.standard_normal((queries, candidates))
    labels = (np.argsort(np.argsort(-scores, axis=1), axis=1) < 3).astype(np.int32)
    ideal = np.full(queries, discount(3).sum())
    return Examples(signals, np.ones(labels.shape, dtype=bool), labels, ideal, [str(at) for at in range(queries)])


def test_the_fit_is_that_of_scikit_learn() -> None:
    """With the blend as the origin: a regression on pairs whose offset is the blend has no counterpart, but one without
    a penalty has.
    """
    examples = drawn(UNTRAINED + 0.5)
    ours = fit(examples, np.arange(60), 1e-9)
    x, share = [], []
    for row in range(60):
        better, worse = np.nonzero(examples.labels[row][:, None] > examples.labels[row][None, :])
        x.append((examples.signals[:, row, better] - examples.signals[:, row, worse]).T)
        share.append(np.full(len(better), 1 / len(better)))
    pairs, weight = np.concatenate(x), np.concatenate(share)
    both, y = np.concatenate([pairs, -pairs]), np.repeat([1, 0], len(pairs))
    model = LogisticRegression(C=1e9, fit_intercept=False, tol=1e-8, max_iter=2000)
    model.fit(both, y, sample_weight=np.concatenate([weight, weight]))
    assert ours == pytest.approx(model.coef_[0], rel=2e-3, abs=2e-3)


def test_ndcg_is_that_of_scikit_learn() -> None:
    examples = drawn(UNTRAINED, queries=8)
    scores = np.einsum("s,sqc->qc", UNTRAINED, examples.signals.astype(np.float64))
    expected = [ndcg_score([labels], [row], k=10) for labels, row in zip(examples.labels, scores, strict=True)]
    assert ndcg(examples, UNTRAINED) == pytest.approx(expected)


def test_a_useful_signal_is_found_and_noise_changes_nothing() -> None:
    useful = UNTRAINED.copy()
    useful[NAMES.index("title")] = 2
    learned = learn(drawn(useful))
    assert learned.strength is not None
    assert learned.weights[NAMES.index("title")] > 0.5
    assert learned.gains[learned.strength] > 0.1
    unchanged = [learn(drawn(UNTRAINED, seed=seed)).strength is None for seed in range(10)]
    assert sum(unchanged) >= 7


def test_too_few_labels_are_refused_with_the_number() -> None:
    with pytest.raises(InputError, match="at least 50"):
        learn(drawn(UNTRAINED, queries=12))


def test_signals_by_hand() -> None:
    documents = (
        rb.Document("a", "red apples grow on old trees", "Apples"),
        rb.Document("b", "trees", "Trees"),
        rb.Document("c", "the sea is blue"),
    )
    chunks: Chunks = rb.chunk(rb.Corpus(documents))
    found = Signals.build("minilm", chunks, Context())
    words = ["red", "appl"]
    assert found.words.share(words, np.array([0, 1, 2], dtype=np.int32)).tolist() == [1, 0, 0]
    # Each word is in one of three chunks, so both have the same idf.
    assert found.titles.share(words, np.array([0, 1, 2], dtype=np.int32), of=found.words).tolist() == [0.5, 0, 0]
    rows = np.array([[0, 1, 2, -1]], dtype=np.int32)
    signals = found.of([Query("q", "red apples")], rows)
    assert signals.shape == (len(NAMES), 1, 4)
    assert (signals[:, 0, 3] == 0).all()
    overlap = signals[NAMES.index("overlap"), 0, :3]
    assert overlap == pytest.approx([2**0.5, -(0.5**0.5), -(0.5**0.5)])  # (1, 0, 0), standardised
    ranks = 1 / np.log2([2, 3, 4])
    assert signals[NAMES.index("rank"), 0, :3] == pytest.approx((ranks - ranks.mean()) / ranks.std(), rel=1e-5)


def test_untrained_weights_rank_as_the_blend(tmp_path: Path) -> None:
    path = tmp_path / "fusion.json"
    write_fusion_model(FusionModel(dict(zip(NAMES, UNTRAINED.tolist(), strict=True)), "minilm"), path)
    chunks = rb.chunk(rb.load_corpus(SHOP[0]))
    queries = [Query(item.id, item.text) for item in rb.load_golden(SHOP[1])][:20]
    runs = []
    for model in ("late", f"fusion:{path}"):
        index = build(RETRIEVERS, {"name": "rerank", "of": "bm25", "depth": 10, "model": model}).index(
            chunks, Context()
        )
        runs.append(index.search(queries, 10))
    assert [list(runs[0].ranking(at)) for at in range(20)] == [
        [(item, pytest.approx(score, abs=1e-5)) for item, score in runs[1].ranking(at)] for at in range(20)
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1]", "kind"),
        ("{", "not JSON"),
        ('{"kind": "ragbench fusion", "version": 9}', "version"),
        ('{"kind": "ragbench fusion", "version": 1, "embedder": "minilm", "weights": {"bm52": 1}}', "bm52"),
        ('{"kind": "ragbench fusion", "version": 1, "embedder": "minilm", "weights": {"bm25": NaN}}', "finite"),
        ('{"kind": "ragbench fusion", "version": 1, "embedder": "minilm", "weights": {"bm25": true}}', "finite"),
        ('{"kind": "ragbench fusion", "version": 1, "embedder": "minilm", "weights": {}}', "every weight is 0"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_damaged_models_are_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        read_fusion_model(path, NAMES)


def test_rerank_reports_a_model_that_is_not_there_or_fits_another_embedder(tmp_path: Path) -> None:
    (fault,) = build(RETRIEVERS, f"rerank:model='fusion:{tmp_path}/none.json'").check()
    assert "no such file" in fault
    write_fusion_model(FusionModel({"bm25": 1.0}, "other"), tmp_path / "other.json")
    (fault,) = build(RETRIEVERS, f"rerank:model='fusion:{tmp_path}/other.json'").check()
    assert "embedder=other" in fault


def test_the_command_trains_guards_and_decides(ragbench: Any, tmp_path: Path) -> None:
    golden = rb.load_golden(SHOP[1])
    train = rb.GoldenSet(golden.items[:120], "train")
    test = rb.GoldenSet(golden.items[100:160], "test")
    found = rb.train_fusion(SHOP[0], train, tmp_path / "a", test=test, of="bm25", depth=20)
    shared = {item.id for item in golden.items[100:120]}
    assert shared <= set(found.guarded.leaks)
    assert found.queries == 120 - len(found.guarded.leaks)
    written = json.loads((tmp_path / "a" / "training.json").read_text())
    assert written["promoted"] is found.promoted
    assert found.exit_code == (3 if found.unchanged else {"pass": 0, "fail": 1, "inconclusive": 3}[found.gate.outcome])
    again = rb.train_fusion(SHOP[0], train, tmp_path / "b", test=test, of="bm25", depth=20)
    assert again.model == found.model
    compared = ragbench("compare", tmp_path / "a" / "evaluation", "--json")
    assert compared.code == 0
    refused = ragbench("train", "fusion", "--corpus", SHOP[0], "--golden", SHOP[1], "--out", tmp_path / "a")
    assert refused.code == 2


def test_an_emptied_training_set_is_refused(tmp_path: Path) -> None:
    golden = rb.load_golden(SHOP[1])
    with pytest.raises(InputError, match="nothing to learn from"):
        rb.train_fusion(SHOP[0], golden, tmp_path / "m", test=golden)
