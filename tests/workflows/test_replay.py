"""Run files are evaluated without a corpus and without query texts, as they are with them."""

import json
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.core.errors import InputError, SettingError

QRELS = "1 0 a 2\n1 0 b 0\n1 0 c 1\n2 0 b 1\n3 0 a 1\n3 0 c 1\n"
RUN = "1 Q0 a 1 3.0 t\n1 Q0 b 2 2.0 t\n1 Q0 c 3 1.0 t\n2 Q0 a 1 2.0 t\n2 Q0 b 2 1.0 t\n9 Q0 b 1 1.0 t\n"
OTHER = "1 Q0 c 1 3.0 u\n1 Q0 a 2 2.0 u\n2 Q0 b 1 2.0 u\n3 Q0 a 1 2.0 u\n"
ASKED = ("k", (1, 3)), ("resamples", 200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "qrels.txt").write_text(QRELS)
    (tmp_path / "one.trec").write_text(RUN)
    (tmp_path / "two.trec").write_text(OTHER)
    return tmp_path


def runs(folder: Path) -> dict[str, str]:
    return {name: f"run:path={folder / name}.trec,returns=document" for name in ("one", "two")}


def test_the_values_are_those_with_a_corpus(folder: Path) -> None:
    topics = folder / "topics.tsv"
    corpus = rb.Corpus(tuple(rb.Document(id_, f"text {id_}") for id_ in "abc"))
    alone = rb.evaluate(golden=folder / "qrels.txt", retrievers=runs(folder), **dict(ASKED))
    assert alone.queries.texts == ["", "", ""]
    topics.write_text("1\tone\n2\ttwo\n3\tthree\n")
    whole = rb.evaluate(corpus, folder / "qrels.txt", runs(folder), level="document", **dict(ASKED))
    named = rb.evaluate(golden=folder / "qrels.txt", retrievers=runs(folder), **dict(ASKED))
    assert named.queries.texts == ["one", "two", "three"]
    assert alone.queries.units == whole.queries.units == ["document:a", "document:b", "query:3"]
    for one in (alone, named):
        for arm, other in zip(one.arms, whole.arms, strict=True):
            assert arm.metrics == other.metrics
            assert arm.warnings == other.warnings
        assert [v.p for v in one.comparisons] == [v.p for v in whole.comparisons]
    assert "1 queries of its run file are not in the golden set and take no part: 9" in alone.arms[0].warnings


def test_labels_and_golden_sets_as_objects(folder: Path) -> None:
    labels = rb.Judgements.from_dict({"1": {"a": 2, "b": 0, "c": 1}, "2": {"b": 1}, "3": {"a": 1, "c": 1}})
    evidence = {id_: tuple(rb.Evidence(item, grade=grade) for item, grade in row.items())
                for id_, row in labels.to_dict().items()}  # fmt: skip
    golden = rb.GoldenSet(tuple(rb.GoldenItem(id_, "text", evidence=own) for id_, own in evidence.items()))
    found = [
        rb.evaluate(golden=one, retrievers=runs(folder), **dict(ASKED)).arm("one").metrics
        for one in (labels, golden, folder / "qrels.txt")
    ]
    assert found[0] == found[1] == found[2]


def test_excluded_items_hold_no_rank(folder: Path) -> None:
    items = (
        rb.GoldenItem("1", "x", evidence=(rb.Evidence("a"), rb.Evidence("c")), exclude=("a", "b")),
        rb.GoldenItem("2", "x", evidence=(rb.Evidence("b"),)),
    )
    done = rb.evaluate(golden=rb.GoldenSet(items), retrievers=runs(folder), metrics=["mrr", "recall@3"], resamples=100)
    assert done.arms[0].scores is not None
    assert done.arms[0].scores.values.tolist() == [[1.0, 1.0], [0.5, 1.0]]


def test_the_folder_serves_compare_gate_baseline_and_report(ragbench: Any, folder: Path) -> None:
    words = ("--retriever", "run:path=one.trec", "--retriever", "run:path=two.trec", "--resamples", "200")
    done = ragbench("eval", "--golden", "qrels.txt", *words, "--out", "out", cwd=folder)
    assert done.code == 0
    assert "3 queries; no corpus; documents are judged" in done.out
    manifest = json.loads((folder / "out" / "results.json").read_text())["manifest"]
    assert "chunks" not in manifest
    assert manifest["golden"]["labels_only"] is True
    compared = ragbench("compare", "out", "--metric", "map", cwd=folder)
    assert compared.code == 0
    assert ragbench("gate", "--baseline", "out::run:path=one.trec", "--candidate", "out::run:path=one.trec",
                    cwd=folder).code == 0  # fmt: skip
    kept = ragbench("baseline", "set", "main", "out::run:path=one.trec", cwd=folder)
    assert kept.code == 0
    assert "none, run files alone" in ragbench("baseline", "show", "main", cwd=folder).out
    page = ragbench("report", "out", "--out", "r.html", cwd=folder)
    assert page.code == 0
    assert "run files were evaluated without a corpus. Evaluate them with --corpus CORPUS" in page.err + page.out
    text = (folder / "r.html").read_text()
    assert "ragbench eval --golden GOLDEN --retriever" in text
    assert "the labels &#39;qrels&#39;" in text or "the labels &#x27;qrels&#x27;" in text


def test_what_cannot_be_done_without_a_corpus_is_said(folder: Path) -> None:
    with pytest.raises(SettingError, match="corpus= is not given, and bm25, dense need it; only run files"):
        rb.evaluate(golden=folder / "qrels.txt", retrievers=["bm25", "dense", runs(folder)["one"]])
    with pytest.raises(SettingError, match="golden= is not given"):
        rb.evaluate(retrievers=runs(folder))
    part = rb.GoldenSet((rb.GoldenItem("1", "x", evidence=(rb.Evidence("a", 0, 4),)),))
    with pytest.raises(InputError, match=r"judges or masks parts of documents for 1 queries.*Give corpus="):
        rb.evaluate(golden=part, retrievers=runs(folder))
    with pytest.raises(InputError, match="has no relevant item"):
        rb.evaluate(golden=rb.Judgements.from_dict({"1": {"a": 0}}), retrievers=runs(folder))
    with pytest.raises(SettingError, match="is labels alone, which have no query texts"):
        rb.evaluate(rb.Corpus((rb.Document("a", "x"),)), rb.Judgements.from_dict({"1": {"a": 1}}), ["bm25"])


def test_a_depth_cuts_every_ranking(folder: Path) -> None:
    spec = f"run:path={folder / 'one.trec'}"
    whole, cut = rb.evaluate(golden=folder / "qrels.txt", retrievers=[spec, f"{spec},depth=1"], metrics=["map"],
                             resamples=100).arms  # fmt: skip
    assert whole.scores is not None
    assert cut.scores is not None
    assert whole.scores.values[:, 0].tolist() == [pytest.approx((1 + 2 / 3) / 2), 0.5, 0.0]
    assert cut.scores.values[:, 0].tolist() == [0.5, 0.0, 0.0]
    with pytest.raises(SettingError, match="depth is 0; it must be at least 1"):
        rb.evaluate(golden=folder / "qrels.txt", retrievers=[f"{spec},depth=0"])
