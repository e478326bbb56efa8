"""Export of triplets and pairs: what the rows hold, what the guard drops, the files, and wrong input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import ragbench as rb
from ragbench.core.documents import Chunks
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.learning.negatives import HARD, JUDGED, RANDOM, NegativeRules, choose_negatives

CATALOG = "shop/product_catalog.csv"
SHARED = ("--protect-scope", "queries", "--embedder", "none")


@pytest.fixture(scope="module")
def log_set(sample_data: Path) -> GoldenSet:
    return rb.export_labels(sample_data / "shop" / "log.csv").golden


@pytest.fixture(scope="module")
def log_folder(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("log") / "set"
    rb.export_labels(sample_data / "shop" / "log.csv", out=folder)
    return folder


def chunks_of(texts: list[str]) -> Chunks:
    return Chunks.of([rb.Chunk(f"c{at}", f"d{at}", text, 0, len(text)) for at, text in enumerate(texts)])


def chosen(
    rules: NegativeRules, count: int, allowed: list[int] | None = None, **scores: float
) -> list[tuple[str, int]]:
    """The negatives of one query with the positive c0, the judged negative c7, and a ranking of ``scores``."""
    words = ["red tent for two", "blue stove", "green lamp", "red tent for two", "old bike", "cat door", "pan", "saw"]
    chunks = chunks_of(words)
    run = Run.from_dict({"q": scores})
    at = {id_: row for row, id_ in enumerate(chunks.ids)}
    items = np.array([at[run.item_ids[item]] for item in run.items], dtype=np.int32)
    run = Run(run.query_ids, run.offsets, items, run.scores, chunks.ids)
    labels = Judgements(["q"], np.array([0, 2]), np.array([0, 7], np.int32), np.array([1, 0], np.int32), chunks.ids)
    free = np.ones(8, dtype=bool)
    free[[row for row in range(8) if allowed is not None and row not in allowed]] = False
    found = choose_negatives(labels, run, chunks, free, [[5]], np.array([count]), rules, np.random.default_rng(0))
    return [(chunks.ids[row], int(kind)) for row, kind in zip(found.chunk, found.origin, strict=True)]


def ranked(*args: Any, **scores: Any) -> list[tuple[str, int]]:
    """Those of `chosen` that are not random."""
    return [one for one in chosen(*args, **scores) if one[1] != RANDOM]


def test_negatives_by_hand() -> None:
    scores = {"c1": 9.8, "c0": 10.0, "c2": 9.0, "c3": 8.0, "c4": 7.0, "c5": 6.0}
    # c1 scores above .95 of the positive, c3 has its text, c5 is excluded, c7 was judged.
    rules = NegativeRules(ranks=(1, 6), margin=0.95)
    assert ranked(rules, 5, **scores) == [("c7", JUDGED), ("c2", HARD), ("c4", HARD)]
    assert ranked(rules, 2, **scores) == [("c7", JUDGED), ("c2", HARD)]
    without = NegativeRules(ranks=(1, 6), margin=None)
    assert ranked(without, 3, **scores) == [("c7", JUDGED), ("c1", HARD), ("c2", HARD)]
    assert ranked(NegativeRules(ranks=(5, 6)), 5, **scores) == [("c7", JUDGED), ("c4", HARD)]
    assert ranked(rules, 5, allowed=[0, 2], **scores) == [("c2", HARD)]  # the others are protected


def test_random_negatives_stand_in() -> None:
    found = chosen(NegativeRules(ranks=(1, 6), margin=0.95), 5, c0=10.0, c2=9.0)
    assert [kind for _, kind in found] == [JUDGED, HARD, RANDOM, RANDOM, RANDOM]
    assert len({id_ for id_, _ in found}) == 5
    assert not {id_ for id_, _ in found} & {"c0", "c5"}
    # There are no more than these.
    assert len(chosen(NegativeRules(ranks=(1, 6)), 50, c0=10.0, c2=9.0)) == 6


def test_negative_scores_have_a_margin_too() -> None:
    rules = NegativeRules(ranks=(1, 6), margin=0.9)
    assert ranked(rules, 5, c0=-1.0, c1=-1.05, c2=-1.2) == [("c7", JUDGED), ("c2", HARD)]


def test_no_score_to_compare_with_means_no_hard_negative() -> None:
    assert ranked(NegativeRules(ranks=(1, 6)), 5, c1=2.0, c2=1.0) == [("c7", JUDGED)]


def test_no_row_holds_what_is_relevant_as_a_negative(log_set: GoldenSet, sample_data: Path) -> None:
    data = rb.export_triplets(log_set, sample_data / CATALOG, protect=[sample_data / "shop"], protect_scope="queries")
    good = {(item.id, e.document_id) for item in log_set for e in item.evidence if e.grade > 0}
    documents = [data.chunks.document_ids[at] for at in data.chunks.document_index]
    for query, positive, negative in zip(data.query, data.positive, data.negative[:, 0], strict=True):
        assert (data.query_ids[query], documents[positive]) in good
        assert (data.query_ids[query], documents[negative]) not in good
    # No document is relevant in both splits.
    held = {split: {documents[row] for row in data.positive[data.rows(split)]} for split in ("train", "validation")}
    assert held["validation"]
    assert not held["train"] & held["validation"]
    # The queries that leak are gone.
    assert data.guarded.leaks
    assert not set(data.guarded.leaks) & set(data.query_ids)


def test_documents_of_protected_sets_are_in_no_row(log_set: GoldenSet, sample_data: Path) -> None:
    few = GoldenSet(tuple(rb.load_golden(sample_data / "shop").items[:30]), "few")
    data = rb.export_pairs(log_set, sample_data / CATALOG, protect=[few], embedder="none")
    protected = {e.document_id for item in few for e in item.evidence if e.grade > 0}
    used = {data.chunks.document_ids[at] for at in data.chunks.document_index[np.unique(data.positive)]}
    assert protected
    assert used
    assert not protected & used
    assert data.label is not None
    assert 3.5 < (data.label == 0).sum() / (data.label > 0).sum() <= 4


def test_dropped_queries_have_no_rows(log_set: GoldenSet, sample_data: Path) -> None:
    few = GoldenSet(tuple(rb.load_golden(sample_data / "shop").items[:30]), "few")
    data = rb.export_pairs(log_set, sample_data / CATALOG, protect=[few], embedder="none", random=2)
    dropped = {entry.item for entry in data.ledger.entries if entry.code == "protected-document"}
    assert dropped
    assert not dropped & {data.query_ids[at] for at in np.unique(data.query)}


def test_sets_of_the_same_name_are_all_protected(log_set: GoldenSet, sample_data: Path) -> None:
    items = rb.load_golden(sample_data / "shop").items
    sets = [GoldenSet(items[:99]), GoldenSet(items[99:])]
    options = {"protect_scope": "queries", "embedder": "none"}
    data = rb.export_triplets(log_set, sample_data / CATALOG, protect=sets, **options)
    whole = rb.export_triplets(log_set, sample_data / CATALOG, protect=[GoldenSet(items)], **options)
    assert len(data.guarded.sets) == 2
    assert set(data.guarded.leaks) == set(whole.guarded.leaks)


@pytest.mark.parametrize("format", ["jsonl", "parquet", "hf"])
def test_files_are_read_by_datasets_and_are_the_same_again(
    ragbench: Any, sample_data: Path, log_folder: Path, tmp_path: Path, format: str
) -> None:
    import datasets

    words = ["--corpus", sample_data / CATALOG, "--protect", sample_data / "shop", *SHARED, "--format", format]
    for name in ("first", "second"):
        done = ragbench("export", "triplets", log_folder, *words, "--out", name, "--json", cwd=tmp_path)
        assert done.code == 0, done.err
    shown = json.loads(done.out)
    first, second = (
        {str(path.relative_to(tmp_path / name)): path.read_bytes()
         for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("first", "second")
    )  # fmt: skip
    assert first == second
    if format == "hf":
        read = datasets.load_from_disk(str(tmp_path / "first"))
    else:
        read = datasets.load_dataset(str(tmp_path / "first"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(read[split]) for split in read} == shown["rows"]
    assert read["train"].column_names == ["anchor", "positive", "negative"]
    manifest = json.loads(first["manifest.json"])
    assert manifest["protection"]["sets"][0]["queries"] == 198
    assert manifest["rows"] == shown["rows"]
    sources = pq.read_table(tmp_path / "first" / "sources.parquet").to_pylist()
    golden = rb.load_golden(log_folder)
    assert (
        golden[sources[0]["query_id"]].text
        == read["train" if sources[0]["split"] == "train" else "validation"][0]["anchor"]
    )
    assert {row["origin"] for row in sources} == {"judged", "hard", "random"}


def test_another_format_replaces_the_files(
    ragbench: Any, sample_data: Path, log_folder: Path, tmp_path: Path
) -> None:  # fmt: skip
    words = ["--corpus", sample_data / CATALOG, "--protect", "none", "--embedder", "none", "--out", "rows"]
    for format in ("hf", "parquet", "jsonl"):
        assert ragbench("export", "pairs", log_folder, *words, "--format", format, cwd=tmp_path).code == 0
    names = {path.name for path in (tmp_path / "rows").iterdir() if not path.name.startswith(".")}
    assert names == {
        "README.md",
        "manifest.json",
        "dropped.jsonl",
        "sources.parquet",
        "train.jsonl",
        "validation.jsonl",
    }
    assert json.loads((tmp_path / "rows" / "manifest.json").read_text())["protection"]["sets"] == []
    assert "--protect none" in (tmp_path / "rows" / "README.md").read_text()


def test_wide_rows_have_all_negatives(log_set: GoldenSet, sample_data: Path) -> None:
    data = rb.export_triplets(
        log_set, sample_data / CATALOG, protect="none", embedder="none", layout="n-tuple", negatives=3, random=1
    )
    assert data.columns == ("anchor", "positive", "negative_1", "negative_2", "negative_3", "negative_4")
    assert data.negative.shape == (len(data), 4)
    assert all(len(set(row)) == 4 for row in data.negative.tolist())
    none = rb.export_triplets(log_set, sample_data / CATALOG, protect="none", embedder="none", negatives=0)
    assert none.columns == ("anchor", "positive")
    assert len(none) == len(data)


def test_grades_become_labels(sample_data: Path, log_set: GoldenSet) -> None:
    data = rb.export_pairs(log_set, sample_data / CATALOG, protect="none", embedder="none", labels="graded", ratio=1)
    assert data.label is not None
    assert set(data.label.tolist()) == {0.0, 0.5, 1.0}


def test_sets_below_the_folder_are_protected(
    ragbench: Any, sample_data: Path, log_folder: Path, tmp_path: Path
) -> None:  # fmt: skip
    words = ["export", "triplets", log_folder, "--corpus", sample_data / CATALOG, *SHARED]
    alone = ragbench(*words, cwd=tmp_path)
    assert alone.code == 2
    assert "--protect none" in alone.err
    assert rb.export(sample_data / "shop", "native", tmp_path / "golden" / "test")
    done = ragbench(*words, "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert [one["name"] for one in json.loads(done.out)["protection"]["sets"]] == ["golden/test"]


def test_a_set_that_the_guard_emptied_is_refused(sample_data: Path, log_set: GoldenSet) -> None:
    shop = rb.load_golden(sample_data / "shop")
    with pytest.raises(InputError, match="set that you export"):
        rb.export_triplets(shop, sample_data / CATALOG, protect=[shop], embedder="none")
    renamed = GoldenSet(tuple(shop.items[:50]), "some")
    with pytest.raises(InputError, match=r"none of the 50 queries is left.*leak-same-id: 50"):
        rb.export_triplets(renamed, sample_data / CATALOG, protect=[shop], embedder="none")


def test_wrong_options_are_refused(sample_data: Path, log_set: GoldenSet) -> None:
    wrong: list[dict[str, Any]] = [
        {"ranks": (5, 2)}, {"margin": 2}, {"validation": 1}, {"random": -1}, {"negatives": -1}, {"positives": 0},
        {"protect": ["none", "datasets/shop"]}, {"retriever": "bm26"},
    ]  # fmt: skip
    for one in wrong:
        with pytest.raises(SettingError):
            rb.export_triplets(log_set, sample_data / CATALOG, **{"protect": ["none"], "embedder": "none", **one})
