"""Evaluation of a masked set in several wordings: each searches a copy of its own, and the rest is embedded once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ragbench as rb
from ragbench.comparison.slices import slices
from ragbench.core.errors import SettingError

TEXTS = {
    "lamp": "The brass lamp has a linen shade. Readers enjoy the lamp at night. The lamp is of brass.",
    "kettle": "The steel kettle boils one litre. Campers carry the kettle across mountains. The kettle is of steel.",
    "boat": "The wooden boat lies in the harbour. Sailors mend its torn sail. The boat is of wood.",
    "tent": "The green tent sleeps two people. Hikers pitch it in five minutes. The tent is of nylon.",
}
SPANS = {
    "q1": ("lamp", "Readers enjoy the lamp at night", "paraphrase"),
    "q2": ("kettle", "Campers carry the kettle across mountains", "paraphrase"),
    "q3": ("boat", "boat is of wood", "short-copy"),
    "q4": ("lamp", "lamp is of brass", "short-copy"),
}
CORPUS = rb.Corpus(tuple(rb.Document(id_, text) for id_, text in TEXTS.items()), passages=True)


def item(id_: str) -> rb.GoldenItem:
    document, text, wording = SPANS[id_]
    start = TEXTS[document].index(text)
    return rb.GoldenItem(
        id_, text, evidence=(rb.Evidence(document),), masked=(rb.Span(document, start, start + len(text)),),
        source=document, metadata={"wording": wording},
    )  # fmt: skip


GOLDEN = rb.GoldenSet(tuple(map(item, SPANS)), "masked")


def evaluate(corpus: rb.Corpus | rb.Chunks, golden: rb.GoldenSet, **settings: Any) -> rb.Evaluation:
    return rb.evaluate(corpus, golden, ["bm25"], metrics="mrr@10", **settings)


def test_a_copy_lacks_what_its_wording_masks_and_nothing_else() -> None:
    copies = rb.without_masked(CORPUS, GOLDEN).copies
    assert set(copies) == {"paraphrase", "short-copy"}
    for wording, copy in copies.items():
        for document in copy.corpus:
            own = [SPANS[id_] for id_ in SPANS if SPANS[id_][0] == document.id and SPANS[id_][2] == wording]
            for _, text, _ in own:
                assert text not in document.text
            if not own:
                assert document.text == TEXTS[document.id]
        assert {one.wording for one in copy.golden} == {wording}
        assert not any(one.masked for one in copy.golden)
    with pytest.raises(rb.InputError, match=r"2 wordings.*copies\['paraphrase'\]"):
        _ = rb.without_masked(CORPUS, GOLDEN).corpus


def test_scores_are_those_of_each_wording_on_its_copy() -> None:
    whole = evaluate(CORPUS, GOLDEN).arm("bm25")
    assert whole.scores is not None
    assert whole.run is not None
    ours = dict(zip(whole.scores.query_ids, whole.scores.values[:, 0].tolist(), strict=True))
    assert list(ours) == list(SPANS), "in the order of the set"
    for copy in rb.without_masked(CORPUS, GOLDEN).copies.values():
        alone = evaluate(copy.corpus, copy.golden).arm("bm25")
        assert alone.scores is not None
        assert alone.run is not None
        for id_, value in zip(alone.scores.query_ids, alone.scores.values[:, 0].tolist(), strict=True):
            assert ours[id_] == value
            assert whole.run.to_dict()[id_] == alone.run.to_dict()[id_]


def test_documents_are_ranked_where_the_copies_are_cut_into_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBENCH_CACHE", str(tmp_path))
    cut = {"chunker": "sentence:size=8,overlap=0"}
    for from_store in (False, True):
        arm = evaluate(CORPUS, GOLDEN, **cut).arm("bm25")
        assert arm.run is not None
        assert arm.from_store is from_store
        assert arm.run.unit == "document"
        assert set(arm.run.item_ids) == set(TEXTS)
    with pytest.raises(SettingError, match="documents are judged"):
        evaluate(CORPUS, GOLDEN, level="chunk", **cut)


def test_what_no_mask_touches_is_embedded_once(tmp_path: Path) -> None:
    evaluation = rb.evaluate(CORPUS, GOLDEN, ["dense"], metrics="mrr@10", cache=tmp_path)
    # "tent" once; "lamp" is masked by both wordings; "kettle" and "boat" by one each, and once as they are.
    assert evaluation.arm("dense").notes["embedded"] == 1 + 2 + 2 + 2
    again = rb.evaluate(CORPUS, GOLDEN, ["dense"], metrics="mrr@10", cache=tmp_path)
    assert again.arm("dense").from_store


def test_the_folder_can_be_compared_by_wording(tmp_path: Path) -> None:
    rb.evaluate(CORPUS, GOLDEN, ["bm25", "bm25:b=0"], metrics="mrr@10", out=tmp_path)
    scored = rb.load_run(tmp_path)
    assert scored[0].queries.columns["wording"] == [wording for _, _, wording in SPANS.values()]
    found = slices(scored[0].queries, "wording")
    assert {part.name: part.rows.tolist() for part in found} == {
        "wording=paraphrase": [0, 1],
        "wording=short-copy": [2, 3],
    }
    evaluation = rb.evaluate(CORPUS, GOLDEN, ["bm25"], metrics="mrr@10")
    assert {name: part["queries"] for name, part in evaluation.manifest["wordings"].items()} == {
        "paraphrase": 2,
        "short-copy": 2,
    }


def test_ready_chunks_cannot_be_masked() -> None:
    with pytest.raises(rb.InputError, match="Evaluate on documents instead of ready chunks"):
        evaluate(rb.chunk(CORPUS), GOLDEN)


def test_a_service_with_documents_of_its_own_is_refused() -> None:
    evaluation = rb.evaluate(CORPUS, GOLDEN, ["command:command='python -c pass'"], metrics="mrr@10")
    [arm] = evaluation.arms
    assert arm.status == "error"
    assert "ragbench golden corpus" in str(arm.error)


def test_rankings_from_a_file_are_read_for_all_wordings(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps({id_: {"tent": 2.0, SPANS[id_][0]: 1.0} for id_ in SPANS}), encoding="utf-8")
    evaluation = rb.evaluate(CORPUS, GOLDEN, [f"run:path={path},returns=document"], metrics="mrr@10")
    [arm] = evaluation.arms
    assert arm.scores is not None
    assert not arm.warnings
    assert np.all(arm.scores.values == 0.5)


def test_a_set_without_wordings_excludes_what_it_masks_as_before() -> None:
    plain = rb.GoldenSet(tuple(rb.GoldenItem(i.id, i.text, evidence=i.evidence, masked=i.masked) for i in GOLDEN))
    with pytest.raises(rb.InputError, match="ragbench golden corpus"):
        evaluate(CORPUS, plain)
    cut = evaluate(CORPUS, plain, chunker="sentence:size=40,overlap=0").arm("bm25")
    assert cut.status == "ok"
